//! `experiments`, `trials`, `model_metrics`, `forecasts` and `resource_logs`.
//!
//! Rows are keyed by stream and trial number, so that `apply` needs no other row; the views turn them into the ids
//! that people see, the positions of the creating events. What comes by the dozen is stored as arrays, a row for each
//! forecast path and for each batch of samples, and unfolded by the views: that is what lets this read model keep up
//! with the log.

use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::Event as E;
use atsre_domain::identity::TrialNumber;
use atsre_domain::metric::Score;
use atsre_domain::{Digest, Recorded};
use serde_json::{Value, json};

use crate::projection::{Artifacts, Projection, Table, moment};
use crate::resources;
use crate::row::{Change, RowOp, columns};

/// The projection.
pub static EXPERIMENTS: Projection = Projection {
    name: "experiments",
    child: "projector:experiments",
    stream_type: "experiment",
    version: 1,
    tables: &[
        Table { name: "experiments", key: &["stream"], partitioned_by: None },
        Table { name: "trials", key: &["stream", "trial_no"], partitioned_by: None },
        Table { name: "model_metrics", key: &["stream", "trial_no", "metric", "split"], partitioned_by: None },
        Table { name: "forecasts", key: &["stream", "trial_no", "item_id", "quantile"], partitioned_by: None },
        resources::SAMPLES,
    ],
    tables_sql: "
        CREATE TABLE {schema}.experiments (
            stream text PRIMARY KEY, experiment_id bigint NOT NULL, dataset_name text NOT NULL, experiment_name text NOT NULL,
            hypothesis text, objective text NOT NULL, target text NOT NULL, horizon integer NOT NULL, agent_reasoning jsonb,
            reasoner text, status text NOT NULL, approval_required boolean NOT NULL, awaiting boolean NOT NULL, causal_graph_id bigint,
            ensemble_strategy text, best_trial_no integer, error text, report_digest text, seed numeric NOT NULL,
            created_at timestamptz NOT NULL, ended_at timestamptz);
        CREATE TABLE {schema}.trials (
            stream text NOT NULL, trial_no integer NOT NULL, trial_id bigint NOT NULL, framework text NOT NULL, model_name text NOT NULL,
            hyperparameters jsonb NOT NULL, covariates jsonb NOT NULL, role text NOT NULL, ensemble_strategy text NOT NULL,
            attempt integer NOT NULL, status text NOT NULL, error text, diagnosis text, usage jsonb, result_digest text,
            execution_start timestamptz, execution_end timestamptz, PRIMARY KEY (stream, trial_no));
        CREATE UNIQUE INDEX ON {schema}.trials (trial_id);
        CREATE TABLE {schema}.model_metrics (
            stream text NOT NULL, trial_no integer NOT NULL, metric text NOT NULL, split text NOT NULL,
            value double precision NOT NULL, half_width double precision, PRIMARY KEY (stream, trial_no, metric, split));
        CREATE TABLE {schema}.forecasts (
            stream text NOT NULL, trial_no integer NOT NULL, item_id text NOT NULL, quantile double precision NOT NULL,
            ts bigint[] NOT NULL, value double precision[] NOT NULL, PRIMARY KEY (stream, trial_no, item_id, quantile));
        {samples}",
    views_sql: "
        CREATE VIEW read.experiments AS
            SELECT e.experiment_id, e.dataset_name, e.experiment_name, e.hypothesis, e.objective, e.agent_reasoning,
                   CASE WHEN e.status = 'RUNNING' AND e.approval_required AND e.awaiting THEN 'AWAITING_APPROVAL' ELSE e.status END AS status,
                   e.created_at, e.target, e.horizon, e.reasoner, e.error, e.ended_at, e.report_digest, e.seed, e.stream,
                   b.trial_id AS best_trial_id
            FROM {schema}.experiments e
            LEFT JOIN {schema}.trials b ON b.stream = e.stream AND b.trial_no = e.best_trial_no;
        CREATE VIEW read.trials AS
            SELECT t.trial_id, e.experiment_id, t.trial_no, t.framework, t.model_name, t.hyperparameters, t.ensemble_strategy,
                   e.causal_graph_id, t.status, t.error, t.execution_start, t.execution_end, t.covariates, t.role, t.attempt,
                   t.diagnosis, t.usage, t.result_digest
            FROM {schema}.trials t JOIN {schema}.experiments e ON e.stream = t.stream;
        CREATE VIEW read.model_metrics AS
            SELECT t.trial_id, m.metric, m.split, m.value, m.half_width
            FROM {schema}.model_metrics m JOIN {schema}.trials t ON t.stream = m.stream AND t.trial_no = m.trial_no;
        CREATE VIEW read.forecasts AS
            SELECT t.trial_id, f.item_id, to_timestamp(u.ts / 1000000.0) AS ts, CASE WHEN f.quantile < 0 THEN NULL ELSE f.quantile END AS quantile,
                   u.value, u.step::integer AS step, u.ts AS ts_micros
            FROM {schema}.forecasts f JOIN {schema}.trials t ON t.stream = f.stream AND t.trial_no = f.trial_no
            CROSS JOIN LATERAL unnest(f.ts, f.value) WITH ORDINALITY AS u (ts, value, step);
        CREATE VIEW read.resource_logs AS
            SELECT s.window_start + u.offset_ms * interval '1 millisecond' AS log_time, t.trial_id,
                   u.cpu_milli / 10.0::double precision AS cpu_usage_percent, u.rss_bytes / 1048576.0::double precision AS ram_usage_mb,
                   u.gpu_util_milli / 10.0::double precision AS gpu_util_percent, u.gpu_mem_bytes / 1048576.0::double precision AS gpu_mem_mb,
                   u.io_read_bytes / 1048576.0::double precision AS io_read_mb, u.io_write_bytes / 1048576.0::double precision AS io_write_mb,
                   u.energy_mj / 1000.0::double precision AS energy_j, s.attempt, s.pid, s.energy_source
            FROM {schema}.samples s
            CROSS JOIN LATERAL unnest(s.offset_ms, s.cpu_milli, s.rss_bytes, s.io_read_bytes, s.io_write_bytes, s.gpu_util_milli,
                                      s.gpu_mem_bytes, s.energy_mj)
                AS u (offset_ms, cpu_milli, rss_bytes, io_read_bytes, io_write_bytes, gpu_util_milli, gpu_mem_bytes, energy_mj)
            LEFT JOIN {schema}.trials t ON t.stream = s.stream AND t.trial_no = s.trial_no;",
    needs,
    apply,
};

