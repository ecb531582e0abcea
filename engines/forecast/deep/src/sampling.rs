//! Values drawn from the distribution that a network says, and quantiles of drawn paths.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::loss::distribution::{scale, student_t};
use crate::loss::{Loss, negative_binomial};

/// From this mean on Poisson counts are drawn by rejection.
const LARGE_MEAN: f64 = 10.0;

impl Loss {
    /// A value drawn from the distribution that the outputs of a step say in a window of this scale; normalised.
    ///
    /// Quantile outputs are no distribution: of them the one in the middle is taken.
    pub(crate) fn draw(self, outputs: &[f32], window_scale: f64, random: &mut ChaCha8Rng) -> f64 {
        let at = |channel: usize| outputs.get(channel).map_or(f64::NAN, |v| f64::from(*v));
        match self {
            Self::Quantile => at(outputs.len() / 2),
            Self::Gaussian => at(0) + scale(at(1)) * normal(random),
            Self::StudentT => {
                let freedom = student_t::freedom(at(2));
                let squares = 2.0 * gamma(0.5 * freedom, random);
                at(0) + scale(at(1)) * normal(random) * (freedom / squares).sqrt()
            }
            Self::NegativeBinomial => {
                let (mean, size) = negative_binomial::parameters(at(0), at(1), window_scale);
                // A Poisson count whose mean is gamma distributed.
                poisson(gamma(size, random) * mean / size, random) / window_scale
            }
        }
    }
}

/// The quantiles at `levels` of drawn values, which are sorted here: straight between two of them (Hyndman and Fan 1996,
/// type 7), or of counts the least that reaches the level.
pub(crate) fn quantiles(drawn: &mut [f64], levels: &[f64], counts: bool) -> Vec<f64> {
    drawn.sort_by(f64::total_cmp);
    let last = drawn.len().saturating_sub(1);
    let quantile = |level: &f64| {
        if counts {
            let place = (level * drawn.len() as f64).ceil() as usize;
            return drawn.get(place.saturating_sub(1).min(last)).copied().unwrap_or(f64::NAN);
        }
        let place = level * last as f64;
        let below = (place.floor() as usize).min(last);
        let (Some(low), Some(high)) = (drawn.get(below), drawn.get((below + 1).min(last))) else {
            return f64::NAN;
        };
        low + (high - low) * (place - below as f64)
    };
    levels.iter().map(quantile).collect()
}

/// A number above 0 and below 1.
fn open_unit(random: &mut ChaCha8Rng) -> f64 {
    (random.random_range(0..1_u64 << 52) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// Standard normal (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * open_unit(random).ln()).sqrt();
    radius * (std::f64::consts::TAU * open_unit(random)).cos()
}

/// Gamma of this shape and scale 1 (Marsaglia and Tsang 2000); NaN where the shape is no number above 0.
fn gamma(shape: f64, random: &mut ChaCha8Rng) -> f64 {
    if shape.is_nan() || shape <= 0.0 {
        return f64::NAN;
    }
    if shape < 1.0 {
        let boost = open_unit(random).powf(1.0 / shape);
        return gamma(shape + 1.0, random) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && open_unit(random).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
        if !v.is_finite() {
            return f64::NAN;
        }
    }
}

/// A Poisson count: by multiplication where the mean is small (Knuth 1969), else by transformed rejection (Hörmann 1993,
/// algorithm PTRS).
fn poisson(mean: f64, random: &mut ChaCha8Rng) -> f64 {
    if !mean.is_finite() {
        return f64::NAN;
    }
    if mean < LARGE_MEAN {
        let (limit, mut product, mut count) = ((-mean).exp(), open_unit(random), 0.0);
        while product > limit {
            product *= open_unit(random);
            count += 1.0;
        }
        return count;
    }
    let root = mean.sqrt();
    let b = 0.931 + 2.53 * root;
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.123_9 + 1.132_8 / (b - 3.4);
    let accepted = 0.927_7 - 3.622_4 / (b - 2.0);
    loop {
        let (u, v) = (open_unit(random) - 0.5, open_unit(random));
        let us = 0.5 - u.abs();
        let count = ((2.0 * a / us + b) * u + mean + 0.43).floor();
        if us >= 0.07 && v <= accepted {
            return count;
        }
        if count < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let left = (v * inverse_alpha / (a / (us * us) + b)).ln();
        if left <= -mean + count * mean.ln() - statrs::function::gamma::ln_gamma(count + 1.0) {
            return count;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// Mean and variance of many draws.
    fn moments(mut draw: impl FnMut(&mut ChaCha8Rng) -> f64) -> (f64, f64) {
        const DRAWS: usize = 60_000;
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let drawn: Vec<f64> = (0..DRAWS).map(|_| draw(&mut random)).collect();
        let mean = drawn.iter().sum::<f64>() / DRAWS as f64;
        (mean, drawn.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / DRAWS as f64)
    }

    fn check(found: (f64, f64), mean: f64, variance: f64, what: &str) {
        // Five standard errors of the mean, and a twentieth of the variance.
        assert!((found.0 - mean).abs() < 5.0 * (variance / 60_000.0).sqrt(), "{what}: {found:?}, {mean}");
        assert!((found.1 / variance - 1.0).abs() < 0.06, "{what}: {found:?}, {variance}");
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        check(moments(normal), 0.0, 1.0, "normal");
        for shape in [0.3, 1.0, 7.5] {
            check(moments(|r| gamma(shape, r)), shape, shape, "gamma");
        }
        for mean in [0.2, 9.0, 10.5, 400.0] {
            check(moments(|r| poisson(mean, r)), mean, mean, "Poisson");
        }
        let gaussian = [1.0, 0.5_f32];
        check(moments(|r| Loss::Gaussian.draw(&gaussian, 1.0, r)), 1.0, scale(0.5).powi(2), "Gaussian");
        let t = [2.0, 0.5, -2.0_f32];
        let freedom = student_t::freedom(-2.0);
        let variance = scale(0.5).powi(2) * freedom / (freedom - 2.0);
        check(moments(|r| Loss::StudentT.draw(&t, 1.0, r)), 2.0, variance, "Student's t");
        let counts = [0.7, -0.5_f32];
        let (mean, size) = negative_binomial::parameters(f64::from(counts[0]), f64::from(counts[1]), 6.0);
        let drawn = moments(|r| 6.0 * Loss::NegativeBinomial.draw(&counts, 6.0, r));
        check(drawn, mean, mean + mean * mean / size, "negative binomial");
    }

    #[test]
    fn quantiles_of_draws_lie_between_them_and_of_counts_on_them() {
        let mut drawn = [3.0, 1.0, 2.0, 4.0];
        assert_eq!(quantiles(&mut drawn, &[0.5, 0.0, 1.0], false), [2.5, 1.0, 4.0]);
        assert_eq!(quantiles(&mut drawn, &[0.5, 0.51, 0.01, 0.99], true), [2.0, 3.0, 1.0, 4.0]);
    }

    #[test]
    fn outputs_that_are_no_numbers_give_none_and_end() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for loss in [Loss::Gaussian, Loss::StudentT, Loss::NegativeBinomial] {
            assert!(loss.draw(&[f32::NAN; 3], 1.0, &mut random).is_nan(), "{loss:?}");
        }
    }
}
