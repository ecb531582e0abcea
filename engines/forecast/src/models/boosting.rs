//! Gradient boosting over lags, seasonal lags, the calendar and covariates, one model for all series.
//!
//! Friedman (2001); windows in units of their own level and spread, which lets a panel share one model (Montero-Manso
//! and Hyndman 2021). The *direct* strategy has one model for all steps, to which the step is one more feature, and one
//! for each quantile by the pinball loss; the *recursive* strategy has a model of the next step alone, fed with its own
//! forecasts, whose quantiles are those of its errors over held-out windows.

use atsre_domain::model::ModelSpec;
use rayon::prelude::*;

use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::gaps;
use crate::in_sample::SeriesFit;
use crate::models::windows::layout::{Layout, Wishes};
use crate::models::windows::prepared::Prepared;
use crate::models::windows::{FEWEST_WINDOWS, SHORTEST, residual_quantiles};
use crate::settings::Settings;
use crate::view::SeriesView;
use booster::{Booster, Growth, Loss};
use examples::{Examples, write};

mod booster;
mod examples;
mod recursion;
mod tree;

/// Rows from which on quantiles are learnt; with fewer they are those of the errors.
const ENOUGH_FOR_QUANTILES: usize = 200;

/// How steps after the first are forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    Direct,
    Recursive,
}

/// The model.
#[derive(Debug)]
struct Boosting {
    wishes: Wishes,
    strategy: Strategy,
    growth: Growth,
    row_cap: usize,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    layout: Layout,
    quantile_levels: Vec<f64>,
    mean: Booster,
    spread: Spread,
}

/// Where quantiles come from, in units of a window.
#[derive(Debug)]
enum Spread {
    /// A model for each level.
    Learnt(Vec<Booster>),
    /// Distances from the mean: a row a level, a value a step (the last for all later ones).
    Offsets(Vec<Vec<f64>>),
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::GRADIENT_BOOSTING)?, spec)?;
    let strategy = match settings.word("strategy", &["direct", "recursive"])? {
        "recursive" => Strategy::Recursive,
        _ => Strategy::Direct,
    };
    Ok(Box::new(Boosting {
        // Trees find a season from its phase, which is a feature: waves would only be more columns.
        wishes: Wishes::of(&settings, 0)?,
        strategy,
        growth: Growth {
            trees: settings.size("trees", 1..=5_000)?,
            learning_rate: settings.number("learning_rate", 0.001..=1.0)?,
            depth: settings.size("depth", 1..=12)?,
            leaf_size: settings.size("leaf_size", 1..=100_000)?,
        },
        row_cap: settings.size("row_cap", 64..=1_000_000)?,
        fitted: None,
    }))
}

impl Forecaster for Boosting {
    fn name(&self) -> &'static str {
        catalogue::GRADIENT_BOOSTING
    }

    fn refit(&self) -> Refit {
        Refit::Once
    }

    fn minimum_length(&self, horizon: usize, _season_length: usize) -> usize {
        SHORTEST.max(horizon + FEWEST_WINDOWS + 2)
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let needed = self.minimum_length(task.horizon, task.season_length);
        if let Some(series) = task.view.iter().find(|s| gaps::usable_length(s.target()) < needed) {
            return Err(ForecastError::TooShort {
                model: self.name().to_string(),
                item_id: series.item_id().to_string(),
                length: gaps::usable_length(series.target()),
                needed,
            });
        }
        let members: Vec<usize> = (0..task.view.len()).collect();
        let layout = Layout::plan(&self.wishes, task, &members, true);
        let prepared = members
            .par_iter()
            .map(|&i| Prepared::new(&layout, &task.view.series(i), task.horizon))
            .collect::<Result<Vec<_>, ForecastError>>()?;
        let steps = if self.strategy == Strategy::Direct { task.horizon } else { 1 };
        let examples = Examples::of(&layout, &prepared, steps, self.row_cap)?.ok_or_else(|| {
            let problem = format!("no window of {} values is there", layout.history + steps);
            ForecastError::Numerical { model: self.name().to_string(), problem }
        })?;
        let earlier = examples.grow_earlier(Loss::Squares, self.growth, task)?;
        let mean = examples.grow_again(Loss::Squares, self.growth, &earlier, task)?;
        let spread = if self.strategy == Strategy::Recursive {
            let errors = recursion::errors(&layout, &prepared, &examples.held, &earlier, task)?;
            Spread::Offsets(recursion::offsets(errors, task, &layout, &prepared, &mean)?)
        } else if examples.table.len() >= ENOUGH_FOR_QUANTILES {
            // A leaf takes the quantile of many rows: steps may be larger than those of the mean.
            let growth = Growth {
                trees: self.growth.trees.div_ceil(2),
                learning_rate: (2.0 * self.growth.learning_rate).min(1.0),
                ..self.growth
            };
            let learnt = task.quantile_levels.par_iter().map(|level| {
                let loss = Loss::Pinball(*level);
                let earlier = examples.grow_earlier(loss, growth, task)?;
                examples.grow_again(loss, growth, &earlier, task)
            });
            Spread::Learnt(learnt.collect::<Result<_, ForecastError>>()?)
        } else {
            let rows = if examples.later.is_empty() { &examples.earlier } else { &examples.later };
            let residuals = examples.table.residuals(&earlier, rows);
            let offsets = residual_quantiles(residuals, task.quantile_levels)?;
            Spread::Offsets(offsets.into_iter().map(|o| vec![o]).collect())
        };
        self.fitted = Some(Fitted { layout, quantile_levels: task.quantile_levels.to_vec(), mean, spread });
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(self.name().to_string()))?;
        if fitted.quantile_levels != request.quantile_levels {
            let problem = "gradient boosting predicts the quantile levels it was fitted for, and no others";
            return Err(ForecastError::Job(problem.to_string()));
        }
        let forecast = |i: usize| {
            request.progress.check()?;
            fitted.forecast(&request.view.series(i), request.horizon, self.strategy)
        };
        (0..request.view.len()).into_par_iter().map(forecast).collect()
    }

    fn in_sample(&self, request: &PredictRequest<'_>) -> Result<Option<Vec<SeriesFit>>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(self.name().to_string()))?;
        let one = |i: usize| {
            request.progress.check()?;
            fitted.in_sample(&request.view.series(i), request.horizon)
        };
        (0..request.view.len()).into_par_iter().map(one).collect::<Result<_, ForecastError>>().map(Some)
    }

    fn notes(&self) -> Vec<String> {
        self.fitted.as_ref().map_or_else(Vec::new, |f| {
            let mut notes = f.layout.notes(self.name(), true);
            notes.push(format!("{}: {} trees for the mean", self.name(), f.mean.len()));
            notes
        })
    }
}

