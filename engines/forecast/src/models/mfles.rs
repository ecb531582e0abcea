//! MFLES: a median, Fourier terms, a line and exponential smoothing, fitted to one another's residuals in turn.
//!
//! The method is Blume's (2024, as documented with statsforecast): a decomposition by gradient boosting, in which each
//! round fits the next component to what all before have left and takes most of it. Here the line and the Fourier
//! terms take turns until a round explains less than a hundredth more, recent values counting more; what is left is
//! smoothed with many weights, each of which counts by how well it forecast the next value. The line goes on with its
//! slope times the fourth power of the share of the variance that it explains. Seasonal series of positive values are taken
//! in logarithms.

use std::f64::consts::TAU;

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::linear::Cholesky;

/// What a component takes of what is left.
const LEARNING_RATE: f64 = 0.9;
/// Rounds at most, and the least share of the error that one must take.
const ROUNDS: usize = 10;
const LEAST_GAIN: f64 = 0.01;
/// The weight of the last value over the first's, as an exponent.
const RECENCY: f64 = 4.0;
/// Smoothing weights.
const WEIGHTS: (usize, f64, f64) = (20, 0.05, 1.0);
/// How steeply a smoothing weight counts by its squared errors.
const STEEPNESS: i32 = 8;
/// How steeply what goes on of the slope falls with the share of the variance that the line explains.
const PERSISTENCE: i32 = 4;
/// A share of the variance that is rounding.
const ROUNDING: f64 = 1e-18;

/// The boosted decomposition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mfles {
    logarithms: bool,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| Ok(Mfles { logarithms: settings.flag("logarithms")? }))
}

/// How many Fourier terms a season has.
fn terms(season: usize) -> usize {
    let most = match season {
        0..10 => 5,
        10..70 => 10,
        _ => 15,
    };
    most.min(season / 2)
}

/// The units in which a series is decomposed.
#[derive(Clone, Copy, Debug)]
struct Units {
    logarithms: bool,
    centre: f64,
    scale: f64,
}

impl Units {
    fn of(values: &[f64], logarithms: bool) -> (Self, Vec<f64>) {
        let raw: Vec<f64> = if logarithms { values.iter().map(|v| v.ln()).collect() } else { values.to_vec() };
        let n = raw.len().max(1) as f64;
        let centre = raw.iter().map(|v| v / n).sum::<f64>();
        let spread = (raw.iter().map(|v| (v - centre) * (v - centre) / n).sum::<f64>()).sqrt();
        // The spread of equal values is rounding.
        let scale = if spread > 1e-13 * centre.abs() { spread } else { 1.0 };
        let standard = raw.iter().map(|v| (v - centre) / scale).collect();
        (Self { logarithms, centre, scale }, standard)
    }

    fn restore(self, value: f64) -> f64 {
        let raw = self.centre + self.scale * value;
        if self.logarithms { raw.exp() } else { raw }
    }
}

/// A line and Fourier terms in time, with what the rounds have given them.
#[derive(Debug)]
struct Components {
    n: usize,
    season: usize,
    line: [f64; 2],
    waves: Vec<f64>,
}

impl Components {
    fn wave(&self, t: usize, row: &mut Vec<f64>) {
        row.clear();
        if self.season < 2 {
            return;
        }
        for k in 1..=terms(self.season) {
            let (sine, cosine) = (TAU * ((k * (t % self.season)) % self.season) as f64 / self.season as f64).sin_cos();
            row.push(cosine);
            // Half a cycle a step has no sine.
            if 2 * k < self.season {
                row.push(sine);
            }
        }
    }

    fn time(&self, t: usize) -> f64 {
        t as f64 / self.n as f64
    }

    fn trend(&self, t: usize) -> f64 {
        self.line[0] + self.line[1] * self.time(t)
    }
}

/// A decomposed series.
#[derive(Debug)]
struct Fit {
    units: Units,
    components: Components,
    median: f64,
    /// The season over one cycle.
    cycle: Vec<f64>,
    /// The share of the slope that goes on.
    persistence: f64,
    /// The level of what was left before each time, and after the last.
    levels: Vec<f64>,
    deviation: f64,
    /// The mean smoothing weight.
    weight: f64,
    range: (f64, f64),
}

