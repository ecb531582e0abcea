//! From what PC found to what is reported.

use atsre_domain::Finite;
use atsre_domain::graph::{BackgroundKnowledge, CausalEdge, CausalGraph, Driver, Mark, Variable};

use super::{Algorithm, DiscoverError, DiscoverOptions, Discovery, LeftOut};
use crate::independence::Correlation;
use crate::interpretation;
use crate::knowledge::{Knowledge, KnowledgeError, Window, violations};
use crate::pattern::Pattern;
use crate::pc::{Found, Mode};

/// Columns that correlate beyond this are one column: given one, nothing that a test could use is left of the other.
const SAME: f64 = 0.999;

/// Columns that repeat another one, ascending, and which. `keep` is never dropped.
pub(super) fn drop_duplicates(names: &[String], keep: Option<&str>, correlation: &Correlation) -> Vec<(usize, String)> {
    let mut dropped: Vec<(usize, String)> = Vec::new();
    for later in 0..names.len() {
        for earlier in 0..later {
            let gone = dropped.iter().any(|(c, _)| *c == earlier || *c == later);
            if gone || correlation.get(earlier, later).abs() <= SAME || correlation.get(earlier, later).is_nan() {
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

/// A required edge cannot be kept when one of its ends took no part.
pub(super) fn refuse_left_out(known: &BackgroundKnowledge, left_out: &[LeftOut]) -> Result<(), KnowledgeError> {
    for (cause, effect) in &known.required {
        if let Some(out) = left_out.iter().find(|l| l.column == *cause || l.column == *effect) {
            let (column, why) = (out.column.clone(), out.why.clone());
            return Err(KnowledgeError::LeftOut { cause: cause.clone(), effect: effect.clone(), column, why });
        }
    }
    Ok(())
}

/// What is known of the columns that take part. Names are checked against all columns of the data first.
pub(super) fn restrict(
    known: &BackgroundKnowledge,
    all: &[String],
    kept: &[String],
) -> Result<BackgroundKnowledge, KnowledgeError> {
    // Compiled for its checks alone: every contradiction shows on rows without lags too, cycles apart, which lags may resolve.
    let unordered = BackgroundKnowledge { required: Vec::new(), ..known.clone() };
    Knowledge::compile(&unordered, all, Window::of_rows(all.len()), |_, _| 0)?;
    let takes_part = |name: &String| kept.contains(name);
    let both =
        |edges: &[(String, String)]| edges.iter().filter(|(a, b)| takes_part(a) && takes_part(b)).cloned().collect();
    if let Some(name) = known.required.iter().flat_map(|(a, b)| [a, b]).find(|name| !all.contains(name)) {
        return Err(KnowledgeError::UnknownColumn { column: name.clone(), place: "required edges" });
    }
    Ok(BackgroundKnowledge {
        tiers: known.tiers.iter().map(|tier| tier.iter().filter(|n| takes_part(n)).cloned().collect()).collect(),
        forbidden_within_tiers: known.forbidden_within_tiers.clone(),
        forbidden: both(&known.forbidden),
        required: both(&known.required),
    })
}

/// Everything that a discovery is made of.
pub(super) struct Assembly<'a> {
    pub(super) names: &'a [String],
    pub(super) window: Window,
    pub(super) found: Found,
    pub(super) confidence: Vec<((usize, usize), f64)>,
    pub(super) rows: usize,
    pub(super) reasons: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) knowledge: &'a Knowledge,
    /// Knowledge as stated, before columns were left out.
    pub(super) statements: BackgroundKnowledge,
}

impl Assembly<'_> {
    pub(super) fn finish(
        mut self,
        options: &DiscoverOptions,
        target: Option<&str>,
    ) -> Result<Discovery, DiscoverError> {
        if options.mode != Mode::Default {
            enforce(&mut self.found.pattern, self.knowledge);
        }
        Conclusion {
            algorithm: Algorithm::Pc,
            graph: self.graph(options.bootstrap > 0),
            max_lag: self.window.max_lag(),
            rows: self.rows,
            tests: self.found.tests,
            reasons: self.reasons,
            left_out: self.left_out,
            statements: self.statements,
        }
        .draw(options, target)
    }

    /// Columns at lag 0, then the lagged nodes that have an edge; each edge once, its later end at lag 0, from cause to effect
    /// where it is directed.
    fn graph(&self, with_confidence: bool) -> CausalGraph {
        let (window, pattern) = (self.window, &self.found.pattern);
        let pairs: Vec<(usize, usize)> = window.pairs().filter(|(i, j)| pattern.adjacent(*i, *j)).collect();
        let mut kept: Vec<usize> = (0..window.columns()).chain(pairs.iter().map(|(early, _)| *early)).collect();
        kept.sort_unstable();
        kept.dedup();
        let number = |node: usize| kept.binary_search(&node).map_or(0, |n| n as u32);
        let variables = kept
            .iter()
            .map(|node| Variable { name: self.names[window.column(*node)].clone(), lag: window.lag(*node) as u32 })
            .collect();
        let mut edges: Vec<CausalEdge> = pairs
            .iter()
            .filter_map(|(early, late)| {
                let backwards = pattern.directed(*late, *early)
                    || (!pattern.directed(*early, *late) && early > late && window.lag(*early) == 0);
                let (source, target) = if backwards { (*late, *early) } else { (*early, *late) };
                let outcome = self.found.nearest[(*early).min(*late) * window.nodes() + (*early).max(*late)];
                let confidence =
                    self.confidence.iter().find(|(pair, _)| pair == &(*early, *late)).map(|(_, share)| *share);
                Some(CausalEdge {
                    source: number(source),
                    target: number(target),
                    source_mark: pattern.mark_at(source, target)?,
                    target_mark: pattern.mark_at(target, source)?,
                    statistic: outcome.and_then(|o| Finite::of(o.statistic)),
                    p_value: outcome.and_then(|o| Finite::of(o.p_value)),
                    confidence: confidence.filter(|_| with_confidence).and_then(Finite::of),
                })
            })
            .collect();
        edges.sort_by_key(|e| (e.source, e.target));
        CausalGraph { variables, edges }
    }
}

/// A graph, and what is said with it.
pub(super) struct Conclusion {
    pub(super) algorithm: Algorithm,
    pub(super) graph: CausalGraph,
    pub(super) max_lag: usize,
    pub(super) rows: usize,
    /// Tests asked, where the algorithm counts them.
    pub(super) tests: usize,
    pub(super) reasons: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    /// Knowledge as stated, before columns were left out.
    pub(super) statements: BackgroundKnowledge,
}

impl Conclusion {
    /// The target's drivers and the graph in words; a graph that breaks what is known is refused.
    pub(super) fn draw(self, options: &DiscoverOptions, target: Option<&str>) -> Result<Discovery, DiscoverError> {
        let Self { algorithm, graph, max_lag, rows, tests, reasons, left_out, statements } = self;
        let broken = violations(&statements, &graph);
        if !broken.is_empty() {
            return Err(DiscoverError::Broken(broken.join("; ")));
        }
        let drivers = target.map(|t| drivers(&graph, t)).unwrap_or_default();
        let interpretation = interpretation::of(&graph, &drivers, target, max_lag);
        Ok(Discovery {
            algorithm: algorithm.name().to_owned(),
            significance_level: Finite::of(options.alpha).unwrap_or(Finite::ZERO),
            max_lag: max_lag as u32,
            rows: rows as u64,
            tests: tests as u64,
            reasons,
            graph,
            drivers,
            interpretation,
            knowledge: statements,
            left_out,
        })
    }
}

/// Makes a graph of the compatible mode keep what is known, which that mode does not do by itself.
fn enforce(pattern: &mut Pattern, knowledge: &Knowledge) {
    let nodes = knowledge.window().nodes();
    for i in 0..nodes {
        for j in (0..nodes).filter(|j| *j != i) {
            if knowledge.requires(i, j) || (pattern.adjacent(i, j) && knowledge.directs(i, j)) {
                pattern.orient(i, j);
            } else if knowledge.excludes(i, j) {
                pattern.separate(i, j);
            }
        }
    }
}

/// The causes of `target` at lag 0, its own past left out: directed edges first, then by the strength of the evidence.
fn drivers(graph: &CausalGraph, target: &str) -> Vec<Driver> {
    let at = |v: u32| &graph.variables[v as usize];
    let mut found: Vec<(f64, Driver)> = Vec::new();
    for edge in &graph.edges {
        for (cause, effect, cause_mark, effect_mark) in [
            (edge.source, edge.target, edge.source_mark, edge.target_mark),
            (edge.target, edge.source, edge.target_mark, edge.source_mark),
        ] {
            let (cause, effect) = (at(cause), at(effect));
            let caused = (cause_mark, effect_mark) == (Mark::Arrow, Mark::Tail);
            if effect.name != target || effect.lag != 0 || cause.name == target || caused {
                continue;
            }
            found.push((
                edge.statistic.map_or(0.0, Finite::get),
                Driver {
                    variable: cause.name.clone(),
                    lag: cause.lag,
                    p_value: edge.p_value,
                    confidence: edge.confidence,
                    directed: (cause_mark, effect_mark) == (Mark::Tail, Mark::Arrow),
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
