//! The orchestrator's process manager: from what is known of an experiment and its data to the next steps.
//!
//! It is driven by state, not by the single event: looking twice decides the same, so a lost or repeated wake-up
//! does no harm, and a resumed experiment goes on wherever it stopped.

use crate::dataset;
use crate::experiment::{
    Approval, Command, Experiment, ExperimentOpened, FallbackTaken, Stage, StageFailed, Trial, TrialState,
};
use crate::identity::Timestamp;
use crate::plan::TrialRole;
use crate::policy::{best, fallback};

use super::{Intent, WorkKind};

/// After the budget, a running trial has this long to end by its own deadline before it is given up.
const GRACE_MS: u64 = 10_000;

/// The next steps of an experiment.
///
/// `version` is the version of the data set that it works on; `now` the clock.
#[must_use]
pub fn next(experiment: &Experiment, version: Option<&dataset::Version>, now: Timestamp) -> Vec<Intent> {
    let Some(opened) = experiment.opened.as_ref().filter(|_| experiment.is_open()) else { return Vec::new() };
    let deadline = opened.opened_at.plus_millis(opened.budget.wall_ms);
    if !experiment.diagnosis_requested {
        // The timers first: after the request this branch is never taken again, so a crash in between would lose them.
        let mut intents = timers(opened).to_vec();
        intents.push(command(Command::RequestDiagnosis));
        return intents;
    }
    if let Some(reason) = experiment.failed_stages.get(&Stage::Diagnosis) {
        return vec![command(Command::Fail { reason: format!("the data could not be prepared: {reason}") })];
    }
    let seen = version.map(|version| version.seen_with(&experiment.constraints.discovery.cleaning));
    let Some(cleaned) = seen.as_deref().filter(|v| v.cleaned.is_some()) else { return Vec::new() };
    let mut intents = Vec::new();
    if !experiment.trials.values().any(|t| t.role == TrialRole::Baseline) {
        intents.push(baseline(opened, cleaned));
    }
    if !experiment.causal_map_requested {
        intents.push(command(Command::RequestCausalMap));
        return intents;
    }
    intents.extend(planning(experiment, opened, cleaned));
    if now >= deadline {
        intents.extend(out_of_time(experiment, now >= deadline.plus_millis(GRACE_MS)));
    }
    let planned = experiment.approval == Approval::Approved || experiment.failed_stages.contains_key(&Stage::Planning);
    if planned && experiment.trials_ended() {
        intents.extend(finish(experiment, opened, cleaned));
    }
    intents
}

/// The ends of the budget and of the grace after it. A fork needs its own: it may share the request for a diagnosis,
/// with which the parent set its timers.
#[must_use]
pub fn timers(opened: &ExperimentOpened) -> [Intent; 2] {
    let deadline = opened.opened_at.plus_millis(opened.budget.wall_ms);
    [Intent::Timer(deadline), Intent::Timer(deadline.plus_millis(GRACE_MS))]
}

fn command(command: Command) -> Intent {
    Intent::Command(Box::new(command))
}

fn non_negative(version: &dataset::Version) -> bool {
    version.profiled.as_ref().is_some_and(|p| p.non_negative)
}

fn season_length(version: &dataset::Version) -> u32 {
    version.profiled.as_ref().and_then(|p| p.seasonal_periods.first()).map_or(1, |s| s.period)
}

fn baseline(opened: &ExperimentOpened, version: &dataset::Version) -> Intent {
    let season = season_length(version);
    let reason = if season > 1 {
        format!("the yardstick: repeats the last {season} observations, and is a usable result within seconds")
    } else {
        "the yardstick: repeats the last observation, and is a usable result within seconds".to_owned()
    };
    command(Command::QueueTrial {
        role: TrialRole::Baseline,
        spec: Box::new(fallback::baseline(season, non_negative(version))),
        limits: fallback::baseline_limits(&opened.budget),
        reason,
    })
}

