//! The two-sided p-value of a correlation.

/// `P(|R| ≥ |r|)` for the correlation of independent normal variables with `freedom` degrees of freedom: the regularised
/// incomplete beta function `I_{1 − r²}(freedom/2, 1/2)`, which is Student's t with `t = r √(freedom / (1 − r²))`.
pub(super) fn p_value(r: f64, freedom: f64) -> f64 {
    let square = (r * r).min(1.0);
    let rest = (1.0 - r.abs()) * (1.0 + r.abs());
    if rest <= 0.0 {
        return 0.0;
    }
    let (a, b) = (0.5 * freedom, 0.5);
    // x^a (1 − x)^b / B(a, b), from logarithms where a power would lose digits or underflow.
    let front = (a * (-square).ln_1p()).exp() * square.sqrt() * gamma_ratio(a) / std::f64::consts::PI.sqrt();
    if rest < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(a, b, rest) / a
    } else {
        1.0 - front * continued_fraction(b, a, square) / b
    }
}

/// `Γ(a + ½) / Γ(a)`: raised until its asymptotic series holds to rounding.
fn gamma_ratio(mut a: f64) -> f64 {
    let mut factor = 1.0;
    while a < 30.0 {
        factor *= a / (a + 0.5);
        a += 1.0;
    }
    // Abramowitz and Stegun 6.1.47, with the terms that 1e-15 at a = 30 asks for; the last coefficient comes first.
    const TERMS: [f64; 8] = [
        39_325.0 / 33_554_432.0,
        869.0 / 4_194_304.0,
        -399.0 / 262_144.0,
        -21.0 / 32_768.0,
        5.0 / 1024.0,
        1.0 / 128.0,
        -1.0 / 8.0,
        1.0,
    ];
    let series = TERMS.iter().fold(0.0, |sum, term| sum / a + term);
    factor * a.sqrt() * series
}

/// The continued fraction of the incomplete beta function, by Lentz's method (Press et al. 2007, section 6.4).
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TERMS_MAX: u32 = 10_000;
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..TERMS_MAX {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 4.0 * f64::EPSILON {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::function::beta::beta_reg;

    #[test]
    fn p_values_equal_the_incomplete_beta_function() {
        for freedom in [1.0, 2.0, 3.0, 10.0, 57.0, 200.0, 1987.0] {
            for step in 1..200 {
                let r = f64::from(step) / 200.0;
                let want = beta_reg(0.5 * freedom, 0.5, 1.0 - r * r);
                let got = p_value(r, freedom);
                assert!((got - want).abs() <= 1e-10 * want + 1e-300, "{r} {freedom}: {got} {want}");
            }
        }
    }

    #[test]
    fn the_ends_are_exact() {
        assert_eq!(p_value(0.0, 10.0), 1.0);
        assert_eq!(p_value(1.0, 10.0), 0.0);
        // One degree of freedom is Cauchy: P(|T| ≥ 1) = 1/2, at r² = 1/2.
        assert!((p_value(0.5_f64.sqrt(), 1.0) - 0.5).abs() < 1e-14);
    }
}
