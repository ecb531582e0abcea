//! An additive model of a piecewise linear trend, Fourier seasons and regressors, in closed form.
//!
//! The decomposition is that of Taylor and Letham (2018, *Forecasting at scale*): a line whose slope may change at many
//! places, sines and cosines of each season, and what is known ahead. Where they sample from a posterior with a Laplace
//! prior on the changes of slope, this is a ridge regression (a normal prior), whose penalty on those changes is the one
//! that forecast the latest stretches of the history best. Missing values are left out.

use atsre_domain::model::ModelSpec;
use rayon::prelude::*;

use super::local::standard_normal_quantiles;
use super::regressors::{self, Regressors};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::gaps;
use crate::in_sample::SeriesFit;
use crate::settings::Settings;
use design::{Design, Layout};

mod design;

/// Penalties on a change of slope that are tried, relative to the number of observations.
const PENALTIES: [f64; 7] = [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 100.0];
/// Stretches of the history that judge a penalty.
const JUDGED: usize = 3;
/// The fewest observations.
const SHORTEST: usize = 4;

/// The additive model.
#[derive(Debug)]
struct Additive {
    periods: Vec<usize>,
    changes: usize,
    fitted: bool,
    in_use: Vec<usize>,
    notes: Vec<String>,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::ADDITIVE)?, spec)?;
    Ok(Box::new(Additive {
        periods: settings.sizes("seasonal_periods", 2..=100_000)?,
        changes: settings.size("changes", 0..=200)?,
        fitted: false,
        in_use: Vec::new(),
        notes: Vec::new(),
    }))
}

