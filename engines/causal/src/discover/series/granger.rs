//! Granger causality as a graph over time.

use super::Ready;
use crate::discover::learner::{Evidence, Learned, Learner};
use crate::discover::progress::Progress;
use crate::discover::{DiscoverError, DiscoverOptions};
use crate::granger::{Design, GrangerError};
use crate::independence::Correlation;
use crate::knowledge::Knowledge;
use crate::linear::Cholesky;

/// Rows wanted for each regressor where the past of all columns is held fixed.
const ROWS_EACH: usize = 3;

pub(super) struct GrangerLearner<'a> {
    ready: &'a Ready,
    knowledge: &'a Knowledge,
    alpha: f64,
    conditional: bool,
}

impl<'a> GrangerLearner<'a> {
    /// Conditional on the past of all other columns where there are rows enough; the reference tests pairs alone.
    pub(super) fn new(
        ready: &'a Ready,
        knowledge: &'a Knowledge,
        options: &DiscoverOptions,
        reasons: &mut Vec<String>,
    ) -> Self {
        let regressors = ready.frame.names.len() * ready.max_lag;
        let conditional = !options.compatible() && ready.moments.rows() >= ROWS_EACH * regressors;
        reasons.push(if conditional {
            "each pair is tested given the past of all other columns (F test of all lags together)".to_owned()
        } else {
            "each pair is tested alone (F test of all lags together)".to_owned()
        });
        Self { ready, knowledge, alpha: options.alpha, conditional }
    }

    /// What else is held fixed, and the test of all lags together.
    fn test(
        &self,
        correlation: &Correlation,
        cause: usize,
        effect: usize,
    ) -> Result<(Vec<usize>, Evidence), GrangerError> {
        let columns = self.ready.frame.names.len();
        let others: Vec<usize> =
            if self.conditional { (0..columns).filter(|c| *c != cause && *c != effect).collect() } else { Vec::new() };
        let (rows, lag) = (self.ready.moments.rows(), self.ready.max_lag);
        let design = Design { size: columns, lag, rows, constant: true };
        let test = design.test(&|i, j| correlation.get(i, j), cause, effect, &others)?;
        Ok((others, Evidence { statistic: test.f.0, p_value: test.f.1 }))
    }

    /// How much each lag of the cause adds by itself: the squared t statistic of its coefficient.
    fn shares(&self, correlation: &Correlation, cause: usize, effect: usize, others: &[usize]) -> Vec<f64> {
        let (columns, lags) = (self.ready.frame.names.len(), self.ready.max_lag);
        let of_columns = others.iter().copied().chain([effect, cause]);
        let nodes: Vec<usize> = of_columns.flat_map(|c| (1..=lags).map(move |k| k * columns + c)).collect();
        let freedom = self.ready.moments.rows() as f64 - nodes.len() as f64 - 1.0;
        (1..=lags)
            .map(|lag| {
                let own = lag * columns + cause;
                let mut order: Vec<usize> = nodes.iter().copied().filter(|n| *n != own).collect();
                order.push(own);
                let factor = Cholesky::new(order.len(), |i, j| correlation.get(order[i], order[j]));
                let right: Vec<f64> = order.iter().map(|n| correlation.get(*n, effect)).collect();
                factor.map_or(0.0, |factor| {
                    let shares = factor.forward(&right);
                    let residual = 1.0 - shares.iter().map(|s| s * s).sum::<f64>();
                    shares.last().map_or(0.0, |own| own * own / residual.max(f64::MIN_POSITIVE) * freedom)
                })
            })
            .collect()
    }
}

impl Learner for GrangerLearner<'_> {
    fn units(&self) -> usize {
        self.ready.moments.blocks()
    }

    /// An edge for each pair of which the test of all lags together says that the past helps, at the lags whose own coefficient
    /// counts at the same level, or at the one that counts most. A pair that is collinear has no edge.
    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError> {
        let correlation = self.ready.moments.correlation(times);
        let window = self.ready.window();
        let mut learned = Learned::empty(window.nodes());
        let quantile = critical(self.alpha);
        let mut collinear = Vec::new();
        for effect in 0..window.columns() {
            for cause in 0..window.columns() {
                if progress.cancelled() {
                    return Err(DiscoverError::Cancelled);
                }
                let node = |lag: usize| window.node(cause, lag);
                let free: Vec<usize> =
                    (1..=window.max_lag()).filter(|lag| !self.knowledge.forbids(node(*lag), effect)).collect();
                let required: Vec<usize> =
                    free.iter().copied().filter(|lag| self.knowledge.requires(node(*lag), effect)).collect();
                if cause == effect || free.is_empty() {
                    required.iter().for_each(|lag| learned.pattern.orient(node(*lag), effect));
                    continue;
                }
                learned.tests += 1;
                let (others, evidence) = match self.test(&correlation, cause, effect) {
                    Ok(tested) => tested,
                    Err(_) => {
                        let names = &self.ready.frame.names;
                        collinear.push(format!("{} and {}", names[cause], names[effect]));
                        required.iter().for_each(|lag| learned.pattern.orient(node(*lag), effect));
                        continue;
                    }
                };
                let mut lags = required;
                if evidence.p_value <= self.alpha {
                    let shares = self.shares(&correlation, cause, effect, &others);
                    let most = free.iter().copied().max_by(|a, b| shares[a - 1].total_cmp(&shares[b - 1]));
                    lags.extend(free.iter().copied().filter(|lag| shares[lag - 1] >= quantile).chain(most));
                }
                for lag in lags {
                    learned.pattern.orient(node(lag), effect);
                    learned.evidence.insert((node(lag).min(effect), node(lag).max(effect)), evidence);
                }
            }
        }
        if !collinear.is_empty() {
            collinear.truncate(10);
            learned.notes.push(format!(
                "not tested, because the past is collinear or predicts perfectly: {}",
                collinear.join("; ")
            ));
        }
        Ok(learned)
    }
}

/// The value that a squared standard normal number exceeds with this probability.
fn critical(alpha: f64) -> f64 {
    use statrs::distribution::{ContinuousCDF, Normal};
    Normal::standard().inverse_cdf(1.0 - 0.5 * alpha).powi(2)
}
