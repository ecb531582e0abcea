//! The test of normality of Shapiro and Wilk (1965), by Royston's algorithm AS R94 (1995, Applied Statistics 44).

use super::Error;
use super::error::{check, is_constant};

const TEST: &str = "Shapiro–Wilk test";
/// The p-value of a sample whose W lies outside of the approximation's range.
const SMALLEST: f64 = 1e-19;

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShapiroWilk {
    /// W, between 0 and 1.
    pub statistic: f64,
    /// The p-value of normality; only indicative for more than 5,000 observations.
    pub p_value: f64,
}

/// Tests whether `x` comes from a normal distribution.
///
/// # Errors
/// [`Error::TooShort`] (fewer than 3), [`Error::NotFinite`], [`Error::Constant`].
pub fn shapiro_wilk(x: &[f64]) -> Result<ShapiroWilk, Error> {
    check(TEST, x, 3)?;
    if is_constant(x) {
        return Err(Error::Constant { test: TEST });
    }
    let n = x.len();
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let centre = sorted[n / 2];
    let range = sorted[n - 1] - sorted[0];
    let scaled: Vec<f64> = sorted.iter().map(|v| (v - centre) / range).collect();
    let weights = weights(n);
    let mean = scaled.iter().sum::<f64>() / n as f64;
    // The weights are antisymmetric, so their mean is zero.
    let (mut ssa, mut ssx, mut sax) = (0.0, 0.0, 0.0);
    for (i, v) in scaled.iter().enumerate() {
        let mirror = n - 1 - i;
        let a = match i.cmp(&mirror) {
            std::cmp::Ordering::Less => -weights[i],
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => weights[mirror],
        };
        let d = v - mean;
        ssa += a * a;
        ssx += d * d;
        sax += a * d;
    }
    // 1 − W is formed as a product, so that W near 1 keeps its digits.
    let root = (ssa * ssx).sqrt();
    let complement = (root - sax) * (root + sax) / (ssa * ssx);
    let statistic = 1.0 - complement;
    if n == 3 {
        let statistic = statistic.max(0.75);
        let p_value = if statistic > 0.75 { 1.0 - 6.0 / std::f64::consts::PI * statistic.sqrt().acos() } else { 0.0 };
        return Ok(ShapiroWilk { statistic, p_value });
    }
    Ok(ShapiroWilk { statistic, p_value: significance(n, complement) })
}

/// The weights of the upper half, largest first.
fn weights(n: usize) -> Vec<f64> {
    if n == 3 {
        return vec![std::f64::consts::FRAC_1_SQRT_2];
    }
    let length = n as f64;
    let mut m: Vec<f64> = (1..=n / 2).map(|i| normal_point((i as f64 - 0.375) / (length + 0.25))).collect();
    let total = 2.0 * m.iter().map(|v| v * v).sum::<f64>();
    let root = total.sqrt();
    let rsn = 1.0 / length.sqrt();
    let first = polynomial(&[0.0, 0.221_157, -0.147_981, -2.071_19, 4.434_685, -2.706_056], rsn) - m[0] / root;
    let (fixed, factor);
    if n > 5 {
        let second = polynomial(&[0.0, 0.042_981, -0.293_762, -1.752_461, 5.682_633, -3.582_633], rsn) - m[1] / root;
        factor = ((total - 2.0 * m[0] * m[0] - 2.0 * m[1] * m[1])
            / (1.0 - 2.0 * first * first - 2.0 * second * second))
            .sqrt();
        m[1] = second;
        fixed = 2;
    } else {
        factor = ((total - 2.0 * m[0] * m[0]) / (1.0 - 2.0 * first * first)).sqrt();
        fixed = 1;
    }
    m[0] = first;
    for v in &mut m[fixed..] {
        *v /= -factor;
    }
    m
}

fn significance(n: usize, complement: f64) -> f64 {
    let length = n as f64;
    let mut y = complement.ln();
    let log = length.ln();
    let (mean, deviation) = if n <= 11 {
        let gamma = polynomial(&[-2.273, 0.459], length);
        if y >= gamma {
            return SMALLEST;
        }
        y = -(gamma - y).ln();
        (
            polynomial(&[0.544, -0.399_78, 0.025_054, -6.714e-4], length),
            polynomial(&[1.3822, -0.778_57, 0.062_767, -0.002_032_2], length).exp(),
        )
    } else {
        (
            polynomial(&[-1.5861, -0.310_82, -0.083_751, 0.003_891_5], log),
            polynomial(&[-0.4803, -0.082_676, 0.003_030_2], log).exp(),
        )
    };
    upper_tail((y - mean) / deviation)
}

/// c₀ + c₁ x + c₂ x² + …
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |total, c| total * x + c)
}

/// The normal quantile by Beasley and Springer's algorithm AS 111 (1977): R94 is calibrated on it, so a more exact one
/// would give another W.
fn normal_point(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.42 {
        let r = q * q;
        let top = polynomial(&[2.506_628_238_84, -18.615_000_625_29, 41.391_197_735_34, -25.441_060_496_37], r);
        let below = polynomial(&[1.0, -8.473_510_930_90, 23.083_367_437_43, -21.062_241_018_26, 3.130_829_098_33], r);
        return q * top / below;
    }
    let r = if q > 0.0 { 1.0 - p } else { p };
    let r = (-r.ln()).sqrt();
    let top = polynomial(&[-2.787_189_311_38, -2.297_964_791_34, 4.850_141_271_35, 2.321_212_768_58], r);
    let value = top / polynomial(&[1.0, 3.543_889_247_62, 1.637_067_818_97], r);
    if q < 0.0 { -value } else { value }
}

/// The upper tail of the normal distribution by Hill's algorithm AS 66 (1973), whose nine digits the published p-values have.
fn upper_tail(x: f64) -> f64 {
    let z = x.abs();
    let upper = x > 0.0;
    if !(z <= 7.0 || (upper && z <= 38.0)) {
        return if upper { 0.0 } else { 1.0 };
    }
    let y = 0.5 * z * z;
    let tail = if z <= 1.28 {
        let inner = y + 5.758_854_804_58
            - 29.821_355_780_8 / (y + 2.624_331_216_79 + 48.695_993_069_2 / (y + 5.928_857_244_38));
        0.5 - z * (0.398_942_280_444 - 0.399_903_438_504 * y / inner)
    } else {
        let a = z + 3.990_194_170_11;
        let b = z + 0.742_380_924_027 + 30.789_933_034 / a;
        let c = z + 4.838_591_280_8 - 15.150_897_245_1 / b;
        let d = z - 0.151_679_116_635 + 5.293_303_249_26 / c;
        let e = z + 3.980_647_94e-4 + 1.986_153_813_64 / d;
        let f = z - 3.8052e-8 + 1.000_006_153_02 / e;
        0.398_942_280_385 * (-y).exp() / f
    };
    if upper { tail } else { 1.0 - tail }
}
