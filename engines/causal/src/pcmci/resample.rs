//! How often a link comes back, and as what, when blocks of rows are drawn again.

use rayon::prelude::*;

use super::PcmciError;
use super::links::{LaggedLinks, Link};
use super::par_corr::ParCorr;
use crate::bootstrap::draw;
use crate::lagged::columns::Frame;
use crate::lagged::moments::Moments;

const KINDS: [Link; 5] = [Link::Absent, Link::Forward, Link::Backward, Link::Open, Link::Conflict];

/// How often each link was found as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFrequencies {
    columns: usize,
    max_lag: usize,
    replicates: u32,
    /// By source, target and lag, then kind.
    counts: Vec<[u32; KINDS.len()]>,
}

impl LinkFrequencies {
    /// The share of replicates, 0 to 1, in which the link from a source so many steps back to a target was of a kind.
    #[must_use]
    pub fn share(&self, source: usize, target: usize, lag: usize, kind: Link) -> f64 {
        let counts = &self.counts[(source * self.columns + target) * (self.max_lag + 1) + lag];
        let count = KINDS.iter().zip(counts).find(|(k, _)| **k == kind).map_or(0, |(_, c)| *c);
        f64::from(count) / f64::from(self.replicates.max(1))
    }
}

/// Draws blocks of consecutive rows again `replicates` times (Künsch 1989) and runs an algorithm on the partial correlations of each
/// draw: `run` is [`super::pcmci_with`] or [`super::pcmci_plus_with`] with settings of longest lag `link_lag`. A row takes its whole past
/// with it, so that no lag is torn. The answer depends on the seed and not on the number of threads.
///
/// # Errors
/// [`PcmciError`]: columns that no test can be asked about, or what `run` returns.
pub fn link_frequencies(
    columns: &[Vec<f64>],
    link_lag: usize,
    replicates: u32,
    seed: u64,
    run: impl Fn(&ParCorr) -> Result<LaggedLinks, PcmciError> + Sync,
) -> Result<LinkFrequencies, PcmciError> {
    // For its checks: what it accepts can be summed in blocks.
    ParCorr::new(columns, link_lag)?;
    let size = columns.len();
    let mut frame = Frame {
        names: (0..size).map(|c| c.to_string()).collect(),
        series: vec![columns.to_vec()],
        left_out: Vec::new(),
        scored: Vec::new(),
    };
    frame.standardise();
    let moments = Moments::of_frame(&frame, 2 * link_lag);
    let found: Result<Vec<LaggedLinks>, PcmciError> = (0..u64::from(replicates))
        .into_par_iter()
        .map(|number| {
            let times = draw(moments.blocks(), seed, number);
            run(&ParCorr::of_moments(size, 2 * link_lag, &moments, Some(&times)))
        })
        .collect();
    let mut counts = vec![[0; KINDS.len()]; size * size * (link_lag + 1)];
    for links in found? {
        for (place, counts) in counts.iter_mut().enumerate() {
            let (pair, lag) = (place / (link_lag + 1), place % (link_lag + 1));
            let kind = links.get(pair / size, pair % size, lag);
            KINDS.iter().zip(counts.iter_mut()).filter(|(k, _)| **k == kind).for_each(|(_, c)| *c += 1);
        }
    }
    Ok(LinkFrequencies { columns: size, max_lag: link_lag, replicates, counts })
}
