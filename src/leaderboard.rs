//! The leaderboard of an experiment: every trial by its backtest error, with what it cost.

use std::path::PathBuf;

use atsre_domain::experiment::{Event, Experiment, TrialState};
use atsre_domain::metric::{Score, Split};
use atsre_domain::plan::TrialRole;
use atsre_domain::policy::best;
use atsre_domain::{Position, StreamId, TrialNumber};
use atsre_store::Store;
use serde::Serialize;

use crate::error::Failure;
use crate::output;

/// One row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The trial's public id.
    pub trial_id: Position,
    /// Its number inside the experiment.
    pub trial_no: TrialNumber,
    /// Who implements the model.
    pub framework: String,
    /// The model.
    pub model: String,
    /// The covariates it used.
    pub covariates: Vec<String>,
    /// `baseline`, `candidate`, `fallback` or `ensemble`.
    pub role: &'static str,
    /// `completed`, `abandoned`, …
    pub status: &'static str,
    /// Backtest scores by name; scores on the withheld test under `test_…`.
    pub metrics: serde_json::Map<String, serde_json::Value>,
    /// Wall time.
    pub seconds: Option<f64>,
    /// Energy, in joules.
    pub energy_j: Option<f64>,
    /// Attempts made.
    pub attempts: u32,
    /// What healing found and changed.
    pub healed: Vec<String>,
}

/// The result of an experiment, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The experiment's public id.
    pub experiment_id: Position,
    /// Its status.
    pub status: &'static str,
    /// Why it ended so, where it has no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The data set's name.
    pub dataset: String,
    /// The objective.
    pub objective: &'static str,
    /// The HTML report.
    pub report: Option<PathBuf>,
    /// The trials, the best first.
    pub leaderboard: Vec<Row>,
    /// The best trial's public id.
    pub best: Option<Position>,
    /// The fallbacks taken.
    pub fallbacks: Vec<atsre_domain::experiment::FallbackTaken>,
}

impl Summary {
    /// The summary of an experiment as the log has it.
    ///
    /// # Errors
    /// When the store does not answer or an event cannot be read.
    pub async fn of(store: &Store, stream: &StreamId, reports: &std::path::Path) -> Result<Self, Failure> {
        use atsre_domain::Decider as _;
        let mut experiment = Experiment::default();
        let mut experiment_id = Position(0);
        let mut ids: Vec<(TrialNumber, Position)> = Vec::new();
        for stored in store.log().read_stream(Experiment::TYPE, stream).await? {
            let recorded = stored.recorded::<Event>()?;
            match &recorded.event {
                Event::ExperimentOpened(_) | Event::ExperimentForked(_) => experiment_id = recorded.position,
                Event::TrialQueued(e) => ids.push((e.trial, recorded.position)),
                Event::EnsembleBuilt(e) => ids.push((e.trial, recorded.position)),
                _ => {}
            }
            experiment.evolve(&recorded.event);
        }
        let opened = experiment.opened.clone().ok_or_else(|| Failure::failed("the experiment was never opened"))?;
        let id = |number: TrialNumber| ids.iter().rev().find(|(n, _)| *n == number).map_or(Position(0), |(_, p)| *p);
        let mut leaderboard = rows(&experiment, &id);
        leaderboard.sort_by(|a, b| mase(a).total_cmp(&mase(b)).then(a.trial_no.cmp(&b.trial_no)));
        let report = reports.join(atsre_actors::reporter::report_name(experiment_id)).with_extension("html");
        let reason = match &experiment.phase {
            atsre_domain::experiment::Phase::Failed { reason }
            | atsre_domain::experiment::Phase::Cancelled { reason } => Some(reason.clone()),
            _ => None,
        };
        Ok(Self {
            experiment_id,
            status: experiment.status(),
            reason,
            dataset: opened.dataset.name,
            objective: opened.objective.name(),
            report: experiment.report.as_ref().map(|_| report),
            best: best::best(&experiment).map(id),
            leaderboard,
            fallbacks: experiment.fallbacks,
        })
    }

