//! Forks: what may be set differently from the parent, until when, and what becomes of work that was in flight.

use std::collections::BTreeSet;

use crate::failure::{Failure, FailureKind, Usage};
use crate::finite::Finite;
use crate::graph::{ALGORITHMS, AUTOMATIC, DiscoverySettings};
use crate::model::Setting;
use crate::plan::ReasonerKind;

use super::error::Error;
use super::event::*;
use super::state::{Approval, Experiment, Trial, TrialState};

/// The kind of a completion's failure that a fork records for a request of its parent's that has no answer yet.
const CANCELLED: &str = "cancelled";

/// Something that a fork sets differently. On the wire each is a key and a value, both text.
#[derive(Clone, Debug, PartialEq)]
pub enum Override {
    /// `seed`: the root seed.
    Seed(u64),
    /// `budget`: wall time from the fork on, such as `5m`, `90s` or `1500ms`; in milliseconds.
    Budget(u64),
    /// `horizon`: steps to forecast.
    Horizon(u32),
    /// `quantiles`: levels, ascending between 0 and 1.
    Quantiles(Vec<Finite>),
    /// `reasoner`: `rules` or `llm`.
    Reasoner(ReasonerKind),
    /// `data`: a version of the data set.
    Data(u32),
    /// `models`: the only models allowed.
    ModelsAllowed(BTreeSet<String>),
    /// `models.forbid`: models that are not allowed.
    ModelsForbidden(BTreeSet<String>),
    /// `covariates`: the only covariates allowed; empty for none.
    CovariatesAllowed(BTreeSet<String>),
    /// `covariates.forbid`: covariates that are not allowed.
    CovariatesForbidden(BTreeSet<String>),
    /// `significance_level`: of the independence tests.
    SignificanceLevel(Finite),
    /// `algorithm`: of causal discovery.
    Algorithm(String),
    /// `rules.off`: anomaly rules, by number, that cleaning does not keep to; none of them with `all`.
    RulesOff(Option<BTreeSet<u32>>),
    /// `rules.on`: anomaly rules, by number, that cleaning keeps to although their test spoke against them.
    RulesOn(BTreeSet<u32>),
    /// `edge.require`: an edge that the graph must have, as `cause->effect`.
    RequiredEdge(String, String),
    /// `edge.forbid`: an edge that the graph must not have.
    ForbiddenEdge(String, String),
    /// `MODEL.SETTING`: a hyperparameter of a model.
    Hyperparameter(String, Setting),
}

/// The keys that a fork may set, as they are told to people.
pub const OVERRIDE_KEYS: &str = "seed, budget, horizon, quantiles, reasoner, data, models, models.forbid, covariates, \
     covariates.forbid, rules.off, rules.on, algorithm, significance_level, edge.require, edge.forbid, or MODEL.SETTING";

impl Override {
    /// Reads a key and its value.
    ///
    /// # Errors
    /// [`Error::Invalid`] says what was expected.
    pub fn parse(key: &str, value: &str) -> Result<Self, Error> {
        let wrong = |expected: &str| Error::Invalid(format!("{key}={value}: {expected}"));
        Ok(match key {
            "seed" => Self::Seed(value.parse().map_err(|_| wrong("a seed is a whole number"))?),
            "budget" => Self::Budget(milliseconds(value).ok_or_else(|| wrong("a budget is a time such as 5m or 90s"))?),
            "horizon" => {
                let steps = value.parse().ok().filter(|steps| *steps > 0);
                Self::Horizon(steps.ok_or_else(|| wrong("a horizon is a number of steps, at least 1"))?)
            }
            "quantiles" => {
                let levels: Option<Vec<Finite>> =
                    value.split(',').map(|level| Finite::of(level.trim().parse().ok()?)).collect();
                let expected = "quantiles are levels that ascend between 0 and 1, such as 0.1,0.5,0.9";
                let levels = levels.filter(|levels| ascend_inside(levels)).ok_or_else(|| wrong(expected))?;
                Self::Quantiles(levels)
            }
            "reasoner" => match value {
                "rules" => Self::Reasoner(ReasonerKind::Rules),
                "llm" => Self::Reasoner(ReasonerKind::Llm),
                _ => return Err(wrong("the reasoner is rules or llm")),
            },
            "data" => Self::Data(value.parse().map_err(|_| wrong("data is the number of a version"))?),
            "models" => Self::ModelsAllowed(names(value)),
            "models.forbid" => Self::ModelsForbidden(names(value)),
            "covariates" => Self::CovariatesAllowed(names(value)),
            "covariates.forbid" => Self::CovariatesForbidden(names(value)),
            "significance_level" => {
                let level = value.parse().ok().and_then(Finite::of).filter(|level| (0.0..1.0).contains(&level.get()));
                let level = level.filter(|level| level.get() > 0.0);
                Self::SignificanceLevel(level.ok_or_else(|| wrong("a significance level lies between 0 and 1"))?)
            }
            "algorithm" => {
                let known = ALGORITHMS.contains(&value);
                let expected = format!("the algorithm is one of {}", ALGORITHMS.join(", "));
                Self::Algorithm(known.then(|| value.to_owned()).ok_or_else(|| wrong(&expected))?)
            }
            "rules.off" if value == "all" => Self::RulesOff(None),
            "rules.off" | "rules.on" => {
                let expected = "rules are named by their numbers, such as 1,3; `atsre state` shows them";
                let numbers: Option<BTreeSet<u32>> = value.split(',').map(|n| n.trim().parse().ok()).collect();
                let numbers = numbers.filter(|numbers| !numbers.contains(&0)).ok_or_else(|| wrong(expected))?;
                if key == "rules.on" { Self::RulesOn(numbers) } else { Self::RulesOff(Some(numbers)) }
            }
            "edge.require" | "edge.forbid" => {
                let edge = value.split_once("->").map(|(cause, effect)| (cause.trim(), effect.trim()));
                let edge = edge.filter(|(cause, effect)| !cause.is_empty() && !effect.is_empty() && cause != effect);
                let (cause, effect) = edge.ok_or_else(|| wrong("an edge is written cause->effect"))?;
                let make = if key == "edge.require" { Self::RequiredEdge } else { Self::ForbiddenEdge };
                make(cause.to_owned(), effect.to_owned())
            }
            _ if key.contains('.') => Self::Hyperparameter(key.to_owned(), Setting::from_text(value)),
            _ => {
                return Err(Error::Invalid(format!(
                    "{key} is nothing that a fork can set; it can set {OVERRIDE_KEYS}"
                )));
            }
        })
    }
}

