//! The lists: experiments, trials, data sets, graphs, events.

use std::process::ExitCode;

use atsre_domain::Position;
use atsre_store::{Store, rfc3339};
use serde_json::{Value, json};

use crate::cli::{Events, Filter};
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// `atsre experiments`.
///
/// # Errors
/// What the user is told.
pub async fn experiments(config: &Config, filter: &Filter, json: bool) -> Result<ExitCode, Failure> {
    const SQL: &str = "SELECT to_jsonb(x) FROM (SELECT experiment_id, dataset_name, experiment_name, hypothesis, objective, status, \
         target, horizon, reasoner, best_trial_id, error, created_at, ended_at, input_erased_at, agent_reasoning FROM experiments e \
         WHERE ($1::bigint IS NULL OR e.experiment_id = $1) AND ($2::text IS NULL OR e.dataset_name = $2) \
         AND ($3::text IS NULL OR lower(e.status) = lower($3)) ORDER BY e.experiment_id DESC LIMIT $4) x";
    let columns = [
        ("id", "experiment_id"),
        ("name", "experiment_name"),
        ("data set", "dataset_name"),
        ("objective", "objective"),
        ("status", "status"),
        ("best trial", "best_trial_id"),
        ("created", "created_at"),
        ("data erased", "input_erased_at"),
        ("hypothesis", "hypothesis"),
    ];
    list(config, filter, json, SQL, &columns).await
}

/// `atsre trials`.
///
/// # Errors
/// What the user is told.
pub async fn trials(config: &Config, filter: &Filter, json: bool) -> Result<ExitCode, Failure> {
    const SQL: &str = "SELECT to_jsonb(x) FROM (SELECT t.*, e.dataset_name, m.value AS mase FROM trials t \
         JOIN experiments e ON e.experiment_id = t.experiment_id \
         LEFT JOIN model_metrics m ON m.trial_id = t.trial_id AND m.metric = 'mase' AND m.split = 'backtest' \
         WHERE ($1::bigint IS NULL OR t.experiment_id = $1) AND ($2::text IS NULL OR e.dataset_name = $2) \
         AND ($3::text IS NULL OR lower(t.status) = lower($3)) ORDER BY t.trial_id DESC LIMIT $4) x";
    let columns = [
        ("id", "trial_id"),
        ("experiment", "experiment_id"),
        ("no", "trial_no"),
        ("framework", "framework"),
        ("model", "model_name"),
        ("role", "role"),
        ("status", "status"),
        ("attempt", "attempt"),
        ("MASE", "mase"),
        ("error", "error"),
    ];
    list(config, filter, json, SQL, &columns).await
}

/// `atsre datasets`.
///
/// # Errors
/// What the user is told.
pub async fn datasets(config: &Config, filter: &Filter, json: bool) -> Result<ExitCode, Failure> {
    const SQL: &str = "SELECT to_jsonb(x) FROM (SELECT dataset_id, name, version, table_name, clean_table_name, rows, statistics, created_at, erased_at \
         FROM datasets d WHERE ($1::bigint IS NULL OR EXISTS (SELECT FROM experiments e WHERE e.experiment_id = $1 AND e.dataset_name = d.name)) \
         AND ($2::text IS NULL OR d.name = $2) AND $3::text IS NULL ORDER BY d.dataset_id DESC LIMIT $4) x";
    let columns = [
        ("id", "dataset_id"),
        ("name", "name"),
        ("version", "version"),
        ("rows", "rows"),
        ("raw table", "table_name"),
        ("clean table", "clean_table_name"),
        ("created", "created_at"),
        ("erased", "erased_at"),
    ];
    list(config, filter, json, SQL, &columns).await
}

