//! Differential entropy of a standardised variable, by the maximum entropy approximation (Hyvärinen 1998, eq. 25).

use std::f64::consts::{LN_2, LOG2_E, PI};

const K1: f64 = 79.047;
const K2: f64 = 7.4129;
/// E ln cosh of a standard normal variable.
const GAMMA: f64 = 0.37457;
const LANES: usize = 8;
/// Factors of at most 2 that are multiplied before a logarithm is taken; 2⁵¹² is still a finite number.
const FACTORS: usize = 512;
/// 1.5 · 2⁵²: adding it leaves the nearest integer in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `(1 + ln 2π)/2 − k₁ (E ln cosh u − γ)² − k₂ (E u e^{−u²/2})²`.
fn of_means(log_cosh: f64, odd: f64) -> f64 {
    let away = log_cosh - GAMMA;
    0.5 * (1.0 + (2.0 * PI).ln()) - K1 * away * away - K2 * odd * odd
}

/// `e^{−v}` for `v ≥ 0`, to 1e-14 relative, without a branch so that loops over it are vectorised.
#[inline(always)]
fn exp_of_minus(v: f64) -> f64 {
    let x = -if v > 708.0 { 708.0 } else { v };
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    // Taylor to degree 11 on |r| ≤ ln 2 / 2, where the rest is below 1e-14.
    let mut sum = 1.0 / 39_916_800.0;
    sum = sum * r + 1.0 / 3_628_800.0;
    sum = sum * r + 1.0 / 362_880.0;
    sum = sum * r + 1.0 / 40_320.0;
    sum = sum * r + 1.0 / 5_040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = sum * r + 1.0;
    sum = sum * r + 1.0;
    f64::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// Running sums over values: of |u|, of u e^{−u²/2}, and the product of 1 + e^{−2|u|}, lane by lane.
struct Sums {
    size: [f64; LANES],
    odd: [f64; LANES],
    product: [f64; LANES],
    logarithm: f64,
}

impl Sums {
    fn new() -> Self {
        Self { size: [0.0; LANES], odd: [0.0; LANES], product: [1.0; LANES], logarithm: 0.0 }
    }

    #[inline(always)]
    fn add(&mut self, u: &[f64; LANES]) {
        for (k, value) in u.iter().enumerate() {
            let size = value.abs();
            self.product[k] *= 1.0 + exp_of_minus(2.0 * size);
            self.size[k] += size;
            self.odd[k] += value * exp_of_minus(0.5 * value * value);
        }
    }

    /// Takes the logarithm of the products so far: ln cosh u = |u| + ln(1 + e^{−2|u|}) − ln 2.
    fn fold(&mut self) {
        self.logarithm += self.product.iter().map(|p| p.ln()).sum::<f64>();
        self.product = [1.0; LANES];
    }

    fn entropy(mut self, rows: usize) -> f64 {
        self.fold();
        let rows = rows as f64;
        let log_cosh = (self.size.iter().sum::<f64>() + self.logarithm) / rows - LN_2;
        of_means(log_cosh, self.odd.iter().sum::<f64>() / rows)
    }
}

/// The entropy of `(x − slope · y) · scale`, without writing it down.
pub(super) fn of_combination(x: &[f64], y: &[f64], slope: f64, scale: f64) -> f64 {
    let mut sums = Sums::new();
    let mut u = [0.0; LANES];
    for (x_part, y_part) in x.chunks(LANES * FACTORS).zip(y.chunks(LANES * FACTORS)) {
        let (xs, ys) = (x_part.chunks_exact(LANES), y_part.chunks_exact(LANES));
        let (x_rest, y_rest) = (xs.remainder(), ys.remainder());
        for (a, b) in xs.zip(ys) {
            for k in 0..LANES {
                u[k] = (a[k] - slope * b[k]) * scale;
            }
            sums.add(&u);
        }
        sums.fold();
        for (a, b) in x_rest.iter().zip(y_rest) {
            let value = (a - slope * b) * scale;
            sums.size[0] += value.abs();
            sums.logarithm += exp_of_minus(2.0 * value.abs()).ln_1p();
            sums.odd[0] += value * exp_of_minus(0.5 * value * value);
        }
    }
    sums.entropy(x.len())
}

/// The entropy of standardised values.
pub(super) fn of_values(x: &[f64]) -> f64 {
    of_combination(x, x, 0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_rounding() {
        for step in 0..70_000 {
            let v = f64::from(step) * 0.01;
            assert!((exp_of_minus(v) / (-v).exp() - 1.0).abs() < 3e-14, "{v}");
        }
        assert!((0.0..1e-300).contains(&exp_of_minus(1e9)));
    }

    #[test]
    fn entropy_equals_the_formula_term_by_term() {
        let x: Vec<f64> = (0..5003).map(|t| ((t * 7919) % 1013) as f64 / 300.0 - 1.7).collect();
        let y: Vec<f64> = (0..5003).map(|t| ((t * 104_729) % 997) as f64 / 290.0 - 1.7).collect();
        let u: Vec<f64> = x.iter().zip(&y).map(|(a, b)| (a - 0.3 * b) * 1.1).collect();
        let mean = |f: &dyn Fn(f64) -> f64| u.iter().map(|v| f(*v)).sum::<f64>() / u.len() as f64;
        let wanted = of_means(mean(&|v| v.cosh().ln()), mean(&|v| v * (-v * v / 2.0).exp()));
        assert!((of_combination(&x, &y, 0.3, 1.1) - wanted).abs() < 1e-11);
    }
}
