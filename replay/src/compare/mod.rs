//! Experiments side by side, from where they part: decisions, leaderboards, the same backtest windows with a paired
//! test, time, energy, and the price of the difference.
//!
//! [`compare`](fn@compare) gives the [`Comparison`]; its fields are its JSON, [`text()`] and [`page()`] draw it for people.
//! Every number comes from the log and the artifacts it names: comparing again gives the same bytes.

mod chart;
mod decisions;
mod overlay;
mod page;
mod page_tests;
mod paired;
mod standings;
mod text;
mod tree_chart;

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::{Position, Sequence, StreamId};
use atsre_store::{Store, rfc3339, told};
use serde::Serialize;

use crate::forks::{ForkTree, forks};
use crate::line::{Best, Fork, Line};

pub use decisions::{Contrast, Decision};
pub use overlay::{Overlaid, Overlay, Path};
pub use page::page;
pub use paired::{Contender, Pair, Price, Tested, Versus};
pub use standings::{Cost, Standing, Weighted};
pub use text::text;

/// As many experiments as still can be told apart on a page; each is compared with each.
pub const MOST: usize = 8;

/// Why experiments cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too few or too many.
    #[error("{0} experiments were given; a comparison takes 2 to {MOST}")]
    Count(usize),
    /// One was given twice.
    #[error("experiment {0} was given twice; name each experiment once")]
    Twice(StreamId),
    /// The store failed, or an experiment does not exist.
    #[error(transparent)]
    Store(#[from] atsre_store::Error),
}

/// Experiments side by side. As JSON: `parting`, `criterion`, `branches`, `contrasts`, `pairs`, `forecasts`, `trees`; keys
/// are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Where all of them part.
    pub parting: Parting,
    /// The measure that ranks the leaderboards, such as `mase`.
    pub criterion: &'static str,
    /// The experiments, in the order given.
    pub branches: Vec<Branch>,
    /// In what they agree and differ, aspect by aspect.
    pub contrasts: Vec<Contrast>,
    /// Each against each.
    pub pairs: Vec<Pair>,
    /// The forecasts of the bests over each other, for the series on which they differ most.
    pub forecasts: Vec<Overlay>,
    /// The trees of forks that they belong to, one for each root.
    pub trees: Vec<ForkTree>,
}

/// Where experiments part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// The last sequence that they share; none where they share no past.
    pub sequence: Option<Sequence>,
    /// The position of that event.
    pub position: Option<Position>,
    /// Its type.
    pub event_type: Option<String>,
    /// When it was recorded, in RFC 3339.
    pub recorded_at: Option<String>,
    /// Whether they work on the same version of the same data set.
    pub same_data: bool,
    /// In words.
    pub statement: String,
}

/// One of the experiments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Branch {
    /// `A`, `B`, … in the order given.
    pub label: String,
    /// The number that people call it by; none for a fork without an event of its own.
    pub experiment_id: Option<Position>,
    /// Its stream.
    pub stream: StreamId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: &'static str,
    /// The data set and its version, such as `bikes` and 1.
    pub dataset: Option<(String, u32)>,
    /// Steps to forecast.
    pub horizon: Option<u32>,
    /// Where and why it left its parent; none for an experiment that is no fork.
    pub fork: Option<Fork>,
    /// Its best trial.
    pub best: Option<Best>,
    /// What it decided after they part.
    pub decisions: Vec<Decision>,
    /// Its trials and its ensemble, the best first.
    pub leaderboard: Vec<Standing>,
    /// What it cost.
    pub cost: Cost,
}

impl Branch {
    /// The best trial's row.
    pub(crate) fn best_standing(&self) -> Option<&Standing> {
        let best = self.best.as_ref()?;
        self.leaderboard.iter().find(|row| row.trial == best.trial && row.result.is_some())
    }

    /// What a reader calls it: `A · experiment 12 “bikes”`.
    #[must_use]
    pub fn title(&self) -> String {
        let id = self.experiment_id.map_or_else(|| self.stream.to_string(), |id| id.to_string());
        format!("{} · experiment {id} “{}”", self.label, self.name)
    }
}

