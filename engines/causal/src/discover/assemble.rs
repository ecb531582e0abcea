//! From what an algorithm found to what is reported.

use atsre_domain::Finite;
use atsre_domain::graph::{BackgroundKnowledge, CausalEdge, CausalGraph, Driver, Mark, Variable};

use super::adjustment::Adjustment;
use super::confidence::Frequencies;
use super::learner::{Evidence, Learned};
use super::{Algorithm, DiscoverError, DiscoverOptions, Discovery, EdgeFrequency, LeftOut, MarkFrequency, TestChoice};
use crate::independence::Correlation;
use crate::interpretation;
use crate::knowledge::{Window, violations};

/// Columns that correlate beyond this are one column: given one, nothing that a test could use is left of the other.
pub(super) const SAME: f64 = 0.999;

/// Columns that repeat another one, ascending, and which: those whose correlation exceeds `same`. `keep` is never dropped.
pub(super) fn drop_duplicates(
    names: &[String],
    keep: Option<&str>,
    correlation: &Correlation,
    same: f64,
) -> Vec<(usize, String)> {
    let mut dropped: Vec<(usize, String)> = Vec::new();
    for later in 0..names.len() {
        for earlier in 0..later {
            let gone = dropped.iter().any(|(c, _)| *c == earlier || *c == later);
            if gone || correlation.get(earlier, later).abs() <= same || correlation.get(earlier, later).is_nan() {
                continue;
            }
            let (out, stays) = if keep == Some(names[later].as_str()) { (earlier, later) } else { (later, earlier) };
            dropped.push((
                out,
                format!("it says the same as {} (correlation {:.4})", names[stays], correlation.get(earlier, later)),
            ));
        }
    }
    dropped.sort_unstable();
    dropped
}

/// Everything that a discovery is made of.
pub(super) struct Assembly<'a> {
    pub(super) algorithm: Algorithm,
    /// The test that was asked, where the algorithm asks any.
    pub(super) test: TestChoice,
    pub(super) names: &'a [String],
    pub(super) window: Window,
    pub(super) learned: Learned,
    pub(super) frequencies: Frequencies,
    pub(super) rows: usize,
    pub(super) reasons: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    /// Knowledge as stated, before columns were left out.
    pub(super) statements: BackgroundKnowledge,
    /// What effects are estimated from.
    pub(super) adjustment: Adjustment<'a>,
}

