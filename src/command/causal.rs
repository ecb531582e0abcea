//! `atsre causal`: the causal graph of a file; no database.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use atsre_causal::discover::{Algorithm, DiscoverError, Progress, Stage, TestChoice, discover_columns, discover_graph};
use atsre_causal::pc::{Compatibility, Mode};
use atsre_causal::{DiscoverOptions, Discovery, adjacency, dot, node_link, svg};
use atsre_curation::ingest::{Ingested, TargetPolicy};
use atsre_domain::Finite;
use atsre_domain::graph::{BackgroundKnowledge, Driver, Mark};
use atsre_domain::table::{Cells, Column, ColumnRole};
use serde::Deserialize;

use super::reading;
use crate::cli::{Causal, Reading};
use crate::error::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// When the file cannot be read, or no graph can be found in it.
pub fn run(causal: &Causal, json: bool) -> Result<ExitCode, Failure> {
    // What is wrong with the flags is told before a long file is read.
    let knowledge = causal.knowledge.as_deref().map(read_knowledge).transpose()?.unwrap_or_default();
    let options = DiscoverOptions {
        algorithm: Algorithm::from_key(&causal.algorithm),
        test: causal.test.as_deref().and_then(TestChoice::from_key),
        alpha: causal.alpha,
        max_lag: causal.max_lag,
        knowledge,
        target: causal.reading.target.clone(),
        bootstrap: causal.bootstrap,
        seed: causal.seed,
        mode: if causal.mode == "compatible" { Mode::Compatible(Compatibility::default()) } else { Mode::Default },
        ..DiscoverOptions::default()
    };
    let found = discover_file(&causal.reading, &options)?;
    let target = found.target.as_deref();
    let found = &found.discovery;
    if json {
        let graph = node_link::to_value(&found.graph, serde_json::Map::new());
        output::json(&serde_json::json!({
            "algorithm": found.algorithm,
            "reasons": found.reasons,
            "graph": graph,
            "adjacency_matrix": adjacency::matrix(&found.graph),
            "frequencies": found.frequencies,
            "drivers": found.drivers,
            "interpretation": found.interpretation,
        }))?;
    } else if causal.dot {
        output::say(dot::render(&found.graph));
    } else if causal.svg {
        output::say(svg::draw(&found.graph, target));
    } else {
        print(found, target);
    }
    Ok(ExitCode::SUCCESS)
}

/// What was found in a file, and of which column the drivers are told.
struct Found {
    discovery: Discovery,
    target: Option<String>,
}

/// Without a column of times the rows may be no series: whether they are is decided from the algorithm, or from the data.
fn discover_file(reading: &Reading, options: &DiscoverOptions) -> Result<Found, Failure> {
    let told = Told::default();
    let failed = |error| explain(error, &reading.file);
    // The target may hold words here, which only a forecast cannot have.
    let ingested = reading::read(&Reading { target: None, ..reading.clone() }, TargetPolicy::Optional)?;
    if ingested.axis.counted && ingested.table.with_role(ColumnRole::Item).is_none() {
        let (names, columns) = columns(&ingested);
        let discovery = discover_columns(&names, &columns, options, &told).map_err(failed)?;
        return Ok(Found { discovery, target: options.target.clone() });
    }
    // Without a target the graph is of all columns alike; a panel has one, and the last will do.
    let stand_in = if reading.target.is_none() && ingested.target().is_none() { last_number(&ingested) } else { None };
    let named = reading.target.as_ref().or(stand_in.as_ref()).cloned();
    let ingested = reading::read(&Reading { target: named, ..reading.clone() }, TargetPolicy::Required)?;
    let panel = reading::regularise(&ingested)?.panel;
    let target = stand_in.is_none().then(|| panel.target.clone());
    let options = DiscoverOptions { target, ..options.clone() };
    let discovery = discover_graph(&panel, &options, &told).map_err(failed)?;
    Ok(Found { discovery, target: options.target })
}

fn last_number(ingested: &Ingested) -> Option<String> {
    let number = |column: &&Column| column.role == ColumnRole::Covariate && matches!(column.cells, Cells::Numbers(_));
    ingested.table.columns.iter().rev().find(number).map(|column| column.name.clone())
}

/// The columns of a table without times; categories are numbered in the order of their first appearance.
fn columns(ingested: &Ingested) -> (Vec<String>, Vec<Vec<f64>>) {
    let (table, _) = ingested.without_sentinels();
    let used = |role: ColumnRole| matches!(role, ColumnRole::Target | ColumnRole::Covariate);
    table
        .columns
        .into_iter()
        .filter(|column| used(column.role))
        .filter_map(|column| match column.cells {
            Cells::Numbers(values) => Some((column.name, values)),
            Cells::Categories { codes, .. } => {
                let number = |code: u32| if code == u32::MAX { f64::NAN } else { f64::from(code) };
                Some((column.name, codes.into_iter().map(number).collect()))
            }
            Cells::Times(_) => None,
        })
        .unzip()
}

