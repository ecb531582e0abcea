//! The engine of a trial: cuts windows, fits, predicts, calibrates and scores.

use atsre_domain::metric::Split;

use crate::calibration::{self, Calibrator, Trajectory};
use crate::catalogue;
use crate::checks::{check_forecasts, check_job, choose_covariates, origin};
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Progress, Refit, SeriesForecast};
use crate::gaps;
use crate::job::{Scheme, TrialJob, TrialResult, WindowForecast};
use crate::metrics;
use crate::models::fallback;
use crate::registry::Registry;
use crate::view::{Chosen, TrainingView};

/// Stack of the job's threads, in bytes: automatic differentiation recurses over the graph.
const STACK_BYTES: usize = 8 << 20;

/// Runs a job inside a thread pool of its own, so that it uses the threads it was given and no more.
pub(crate) fn run(
    job: &TrialJob,
    scheme: Scheme,
    registry: &Registry,
    progress: &dyn Progress,
) -> Result<TrialResult, ForecastError> {
    check_job(job)?;
    scheme.check()?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(job.threads as usize)
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|e| ForecastError::Job(format!("{} threads cannot be started: {e}", job.threads)))?;
    pool.install(|| Trial::new(job, scheme, registry)?.run(progress))
}

/// A job with what was found out about it before the first fit.
struct Trial<'a> {
    job: &'a TrialJob,
    scheme: Scheme,
    registry: &'a Registry,
    horizon: usize,
    season_length: usize,
    chosen: Vec<Chosen>,
    notes: Vec<String>,
}

/// One origin of every series that is long enough for it: pairs of series and origin.
struct Window {
    number: u32,
    cuts: Vec<(usize, usize)>,
}

/// Forecasts for the cuts of one window, with native quantiles.
struct Forecasted {
    number: u32,
    /// Steps between each origin and the first step forecast.
    gap: usize,
    cuts: Vec<(usize, usize)>,
    forecasts: Vec<SeriesForecast>,
}

impl<'a> Trial<'a> {
    fn new(job: &'a TrialJob, scheme: Scheme, registry: &'a Registry) -> Result<Self, ForecastError> {
        let mut notes = Vec::new();
        let chosen = choose_covariates(job, &mut notes)?;
        let season_length = (job.backtest.season_length as usize).max(1);
        Ok(Self { job, scheme, registry, horizon: job.horizon as usize, season_length, chosen, notes })
    }

    fn run(mut self, progress: &dyn Progress) -> Result<TrialResult, ForecastError> {
        let model = self.registry.build(&self.job.spec)?;
        let minimum = model.minimum_length(self.horizon, self.season_length);
        let gap = self.scheme.gap as usize;
        let reach = self.horizon + gap;
        let windows = self.windows(model.minimum_length(reach, self.season_length));
        let units = windows.len() as f64 + 1.0;
        let mut backtest = Vec::with_capacity(windows.len());
        let mut reused = None;
        for (i, window) in windows.into_iter().enumerate() {
            let part = Part { inner: progress, start: i as f64 / units, width: 1.0 / units };
            let trimmed = self.scheme.trimmed(&self.job.panel, &window.cuts);
            let (panel, cuts) = trimmed.as_ref().map_or((&self.job.panel, &window.cuts), |(panel, cuts)| (panel, cuts));
            let view = TrainingView::new(panel, self.chosen.clone(), cuts.clone(), reach);
            let fitted = match reused.take() {
                Some(model) => model,
                None => self.fitted(&view, reach, &part)?,
            };
            let mut forecasts = self.predict(fitted.as_ref(), &view, reach, &part)?;
            forecasts.iter_mut().for_each(|forecast| skip_steps(forecast, gap));
            if fitted.refit() == Refit::Once {
                reused = Some(fitted);
            }
            part.report(1.0, &format!("backtest window {} done", window.number + 1));
            backtest.push(Forecasted { number: window.number, gap, cuts: window.cuts, forecasts });
        }
        drop(reused);
        let part = Part { inner: progress, start: 1.0 - 1.0 / units, width: 1.0 / units };
        let last = self.last_forecast(minimum, &part)?;
        progress.report(1.0, "done");
        Ok(self.result(backtest, last))
    }

