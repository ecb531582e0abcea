//! `atsre state`: everything that was known of an experiment at a past moment.

use std::process::ExitCode;

use atsre_domain::dataset;
use atsre_domain::experiment::{Experiment, TrialState};
use atsre_domain::failure::Usage;
use atsre_domain::metric::{Metric, Split};
use atsre_domain::policy::best::{self, score};
use atsre_replay::state::{AsOf, as_of, events_as_of};
use atsre_store::rfc3339;
use serde_json::{Value, json};

use super::moment;
use crate::cli::State;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, asked: &State, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let stream = node::find_experiment(&store, &asked.experiment).await?;
    let at = match &asked.at {
        Some(moment) => moment::position(&store, moment).await?,
        None => store.log().head().await?.position,
    };
    if let Some(table) = &asked.table {
        let events = events_as_of(&store, &stream, at).await?;
        let rows = atsre_projections::rows_as_of(&store, table, &events).await?;
        store.close().await;
        if json {
            output::json(&rows)?
        } else {
            print_rows(&rows)
        }
        return Ok(ExitCode::SUCCESS);
    }
    let known = as_of(&store, &stream, at).await.map_err(|error| match error {
        atsre_store::Error::NotFound(_) => {
            Failure::usage(format!("experiment {} had no event yet at position {at}", asked.experiment))
        }
        other => other.into(),
    })?;
    store.close().await;
    if json {
        output::json(&document(&known))?
    } else {
        print(&known)
    }
    Ok(ExitCode::SUCCESS)
}

