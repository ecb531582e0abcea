//! VAR-LiNGAM over series with gaps, and over several of them.

use atsre_domain::graph::BackgroundKnowledge;

use super::Ready;
use super::blocks::Blocks;
use crate::discover::learner::{Evidence, Learned, Learner};
use crate::discover::progress::Progress;
use crate::discover::rows::model_error;
use crate::discover::{Algorithm, DiscoverError, DiscoverOptions};
use crate::knowledge::Knowledge;
use crate::linear::Cholesky;
use crate::lingam::{EdgeRules, LingamError, Prior, VarLingam, VarSettings, var_over};

pub(super) struct VarLearner<'a> {
    ready: &'a Ready,
    knowledge: &'a Knowledge,
    blocks: Blocks,
    settings: VarSettings,
    compatible: bool,
}

impl<'a> VarLearner<'a> {
    pub(super) fn new(
        ready: &'a Ready,
        knowledge: &'a Knowledge,
        known: &BackgroundKnowledge,
        options: &DiscoverOptions,
    ) -> Self {
        let tier = |column: usize| known.tiers.iter().position(|members| members.contains(&ready.frame.names[column]));
        let nothing = options.compatible() && *known == BackgroundKnowledge::default();
        let prior = if nothing { Prior::Nothing } else { Prior::Edges(EdgeRules::of_moment(knowledge, tier)) };
        // The lags were chosen by the same criterion before the algorithm was.
        let settings = VarSettings { lags: ready.max_lag, criterion: None, prune: true, prior };
        let blocks = Blocks::of_frame(&ready.frame, ready.max_lag, ready.moments.block_length());
        Self { ready, knowledge, blocks, settings, compatible: nothing }
    }
}

impl Learner for VarLearner<'_> {
    fn units(&self) -> usize {
        self.blocks.len()
    }

    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError> {
        let stretches = self.blocks.stretches(self.ready.raw.as_ref().unwrap_or(&self.ready.frame), times);
        let stretches: Vec<&[Vec<f64>]> = stretches.iter().map(Vec::as_slice).collect();
        let lagged = (!self.compatible).then_some(self.knowledge);
        let found = var_over(&stretches, &self.settings, lagged);
        if progress.cancelled() {
            return Err(DiscoverError::Cancelled);
        }
        let names = &self.ready.frame.names;
        let found = found.map_err(|error| match error {
            LingamError::TooFewRows { rows, columns, lags, needed } => {
                DiscoverError::TooFewRows { rows, columns, max_lag: lags, needed }
            }
            other => model_error(Algorithm::VarLingam, names)(other),
        })?;
        Ok(self.learned(&found))
    }
}

impl VarLearner<'_> {
    /// An edge's statistic is its weight.
    fn learned(&self, model: &VarLingam) -> Learned {
        let window = self.ready.window();
        let mut learned = Learned::empty(window.nodes());
        for node in 0..window.nodes() {
            for effect in (0..window.columns()).filter(|effect| *effect != node) {
                let weight = model.weights[window.lag(node)][effect][window.column(node)];
                if weight != 0.0 || (!self.compatible && self.knowledge.requires(node, effect)) {
                    learned.pattern.orient(node, effect);
                    let evidence = Evidence { statistic: weight, p_value: f64::NAN };
                    learned.evidence.insert((node.min(effect), node.max(effect)), evidence);
                }
            }
        }
        learned
    }
}

/// What the vector autoregression leaves of each column, over the rows of a window in their order; `None` where it cannot be
/// fitted.
pub(in crate::discover) fn residuals(ready: &Ready) -> Option<Vec<Vec<f64>>> {
    let (columns, nodes) = (ready.frame.names.len(), ready.window().nodes());
    let correlation = ready.moments.correlation(None);
    let factor = Cholesky::new(nodes - columns, |i, j| correlation.get(columns + i, columns + j))?;
    let blocks = Blocks::of_frame(&ready.frame, ready.max_lag, ready.moments.block_length());
    let values = blocks.nodes(&ready.frame, None);
    let (now, past) = values.split_at(columns);
    let residual = |(column, values): (usize, &Vec<f64>)| {
        let right: Vec<f64> = (columns..nodes).map(|node| correlation.get(node, column)).collect();
        let mut left = values.clone();
        // Columns are standardised, so that correlations give the weights of the values themselves.
        for (weight, past) in factor.solve(&right).into_iter().zip(past) {
            left.iter_mut().zip(past).for_each(|(l, p)| *l -= weight * p);
        }
        left
    };
    Some(now.iter().enumerate().map(residual).collect())
}