impl Assembly<'_> {
    /// The target's drivers and the graph in words. In the default mode a graph that breaks what is known is refused; in the
    /// compatible mode it is said to.
    pub(super) fn finish(
        mut self,
        options: &DiscoverOptions,
        target: Option<&str>,
    ) -> Result<Discovery, DiscoverError> {
        self.reasons.append(&mut self.learned.notes);
        let graph = self.graph();
        let broken = violations(&self.statements, &graph);
        if !broken.is_empty() {
            if !options.compatible() {
                return Err(DiscoverError::Broken(broken.join("; ")));
            }
            self.reasons.push(format!("the reference does not keep what is known: {}", broken.join("; ")));
        }
        let drivers = target.map(|t| self.drivers(&graph, t)).unwrap_or_default();
        let max_lag = self.window.max_lag();
        let interpretation = interpretation::of(&graph, &drivers, target, max_lag, self.algorithm, self.test);
        Ok(Discovery {
            algorithm: self.algorithm.name().to_owned(),
            significance_level: Finite::of(options.alpha).unwrap_or(Finite::ZERO),
            max_lag: max_lag as u32,
            rows: self.rows as u64,
            tests: self.learned.tests as u64,
            frequencies: self.edge_frequencies(),
            reasons: self.reasons,
            graph,
            drivers,
            interpretation,
            knowledge: self.statements,
            left_out: self.left_out,
        })
    }

    fn variable(&self, node: usize) -> Variable {
        Variable { name: self.names[self.window.column(node)].clone(), lag: self.window.lag(node) as u32 }
    }

    /// The ends of an edge as it is told: from cause to effect where it is directed, else from the earlier.
    fn arranged(&self, early: usize, late: usize) -> (usize, usize) {
        let pattern = &self.learned.pattern;
        let backwards = pattern.directed(late, early)
            || (!pattern.directed(early, late) && early > late && self.window.lag(early) == 0);
        if backwards { (late, early) } else { (early, late) }
    }

    /// Columns at lag 0, then the lagged nodes that have an edge; each edge once, its later end at lag 0, from cause to effect
    /// where it is directed.
    fn graph(&self) -> CausalGraph {
        let (window, pattern) = (self.window, &self.learned.pattern);
        let pairs: Vec<(usize, usize)> = window.pairs().filter(|(i, j)| pattern.adjacent(*i, *j)).collect();
        let mut kept: Vec<usize> = (0..window.columns()).chain(pairs.iter().map(|(early, _)| *early)).collect();
        kept.sort_unstable();
        kept.dedup();
        let number = |node: usize| kept.binary_search(&node).map_or(0, |n| n as u32);
        let variables = kept.iter().map(|node| self.variable(*node)).collect();
        let mut edges: Vec<CausalEdge> = pairs
            .iter()
            .filter_map(|(early, late)| {
                let (source, target) = self.arranged(*early, *late);
                let evidence = self.evidence(*early, *late);
                let marks = (pattern.mark_at(*early, *late)?, pattern.mark_at(*late, *early)?);
                Some(CausalEdge {
                    source: number(source),
                    target: number(target),
                    source_mark: pattern.mark_at(source, target)?,
                    target_mark: pattern.mark_at(target, source)?,
                    statistic: evidence.and_then(|e| Finite::of(e.statistic)),
                    p_value: evidence.and_then(|e| Finite::of(e.p_value)),
                    confidence: self.frequencies.share((*early, *late), marks).and_then(Finite::of),
                })
            })
            .collect();
        edges.sort_by_key(|e| (e.source, e.target));
        CausalGraph { variables, edges }
    }

    fn evidence(&self, i: usize, j: usize) -> Option<Evidence> {
        self.learned.evidence.get(&(i.min(j), i.max(j))).copied()
    }

    fn edge_frequencies(&self) -> Vec<EdgeFrequency> {
        let told = self.frequencies.told().map(|((early, late), marks)| {
            let (source, target) = self.arranged(early, late);
            let turned = source != early;
            let of_marks = |((at_early, at_late), share): &((Mark, Mark), f64)| MarkFrequency {
                source_mark: if turned { *at_late } else { *at_early },
                target_mark: if turned { *at_early } else { *at_late },
                share: Finite::of(*share).unwrap_or(Finite::ZERO),
            };
            let mut marks: Vec<MarkFrequency> = marks.iter().map(of_marks).collect();
            marks.sort_by(|a, b| b.share.get().total_cmp(&a.share.get()));
            EdgeFrequency { source: self.variable(source), target: self.variable(target), marks }
        });
        told.collect()
    }

    /// The causes of `target` at lag 0, its own past left out: directed edges first, then by the strength of the evidence.
    fn drivers(&self, graph: &CausalGraph, target: &str) -> Vec<Driver> {
        let at = |v: u32| &graph.variables[v as usize];
        let node = |v: &Variable| {
            let column = self.names.iter().position(|name| *name == v.name)?;
            Some(self.window.node(column, v.lag as usize))
        };
        let mut found: Vec<(f64, Driver)> = Vec::new();
        for edge in &graph.edges {
            for (cause, effect, cause_mark, effect_mark) in [
                (edge.source, edge.target, edge.source_mark, edge.target_mark),
                (edge.target, edge.source, edge.target_mark, edge.source_mark),
            ] {
                let (cause, effect) = (at(cause), at(effect));
                if effect.name != target
                    || effect.lag != 0
                    || cause.name == target
                    || !self.may_cause(cause_mark, effect_mark)
                {
                    continue;
                }
                let estimate = node(cause).zip(node(effect)).and_then(|(cause, effect)| {
                    self.adjustment.effect(self.names, &self.learned.pattern, self.window, cause, effect)
                });
                found.push((
                    edge.statistic.map_or(0.0, |s| s.get().abs()),
                    Driver {
                        variable: cause.name.clone(),
                        lag: cause.lag,
                        p_value: edge.p_value,
                        confidence: edge.confidence,
                        directed: (cause_mark, effect_mark) == (Mark::Tail, Mark::Arrow),
                        effect: estimate,
                    },
                ));
            }
        }
        found.sort_by(|(a, first), (b, second)| {
            second
                .directed
                .cmp(&first.directed)
                .then(b.total_cmp(a))
                .then_with(|| (&first.variable, first.lag).cmp(&(&second.variable, second.lag)))
        });
        found.into_iter().map(|(_, driver)| driver).collect()
    }

    /// Whether marks leave it possible that the one end causes the other. Where the algorithm allows for hidden causes an arrow at
    /// an end says that it is no cause; elsewhere arrows at both ends say that the tests contradict each other.
    fn may_cause(&self, cause_mark: Mark, effect_mark: Mark) -> bool {
        if self.algorithm.allows_hidden_causes() {
            cause_mark != Mark::Arrow && (effect_mark != Mark::Tail || cause_mark == Mark::Tail)
        } else {
            (cause_mark, effect_mark) != (Mark::Arrow, Mark::Tail)
        }
    }
}
