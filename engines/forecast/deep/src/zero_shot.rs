//! The frame of pretrained networks: histories in, quantiles out, nothing learnt.
//!
//! What differs between them is a [`Pretrained`]; what they share is here: levels between those a network was trained
//! for, quantiles in order, values outside the range of its numbers, and what a reader should know.

use atsre_forecast::{
    FitTask, ForecastError, Forecaster, PredictRequest, Progress, Refit, SeriesForecast, TrainingView,
};

use crate::error::Error;
use crate::quantiles;

/// Values up to this size go to a network as they are: their ranges are finite.
const LARGEST: f64 = 1e150;
/// Histories of a smaller range are enlarged: a network may take them for constants.
const SMALLEST_RANGE: f64 = 1e-3;

/// The quantiles of one series: for each step those at [`Pretrained::levels`], in the data's unit.
pub type Steps = Vec<Vec<f64>>;

/// A network with pretrained weights.
pub trait Pretrained: Send + 'static {
    /// The name in the catalogue.
    const NAME: &'static str;
    /// The fewest observations it can work with.
    const MINIMUM_LENGTH: usize = 1;

    /// Makes the network ready, for the first time or again.
    ///
    /// # Errors
    /// [`Error`], by its kind.
    fn load(&mut self) -> Result<(), Error>;

    /// The levels it was trained for, ascending.
    fn levels(&self) -> &[f64];

    /// Forecasts every series of the view. `histories` are their targets, scaled where needed; NaN where missing.
    ///
    /// # Errors
    /// [`Error`], by its kind.
    fn forecast(&self, request: &Request<'_>) -> Result<Vec<Steps>, Error>;

    /// What a reader of the result should know.
    fn notes(&self) -> Vec<String>;
}

/// What a pretrained network is asked.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The series, for their covariates.
    pub view: &'a TrainingView<'a>,
    /// The targets up to the origins, scaled.
    pub histories: &'a [Vec<f64>],
    /// Steps to forecast.
    pub horizon: usize,
    /// The source of every random draw.
    pub seed: u64,
    /// Where to report, and whether to stop.
    pub progress: &'a dyn Progress,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("series", &self.histories.len()).field("horizon", &self.horizon).finish()
    }
}

/// A pretrained network as a forecaster.
#[derive(Debug)]
pub(crate) struct ZeroShot<P> {
    network: P,
    /// The levels asked for, once ready.
    ready: Option<Vec<f64>>,
}

impl<P: Pretrained> ZeroShot<P> {
    pub(crate) const fn new(network: P) -> Self {
        Self { network, ready: None }
    }
}

impl<P: Pretrained> Forecaster for ZeroShot<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    /// Weights are read once; more history needs nothing more.
    fn refit(&self) -> Refit {
        Refit::Once
    }

    fn minimum_length(&self, _horizon: usize, _season_length: usize) -> usize {
        P::MINIMUM_LENGTH
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        task.progress.check()?;
        self.network.load().map_err(|e| e.for_model(P::NAME))?;
        self.ready = Some(task.quantile_levels.to_vec());
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        if self.ready.is_none() {
            return Err(ForecastError::NotFitted(P::NAME.to_string()));
        }
        request.progress.check()?;
        let mut scales = Vec::with_capacity(request.view.len());
        let mut histories = Vec::with_capacity(request.view.len());
        for series in request.view.iter() {
            if let Some(row) = series.target().iter().position(|v| v.is_infinite()) {
                let place = format!("row {row} of series `{}`", series.item_id());
                return Err(Error::NonFinite { place }.for_model(P::NAME));
            }
            let scale = scale(series.target());
            histories.push(series.target().iter().map(|v| v / scale).collect());
            scales.push(scale);
        }
        let PredictRequest { view, horizon, seed, progress, .. } = *request;
        let asked = Request { view, histories: &histories, horizon, seed, progress };
        let forecasts = self.network.forecast(&asked).map_err(|e| e.for_model(P::NAME))?;
        let known = self.network.levels();
        let mut out = Vec::with_capacity(forecasts.len());
        for ((series, mut steps), scale) in view.iter().zip(forecasts).zip(scales) {
            for step in &mut steps {
                // What leaves the range of numbers stays at its end.
                step.iter_mut().for_each(|v| *v = (*v * scale).clamp(-f64::MAX / 16.0, f64::MAX / 16.0));
                // Rearrangement (Chernozhukov, Fernández-Val and Galichon 2010): sorting never raises the pinball loss.
                step.sort_by(f64::total_cmp);
            }
            let level = |l: &f64| steps.iter().map(|step| quantiles::at(known, step, *l)).collect();
            out.push(SeriesForecast {
                item_id: series.item_id().to_string(),
                times: series.future_times(horizon)?,
                mean: steps.iter().map(|step| quantiles::mean(known, step)).collect(),
                quantiles: request.quantile_levels.iter().map(level).collect(),
            });
        }
        Ok(out)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.network.notes();
        let asked = self.ready.as_deref().unwrap_or_default();
        if let ([low, .., high], [first, .., last]) = (self.network.levels(), asked)
            && (first < low || last > high)
        {
            notes.push(format!(
                "{} was trained for the levels {low} to {high}; before calibration, those beyond are its outermost quantiles",
                P::NAME
            ));
        }
        notes
    }
}

/// A power of two that brings a history into the range of a network's numbers: 1 but for extreme values. Dividing by it
/// changes no digit.
fn scale(history: &[f64]) -> f64 {
    let observed = || history.iter().copied().filter(|v| !v.is_nan());
    let largest = observed().fold(0.0, |m: f64, v| m.max(v.abs()));
    if largest >= LARGEST {
        return largest.log2().floor().exp2();
    }
    let (low, high) = observed().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let range = high - low;
    if range > 0.0 && range < SMALLEST_RANGE {
        // Not so far that the largest value leaves the range.
        range.log2().floor().clamp(-1_000.0, 0.0).max((largest / LARGEST).log2().ceil()).exp2()
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_extreme_histories_are_scaled() {
        assert_eq!(scale(&[1.0, 2.0, f64::NAN]), 1.0);
        assert_eq!(scale(&[5.0; 4]), 1.0);
        assert_eq!(scale(&[]), 1.0);
        assert!(1e300 / scale(&[1e300, -1e300]) < 4.0);
        let tiny = [1e-300, 2e-300];
        assert!((0.5..=2.0).contains(&((tiny[1] - tiny[0]) / scale(&tiny))));
        assert!(scale(&[5e-324, 0.0]).is_normal());
    }
}
