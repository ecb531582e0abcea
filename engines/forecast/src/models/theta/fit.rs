//! The Theta models in state space form (Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler 2016, eq. 9 to 13), on
//! seasonally adjusted values.
//!
//! With (1 − α)ᵗ = p, the level after t observations is `known + p · initial`, and the trend adds w (A p + B (1 − (1 − α) p) / α)
//! with w = 1 − 1/θ and the trend line A + B t. For a given α the errors are therefore linear in the initial level and
//! in w, which are solved for; only α is searched.

use super::line::Line;
use crate::models::ets::corrected;

/// The bounds of the smoothing parameter, as in the forecTheta package.
const ALPHA_BOUNDS: (f64, f64) = (0.1, 0.99);
/// Points of the coarse search over the smoothing parameter.
const GRID: usize = 30;
/// Steps of the golden-section search: 0.618²⁶ of two grid cells is below 1e-6.
const REFINEMENTS: usize = 26;
/// The first errors are not judged: the initial level is free there.
pub(super) const BURN_IN: usize = 3;

/// Akaike's corrected criterion of normal errors: α, the initial level and the variance count, and θ where it is
/// optimised.
#[must_use]
pub fn criterion(variant: Variant, sum_of_squares: f64, observations: usize) -> f64 {
    let n = observations.saturating_sub(BURN_IN).max(1);
    let k = 3 + usize::from(variant.optimizes());
    let likelihood = n as f64 * sum_of_squares.max(f64::MIN_POSITIVE).ln();
    // Where there are too few errors for the correction, the uncorrected criterion.
    if n > k + 1 { corrected(likelihood, k, n) } else { likelihood + 2.0 * k as f64 }
}

/// Which Theta model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// STM: the trend line of the whole history, θ = 2.
    Standard,
    /// OTM: the trend line of the whole history, θ optimised.
    Optimized,
    /// DSTM: the trend line of the history so far, θ = 2.
    Dynamic,
    /// DOTM: the trend line of the history so far, θ optimised.
    DynamicOptimized,
}

impl Variant {
    /// All of them, the simplest first.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Dynamic, Self::Optimized, Self::DynamicOptimized];

    /// Whether θ is estimated.
    #[must_use]
    pub const fn optimizes(self) -> bool {
        matches!(self, Self::Optimized | Self::DynamicOptimized)
    }

    const fn dynamic(self) -> bool {
        matches!(self, Self::Dynamic | Self::DynamicOptimized)
    }
}

/// A Theta model fitted to values without a season.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Which model.
    pub variant: Variant,
    /// The smoothing parameter.
    pub alpha: f64,
    /// The weight of the trend, 1 − 1/θ, at least 0 and below 1.
    pub weight: f64,
    initial_level: f64,
    /// The level and the trend line after the last observation, and (1 − α)ⁿ.
    end: (f64, Line, f64),
    errors: Vec<f64>,
    sum_of_squares: f64,
    /// The mean absolute value.
    size: f64,
}

/// What one α gives.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    alpha: f64,
    weight: f64,
    initial_level: f64,
    sum_of_squares: f64,
}

/// What is the same for every α: the trend line at each time.
struct Problem<'a> {
    values: &'a [f64],
    lines: Vec<Line>,
    optimizes: bool,
}

impl Fit {
    /// The least squares fit; needs at least one value.
    #[must_use]
    pub fn best(values: &[f64], variant: Variant) -> Self {
        let last = Line::through(values);
        let lines = if variant.dynamic() { Line::running(values) } else { vec![last; values.len()] };
        let problem = Problem { values, lines, optimizes: variant.optimizes() };
        let found = problem.best();
        let (mut level, mut power) = (found.initial_level, 1.0);
        let mut errors = Vec::with_capacity(values.len());
        for (y, line) in values.iter().zip(&problem.lines) {
            errors.push(y - level - found.weight * line.part(found.alpha, power));
            level = found.alpha * y + (1.0 - found.alpha) * level;
            power *= 1.0 - found.alpha;
        }
        Self {
            variant,
            alpha: found.alpha,
            weight: found.weight,
            initial_level: found.initial_level,
            end: (level, last, power),
            errors,
            sum_of_squares: found.sum_of_squares,
            size: values.iter().map(|v| v.abs()).sum::<f64>() / values.len() as f64,
        }
    }

    /// The sum of the squared errors from the fourth on: what is minimised.
    #[must_use]
    pub const fn sum_of_squares(&self) -> f64 {
        self.sum_of_squares
    }

    /// The [`criterion`] by which models are chosen.
    #[must_use]
    pub fn criterion(&self) -> f64 {
        criterion(self.variant, self.sum_of_squares, self.errors.len())
    }

    /// [`Self::sum_of_squares`] over the mean absolute value, as statsforecast reports it.
    #[must_use]
    pub const fn relative_sum_of_squares(&self) -> f64 {
        self.sum_of_squares / self.size
    }

