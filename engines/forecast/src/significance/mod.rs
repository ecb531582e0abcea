//! Whether one forecast's errors are smaller than another's by more than chance would make them.
//!
//! [`diebold_mariano`] is the test on a series of differences between two losses; [`compare_windows`] makes that series
//! from two backtests over the same windows and says in words what follows.

mod confidence_set;
mod windows;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

pub use confidence_set::{Bootstrap, ConfidenceSet, NoConfidenceSet, RESAMPLES, Standing, model_confidence_set};
pub use windows::{Incomparable, Loss, Verdict, WindowTest, compare_windows};

/// A difference counts as proven where chance alone would make one as large less often than this.
pub const SIGNIFICANCE_LEVEL: f64 = 0.05;
/// A test needs so many observations for each step that errors reach ahead. With fewer than four, Student's t has two
/// degrees of freedom at most, and a difference would have to exceed 4.3 standard errors to be told from chance.
pub const LEAST_OBSERVATIONS: usize = 4;
/// Differences that vary by no more than this share of their size do not vary: it is what rounding leaves.
const ROUNDING: f64 = 1e-12;

/// How the variance of the mean difference was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Variance {
    /// The autocovariances up to `horizon − 1` lags with equal weights (Diebold and Mariano 1995).
    Truncated,
    /// The same with weights that fall linearly (Bartlett's; Newey and West 1987): the truncated estimate was not
    /// positive, which sampling makes possible, and this one cannot be negative.
    Bartlett,
}

/// A test of equal predictive accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DieboldMariano {
    /// Differences.
    pub observations: usize,
    /// Steps that one observation's error reaches ahead: one lag fewer enters the variance.
    pub horizon: usize,
    /// The mean difference: negative where the first loses less.
    pub mean: f64,
    /// The corrected statistic, in standard errors.
    pub statistic: f64,
    /// Of Student's distribution.
    pub degrees_of_freedom: usize,
    /// How often chance alone gives a statistic at least so far from zero, on either side.
    pub p_value: f64,
    /// How its variance was estimated.
    pub variance: Variance,
}

/// Why there is nothing to test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Untestable {
    /// Every difference is zero.
    #[error("both made the same errors everywhere: there is no difference to test")]
    Same,
    /// Every difference is the same, and not zero.
    #[error("the difference is {mean} everywhere: nothing varies by which chance could be measured")]
    Constant {
        /// The difference.
        mean: f64,
    },
    /// There are too few differences.
    #[error("{observations} observations are too few for a test, it needs at least {needed}")]
    TooFew {
        /// The differences there are.
        observations: usize,
        /// How many it needs.
        needed: usize,
    },
    /// A difference is NaN or infinite.
    #[error("difference {index} is not a finite number: leave out what could not be measured")]
    NotFinite {
        /// Its index.
        index: usize,
    },
}

/// Tests whether the mean of a series of loss differentials is zero: `differences[t]` is the first forecast's loss less
/// the second's, in order of time, and `horizon` (at least 1) is how many steps ahead each was made.
///
/// The statistic is S₁ of Diebold and Mariano (1995, "Comparing predictive accuracy", J. Business & Economic Statistics 13,
/// section 1.1): the mean over the root of its variance, (γ₀ + 2 Σ γₖ) / n over the lags k < horizon, because the errors
/// of an optimal h-step forecast are a moving average of order h − 1. It is multiplied by
/// √((n + 1 − 2h + h(h − 1)/n) / n) and compared with Student's t of n − 1 degrees of freedom, as Harvey, Leybourne and
/// Newbold (1997, "Testing the equality of prediction mean squared errors", Int. J. Forecasting 13, their modified test)
/// found necessary in small samples. With horizon 1 this is the paired t-test.
///
/// Its limits: the differences have to come from one stationary process, and the models from outside: a test between two
/// models that were picked because they did best on the same observations finds differences too easily. With many lags
/// and few observations it still rejects too often, which is why it wants [`LEAST_OBSERVATIONS`] for each step.
///
/// # Errors
/// [`Untestable`], by its kind.
pub fn diebold_mariano(differences: &[f64], horizon: usize) -> Result<DieboldMariano, Untestable> {
    let (observations, horizon) = (differences.len(), horizon.max(1));
    if let Some(index) = differences.iter().position(|d| !d.is_finite()) {
        return Err(Untestable::NotFinite { index });
    }
    if observations > 0 && differences.iter().all(|d| *d == 0.0) {
        return Err(Untestable::Same);
    }
    let needed = horizon.saturating_mul(LEAST_OBSERVATIONS);
    if observations < needed {
        return Err(Untestable::TooFew { observations, needed });
    }
    // In units of the largest difference, so that neither tiny nor huge ones leave the range when they are squared.
    let unit = differences.iter().fold(0.0_f64, |largest, d| largest.max(d.abs()));
    let scaled: Vec<f64> = differences.iter().map(|d| d / unit).collect();
    let n = observations as f64;
    let mean = scaled.iter().sum::<f64>() / n;
    let deviations: Vec<f64> = scaled.iter().map(|d| d - mean).collect();
    let autocovariance =
        |lag: usize| deviations.iter().zip(&deviations[lag..]).map(|(earlier, later)| earlier * later).sum::<f64>() / n;
    let covariances: Vec<f64> = (0..horizon).map(autocovariance).collect();
    if covariances[0].sqrt() <= ROUNDING {
        return Err(Untestable::Constant { mean: mean * unit });
    }
    let (long_run, variance) = long_run_variance(&covariances);
    let h = horizon as f64;
    let correction = ((n + 1.0 - 2.0 * h + h * (h - 1.0) / n) / n).sqrt();
    let statistic = correction * mean / (long_run / n).sqrt();
    let degrees_of_freedom = observations - 1;
    Ok(DieboldMariano {
        observations,
        horizon,
        mean: mean * unit,
        statistic,
        degrees_of_freedom,
        p_value: two_sided(statistic, degrees_of_freedom),
        variance,
    })
}

/// γ₀ + 2 Σ wₖ γₖ.
fn long_run_variance(covariances: &[f64]) -> (f64, Variance) {
    let horizon = covariances.len() as f64;
    let weighted = |weight: &dyn Fn(f64) -> f64| {
        let lagged = covariances.iter().enumerate().skip(1).map(|(lag, c)| weight(lag as f64) * c);
        covariances[0] + 2.0 * lagged.sum::<f64>()
    };
    let truncated = weighted(&|_| 1.0);
    // What rounding leaves of an estimate of zero would make any difference a certain one.
    if truncated > covariances[0] * 1e-9 {
        return (truncated, Variance::Truncated);
    }
    (weighted(&|lag| 1.0 - lag / horizon), Variance::Bartlett)
}

fn two_sided(statistic: f64, degrees_of_freedom: usize) -> f64 {
    // A distribution with at least one degree of freedom and scale 1 always exists.
    StudentsT::new(0.0, 1.0, degrees_of_freedom as f64)
        .map_or(1.0, |student| (2.0 * student.sf(statistic.abs())).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
