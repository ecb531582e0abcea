//! Weights along a causal order.

use atsre_domain::Finite;
use atsre_domain::graph::{CausalEdge, CausalGraph, Mark, Variable};

use super::LingamError;
use super::adaptive_lasso::{self, Problem};
use super::prior::Rules;
use super::table::Table;
use crate::linear::Cholesky;

/// A linear non-Gaussian acyclic model.
#[derive(Clone, Debug, PartialEq)]
pub struct Lingam {
    /// The columns, causes before effects.
    pub order: Vec<usize>,
    /// `weights[effect][cause]`: the change of the effect for one unit of the cause, in the columns' own units; 0 where
    /// there is no edge.
    pub weights: Vec<Vec<f64>>,
    /// Edges (cause, effect) that knowledge asked for: there whatever their weight.
    pub required: Vec<(usize, usize)>,
}

impl Lingam {
    /// Whether there is an edge.
    #[must_use]
    pub fn has_edge(&self, cause: usize, effect: usize) -> bool {
        self.weights[effect][cause] != 0.0 || self.required.contains(&(cause, effect))
    }

    /// The model as a directed graph of the columns called `names`; an edge's statistic is its weight.
    #[must_use]
    pub fn graph(&self, names: &[String]) -> CausalGraph {
        let size = self.order.len();
        let edges = (0..size * size)
            .map(|k| (k / size, k % size))
            .filter(|(cause, effect)| self.has_edge(*cause, *effect))
            .map(|(cause, effect)| CausalEdge {
                source: cause as u32,
                target: effect as u32,
                source_mark: Mark::Tail,
                target_mark: Mark::Arrow,
                statistic: Finite::of(self.weights[effect][cause]),
                p_value: None,
                confidence: None,
            })
            .collect();
        CausalGraph { variables: names.iter().map(|n| Variable { name: n.clone(), lag: 0 }).collect(), edges }
    }
}

/// Regresses each column on the ones before it that may cause it.
pub(super) fn estimate(table: &Table, order: Vec<usize>, rules: &Rules) -> Result<Lingam, LingamError> {
    let size = table.columns();
    let mut weights = vec![vec![0.0; size]; size];
    for (place, effect) in order.iter().enumerate().skip(1) {
        let predictors: Vec<usize> = order[..place].iter().copied().filter(|c| !rules.bars(*c, *effect)).collect();
        let required = |cause: usize| rules.required.contains(&(cause, *effect));
        let correlation = |i: usize, j: usize| table.correlation(i, j);
        for (cause, weight) in regress(&correlation, &predictors, *effect, table.rows, required)? {
            let scaled = weight * (table.deviation[*effect] / table.deviation[cause]);
            if !scaled.is_finite() {
                return Err(LingamError::Scale { cause, effect: *effect });
            }
            weights[*effect][cause] = scaled;
        }
    }
    Ok(Lingam { order, weights, required: rules.required.clone() })
}

/// The predictors that an adaptive lasso keeps (and those required), with their least squares weights for standardised columns.
pub(super) fn regress(
    correlation: &dyn Fn(usize, usize) -> f64,
    predictors: &[usize],
    effect: usize,
    rows: usize,
    required: impl Fn(usize) -> bool,
) -> Result<Vec<(usize, f64)>, LingamError> {
    if predictors.is_empty() {
        return Ok(Vec::new());
    }
    let collinear = LingamError::Collinear { column: effect };
    let with_target: Vec<f64> = predictors.iter().map(|p| correlation(*p, effect)).collect();
    let between = |i: usize, j: usize| correlation(predictors[i], predictors[j]);
    let problem = Problem { rows, between: &between, with_target: &with_target };
    let stays = adaptive_lasso::select(&problem).ok_or_else(|| collinear.clone())?;
    let kept: Vec<usize> = predictors.iter().zip(stays).filter(|(p, s)| *s || required(**p)).map(|(p, _)| *p).collect();
    let right: Vec<f64> = kept.iter().map(|p| correlation(*p, effect)).collect();
    let factor = Cholesky::new(kept.len(), |i, j| correlation(kept[i], kept[j])).ok_or(collinear)?;
    Ok(kept.iter().copied().zip(factor.solve(&right)).collect())
}
