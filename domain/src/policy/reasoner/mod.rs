//! The rule-based reasoner: from profile, graph, history, budget and catalogue to a plan, with every step in the
//! open. Deterministic and offline.

mod linear;
mod statistical;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::{CatalogueEntry, Family};
use crate::experiment::Budget;
use crate::finite::Finite;
use crate::graph::Driver;
use crate::model::{Device, ModelSpec, Setting};
use crate::panel::{Covariate, CovariateKind};
use crate::plan::{BacktestPlan, Plan, PlannedTrial, ReasoningStep};
use crate::policy::feasibility::{
    affordable_seconds, backtest_plan, backtest_step, cost_seconds, device, limits, shortest, uses,
};
use crate::profile::{Profile, Stationarity};

/// A season weaker than this is not worth a model's parameters.
const STRONG_SEASON: f64 = 0.3;
/// Observations below which a neural network has too little to learn from.
const DEEP_OBSERVATIONS: u64 = 2_000;

/// A finished trial on a similar data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastTrial {
    /// The data set's name.
    pub dataset: String,
    /// The model.
    pub model: String,
    /// Its backtest MASE.
    pub mase: Finite,
    /// The MASE of the best trial of that experiment.
    pub best_mase: Finite,
}

/// What the planner knows.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The data set's name.
    pub dataset: &'a str,
    /// Steps to forecast.
    pub horizon: u32,
    /// Steps withheld as a test.
    pub holdout: u32,
    /// What the experiment may use.
    pub budget: &'a Budget,
    /// What is left of its wall time.
    pub remaining_ms: u64,
    /// Profile *Q*.
    pub profile: &'a Profile,
    /// The panel's covariates.
    pub covariates: &'a [Covariate],
    /// The target's causes; empty without a graph.
    pub drivers: &'a [Driver],
    /// Whether there is a graph at all.
    pub has_graph: bool,
    /// The models there are.
    pub catalogue: &'a [CatalogueEntry],
    /// Finished trials on similar data sets.
    pub history: &'a [PastTrial],
}

/// Makes a plan.
#[must_use]
pub fn plan(context: &Context<'_>) -> Plan {
    let mut draft = Draft { context, steps: Vec::new(), trials: Vec::new() };
    let backtest = draft.backtest();
    let seasons = draft.seasons();
    draft.naive_forms(&seasons);
    draft.statistical(&seasons);
    let chosen = draft.covariates();
    draft.linear(&seasons, &chosen);
    draft.deep(&chosen, backtest);
    draft.learn_from_history();
    draft.fit_into_budget(backtest);
    let hypothesis = draft.hypothesis(&chosen);
    Plan {
        hypothesis,
        reasoning: draft.steps,
        backtest,
        trials: draft.trials,
        ensemble_strategy: "weighted_avg".to_owned(),
    }
}

struct Draft<'a> {
    context: &'a Context<'a>,
    steps: Vec<ReasoningStep>,
    trials: Vec<PlannedTrial>,
}

