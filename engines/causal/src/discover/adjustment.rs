//! By how much a driver moves the target: linear regression on the driver and on the driver's own causes, which closes every
//! back door where the graph is right (Pearl 2009, theorem 3.3.2).

use atsre_domain::Finite;
use atsre_domain::graph::{Effect, Variable};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::knowledge::Window;
use crate::linear::Cholesky;
use crate::pattern::Pattern;
use crate::vectors::{dot, standardised};

/// How sure the interval is.
const LEVEL: f64 = 0.95;

/// The data that effects are estimated from.
pub(super) struct Adjustment<'a> {
    /// `series[series][column][time]`, NaN missing; rows without time are one series.
    pub(super) series: &'a [Vec<Vec<f64>>],
    /// Standard deviations in the columns' own units where `series` is standardised; `None` where it is in its own units, or
    /// where several series were standardised each by itself.
    pub(super) deviations: Option<Vec<f64>>,
    /// Whether `series` was standardised and `deviations` cannot undo it.
    pub(super) in_deviations: bool,
    /// By how much the variance of an estimate of one column's effect on another exceeds that of independent rows; empty: by
    /// nothing.
    pub(super) inflation: Vec<f64>,
}

impl Adjustment<'_> {
    /// The total effect of a node on a column at lag 0; `None` where it cannot be had: the causes determine the driver, or too few
    /// rows.
    pub(super) fn effect(
        &self,
        names: &[String],
        pattern: &Pattern,
        window: Window,
        cause: usize,
        target: usize,
    ) -> Option<Effect> {
        let columns = window.columns();
        let (column, shift) = (window.column(cause), window.lag(cause) * columns);
        let parents: Vec<usize> = (0..window.nodes())
            .filter(|parent| pattern.directed(*parent, column))
            .map(|parent| parent + shift)
            .filter(|node| *node != target)
            .collect();
        // The cause last, so that the factor's last pivot is what it has beyond its own causes.
        let nodes: Vec<usize> = parents.iter().copied().chain([cause, target]).collect();
        let mut scaled = Vec::with_capacity(nodes.len());
        let mut deviations = Vec::with_capacity(nodes.len());
        for values in self.rows(&nodes, columns) {
            let (values, deviation) = standardised(&values)?;
            scaled.push(values);
            deviations.push(deviation);
        }
        let (last, size) = (nodes.len() - 1, nodes.len() - 1);
        let rows = scaled[last].len() as f64;
        let freedom = rows - size as f64 - 1.0;
        if freedom < 1.0 {
            return None;
        }
        let factor = Cholesky::new(size, |i, j| dot(&scaled[i], &scaled[j]) / rows)?;
        let right: Vec<f64> = (0..size).map(|i| dot(&scaled[i], &scaled[last]) / rows).collect();
        let shares = factor.forward(&right);
        let value = *factor.solve(&right).last()?;
        let residual = (1.0 - shares.iter().map(|s| s * s).sum::<f64>()).max(0.0);
        let mut unit = vec![0.0; size];
        *unit.last_mut()? = 1.0;
        let over_pivot = *factor.forward(&unit).last()?;
        let inflation = self.inflation.get(column * columns + target).copied().unwrap_or(1.0).max(1.0);
        let error = (residual / freedom * inflation).sqrt() * over_pivot;
        let margin = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.5 + 0.5 * LEVEL) * error;
        let own = deviations[last] / deviations[last - 1];
        let scale = own * self.deviations.as_ref().map_or(1.0, |d| d[target] / d[column]);
        let of_node = |node: &usize| Variable { name: names[node % columns].clone(), lag: (node / columns) as u32 };
        Some(Effect {
            value: Finite::of(value * scale)?,
            low: Finite::of((value - margin) * scale)?,
            high: Finite::of((value + margin) * scale)?,
            adjusted_for: parents.iter().map(of_node).collect(),
            in_deviations: self.in_deviations,
        })
    }

    /// The values of nodes over the rows in which all of them are there.
    fn rows(&self, nodes: &[usize], columns: usize) -> Vec<Vec<f64>> {
        let longest = nodes.iter().map(|n| n / columns).max().unwrap_or(0);
        let mut gathered = vec![Vec::new(); nodes.len()];
        for series in self.series {
            for t in longest..series.first().map_or(0, Vec::len) {
                let value = |node: &usize| series[node % columns][t - node / columns];
                if nodes.iter().all(|node| value(node).is_finite()) {
                    gathered.iter_mut().zip(nodes).for_each(|(to, node)| to.push(value(node)));
                }
            }
        }
        gathered
    }
}
