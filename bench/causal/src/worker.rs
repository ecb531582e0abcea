//! One algorithm on one file, in a process of its own.

use std::time::Duration;

use anyhow::{Context, Result};
use atsre_bench_peers::{memory, processor};
use atsre_causal::fci;
use atsre_causal::ges::{self, GaussianBic};
use atsre_causal::independence::{Correlation, FisherZ, Tail};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::lingam::{Prior, VarSettings, direct, var};
use atsre_causal::pattern::Pattern;
use atsre_causal::pc::{self, ColliderRule, Compatibility, Priority};
use atsre_causal::pcmci::{self, LaggedLinks, pcmci, pcmci_plus};
use atsre_domain::graph::Mark;
use processor::Repetitions;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::case::Algorithm;
use crate::samples::Samples;

/// Which of the two modes runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As the peer answers.
    Compatible,
    /// As published.
    Default,
}

/// What an algorithm found and what it cost, on either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Processor time of each run.
    pub seconds: Vec<f64>,
    /// Bytes in memory before the first run, data loaded, where the system tells it.
    pub before: Option<f64>,
    /// The most bytes that the process ever had in memory.
    pub peak: Option<f64>,
    /// The library and its version.
    #[serde(default)]
    pub by: String,
    /// The graph, in the form that the peers' script writes.
    pub graph: Value,
    /// Weights or statistics, in order.
    pub numbers: Vec<f64>,
}

/// Runs an algorithm some times over and measures it.
///
/// # Errors
/// The algorithm refuses the samples.
pub fn measure(algorithm: &Algorithm, mode: Mode, samples: &Samples) -> Result<Run> {
    let before = memory::current().map(|b| b as f64);
    let repetitions = Repetitions { runs: 9, budget: Duration::from_secs(2) };
    let (answer, seconds) = processor::repeated(repetitions, || run(algorithm, mode, &samples.table));
    let peak = memory::peak().map(|b| b as f64);
    let (graph, numbers) = answer?;
    // The first run warms caches and the allocator up, as with the peers.
    let counted = if seconds.len() > 1 { seconds[1..].to_vec() } else { seconds };
    Ok(Run { seconds: counted, before, peak, by: String::new(), graph, numbers })
}

fn run(algorithm: &Algorithm, mode: Mode, table: &[Vec<f64>]) -> Result<(Value, Vec<f64>)> {
    let rows = table.first().context("there are no columns")?.len();
    let nothing = || Knowledge::of_time(Window::of_rows(table.len()));
    let compatible = mode == Mode::Compatible;
    let fisher_z = || {
        let tail = if compatible { Tail::OneMinus } else { Tail::default() };
        FisherZ::new(Correlation::of_columns(table), rows).with_tail(tail)
    };
    Ok(match *algorithm {
        Algorithm::Pc { alpha } => {
            let mode = if compatible {
                let (collider_rule, priority) = (ColliderRule::SeparatingSet, Priority::Existing);
                pc::Mode::Compatible(Compatibility { stable: true, collider_rule, priority })
            } else {
                pc::Mode::Default
            };
            let found = pc::run(&fisher_z(), &nothing(), &pc::Settings { alpha, max_depth: None, mode });
            (marks(&found.pattern), Vec::new())
        }
        Algorithm::Fci { alpha } => {
            let mode =
                if compatible { fci::Mode::Compatible { every_kind_of_knowledge: false } } else { fci::Mode::Default };
            let settings = fci::Settings { alpha, max_depth: None, max_possible_d_sep: None, mode };
            (marks(&fci::run(&fisher_z(), &nothing(), &settings).pattern), Vec::new())
        }
        Algorithm::Ges { lambda } => {
            let mode = if compatible { ges::Mode::Compatible } else { ges::Mode::Default };
            let score = GaussianBic::new(table, lambda)?;
            let found = ges::run(&score, &nothing(), &ges::Settings { max_parents: None, mode });
            (marks(&found.pattern), Vec::new())
        }
        Algorithm::DirectLingam => {
            let found = direct(table, &Prior::Nothing)?;
            weights(&found.order, &[found.weights])
        }
        Algorithm::VarLingam { lags } => {
            let found = var(table, &VarSettings { lags, ..VarSettings::default() })?;
            weights(&found.order, &found.weights)
        }
        Algorithm::Pcmci { max_lag, selection_alpha, alpha } => {
            let settings = pcmci::Settings {
                min_lag: 0,
                max_lag,
                selection_alpha: Some(selection_alpha),
                alpha,
                false_discovery: false,
            };
            let knowledge = Knowledge::of_time(Window::lagged(table.len(), max_lag));
            links(&pcmci(table, &settings, &knowledge)?.links)
        }
        Algorithm::PcmciPlus { max_lag, alpha } => {
            let settings = pcmci::PlusSettings {
                min_lag: 0,
                max_lag,
                alpha: Some(alpha),
                colliders: pcmci::ColliderRule::Majority,
                mark_conflicts: true,
                reset_lagged: false,
            };
            let knowledge = Knowledge::of_time(Window::lagged(table.len(), max_lag));
            links(&pcmci_plus(table, &settings, &knowledge)?.links)
        }
    })
}

/// −1 tail, 1 arrow, 2 circle, 0 no edge; `[i][j]` at i.
fn marks(pattern: &Pattern) -> Value {
    let number = |i, j| match pattern.mark_at(i, j) {
        None => 0,
        Some(Mark::Tail) => -1,
        Some(Mark::Arrow) => 1,
        Some(Mark::Circle) => 2,
    };
    let nodes = pattern.nodes();
    json!((0..nodes).map(|i| (0..nodes).map(|j| number(i, j)).collect()).collect::<Vec<Vec<i32>>>())
}

/// The order, and which weights are not zero.
fn weights(order: &[usize], matrices: &[Vec<Vec<f64>>]) -> (Value, Vec<f64>) {
    let structure: Vec<Vec<Vec<u8>>> = matrices
        .iter()
        .map(|matrix| matrix.iter().map(|row| row.iter().map(|w| u8::from(*w != 0.0)).collect()).collect())
        .collect();
    (json!([order, structure]), matrices.iter().flatten().flatten().copied().collect())
}

fn links(found: &LaggedLinks) -> (Value, Vec<f64>) {
    let (columns, lags) = (found.columns(), found.max_lag());
    let link = |i, j| (0..=lags).map(|lag| found.get(i, j, lag).to_string()).collect::<Vec<_>>();
    let graph = (0..columns).map(|i| (0..columns).map(|j| link(i, j)).collect::<Vec<_>>()).collect::<Vec<_>>();
    let places = (0..columns).flat_map(|i| (0..columns).flat_map(move |j| (0..=lags).map(move |lag| (i, j, lag))));
    let values = places.map(|(i, j, lag)| found.values[found.index(i, j, lag)]).collect();
    (json!(graph), values)
}