    /// The level before the first observation.
    #[must_use]
    pub const fn initial_level(&self) -> f64 {
        self.initial_level
    }

    /// The one-step errors over the history.
    #[must_use]
    pub fn errors(&self) -> &[f64] {
        &self.errors
    }

    /// The forecasts, each taken for an observation by the next.
    #[must_use]
    pub fn mean(&self, horizon: usize) -> Vec<f64> {
        self.continued(horizon, 0.0)
    }

    /// The standard deviations: σ² times one plus the squared echoes of the errors before, an echo being what a unit
    /// error of the first step adds to a later forecast.
    #[must_use]
    pub fn deviation(&self, horizon: usize) -> Vec<f64> {
        let judged = self.errors.get(BURN_IN..).filter(|e| e.len() > 1).unwrap_or(&self.errors);
        let squares: f64 = judged.iter().map(|e| e * e).sum();
        let variance = if judged.len() > 1 { squares / (judged.len() - 1) as f64 } else { 0.0 };
        // A shock of the data's size: a unit would drown in the rounding of large values.
        let size = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let (plain, shocked) = (self.continued(horizon, 0.0), self.continued(horizon, size));
        let mut total = 0.0;
        let mut out = Vec::with_capacity(horizon);
        for (h, (a, b)) in plain.iter().zip(&shocked).enumerate() {
            let echo = if h == 0 { 1.0 } else { (b - a) / size };
            total += echo * echo;
            out.push((variance * total).sqrt());
        }
        out
    }

    /// The recursion on its own forecasts, the first of which is missed by `shock`.
    fn continued(&self, horizon: usize, shock: f64) -> Vec<f64> {
        let (mut level, mut line, mut power) = self.end;
        let mut out = Vec::with_capacity(horizon);
        for h in 0..horizon {
            let mean = level + self.weight * line.part(self.alpha, power);
            out.push(mean);
            let value = if h == 0 { mean + shock } else { mean };
            level = self.alpha * value + (1.0 - self.alpha) * level;
            power *= 1.0 - self.alpha;
            if self.variant.dynamic() {
                line = line.with(value);
            }
        }
        out
    }
}

impl Problem<'_> {
    /// The best α on a grid, refined by golden section between its neighbours.
    fn best(&self) -> Candidate {
        let (low, high) = ALPHA_BOUNDS;
        let cell = (high - low) / (GRID - 1) as f64;
        let mut best = self.at(low);
        for i in 1..GRID {
            best = best.better(self.at(low + cell * i as f64));
        }
        let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
        let (mut left, mut right) = ((best.alpha - cell).max(low), (best.alpha + cell).min(high));
        let mut first = self.at(right - ratio * (right - left));
        let mut second = self.at(left + ratio * (right - left));
        for _ in 0..REFINEMENTS {
            if first.sum_of_squares <= second.sum_of_squares {
                right = second.alpha;
                second = first;
                first = self.at(right - ratio * (right - left));
            } else {
                left = first.alpha;
                first = second;
                second = self.at(left + ratio * (right - left));
            }
        }
        best.better(first).better(second)
    }

    /// The best initial level, and weight of the trend where that is free, for one α.
    fn at(&self, alpha: f64) -> Candidate {
        let (keep, inverse) = (1.0 - alpha, 1.0 / alpha);
        let (mut known, mut power) = (0.0, 1.0);
        let (mut pp, mut pd, mut dd, mut pe, mut de, mut ee) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for (t, (y, line)) in self.values.iter().zip(&self.lines).enumerate() {
            if t >= BURN_IN {
                let part = line.intercept * power + line.slope * (1.0 - power * keep) * inverse;
                let error = y - known;
                pp += power * power;
                pd += power * part;
                dd += part * part;
                pe += power * error;
                de += part * error;
                ee += error * error;
            }
            known = alpha * y + keep * known;
            power *= keep;
        }
        let with = |weight: f64| {
            let cross = pe - weight * pd;
            let initial_level = if pp > 0.0 { cross / pp } else { 0.0 };
            // The rounding of a perfect fit may fall below zero.
            let sum = ee - 2.0 * weight * de + weight * weight * dd - initial_level * cross;
            Candidate { alpha, weight, initial_level, sum_of_squares: sum.max(0.0) }
        };
        if !self.optimizes {
            return with(0.5);
        }
        let determinant = dd * pp - pd * pd;
        if determinant <= 1e-12 * dd * pp {
            // The trend cannot be told from the initial level: any weight gives the same forecasts.
            return with(0.0);
        }
        with(((de * pp - pd * pe) / determinant).clamp(0.0, LARGEST_WEIGHT))
    }
}

/// θ stays finite.
const LARGEST_WEIGHT: f64 = 1.0 - 1e-10;

impl Candidate {
    fn better(self, other: Self) -> Self {
        if other.sum_of_squares < self.sum_of_squares { other } else { self }
    }
}