    /// The backtest's windows, the earliest first, each with the series that are long enough for it.
    fn windows(&mut self, minimum: usize) -> Vec<Window> {
        let plan = self.job.backtest;
        let windows: Vec<Window> = (0..plan.windows)
            .map(|number| {
                let later = (plan.windows - 1 - number) as usize * plan.step as usize;
                let after_origin = self.job.holdout as usize + self.horizon + self.scheme.gap as usize + later;
                let cuts = self.job.panel.series.iter().enumerate().filter_map(|(i, series)| {
                    let origin = series.target.len().checked_sub(after_origin)?;
                    let seen = &series.target[self.scheme.first_seen(origin)..origin];
                    (gaps::usable_length(seen) >= minimum.max(1)).then_some((i, origin))
                });
                Window { number, cuts: cuts.collect() }
            })
            .filter(|w| !w.cuts.is_empty())
            .collect();
        let wanted = plan.windows as usize;
        let left_out = wanted * self.job.panel.series.len() - windows.iter().map(|w| w.cuts.len()).sum::<usize>();
        if left_out > 0 {
            self.notes.push(format!(
                "{left_out} of {} backtest windows × series have fewer than the {minimum} observations that the model needs and are left out",
                wanted * self.job.panel.series.len()
            ));
        }
        windows
    }

    fn fitted(
        &self,
        view: &TrainingView<'_>,
        horizon: usize,
        progress: &dyn Progress,
    ) -> Result<Box<dyn Forecaster>, ForecastError> {
        let mut model = self.registry.build(&self.job.spec)?;
        model.fit(&FitTask {
            view,
            horizon,
            quantile_levels: &self.job.quantile_levels,
            season_length: self.season_length,
            seed: self.job.seed,
            threads: self.job.threads as usize,
            progress,
        })?;
        Ok(model)
    }

    fn predict(
        &self,
        model: &dyn Forecaster,
        view: &TrainingView<'_>,
        horizon: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<SeriesForecast>, ForecastError> {
        let levels = &self.job.quantile_levels;
        let seed = self.job.seed;
        let request = PredictRequest { view, horizon, quantile_levels: levels, seed, progress };
        let mut forecasts = model.predict(&request)?;
        check_forecasts(model.name(), view, horizon, levels.len(), &forecasts)?;
        let non_negative = self.job.spec.flag(catalogue::NON_NEGATIVE, false);
        for forecast in &mut forecasts {
            if non_negative {
                forecast.mean.iter_mut().for_each(|v| *v = v.max(0.0));
            }
            calibration::make_monotone(&mut forecast.quantiles);
        }
        Ok(forecasts)
    }

    /// The forecast after the last origin. Series that are too short for the model are forecast by the last value,
    /// unless all are.
    fn last_forecast(&mut self, minimum: usize, progress: &dyn Progress) -> Result<Forecasted, ForecastError> {
        let panel = &self.job.panel;
        let cuts: Vec<(usize, usize)> = panel
            .series
            .iter()
            .enumerate()
            .map(|(i, s)| (i, origin(s.target.len(), self.job.holdout as usize)))
            .collect();
        let usable = |&(i, origin): &(usize, usize)| gaps::usable_length(&panel.series[i].target[..origin]);
        let (long, short): (Vec<_>, Vec<_>) = cuts.iter().copied().partition(|cut| usable(cut) >= minimum);
        let longest = cuts.iter().max_by_key(|cut| usable(cut)).copied().unwrap_or((0, 0));
        if long.is_empty() {
            return Err(ForecastError::TooShort {
                model: self.job.spec.model.clone(),
                item_id: panel.series[longest.0].item_id.clone(),
                length: usable(&longest),
                needed: minimum,
            });
        }
        let view = TrainingView::new(panel, self.chosen.clone(), long.clone(), self.horizon);
        let model = self.fitted(&view, self.horizon, progress)?;
        let mut forecasts = self.predict(model.as_ref(), &view, self.horizon, progress)?;
        self.notes.extend(model.notes());
        if !short.is_empty() {
            self.notes.push(format!(
                "{} series have fewer than the {minimum} observations that the model needs: the last value is their forecast",
                short.len()
            ));
            let view = TrainingView::new(panel, self.chosen.clone(), short.clone(), self.horizon);
            let model = fallback();
            forecasts.extend(self.predict(model.as_ref(), &view, self.horizon, progress)?);
        }
        let mut ordered: Vec<_> = long.into_iter().chain(short).zip(forecasts).collect();
        ordered.sort_by_key(|(cut, _)| cut.0);
        let (cuts, forecasts) = ordered.into_iter().unzip();
        Ok(Forecasted { number: self.job.backtest.windows, gap: 0, cuts, forecasts })
    }

    /// Calibrates every window with those that had ended at its origin, and the last forecast with all; then scores.
    fn result(mut self, backtest: Vec<Forecasted>, last: Forecasted) -> TrialResult {
        let levels = &self.job.quantile_levels;
        let mut windows = Vec::new();
        for forecasted in &backtest {
            let ended = |past: &Forecasted| {
                u64::from(forecasted.number.saturating_sub(past.number)) * u64::from(self.job.backtest.step)
                    >= u64::from(self.job.horizon) + u64::from(self.scheme.gap)
            };
            let calibrator = self.calibrator(backtest.iter().filter(|past| ended(past)));
            windows.extend(self.window_forecasts(forecasted, &calibrator));
        }
        let calibrator = self.calibrator(backtest.iter());
        self.notes.push(format!("quantiles: {}", calibrator.basis));
        let mut scores = metrics::scores(&windows, levels, Split::Backtest);
        self.notes.extend(covered(&windows, levels));
        let test = if self.job.holdout > 0 { self.window_forecasts(&last, &calibrator) } else { Vec::new() };
        scores.extend(metrics::scores(&test, levels, Split::Test));
        let mut forecasts = last.forecasts;
        forecasts.iter_mut().for_each(|f| self.finish(&mut f.quantiles, &calibrator));
        TrialResult { forecasts, windows, test, scores, quantile_levels: levels.clone(), notes: self.notes }
    }

    fn calibrator<'w>(&self, past: impl Iterator<Item = &'w Forecasted>) -> Calibrator {
        let actuals: Vec<(Vec<f64>, &Vec<Vec<f64>>)> = past
            .flat_map(|w| w.cuts.iter().zip(&w.forecasts).map(|(cut, forecast)| (cut.0, cut.1 + w.gap, forecast)))
            .map(|(series, first, forecast)| (self.actual(series, first), &forecast.quantiles))
            .collect();
        let trajectories: Vec<Trajectory<'_>> =
            actuals.iter().map(|(actual, quantiles)| Trajectory { actual, quantiles }).collect();
        Calibrator::learn(&self.job.quantile_levels, self.horizon, &trajectories)
    }

