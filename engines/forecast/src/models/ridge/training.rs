//! From prepared series to one linear map for each step of the horizon.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use super::Configuration;
use super::regression::{Factor, PENALTIES, Problem, Shared, StepProducts};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::FitTask;
use crate::models::windows::layout::Layout;
use crate::models::windows::prepared::Prepared;
use crate::models::windows::rows::{Row, rows};
use crate::models::windows::{FEWEST_WINDOWS, residual_quantiles};

/// Steps whose penalty is found by cross-validation; the others take their neighbour's.
const PENALTY_STEPS: usize = 6;

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
