//! The tree of forks that an experiment belongs to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use atsre_domain::{Decider, Position, StreamId, experiment::Experiment};
use atsre_store::{Error, Store};
use serde::Serialize;

use crate::line::{Best, Fork, Line};

/// An experiment and everything that was ever forked from it, at any depth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForkTree {
    /// The experiment that was not forked from any.
    pub root: ForkNode,
}

/// One experiment in the tree. As JSON: `stream`, `experiment_id`, `name`, `status`, `input_erased_at`, `asked`, `best`, `fork`, `events`,
/// `last_position`, `children`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForkNode {
    /// Its stream.
    pub stream: StreamId,
    /// The number that people call it by: the position of its first own event; none for a fork that has none yet.
    pub experiment_id: Option<Position>,
    /// Its name.
    pub name: String,
    /// `PLANNED`, `RUNNING`, `AWAITING_APPROVAL`, `COMPLETED`, `FAILED` or `CANCELLED`.
    pub status: &'static str,
    /// Where the log has the erasure of its data, if they were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_erased_at: Option<Position>,
    /// Whether it is the experiment that was asked about, or one of those compared.
    pub asked: bool,
    /// Its best trial, where one gave a result; shared trials count.
    pub best: Option<Best>,
    /// Where and why it left its parent; none for the root.
    pub fork: Option<Fork>,
    /// Events of its own.
    pub events: u64,
    /// The position of its last event, a shared one where it has none of its own.
    pub last_position: Position,
    /// Its forks, by the position at which they leave it and then by their own number.
    pub children: Vec<ForkNode>,
}

/// The whole tree that an experiment belongs to: its root and everything forked from that.
///
/// # Errors
/// [`Error::NotFound`] when there is no such experiment; when an event cannot be read or the store does not answer.
pub async fn forks(store: &Store, experiment: &StreamId) -> Result<ForkTree, Error> {
    if store.log().read_stream(Experiment::TYPE, experiment).await?.is_empty() {
        return Err(Error::NotFound(format!("experiment {experiment}")));
    }
    let lineage: Vec<(String, String)> =
        sqlx::query_as("SELECT child, parent FROM atsre.stream_lineage WHERE aggregate_type = $1 ORDER BY child")
            .bind(Experiment::TYPE)
            .fetch_all(store.pool())
            .await?;
    let parents: BTreeMap<&str, &str> =
        lineage.iter().map(|(child, parent)| (child.as_str(), parent.as_str())).collect();
    let mut root = experiment.0.as_str();
    // As many steps as there are forks: a lineage that was tampered with may run in a circle.
    for _ in 0..lineage.len() {
        let Some(parent) = parents.get(root) else { break };
        root = parent;
    }
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (child, parent) in parents.iter().map(|(child, parent)| (*child, *parent)) {
        children.entry(parent).or_default().push(child);
    }
    // Parents before children, then folded together from the last to the first.
    let mut order = vec![(root, None)];
    let mut next = 0;
    while let Some((stream, _)) = order.get(next).copied() {
        let own = children.remove(stream).unwrap_or_default();
        order.extend(own.into_iter().map(|child| (child, Some(next))));
        next += 1;
    }
    let mut nodes = Vec::with_capacity(order.len());
    for (stream, parent) in &order {
        nodes.push((Some(node(store, &StreamId((*stream).to_owned()), experiment).await?), *parent));
    }
    for index in (1..nodes.len()).rev() {
        let (child, parent) = (nodes[index].0.take(), nodes[index].1);
        if let (Some(child), Some(Some(parent))) = (child, parent.map(|p| nodes[p].0.as_mut())) {
            parent.children.push(child);
        }
    }
    let root = nodes.swap_remove(0).0.map(sorted);
    root.map(|root| ForkTree { root }).ok_or_else(|| Error::NotFound(format!("experiment {experiment}")))
}

async fn node(store: &Store, stream: &StreamId, asked: &StreamId) -> Result<ForkNode, Error> {
    let line = Line::read(store, stream).await?;
    Ok(ForkNode {
        stream: stream.clone(),
        experiment_id: line.id,
        name: line.name(),
        status: line.state.status(),
        input_erased_at: line.state.input_erased.as_ref().map(|erased| erased.erased_at_position),
        asked: stream == asked,
        best: line.best(),
        fork: line.fork(store).await?,
        events: line.own_events,
        last_position: line.positions.last().map_or(Position(0), |(_, position)| *position),
        children: Vec::new(),
    })
}

fn sorted(mut node: ForkNode) -> ForkNode {
    node.children.sort_by_key(|child| {
        (child.fork.as_ref().and_then(|fork| fork.at_position), child.experiment_id, child.stream.clone())
    });
    node.children = node.children.into_iter().map(sorted).collect();
    node
}

impl ForkTree {
    /// All experiments of the tree, each before its forks.
    #[must_use]
    pub fn nodes(&self) -> Vec<&ForkNode> {
        fn visit<'a>(node: &'a ForkNode, all: &mut Vec<&'a ForkNode>) {
            all.push(node);
            node.children.iter().for_each(|child| visit(child, all));
        }
        let mut all = Vec::new();
        visit(&self.root, &mut all);
        all
    }

    /// Marks these experiments, and no other, as those that were asked about.
    pub(crate) fn ask(&mut self, experiments: &[StreamId]) {
        fn visit(node: &mut ForkNode, experiments: &[StreamId]) {
            node.asked = experiments.contains(&node.stream);
            node.children.iter_mut().for_each(|child| visit(child, experiments));
        }
        visit(&mut self.root, experiments);
    }

    /// The tree as lines of text, the experiments that were asked about marked with `*`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        draw(&self.root, "", "", &mut text);
        // Foreign text must not steer the terminal.
        text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
    }
}

fn draw(node: &ForkNode, lead: &str, below: &str, text: &mut String) {
    let number = node.experiment_id.map_or_else(|| format!("({})", node.stream), |id| id.to_string());
    let mark = if node.asked { " *" } else { "" };
    let best = node.best.as_ref().map_or_else(
        || "no result".to_owned(),
        |best| match (best.metric, best.value) {
            (Some(metric), Some(value)) => {
                format!("best {} {value:.4} ({}, trial {})", metric.to_uppercase(), best.model, best.trial)
            }
            _ => format!("best {} (trial {}), not scored", best.model, best.trial),
        },
    );
    // Writing to a string does not fail.
    let erased = node.input_erased_at.map_or_else(String::new, |at| format!("  (its data were erased at {at})"));
    let _ = writeln!(text, "{lead}{number}{mark}  {}  {}  {best}{erased}", node.name, node.status);
    if let Some(fork) = &node.fork {
        let at = fork.at_position.map_or_else(|| format!("sequence {}", fork.at_sequence), |p| format!("position {p}"));
        let set: Vec<String> = fork.overrides.iter().map(|o| format!("{}={}", o.key, o.value)).collect();
        let set = if set.is_empty() { String::new() } else { format!("; set {}", set.join(", ")) };
        let why = fork.reason.as_deref().unwrap_or("not said yet");
        let bar = if node.children.is_empty() { "   " } else { "│  " };
        let _ = writeln!(text, "{below}{bar}forked at {at}: {why}{set}");
    }
    for (index, child) in node.children.iter().enumerate() {
        let last = index + 1 == node.children.len();
        let (branch, rest) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw(child, &format!("{below}{branch}"), &format!("{below}{rest}"), text);
    }
}