/// Tells on standard error how far a long discovery is; a short one says nothing.
struct Told {
    last: Mutex<Instant>,
}

/// Between two lines about the progress.
const PAUSE: Duration = Duration::from_secs(3);

impl Default for Told {
    fn default() -> Self {
        Self { last: Mutex::new(Instant::now()) }
    }
}

impl Progress for Told {
    fn advanced(&self, stage: Stage, done: u64, of: Option<u64>) {
        // Whoever finds the lock taken has nothing newer to tell.
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.elapsed() < PAUSE {
            return;
        }
        *last = Instant::now();
        let of = of.map_or_else(String::new, |of| format!(" of {of}"));
        output::note(match stage {
            Stage::Choosing => "looking at the data to choose an algorithm".to_owned(),
            Stage::Searching => format!("searching: {done}{of} tests"),
            Stage::Confidence => format!("confidence: {done}{of} samples"),
        });
    }
}

fn print(found: &Discovery, target: Option<&str>) {
    for reason in &found.reasons {
        output::say(format!("• {reason}"));
    }
    let name = |index: u32| found.graph.variables.get(index as usize).map_or_else(String::new, ToString::to_string);
    let rows = found.graph.edges.iter().map(|edge| {
        vec![
            name(edge.source),
            format!("{}{}", left(edge.source_mark), right(edge.target_mark)),
            name(edge.target),
            number(edge.statistic, 2),
            number(edge.p_value, 4),
            number(edge.confidence, 2),
        ]
    });
    output::say(output::table(&["", "", "", "statistic", "p-value", "confidence"], &[3, 4, 5], rows.collect()));
    if let (Some(target), false) = (target, found.drivers.is_empty()) {
        let heading = format!("drivers of {target}");
        let header = [heading.as_str(), "lag", "", "effect", "95 % interval", "p-value", "confidence"];
        output::say(output::table(&header, &[1, 3, 5, 6], found.drivers.iter().map(driver).collect()));
    }
    output::say(&found.interpretation);
}

fn driver(driver: &Driver) -> Vec<String> {
    let effect = driver.effect.as_ref();
    let interval = effect.map_or_else(|| "–".to_owned(), |e| format!("{:.4} to {:.4}", e.low.get(), e.high.get()));
    vec![
        driver.variable.clone(),
        driver.lag.to_string(),
        if driver.directed { "cause" } else { "possible cause" }.to_owned(),
        number(effect.map(|e| e.value), 4),
        if effect.is_some_and(|e| e.in_deviations) { format!("{interval} (standard deviations)") } else { interval },
        number(driver.p_value, 4),
        number(driver.confidence, 2),
    ]
}

fn number(value: Option<Finite>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{:.digits$}", v.get()))
}

/// Background knowledge as a person writes it: what is not said is empty, and what is misspelt is refused.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct KnowledgeFile {
    tiers: Vec<Vec<String>>,
    forbidden_within_tiers: Vec<u32>,
    forbidden: Vec<(String, String)>,
    required: Vec<(String, String)>,
}

fn read_knowledge(path: &Path) -> Result<BackgroundKnowledge, Failure> {
    const SUCH_AS: &str = r#"{"tiers": [["rain"], ["sales"]], "forbidden": [["sales", "rain"]], "required": []}"#;
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file: KnowledgeFile = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{} is not background knowledge: {error}; write such as {SUCH_AS}", path.display()))
    })?;
    let KnowledgeFile { tiers, forbidden_within_tiers, forbidden, required } = file;
    Ok(BackgroundKnowledge { tiers, forbidden_within_tiers, forbidden, required })
}

/// The error with the file's name, and with what to do where the engine does not say.
fn explain(error: DiscoverError, file: &Path) -> Failure {
    let short = matches!(error, DiscoverError::TooFewRows { .. });
    let mut failure = Failure::from(error);
    let advice = if short { "; give more rows, fewer columns, or a smaller --max-lag" } else { "" };
    failure.error = anyhow::anyhow!("{}: {:#}{advice}", file.display(), failure.error);
    failure
}

const fn left(mark: Mark) -> &'static str {
    match mark {
        Mark::Tail => "─",
        Mark::Arrow => "◄",
        Mark::Circle => "o",
    }
}

const fn right(mark: Mark) -> &'static str {
    match mark {
        Mark::Tail => "─",
        Mark::Arrow => "►",
        Mark::Circle => "o",
    }
}