impl Fit {
    /// Needs at least one value.
    fn of(values: &[f64], season: usize, logarithms: bool) -> Self {
        let n = values.len();
        let season = if season > 1 && n >= 2 * season { season } else { 1 };
        let logarithms = logarithms && season > 1 && values.iter().all(|v| *v > 0.0);
        let (units, z) = Units::of(values, logarithms);
        let median = median(&z);
        let mut components = Components { n, season, line: [0.0; 2], waves: Vec::new() };
        let mut row = Vec::new();
        let rows: Vec<Vec<f64>> = (0..season)
            .map(|t| {
                components.wave(t, &mut row);
                row.clone()
            })
            .collect();
        components.waves = vec![0.0; rows[0].len()];
        let importance: Vec<f64> = (0..n).map(|t| (RECENCY * (t as f64 + 1.0 - n as f64) / n as f64).exp()).collect();
        let line = Regression::new(2, (0..n).map(|t| [1.0, components.time(t)]), &importance);
        let waves = Regression::new(rows[0].len(), (0..n).map(|t| &rows[t % season]), &importance);
        let mut left: Vec<f64> = z.iter().map(|v| v - median).collect();
        let mut before = f64::INFINITY;
        for _ in 0..ROUNDS {
            let [level, slope] = line.solve((0..n).map(|t| [1.0, components.time(t)]), &left, &importance)[..] else {
                break;
            };
            components.line[0] += LEARNING_RATE * level;
            components.line[1] += LEARNING_RATE * slope;
            for (t, v) in left.iter_mut().enumerate() {
                *v -= LEARNING_RATE * (level + slope * components.time(t));
            }
            if season > 1 {
                let weights = waves.solve((0..n).map(|t| &rows[t % season]), &left, &importance);
                components.waves.iter_mut().zip(&weights).for_each(|(w, v)| *w += LEARNING_RATE * v);
                let cycle: Vec<f64> = rows.iter().map(|r| dot(r, &weights)).collect();
                left.iter_mut().enumerate().for_each(|(t, v)| *v -= LEARNING_RATE * cycle[t % season]);
            }
            let error = left.iter().map(|v| v * v).sum::<f64>();
            if error > (1.0 - LEAST_GAIN) * before || error <= ROUNDING * n as f64 {
                break;
            }
            before = error;
        }
        let cycle: Vec<f64> = rows.iter().map(|r| dot(r, &components.waves)).collect();
        let unseasonal: Vec<f64> = z.iter().enumerate().map(|(t, v)| v - cycle[t % season]).collect();
        let around: Vec<f64> = unseasonal.iter().enumerate().map(|(t, v)| v - components.trend(t)).collect();
        let total = variance(&unseasonal);
        let explained = if total > ROUNDING { (1.0 - variance(&around) / total).max(0.0) } else { 0.0 };
        let Smoothed { levels, deviation, weight } = Smoothed::of(&left);
        let range = z.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        let persistence = explained.powi(PERSISTENCE);
        Self { units, components, median, cycle, persistence, levels, deviation, weight, range }
    }

    fn season(&self, t: usize) -> f64 {
        self.cycle[t % self.cycle.len()]
    }

    fn forecast(&self, horizon: usize) -> NormalForecast {
        let n = self.components.n;
        let start = self.median + self.components.trend(n - 1) + self.levels[n];
        let slope = self.persistence * self.components.line[1] / n as f64;
        let (low, high) = self.range;
        let mut forecast = NormalForecast { mean: Vec::new(), deviation: Vec::new() };
        for h in 0..horizon {
            let mut z = start + slope * (h + 1) as f64 + self.season(n + h);
            if self.units.logarithms {
                // An exponential that goes on leaves every range that was ever seen.
                z = z.clamp(low - (high - low), high + (high - low));
            }
            let spread = self.units.scale * self.deviation * (1.0 + h as f64 * self.weight * self.weight).sqrt();
            let mean = self.units.restore(z);
            forecast.mean.push(mean);
            forecast.deviation.push(if self.units.logarithms { mean * spread } else { spread });
        }
        forecast
    }

    fn fitted(&self) -> Vec<f64> {
        let one = |t: usize| {
            let z = self.median + self.components.trend(t) + self.season(t) + self.levels[t];
            self.units.restore(z)
        };
        (0..self.components.n).map(one).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n
}

/// Weighted least squares whose matrix is factored once.
#[derive(Debug)]
struct Regression {
    columns: usize,
    factor: Option<Cholesky>,
}

impl Regression {
    fn new<R: AsRef<[f64]>>(columns: usize, rows: impl Iterator<Item = R>, importance: &[f64]) -> Self {
        let mut gram = vec![0.0; columns * columns];
        for (row, w) in rows.zip(importance) {
            let row = row.as_ref();
            for (i, a) in row.iter().enumerate() {
                gram[i * columns..(i + 1) * columns].iter_mut().zip(row).for_each(|(g, b)| *g += w * a * b);
            }
        }
        let trace: f64 = (0..columns).map(|i| gram[i * columns + i]).sum();
        // Too few values for the columns leave the least weights.
        (0..columns).for_each(|i| gram[i * columns + i] += 1e-10 * trace);
        Self { columns, factor: Cholesky::new(gram, columns) }
    }

