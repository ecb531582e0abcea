//! `cargo xtask bench deep`: networks beside PyTorch.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use atsre_bench_deep::case::{self, Case};
use atsre_bench_deep::ours;
use atsre_bench_deep::table::{Compared, Peers, table};
use atsre_bench_peers::environment::in_own_process;
use atsre_bench_peers::{Environment, machine, page};
use clap::{Parser, Subcommand};
use serde_json::json;

/// Networks beside PyTorch: processor time on one thread.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// A folder with the weights of a Chronos-Bolt; without one that comparison is left out.
    #[arg(long)]
    bolt: Option<PathBuf>,
    /// Only these models.
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// Runs of each case: tens of steps, or forecasts.
    #[arg(long, default_value_t = 9)]
    runs: usize,
    /// Prints the table and leaves docs/deep.md as it is.
    #[arg(long)]
    print: bool,
}

#[derive(Subcommand)]
enum Part {
    /// Our side of one case, given and answered as JSON.
    #[command(hide = true)]
    Worker { case: String, runs: usize },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Part::Worker { case, runs }) = &arguments.part {
        let case: Case = serde_json::from_str(case).context("the case is not one")?;
        println!("{}", serde_json::to_string(&ours::measure(&case, *runs)?)?);
        return Ok(());
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let bolt = match &arguments.bolt {
        Some(folder) => Some(folder.to_str().context("the folder's name is not UTF-8")?),
        None => None,
    };
    let mut cases = case::all(bolt);
    cases.retain(|case| arguments.models.is_empty() || arguments.models.contains(&case.model));
    let environment = Environment::prepare(&root.join("target/bench"), include_str!("../peers/requirements.txt"))?;
    let task = json!({ "cases": cases, "runs": arguments.runs, "series": case::series(4_000) });
    let peers = environment.run(&here.join("peers/deep.py"), &[], &task.to_string())?;
    let peers: Peers = serde_json::from_value(peers).context("the script's answer is not what was expected")?;
    let compared = cases.into_iter().map(|case| {
        let answer = in_own_process(&["worker", &serde_json::to_string(&case)?, &arguments.runs.to_string()], 1)?;
        let theirs = peers.seconds.get(&case.model).cloned().unwrap_or_default();
        Ok(Compared { ours: serde_json::from_value(answer)?, theirs, case })
    });
    let text = format!(
        "Measured on {} on {}, beside {}.\n\n{}",
        machine::today(),
        machine::words(),
        peers.by,
        table(&compared.collect::<Result<Vec<_>>>()?).markdown()
    );
    println!("{text}\n");
    if !arguments.print {
        page::write_section(&root.join("docs/deep.md"), "speed", &text)?;
    }
    Ok(())
}
