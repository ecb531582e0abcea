//! Distribution functions whose tails keep their relative accuracy: p-values as small as 1e-300 are right to ten digits.

use statrs::function::erf::erfc_inv;
use statrs::function::gamma::ln_gamma;

/// Enough for the slowest continued fraction met here (about √(degrees of freedom) terms).
const TERMS_MAX: usize = 100_000;
const EPSILON: f64 = 1e-16;
/// Stands for zero in Lentz's method.
const TINY: f64 = 1e-300;

/// P(Z ≤ z) of the standard normal distribution.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    // Q(½, z²/2) is the two-sided tail; statrs' erfc is only good to twelve digits.
    let tail = 0.5 * upper_gamma(0.5, 0.5 * z * z);
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// The z with P(Z ≤ z) = `p`.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let start = -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p);
    if !start.is_finite() || start == 0.0 {
        return start;
    }
    // One step of Newton's method gives the digits that the start lacks.
    let density = (-0.5 * start * start).exp() / std::f64::consts::TAU.sqrt();
    let error = if start < 0.0 { normal_cdf(start) - p } else { (1.0 - p) - normal_cdf(-start) };
    start - error / density
}

/// P(X > x) of the χ² distribution; NaN where the degrees of freedom are not positive.
#[must_use]
pub fn chi_squared_sf(x: f64, degrees: f64) -> f64 {
    if x.is_nan() || degrees.is_nan() || degrees <= 0.0 {
        return f64::NAN;
    }
    upper_gamma(degrees / 2.0, x / 2.0)
}

/// P(X > x) of Fisher's F distribution; NaN where the degrees of freedom are not positive.
#[must_use]
pub fn f_sf(x: f64, numerator: f64, denominator: f64) -> f64 {
    if x.is_nan() || !(numerator > 0.0 && denominator > 0.0) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    // Both arguments are formed without cancellation, so that neither tail loses digits.
    let total = denominator + numerator * x;
    incomplete_beta(denominator / 2.0, numerator / 2.0, denominator / total, numerator * x / total)
}

/// The regularised upper incomplete gamma function Q(a, x): a series for x < a + 1, else Legendre's continued
/// fraction by Lentz's method (Press et al. 2007, *Numerical Recipes*, §6.2).
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut total, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..TERMS_MAX {
            n += 1.0;
            term *= x / n;
            total += term;
            if term < total * EPSILON {
                break;
            }
        }
        return 1.0 - scale * total;
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..TERMS_MAX {
        let i = i as f64;
        let coefficient = -i * (i - a);
        b += 2.0;
        d = 1.0 / away_from_zero(coefficient * d + b);
        c = away_from_zero(b + coefficient / c);
        let factor = d * c;
        h *= factor;
        if (factor - 1.0).abs() < EPSILON * 4.0 {
            break;
        }
    }
    scale * h
}

/// The regularised incomplete beta function I_x(a, b), with `y` = 1 − x given exactly (*Numerical Recipes*, §6.4).
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let scale = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * y.ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        scale * beta_fraction(a, b, x) / a
    } else {
        1.0 - scale * beta_fraction(b, a, y) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..TERMS_MAX {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let factor = d * c;
        h *= factor;
        if (factor - 1.0).abs() < EPSILON * 4.0 {
            break;
        }
    }
    h
}

fn away_from_zero(v: f64) -> f64 {
    if v.abs() < TINY { TINY } else { v }
}