/// The key of the mean among the quantiles; the view shows it as NULL.
const MEAN: f64 = -1.0;

fn needs(event: &AnyEvent) -> Vec<Digest> {
    match event {
        AnyEvent::Experiment(E::TrialCompleted(e)) => vec![e.result.digest.clone()],
        AnyEvent::Experiment(E::EnsembleBuilt(e)) => vec![e.result.digest.clone()],
        _ => Vec::new(),
    }
}

fn apply(recorded: &Recorded<AnyEvent>, artifacts: &Artifacts) -> Vec<RowOp> {
    let AnyEvent::Experiment(event) = &recorded.event else { return Vec::new() };
    let rows = Rows { stream: &recorded.stream.0, recorded, artifacts };
    match event {
        E::ExperimentOpened(e) => vec![rows.experiment(Change::Upsert(columns(json!({
            "experiment_id": recorded.position, "dataset_name": e.dataset.name, "experiment_name": e.name,
            "objective": e.objective.name(), "target": e.target, "horizon": e.horizon, "status": "PLANNED",
            "approval_required": e.approval_required, "awaiting": false, "seed": e.seed, "created_at": moment(recorded.recorded_at),
        }))))],
        E::DiagnosisRequested(_) => rows.experiment_update(json!({ "status": "RUNNING" })),
        E::PlanProposed(e) => rows.experiment_update(json!({
            "hypothesis": e.plan.hypothesis, "agent_reasoning": e.plan.reasoning, "reasoner": e.reasoner, "awaiting": true,
            "causal_graph_id": e.graph, "ensemble_strategy": e.plan.ensemble_strategy,
        })),
        E::PlanApproved(_) | E::PlanRejected(_) => rows.experiment_update(json!({ "awaiting": false })),
        E::ReportPublished(e) => rows.experiment_update(json!({ "report_digest": e.html.digest })),
        E::ExperimentCompleted(e) => rows.ended("COMPLETED", None, Some(e.best)),
        E::ExperimentFailed(e) => rows.ended("FAILED", Some(&e.reason), None),
        E::ExperimentCancelled(e) => rows.ended("CANCELLED", Some(&e.reason), None),
        E::TrialQueued(e) => vec![rows.trial(e.trial, Change::Upsert(columns(json!({
            "trial_id": recorded.position, "framework": e.spec.framework, "model_name": e.spec.model,
            "hyperparameters": e.spec.hyperparameters, "covariates": e.spec.covariates, "role": e.role,
            "ensemble_strategy": "none", "attempt": 1, "status": "QUEUED",
        }))))],
        E::TrialLeased(e) => rows.trial_update(e.trial, json!({ "status": "LEASED" })),
        E::TrialStarted(e) => {
            rows.trial_update(e.trial, json!({ "status": "RUNNING", "execution_start": moment(recorded.recorded_at) }))
        }
        E::TrialCompleted(e) => {
            let mut ops = rows.trial_update(e.trial, json!({
                "status": "COMPLETED", "error": null, "usage": e.usage, "result_digest": e.result.digest,
                "execution_end": moment(recorded.recorded_at),
            }));
            ops.extend(rows.metrics(e.trial, &e.scores));
            ops.extend(rows.forecasts(e.trial, &e.result.digest));
            ops
        }
        E::TrialFailed(e) => rows.trial_update(e.trial, json!({
            "status": "FAILED", "error": format!("{}: {}", e.failure.kind.name(), e.failure.message), "usage": e.usage,
            "execution_end": moment(recorded.recorded_at),
        })),
        E::TrialRetried(e) => rows.trial_update(e.trial, json!({
            "status": "QUEUED", "attempt": e.attempt, "diagnosis": format!("{} → {}", e.diagnosis, e.changes.join(", ")),
            "hyperparameters": e.spec.hyperparameters,
        })),
        E::TrialAbandoned(e) => rows.trial_update(e.trial, json!({ "status": "ABANDONED", "error": e.reason })),
        E::EnsembleBuilt(e) => {
            let mut ops = vec![rows.trial(e.trial, Change::Upsert(columns(json!({
                "trial_id": recorded.position, "framework": "atsre", "model_name": "greedy-ensemble",
                "hyperparameters": { "members": e.members }, "covariates": [], "role": "ensemble", "ensemble_strategy": e.strategy,
                "attempt": 1, "status": "COMPLETED", "result_digest": e.result.digest,
                "execution_end": moment(recorded.recorded_at),
            }))))];
            ops.extend(rows.metrics(e.trial, &e.scores));
            ops.extend(rows.forecasts(e.trial, &e.result.digest));
            ops
        }
        E::ResourceSampled(e) => vec![resources::row(recorded, e)],
        E::ExperimentForked(_)
        | E::CausalMapRequested(_)
        | E::PlanRequested(_)
        | E::CompletionRequested(_)
        | E::CompletionReceived(_)
        | E::CompletionFailed(_)
        | E::QuestionAsked(_)
        | E::QuestionAnswered(_)
        | E::StageFailed(_)
        | E::FallbackTaken(_) => Vec::new(),
    }
}

