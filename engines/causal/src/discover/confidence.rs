//! How often an edge comes back, and with which marks, when the units are drawn again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use atsre_domain::graph::Mark;
use rayon::prelude::*;

use super::DiscoverError;
use super::learner::Learner;
use super::progress::{Progress, Stage};
use crate::bootstrap::draw;
use crate::knowledge::Window;

/// Pairs that are joined in fewer samples than this share, and not in the graph, are not told of.
const SHARE_MIN: f64 = 0.05;

/// The marks at the earlier and the later node.
pub(super) type Marks = (Mark, Mark);

/// For each pair of the window, its marks over the replicates in which it is joined.
#[derive(Default)]
pub(super) struct Frequencies {
    counts: BTreeMap<(usize, usize), BTreeMap<Marks, u32>>,
    replicates: u32,
}

impl Frequencies {
    /// The share of replicates with exactly these marks; `None` without replicates.
    pub(super) fn share(&self, pair: (usize, usize), marks: Marks) -> Option<f64> {
        let hits = self.counts.get(&pair).and_then(|by_marks| by_marks.get(&marks)).copied().unwrap_or(0);
        (self.replicates > 0).then(|| f64::from(hits) / f64::from(self.replicates))
    }

    /// The pairs that were joined at all often, each with the share of each pair of marks.
    pub(super) fn told(&self) -> impl Iterator<Item = ((usize, usize), Vec<(Marks, f64)>)> + '_ {
        let all = f64::from(self.replicates.max(1));
        let often = move |by: &BTreeMap<Marks, u32>| f64::from(by.values().sum::<u32>()) >= SHARE_MIN * all;
        self.counts
            .iter()
            .filter(move |(_, by)| often(by))
            .map(move |(pair, by)| (*pair, by.iter().map(|(marks, count)| (*marks, f64::from(*count) / all)).collect()))
    }
}

/// Runs the algorithm on `replicates` samples of its units. A sample on which it cannot work (one that repeats so few rows that
/// columns become collinear, say) counts as one without edges. The order in which replicates end has no influence.
pub(super) fn measure(
    learner: &dyn Learner,
    window: Window,
    replicates: u32,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Frequencies, DiscoverError> {
    let done = AtomicU64::new(0);
    let of = Some(u64::from(replicates));
    let drawn: Vec<Vec<((usize, usize), Marks)>> = (0..u64::from(replicates))
        .into_par_iter()
        .map(|number| {
            if progress.cancelled() {
                return Err(DiscoverError::Cancelled);
            }
            let learned = learner.learn(Some(&draw(learner.units(), seed, number)), progress);
            progress.advanced(Stage::Confidence, done.fetch_add(1, Ordering::Relaxed) + 1, of);
            let learned = match learned {
                Ok(learned) => learned,
                Err(DiscoverError::Cancelled) => return Err(DiscoverError::Cancelled),
                Err(_) => return Ok(Vec::new()),
            };
            let marks = |(i, j): (usize, usize)| {
                Some(((i, j), (learned.pattern.mark_at(i, j)?, learned.pattern.mark_at(j, i)?)))
            };
            Ok(window.pairs().filter_map(marks).collect())
        })
        .collect::<Result<_, DiscoverError>>()?;
    let mut frequencies = Frequencies { replicates, ..Frequencies::default() };
    for (pair, marks) in drawn.into_iter().flatten() {
        *frequencies.counts.entry(pair).or_default().entry(marks).or_insert(0) += 1;
    }
    Ok(frequencies)
}
