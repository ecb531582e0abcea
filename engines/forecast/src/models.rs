//! The models, one file each.

pub(crate) mod additive;
pub mod arima;
pub(crate) mod averages;
pub(crate) mod boosting;
pub mod ces;
pub mod direct;
pub(crate) mod drift;
pub mod ets;
pub(crate) mod intermittent;
pub(crate) mod local;
pub(crate) mod mfles;
pub(crate) mod mstl;
pub(crate) mod naive;
pub(crate) mod naive2;
pub(crate) mod rank_one;
pub(crate) mod regressors;
pub(crate) mod ridge;
pub(crate) mod seasonal_naive;
pub(crate) mod ses;
pub(crate) mod simplex;
pub(crate) mod tbats;
pub mod theta;
pub(crate) mod vectors;
pub(crate) mod windows;

/// What forecasts a series that is too short for the model that was asked for: the last value.
pub(crate) fn fallback() -> Box<dyn crate::forecaster::Forecaster> {
    Box::new(local::Local::fitted(naive::Naive))
}
