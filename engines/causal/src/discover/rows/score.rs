//! GES on rows.

use super::drawn;
use crate::discover::learner::{Evidence, Learned, Learner};
use crate::discover::progress::Progress;
use crate::discover::{DiscoverError, DiscoverOptions};
use crate::equivalence::extension_of;
use crate::ges::{self, GaussianBic, Mode};
use crate::knowledge::Knowledge;
use crate::pattern::Pattern;

/// Schwarz's criterion.
const PENALTY: f64 = 0.5;

pub(super) struct Score<'a> {
    columns: &'a [Vec<f64>],
    knowledge: &'a Knowledge,
    settings: ges::Settings,
}

impl<'a> Score<'a> {
    pub(super) fn new(columns: &'a [Vec<f64>], knowledge: &'a Knowledge, options: &DiscoverOptions) -> Self {
        let mode = if options.compatible() { Mode::Compatible } else { Mode::Default };
        Self { columns, knowledge, settings: ges::Settings { max_parents: options.max_depth, mode } }
    }
}

impl Learner for Score<'_> {
    fn units(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError> {
        let again = times.map(|times| drawn(self.columns, times));
        let columns = again.as_deref().unwrap_or(self.columns);
        let score = GaussianBic::new(columns, PENALTY)?;
        let found = ges::run(&score, self.knowledge, &self.settings);
        if progress.cancelled() {
            return Err(DiscoverError::Cancelled);
        }
        let mut learned = Learned::empty(columns.len());
        weigh(&score, &found.pattern, &mut learned);
        learned.pattern = found.pattern;
        Ok(learned)
    }
}

/// An edge's statistic is by how much the criterion would fall without it, in one graph of the class.
fn weigh(score: &GaussianBic, pattern: &Pattern, learned: &mut Learned) {
    let Ok(member) = extension_of(pattern) else { return };
    for effect in 0..member.nodes() {
        let parents: Vec<usize> = member.neighbours(effect).filter(|c| member.directed(*c, effect)).collect();
        for cause in &parents {
            let mut last: Vec<usize> = parents.iter().copied().filter(|p| p != cause).collect();
            last.push(*cause);
            let evidence = Evidence { statistic: score.gain(effect, &last), p_value: f64::NAN };
            learned.evidence.insert((effect.min(*cause), effect.max(*cause)), evidence);
        }
    }
}
