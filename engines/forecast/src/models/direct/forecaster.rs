//! Linear maps behind the catalogue's names.

use std::collections::BTreeMap;

use atsre_domain::model::ModelSpec;
use rayon::prelude::*;

use super::{Anchor, Form, Frame, LinearMap, Options, learn};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::gaps;
use crate::in_sample::SeriesFit;
use crate::models::local::standard_normal_quantiles;
use crate::settings::Settings;

/// Seasons of a window that nobody set.
const SEASONS: usize = 14;
/// The fewest and the most lags that are chosen without being asked for.
const AUTOMATIC_LAGS: (usize, usize) = (8, 512);
/// Observations from which on a series by itself teaches more than its neighbours do.
const LONG_ENOUGH: usize = 300;
/// The fewest windows of a fit.
const FEWEST_WINDOWS: usize = 4;
/// Shares of the frequencies that are tried, in 1/256.
const CUTOFFS: [usize; 4] = [32, 64, 128, 256];

/// A linear map over lags.
#[derive(Debug)]
struct Direct {
    name: &'static str,
    anchor: Anchor,
    forms: Vec<Form>,
    lags: usize,
    penalty: Option<f64>,
    pooled: Option<bool>,
    fitted: Option<Maps>,
}

/// One map for all series, or one each, by the series' index in the panel.
#[derive(Debug)]
enum Maps {
    Pooled(LinearMap),
    Local(BTreeMap<usize, LinearMap>),
}

impl Maps {
    /// The map of a series, by its index in the panel.
    fn of(&self, index: usize) -> Option<&LinearMap> {
        match self {
            Self::Pooled(map) => Some(map),
            Self::Local(maps) => maps.get(&index),
        }
    }
}

/// Builds NLinear.
pub(crate) fn construct_nlinear(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    build(catalogue::NLINEAR, Anchor::Last, |_| Ok(vec![Form::Plain]), spec)
}

/// Builds DLinear.
pub(crate) fn construct_dlinear(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let forms = |settings: &Settings| Ok(vec![Form::Decomposed(settings.size("moving_average", 1..=1_000)?)]);
    build(catalogue::DLINEAR, Anchor::Last, forms, spec)
}

/// Builds FITS.
pub(crate) fn construct_fits(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let forms = |settings: &Settings| {
        let cutoff = settings.number("cutoff", 0.0..=1.0)?;
        let set = (cutoff > 0.0).then(|| vec![Form::LowPass((cutoff * 256.0).ceil() as usize)]);
        Ok(set.unwrap_or_else(|| CUTOFFS.map(Form::LowPass).to_vec()))
    };
    build(catalogue::FITS, Anchor::Mean, forms, spec)
}

fn build(
    name: &'static str,
    anchor: Anchor,
    forms: impl FnOnce(&Settings) -> Result<Vec<Form>, ForecastError>,
    spec: &ModelSpec,
) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(name)?, spec)?;
    let pooled = match settings.word("pooled", &["auto", "yes", "no"])? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let penalty = settings.number("penalty", 0.0..=1e6)?;
    Ok(Box::new(Direct {
        name,
        anchor,
        forms: forms(&settings)?,
        lags: settings.size("lags", 0..=2_000)?,
        penalty: (penalty > 0.0).then_some(penalty),
        pooled,
        fitted: None,
    }))
}

impl Direct {
    /// The longest window that leaves the longest series enough of them.
    fn options(&self, lengths: impl Iterator<Item = usize>, horizon: usize, season: usize) -> Options {
        let longest = lengths.max().unwrap_or(0);
        let room = longest.saturating_sub(horizon + FEWEST_WINDOWS - 1).max(1);
        let wanted = (SEASONS * season).clamp(AUTOMATIC_LAGS.0, AUTOMATIC_LAGS.1);
        let lags = if self.lags > 0 { self.lags.min(room) } else { wanted.min(room.div_ceil(2)) };
        Options { lags, anchor: self.anchor, forms: self.forms.clone(), intercept: false, penalty: self.penalty }
    }
}

