//! A rank-one model: each value is the level of its cycle times the shape of its phase (Honda 2026, arXiv 2605.07222).
//!
//! The cycles of the season are the rows of a matrix, which is approximated by an outer product. The shape is that of
//! the latest cycles, as many as foretold the cycles after them best; the levels, a series as many times shorter as the
//! season is long, are forecast by a ridge regression on past levels, a line and the phase of the next longer season.
//! Series that are not positive are moved up first.

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use level::LevelForecast;

mod level;

/// Numbers of cycles from which the shape is taken, of which the best is.
const SPANS: [usize; 6] = [3, 5, 8, 13, 26, 52];
/// The latest cycles, which judge the spans.
const JUDGED: usize = 13;
/// How often row and column factors are improved in turn.
const ITERATIONS: usize = 4;

/// The rank-one model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RankOne;

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(RankOne))
}

impl LocalModel for RankOne {
    const NAME: &'static str = catalogue::RANK_ONE;

    fn minimum_length(&self, _season_length: usize) -> usize {
        2
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let Some(Cycles { season, shift, largest, factors, .. }) = Cycles::of(history, season) else {
            return Ok(NormalForecast { mean: vec![0.0; horizon], deviation: vec![0.0; horizon] });
        };
        let level = LevelForecast::of(&factors.levels, horizon.div_ceil(season), longer(season));
        let mut forecast = NormalForecast { mean: Vec::with_capacity(horizon), deviation: Vec::with_capacity(horizon) };
        for h in 0..horizon {
            let (cycle, share) = (h / season, factors.shape[h % season]);
            let variance = share * share * level.variance[cycle] + factors.residual_variance;
            forecast.mean.push((level.mean[cycle] * share - shift) * largest);
            forecast.deviation.push(variance.sqrt() * largest);
        }
        Ok(forecast)
    }

    /// The level of each cycle as forecast from those before it, times the shape.
    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        let Some(Cycles { season, start, shift, largest, factors }) = Cycles::of(history, season) else {
            return Ok(vec![0.0; history.len()]);
        };
        let levels = LevelForecast::fitted(&factors.levels, longer(season));
        let mut fitted = vec![f64::NAN; start];
        for level in levels {
            fitted.extend(factors.shape.iter().map(|share| (level * share - shift) * largest));
        }
        Ok(fitted)
    }
}

/// A history as a matrix of cycles.
#[derive(Debug)]
struct Cycles {
    season: usize,
    /// Values before the first whole cycle.
    start: usize,
    /// What makes values over the largest positive.
    shift: f64,
    largest: f64,
    factors: Factors,
}

impl Cycles {
    /// None where all values are zero.
    fn of(history: &[f64], season: usize) -> Option<Self> {
        let values = super::arima::bridged(history, season);
        let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        if largest == 0.0 {
            return None;
        }
        // Fewer than three cycles are no matrix.
        let season = if values.len() < 3 * season { 1 } else { season.max(1) };
        let lowest = values.iter().fold(f64::INFINITY, |a, v| a.min(v / largest));
        let size = values.iter().map(|v| (v / largest).abs()).sum::<f64>() / values.len() as f64;
        let shift = if lowest < 0.0 { size - lowest } else { 0.0 };
        let cycles = values.len() / season;
        let start = values.len() - cycles * season;
        let table: Vec<f64> = values[start..].iter().map(|v| v / largest + shift).collect();
        let factors = Factors::of(&table, season);
        Some(Self { season, start, shift, largest, factors })
    }
}

/// How many cycles the next longer season has: days of a week, weeks of a year.
fn longer(season: usize) -> Option<usize> {
    match season {
        24 | 48 | 96 | 144 | 288 | 1_440 => Some(7),
        5 | 7 => Some(52),
        _ => None,
    }
}

/// A table of cycles as levels times a shape whose mean is one.
#[derive(Clone, Debug)]
struct Factors {
    levels: Vec<f64>,
    shape: Vec<f64>,
    residual_variance: f64,
}