/// Compares experiments, each with each, from where they part. They may be forks of each other, forks of one parent, or
/// strangers, even on different data: what cannot be compared then says so.
///
/// # Errors
/// [`Error`], by its kind.
pub async fn compare(store: &Store, experiments: &[StreamId]) -> Result<Comparison, Error> {
    if !(2..=MOST).contains(&experiments.len()) {
        return Err(Error::Count(experiments.len()));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = experiments.iter().find(|stream| !seen.insert(*stream)) {
        return Err(Error::Twice(twice.clone()));
    }
    let mut lines = Vec::with_capacity(experiments.len());
    for stream in experiments {
        lines.push(Line::read(store, stream).await?);
    }
    let all: Vec<&Line> = lines.iter().collect();
    let parting = parting(&all);
    let parted = parting.sequence.map_or(0, |sequence| sequence.0);
    let criterion = standings::criterion(&lines);
    let mut branches = Vec::with_capacity(lines.len());
    for (line, label) in lines.iter().zip('A'..) {
        branches.push(Branch {
            label: label.to_string(),
            experiment_id: line.id,
            stream: line.stream.clone(),
            name: line.name(),
            status: line.state.status(),
            dataset: line.state.opened.as_ref().map(|o| (o.dataset.name.clone(), o.dataset.version)),
            horizon: line.state.opened.as_ref().map(|o| o.horizon),
            fork: line.fork(store).await?,
            best: line.best(),
            decisions: decisions::decisions(line, parted),
            leaderboard: standings::leaderboard(line, criterion, parted),
            cost: standings::cost(line, parted),
        });
    }
    let results = results(store, &branches).await?;
    let mut pairs = Vec::new();
    for (i, j) in (0..lines.len()).flat_map(|i| (i + 1..lines.len()).map(move |j| (i, j))) {
        let parting = self::parting(&[&lines[i], &lines[j]]);
        pairs.push(paired::pair(&branches[i], &branches[j], parting, criterion.name(), &results));
    }
    let forecasts = overlay::overlays(store, &lines, &branches, &results).await?;
    let contrasts = decisions::contrasts(&lines);
    Ok(Comparison {
        parting,
        criterion: criterion.name(),
        contrasts,
        pairs,
        forecasts,
        trees: trees(store, experiments).await?,
        branches,
    })
}

/// The deepest event that all of them share: streams share a prefix, and the event at one place of two streams is one
/// event exactly where its position is the same.
fn parting(lines: &[&Line]) -> Parting {
    let (Some(first), rest) = (lines.first(), lines.get(1..).unwrap_or_default()) else { return apart(false) };
    let shared =
        first.positions.iter().enumerate().take_while(|(k, at)| rest.iter().all(|l| l.positions.get(*k) == Some(*at)));
    let last = shared.last().map(|(_, at)| *at);
    let dataset = |line: &Line| line.state.opened.as_ref().map(|o| (o.dataset.stream.clone(), o.dataset.version));
    let same_data = rest.iter().all(|line| dataset(line) == dataset(first));
    let Some((sequence, position)) = last else { return apart(same_data) };
    // Samples of resources are left out of the events; the last decision before one then stands for it.
    let event = first.events.iter().rfind(|event| event.position <= position);
    let event_type = event.map(|e| atsre_domain::event::WireEvent::event_type(&e.event).to_owned());
    let recorded_at = event.map(|e| rfc3339(e.recorded_at));
    let after = event_type.as_ref().map_or(String::new(), |name| format!(", after {name}"));
    let statement = format!("They share their past up to position {position} (sequence {sequence}{after}).");
    Parting { sequence: Some(sequence), position: Some(position), event_type, recorded_at, same_data, statement }
}

fn apart(same_data: bool) -> Parting {
    let statement = if same_data {
        "They share no past; they work on the same version of the same data set."
    } else {
        "They share no past, and they do not work on the same version of one data set."
    };
    Parting {
        sequence: None,
        position: None,
        event_type: None,
        recorded_at: None,
        same_data,
        statement: statement.to_owned(),
    }
}

/// The results that the leaderboards name, each read once.
async fn results(store: &Store, branches: &[Branch]) -> Result<paired::Results, atsre_store::Error> {
    let mut results = BTreeMap::new();
    let digests: BTreeSet<_> =
        branches.iter().flat_map(|branch| branch.leaderboard.iter().filter_map(|row| row.result.clone())).collect();
    for digest in digests {
        // A result that is missing, damaged or erased is told where it is missed; a store that does not answer is an error.
        let result = match store.artifacts().get(&digest).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            Err(error @ (atsre_store::Error::Unavailable(_) | atsre_store::Error::Refused(_))) => return Err(error),
            Err(error) => Err(told(&error)),
        };
        results.insert(digest, result);
    }
    Ok(results)
}

/// The trees that the experiments belong to, each once.
async fn trees(store: &Store, experiments: &[StreamId]) -> Result<Vec<ForkTree>, atsre_store::Error> {
    let mut trees: Vec<ForkTree> = Vec::new();
    for stream in experiments {
        if !trees.iter().any(|tree| tree.nodes().iter().any(|node| node.stream == *stream)) {
            trees.push(forks(store, stream).await?);
        }
    }
    trees.iter_mut().for_each(|tree| tree.ask(experiments));
    Ok(trees)
}