impl Fitted {
    /// The next step's forecast at every origin of the history.
    fn in_sample(&self, series: &SeriesView<'_>, horizon: usize) -> Result<SeriesFit, ForecastError> {
        let prepared = Prepared::new(&self.layout, series, horizon)?;
        let mut fitted = vec![f64::NAN; prepared.length()];
        let mut row = Vec::new();
        for origin in self.layout.history.max(1) - 1..prepared.length().saturating_sub(1) {
            let frame = prepared.frame(&self.layout, origin);
            row.clear();
            write(&self.layout, &prepared, origin, 1, frame, &mut row);
            fitted[origin + 1] = frame.restore(self.mean.predict(&row));
        }
        Ok(SeriesFit::of(series, &fitted))
    }

    fn forecast(
        &self,
        series: &SeriesView<'_>,
        horizon: usize,
        strategy: Strategy,
    ) -> Result<SeriesForecast, ForecastError> {
        let mut prepared = Prepared::new(&self.layout, series, horizon)?;
        let times = series.future_times(horizon)?;
        let origin = prepared.length() - 1;
        let item_id = series.item_id().to_string();
        if prepared.length() < self.layout.history {
            // A series that came later and is shorter than a window: nothing was learnt for it.
            let last = vec![prepared.value(origin) * prepared.unit(); horizon];
            let quantiles = vec![last.clone(); self.quantile_levels.len()];
            return Ok(SeriesForecast { item_id, times, mean: last, quantiles });
        }
        let frame = prepared.frame(&self.layout, origin);
        let mut quantiles = vec![Vec::with_capacity(horizon); self.quantile_levels.len()];
        let mut mean = match strategy {
            Strategy::Recursive => recursion::path(&self.layout, &mut prepared, &self.mean, horizon),
            Strategy::Direct => {
                let mut mean = Vec::with_capacity(horizon);
                let mut row = Vec::new();
                for h in 1..=horizon {
                    row.clear();
                    write(&self.layout, &prepared, origin, h, frame, &mut row);
                    mean.push(frame.undo(self.mean.predict(&row)));
                    if let Spread::Learnt(boosters) = &self.spread {
                        for (quantile, booster) in quantiles.iter_mut().zip(boosters) {
                            quantile.push(frame.undo(booster.predict(&row)));
                        }
                    }
                }
                mean
            }
        };
        if let Spread::Offsets(offsets) = &self.spread {
            for (quantile, offsets) in quantiles.iter_mut().zip(offsets) {
                let offset = |h: usize| offsets.get(h).or(offsets.last()).copied().unwrap_or(0.0);
                quantile.extend(mean.iter().enumerate().map(|(h, m)| m + frame.scale() * offset(h)));
            }
        }
        mean.iter_mut().chain(quantiles.iter_mut().flatten()).for_each(|v| *v *= prepared.unit());
        crate::calibration::make_monotone(&mut quantiles);
        Ok(SeriesForecast { item_id, times, mean, quantiles })
    }
}