fn planning(experiment: &Experiment, opened: &ExperimentOpened, version: &dataset::Version) -> Vec<Intent> {
    let mut intents = Vec::new();
    if let Some(reason) = experiment.failed_stages.get(&Stage::CausalMap) {
        intents.extend(fallback_once(experiment, Stage::CausalMap, "causal graph", "a plan without drivers", reason));
    }
    // Before the graph is looked for: out of time, there may be neither, and the fallback is for the record.
    if let Some(reason) = experiment.failed_stages.get(&Stage::Planning) {
        intents.extend(fallback_once(experiment, Stage::Planning, "plan", "the baseline alone", reason));
        return intents;
    }
    if !experiment.failed_stages.contains_key(&Stage::CausalMap)
        && version.graph_for(&opened.target, &experiment.constraints.discovery).is_none()
    {
        return intents;
    }
    if !experiment.plan_requested {
        intents.push(command(Command::RequestPlan));
        return intents;
    }
    match (&experiment.proposed, &experiment.approval) {
        (Some(_), Approval::Pending) if !opened.approval_required => {
            intents.push(command(Command::ApprovePlan { by: "policy".to_owned() }));
        }
        (Some(_), Approval::Rejected { reason }) => {
            intents.push(command(Command::Cancel { reason: format!("the plan was rejected: {reason}") }));
        }
        _ => {}
    }
    intents
}

fn fallback_once(experiment: &Experiment, stage: Stage, from: &str, to: &str, reason: &str) -> Option<Intent> {
    let known = experiment.fallbacks.iter().any(|f| f.stage == stage && f.from == from && f.to == to);
    (!known).then(|| {
        let (from, to, reason) = (from.to_owned(), to.to_owned(), reason.to_owned());
        command(Command::TakeFallback(Box::new(FallbackTaken { stage, from, to, reason })))
    })
}

/// The budget is spent: what has not begun is given up, and after the grace what still runs is, too.
fn out_of_time(experiment: &Experiment, grace_over: bool) -> Vec<Intent> {
    let mut intents = Vec::new();
    if experiment.proposed.is_none() && !experiment.failed_stages.contains_key(&Stage::Planning) {
        let message = "the budget was spent before there was a plan".to_owned();
        intents.push(command(Command::FailStage(Box::new(StageFailed {
            stage: Stage::Planning,
            message,
            attempts: 0,
        }))));
    }
    let spent = |trial: &Trial| match trial.state {
        TrialState::Queued | TrialState::Failed => true,
        TrialState::Leased | TrialState::Running => grace_over,
        TrialState::Completed { .. } | TrialState::Abandoned { .. } => false,
    };
    // Baseline and fallback end by their own short deadline: given up here, a slow diagnosis would leave no result.
    let candidates = experiment.trials.iter().filter(|(_, trial)| trial.role == TrialRole::Candidate);
    intents.extend(candidates.filter(|(_, t)| spent(t)).map(|(number, trial)| {
        let reason = "the experiment's time is spent".to_owned();
        command(Command::AbandonTrial { trial: *number, attempt: trial.attempt, reason })
    }));
    intents
}

/// Every trial has ended: combine, report, complete.
fn finish(experiment: &Experiment, opened: &ExperimentOpened, version: &dataset::Version) -> Vec<Intent> {
    if !experiment.trials.values().any(Trial::completed) {
        return without_result(experiment, opened, version);
    }
    if experiment.ensemble.is_none() && !experiment.failed_stages.contains_key(&Stage::Ensemble) {
        return vec![Intent::Effect(WorkKind::Combine)];
    }
    let mut intents: Vec<Intent> = experiment
        .failed_stages
        .get(&Stage::Ensemble)
        .and_then(|reason| fallback_once(experiment, Stage::Ensemble, "ensemble", "the best single trial", reason))
        .into_iter()
        .collect();
    if experiment.report.is_none() && !experiment.failed_stages.contains_key(&Stage::Report) {
        intents.push(Intent::Effect(WorkKind::Report));
        return intents;
    }
    if let Some(reason) = experiment.failed_stages.get(&Stage::Report) {
        intents.extend(fallback_once(experiment, Stage::Report, "report", "the tables alone", reason));
    }
    intents.extend(best::best(experiment).map(|best| command(Command::Complete { best })));
    intents
}

fn without_result(experiment: &Experiment, opened: &ExperimentOpened, version: &dataset::Version) -> Vec<Intent> {
    if experiment.trials.values().any(|t| t.role == TrialRole::Fallback) {
        return vec![command(Command::Fail { reason: "every trial failed, the fallback included".to_owned() })];
    }
    let spec = fallback::baseline(season_length(version), non_negative(version));
    let reason = "every trial failed";
    let mut intents: Vec<Intent> =
        fallback_once(experiment, Stage::Trials, "the planned models", &spec.model, reason).into_iter().collect();
    intents.push(command(Command::QueueTrial {
        role: TrialRole::Fallback,
        spec: Box::new(spec),
        limits: fallback::baseline_limits(&opened.budget),
        reason: "every trial failed; an experiment ends with a forecast all the same".to_owned(),
    }));
    intents
}
