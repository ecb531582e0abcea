//! The negative binomial distribution of counts: channels are the mean and the dispersion, both before their softplus.
//!
//! With `o` for the channels and `ν` for the window's scale, the mean is `µ = ν·softplus(o₁)` and the variance
//! `µ + α·µ²` with `α = softplus(o₂)/√ν` (Salinas, Flunkert, Gasthaus and Januschowski 2020, §3.2 and §3.3).

use burn::tensor::Tensor;
use burn::tensor::activation::softplus;
use statrs::function::beta::beta_reg;

use super::distribution::channel;

/// The least mean in units of the window's scale, and the least dispersion before its division.
const LEAST: f64 = 1e-4;
/// Half the logarithm of 2π.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

/// The largest count that a training takes: up to it every whole number is one of f32.
pub(crate) const LARGEST_COUNT: f64 = 16_777_216.0;

/// The negative log probability of the counts `actual · scale`.
///
/// - `outputs`: `[batch, 2, steps]`;
/// - `actual`: `[batch, steps]`, counts divided by the window's scale;
/// - `scale`: `[batch, 1]`.
///
/// All terms are written so that none is much larger than the result where counts are large: three logarithms of the
/// gamma function are joined into one expression by Stirling's series at their arguments plus three.
pub(super) fn surprise(outputs: &Tensor<3>, actual: Tensor<2>, scale: Tensor<2>) -> Tensor<2> {
    let count = (actual * scale.clone()).round();
    let mean = softplus(channel(outputs, 0), 1.0).add_scalar(LEAST) * scale.clone();
    // The number of failures, 1/α.
    let size = softplus(channel(outputs, 1), 1.0).add_scalar(LEAST).recip() * scale.sqrt();
    let odds = (mean.clone() / size.clone()).log1p() * size.clone() + (size.clone() / mean).log1p() * count.clone();
    odds - ln_choices(count, size)
}

/// `ln Γ(z + r) − ln Γ(z + 1) − ln Γ(r)`.
fn ln_choices(z: Tensor<2>, r: Tensor<2>) -> Tensor<2> {
    let (a, b, c) = (z.clone() + r.clone().add_scalar(3.0), z.clone().add_scalar(4.0), r.clone().add_scalar(3.0));
    let joined = b.clone().sub_scalar(0.5) * (r.clone().sub_scalar(1.0) / b.clone()).log1p()
        + c.clone().sub_scalar(0.5) * (z.clone() / c.clone()).log1p()
        - a.clone().log().mul_scalar(3.5);
    let rest = stirling(a) - stirling(b) - stirling(c);
    // Γ(x) = Γ(x + 3) / (x (x + 1) (x + 2)); logarithms one by one, since products of large counts leave f32.
    let rising = |x: Tensor<2>| x.clone().log() + x.clone().add_scalar(1.0).log() + x.add_scalar(2.0).log();
    let sum = z.clone() + r.clone();
    (joined + rest).add_scalar(4.0 - HALF_LN_TAU) - rising(sum) + rising(z.add_scalar(1.0)) + rising(r)
}

/// What Stirling's formula leaves of `ln Γ`, to about 3e-7 from 3 on.
fn stirling(x: Tensor<2>) -> Tensor<2> {
    let inverse = x.recip();
    let square = inverse.clone().square();
    let series = square.clone().mul_scalar(1.0 / 1260.0).sub_scalar(1.0 / 360.0) * square;
    series.add_scalar(1.0 / 12.0) * inverse
}

/// Mean and number of failures (1/α) of the counts, from the outputs of a step in a window of this scale.
pub(crate) fn parameters(raw_mean: f64, raw_dispersion: f64, scale: f64) -> (f64, f64) {
    let softplus = |raw: f64| raw.max(0.0) + (-raw.abs()).exp().ln_1p() + LEAST;
    (softplus(raw_mean) * scale, scale.sqrt() / softplus(raw_dispersion))
}