impl Forecaster for Additive {
    fn name(&self) -> &'static str {
        catalogue::ADDITIVE
    }

    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }

    fn minimum_length(&self, _horizon: usize, _season_length: usize) -> usize {
        SHORTEST
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        task.progress.check()?;
        self.in_use.clone_from(&self.periods);
        if self.in_use.is_empty() {
            self.in_use = task.view.frequency().calendar_periods().into_iter().map(|p| p as usize).collect();
            self.in_use.push(task.season_length);
            self.in_use.retain(|p| *p > 1 && task.season_length > 1);
            self.in_use.sort_unstable();
            self.in_use.dedup();
        }
        self.fitted = true;
        self.notes = regressors::note(task.view, catalogue::ADDITIVE).into_iter().collect();
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        if !self.fitted {
            return Err(ForecastError::NotFitted(catalogue::ADDITIVE.to_string()));
        }
        let scores = standard_normal_quantiles(request.quantile_levels)?;
        (0..request.view.len())
            .into_par_iter()
            .map(|i| {
                request.progress.check()?;
                let series = request.view.series(i);
                let start = gaps::first_observed(series.target()).unwrap_or(0);
                let values = &series.target()[start..];
                let known = Regressors::known(request.view, &series, start, request.horizon);
                let (mean, deviation, _) = forecast(values, &known, &self.in_use, self.changes, request.horizon)?;
                let quantile = |z: &f64| mean.iter().zip(&deviation).map(|(m, d)| m + z * d).collect::<Vec<f64>>();
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
        if !self.fitted {
            return Err(ForecastError::NotFitted(catalogue::ADDITIVE.to_string()));
        }
        let one = |i: usize| {
            request.progress.check()?;
            let series = request.view.series(i);
            let start = gaps::first_observed(series.target()).unwrap_or(0);
            let known = Regressors::known(request.view, &series, start, request.horizon);
            let values = &series.target()[start..];
            let (_, _, fitted) = forecast(values, &known, &self.in_use, self.changes, request.horizon)?;
            Ok(SeriesFit::of(&series, &fitted))
        };
        (0..request.view.len()).into_par_iter().map(one).collect::<Result<_, ForecastError>>().map(Some)
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// Means and standard deviations over the horizon, and what the regression says of each time of the history.
type Regressed = (Vec<f64>, Vec<f64>, Vec<f64>);

/// Fits the regression and forecasts from it.
fn forecast(
    values: &[f64],
    known: &Regressors,
    periods: &[usize],
    changes: usize,
    horizon: usize,
) -> Result<Regressed, ForecastError> {
    let n = values.len();
    let largest = values.iter().filter(|v| v.is_finite()).fold(0.0_f64, |a, v| a.max(v.abs()));
    if largest == 0.0 {
        return Ok((vec![0.0; horizon], vec![0.0; horizon], vec![0.0; n]));
    }
    let mut scaled: Vec<f64> = values.iter().map(|v| v / largest).collect();
    // The regression is on what is left of a level, so that the least penalty does not pull at it.
    let observed = || scaled.iter().filter(|v| v.is_finite());
    let level = observed().sum::<f64>() / observed().count().max(1) as f64;
    scaled.iter_mut().for_each(|v| *v -= level);
    let singular = || ForecastError::Numerical {
        model: catalogue::ADDITIVE.to_string(),
        problem: "the normal equations are singular".to_string(),
    };
    // The latest stretches, as long as the horizon where the history allows it, judge the penalties.
    let stretch = horizon.min(n / (2 * JUDGED + 2)).max(1);
    let mut errors = [0.0; PENALTIES.len()];
    let mut squares = [0.0; PENALTIES.len()];
    let mut judged_count = 0.0;
    for fold in 1..=JUDGED {
        let Some(origin) = n.checked_sub(fold * stretch).filter(|o| *o >= SHORTEST) else { break };
        let design = Design::new(Layout::new(origin, periods, changes), known, origin, stretch);
        let equations = design.equations(&scaled[..origin]);
        let judged = || scaled[origin..origin + stretch].iter().enumerate().filter(|(_, y)| y.is_finite());
        judged_count += judged().count() as f64;
        for ((error, square), penalty) in errors.iter_mut().zip(&mut squares).zip(PENALTIES) {
            let Some(weights) = equations.solve(penalty) else { continue };
            for miss in judged().map(|(h, y)| (y - design.predict(origin + h, &weights)).abs()) {
                *error += miss;
                *square += miss * miss;
            }
        }
    }
    // The stiffest of equals.
    let best = (0..PENALTIES.len()).rev().fold(PENALTIES.len() - 1, |a, b| if errors[b] < errors[a] { b } else { a });
    let design = Design::new(Layout::new(n, periods, changes), known, n, horizon);
    let equations = design.equations(&scaled);
    let weights = equations.solve(PENALTIES[best]).or_else(|| equations.solve(1e3)).ok_or_else(singular)?;
    let mean = (0..horizon).map(|h| largest * (level + design.predict(n + h, &weights))).collect();
    let residuals = scaled.iter().enumerate().filter(|(_, y)| y.is_finite());
    let (own, count) = residuals.fold((0.0, 0.0), |(s, c), (t, y)| {
        let error = y - design.predict(t, &weights);
        (s + error * error, c + 1.0)
    });
    let noise = own / f64::max(count - design.spent(), f64::max(0.5 * count, 1.0));
    // The slope goes on changing as it did (Taylor and Letham 2018, §3.1.4).
    let (rate, size) = design.restlessness(&weights);
    let mut drift = 0.0;
    let mut variances: Vec<f64> = (1..=horizon)
        .map(|h| {
            drift += rate * size * (h as f64) * (h as f64);
            noise + drift
        })
        .collect();
    // Errors that depend on one another, and slopes that bend at the end, show in the judged stretches.
    let foreseen = variances[..stretch.min(horizon)].iter().sum::<f64>() / stretch.min(horizon).max(1) as f64;
    let met = squares[best] / f64::max(judged_count, 1.0);
    let factor = if foreseen > 0.0 { (met / foreseen).max(1.0) } else { 1.0 };
    variances.iter_mut().for_each(|v| *v = (*v * factor).sqrt() * largest);
    let fitted = (0..n).map(|t| largest * (level + design.predict(t, &weights))).collect();
    Ok((mean, variances, fitted))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_line_with_a_season_and_a_regressor_is_continued() {
        // Given a line that bends at 100, a season of 12, something known ahead and a gap
        let holiday = |t: usize| f64::from(u8::from(t % 17 == 3));
        let clean = |t: usize| {
            let bend = (t as f64 - 100.0).max(0.0);
            10.0 + 0.2 * t as f64 - 0.3 * bend
                + 3.0 * (t as f64 * std::f64::consts::TAU / 12.0).sin()
                + 5.0 * holiday(t)
        };
        let mut values: Vec<f64> = (0..240).map(|t| clean(t) + 0.1 * f64::from((t * 31 % 7) as u8)).collect();
        values[50..60].fill(f64::NAN);
        let mut known = Regressors::default();
        known.push((0..264).map(holiday).collect(), 240);
        // When it is forecast
        let (mean, deviation, _) = forecast(&values, &known, &[12], 25, 24).unwrap();
        // Then line, season and regressor go on
        for (h, mean) in mean.iter().enumerate() {
            assert!((mean - clean(240 + h) - 0.3).abs() < 1.5, "{h}: {mean} {}", clean(240 + h));
        }
        assert!(deviation.windows(2).all(|w| w[0] <= w[1]) && deviation[0] > 0.0);
    }

    #[test]
    fn hostile_series_have_a_finite_forecast() {
        let nan = f64::NAN;
        let wild: Vec<Vec<f64>> = vec![
            vec![1.0],
            vec![1.0, nan, nan, 2.0],
            vec![0.0; 20],
            vec![4.0; 20],
            (0..30).map(|t| f64::from(t) * 1e300 / 30.0).collect(),
            (0..30).map(|t| f64::from(t % 4) * 1e-300).collect(),
        ];
        for values in &wild {
            for periods in [vec![], vec![4, 12], vec![1_000]] {
                let (mean, deviation, _) = forecast(values, &Regressors::default(), &periods, 25, 50).unwrap();
                assert!(mean.iter().chain(&deviation).all(|v| v.is_finite()), "{values:?}");
            }
        }
    }
}