fn document(known: &AsOf) -> Value {
    let experiment = &known.experiment;
    let version = known.version.as_ref();
    let profile = version.and_then(|v| v.profiled.as_ref());
    let graph = graph(known);
    json!({
        "at": known.at,
        "last": known.last,
        "recorded_at": rfc3339(known.recorded_at),
        "experiment_id": known.experiment_id,
        "status": experiment.status(),
        "stage": stage(experiment, version),
        "opened": experiment.opened,
        "forked": experiment.forked,
        "profile": profile,
        "rules": version.and_then(|v| v.rules.as_ref()),
        "cleaned": version.and_then(|v| v.cleaned.as_ref()),
        "graph": graph,
        "plan": experiment.proposed,
        "trials": experiment.trials.iter().map(|(number, trial)| json!({
            "trial_no": number,
            "trial_id": known.trial_id(*number),
            "model": trial.spec.model,
            "role": trial.role,
            "attempt": trial.attempt,
            "status": status(&trial.state),
            "scores": match &trial.state { TrialState::Completed { scores, .. } => json!(scores), _ => Value::Null },
            "failures": trial.failures.iter().map(|f| json!({
                "attempt": f.attempt, "kind": f.failure.kind.name(), "message": f.failure.message,
                "healed": f.healed.as_ref().map(|(diagnosis, changes)| json!({ "diagnosis": diagnosis, "changes": changes })),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "ensemble": experiment.ensemble,
        "best": best::best(experiment).and_then(|number| known.trial_id(number)),
        "fallbacks": experiment.fallbacks,
        "input_erased": experiment.input_erased,
        "spent": { "wall_ms": wall_ms(known), "budget_ms": experiment.opened.as_ref().map(|o| o.budget.wall_ms),
                   "trials": spent(experiment) },
    })
}

fn print(known: &AsOf) {
    let experiment = &known.experiment;
    let version = known.version.as_ref();
    output::say(format!(
        "Experiment {} as of position {} ({})",
        known.experiment_id,
        known.at,
        rfc3339(known.recorded_at)
    ));
    output::say(format!("  {}; stage: {}", experiment.status(), stage(experiment, version)));
    if let Some(opened) = &experiment.opened {
        output::say(format!(
            "  {} of {} steps of {} in {} version {}; seed {}",
            opened.objective.name(),
            opened.horizon,
            opened.target,
            opened.dataset.name,
            opened.dataset.version,
            opened.seed.0
        ));
        let spent = spent(experiment);
        output::say(format!(
            "  spent {:.1} s of {:.0} s, {:.1} s of processor time, {:.1} J",
            wall_ms(known) as f64 / 1000.0,
            opened.budget.wall_ms as f64 / 1000.0,
            spent.cpu_ms as f64 / 1000.0,
            spent.energy_mj as f64 / 1000.0
        ));
    }
    if let Some(forked) = &experiment.forked {
        output::say(format!("  a fork: {}", forked.reason));
    }
    if let Some(erased) = &experiment.input_erased {
        output::say(format!(
            "  ! its data were erased at position {} ({}): results, forecasts and reports are gone with them",
            erased.erased_at_position, erased.why
        ));
    } else if let Some(why) = version.and_then(|v| v.erased.as_ref()) {
        output::say(format!("  ! its data were erased ({why}), and the experiment has not taken note of it yet"));
    }
    match version.and_then(|v| v.profiled.as_ref()) {
        Some(profile) => profile.findings.iter().for_each(|finding| output::say(format!("  profile: {finding}"))),
        None => output::say("  profile: not known yet"),
    }
    match graph(known) {
        Some(graph) => output::say(format!("  causal graph ({}): {}", graph.algorithm, graph.interpretation)),
        None => output::say("  causal graph: not known yet"),
    }
    match &experiment.proposed {
        Some(proposed) => {
            output::say(format!("  plan ({:?}): {}", experiment.approval, proposed.plan.hypothesis));
        }
        None => output::say("  plan: not made yet"),
    }
    let rows = experiment.trials.iter().map(|(number, trial)| {
        let mase = match &trial.state {
            TrialState::Completed { scores, .. } => score(scores, Metric::Mase, Split::Backtest),
            _ => None,
        };
        vec![
            format!("{number} (id {})", known.trial_id(*number).unwrap_or_default()),
            trial.spec.model.clone(),
            format!("{:?}", trial.role).to_lowercase(),
            status(&trial.state).to_owned(),
            trial.attempt.to_string(),
            mase.map_or_else(|| "–".to_owned(), |mase| format!("{mase:.3}")),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        output::say(output::table(&["trial", "model", "role", "status", "attempt", "MASE"], &[4, 5], rows));
    }
    if let Some(best) = best::best(experiment) {
        output::say(format!("  the best so far: trial {best}"));
    }
}

fn graph(known: &AsOf) -> Option<&dataset::GraphDiscovered> {
    let target = &known.experiment.opened.as_ref()?.target;
    known.version.as_ref()?.graph_for(target, &known.experiment.constraints.discovery)
}

/// Where the workflow stood.
fn stage(experiment: &Experiment, version: Option<&dataset::Version>) -> &'static str {
    if !experiment.is_open() {
        return "ended";
    }
    if experiment.report.is_some() || experiment.ensemble.is_some() {
        return "report";
    }
    if experiment.approval == atsre_domain::experiment::Approval::Approved {
        return if experiment.trials_ended() { "ensemble" } else { "trials" };
    }
    match version {
        _ if experiment.plan_requested => "planning",
        _ if experiment.causal_map_requested => "causal map",
        _ if experiment.diagnosis_requested => "diagnosis",
        _ => "opened",
    }
}

const fn status(state: &TrialState) -> &'static str {
    match state {
        TrialState::Queued => "queued",
        TrialState::Leased => "leased",
        TrialState::Running => "running",
        TrialState::Failed => "failed",
        TrialState::Completed { .. } => "completed",
        TrialState::Abandoned { .. } => "abandoned",
    }
}

fn wall_ms(known: &AsOf) -> u64 {
    known.experiment.opened.as_ref().map_or(0, |opened| known.recorded_at.millis_since(opened.opened_at))
}

/// What the trials had used: sums, but the largest memory.
fn spent(experiment: &Experiment) -> Usage {
    let mut total = Usage::default();
    for trial in experiment.trials.values() {
        let completed = match &trial.state {
            TrialState::Completed { usage, .. } => Some(*usage),
            _ => None,
        };
        for usage in trial.failures.iter().map(|f| f.usage).chain(completed) {
            total.wall_ms += usage.wall_ms;
            total.cpu_ms += usage.cpu_ms;
            total.energy_mj += usage.energy_mj;
            total.peak_rss_bytes = total.peak_rss_bytes.max(usage.peak_rss_bytes);
        }
    }
    total
}

/// Rows of a view, a column for each key; long values are cut.
fn print_rows(rows: &[Value]) {
    const LONGEST: usize = 40;
    let Some(first) = rows.first().and_then(Value::as_object) else {
        output::say("no rows");
        return;
    };
    let header: Vec<&str> = first.keys().map(String::as_str).collect();
    let cell = |value: &Value| {
        let text = match value {
            Value::Null => "–".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if text.chars().count() > LONGEST { text.chars().take(LONGEST - 1).chain(['…']).collect() } else { text }
    };
    let cells = rows.iter().map(|row| header.iter().map(|name| cell(&row[*name])).collect()).collect();
    output::say(output::table(&header, &[], cells));
}