/// The mean of a step in units of the window's scale.
pub(crate) fn mean(outputs: Tensor<2>) -> Tensor<2> {
    softplus(outputs, 1.0).add_scalar(LEAST)
}

/// The smallest counts whose cumulative probability reaches `levels`, which ascend or not.
pub(super) fn quantiles((mean, size): (f64, f64), levels: &[f64]) -> Vec<f64> {
    let success = size / (size + mean);
    // NaN is below no level, so that the search ends.
    let reached = |count: f64, level: f64| beta_reg(size, count + 1.0, success) >= level;
    levels.iter().map(|level| least_count(mean, |count| reached(count, *level))).collect()
}

/// The least whole number for which `reached` holds, by doubling from about `start` and then halving.
fn least_count(start: f64, reached: impl Fn(f64) -> bool) -> f64 {
    /// Doublings at most; a tail that is longer than this has no end in f64.
    const DOUBLINGS: usize = 60;
    if reached(0.0) {
        return 0.0;
    }
    let (mut below, mut above) = (0.0_f64, start.ceil().max(1.0));
    for _ in 0..DOUBLINGS {
        if reached(above) {
            break;
        }
        (below, above) = (above, 2.0 * above);
    }
    while above - below > 1.0 {
        let middle = (0.5 * (below + above)).floor();
        if middle <= below || middle >= above {
            break;
        }
        if reached(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    above
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use statrs::function::gamma::ln_gamma;

    use super::*;

    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn ln_probability(z: f64, (mean, r): (f64, f64)) -> f64 {
        ln_gamma(z + r) - ln_gamma(z + 1.0) - ln_gamma(r) + r * (r / (r + mean)).ln() + z * (mean / (r + mean)).ln()
    }

    #[test]
    fn the_surprise_is_the_logarithm_of_the_probability() {
        for (raw_mean, raw_dispersion, scale, count) in [
            (0.5, 0.3, 1.0, 0.0),
            (0.5, 0.3, 3.0, 7.0),
            (-3.0, 1.0, 0.5, 2.0),
            (1.0, -4.0, 40.0, 55.0),
            (0.5, 0.0, 2_000.0, 2_113.0),
            (2.0, 5.0, 0.02, 1.0_f32),
        ] {
            let outputs = tensor(vec![raw_mean, raw_dispersion], [1, 2, 1]);
            let found: f32 =
                surprise(&outputs, tensor(vec![count / scale], [1, 1]), tensor(vec![scale], [1, 1])).into_scalar();
            let parameters = parameters(f64::from(raw_mean), f64::from(raw_dispersion), f64::from(scale));
            let right = -ln_probability(f64::from(count), parameters);
            // Twice the rounding of f32 at the largest term.
            let bound = 1e-5 * (right.abs() + f64::from(count) * 1e-1).max(1.0);
            assert!((f64::from(found) - right).abs() < bound, "{count} at {scale}: {found} {right}");
        }
    }

    #[test]
    fn quantiles_are_the_least_counts_that_reach_their_level() {
        for parameters in [(0.2, 0.7), (3.5, 2.0), (40.0, 1_000.0), (1_500.0, 12.0)] {
            let levels = [0.01, 0.1, 0.5, 0.9, 0.99];
            let mut cumulative = 0.0;
            let mut found = Vec::new();
            for count in 0.. {
                cumulative += ln_probability(f64::from(count), parameters).exp();
                while found.len() < levels.len() && cumulative >= levels[found.len()] {
                    found.push(f64::from(count));
                }
                if found.len() == levels.len() {
                    break;
                }
            }
            assert_eq!(quantiles(parameters, &levels), found, "{parameters:?}");
        }
    }

    #[test]
    fn a_mean_near_nothing_has_quantiles_of_nothing() {
        assert_eq!(quantiles((1e-300, 1e-3), &[0.1, 0.9]), [0.0, 0.0]);
    }
}
