//! `cargo xtask bench forecast`: forecasting beside statsforecast.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use atsre_bench_forecast::group::Group;
use atsre_bench_forecast::peer::Peer;
use atsre_bench_forecast::{accuracy, etth1, ours, speed};
use atsre_bench_peers::{Environment, machine, page};
use clap::{Parser, Subcommand};

/// Forecasting beside statsforecast.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// A folder of groups: `hourly_train.csv` and `hourly_test.csv` of M4's frequencies, or JSON files with recorded forecasts.
    /// Several times for several folders; of groups with the same name the larger is taken. Without any, the few series
    /// that the repository holds.
    #[arg(long)]
    data: Vec<PathBuf>,
    /// The file ETTh1.csv; without it that table stays as it is.
    #[arg(long)]
    ett: Option<PathBuf>,
    /// Series of a thousand values that speed is measured on; of shorter ones more, so that what a run costs whatever it
    /// forecasts is shared.
    #[arg(long, default_value_t = 8)]
    speed_series: usize,
    /// The most series of a group that are scored; the peers need seconds for each.
    #[arg(long, default_value_t = 100)]
    accuracy_series: usize,
    /// Only these tables.
    #[arg(long, value_delimiter = ',', default_value = "speed,accuracy,etth1")]
    tables: Vec<String>,
    /// Prints the tables and leaves docs/forecast.md as it is.
    #[arg(long)]
    print: bool,
}

#[derive(Subcommand)]
enum Part {
    /// One of our models on one group, as JSON.
    #[command(hide = true)]
    Worker { group: PathBuf, model: String, runs: usize },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Part::Worker { group, model, runs }) = &arguments.part {
        let group: Group = serde_json::from_str(&std::fs::read_to_string(group)?)?;
        println!("{}", serde_json::to_string(&ours::forecast(&group, model, *runs)?)?);
        return Ok(());
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let folder = root.join("target/bench/forecast");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let asked = |table: &str| arguments.tables.iter().any(|t| t == table);
    let publish = |section: &str, text: &str| -> Result<()> {
        println!("{text}\n");
        if !arguments.print {
            page::write_section(&root.join("docs/forecast.md"), section, text)?;
        }
        Ok(())
    };
    let when = format!("Measured on {} on {}", machine::today(), machine::words());
    if asked("etth1")
        && let Some(file) = &arguments.ett
    {
        publish("etth1", &format!("{when}.\n\n{}", etth1::table(file)?.markdown()))?;
    }
    if !asked("speed") && !asked("accuracy") {
        return Ok(());
    }
    let groups = groups(&arguments.data, &root)?;
    let environment = Environment::prepare(&root.join("target/bench"), include_str!("../peers/requirements.txt"))?;
    let peer = Peer::new(environment, &here.join("peers/forecast.py"), &folder.join("peer"));
    if asked("speed") {
        let (mut measured, mut by, mut auto) = (Vec::new(), String::new(), String::new());
        for group in groups.iter().filter(|g| !g.intermittent()) {
            let (version, of_group) =
                speed::measure(&group.sample(speed::count(group, arguments.speed_series)), &peer, &folder)?;
            if group.name == "m4_hourly" {
                auto = speed::auto_words(group, &of_group, &folder)?;
            }
            by = version;
            measured.push(of_group);
        }
        publish("speed", &format!("{when}, beside {by}.\n\n{}\n{auto}", speed::table(&measured).markdown()))?;
    }
    if asked("accuracy") {
        let scored = groups
            .iter()
            .filter(|g| !g.intermittent())
            .map(|g| accuracy::score(&g.sample(arguments.accuracy_series), &peer, &folder))
            .collect::<Result<Vec<_>>>()?;
        let tables =
            format!("{}\n{}", accuracy::table(&scored).markdown(), accuracy::coverage_table(&scored).markdown());
        publish("accuracy", &format!("{when}.\n\n{tables}"))?;
    }
    Ok(())
}

fn groups(folders: &[PathBuf], root: &Path) -> Result<Vec<Group>> {
    let committed = [root.join("engines/forecast/tests/reference")];
    let folders = if folders.is_empty() { &committed[..] } else { folders };
    let mut groups: Vec<Group> = Vec::new();
    for group in folders.iter().map(|f| Group::of_folder(f)).collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        match groups.iter_mut().find(|g| g.name == group.name) {
            Some(known) if known.series.len() < group.series.len() => *known = group,
            Some(_) => {}
            None => groups.push(group),
        }
    }
    Ok(groups)
}
