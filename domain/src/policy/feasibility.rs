//! What data and budget allow, by the same rules for every reasoner: how trials are judged, what each may use, what
//! a model is declared to cost.

use crate::catalogue::CatalogueEntry;
use crate::experiment::Budget;
use crate::model::{Device, Limits};
use crate::panel::CovariateKind;
use crate::plan::{BacktestPlan, ReasoningStep};
use crate::policy::device::fits;
use crate::policy::reasoner::Context;

/// The share of the remaining time that trials may take: the rest is for ensemble and report.
const TRIAL_SHARE: f64 = 0.8;

/// The backtest that the shortest series bears.
pub(crate) fn backtest_plan(context: &Context<'_>) -> BacktestPlan {
    let profile = context.profile;
    BacktestPlan::rolling_origin(profile.length_min, context.holdout, context.horizon, profile.season_length())
}

/// The step of reasoning that explains [`backtest_plan`].
pub(crate) fn backtest_step(context: &Context<'_>, backtest: BacktestPlan) -> ReasoningStep {
    let profile = context.profile;
    let (horizon, season) = (context.horizon, backtest.season_length);
    ReasoningStep {
        observation: format!(
            "{} series of {} to {} observations, horizon {horizon}",
            profile.series_count, profile.length_min, profile.length_max
        ),
        inference: "accuracy must be measured on data the model has not seen, as often as the history bears".to_owned(),
        decision: format!(
            "rolling-origin backtest with {} windows of {horizon} steps, scaled by season {season}",
            backtest.windows
        ),
    }
}

/// Observations of the shortest series that models may learn from.
pub(crate) fn shortest(context: &Context<'_>) -> u32 {
    u32::try_from(context.profile.length_min).unwrap_or(u32::MAX).saturating_sub(context.holdout)
}

/// Wall time that trials may take, in seconds; each of the parallel lanes has as much.
pub(crate) fn affordable_seconds(context: &Context<'_>) -> f64 {
    context.remaining_ms as f64 / 1000.0 * TRIAL_SHARE
}

/// Times its declared cost that a trial may take: the declaration is for a quick machine with nothing else to do.
const DEADLINE_SLACK: f64 = 20.0;
/// What a trial may always take, in seconds, however little it declares: a worker has to start as well.
const SHORTEST_DEADLINE_S: f64 = 10.0;

/// What a trial may use that declares so many seconds. Far past its declaration something is wrong with it, and the
/// time is better spent on the others.
pub(crate) fn limits(context: &Context<'_>, declared_seconds: f64) -> Limits {
    let deadline_s = (declared_seconds * DEADLINE_SLACK).max(SHORTEST_DEADLINE_S).min(affordable_seconds(context));
    Limits {
        memory_bytes: context.budget.trial_memory_bytes,
        deadline_ms: ((deadline_s * 1000.0) as u64).max(1_000),
        threads: 1,
    }
}

/// The GPU where the model can use one and its declared need on so many observations fits the budget's.
pub(crate) fn device(entry: &CatalogueEntry, observations: u64, budget: &Budget) -> Device {
    let needed = cost_bytes(entry, observations).max(1);
    if entry.gpu && fits(needed, budget.gpu_memory_bytes) { Device::Gpu } else { Device::Cpu }
}

/// Whether the model can use a covariate of this kind.
pub(crate) fn uses(entry: &CatalogueEntry, kind: CovariateKind) -> bool {
    match kind {
        CovariateKind::Known => entry.known_covariates,
        CovariateKind::Past => entry.past_covariates,
        CovariateKind::Static => false,
    }
}

/// The declared cost of a model, in seconds on one core.
#[must_use]
pub fn cost_seconds(entry: &CatalogueEntry, observations: u64, windows: u32) -> f64 {
    let million = observations as f64 / 1e6;
    entry.cost.fixed_seconds + entry.cost.seconds_per_million * million * f64::from(windows + 1)
}

/// The declared memory of a model, in bytes.
#[must_use]
pub fn cost_bytes(entry: &CatalogueEntry, observations: u64) -> u64 {
    entry.cost.bytes_per_observation.saturating_mul(observations).saturating_add(entry.cost.fixed_bytes)
}
