//! The leaderboard of a branch, and what it cost.

use std::collections::BTreeMap;

use atsre_domain::experiment::{Event, TrialState};
use atsre_domain::failure::Usage;
use atsre_domain::metric::{Metric, Score, Split};
use atsre_domain::model::{Hyperparameters, ModelSpec};
use atsre_domain::plan::TrialRole;
use atsre_domain::{Digest, Position, TrialNumber};
use serde::Serialize;

use crate::line::{CRITERIA, Line};

/// One row of a leaderboard: a trial, or the ensemble.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// 1 for the lowest backtest error; none where there is no result.
    pub rank: Option<u32>,
    /// Its number inside the experiment; forks share the numbers of what they share.
    pub trial: u32,
    /// The number that people call it by: the position of the event that queued it, or that built the ensemble.
    pub trial_id: Option<Position>,
    /// Who implements it: `atsre` for ours.
    pub framework: String,
    /// The model, or `ensemble`.
    pub model: String,
    /// `baseline`, `candidate`, `fallback` or `ensemble`.
    pub role: &'static str,
    /// `queued`, `running`, `failed`, `completed` or `abandoned`.
    pub status: &'static str,
    /// Whether it ended before the branches part, so that they have the same result of it.
    pub shared: bool,
    /// Its settings; for the ensemble, its members' weights by trial.
    pub settings: Hyperparameters,
    /// The covariates it may use.
    pub covariates: Vec<String>,
    /// The members of an ensemble, with their weights.
    pub members: Vec<Weighted>,
    /// Accuracy on the backtest, by metric (`mase`, `smape`, `rmsse`, `mae`, `rmse`, `wql`, `coverage`).
    pub backtest: BTreeMap<&'static str, f64>,
    /// Accuracy on the withheld test, by metric; empty without one.
    pub test: BTreeMap<&'static str, f64>,
    /// Wall time of the attempt that gave the result, in seconds; for an ensemble, of its members together.
    pub seconds: Option<f64>,
    /// Its energy, in joules.
    pub energy_j: Option<f64>,
    /// Attempts so far.
    pub attempts: u32,
    /// Why it was given up.
    pub abandoned: Option<String>,
    /// The artifact with its windows and forecasts.
    pub result: Option<Digest>,
}

/// A trial's share in an ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Weighted {
    /// The trial.
    pub trial: u32,
    /// Its weight; the weights sum to one.
    pub weight: f64,
}

/// What a branch cost, from its root: what it shares with others was paid once, and is in each branch's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// From the first event of its own to the last, in seconds.
    pub elapsed_seconds: f64,
    /// Wall time of all attempts at all trials, failed ones included, in seconds.
    pub trial_seconds: f64,
    /// Their processor time, in seconds.
    pub cpu_seconds: f64,
    /// Their energy, in joules.
    pub energy_j: f64,
    /// The part of `trial_seconds` from before the branches part.
    pub shared_trial_seconds: f64,
    /// The part of `energy_j` from before the branches part.
    pub shared_energy_j: f64,
    /// Attempts that ended.
    pub attempts: u32,
    /// Of them, those that failed.
    pub failed_attempts: u32,
    /// Answers of language models.
    pub completions: u32,
    /// Tokens they read, where the provider says.
    pub input_tokens: u64,
    /// Tokens they wrote, where the provider says.
    pub output_tokens: u64,
    /// Time waited for them, in seconds.
    pub completion_seconds: f64,
}

/// The measure that ranks every branch alike: the first that each branch's best has, else the first that any has.
pub(super) fn criterion(lines: &[Line]) -> Metric {
    let has = |line: &Line, metric: Metric| {
        let scores = line.best_trial().map_or(&[][..], |best| line.scores(best));
        scores.iter().any(|s| s.metric == metric && s.split == Split::Backtest)
    };
    let by = |all: bool| {
        CRITERIA.into_iter().find(|m| {
            let mut branches = lines.iter().map(|line| has(line, *m));
            if all { branches.all(|found| found) } else { branches.any(|found| found) }
        })
    };
    by(true).or_else(|| by(false)).unwrap_or(Metric::Mase)
}

/// The leaderboard of a branch, ranked by the criterion; `parted` is the last sequence that the branches share.
pub(super) fn leaderboard(line: &Line, criterion: Metric, parted: u64) -> Vec<Standing> {
    let state = &line.state;
    let mut rows: Vec<Standing> = state.trials.keys().filter_map(|number| trial(line, *number, parted)).collect();
    if let Some(built) = &state.ensemble {
        let together = built.members.iter().map(|m| usage(line, m.trial)).sum::<Option<Spent>>();
        let (trial_id, sequence) = place(line, |event| matches!(event, Event::EnsembleBuilt(_)));
        rows.push(Standing {
            rank: None,
            trial: built.trial.0,
            trial_id,
            framework: "atsre".to_owned(),
            model: "ensemble".to_owned(),
            role: "ensemble",
            status: "completed",
            shared: sequence.is_some_and(|s| s <= parted),
            settings: Hyperparameters::new(),
            covariates: Vec::new(),
            members: built.members.iter().map(|m| Weighted { trial: m.trial.0, weight: m.weight.get() }).collect(),
            backtest: by_name(&built.scores, Split::Backtest),
            test: by_name(&built.scores, Split::Test),
            seconds: together.map(|spent| spent.0),
            energy_j: together.map(|spent| spent.1),
            attempts: 1,
            abandoned: None,
            result: Some(built.result.digest.clone()),
        });
    }
    let error = |row: &Standing| row.backtest.get(criterion.name()).copied();
    rows.sort_by(|a, b| {
        let (x, y) = (error(a).unwrap_or(f64::INFINITY), error(b).unwrap_or(f64::INFINITY));
        a.result.is_none().cmp(&b.result.is_none()).then(x.total_cmp(&y)).then(a.trial.cmp(&b.trial))
    });
    let mut rank = 0;
    for row in rows.iter_mut().filter(|row| row.result.is_some()) {
        rank += 1;
        row.rank = Some(rank);
    }
    rows
}