impl Draft<'_> {
    fn step(&mut self, observation: String, inference: &str, decision: String) {
        self.steps.push(ReasoningStep { observation, inference: inference.to_owned(), decision });
    }

    fn backtest(&mut self) -> BacktestPlan {
        let backtest = backtest_plan(self.context);
        self.steps.push(backtest_step(self.context, backtest));
        backtest
    }

    /// The seasons worth modelling, strongest first.
    fn seasons(&mut self) -> Vec<u32> {
        let found = &self.context.profile.seasonal_periods;
        let worth: Vec<u32> = found.iter().filter(|s| s.strength.get() >= STRONG_SEASON).map(|s| s.period).collect();
        let listed: Vec<String> =
            found.iter().map(|s| format!("{} (strength {:.2})", s.period, s.strength.get())).collect();
        if worth.is_empty() {
            let seen = if listed.is_empty() {
                "no seasonal period found".to_owned()
            } else {
                format!("weak seasons only: {}", listed.join(", "))
            };
            self.step(seen, "seasonal terms would fit noise", "models without seasons".to_owned());
        } else {
            let names: Vec<String> = worth.iter().map(u32::to_string).collect();
            self.step(
                format!("seasonal periods {}", listed.join(", ")),
                "the pattern repeats strongly enough to be carried forward",
                format!("seasonal models with period {}", names.join(" and ")),
            );
        }
        worth
    }

    fn naive_forms(&mut self, seasons: &[u32]) {
        let profile = self.context.profile;
        let trend = profile.trend_strength.map_or(0.0, Finite::get);
        if profile.stationarity == Stationarity::UnitRoot || trend > 0.6 {
            self.step(
                format!("trend strength {trend:.2}, {}", stationarity(profile.stationarity)),
                "the level wanders, so its last value and its mean slope carry most of what can be known",
                "naive with drift".to_owned(),
            );
            self.add("drift", BTreeMap::new(), &[], "the last level and the mean slope".to_owned());
        } else if seasons.is_empty() && profile.season_length() > 1 {
            // Without any season the baseline is this one.
            self.add("naive", BTreeMap::new(), &[], "the last observation, as the simplest rival".to_owned());
        }
    }

    /// The covariates worth a model's while: the target's causes, and what is known over the horizon.
    fn covariates(&mut self) -> Vec<String> {
        let context = self.context;
        let drivers: Vec<&str> = context.drivers.iter().map(|d| d.variable.as_str()).collect();
        let mut chosen: Vec<String> = context
            .covariates
            .iter()
            .filter(|c| drivers.contains(&c.name.as_str()) && c.kind != CovariateKind::Static)
            .map(|c| c.name.clone())
            .collect();
        if context.covariates.is_empty() {
            self.step(
                "there are no other columns".to_owned(),
                "only the target's own past can explain it",
                "no covariates".to_owned(),
            );
        } else if !context.has_graph {
            self.step(
                "there is no causal graph".to_owned(),
                "correlation alone does not say what stays true when circumstances change",
                "no covariates".to_owned(),
            );
        } else if chosen.is_empty() {
            self.step(
                "the graph shows no cause of the target among the columns".to_owned(),
                "the others are correlated at most, and would mislead when circumstances change",
                "no covariates".to_owned(),
            );
        } else {
            let listed: Vec<String> =
                context
                    .drivers
                    .iter()
                    .filter(|d| chosen.contains(&d.variable))
                    .map(|d| {
                        if d.lag == 0 { d.variable.clone() } else { format!("{} ({} steps before)", d.variable, d.lag) }
                    })
                    .collect();
            let known = context.covariates.iter().any(|c| chosen.contains(&c.name) && c.kind == CovariateKind::Known);
            let decision = if known {
                "they enter as covariates, those known over the horizon at the step they act on"
            } else {
                "they enter as covariates with their past; their future is not known"
            };
            self.step(
                format!("the graph shows causes of the target: {}", listed.join(", ")),
                "causes keep their effect where mere correlates lose theirs; they are kept only if the backtest with them is better",
                decision.to_owned(),
            );
        }
        chosen.sort();
        chosen.dedup();
        chosen
    }

    fn deep(&mut self, chosen: &[String], backtest: BacktestPlan) {
        let observations = self.context.profile.observations;
        let Some(entry) = self.context.catalogue.iter().find(|e| e.family == Family::Deep) else { return };
        let seconds = cost_seconds(entry, observations, backtest.windows);
        let affordable = affordable_seconds(self.context);
        if observations < DEEP_OBSERVATIONS {
            self.step(
                format!("{observations} observations, fewer than {DEEP_OBSERVATIONS}"),
                "a neural network would learn the noise",
                "no deep model".to_owned(),
            );
        } else if seconds > affordable {
            self.step(
                format!("{} needs about {seconds:.0} s, {affordable:.0} s can be spent", entry.name),
                "a model that cannot end in time gives nothing",
                "no deep model".to_owned(),
            );
        } else {
            let gpu = self.context.budget.gpu_memory_bytes;
            let device = device(entry, observations, self.context.budget);
            self.step(
                format!("{observations} observations, {affordable:.0} s to spend, {} MiB of GPU memory", gpu >> 20),
                "enough to learn non-linear and long patterns that the linear models miss",
                format!("{} on the {}", entry.name, if device == Device::Gpu { "GPU" } else { "processor" }),
            );
            self.add(entry.name, BTreeMap::new(), chosen, "several time scales at once, non-linear".to_owned());
            if let Some(trial) = self.trials.last_mut() {
                trial.spec.device = device;
            }
        }
    }

    /// On similar data sets, a model that was far from the best every time is left out, unless it is all there is.
    fn learn_from_history(&mut self) {
        let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for past in self.context.history.iter().filter(|p| p.best_mase.get() > 0.0) {
            ratios.entry(&past.model).or_default().push(past.mase.get() / past.best_mase.get());
        }
        if ratios.is_empty() {
            self.step(
                "no similar data set in the store".to_owned(),
                "there is nothing to learn from yet",
                "every kind is tried".to_owned(),
            );
            return;
        }
        let poor: Vec<String> = ratios
            .iter()
            .filter(|(_, r)| r.len() >= 2 && r.iter().all(|ratio| *ratio > 2.0))
            .map(|(model, _)| (*model).to_owned())
            .collect();
        let keep = self.trials.iter().filter(|t| !poor.contains(&t.spec.model)).count();
        if poor.is_empty() || keep == 0 {
            let best = ratios.iter().min_by(|a, b| mean(a.1).total_cmp(&mean(b.1))).map_or("", |(m, _)| m).to_owned();
            self.step(
                format!(
                    "on {} earlier trials with similar data, {best} came nearest to the best",
                    self.context.history.len()
                ),
                "no model was hopeless every time",
                "every kind is tried".to_owned(),
            );
        } else {
            self.trials.retain(|t| !poor.contains(&t.spec.model));
            self.step(
                format!("{} had more than twice the best error every time on similar data", poor.join(", ")),
                "its time is better spent elsewhere",
                format!("without {}", poor.join(", ")),
            );
        }
    }

    /// The cheapest first, each with a deadline; what cannot end in time is dropped.
    fn fit_into_budget(&mut self, backtest: BacktestPlan) {
        let context = self.context;
        let observations = context.profile.observations;
        let entry_of = |name: &str| context.catalogue.iter().find(|e| e.name == name);
        let seconds = |trial: &PlannedTrial| {
            entry_of(&trial.spec.model).map_or(1.0, |e| cost_seconds(e, observations, backtest.windows))
        };
        let shortest = shortest(context);
        self.trials.retain(|t| entry_of(&t.spec.model).is_some_and(|e| e.minimum_length <= shortest));
        self.trials.sort_by(|a, b| {
            seconds(a).total_cmp(&seconds(b)).then_with(|| a.spec.covariates.len().cmp(&b.spec.covariates.len()))
        });
        let lanes = f64::from(context.budget.parallel_trials);
        let mut left = affordable_seconds(context) * lanes;
        let mut dropped = Vec::new();
        self.trials.retain(|trial| {
            let needs = seconds(trial);
            if needs > left {
                dropped.push(trial.spec.model.clone());
                return false;
            }
            left -= needs;
            true
        });
        for trial in &mut self.trials {
            trial.limits = limits(context, seconds(trial));
        }
        let listed: Vec<String> = self.trials.iter().map(|t| t.spec.model.clone()).collect();
        let decision = if dropped.is_empty() {
            format!("{} in this order", listed.join(", "))
        } else {
            format!("{} in this order; without {}", listed.join(", "), dropped.join(", "))
        };
        self.step(
            format!(
                "{:.0} s are left, {} trials at a time, {} MiB for each",
                context.remaining_ms as f64 / 1000.0,
                context.budget.parallel_trials,
                context.budget.trial_memory_bytes >> 20
            ),
            "the cheap ones first, so that there is a better result at every moment",
            decision,
        );
    }

    fn hypothesis(&self, chosen: &[String]) -> String {
        let season = self.context.profile.season_length();
        match (season > 1, chosen.is_empty()) {
            (true, true) => {
                format!("{} follows its season of {season} observations and its own past", self.context.dataset)
            }
            (true, false) => format!(
                "{} follows its season of {season} observations, and {} explain part of what the season does not",
                self.context.dataset,
                chosen.join(", ")
            ),
            (false, true) => format!("{} can be told from its own recent past alone", self.context.dataset),
            (false, false) => format!("{} is driven by {}", self.context.dataset, chosen.join(", ")),
        }
    }

    fn add(&mut self, model: &str, hyperparameters: BTreeMap<String, Setting>, covariates: &[String], reason: String) {
        let Some(entry) = self.context.catalogue.iter().find(|e| e.name == model) else { return };
        let mut settings = entry.defaults.clone();
        settings.extend(hyperparameters);
        if settings.contains_key("non_negative") {
            settings.insert("non_negative".to_owned(), Setting::Flag(self.context.profile.non_negative));
        }
        let usable = |name: &&String| self.context.covariates.iter().any(|c| c.name == **name && uses(entry, c.kind));
        let spec = ModelSpec {
            framework: entry.framework.to_owned(),
            model: model.to_owned(),
            hyperparameters: settings,
            covariates: covariates.iter().filter(usable).cloned().collect(),
            device: Device::Cpu,
        };
        self.trials.push(PlannedTrial { spec, limits: limits(self.context, 0.0), reason });
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn stationarity(verdict: Stationarity) -> &'static str {
    match verdict {
        Stationarity::Stationary => "stationary",
        Stationarity::UnitRoot => "a unit root",
        Stationarity::TrendStationary => "stationary around a trend",
        Stationarity::Inconclusive => "stationarity undecided",
    }
}
