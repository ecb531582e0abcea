//! What drives a column, and by how much.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::PcmciError;
use super::links::{LaggedLinks, Link};
use crate::linear::Cholesky;
use crate::vectors::standardised;
use crate::window_products::WindowProducts;

/// A driver of a column and the linear estimate of its effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The column that drives.
    pub cause: usize,
    /// Steps back.
    pub lag: usize,
    /// Whether the link points at the column (`false`: it may, its direction is open or contradictory).
    pub directed: bool,
    /// The total change of the column for one unit of the cause, in the columns' own units. `None` where the cause's own
    /// parents determine it or too few rows are left.
    pub estimate: Option<Estimate>,
}

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The drivers of `target` in a graph over time, those directed first, then the shorter lags; its own past is among them. Each effect is a
/// regression of the target on the cause and on the cause's parents, which closes every back door if the graph is right (Pearl 2009, theorem 3.3.2), with an
/// interval at `level` from Student's t.
///
/// # Errors
/// [`PcmciError`]: a level that is no probability; columns that are ragged, not finite, constant or too short for the graph.
pub fn effects_on(
    target: usize,
    columns: &[Vec<f64>],
    links: &LaggedLinks,
    level: f64,
) -> Result<Vec<Effect>, PcmciError> {
    if !(level > 0.0 && level < 1.0) {
        return Err(PcmciError::Level(level));
    }
    let window = Window::new(columns, 2 * links.max_lag())?;
    let mut found = Vec::new();
    for lag in 0..=links.max_lag() {
        for cause in 0..links.columns() {
            let link = links.get(cause, target, lag);
            if matches!(link, Link::Forward | Link::Open | Link::Conflict) {
                let estimate = window.estimate(links, (cause, lag), target, level);
                found.push(Effect { cause, lag, directed: link == Link::Forward, estimate });
            }
        }
    }
    found.sort_by_key(|e| (!e.directed, e.lag, e.cause));
    Ok(found)
}

struct Window {
    size: usize,
    rows: f64,
    deviations: Vec<f64>,
    products: WindowProducts,
}

impl Window {
    fn new(columns: &[Vec<f64>], max_lag: usize) -> Result<Self, PcmciError> {
        super::ParCorr::new(columns, max_lag / 2)?;
        let mut deviations = Vec::new();
        let mut scaled = Vec::new();
        for (column, values) in columns.iter().enumerate() {
            let (values, deviation) = standardised(values).ok_or(PcmciError::Constant { column })?;
            scaled.push(values);
            deviations.push(deviation);
        }
        let rows = columns.first().map_or(0, Vec::len) - max_lag;
        let products = WindowProducts::new(&scaled, max_lag);
        Ok(Self { size: columns.len(), rows: rows as f64, deviations, products })
    }

    fn estimate(
        &self,
        links: &LaggedLinks,
        (cause, lag): (usize, usize),
        target: usize,
        level: f64,
    ) -> Option<Estimate> {
        let mut regressors = Vec::new();
        for back in 0..=links.max_lag() {
            for parent in 0..self.size {
                let node = (lag + back) * self.size + parent;
                if links.get(parent, cause, back) == Link::Forward && node != target {
                    regressors.push(node);
                }
            }
        }
        // Last, so that the factor's last pivot is what the cause has beyond its parents.
        regressors.push(lag * self.size + cause);
        let freedom = self.rows - regressors.len() as f64 - 1.0;
        if freedom < 1.0 {
            return None;
        }
        let covariance = |i: usize, j: usize| self.products.covariance(i, j);
        let factor = Cholesky::new(regressors.len(), |i, j| covariance(regressors[i], regressors[j]))?;
        let right: Vec<f64> = regressors.iter().map(|r| covariance(*r, target)).collect();
        let shares = factor.forward(&right);
        let value = *factor.solve(&right).last()?;
        let own = shares.last()? / value;
        let residual = (covariance(target, target) - shares.iter().map(|s| s * s).sum::<f64>()).max(0.0);
        // The pivot is the cause's standard deviation given its parents; where the estimate is zero it comes from the factor of a unit.
        let pivot = if own.is_finite() && own > 0.0 { own } else { last_pivot(&factor, regressors.len()) };
        let error = (residual / freedom).sqrt() / pivot;
        let quantile = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.5 + 0.5 * level);
        let unit = self.deviations[target] / self.deviations[cause];
        let (low, high) = (value - quantile * error, value + quantile * error);
        let estimate = Estimate { value: value * unit, low: low * unit, high: high * unit };
        (estimate.low.is_finite() && estimate.high.is_finite()).then_some(estimate)
    }
}

/// `L e = 1` in the last place gives one over the last pivot.
fn last_pivot(factor: &Cholesky, size: usize) -> f64 {
    let mut unit = vec![0.0; size];
    unit[size - 1] = 1.0;
    1.0 / factor.forward(&unit)[size - 1]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::knowledge::{self, Knowledge};
    use crate::pcmci::{PlusSettings, link_frequencies, pcmci_plus, pcmci_plus_with};

    /// x drives y by 0.8 after one step and 2 more through z: x → z (2, same moment after one step), z → y (1).
    fn columns() -> Vec<Vec<f64>> {
        let mut state = 5_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1 << 30) - 1.0
        };
        let (mut x, mut z, mut y) = (vec![0.0; 800], vec![0.0; 800], vec![0.0; 800]);
        for t in 1..800 {
            x[t] = 0.5 * x[t - 1] + noise();
            z[t] = 2.0 * x[t - 1] + noise();
            y[t] = 0.8 * x[t - 1] + 1.0 * z[t] + 0.3 * noise();
        }
        vec![x, y, z]
    }

    fn settings() -> PlusSettings {
        PlusSettings { max_lag: 2, ..PlusSettings::default() }
    }

    fn time() -> Knowledge {
        Knowledge::of_time(knowledge::Window::lagged(3, 2))
    }

    #[test]
    fn a_total_effect_holds_the_way_round() {
        // given
        let columns = columns();
        let links = pcmci_plus(&columns, &settings(), &time()).unwrap().links;
        // when
        let effects = effects_on(1, &columns, &links, 0.99).unwrap();
        // then: 0.8 + 2 · 1
        let of_x = effects.iter().find(|e| e.cause == 0 && e.lag == 1).unwrap();
        let estimate = of_x.estimate.unwrap();
        assert!(of_x.directed && estimate.low < 2.8 && 2.8 < estimate.high, "{effects:?}");
        assert!(estimate.high - estimate.low < 0.4, "{estimate:?}");
    }

    #[test]
    fn frequencies_are_the_same_on_one_thread_and_on_two() {
        let columns = columns();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let again = |test: &super::super::ParCorr| Ok(pcmci_plus_with(test, &settings(), &time())?.links);
            pool.install(|| link_frequencies(&columns, 2, 30, 4, again)).unwrap()
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert!(one.share(0, 0, 1, Link::Forward) > 0.95, "its own past is found in nearly every draw");
        let all: f64 = [Link::Absent, Link::Forward, Link::Backward, Link::Open, Link::Conflict]
            .iter()
            .map(|kind| one.share(2, 1, 0, *kind))
            .sum();
        assert!((all - 1.0).abs() < 1e-12);
    }
}
