//! `experiments`, `trials`, `model_metrics`, `forecasts` and `resource_logs`.
//!
//! Rows are keyed by stream and trial number, so that `apply` needs no other row; the views turn them into the ids
//! that people see, the positions of the creating events. What comes by the dozen is stored as arrays, a row for each
//! forecast series and for each batch of samples, and unfolded by the views: that is what lets this read model keep up
//! with the log. The longest are kept as the texts of arrays, which only the views read element by element: making arrays
//! of them, and texts of those again to compare them, costs the database more than all else that it does for them.

use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::Event as E;
use atsre_domain::identity::TrialNumber;
use atsre_domain::metric::Score;
use atsre_domain::{ArtifactRef, Digest, Finite, Recorded};
use serde::Deserialize;

use crate::cell::{Cell, Columns, array, json, moment, scalar, sparse_array};
use crate::projection::{Artifacts, Projection, Table, optional, required};
use crate::resources;
use crate::row::{Change, RowOp};

/// The projection.
pub static EXPERIMENTS: Projection = Projection {
    name: "experiments",
    child: "projector:experiments",
    stream_type: "experiment",
    version: 4,
    tables: &[
        Table {
            name: "experiments",
            columns: &[
                required("stream", "text"),
                required("experiment_id", "bigint"),
                required("dataset_name", "text"),
                required("experiment_name", "text"),
                optional("hypothesis", "text"),
                required("objective", "text"),
                required("target", "text"),
                required("horizon", "integer"),
                optional("agent_reasoning", "jsonb"),
                optional("reasoner", "text"),
                required("status", "text"),
                required("approval_required", "boolean"),
                required("awaiting", "boolean"),
                optional("causal_graph_id", "bigint"),
                optional("ensemble_strategy", "text"),
                optional("best_trial_no", "integer"),
                optional("error", "text"),
                optional("report_digest", "text"),
                required("seed", "numeric"),
                required("created_at", "timestamptz"),
                optional("ended_at", "timestamptz"),
                optional("parent", "text"),
                optional("fork_reason", "text"),
                optional("input_erased_at", "timestamptz"),
            ],
            key: &["stream"],
            partitioned_by: None,
        },
        Table {
            name: "trials",
            columns: &[
                required("stream", "text"),
                required("trial_no", "integer"),
                required("trial_id", "bigint"),
                required("framework", "text"),
                required("model_name", "text"),
                required("hyperparameters", "jsonb"),
                required("covariates", "jsonb"),
                required("role", "text"),
                required("ensemble_strategy", "text"),
                required("attempt", "integer"),
                required("status", "text"),
                optional("error", "text"),
                optional("diagnosis", "text"),
                optional("usage", "jsonb"),
                optional("result_digest", "text"),
                optional("execution_start", "timestamptz"),
                optional("execution_end", "timestamptz"),
            ],
            key: &["stream", "trial_no"],
            partitioned_by: None,
        },
        Table {
            name: "model_metrics",
            columns: &[
                required("stream", "text"),
                required("trial_no", "integer"),
                // Texts of arrays, a value for each score.
                required("metric", "text"),
                required("split", "text"),
                required("value", "text"),
                required("half_width", "text"),
            ],
            key: &["stream", "trial_no"],
            partitioned_by: None,
        },
        // Values by level and then by step: those of the mean first, at level -1.
        Table {
            name: "forecasts",
            columns: &[
                required("stream", "text"),
                required("trial_no", "integer"),
                required("item_id", "text"),
                required("levels", "double precision[]"),
                // Texts of `bigint[]` and of `double precision[]`.
                required("ts", "text"),
                required("value", "text"),
            ],
            key: &["stream", "trial_no", "item_id"],
            partitioned_by: None,
        },
        resources::SAMPLES,
    ],
    inherited: &["experiments", "trials"],
    // Not unique: a fork has the finished trials of its parent, under the same ids.
    indexes_sql: "CREATE INDEX ON {schema}.trials (trial_id);",
    views_sql: "
        CREATE VIEW read.experiments AS
            SELECT e.experiment_id, e.dataset_name, e.experiment_name, e.hypothesis, e.objective, e.agent_reasoning,
                   CASE WHEN e.status = 'RUNNING' AND e.approval_required AND e.awaiting THEN 'AWAITING_APPROVAL' ELSE e.status END AS status,
                   e.created_at, e.target, e.horizon, e.reasoner, e.error, e.ended_at, e.report_digest, e.seed, e.stream,
                   b.trial_id AS best_trial_id, p.experiment_id AS parent_id, e.fork_reason, e.input_erased_at
            FROM {schema}.experiments e
            LEFT JOIN {schema}.experiments p ON p.stream = e.parent
            LEFT JOIN {schema}.trials b ON b.stream = e.stream AND b.trial_no = e.best_trial_no;
        CREATE VIEW read.trials AS
            SELECT t.trial_id, e.experiment_id, t.trial_no, t.framework, t.model_name, t.hyperparameters, t.ensemble_strategy,
                   e.causal_graph_id, t.status, t.error, t.execution_start, t.execution_end, t.covariates, t.role, t.attempt,
                   t.diagnosis, t.usage, t.result_digest
            FROM {schema}.trials t JOIN {schema}.experiments e ON e.stream = t.stream;
        CREATE VIEW read.model_metrics AS
            SELECT t.trial_id, u.metric, u.split, u.value, u.half_width
            FROM {schema}.model_metrics m JOIN {schema}.trials t ON t.stream = m.stream AND t.trial_no = m.trial_no
            CROSS JOIN LATERAL unnest(m.metric::text[], m.split::text[], m.value::double precision[],
                                      m.half_width::double precision[]) AS u (metric, split, value, half_width);
        CREATE VIEW read.forecasts AS
            SELECT t.trial_id, f.item_id, to_timestamp(c.ts / 1000000.0) AS ts, CASE WHEN c.level < 0 THEN NULL ELSE c.level END AS quantile,
                   c.value, c.step::integer AS step, c.ts AS ts_micros
            FROM {schema}.forecasts f JOIN {schema}.trials t ON t.stream = f.stream AND t.trial_no = f.trial_no
            -- OFFSET 0: the texts are read once a row, not once a value.
            CROSS JOIN LATERAL (SELECT f.ts::bigint[] AS ts, f.value::double precision[] AS value OFFSET 0) a
            CROSS JOIN LATERAL (
                SELECT v.value, (v.place - 1) % cardinality(a.ts) + 1 AS step,
                       a.ts[(v.place - 1) % cardinality(a.ts) + 1] AS ts, f.levels[(v.place - 1) / cardinality(a.ts) + 1] AS level
                FROM unnest(a.value) WITH ORDINALITY AS v (value, place)) c;
        CREATE VIEW read.resource_logs AS
            SELECT s.window_start + u.offset_ms * interval '1 millisecond' AS log_time, t.trial_id,
                   u.cpu_milli / 10.0::double precision AS cpu_usage_percent, u.rss_bytes / 1048576.0::double precision AS ram_usage_mb,
                   u.gpu_util_milli / 10.0::double precision AS gpu_util_percent, u.gpu_mem_bytes / 1048576.0::double precision AS gpu_mem_mb,
                   u.io_read_bytes / 1048576.0::double precision AS io_read_mb, u.io_write_bytes / 1048576.0::double precision AS io_write_mb,
                   u.energy_mj / 1000.0::double precision AS energy_j, s.attempt, s.pid, s.energy_source
            FROM {schema}.samples s
            CROSS JOIN LATERAL unnest(s.offset_ms::integer[], s.cpu_milli::integer[], s.rss_bytes::bigint[],
                                      s.io_read_bytes::bigint[], s.io_write_bytes::bigint[], s.gpu_util_milli::integer[],
                                      s.gpu_mem_bytes::bigint[], s.energy_mj::bigint[])
                AS u (offset_ms, cpu_milli, rss_bytes, io_read_bytes, io_write_bytes, gpu_util_milli, gpu_mem_bytes, energy_mj)
            LEFT JOIN {schema}.trials t ON t.stream = s.stream AND t.trial_no = s.trial_no;",
    needs,
    apply,
};

