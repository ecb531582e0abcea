//! Processor time of fit and forecast on both sides.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use atsre_bench_peers::Table;
use atsre_bench_peers::environment::in_own_process;
use atsre_bench_peers::processor::median;
use atsre_bench_peers::table::{against, seconds};

use crate::group::{Forecasts, Group};
use crate::ours::Ours;
use crate::pair::{Pair, SPEED};
use crate::peer::Peer;

/// Seconds a series on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The pair.
    pub pair: Pair,
    /// Ours, quantiles included.
    pub ours: f64,
    /// The peer's, point forecasts only.
    pub theirs: f64,
}

/// One group's costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The group's name.
    pub group: String,
    /// Series measured.
    pub series: usize,
    /// By pair.
    pub costs: Vec<Cost>,
}

/// How many series of a group to measure where `long` of a thousand values are affordable: the shorter, the more.
#[must_use]
pub fn count(group: &Group, long: usize) -> usize {
    let values: usize = group.series.values().map(|s| s.train.len()).sum();
    let mean = values as f64 / group.series.len().max(1) as f64;
    (long as f64 * (1_000.0 / mean.max(1.0)).sqrt()).round().max(1.0) as usize
}

/// Measures every pair on a sample of a group, and gives the peer's version with it.
///
/// # Errors
/// Either side fails.
pub fn measure(sample: &Group, peer: &Peer, folder: &Path) -> Result<(String, Measured)> {
    let pairs: Vec<Pair> = SPEED.into_iter().filter(|p| p.applies(sample.season)).collect();
    let (by, theirs) = peer.measure(sample, &pairs)?;
    let mut costs = Vec::new();
    for pair in pairs {
        let spent = of_peer(&theirs, pair.theirs)?;
        let ours = in_process(sample, pair.ours, 7, folder)?;
        let count = sample.series.len() as f64;
        costs.push(Cost { pair, ours: median(&ours.seconds) / count, theirs: spent / count });
    }
    let measured = Measured { group: sample.name.clone(), series: sample.series.len(), costs };
    for cost in &measured.costs {
        eprintln!("{} {}: {}", measured.group, cost.pair.ours, cost.words());
    }
    Ok((by, measured))
}

/// `auto` on a whole group beside the peer's AutoETS, scaled from a sample.
///
/// # Errors
/// `auto` fails.
pub fn auto_words(whole: &Group, measured: &Measured, folder: &Path) -> Result<String> {
    let ours = in_process(whole, "auto", 1, folder)?;
    let ets = measured.costs.iter().find(|c| c.pair.theirs == "AutoETS").context("AutoETS was not measured")?;
    let count = whole.series.len() as f64;
    Ok(format!(
        "`auto` over the {count} series of {} takes {} of processor time; statsforecast's AutoETS alone would take {} \
         ({} a series over {} of them, scaled).",
        whole.name,
        seconds(ours.seconds.iter().copied().fold(f64::INFINITY, f64::min)),
        seconds(ets.theirs * count),
        seconds(ets.theirs),
        measured.series
    ))
}

/// Runs one of our models in a process of its own, on one thread.
///
/// # Errors
/// The group cannot be written, or the model fails.
pub fn in_process(group: &Group, model: &str, runs: usize, folder: &Path) -> Result<Ours> {
    let file = folder.join(format!("{}.group.json", group.name));
    let bare = Group { recorded: BTreeMap::new(), ..group.clone() };
    std::fs::write(&file, serde_json::to_string(&bare)?).with_context(|| format!("cannot write {}", file.display()))?;
    let path = file.to_str().context("the folder's name is not UTF-8")?;
    Ok(serde_json::from_value(in_own_process(&["worker", path, model, &runs.to_string()], 1)?)?)
}

fn of_peer(answers: &BTreeMap<String, Forecasts>, model: &str) -> Result<f64> {
    let forecasts = answers.get(model).with_context(|| format!("the peer did not run {model}"))?;
    Ok(forecasts.values().filter_map(|f| f.seconds).sum())
}

impl Cost {
    fn ratio(&self) -> f64 {
        self.theirs / self.ours
    }

    fn words(&self) -> String {
        let ratio = self.ratio();
        let ratio = self.pair.bar.map_or_else(|| format!("{ratio:.1}×"), |bar| against(ratio, bar));
        format!("{} / {}, {ratio}", seconds(self.ours), seconds(self.theirs))
    }
}

/// The table: ours, the peer's and the ratio, a series; one column a group.
#[must_use]
pub fn table(measured: &[Measured]) -> Table {
    let titles: Vec<String> = measured.iter().map(|m| format!("{} ({} series)", m.group, m.series)).collect();
    let mut header = vec!["model"];
    header.extend(titles.iter().map(String::as_str));
    header.push("all groups");
    let mut table = Table::new(&header);
    for pair in SPEED {
        let cost = |m: &Measured| m.costs.iter().find(|c| c.pair == pair).copied();
        let mut cells = vec![pair.ours.to_owned()];
        cells.extend(measured.iter().map(|m| cost(m).map_or_else(|| "—".to_owned(), |c| c.words())));
        let total = |side: fn(&Cost) -> f64| {
            measured.iter().filter_map(|m| cost(m).map(|c| side(&c) * m.series as f64)).sum::<f64>()
        };
        let ratio = total(|c| c.theirs) / total(|c| c.ours);
        cells.push(pair.bar.map_or_else(String::new, |bar| against(ratio, bar)));
        table.row(cells);
    }
    table
}