    /// Prints it for people.
    pub fn print(&self) {
        let metric = |row: &Row, name: &str| row.metrics.get(name).and_then(serde_json::Value::as_f64);
        let shown =
            |value: Option<f64>, digits: usize| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.digits$}"));
        let tested = self.leaderboard.iter().any(|row| metric(row, "test_mase").is_some());
        let mut header = vec!["", "trial", "model", "role", "MASE", "sMAPE", "WQL", "coverage"];
        if tested {
            header.push("test MASE");
        }
        header.extend(["seconds", "energy J", "attempts", "status"]);
        let rows = self.leaderboard.iter().map(|row| {
            let mut cells = vec![
                if Some(row.trial_id) == self.best { "★".to_owned() } else { String::new() },
                format!("{} (id {})", row.trial_no, row.trial_id),
                if row.covariates.is_empty() {
                    row.model.clone()
                } else {
                    format!("{} + {}", row.model, row.covariates.join(", "))
                },
                row.role.to_owned(),
                shown(metric(row, "mase"), 3),
                shown(metric(row, "smape"), 1),
                shown(metric(row, "wql"), 4),
                shown(metric(row, "coverage"), 2),
            ];
            if tested {
                cells.push(shown(metric(row, "test_mase"), 3));
            }
            cells.extend([
                shown(row.seconds, 1),
                shown(row.energy_j, 1),
                row.attempts.to_string(),
                row.status.to_owned(),
            ]);
            cells
        });
        let right: Vec<usize> = (4..header.len() - 1).collect();
        output::say(output::table(&header, &right, rows.collect()));
        let healed: Vec<&Row> = self.leaderboard.iter().filter(|row| !row.healed.is_empty()).collect();
        if healed.is_empty() {
            output::say("Failures healed: none were needed.");
        } else {
            output::say("Failures healed:");
            for row in healed {
                for step in &row.healed {
                    output::say(format!("  trial {} {}: {step}", row.trial_no, row.model));
                }
            }
        }
        for fallback in &self.fallbacks {
            output::say(format!("Fallback: {} in place of {} ({})", fallback.to, fallback.from, fallback.reason));
        }
        match (&self.report, &self.reason) {
            (_, Some(reason)) => output::say(format!("Experiment {} {}: {reason}", self.experiment_id, self.status)),
            (Some(report), None) => {
                output::say(format!("Experiment {} {}. Report: {}", self.experiment_id, self.status, report.display()));
            }
            (None, None) => output::say(format!("Experiment {} {}.", self.experiment_id, self.status)),
        }
    }
}

fn mase(row: &Row) -> f64 {
    row.metrics.get("mase").and_then(serde_json::Value::as_f64).unwrap_or(f64::INFINITY)
}

fn metrics(scores: &[Score]) -> serde_json::Map<String, serde_json::Value> {
    scores
        .iter()
        .map(|score| {
            let name = match score.split {
                Split::Backtest => score.metric.name().to_owned(),
                Split::Test => format!("test_{}", score.metric.name()),
            };
            (name, serde_json::Value::from(score.value.get()))
        })
        .collect()
}

fn rows(experiment: &Experiment, id: &impl Fn(TrialNumber) -> Position) -> Vec<Row> {
    let mut rows: Vec<Row> = experiment
        .trials
        .iter()
        .map(|(number, trial)| {
            let (status, scores, usage) = match &trial.state {
                TrialState::Queued => ("queued", &[][..], None),
                TrialState::Leased => ("leased", &[][..], None),
                TrialState::Running => ("running", &[][..], None),
                TrialState::Failed => ("failed", &[][..], None),
                TrialState::Completed { scores, usage, .. } => ("completed", scores.as_slice(), Some(*usage)),
                TrialState::Abandoned { .. } => ("abandoned", &[][..], None),
            };
            Row {
                trial_id: id(*number),
                trial_no: *number,
                framework: trial.spec.framework.clone(),
                model: trial.spec.model.clone(),
                covariates: trial.spec.covariates.clone(),
                role: match trial.role {
                    TrialRole::Baseline => "baseline",
                    TrialRole::Candidate => "candidate",
                    TrialRole::Fallback => "fallback",
                },
                status,
                metrics: metrics(scores),
                seconds: usage.map(|u| u.wall_ms as f64 / 1000.0),
                energy_j: usage.map(|u| u.energy_mj as f64 / 1000.0),
                attempts: trial.attempt.0,
                healed: trial
                    .failures
                    .iter()
                    .filter_map(|f| f.healed.as_ref())
                    .map(|(diagnosis, changes)| format!("{diagnosis} → {}", changes.join(", ")))
                    .collect(),
            }
        })
        .collect();
    if let Some(ensemble) = &experiment.ensemble {
        let members: Vec<String> =
            ensemble.members.iter().map(|m| format!("{:.2} × trial {}", m.weight.get(), m.trial)).collect();
        rows.push(Row {
            trial_id: id(ensemble.trial),
            trial_no: ensemble.trial,
            framework: "atsre".to_owned(),
            model: "greedy-ensemble".to_owned(),
            covariates: members,
            role: "ensemble",
            status: "completed",
            metrics: metrics(&ensemble.scores),
            seconds: None,
            energy_j: None,
            attempts: 1,
            healed: Vec::new(),
        });
    }
    rows
}