/// The key of the mean among the quantiles; the view shows it as NULL.
const MEAN: f64 = -1.0;

fn needs(event: &AnyEvent) -> Vec<ArtifactRef> {
    match event {
        AnyEvent::Experiment(E::TrialCompleted(e)) => vec![e.result.clone()],
        AnyEvent::Experiment(E::EnsembleBuilt(e)) => vec![e.result.clone()],
        _ => Vec::new(),
    }
}

fn apply(recorded: &Recorded<AnyEvent>, artifacts: &Artifacts<'_>) -> Result<Vec<RowOp>, String> {
    let AnyEvent::Experiment(event) = &recorded.event else { return Ok(Vec::new()) };
    let rows = Rows { stream: &recorded.stream.0, recorded, artifacts };
    let now = || moment(recorded.recorded_at);
    Ok(match event {
        E::ExperimentOpened(e) => vec![rows.experiment(Change::Upsert(Columns::from([
            ("experiment_id", scalar(&recorded.position)),
            ("dataset_name", scalar(&e.dataset.name)),
            ("experiment_name", scalar(&e.name)),
            ("objective", scalar(&e.objective.name())),
            ("target", scalar(&e.target)),
            ("horizon", scalar(&e.horizon)),
            ("status", scalar(&"PLANNED")),
            ("approval_required", scalar(&e.approval_required)),
            ("awaiting", scalar(&false)),
            ("seed", scalar(&e.seed)),
            ("created_at", now()),
        ])))],
        E::ExperimentForked(e) => rows.experiment_update([
            ("experiment_id", scalar(&recorded.position)),
            ("seed", scalar(&e.seed)),
            ("created_at", now()),
            ("parent", scalar(&e.parent)),
            ("fork_reason", scalar(&e.reason)),
        ]),
        E::DiagnosisRequested(_) => rows.experiment_update([("status", scalar(&"RUNNING"))]),
        E::PlanProposed(e) => rows.experiment_update([
            ("hypothesis", scalar(&e.plan.hypothesis)),
            ("agent_reasoning", json(&e.plan.reasoning)),
            ("reasoner", scalar(&e.reasoner)),
            ("awaiting", scalar(&true)),
            ("causal_graph_id", scalar(&e.graph)),
            ("ensemble_strategy", scalar(&e.plan.ensemble_strategy)),
        ]),
        E::PlanApproved(_) | E::PlanRejected(_) => rows.experiment_update([("awaiting", scalar(&false))]),
        E::ReportPublished(e) => rows.experiment_update([("report_digest", scalar(&e.html.digest))]),
        E::ExperimentCompleted(e) => rows.ended("COMPLETED", None, Some(e.best)),
        E::ExperimentFailed(e) => rows.ended("FAILED", Some(&e.reason), None),
        E::ExperimentCancelled(e) => rows.ended("CANCELLED", Some(&e.reason), None),
        E::TrialQueued(e) => vec![rows.trial(
            e.trial,
            Change::Upsert(Columns::from([
                ("trial_id", scalar(&recorded.position)),
                ("framework", scalar(&e.spec.framework)),
                ("model_name", scalar(&e.spec.model)),
                ("hyperparameters", json(&e.spec.hyperparameters)),
                ("covariates", json(&e.spec.covariates)),
                ("role", scalar(&e.role)),
                ("ensemble_strategy", scalar(&"none")),
                ("attempt", scalar(&1)),
                ("status", scalar(&"QUEUED")),
                // A fork queues anew what had not ended in its parent.
                ("error", None),
                ("diagnosis", None),
                ("usage", None),
                ("execution_start", None),
                ("execution_end", None),
            ])),
        )],
        E::TrialLeased(e) => rows.trial_update(e.trial, [("status", scalar(&"LEASED"))]),
        E::TrialStarted(e) => rows.trial_update(e.trial, [("status", scalar(&"RUNNING")), ("execution_start", now())]),
        E::TrialCompleted(e) => {
            let mut ops = rows.trial_update(
                e.trial,
                [
                    ("status", scalar(&"COMPLETED")),
                    ("error", None),
                    ("usage", json(&e.usage)),
                    ("result_digest", scalar(&e.result.digest)),
                    ("execution_end", now()),
                ],
            );
            ops.push(rows.metrics(e.trial, &e.scores));
            ops.extend(rows.forecasts(e.trial, &e.result.digest)?);
            ops
        }
        E::TrialFailed(e) => rows.trial_update(
            e.trial,
            [
                ("status", scalar(&"FAILED")),
                ("error", Some(format!("{}: {}", e.failure.kind.name(), e.failure.message))),
                ("usage", json(&e.usage)),
                ("execution_end", now()),
            ],
        ),
        E::TrialRetried(e) => rows.trial_update(
            e.trial,
            [
                ("status", scalar(&"QUEUED")),
                ("attempt", scalar(&e.attempt)),
                ("diagnosis", Some(format!("{} → {}", e.diagnosis, e.changes.join(", ")))),
                ("hyperparameters", json(&e.spec.hyperparameters)),
            ],
        ),
        E::TrialAbandoned(e) => {
            rows.trial_update(e.trial, [("status", scalar(&"ABANDONED")), ("error", scalar(&e.reason))])
        }
        E::EnsembleBuilt(e) => {
            let mut ops = vec![rows.trial(
                e.trial,
                Change::Upsert(Columns::from([
                    ("trial_id", scalar(&recorded.position)),
                    ("framework", scalar(&"atsre")),
                    ("model_name", scalar(&"greedy-ensemble")),
                    ("hyperparameters", json(&serde_json::json!({ "members": e.members }))),
                    ("covariates", json(&[(); 0])),
                    ("role", scalar(&"ensemble")),
                    ("ensemble_strategy", scalar(&e.strategy)),
                    ("attempt", scalar(&1)),
                    ("status", scalar(&"COMPLETED")),
                    ("result_digest", scalar(&e.result.digest)),
                    ("execution_end", now()),
                ])),
            )];
            ops.push(rows.metrics(e.trial, &e.scores));
            ops.extend(rows.forecasts(e.trial, &e.result.digest)?);
            ops
        }
        E::ResourceSampled(e) => vec![resources::row(recorded, e)],
        // Scores, costs and decisions stay; what was read from artifacts goes.
        E::InputErased(_) => {
            let mut ops = rows.experiment_update([("input_erased_at", now())]);
            ops.push(RowOp { table: "forecasts", key: vec![Some(rows.stream.to_owned())], change: Change::Delete });
            ops
        }
        E::CausalMapRequested(_)
        | E::PlanRequested(_)
        | E::CompletionRequested(_)
        | E::CompletionReceived(_)
        | E::CompletionFailed(_)
        | E::QuestionAsked(_)
        | E::QuestionAnswered(_)
        | E::StageFailed(_)
        | E::FallbackTaken(_) => Vec::new(),
    })
}