fn names(list: &str) -> BTreeSet<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn ascend_inside(levels: &[Finite]) -> bool {
    levels.iter().all(|level| level.get() > 0.0 && level.get() < 1.0)
        && levels.windows(2).all(|pair| pair[0].get() < pair[1].get())
}

/// A time such as `5m`, `90s`, `1h` or `1500ms`, at least one millisecond.
fn milliseconds(text: &str) -> Option<u64> {
    let place = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(place);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|time| *time > 0)
}

/// What the forks of an experiment have ruled in or out; every plan keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraints {
    /// The only models allowed, where that is restricted.
    pub models_allowed: Option<BTreeSet<String>>,
    /// Models that are not allowed.
    pub models_forbidden: BTreeSet<String>,
    /// The only covariates allowed, where that is restricted.
    pub covariates_allowed: Option<BTreeSet<String>>,
    /// Covariates that are not allowed.
    pub covariates_forbidden: BTreeSet<String>,
    /// How the causal graph is sought.
    pub discovery: DiscoverySettings,
}

impl Constraints {
    /// Whether a plan may have this model.
    #[must_use]
    pub fn allows_model(&self, name: &str) -> bool {
        self.models_allowed.as_ref().is_none_or(|allowed| allowed.contains(name))
            && !self.models_forbidden.contains(name)
    }

    /// Whether a plan may use this covariate.
    #[must_use]
    pub fn allows_covariate(&self, name: &str) -> bool {
        self.covariates_allowed.as_ref().is_none_or(|allowed| allowed.contains(name))
            && !self.covariates_forbidden.contains(name)
    }
}

impl Experiment {
    /// Whether something can still be set differently at this point.
    ///
    /// # Errors
    /// [`Error::Settled`] names what has settled it.
    pub fn settable(&self, key: &str, wanted: &Override) -> Result<(), Error> {
        self.ensure_input()?;
        if !self.is_open() {
            return Err(Error::Ended { status: self.status() });
        }
        let settled = |by| Err(Error::Settled { key: key.to_owned(), by });
        match wanted {
            Override::Seed(_) | Override::Budget(_) => Ok(()),
            Override::Data(_) if self.diagnosis_requested => settled("the request for a diagnosis of the data"),
            Override::RulesOff(_) | Override::RulesOn(_) if self.causal_map_requested || !self.trials.is_empty() => {
                settled("the first work on the clean data")
            }
            Override::Horizon(_) | Override::Quantiles(_) if !self.trials.is_empty() => settled("the first trial"),
            Override::Reasoner(_)
            | Override::SignificanceLevel(_)
            | Override::Algorithm(_)
            | Override::RequiredEdge(..)
            | Override::ForbiddenEdge(..)
                if self.proposed.is_some() =>
            {
                settled("the plan")
            }
            Override::ModelsAllowed(_)
            | Override::ModelsForbidden(_)
            | Override::CovariatesAllowed(_)
            | Override::CovariatesForbidden(_)
            | Override::Hyperparameter(..)
                if self.approval != Approval::Pending =>
            {
                settled("the decision on the plan")
            }
            _ => Ok(()),
        }
    }