struct Rows<'a> {
    stream: &'a str,
    recorded: &'a Recorded<AnyEvent>,
    artifacts: &'a Artifacts,
}

impl Rows<'_> {
    fn experiment(&self, change: Change) -> RowOp {
        RowOp { table: "experiments", key: vec![json!(self.stream)], change }
    }

    fn experiment_update(&self, changed: Value) -> Vec<RowOp> {
        vec![self.experiment(Change::Update(columns(changed)))]
    }

    fn ended(&self, status: &str, error: Option<&str>, best: Option<TrialNumber>) -> Vec<RowOp> {
        self.experiment_update(json!({
            "status": status, "error": error, "best_trial_no": best, "ended_at": moment(self.recorded.recorded_at),
        }))
    }

    fn trial(&self, number: TrialNumber, change: Change) -> RowOp {
        RowOp { table: "trials", key: vec![json!(self.stream), json!(number)], change }
    }

    fn trial_update(&self, number: TrialNumber, changed: Value) -> Vec<RowOp> {
        vec![self.trial(number, Change::Update(columns(changed)))]
    }

    fn metrics(&self, number: TrialNumber, scores: &[Score]) -> Vec<RowOp> {
        let row = |score: &Score| RowOp {
            table: "model_metrics",
            key: vec![json!(self.stream), json!(number), json!(score.metric.name()), json!(score.split.name())],
            change: Change::Upsert(columns(json!({ "value": score.value, "half_width": score.half_width }))),
        };
        scores.iter().map(row).collect()
    }

    /// One row for each item and level, and one for the mean.
    fn forecasts(&self, number: TrialNumber, digest: &Digest) -> Vec<RowOp> {
        let Some(result) = self.artifacts.get(digest) else { return Vec::new() };
        let list = |value: &'static str, of: &Value| of[value].as_array().cloned().unwrap_or_default();
        let levels = list("quantile_levels", result);
        let mut ops = Vec::new();
        for series in result["forecasts"].as_array().into_iter().flatten() {
            let quantiles = levels.iter().cloned().zip(list("quantiles", series));
            for (level, values) in std::iter::once((json!(MEAN), series["mean"].clone())).chain(quantiles) {
                ops.push(RowOp {
                    table: "forecasts",
                    key: vec![json!(self.stream), json!(number), series["item_id"].clone(), level],
                    change: Change::Upsert(columns(json!({ "ts": series["times"], "value": values }))),
                });
            }
        }
        ops
    }
}
