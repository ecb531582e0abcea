//! Series over time by tests on momentary conditional independence: PCMCI and PCMCI+.

use atsre_domain::Finite;
use atsre_domain::graph::CausalGraph;
use rayon::prelude::*;

use super::options::Algorithm;
use super::{DiscoverError, DiscoverOptions};
use crate::bootstrap::draw;
use crate::knowledge::Knowledge;
use crate::lagged::moments::Moments;
use crate::pcmci::{LaggedLinks, ParCorr, PcmciError, PlusSettings, Settings, pcmci_plus_with, pcmci_with};

/// What was found.
pub(super) struct Found {
    pub(super) graph: CausalGraph,
    /// Rows that every test rests on.
    pub(super) rows: usize,
}

/// Runs the algorithm on the columns called `names`. `moments` reach back twice `max_lag`, because the tests condition on the
/// parents of both ends; an edge's confidence is the share of bootstrap samples of blocks in which it returns with the same
/// marks.
pub(super) fn run(
    algorithm: Algorithm,
    names: &[String],
    moments: &Moments,
    max_lag: usize,
    knowledge: &Knowledge,
    options: &DiscoverOptions,
) -> Result<Found, DiscoverError> {
    let test_of = |times: Option<&[u32]>| ParCorr::of_moments(names.len(), 2 * max_lag, moments, times);
    let seek = |test: &ParCorr| links(algorithm, test, max_lag, knowledge, options.alpha);
    let test = test_of(None);
    let found = seek(&test)?;
    let mut graph = found.graph(names);
    let replicates: Vec<CausalGraph> = (0..u64::from(options.bootstrap))
        .into_par_iter()
        .map(|number| Ok(seek(&test_of(Some(&draw(moments.blocks(), options.seed, number))))?.graph(names)))
        .collect::<Result<_, PcmciError>>()?;
    if options.bootstrap > 0 {
        confide(&mut graph, &replicates);
    }
    Ok(Found { graph, rows: test.rows() })
}

fn links(
    algorithm: Algorithm,
    test: &ParCorr,
    max_lag: usize,
    knowledge: &Knowledge,
    alpha: f64,
) -> Result<LaggedLinks, PcmciError> {
    if algorithm == Algorithm::Pcmci {
        let settings = Settings { min_lag: 0, max_lag, alpha, selection_alpha: None, false_discovery: false };
        return Ok(pcmci_with(test, &settings, knowledge)?.links);
    }
    let settings = PlusSettings { max_lag, alpha: Some(alpha), ..PlusSettings::default() };
    Ok(pcmci_plus_with(test, &settings, knowledge)?.links)
}

/// Gives each edge the share of replicates that have it, between the same variables, with the same marks.
fn confide(graph: &mut CausalGraph, replicates: &[CausalGraph]) {
    let key = |graph: &CausalGraph, edge: &atsre_domain::graph::CausalEdge| {
        let variable = |number: u32| graph.variables[number as usize].clone();
        (variable(edge.source), variable(edge.target), edge.source_mark, edge.target_mark)
    };
    let shares: Vec<f64> = graph
        .edges
        .iter()
        .map(|edge| {
            let wanted = key(graph, edge);
            let hits = replicates.iter().filter(|drawn| drawn.edges.iter().any(|found| key(drawn, found) == wanted));
            hits.count() as f64 / replicates.len().max(1) as f64
        })
        .collect();
    for (edge, share) in graph.edges.iter_mut().zip(shares) {
        edge.confidence = Finite::of(share);
    }
}