    fn solve<R: AsRef<[f64]>>(&self, rows: impl Iterator<Item = R>, values: &[f64], importance: &[f64]) -> Vec<f64> {
        let mut products = vec![0.0; self.columns];
        for ((row, v), w) in rows.zip(values).zip(importance) {
            let weighted = w * v;
            products.iter_mut().zip(row.as_ref()).for_each(|(p, x)| *p += weighted * x);
        }
        self.factor.as_ref().map_or_else(|| vec![0.0; self.columns], |f| f.solve(&products))
    }
}

/// Exponential smoothing with many weights at once.
#[derive(Debug)]
struct Smoothed {
    levels: Vec<f64>,
    deviation: f64,
    weight: f64,
}

impl Smoothed {
    fn of(values: &[f64]) -> Self {
        let (count, low, high) = WEIGHTS;
        let weights: Vec<f64> = (0..count).map(|i| low + (high - low) * i as f64 / (count - 1) as f64).collect();
        let first = values.first().copied().unwrap_or(0.0);
        let squares = |weight: &f64| {
            let mut level = first;
            values.iter().fold(0.0, |sum, v| {
                let error = v - level;
                level += weight * error;
                sum + error * error
            })
        };
        let errors: Vec<f64> = weights.iter().map(|w| squares(w).max(ROUNDING * values.len() as f64)).collect();
        let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
        let mut shares: Vec<f64> = errors.iter().map(|e| (least / e).powi(STEEPNESS)).collect();
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|s| *s /= total);
        let mut each = vec![first; count];
        let mut levels = Vec::with_capacity(values.len() + 1);
        let mut squares = 0.0;
        for v in values {
            let level = dot(&each, &shares);
            levels.push(level);
            squares += (v - level) * (v - level);
            each.iter_mut().zip(&weights).for_each(|(l, w)| *l += w * (v - *l));
        }
        levels.push(dot(&each, &shares));
        // The first error is none: the level starts there.
        let deviation = (squares / values.len().saturating_sub(1).max(1) as f64).sqrt();
        Self { levels, deviation, weight: dot(&weights, &shares) }
    }
}

impl LocalModel for Mfles {
    const NAME: &'static str = catalogue::MFLES;

    fn minimum_length(&self, _season_length: usize) -> usize {
        1
    }

    /// Intervals are those of the smoothing, σ √(1 + (h − 1) α²).
    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        Ok(Fit::of(&super::arima::bridged(history, season), season, self.logarithms).forecast(horizon))
    }

    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        Ok(Fit::of(&super::arima::bridged(history, season), season, self.logarithms).fitted())
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_season_goes_on() {
        // Given a line and a wave of twelve, with a little noise
        let clean = |t: usize| 50.0 + 0.5 * t as f64 + 4.0 * (TAU * t as f64 / 12.0).sin();
        let values: Vec<f64> = (0..144).map(|t| clean(t) + 0.2 * f64::from((t * 31 % 7) as u8) - 0.6).collect();
        for logarithms in [false, true] {
            // When two years more are forecast
            let forecast = Fit::of(&values, 12, logarithms).forecast(24);
            // Then they are near, nearer where the line is one
            for (h, mean) in forecast.mean.iter().enumerate() {
                let tolerance = if logarithms { 8.0 } else { 1.5 };
                assert!((mean - clean(144 + h)).abs() < tolerance, "{logarithms} {h}: {mean} {}", clean(144 + h));
            }
            assert!(forecast.deviation.windows(2).all(|w| w[0] <= w[1] * 1.2));
        }
    }

    #[test]
    fn a_random_walk_keeps_its_level() {
        let mut level = 0.0;
        let values: Vec<f64> = (0..300_u64)
            .map(|t| {
                level += ((t * 7919 + t * t * 104_729) % 1_009) as f64 / 1_009.0 - 0.5;
                level
            })
            .collect();
        let forecast = Fit::of(&values, 1, true).forecast(10);
        let spread = variance(&values).sqrt();
        assert!(forecast.mean.iter().all(|m| (m - values[299]).abs() < spread));
    }

    #[test]
    fn hostile_series_have_a_finite_forecast() {
        let nan = f64::NAN;
        let wild: Vec<Vec<f64>> = vec![
            vec![3.0],
            vec![1.0, 2.0],
            vec![7.0; 40],
            vec![0.0; 40],
            (0..40).map(|t| f64::from(t) * 1e90).collect(),
            (0..40).map(|t| f64::from(t + 1) * 1e-90).collect(),
            [vec![0.0; 39], vec![1.0]].concat(),
            vec![nan, 1.0, nan, nan, 4.0, nan],
            (0..40).map(|t| f64::from(t).exp2()).collect(),
        ];
        for (i, values) in wild.iter().enumerate() {
            for season in [1, 2, 3, 7, 500] {
                let model = Mfles { logarithms: true };
                let forecast = model.forecast(values, 200, season).unwrap_or_else(|e| panic!("{e}"));
                let fitted = model.fitted(values, season).unwrap_or_else(|e| panic!("{e}"));
                let all = forecast.mean.iter().chain(&forecast.deviation).chain(&fitted);
                assert!(all.clone().all(|v| v.is_finite()), "series {i}, season {season}");
            }
        }
    }
}
