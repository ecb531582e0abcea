//! Rolling-origin errors of candidates inside the history that a view shows.

use std::collections::BTreeSet;

use super::candidates::Candidate;
use super::weights::{Board, Errors};
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, SeriesForecast};
use crate::gaps;
use crate::metrics;
use crate::registry::Registry;
use crate::view::{SeriesView, TrainingView};

/// Windows, at most.
const MOST_WINDOWS: usize = 4;
/// Windows of long series: each costs more there, and says more.
const WINDOWS_WHEN_LONG: usize = 3;
/// From here on a series is long.
pub(super) const LONG: usize = 500;
/// More than so large a share of zeros makes demand intermittent: an average interval above 1.32 (Syntetos, Boylan and
/// Croston 2005).
const INTERMITTENT_SHARE: f64 = 1.0 - 1.0 / 1.32;

/// A forecast of one series from one earlier origin.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) mean: Vec<f64>,
    pub(super) quantiles: Vec<Vec<f64>>,
}

/// Everything that the candidates did on the windows.
#[derive(Debug)]
pub(super) struct Evaluation {
    /// Which series are intermittent: mostly zeros.
    pub(super) intermittent: Vec<bool>,
    /// Steps back from the origin to each window's origin, the latest window first.
    pub(super) offsets: Vec<usize>,
    /// The errors.
    pub(super) board: Board,
    /// The forecasts behind them: one row a candidate, one cell a series, one entry a window.
    pub(super) trials: Vec<Vec<Vec<Option<Trial>>>>,
}

/// Steps back to the windows' origins: whole horizons apart where the series are long enough, closer together where they
/// are not, so that the earliest window still has two seasons and a horizon to learn from.
pub(super) fn offsets(typical_length: usize, horizon: usize, season_length: usize) -> Vec<usize> {
    let count = if typical_length >= LONG { WINDOWS_WHEN_LONG } else { MOST_WINDOWS };
    let learn = horizon.max(2 * season_length).max(8);
    let Some(room) = typical_length.checked_sub(horizon + learn) else {
        return vec![horizon];
    };
    let step = (room / (count - 1)).min(horizon);
    let count = if step == 0 { room + 1 } else { count };
    (0..count.min(MOST_WINDOWS)).map(|j| horizon + j * step.max(1)).collect()
}

/// Whether a history is mostly zeros.
pub(super) fn is_intermittent(history: &[f64]) -> bool {
    let (zeros, count) = history
        .iter()
        .filter(|v| v.is_finite())
        .fold((0_usize, 0_usize), |(zeros, count), v| (zeros + usize::from(*v == 0.0), count + 1));
    count > 0 && zeros as f64 > INTERMITTENT_SHARE * count as f64
}

impl Evaluation {
    /// Nothing judged yet, with windows at these offsets.
    pub(super) fn new(offsets: Vec<usize>, intermittent: Vec<bool>) -> Self {
        Self { offsets, intermittent, board: Board::default(), trials: Vec::new() }
    }

    /// Adds a candidate, without results yet.
    pub(super) fn open(&mut self, series: usize) {
        let windows = self.offsets.len();
        self.board.rows.push(vec![vec![None; windows]; series]);
        self.trials.push((0..series).map(|_| (0..windows).map(|_| None).collect()).collect());
    }

    /// Lets the newest candidate forecast one window of every series that is long enough.
    pub(super) fn judge(
        &mut self,
        candidate: &Candidate,
        registry: &Registry,
        task: &FitTask<'_>,
        window: usize,
    ) -> Result<(), ForecastError> {
        let offset = self.offsets[window];
        let needed = candidate.build(registry)?.minimum_length(task.horizon, task.season_length).max(1);
        let suited: BTreeSet<usize> = (0..task.view.len())
            .filter(|place| self.intermittent[*place] == candidate.intermittent)
            .map(|place| task.view.series(place).index())
            .collect();
        let wanted = |s: &SeriesView<'_>| suited.contains(&s.index()) && gaps::usable_length(s.target()) >= needed;
        let (view, places) = task.view.earlier(offset, wanted);
        let forecasts = forecasts(candidate, registry, task, &view)?;
        let (Some(errors), Some(trials)) = (self.board.rows.last_mut(), self.trials.last_mut()) else {
            return Ok(());
        };
        for (i, (place, forecast)) in places.into_iter().zip(forecasts).enumerate() {
            let Some(forecast) = forecast else { continue };
            let whole = task.view.series(place).target();
            let start = whole.len() - offset;
            let actual = &whole[start..(start + task.horizon).min(whole.len())];
            let intermittent = self.intermittent[place];
            errors[place][window] = error(&view.series(i), intermittent, actual, &forecast.mean, task.season_length);
            trials[place][window] = Some(Trial { mean: forecast.mean, quantiles: forecast.quantiles });
        }
        Ok(())
    }
}