impl Forecaster for Direct {
    fn name(&self) -> &'static str {
        self.name
    }

    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }

    fn minimum_length(&self, horizon: usize, _season_length: usize) -> usize {
        horizon + FEWEST_WINDOWS + 2
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        task.progress.check()?;
        let histories: Vec<&[f64]> = task.view.iter().map(|s| usable(s.target())).collect();
        let lengths = || histories.iter().map(|h| h.len());
        let needed = self.minimum_length(task.horizon, task.season_length);
        if let Some(i) = lengths().position(|n| n < needed) {
            return Err(ForecastError::TooShort {
                model: self.name.to_string(),
                item_id: task.view.series(i).item_id().to_string(),
                length: histories[i].len(),
                needed,
            });
        }
        let mut sorted: Vec<usize> = lengths().collect();
        sorted.sort_unstable();
        let typical = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
        let pooled = self.pooled.unwrap_or(histories.len() > 1 && typical < LONG_ENOUGH);
        self.fitted = Some(if pooled {
            // A window that only the longest series have would be filled up in all others.
            let options = self.options(std::iter::once(typical), task.horizon, task.season_length);
            Maps::Pooled(learn(&histories, task.horizon, &options)?)
        } else {
            let maps = histories.par_iter().enumerate().map(|(i, history)| {
                task.progress.check()?;
                let options = self.options(std::iter::once(history.len()), task.horizon, task.season_length);
                Ok((task.view.series(i).index(), learn(&[history], task.horizon, &options)?))
            });
            Maps::Local(maps.collect::<Result<_, ForecastError>>()?)
        });
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let unfitted = || ForecastError::NotFitted(self.name.to_string());
        let maps = self.fitted.as_ref().ok_or_else(unfitted)?;
        let scores = standard_normal_quantiles(request.quantile_levels)?;
        (0..request.view.len())
            .into_par_iter()
            .map(|i| {
                request.progress.check()?;
                let series = request.view.series(i);
                let map = maps.of(series.index()).ok_or_else(unfitted)?;
                let values = gaps::filled(usable(series.target()));
                let frame = Frame::of(&values);
                let mean = map.continuation(&values, frame.level, frame.scale);
                let deviations = map.deviations();
                let quantile =
                    |z: &f64| mean.iter().zip(&deviations).map(|(m, d)| m + z * d * frame.scale).collect::<Vec<f64>>();
                Ok(SeriesForecast {
                    item_id: series.item_id().to_string(),
                    times: series.future_times(request.horizon)?,
                    quantiles: scores.iter().map(quantile).collect(),
                    mean,
                })
            })
            .collect()
    }

    fn in_sample(&self, request: &PredictRequest<'_>) -> Result<Option<Vec<SeriesFit>>, ForecastError> {
        let unfitted = || ForecastError::NotFitted(self.name.to_string());
        let maps = self.fitted.as_ref().ok_or_else(unfitted)?;
        let one = |i: usize| {
            request.progress.check()?;
            let series = request.view.series(i);
            let map = maps.of(series.index()).ok_or_else(unfitted)?;
            let values = gaps::filled(usable(series.target()));
            let frame = Frame::of(&values);
            Ok(SeriesFit::of(&series, &map.first_steps(&values, frame.level, frame.scale)))
        };
        (0..request.view.len()).into_par_iter().map(one).collect::<Result<_, ForecastError>>().map(Some)
    }

    fn notes(&self) -> Vec<String> {
        let described = |map: &LinearMap, scope: &str| {
            let (form, penalty) = map.chosen();
            vec![format!("{}: {scope}, {} lags, {form:?}, penalty {penalty}", self.name, map.lags())]
        };
        match &self.fitted {
            None => Vec::new(),
            Some(Maps::Pooled(map)) => described(map, "one map for all series"),
            Some(Maps::Local(maps)) => maps.values().next().map_or_else(Vec::new, |m| described(m, "one map a series")),
        }
    }
}

fn usable(target: &[f64]) -> &[f64] {
    &target[gaps::first_observed(target).unwrap_or(0)..]
}
