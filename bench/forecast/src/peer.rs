//! statsforecast on a group.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use atsre_bench_peers::Environment;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::group::{Forecasts, Group};
use crate::pair::Pair;

/// The peer, with what it forecast before.
#[derive(Clone, Debug)]
pub struct Peer {
    environment: Environment,
    script: PathBuf,
    /// Where forecasts are kept, so that a table of accuracy costs their hours once.
    cache: PathBuf,
}

/// What the script writes.
#[derive(Debug, Deserialize)]
struct Answer {
    by: String,
    models: BTreeMap<String, Forecasts>,
}

impl Peer {
    /// The peer in an environment.
    #[must_use]
    pub fn new(environment: Environment, script: &Path, cache: &Path) -> Self {
        Self { environment, script: script.to_owned(), cache: cache.to_owned() }
    }

    /// Runs models over every series of a group, point forecasts only, and measures them; nothing is taken from before.
    ///
    /// # Errors
    /// The script fails.
    pub fn measure(&self, group: &Group, pairs: &[Pair]) -> Result<(String, BTreeMap<String, Forecasts>)> {
        let ids: Vec<&String> = group.series.keys().collect();
        let models: Vec<Value> = pairs.iter().map(|p| model(p, group.season, &ids)).collect();
        let answer = self.ask(group, &models, &[])?;
        Ok((answer.by, answer.models))
    }

    /// Forecasts with intervals of every series of a group: those that the group records, else those made before, else
    /// new ones.
    ///
    /// # Errors
    /// The script fails, or what was kept cannot be read or written.
    pub fn forecasts(&self, group: &Group, pairs: &[Pair]) -> Result<BTreeMap<String, Forecasts>> {
        let file = self.cache.join(format!("{}.json", digest(group)));
        let mut known: BTreeMap<String, Forecasts> = match std::fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("cannot read {}", file.display()))?,
            Err(_) => BTreeMap::new(),
        };
        // A group that records the peers' forecasts is complete: what a model lacks there took too long.
        if group.recorded.is_empty() {
            for pair in pairs {
                let before = known.entry(pair.theirs.to_owned()).or_default();
                let missing: Vec<&String> = group.series.keys().filter(|id| !before.contains_key(*id)).collect();
                if missing.is_empty() {
                    continue;
                }
                eprintln!("{}: {} forecasts {} series", group.name, pair.theirs, missing.len());
                let answer = self.ask(group, &[model(pair, group.season, &missing)], &[80, 95])?;
                for (name, forecasts) in answer.models {
                    known.entry(name).or_default().extend(forecasts);
                }
                std::fs::create_dir_all(&self.cache)?;
                std::fs::write(&file, serde_json::to_string(&known)?)?;
            }
        }
        known.extend(group.recorded.clone());
        known.values_mut().for_each(|forecasts| forecasts.retain(|id, _| group.series.contains_key(id)));
        Ok(known)
    }

    fn ask(&self, group: &Group, models: &[Value], levels: &[u32]) -> Result<Answer> {
        let series: BTreeMap<&String, &Vec<f64>> = group.series.iter().map(|(id, s)| (id, &s.train)).collect();
        let task = json!({"models": models, "horizon": group.horizon, "levels": levels, "series": series});
        let answer = self.environment.run(&self.script, &[], &task.to_string())?;
        serde_json::from_value(answer).context("the script's answer is not what was expected")
    }
}

fn model(pair: &Pair, season: usize, ids: &[&String]) -> Value {
    json!({"name": pair.theirs, "seasons": pair.seasons(season), "arguments": pair.arguments(season), "ids": ids})
}

/// The same for any sample of a group: kept forecasts are by series.
fn digest(group: &Group) -> String {
    format!("{}-{}-{}", group.name, group.season, group.horizon)
}