fn trial(line: &Line, number: TrialNumber, parted: u64) -> Option<Standing> {
    let trial = line.state.trials.get(&number)?;
    let ModelSpec { framework, model, hyperparameters, covariates, .. } = trial.spec.clone();
    let (status, scores, result, abandoned) = match &trial.state {
        TrialState::Queued => ("queued", &[][..], None, None),
        TrialState::Leased | TrialState::Running => ("running", &[][..], None, None),
        TrialState::Failed => ("failed", &[][..], None, None),
        TrialState::Completed { result, scores, .. } => ("completed", scores.as_slice(), Some(result), None),
        TrialState::Abandoned { reason } => ("abandoned", &[][..], None, Some(reason.clone())),
    };
    let (_, ended) = place(line, |event| match event {
        Event::TrialCompleted(e) => e.trial == number,
        Event::TrialAbandoned(e) => e.trial == number,
        _ => false,
    });
    let spent = usage(line, number);
    Some(Standing {
        rank: None,
        trial: number.0,
        trial_id: place(line, |event| matches!(event, Event::TrialQueued(e) if e.trial == number)).0,
        framework,
        model,
        role: match trial.role {
            TrialRole::Baseline => "baseline",
            TrialRole::Candidate => "candidate",
            TrialRole::Fallback => "fallback",
        },
        status,
        shared: ended.is_some_and(|sequence| sequence <= parted),
        settings: hyperparameters,
        covariates,
        members: Vec::new(),
        backtest: by_name(scores, Split::Backtest),
        test: by_name(scores, Split::Test),
        seconds: spent.map(|spent| spent.0),
        energy_j: spent.map(|spent| spent.1),
        attempts: trial.attempt.0,
        abandoned,
        result: result.map(|result| result.digest.clone()),
    })
}

/// Seconds and joules.
#[derive(Clone, Copy)]
struct Spent(f64, f64);

impl std::iter::Sum for Spent {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self(0.0, 0.0), |sum, one| Self(sum.0 + one.0, sum.1 + one.1))
    }
}

fn usage(line: &Line, number: TrialNumber) -> Option<Spent> {
    match &line.state.trials.get(&number)?.state {
        TrialState::Completed { usage, .. } => Some(Spent(seconds(usage.wall_ms), joules(usage.energy_mj))),
        _ => None,
    }
}

fn place(line: &Line, wanted: impl Fn(&Event) -> bool) -> (Option<Position>, Option<u64>) {
    let found = line.events.iter().rfind(|recorded| wanted(&recorded.event));
    (found.map(|event| event.position), found.map(|event| event.sequence.0))
}

fn by_name(scores: &[Score], split: Split) -> BTreeMap<&'static str, f64> {
    scores.iter().filter(|s| s.split == split).map(|s| (s.metric.name(), s.value.get())).collect()
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn joules(millijoules: u64) -> f64 {
    millijoules as f64 / 1000.0
}

/// What a branch cost; `parted` is the last sequence that the branches share.
pub(super) fn cost(line: &Line, parted: u64) -> Cost {
    let mut cost = Cost::default();
    let mut own = line.events.iter().filter(|event| event.stream == line.stream).map(|event| event.recorded_at);
    if let Some(first) = own.next() {
        cost.elapsed_seconds = seconds(own.next_back().unwrap_or(first).millis_since(first));
    }
    for event in &line.events {
        let shared = event.sequence.0 <= parted;
        match &event.event {
            Event::TrialCompleted(e) => cost.add(e.usage, shared),
            Event::TrialFailed(e) => {
                cost.add(e.usage, shared);
                cost.failed_attempts += 1;
            }
            Event::CompletionReceived(e) => {
                cost.completions += 1;
                cost.input_tokens += e.input_tokens.unwrap_or(0);
                cost.output_tokens += e.output_tokens.unwrap_or(0);
                cost.completion_seconds += seconds(e.latency_ms);
            }
            Event::CompletionFailed(e) => cost.completion_seconds += seconds(e.latency_ms),
            _ => {}
        }
    }
    cost
}

impl Cost {
    fn add(&mut self, usage: Usage, shared: bool) {
        self.attempts += 1;
        self.trial_seconds += seconds(usage.wall_ms);
        self.cpu_seconds += seconds(usage.cpu_ms);
        self.energy_j += joules(usage.energy_mj);
        if shared {
            self.shared_trial_seconds += seconds(usage.wall_ms);
            self.shared_energy_j += joules(usage.energy_mj);
        }
    }
}
