//! MSTL: one STL after another for seasons of several lengths, repeated until they have settled (Bandara, Hyndman and
//! Bergmeir 2021).

use super::stl::Stl;

/// Rounds over the seasons where there is more than one.
const ROUNDS: usize = 2;

/// A series as a sum: trend, one part for each season, remainder.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The slow part.
    pub trend: Vec<f64>,
    /// The lengths of the seasons that the series is long enough for, ascending.
    pub periods: Vec<usize>,
    /// For each of them its part.
    pub seasonal: Vec<Vec<f64>>,
    /// What is left.
    pub remainder: Vec<f64>,
}

impl Parts {
    /// Trend and remainder: the series without its seasons.
    #[must_use]
    pub fn adjusted(&self) -> Vec<f64> {
        self.trend.iter().zip(&self.remainder).map(|(t, r)| t + r).collect()
    }

    /// The seasons' sum over the steps after the series: each repeats its last values.
    #[must_use]
    pub fn continued(&self, horizon: usize) -> Vec<f64> {
        let value = |h: usize, (period, part): (&usize, &Vec<f64>)| part[part.len() - period + h % period];
        (0..horizon).map(|h| self.periods.iter().zip(&self.seasonal).map(|s| value(h, s)).sum()).collect()
    }
}

/// Decomposes finite values; periods below 2, repeated ones, and those of which there are not two in the series are
/// left out. None where no period remains. The seasonal windows are 11, 15, 19, … in the order of the periods, with
/// local means, as in the forecast package and statsforecast.
#[must_use]
pub fn mstl(y: &[f64], periods: &[usize]) -> Option<Parts> {
    let mut periods: Vec<usize> = periods.iter().copied().filter(|p| *p > 1 && *p <= y.len() / 2).collect();
    periods.sort_unstable();
    periods.dedup();
    let mut seasonal = vec![vec![0.0; y.len()]; periods.len()];
    let mut rest = y.to_vec();
    let mut trend = Vec::new();
    for _ in 0..if periods.len() > 1 { ROUNDS } else { 1 } {
        for (i, (period, part)) in periods.iter().zip(&mut seasonal).enumerate() {
            rest.iter_mut().zip(&*part).for_each(|(r, s)| *r += s);
            let found = Stl::new(*period).seasonal_window(11 + 4 * i).seasonal_means().fit(&rest)?;
            rest.iter_mut().zip(&found.seasonal).for_each(|(r, s)| *r -= s);
            (*part, trend) = (found.seasonal, found.trend);
        }
    }
    if periods.is_empty() {
        return None;
    }
    let remainder = rest.iter().zip(&trend).map(|(r, t)| r - t).collect();
    Some(Parts { trend, periods, seasonal, remainder })
}
