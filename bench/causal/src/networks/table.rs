//! The distances, and the table of them.

use anyhow::Result;
use atsre_bench_peers::Table;
use atsre_causal::equivalence::{cpdag_of, pag_of, structural_hamming_distance};
use atsre_causal::fci;
use atsre_causal::ges::{self, GaussianBic};
use atsre_causal::independence::{Contingency, Correlation, CountStatistic, FisherZ, IndependenceTest};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::lingam::{IcaSettings, Lingam, Prior, direct, ica};
use atsre_causal::pattern::Pattern;
use atsre_causal::pc;

use super::known::{Known, Values};

/// The section of the page that holds the table.
pub const SECTION: &str = "known networks";

/// Significance level of every test.
const ALPHA: f64 = 0.01;

/// How far one algorithm ended from the truth on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distance {
    /// The algorithm with its test or score.
    pub algorithm: &'static str,
    /// What the answer is compared with.
    pub against: &'static str,
    /// Pairs whose edge is missing, additional, or marked otherwise.
    pub all: usize,
    /// Pairs whose edge is missing or additional.
    pub adjacencies: usize,
    /// Edges found.
    pub edges: usize,
}

/// Every algorithm that applies to a network.
///
/// # Errors
/// An algorithm refuses the rows.
pub fn distances(network: &Known) -> Result<Vec<Distance>> {
    let table = &network.samples.table;
    let (classes, [cpdag, pag]) = match cpdag_of(&network.truth) {
        Ok(cpdag) => (["true CPDAG", "true PAG", "true DAG"], [cpdag, pag_of(&network.truth)]),
        // A graph with feedback has no such class.
        Err(_) => (["edges as drawn"; 3], [network.truth.clone(), network.truth.clone()]),
    };
    let nothing = Knowledge::of_time(Window::of_rows(table.len()));
    let mut found = Vec::new();
    let mut constraint_based = |names: [&'static str; 2], test: &dyn IndependenceTest| {
        let settings = pc::Settings { alpha: ALPHA, max_depth: None, mode: pc::Mode::Default };
        found.push(distance(names[0], classes[0], &pc::run(test, &nothing, &settings).pattern, &cpdag));
        let settings =
            fci::Settings { alpha: ALPHA, max_depth: None, max_possible_d_sep: Some(3), mode: fci::Mode::Default };
        found.push(distance(names[1], classes[1], &fci::run(test, &nothing, &settings).pattern, &pag));
    };
    match network.values {
        Values::Categories => {
            constraint_based(["PC, G²", "FCI, G²"], &Contingency::new(table, CountStatistic::GSquare)?);
            constraint_based(["PC, χ²", "FCI, χ²"], &Contingency::new(table, CountStatistic::ChiSquare)?);
        }
        Values::Numbers => {
            let fisher_z = |correlation| FisherZ::new(correlation, network.samples.rows());
            constraint_based(["PC, Fisher's z", "FCI, Fisher's z"], &fisher_z(Correlation::of_columns(table)));
            let scores = fisher_z(Correlation::of_normal_scores(table));
            constraint_based(["PC, normal scores", "FCI, normal scores"], &scores);
        }
    }
    let score = GaussianBic::new(table, 0.5)?;
    let settings = ges::Settings::default();
    found.push(distance("GES, Gaussian BIC", classes[0], &ges::run(&score, &nothing, &settings).pattern, &cpdag));
    if network.values == Values::Numbers {
        let answer = directed(&direct(table, &Prior::Nothing)?);
        found.push(distance("DirectLiNGAM", classes[2], &answer, &network.truth));
        let answer = directed(&ica(table, &IcaSettings::default())?.model);
        found.push(distance("ICA-LiNGAM", classes[2], &answer, &network.truth));
    }
    Ok(found)
}

/// Every network's distances as a table in Markdown.
///
/// # Errors
/// As [`distances`].
pub fn render(networks: &[Known]) -> Result<String> {
    let mut table =
        Table::new(&["network", "rows", "algorithm", "compared with", "distance", "of it adjacencies", "edges found"]);
    for network in networks {
        let name = format!("{}: {} nodes, {} edges", network.name, network.truth.nodes(), network.edges);
        for d in distances(network)? {
            table.row([
                name.clone(),
                network.samples.rows().to_string(),
                d.algorithm.to_owned(),
                d.against.to_owned(),
                d.all.to_string(),
                d.adjacencies.to_string(),
                d.edges.to_string(),
            ]);
        }
    }
    Ok(table.markdown())
}

fn directed(model: &Lingam) -> Pattern {
    let size = model.order.len();
    let mut pattern = Pattern::empty(size);
    for cause in 0..size {
        for effect in (0..size).filter(|e| model.has_edge(cause, *e)) {
            pattern.orient(cause, effect);
        }
    }
    pattern
}

fn distance(algorithm: &'static str, against: &'static str, found: &Pattern, truth: &Pattern) -> Distance {
    let pairs = || (0..truth.nodes()).flat_map(|i| (0..i).map(move |j| (i, j)));
    Distance {
        algorithm,
        against,
        // Both graphs are over the same columns.
        all: structural_hamming_distance(found, truth).unwrap_or(usize::MAX),
        adjacencies: pairs().filter(|(i, j)| found.adjacent(*i, *j) != truth.adjacent(*i, *j)).count(),
        edges: pairs().filter(|(i, j)| found.adjacent(*i, *j)).count(),
    }
}
