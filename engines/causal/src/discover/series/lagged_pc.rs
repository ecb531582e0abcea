//! PC on the columns and their lags.

use super::Ready;
use super::blocks::Blocks;
use crate::discover::learner::{Learned, Learner};
use crate::discover::options::TESTS_MAX;
use crate::discover::progress::{Progress, Stopped, Watch, Watched};
use crate::discover::{DiscoverError, DiscoverOptions, TestChoice};
use crate::independence::{FisherZ, IndependenceTest, RandomFeatures};
use crate::knowledge::Knowledge;
use crate::pc::{self, Mode, Settings};

/// More tests than this are not asked, whatever the limit on depth.
const EXHAUSTED: f64 = 64.0;

pub(super) struct LaggedPc<'a> {
    ready: &'a Ready,
    knowledge: &'a Knowledge,
    test: TestChoice,
    settings: Settings,
    most: f64,
    seed: u64,
}

impl<'a> LaggedPc<'a> {
    pub(super) fn new(
        ready: &'a Ready,
        knowledge: &'a Knowledge,
        test: TestChoice,
        options: &DiscoverOptions,
        reasons: &mut Vec<String>,
    ) -> Self {
        let (columns, max_lag) = (ready.frame.names.len(), ready.max_lag);
        let most = TESTS_MAX.min(test.affordable(ready.moments.rows()));
        let pairs = columns * columns * max_lag + columns * (columns - 1) / 2;
        let depth = options.depth(pairs, ready.window().nodes() - 1, most);
        if let Some(depth) = depth {
            reasons.push(format!(
                "conditioning sets hold at most {depth} variables, which keeps the number of tests affordable"
            ));
        }
        let settings = Settings { alpha: options.alpha, max_depth: depth, mode: Mode::Default };
        Self { ready, knowledge, test, settings, most, seed: options.seed }
    }

    fn test(&self, times: Option<&[u32]>) -> Result<Box<dyn IndependenceTest>, DiscoverError> {
        if self.test != TestChoice::Kernel {
            let test = FisherZ::new(self.ready.moments.correlation(times), self.ready.moments.rows());
            return Ok(Box::new(test.with_inflation(self.ready.inflation.clone())));
        }
        let blocks = Blocks::of_frame(&self.ready.frame, self.ready.max_lag, self.ready.moments.block_length());
        let nodes = blocks.nodes(&self.ready.frame, times);
        let test = RandomFeatures::new(&nodes, self.seed);
        Ok(Box::new(test.map_err(|error| DiscoverError::Gaps { what: error.to_string() })?))
    }
}

impl Learner for LaggedPc<'_> {
    fn units(&self) -> usize {
        self.ready.moments.blocks()
    }

    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError> {
        let test = self.test(times)?;
        let watch = Watch::new(progress, times.is_none(), EXHAUSTED * self.most);
        let found = pc::run(&Watched { test: test.as_ref(), watch: &watch }, self.knowledge, &self.settings);
        match watch.outcome() {
            None => Ok(Learned::of_outcomes(found.pattern, &found.nearest, found.tests)),
            Some(Stopped::Cancelled) => Err(DiscoverError::Cancelled),
            Some(Stopped::Exhausted) => {
                let advice = "lower the level or the longest lag, limit the conditioning sets, or leave columns out";
                Err(DiscoverError::TooMuchWork { tests: (EXHAUSTED * self.most) as u64, advice })
            }
        }
    }
}
