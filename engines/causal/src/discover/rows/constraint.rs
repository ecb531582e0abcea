//! PC and FCI on rows.

use atsre_domain::graph::BackgroundKnowledge;

use super::Sample;
use crate::discover::learner::{Learned, Learner};
use crate::discover::progress::{Progress, Stopped, Watch, Watched};
use crate::discover::{DiscoverError, DiscoverOptions};
use crate::fci;
use crate::independence::IndependenceTest;
use crate::knowledge::Knowledge;
use crate::pc;

/// The largest conditioning set of FCI's possible-d-sep step once all sets have turned out to be too many.
const POSSIBLE_D_SEP_MAX: usize = 3;

enum Kind {
    Pc,
    Fci(fci::Mode),
}

pub(in crate::discover) struct Constraint<'a> {
    sample: Sample,
    knowledge: &'a Knowledge,
    options: &'a DiscoverOptions,
    kind: Kind,
}

impl<'a> Constraint<'a> {
    pub(super) fn pc(sample: Sample, knowledge: &'a Knowledge, options: &'a DiscoverOptions) -> Self {
        Self { sample, knowledge, options, kind: Kind::Pc }
    }

    pub(in crate::discover) fn fci(
        sample: Sample,
        knowledge: &'a Knowledge,
        known: &BackgroundKnowledge,
        options: &'a DiscoverOptions,
    ) -> Self {
        let every_kind_of_knowledge =
            !(known.tiers.is_empty() || known.forbidden.is_empty() || known.required.is_empty());
        let mode =
            if options.compatible() { fci::Mode::Compatible { every_kind_of_knowledge } } else { fci::Mode::Default };
        Self { sample, knowledge, options, kind: Kind::Fci(mode) }
    }

    /// Also, whether it gave up at a bound of its own.
    fn run(&self, test: &dyn IndependenceTest, max_depth: Option<usize>, most: Option<usize>) -> (Learned, bool) {
        let alpha = self.options.alpha;
        match self.kind {
            Kind::Pc => {
                let settings = pc::Settings { alpha, max_depth, mode: self.options.mode };
                let found = pc::run(test, self.knowledge, &settings);
                (Learned::of_outcomes(found.pattern, &found.nearest, found.tests), false)
            }
            Kind::Fci(mode) => {
                let settings = fci::Settings { alpha, max_depth, max_possible_d_sep: most, mode };
                let found = fci::run(test, self.knowledge, &settings);
                (Learned::of_outcomes(found.pattern, &found.nearest, found.tests), found.curtailed)
            }
        }
    }
}

impl Learner for Constraint<'_> {
    fn units(&self) -> usize {
        self.sample.rows()
    }

    /// First without a limit on the conditioning sets; if that asks for more tests than can be afforded, again with the
    /// largest limit with which it cannot.
    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError> {
        let columns = self.sample.variables();
        let test = self.sample.test(times).map_err(|source| DiscoverError::Categories {
            test: self.sample.test.key(),
            column: String::new(),
            source,
        })?;
        let most = self.sample.test.affordable(self.sample.rows());
        let watch = Watch::new(progress, times.is_none(), most);
        let (learned, curtailed) =
            self.run(&Watched { test: test.as_ref(), watch: &watch }, self.options.max_depth, None);
        match watch.outcome() {
            None if !curtailed => return Ok(learned),
            Some(Stopped::Cancelled) => return Err(DiscoverError::Cancelled),
            None | Some(Stopped::Exhausted) => {}
        }
        if self.options.compatible() || self.options.max_depth.is_some() {
            let advice = "limit the conditioning sets, lower the level, or leave columns out";
            return Err(DiscoverError::TooMuchWork { tests: most as u64, advice });
        }
        let pairs = columns * columns.saturating_sub(1) / 2;
        let depth = self.options.depth(pairs, columns.saturating_sub(1), 0.5 * most);
        // Orientation asks tests besides those of the skeleton, which the limit on depth does not count.
        let watch = Watch::new(progress, times.is_none(), 8.0 * most);
        let watched = Watched { test: test.as_ref(), watch: &watch };
        let (mut learned, curtailed) = self.run(&watched, depth, Some(POSSIBLE_D_SEP_MAX));
        if watch.outcome() == Some(Stopped::Cancelled) {
            return Err(DiscoverError::Cancelled);
        }
        if curtailed || watch.outcome() == Some(Stopped::Exhausted) {
            let advice = "lower the level, limit the conditioning sets, or leave columns out";
            return Err(DiscoverError::TooMuchWork { tests: 8 * most as u64, advice });
        }
        if let Some(depth) = depth {
            learned.notes.push(format!(
                "conditioning sets hold at most {depth} variables: without that limit more than {most:.0} tests would be asked"
            ));
        }
        Ok(learned)
    }
}
