//! From prepared series to one linear map for each step of the horizon.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use super::layout::Layout;
use super::prepared::{Frame, Prepared};
use super::regression::{Factor, PENALTIES, Problem, Shared, StepProducts};
use super::{Configuration, FEWEST_WINDOWS};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::FitTask;
use crate::models::local::standard_normal_quantiles;

/// Steps whose penalty is found by cross-validation; the others take their neighbour's.
const PENALTY_STEPS: usize = 6;
/// Training windows from which residual quantiles are read off; with fewer, they are a normal distribution's.
const ENOUGH_FOR_QUANTILES: usize = 60;
/// 1 / golden ratio: its multiples are spread evenly over 0 to 1, which keeps sampled windows off every season's grid.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// The forecast of one step: a linear map, and the quantiles of its errors in units of the window.
#[derive(Clone, Debug)]
pub(super) struct StepModel {
    intercept: f64,
    coefficients: Vec<f64>,
    /// Offsets of the quantile levels from the mean.
    pub(super) residual_quantiles: Vec<f64>,
    /// No forecast leaves the range seen in training by more than its width.
    bounds: (f64, f64),
}

impl StepModel {
    /// The mean, in units of the window.
    pub(super) fn predict(&self, features: &[f64]) -> f64 {
        let sum: f64 = self.coefficients.iter().zip(features).map(|(c, x)| c * x).sum();
        (self.intercept + sum).clamp(self.bounds.0, self.bounds.1)
    }
}

/// A training window: a series and its origin.
#[derive(Clone, Copy, Debug)]
struct Row {
    series: usize,
    origin: usize,
    frame: Frame,
    /// What its squared error counts, by its root: the window's scale against the livelier ones of its series. In
    /// units of a quiet window every later move is huge, and a few such windows would decide everything.
    weight: f64,
}

/// Fits all steps on at most `window_cap` windows, spread over the whole history.
pub(super) fn fit(
    configuration: &Configuration,
    task: &FitTask<'_>,
    layout: &Layout,
    prepared: &[Prepared],
) -> Result<Vec<StepModel>, ForecastError> {
    let rows = rows(configuration.window_cap, task.horizon, layout, prepared);
    if rows.len() < FEWEST_WINDOWS {
        return Err(ForecastError::Numerical {
            model: catalogue::RIDGE.to_string(),
            problem: format!(
                "only {} training windows of {} values are there",
                rows.len(),
                layout.history + task.horizon
            ),
        });
    }
    let design = Design::new(layout, prepared, &rows);
    let penalties = if configuration.penalty > 0.0 { vec![configuration.penalty] } else { PENALTIES.to_vec() };
    // The columns that all steps share are factored here, once for each penalty.
    let factors: Vec<Factor> = penalties.par_iter().filter_map(|p| design.shared.factor(*p)).collect();
    let anchors = anchors(task.horizon);
    let chosen: Vec<usize> = anchors
        .par_iter()
        .map(|&h| {
            task.progress.check()?;
            if factors.len() == 1 { Ok(0) } else { Ok(design.step(h).problem().best(&factors)) }
        })
        .collect::<Result<_, ForecastError>>()?;
    (1..=task.horizon)
        .into_par_iter()
        .map(|h| {
            task.progress.check()?;
            let nearest = (0..anchors.len()).min_by_key(|&i| anchors[i].abs_diff(h)).unwrap_or(0);
            design.step(h).model(factors.get(chosen[nearest]), task.quantile_levels)
        })
        .collect()
}

/// The steps whose penalty is searched, spread over the horizon.
fn anchors(horizon: usize) -> Vec<usize> {
    let count = PENALTY_STEPS.min(horizon);
    (0..count).map(|i| if count == 1 { 1 } else { 1 + i * (horizon - 1) / (count - 1) }).collect()
}

/// The windows to train on. Those with a missing value over their horizon are left out, unless that leaves few.
fn rows(cap: usize, horizon: usize, layout: &Layout, prepared: &[Prepared]) -> Vec<Row> {
    let origins = prepared.iter().enumerate().flat_map(|(series, p)| {
        let end = p.length().saturating_sub(horizon);
        (layout.history.max(1) - 1..end).map(move |origin| (series, origin))
    });
    let all: Vec<(usize, usize)> = origins.collect();
    let complete: Vec<(usize, usize)> =
        all.iter().copied().filter(|&(s, origin)| !prepared[s].any_missing(origin + 1, origin + horizon)).collect();
    let enough = complete.len() >= (all.len() / 2).max(FEWEST_WINDOWS);
    let candidates = if enough { complete } else { all };
    let row = |&(series, origin): &(usize, usize)| Row {
        series,
        origin,
        frame: prepared[series].frame(layout, origin),
        weight: 1.0,
    };
    if candidates.len() <= cap {
        return weighted(candidates.iter().map(row).collect());
    }
    let stride = candidates.len() as f64 / cap as f64;
    let sampled = (0..cap).map(|k| ((k as f64 + (k as f64 * GOLDEN).fract()) * stride) as usize);
    weighted(sampled.map(|i| row(&candidates[i.min(candidates.len() - 1)])).collect())
}

