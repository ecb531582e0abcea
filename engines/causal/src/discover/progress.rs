//! How a caller follows a long discovery, and ends it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::independence::{IndependenceTest, Outcome};
use crate::pcmci::{LaggedTest, Measured};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The data are looked at to choose an algorithm.
    Choosing,
    /// The algorithm runs; the count is of tests, where it asks any.
    Searching,
    /// The algorithm runs on samples drawn again; the count is of samples.
    Confidence,
}

/// Follows a discovery. Calls come from several threads, in no order; neither what is told nor when has an influence on the
/// result.
pub trait Progress: Sync {
    /// So much of a stage is done, of so much where that is known.
    fn advanced(&self, _stage: Stage, _done: u64, _of: Option<u64>) {}

    /// Whether the caller no longer wants the result: discovery then ends soon with
    /// [`DiscoverError::Cancelled`](super::DiscoverError::Cancelled).
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody follows.
impl Progress for () {}

/// Every so many tests the caller is told and asked.
const BEAT: u64 = 4096;

/// Counts the tests of one run, and stops it when it may not go on.
pub(super) struct Watch<'a> {
    progress: &'a dyn Progress,
    /// Whether the caller is told of each beat: replicates are counted as wholes.
    loud: bool,
    asked: AtomicU64,
    limit: u64,
    stopped: AtomicBool,
}

/// Why a run was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It asked more tests than it may.
    Exhausted,
    /// The caller wants no result.
    Cancelled,
}

impl<'a> Watch<'a> {
    pub(super) fn new(progress: &'a dyn Progress, loud: bool, limit: f64) -> Self {
        let limit = if limit < 1e18 { limit as u64 } else { u64::MAX };
        Self { progress, loud, asked: AtomicU64::new(0), limit, stopped: AtomicBool::new(false) }
    }

    /// Whether one more test may be asked.
    fn goes_on(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if asked.is_multiple_of(BEAT) {
            if self.loud {
                self.progress.advanced(Stage::Searching, asked, None);
            }
            if self.progress.cancelled() {
                self.stopped.store(true, Ordering::Relaxed);
            }
        }
        asked <= self.limit && !self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn outcome(&self) -> Option<Stopped> {
        if self.stopped.load(Ordering::Relaxed) || self.progress.cancelled() {
            return Some(Stopped::Cancelled);
        }
        (self.asked.load(Ordering::Relaxed) > self.limit).then_some(Stopped::Exhausted)
    }
}

/// A test under watch. When it has been stopped it says of everything that it is independent, which ends any search soon;
/// what is then found is thrown away.
pub(super) struct Watched<'a, T: ?Sized> {
    pub(super) test: &'a T,
    pub(super) watch: &'a Watch<'a>,
}

impl<T: IndependenceTest + ?Sized> IndependenceTest for Watched<'_, T> {
    fn variables(&self) -> usize {
        self.test.variables()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        if self.watch.goes_on() { self.test.test(x, y, given) } else { Outcome { statistic: 0.0, p_value: 1.0 } }
    }
}

impl<T: LaggedTest + ?Sized> LaggedTest for Watched<'_, T> {
    fn columns(&self) -> usize {
        self.test.columns()
    }

    fn max_lag(&self) -> usize {
        self.test.max_lag()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Measured {
        if self.watch.goes_on() { self.test.test(x, y, given) } else { Measured::NOTHING }
    }

    fn akaike(&self, y: usize, given: &[usize]) -> Option<f64> {
        self.test.akaike(y, given)
    }
}
