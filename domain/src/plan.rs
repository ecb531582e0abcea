//! A plan: which trials to run, and the reasoning that led there.

use serde::{Deserialize, Serialize};

use crate::model::{Limits, ModelSpec, Setting};

/// One step of reasoning, written so that a person can follow it and disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasoningStep {
    /// What was looked at, such as `daily season of strength 0.83`.
    pub observation: String,
    /// What follows from it.
    pub inference: String,
    /// What was therefore decided.
    pub decision: String,
}

/// Which reasoner made the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonerKind {
    /// Deterministic rules, offline.
    Rules,
    /// A language model.
    Llm,
}

/// Why a trial is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialRole {
    /// The first usable result.
    Baseline,
    /// A candidate for the best.
    Candidate,
    /// Taken because everything else failed.
    Fallback,
}

/// One planned trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedTrial {
    /// What to run.
    pub spec: ModelSpec,
    /// What it may use.
    pub limits: Limits,
    /// Why.
    pub reason: String,
}

/// How the trials are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestPlan {
    /// Rolling-origin windows.
    pub windows: u32,
    /// Steps between two origins.
    pub step: u32,
    /// The season by which MASE and RMSSE scale.
    pub season_length: u32,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the experiment expects to find, in a sentence.
    pub hypothesis: String,
    /// The steps of reasoning, in order.
    pub reasoning: Vec<ReasoningStep>,
    /// The backtest.
    pub backtest: BacktestPlan,
    /// The trials, the cheapest first.
    pub trials: Vec<PlannedTrial>,
    /// How the finished trials are combined: `weighted_avg` or `none`.
    pub ensemble_strategy: String,
}

impl Plan {
    /// Gives the trials the settings that the user decided, as (`model.setting`, value), and says so in the reasoning.
    pub fn keep_settings(&mut self, settings: &[(String, Setting)]) {
        for (name, value) in settings {
            let Some((model, setting)) = name.split_once('.') else { continue };
            let mut trials = self.trials.iter_mut().filter(|trial| trial.spec.model == model).peekable();
            if trials.peek().is_none() {
                continue;
            }
            trials.for_each(|trial| {
                let before = trial.spec.hyperparameters.insert(setting.to_owned(), value.clone());
                // The deadline was for the planned value; work grows with the square of a width, at most.
                if let (Some(Setting::Integer(before)), Setting::Integer(now)) = (before, value)
                    && before > 0
                    && *now > before
                {
                    let times = (*now as f64 / before as f64).powi(2);
                    trial.limits.deadline_ms = (trial.limits.deadline_ms as f64 * times) as u64;
                }
            });
            self.reasoning.push(ReasoningStep {
                observation: format!("the user set {name}"),
                inference: "what a person decides, the plan keeps".to_owned(),
                decision: format!("{model} with {setting} {}", serde_json::to_string(value).unwrap_or_default()),
            });
        }
    }
}

/// Rolling-origin windows, where the series are long enough.
const MOST_WINDOWS: u32 = 5;

impl BacktestPlan {
    /// As many windows as the shortest series bears while the first still leaves two seasons, or two horizons,
    /// to learn from; at most five, at least one.
    #[must_use]
    pub fn rolling_origin(shortest: u64, holdout: u32, horizon: u32, season_length: u32) -> Self {
        let length = u32::try_from(shortest).unwrap_or(u32::MAX).saturating_sub(holdout);
        let learn = season_length.saturating_mul(2).max(horizon.saturating_mul(2)).max(8);
        let windows = (length.saturating_sub(learn) / horizon.max(1)).clamp(1, MOST_WINDOWS);
        Self { windows, step: horizon, season_length }
    }
}