/// `atsre graphs`.
///
/// # Errors
/// What the user is told.
pub async fn graphs(config: &Config, filter: &Filter, json: bool) -> Result<ExitCode, Failure> {
    const SQL: &str = "SELECT to_jsonb(x) FROM (SELECT graph_id, dataset_name, target, discovery_algorithm, significance_level, identified_drivers, \
         interpretation, created_at, graph_structure, adjacency_matrix FROM causal_graphs g \
         WHERE ($1::bigint IS NULL OR EXISTS (SELECT FROM experiments e WHERE e.experiment_id = $1 AND e.dataset_name = g.dataset_name)) \
         AND ($2::text IS NULL OR g.dataset_name = $2) AND $3::text IS NULL ORDER BY g.graph_id DESC LIMIT $4) x";
    let columns = [
        ("id", "graph_id"),
        ("data set", "dataset_name"),
        ("target", "target"),
        ("algorithm", "discovery_algorithm"),
        ("alpha", "significance_level"),
        ("interpretation", "interpretation"),
    ];
    list(config, filter, json, SQL, &columns).await
}

async fn list(
    config: &Config,
    filter: &Filter,
    json: bool,
    sql: &str,
    columns: &[(&str, &str)],
) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    for projection in atsre_projections::PROJECTIONS {
        atsre_projections::runner::catch_up(&store, projection).await?;
    }
    let experiment = match &filter.experiment {
        Some(named) => Some(experiment_id(&store, named).await?),
        None => None,
    };
    let rows: Vec<Value> = sqlx::query_scalar(sql)
        .bind(experiment)
        .bind(&filter.dataset)
        .bind(&filter.status)
        .bind(i64::from(filter.limit))
        .fetch_all(store.pool())
        .await?;
    store.close().await;
    if json {
        output::json(&rows)?;
    } else {
        let header: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
        let cells = rows.iter().map(|row| columns.iter().map(|(_, key)| shown(&row[*key])).collect());
        output::say(output::table(&header, &[], cells.collect()));
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => {
            text.get(..19).filter(|_| text.len() >= 25 && text.get(10..11) == Some("T")).unwrap_or(text).to_owned()
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() => format!("{float:.4}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

async fn experiment_id(store: &Store, named: &str) -> Result<i64, Failure> {
    let stream = node::find_experiment(store, named).await?;
    let summary = store.log().summary("experiment", &stream).await?;
    let position = summary.ok_or_else(|| Failure::usage(format!("there is no experiment {named:?}")))?.created_at;
    Ok(i64::try_from(position.0)?)
}

/// `atsre events`.
///
/// # Errors
/// What the user is told.
pub async fn events(config: &Config, filter: &Events, json: bool) -> Result<ExitCode, Failure> {
    const PAGE: usize = 1_000;
    let store = node::open_store(config).await?;
    let stream = match &filter.experiment {
        Some(named) => Some(node::find_experiment(&store, named).await?),
        None => None,
    };
    let mut found = Vec::new();
    let mut after = Position(filter.after);
    'pages: loop {
        let page = store.log().read(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for event in page {
            let wanted = stream.as_ref().is_none_or(|stream| *stream == event.stream)
                && filter.event_type.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&event.event_type));
            if wanted {
                found.push(event);
                if found.len() >= filter.limit as usize {
                    break 'pages;
                }
            }
        }
    }
    store.close().await;
    if json {
        let values: Vec<Value> = found
            .iter()
            .map(|event| {
                let metadata = event.envelope()?;
                Ok(json!({
                    "position": event.position, "stream_type": event.stream_type, "stream": event.stream,
                    "sequence": event.sequence, "type": event.event_type, "version": event.version(),
                    "recorded_at": rfc3339(event.recorded_at), "actor": metadata.actor, "causation": metadata.causation(),
                    "hash": atsre_store::hash::hex(&event.hash), "payload": event.json()?,
                }))
            })
            .collect::<Result<_, atsre_store::Error>>()?;
        output::json(&values)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = found.iter().map(|event| {
        let actor = event.envelope().map_or_else(|_| "?".to_owned(), |metadata| metadata.actor);
        let payload: String = event.payload.chars().take(90).collect();
        let time = rfc3339(event.recorded_at);
        let time = time.get(..23).unwrap_or(&time).to_owned();
        vec![event.position.to_string(), time, event.stream_type.clone(), actor, event.event_type.clone(), payload]
    });
    output::say(output::table(&["position", "recorded", "stream", "actor", "type", "payload"], &[0], rows.collect()));
    Ok(ExitCode::SUCCESS)
}