struct Rows<'a> {
    stream: &'a str,
    recorded: &'a Recorded<AnyEvent>,
    artifacts: &'a Artifacts<'a>,
}

/// What this read model takes from a trial's result.
#[derive(Deserialize)]
struct TrialResult {
    quantile_levels: Vec<f64>,
    forecasts: Vec<Forecast>,
}

#[derive(Deserialize)]
struct Forecast {
    item_id: String,
    times: Vec<i64>,
    mean: Vec<Option<f64>>,
    quantiles: Vec<Vec<Option<f64>>>,
}

impl Rows<'_> {
    fn experiment(&self, change: Change) -> RowOp {
        RowOp { table: "experiments", key: vec![Some(self.stream.to_owned())], change }
    }

    fn experiment_update<const N: usize>(&self, changed: [(&'static str, Cell); N]) -> Vec<RowOp> {
        vec![self.experiment(Change::Update(Columns::from(changed)))]
    }

    fn ended(&self, status: &str, error: Option<&str>, best: Option<TrialNumber>) -> Vec<RowOp> {
        self.experiment_update([
            ("status", scalar(&status)),
            ("error", scalar(&error)),
            ("best_trial_no", scalar(&best)),
            ("ended_at", moment(self.recorded.recorded_at)),
        ])
    }

    fn trial(&self, number: TrialNumber, change: Change) -> RowOp {
        RowOp { table: "trials", key: vec![Some(self.stream.to_owned()), scalar(&number)], change }
    }

    fn trial_update<const N: usize>(&self, number: TrialNumber, changed: [(&'static str, Cell); N]) -> Vec<RowOp> {
        vec![self.trial(number, Change::Update(Columns::from(changed)))]
    }

    /// One row for all; the names are plain words, which need no quotes in an array.
    fn metrics(&self, number: TrialNumber, scores: &[Score]) -> RowOp {
        RowOp {
            table: "model_metrics",
            key: vec![Some(self.stream.to_owned()), scalar(&number)],
            change: Change::Upsert(Columns::from([
                ("metric", array(scores.iter().map(|score| score.metric.name()))),
                ("split", array(scores.iter().map(|score| score.split.name()))),
                ("value", array(scores.iter().map(|score| score.value.get()))),
                ("half_width", sparse_array(scores.iter().map(|score| score.half_width.map(Finite::get)))),
            ])),
        }
    }

    /// One row for each item.
    fn forecasts(&self, number: TrialNumber, digest: &Digest) -> Result<Vec<RowOp>, String> {
        let Some(bytes) = self.artifacts.get(digest) else { return Ok(Vec::new()) };
        let result: TrialResult = serde_json::from_slice(bytes)
            .map_err(|error| format!("artifact {digest} is not a trial's result: {error}"))?;
        let levels = array(std::iter::once(&MEAN).chain(&result.quantile_levels));
        let row = |series: &Forecast| RowOp {
            table: "forecasts",
            key: vec![Some(self.stream.to_owned()), scalar(&number), Some(series.item_id.clone())],
            change: Change::Upsert(Columns::from([
                ("levels", levels.clone()),
                ("ts", array(&series.times)),
                ("value", sparse_array(std::iter::once(&series.mean).chain(&series.quantiles).flatten().copied())),
            ])),
        };
        Ok(result.forecasts.iter().map(row).collect())
    }
}
