//! The test of normality of Jarque and Bera (1980).

use super::distribution::chi_squared_sf;
use super::error::{check, is_constant};
use super::{Error, moments};

const TEST: &str = "Jarque–Bera test";

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JarqueBera {
    /// n/6 (S² + (K − 3)²/4).
    pub statistic: f64,
    /// P(χ²₂ > statistic).
    pub p_value: f64,
    /// Skewness S.
    pub skewness: f64,
    /// Kurtosis K, not in excess.
    pub kurtosis: f64,
}

/// Tests whether `x` has the skewness and kurtosis of a normal distribution.
///
/// # Errors
/// [`Error::TooShort`] (fewer than 2), [`Error::NotFinite`], [`Error::Constant`].
pub fn jarque_bera(x: &[f64]) -> Result<JarqueBera, Error> {
    check(TEST, x, 2)?;
    if is_constant(x) {
        return Err(Error::Constant { test: TEST });
    }
    let (skewness, kurtosis) = (moments::skewness(x), moments::kurtosis(x));
    let excess = kurtosis - 3.0;
    let statistic = x.len() as f64 / 6.0 * (skewness * skewness + excess * excess / 4.0);
    Ok(JarqueBera { statistic, p_value: chi_squared_sf(statistic, 2.0), skewness, kurtosis })
}
