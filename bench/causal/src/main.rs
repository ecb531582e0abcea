//! `cargo xtask bench causal`: causal discovery beside its peers, and on known networks.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use atsre_bench_causal::case::Case;
use atsre_bench_causal::samples::Samples;
use atsre_bench_causal::worker::{self, Mode};
use atsre_bench_causal::{comparison, large, networks};
use atsre_bench_peers::environment::in_own_process;
use atsre_bench_peers::{Environment, machine, page};
use clap::{Parser, Subcommand};

/// Causal discovery beside its peers.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Only the cases whose names contain this; the page is then left as it is.
    #[arg(long, default_value = "")]
    only: String,
    /// Prints the tables and leaves the page as it is.
    #[arg(long, global = true)]
    print: bool,
}

#[derive(Subcommand)]
enum Part {
    /// Only the known networks; needs no peers.
    Networks,
    /// One case on this side, as JSON.
    #[command(hide = true)]
    Worker { case: String, mode: String, file: PathBuf },
    /// PC on a thousand columns, as JSON.
    #[command(hide = true)]
    Large,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Worker { case, mode, file }) => {
            let case = Case::named(&case).with_context(|| format!("there is no case {case:?}"))?;
            let mode = match mode.as_str() {
                "compatible" => Mode::Compatible,
                "default" => Mode::Default,
                other => bail!("{other:?} is no mode"),
            };
            let run = worker::measure(&case.algorithm, mode, &Samples::read(&file)?)?;
            println!("{}", serde_json::to_string(&run)?);
            Ok(())
        }
        Some(Part::Large) => {
            println!("{}", serde_json::to_string(&large::measure()?)?);
            Ok(())
        }
        Some(Part::Networks) => known_networks(!arguments.print),
        None => compare(&arguments.only, !arguments.print),
    }
}

fn compare(only: &str, write: bool) -> Result<()> {
    let root = root();
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let peers = Environment::prepare(&folder, include_str!("../peers/requirements.txt"))?;
    let compared = comparison::compare(&folder, &here.join("peers/causal.py"), &peers, only)?;
    let table = comparison::table(&compared).markdown();
    println!("{table}");
    if !only.is_empty() {
        return Ok(());
    }
    let sentence = serde_json::from_value::<large::Large>(in_own_process(&["large"], 2)?)?.words();
    println!("{sentence}\n");
    if write {
        let when = format!("Measured on {} on {}.", machine::today(), machine::words());
        let text = format!("{when}\n\n{table}\n{sentence}");
        page::write_section(&root.join("docs/causal.md"), "peers", &text)?;
    }
    known_networks(write)
}

fn known_networks(write: bool) -> Result<()> {
    let table = networks::render(&networks::all()?)?;
    println!("{table}");
    if write {
        page::write_section(&root().join("docs/causal.md"), networks::SECTION, &table)?;
    }
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