/// The two errors of a forecast, in units of the series' own differences; none where nothing was observed or an error is
/// not finite.
fn error(
    series: &SeriesView<'_>,
    intermittent: bool,
    actual: &[f64],
    forecast: &[f64],
    season: usize,
) -> Option<Errors> {
    let history = series.target();
    let errors = if intermittent {
        // The mean of such demand is what minimises squared errors; absolute ones are least at zero.
        let scale = metrics::squared_scale(history, season).map_or(1.0, f64::sqrt);
        let scaled = metrics::rmse(actual, forecast)? / scale;
        [scaled, scaled]
    } else {
        let scale = metrics::absolute_scale(history, season).or_else(|| metrics::absolute_scale(history, 1));
        [metrics::mae(actual, forecast)? / scale.unwrap_or(1.0), metrics::smape(actual, forecast)?]
    };
    errors.iter().all(|e| e.is_finite()).then_some(errors)
}

/// One candidate's forecasts of a view's series; none where it fails on one. A local model that fails on one series of a
/// batch is asked for each by itself, so that one bad series does not cost the others a candidate.
pub(super) fn forecasts(
    candidate: &Candidate,
    registry: &Registry,
    task: &FitTask<'_>,
    view: &TrainingView<'_>,
) -> Result<Vec<Option<SeriesForecast>>, ForecastError> {
    if view.is_empty() {
        return Ok(Vec::new());
    }
    let usable = |f: SeriesForecast| is_usable(&f, task).then_some(f);
    match together(candidate.build(registry)?, task, view) {
        Ok(all) if all.len() == view.len() => Ok(all.into_iter().map(usable).collect()),
        Err(ForecastError::Cancelled) => Err(ForecastError::Cancelled),
        Ok(_) | Err(_) if candidate.global || view.len() == 1 => Ok(vec![None; view.len()]),
        Ok(_) | Err(_) => (0..view.len())
            .map(|i| {
                let index = view.series(i).index();
                let (single, _) = view.earlier(0, |s| s.index() == index);
                match together(candidate.build(registry)?, task, &single) {
                    Ok(mut one) => Ok(one.pop().and_then(usable)),
                    Err(ForecastError::Cancelled) => Err(ForecastError::Cancelled),
                    Err(_) => Ok(None),
                }
            })
            .collect(),
    }
}

fn together(
    mut model: Box<dyn Forecaster>,
    task: &FitTask<'_>,
    view: &TrainingView<'_>,
) -> Result<Vec<SeriesForecast>, ForecastError> {
    task.progress.check()?;
    // What a candidate reports of itself says nothing of the whole: only that it may be cancelled is passed on.
    let quiet = Quiet(task.progress);
    model.fit(&FitTask { view, progress: &quiet, ..*task })?;
    model.predict(&PredictRequest {
        view,
        horizon: task.horizon,
        quantile_levels: task.quantile_levels,
        seed: task.seed,
        progress: &quiet,
    })
}

fn is_usable(forecast: &SeriesForecast, task: &FitTask<'_>) -> bool {
    let rows = || std::iter::once(&forecast.mean).chain(&forecast.quantiles);
    forecast.quantiles.len() == task.quantile_levels.len()
        && rows().all(|row| row.len() == task.horizon && row.iter().all(|v| v.is_finite()))
}

/// Passes cancellation on, and no reports.
struct Quiet<'a>(&'a dyn crate::forecaster::Progress);

impl crate::forecaster::Progress for Quiet<'_> {
    fn report(&self, _fraction: f64, _message: &str) {}

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }

    fn out_of_time(&self) -> bool {
        self.0.out_of_time()
    }
}
