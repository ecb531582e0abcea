//! `atsre causal`: the causal graph of a file; no database.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use atsre_causal::discover::{Algorithm, DiscoverError};
use atsre_causal::{DiscoverOptions, adjacency, dot, node_link, svg};
use atsre_curation::ingest::TargetPolicy;
use atsre_domain::graph::{BackgroundKnowledge, Mark};
use serde::Deserialize;

use super::reading;
use crate::cli::Causal;
use crate::error::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// When the file cannot be read, or no graph can be found in it.
pub fn run(causal: &Causal, json: bool) -> Result<ExitCode, Failure> {
    // What is wrong with the flags is told before a long file is read.
    let knowledge = causal.knowledge.as_deref().map(read_knowledge).transpose()?.unwrap_or_default();
    let ingested = reading::read(&causal.reading, TargetPolicy::Required)?;
    let panel = reading::regularise(&ingested)?.panel;
    let options = DiscoverOptions {
        algorithm: Algorithm::from_key(&causal.algorithm),
        alpha: causal.alpha,
        max_lag: causal.max_lag,
        knowledge,
        target: Some(panel.target.clone()),
        bootstrap: causal.bootstrap,
        seed: causal.seed,
        ..DiscoverOptions::default()
    };
    let found = atsre_causal::discover(&panel, &options).map_err(|error| explain(error, &causal.reading.file))?;
    if json {
        let graph = node_link::to_value(&found.graph, serde_json::Map::new());
        output::json(&serde_json::json!({
            "algorithm": found.algorithm,
            "reasons": found.reasons,
            "graph": graph,
            "adjacency_matrix": adjacency::matrix(&found.graph),
            "drivers": found.drivers,
            "interpretation": found.interpretation,
        }))?;
    } else if causal.dot {
        output::say(dot::render(&found.graph));
    } else if causal.svg {
        output::say(svg::draw(&found.graph, Some(&panel.target)));
    } else {
        for reason in &found.reasons {
            output::say(format!("• {reason}"));
        }
        let name = |index: u32| found.graph.variables.get(index as usize).map_or_else(String::new, ToString::to_string);
        let rows = found.graph.edges.iter().map(|edge| {
            let number = |value: Option<atsre_domain::Finite>, digits: usize| {
                value.map_or_else(|| "–".to_owned(), |v| format!("{:.digits$}", v.get()))
            };
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
        output::say(found.interpretation);
    }
    Ok(ExitCode::SUCCESS)
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