    /// Forks: on the state of the shared prefix.
    pub(super) fn fork(&self, forked: ExperimentForked) -> Result<Vec<Event>, Error> {
        if self.forked.as_ref() == Some(&forked) {
            return Ok(Vec::new());
        }
        let mut child = self.clone();
        for (key, value) in &forked.overrides {
            self.settable(key, &Override::parse(key, value)?)?;
        }
        if forked.reason.trim().is_empty() {
            return Err(Error::Invalid("a fork needs a reason".to_owned()));
        }
        let mut events: Vec<Event> = vec![forked.into()];
        child.apply(&events[0]);
        if child.proposed.as_ref().is_some_and(|proposed| proposed.plan.trials.is_empty()) {
            return Err(Error::Invalid("nothing of the plan would be left; fork before it was made".to_owned()));
        }
        for (request, answered) in &self.completions {
            if !answered {
                let message = "in flight when the experiment was forked: its answer belongs to the parent".to_owned();
                let kind = CANCELLED.to_owned();
                events.push(CompletionFailed { request: *request, kind, message, latency_ms: 0 }.into());
            }
        }
        for (number, trial) in self.trials.iter().filter(|(_, trial)| !trial.ended()) {
            events.extend(in_flight(*number, trial));
        }
        Ok(events)
    }

    /// What a fork sets differently takes effect.
    pub(super) fn apply_fork(&mut self, forked: &ExperimentForked) {
        self.phase = super::state::Phase::Open;
        self.forked = Some(forked.clone());
        // What was decided is checked: a pair that cannot be read was never written.
        let overrides: Vec<Override> =
            forked.overrides.iter().filter_map(|(key, value)| Override::parse(key, value).ok()).collect();
        let Some(opened) = &mut self.opened else { return };
        opened.seed = forked.seed;
        opened.opened_at = forked.forked_at;
        if let Some(name) = &forked.name {
            opened.name.clone_from(name);
        }
        let constraints = &mut self.constraints;
        for wanted in overrides {
            match wanted {
                Override::Seed(_) => {}
                Override::Budget(wall_ms) => opened.budget.wall_ms = wall_ms,
                Override::Horizon(horizon) => opened.horizon = horizon,
                Override::Quantiles(levels) => opened.quantile_levels = levels,
                Override::Reasoner(reasoner) => opened.reasoner = reasoner,
                Override::Data(version) => opened.dataset.version = version,
                Override::Hyperparameter(name, setting) => opened.settings.push((name, setting)),
                Override::ModelsAllowed(names) => constraints.models_allowed = Some(names),
                Override::ModelsForbidden(names) => constraints.models_forbidden.extend(names),
                Override::CovariatesAllowed(names) => constraints.covariates_allowed = Some(names),
                Override::CovariatesForbidden(names) => constraints.covariates_forbidden.extend(names),
                Override::Algorithm(name) => constraints.discovery.algorithm = (name != AUTOMATIC).then_some(name),
                Override::RulesOff(None) => constraints.discovery.cleaning.all_off = true,
                Override::RulesOff(Some(numbers)) => {
                    constraints.discovery.cleaning.on.retain(|number| !numbers.contains(number));
                    constraints.discovery.cleaning.off.extend(numbers);
                }
                Override::RulesOn(numbers) => {
                    constraints.discovery.cleaning.off.retain(|number| !numbers.contains(number));
                    constraints.discovery.cleaning.on.extend(numbers);
                }
                Override::SignificanceLevel(level) => constraints.discovery.significance_level = level,
                Override::RequiredEdge(cause, effect) => constraints.discovery.required.push((cause, effect)),
                Override::ForbiddenEdge(cause, effect) => constraints.discovery.forbidden.push((cause, effect)),
            }
        }
        // A plan that nobody has decided on yet is changed; one that was is not (see `settable`).
        if self.approval == Approval::Pending
            && let Some(proposed) = &mut self.proposed
        {
            proposed.plan.keep_settings(&opened.settings);
            proposed.plan.trials.retain(|trial| constraints.allows_model(&trial.spec.model));
            for trial in &mut proposed.plan.trials {
                trial.spec.covariates.retain(|name| constraints.allows_covariate(name));
            }
        }
    }
}

/// What becomes of a trial that had not ended: the parent's worker, if there is one, is cancelled here, and the trial
/// is queued anew, from its first attempt, as a trial of the fork's own.
fn in_flight(number: crate::identity::TrialNumber, trial: &Trial) -> Vec<Event> {
    let mut events = Vec::new();
    if matches!(trial.state, TrialState::Leased | TrialState::Running) {
        let failure = Failure {
            kind: FailureKind::Interrupted,
            message: "in flight when the experiment was forked: its outcome belongs to the parent".to_owned(),
            trace: String::new(),
            exit_code: None,
            signal: None,
        };
        let class = failure.kind.class();
        let (attempt, epoch) = (trial.attempt, trial.epoch);
        let failed = TrialFailed { trial: number, attempt, epoch, failure, class, usage: Usage::default() };
        events.push(failed.into());
    }
    let reason = "it had not ended when the experiment was forked".to_owned();
    let (role, spec, limits) = (trial.role, trial.spec.clone(), trial.limits);
    events.push(TrialQueued { trial: number, role, spec, limits, reason }.into());
    events
}