    fn finish(&self, quantiles: &mut [Vec<f64>], calibrator: &Calibrator) {
        calibrator.apply(quantiles);
        if self.job.spec.flag(catalogue::NON_NEGATIVE, false) {
            quantiles.iter_mut().flatten().for_each(|v| *v = v.max(0.0));
        }
    }

    /// The `horizon` values from `first` on; NaN after the end.
    fn actual(&self, series: usize, first: usize) -> Vec<f64> {
        let target = &self.job.panel.series[series].target;
        (first..first + self.horizon).map(|t| target.get(t).copied().unwrap_or(f64::NAN)).collect()
    }

    fn window_forecasts(&self, forecasted: &Forecasted, calibrator: &Calibrator) -> Vec<WindowForecast> {
        let one = |(&(index, origin), forecast): (&(usize, usize), &SeriesForecast)| {
            let history = &self.job.panel.series[index].target[..origin];
            let mut quantiles = forecast.quantiles.clone();
            self.finish(&mut quantiles, calibrator);
            WindowForecast {
                window: forecasted.number,
                item_id: forecast.item_id.clone(),
                origin: (origin + forecasted.gap) as u64,
                actual: self.actual(index, origin + forecasted.gap),
                mean: forecast.mean.clone(),
                quantiles,
                absolute_scale: metrics::absolute_scale(history, self.season_length),
                squared_scale: metrics::squared_scale(history, self.season_length),
            }
        };
        forecasted.cuts.iter().zip(&forecasted.forecasts).map(one).collect()
    }
}

/// Drops the first steps of a forecast.
fn skip_steps(forecast: &mut SeriesForecast, steps: usize) {
    forecast.times.drain(..steps);
    forecast.mean.drain(..steps);
    forecast.quantiles.iter_mut().for_each(|row| {
        row.drain(..steps);
    });
}

/// What the calibrated intervals covered on the backtest, for each pair of levels that makes a central one.
fn covered(windows: &[WindowForecast], levels: &[f64]) -> Vec<String> {
    let one = |(low, high): (usize, usize)| {
        let shares = windows.iter().map(|w| metrics::coverage(&w.actual, &w.quantiles[low], &w.quantiles[high]));
        let share = metrics::over_series(shares, metrics::Over::Mean)?.value;
        let nominal = 100.0 * (levels[high] - levels[low]);
        Some(format!("the interval of {nominal:.0} % covered {:.0} % of the backtest's values", 100.0 * share))
    };
    calibration::central_pairs(levels).into_iter().filter_map(one).collect()
}

/// The share of a longer piece of work.
struct Part<'a> {
    inner: &'a dyn Progress,
    start: f64,
    width: f64,
}

impl Progress for Part<'_> {
    fn report(&self, fraction: f64, message: &str) {
        self.inner.report(self.start + self.width * fraction.clamp(0.0, 1.0), message);
    }

    fn cancelled(&self) -> bool {
        self.inner.cancelled()
    }

    fn out_of_time(&self) -> bool {
        self.inner.out_of_time()
    }
}
