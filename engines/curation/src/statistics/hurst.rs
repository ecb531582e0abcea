//! The Hurst exponent by the rescaled range.

use statrs::function::gamma::ln_gamma;

use super::Error;
use super::error::{check, is_constant};
use super::summation::mean;

const TEST: &str = "rescaled range analysis";
/// Ranges of fewer points say little.
const BLOCK_MIN: usize = 8;
/// The fewest observations.
pub const LENGTH_MIN: usize = 50;

/// The Hurst exponent of `x`: 0.5 without long memory, more where it persists, less where it turns back; within 0 to 1.
///
/// The slope of log R/S over block lengths (Hurst 1951), less what Anis and Lloyd (1976) expect of independent normal values,
/// plus one half (Weron 2002, eq. 3).
///
/// # Errors
/// [`Error::TooShort`] for fewer than [`LENGTH_MIN`], [`Error::NotFinite`], [`Error::Constant`].
pub fn hurst(x: &[f64]) -> Result<f64, Error> {
    check(TEST, x, LENGTH_MIN)?;
    if is_constant(x) {
        return Err(Error::Constant { test: TEST });
    }
    let mut points = Vec::new();
    let mut blocks = 2;
    while x.len() / blocks >= BLOCK_MIN {
        let size = x.len() / blocks;
        let ranges: Vec<f64> = x.chunks_exact(size).filter_map(rescaled_range).collect();
        if !ranges.is_empty() {
            points.push(((size as f64).ln(), mean(&ranges).ln() - expected(size).ln()));
        }
        // Half an octave a step.
        blocks = (blocks + 1).max(blocks * 181 / 128);
    }
    match slope(&points) {
        Some(slope) => Ok((0.5 + slope).clamp(0.0, 1.0)),
        None => Err(Error::Constant { test: TEST }),
    }
}

/// The range of the cumulated deviations from the mean, in standard deviations; `None` for a constant block.
fn rescaled_range(block: &[f64]) -> Option<f64> {
    let centre = mean(block);
    let (mut level, mut low, mut high, mut squares) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for v in block {
        let d = v - centre;
        level += d;
        squares += d * d;
        low = low.min(level);
        high = high.max(level);
    }
    let deviation = (squares / block.len() as f64).sqrt();
    (deviation > 0.0 && high > low).then(|| (high - low) / deviation)
}

/// E(R/S) of `n` independent normal values (Anis and Lloyd 1976, with Peters' correction).
fn expected(n: usize) -> f64 {
    let length = n as f64;
    let sum: f64 = (1..n).map(|i| ((length - i as f64) / i as f64).sqrt()).sum();
    let factor = (ln_gamma((length - 1.0) / 2.0) - ln_gamma(length / 2.0)).exp() / std::f64::consts::PI.sqrt();
    (length - 0.5) / length * factor * sum
}

fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 {
        return None;
    }
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let (top, below) =
        points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + (x - mx) * (y - my), b + (x - mx) * (x - mx)));
    (below > 0.0).then(|| top / below)
}
