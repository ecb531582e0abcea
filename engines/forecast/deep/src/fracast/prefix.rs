//! What the encoder makes of moments before the first observed one. They hold nothing but their time and their phases,
//! and the network is causal, so all series with the same periods share them: a panel of short series is encoded once,
//! and then only where it has data. The bits are those of a computation without it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::encoder::{TAIL, add};
use super::periods::Periods;
use super::{Row, WIDTH, WINDOW};

/// Prefixes that are kept, of six megabytes each.
const KEPT: usize = 4;

/// The states of a window in which nothing was observed.
#[derive(Debug)]
pub(super) struct Prefix {
    /// The input of each stage.
    pub(super) stages: Vec<Vec<Row>>,
    /// The sum of the final states before each moment.
    pub(super) sums: Vec<[f64; WIDTH]>,
    /// The last final states.
    tail: Vec<Row>,
}

impl Prefix {
    pub(super) fn new(stages: Vec<Vec<Row>>, finals: &[Row]) -> Self {
        let mut sum = [0.0; WIDTH];
        let mut sums = Vec::with_capacity(finals.len() + 1);
        sums.push(sum);
        for row in finals {
            add(&mut sum, row);
            sums.push(sum);
        }
        Self { stages, sums, tail: finals[WINDOW - TAIL..].to_vec() }
    }

    /// Those of the window's last states that lie before `first`.
    pub(super) fn tail(&self, first: usize) -> &[Row] {
        &self.tail[..first.saturating_sub(WINDOW - TAIL)]
    }
}

/// The prefixes of the periods seen last.
#[derive(Debug, Default)]
pub(super) struct Prefixes(Mutex<VecDeque<(Periods, Arc<OnceLock<Prefix>>)>>);

impl Prefixes {
    /// A place for the prefix of these periods where they were asked for before: one series alone would pay for it and
    /// have nothing of it.
    pub(super) fn place(&self, periods: &Periods) -> Option<Arc<OnceLock<Prefix>>> {
        // A thread that panicked while it held the lock has left whole entries behind.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.iter().position(|(key, _)| key == periods) {
            let entry = kept.remove(found)?;
            let place = Arc::clone(&entry.1);
            kept.push_front(entry);
            return Some(place);
        }
        kept.truncate(KEPT - 1);
        kept.push_front((*periods, Arc::default()));
        None
    }
}