impl Factors {
    fn of(table: &[f64], season: usize) -> Self {
        let rows: Vec<&[f64]> = table.chunks_exact(season).collect();
        if season == 1 {
            return Self { levels: table.to_vec(), shape: vec![1.0], residual_variance: 0.0 };
        }
        let first = rows.len().saturating_sub(JUDGED).max(rows.len().div_ceil(2)).max(1);
        let error = |span: usize| -> f64 {
            let miss = |j: usize| {
                let shape = shape(&rows[j.saturating_sub(span)..j]);
                residuals(rows[j], level(rows[j], &shape), &shape)
            };
            (first..rows.len()).map(miss).sum()
        };
        let spans = SPANS.into_iter().filter(|s| *s < rows.len());
        let best = spans.map(|s| (error(s), s)).fold((f64::INFINITY, rows.len()), |a, b| if b.0 < a.0 { b } else { a });
        let shape = shape(&rows[rows.len() - best.1.min(rows.len())..]);
        let levels: Vec<f64> = rows.iter().map(|row| row.iter().sum::<f64>() / season as f64).collect();
        let recent = rows.len().saturating_sub(52);
        let squares: f64 =
            rows[recent..].iter().zip(&levels[recent..]).map(|(row, level)| residuals(row, *level, &shape)).sum();
        let count = ((rows.len() - recent) * (season - 1)).max(1) as f64;
        Self { levels, shape, residual_variance: squares / count }
    }
}

/// The column factor of the rank-one approximation of these rows, by alternating least squares, scaled to a mean of
/// one; flat where the rows have none.
fn shape(rows: &[&[f64]]) -> Vec<f64> {
    let season = rows.first().map_or(1, |r| r.len());
    let mut shape = vec![1.0; season];
    for _ in 0..ITERATIONS {
        let mut sums = vec![0.0; season];
        for row in rows {
            let level = level(row, &shape);
            sums.iter_mut().zip(*row).for_each(|(s, v)| *s += level * v);
        }
        let mean = sums.iter().sum::<f64>() / season as f64;
        if mean.is_nan() || mean <= 0.0 {
            return vec![1.0; season];
        }
        shape = sums.iter().map(|s| s / mean).collect();
    }
    shape
}

/// The least squares level of a row.
fn level(row: &[f64], shape: &[f64]) -> f64 {
    let (product, square) = row.iter().zip(shape).fold((0.0, 0.0), |(p, q), (v, s)| (p + v * s, q + s * s));
    if square > 0.0 { product / square } else { 0.0 }
}

fn residuals(row: &[f64], level: f64, shape: &[f64]) -> f64 {
    row.iter().zip(shape).map(|(v, s)| (v - level * s) * (v - level * s)).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_cycle_keeps_its_shape() {
        // Given levels that grow by one each cycle, times a shape
        let shape = [0.5, 1.0, 2.0, 0.5];
        let values: Vec<f64> = (0..80).map(|t| (10.0 + (t / 4) as f64) * shape[t % 4]).collect();
        // When the next two cycles are forecast
        let forecast = RankOne.forecast(&values, 8, 4).unwrap();
        // Then they are the next levels times the shape
        for (h, mean) in forecast.mean.iter().enumerate() {
            let expect = (30.0 + (h / 4) as f64) * shape[h % 4];
            assert!((mean / expect - 1.0).abs() < 0.02, "{h}: {mean} {expect}");
        }
    }

    #[test]
    fn hostile_series_have_a_finite_forecast() {
        let nan = f64::NAN;
        let wild: Vec<Vec<f64>> = vec![
            vec![1.0, 2.0],
            vec![5.0; 30],
            vec![0.0; 30],
            (0..30).map(|t| f64::from(t % 3) - 1.0).collect(),
            (0..30).map(|t| f64::from(t) * 1e300 / 30.0).collect(),
            (0..30).map(|t| f64::from(t) * 1e-300).collect(),
            [vec![0.0; 29], vec![1.0]].concat(),
            vec![nan, 1.0, nan, 2.0, nan, nan, nan],
            (0..30).map(|t| -f64::from(t * t)).collect(),
        ];
        for (i, values) in wild.iter().enumerate() {
            for season in [1, 3, 7, 500] {
                let forecast = RankOne.forecast(values, 40, season).unwrap();
                let all = forecast.mean.iter().chain(&forecast.deviation);
                assert!(all.clone().all(|v| v.is_finite()), "series {i} season {season}");
            }
        }
    }
}