/// Weighs the rows, which are ordered by series: each by its scale over the upper quartile of its series' scales, at
/// most 1, so that the squares sum to the number of rows.
fn weighted(mut rows: Vec<Row>) -> Vec<Row> {
    for series in rows.chunk_by_mut(|a, b| a.series == b.series) {
        let mut scales: Vec<f64> = series.iter().map(|r| r.frame.scale()).collect();
        scales.sort_by(f64::total_cmp);
        let quartile = scales[(scales.len() - 1) * 3 / 4];
        series.iter_mut().for_each(|r| r.weight = (r.frame.scale() / quartile).min(1.0));
    }
    let mean_square = rows.iter().map(|r| r.weight * r.weight).sum::<f64>() / rows.len() as f64;
    rows.iter_mut().for_each(|r| r.weight /= mean_square.sqrt());
    rows
}

/// The columns that all steps share, with their cross products.
struct Design<'a> {
    layout: &'a Layout,
    prepared: &'a [Prepared],
    rows: &'a [Row],
    common: Array2<f64>,
    shared: Shared,
}

/// One step's regression. The columns of the target's step are followed by a column of ones and the response (every
/// row times its weight), so that the cross products with the shared columns yield every sum there is.
struct Step<'a> {
    design: &'a Design<'a>,
    target: Array2<f64>,
}

impl<'a> Design<'a> {
    fn new(layout: &'a Layout, prepared: &'a [Prepared], rows: &'a [Row]) -> Self {
        let common = matrix(rows, |row, cells| {
            prepared[row.series].write_common(layout, row.origin, row.frame, cells);
        });
        let gram = common.t().dot(&common);
        let weights: Array1<f64> = rows.iter().map(|r| r.weight).collect();
        let shared = Shared::new(rows.len(), &common.t().dot(&weights).to_vec(), &row_major(&gram));
        Self { layout, prepared, rows, common, shared }
    }

    fn step(&'a self, h: usize) -> Step<'a> {
        let target = matrix(self.rows, |row, cells| {
            let prepared = &self.prepared[row.series];
            prepared.write_target(self.layout, row.origin, h, row.frame, cells);
            cells.extend([1.0, row.frame.normalise(prepared.value(row.origin + h))]);
        });
        Step { design: self, target }
    }
}

/// One row of cells for each window, times its weight.
fn matrix(rows: &[Row], write: impl Fn(&Row, &mut Vec<f64>)) -> Array2<f64> {
    let mut cells = Vec::new();
    for row in rows {
        let start = cells.len();
        write(row, &mut cells);
        cells[start..].iter_mut().for_each(|v| *v *= row.weight);
    }
    let columns = cells.len() / rows.len().max(1);
    // Every row has the same columns, so that the shape always fits.
    Array2::from_shape_vec((rows.len(), columns), cells).unwrap_or_else(|_| Array2::zeros((rows.len(), 0)))
}

/// The cells, row by row, whatever order a product left them in.
fn row_major(matrix: &Array2<f64>) -> Vec<f64> {
    matrix.iter().copied().collect()
}

impl Step<'_> {
    fn problem(&self) -> Problem<'_> {
        let products = StepProducts {
            columns: self.target.ncols() - 2,
            mixed: row_major(&self.design.common.t().dot(&self.target)),
            own: row_major(&self.target.t().dot(&self.target)),
        };
        Problem::new(&self.design.shared, &products)
    }

    /// The step's model with the penalty of this factor.
    fn model(&self, factor: Option<&Factor>, levels: &[f64]) -> Result<StepModel, ForecastError> {
        let solution = factor.and_then(|f| self.problem().solve(f)).ok_or_else(|| ForecastError::Numerical {
            model: catalogue::RIDGE.to_string(),
            problem: "the system is singular; raise the penalty".to_string(),
        })?;
        let (first, second) = solution.coefficients.split_at(self.design.common.ncols());
        let dot = |weights: &[f64], row: &[f64]| weights.iter().zip(row).map(|(w, x)| w * x).sum::<f64>();
        let count = self.target.nrows() as f64;
        // Residuals are smaller than errors by the degrees of freedom that were spent.
        let inflation = (count / (count - solution.freedom - 1.0).max(1.0)).sqrt();
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let rows = self.design.common.rows().into_iter().zip(self.target.rows());
        let residuals = rows.map(|(common, target)| {
            let (common, target) = (common.to_slice().unwrap_or(&[]), target.to_slice().unwrap_or(&[]));
            let &[.., weight, response] = target else { return 0.0 };
            (low, high) = (low.min(response / weight), high.max(response / weight));
            (response - solution.intercept * weight - dot(first, common) - dot(second, target)) * inflation
        });
        let residuals: Vec<f64> = residuals.collect();
        let width = high - low;
        Ok(StepModel {
            intercept: solution.intercept,
            residual_quantiles: residual_quantiles(residuals, levels)?,
            coefficients: solution.coefficients,
            bounds: (low - width, high + width),
        })
    }
}

/// Empirical quantiles (type 7 of Hyndman and Fan 1996) where there are enough residuals, else normal ones.
fn residual_quantiles(mut residuals: Vec<f64>, levels: &[f64]) -> Result<Vec<f64>, ForecastError> {
    if residuals.len() < ENOUGH_FOR_QUANTILES {
        let square = residuals.iter().map(|e| e * e).sum::<f64>() / residuals.len() as f64;
        return Ok(standard_normal_quantiles(levels)?.iter().map(|z| z * square.sqrt()).collect());
    }
    residuals.sort_by(f64::total_cmp);
    let quantile = |level: &f64| {
        let place = level * (residuals.len() - 1) as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(residuals.len() - 1);
        residuals[below] + (place - below as f64) * (residuals[above] - residuals[below])
    };
    Ok(levels.iter().map(quantile).collect())
}
