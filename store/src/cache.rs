//! Aggregates that this process has folded lately. The log is append-only, so a fold never grows wrong, only old.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use atsre_domain::{Decider, Sequence, StreamId};

use crate::hash::Hash;

/// How many aggregates a process keeps folded.
const CACHED: usize = 64;

/// An aggregate as it stood at an event.
#[derive(Clone)]
pub(crate) struct Folded<D> {
    pub(crate) state: D,
    pub(crate) sequence: Sequence,
    /// The hash of the last event; none for an empty stream.
    pub(crate) hash: Option<Hash>,
}

/// The aggregates that were used last.
#[derive(Default)]
pub(crate) struct Cache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    clock: u64,
    entries: BTreeMap<(&'static str, StreamId), Entry>,
}

struct Entry {
    used: u64,
    folded: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    pub(crate) fn recall<D: Decider>(&self, stream: &StreamId) -> Option<Folded<D>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let entry = kept.entries.get_mut(&(D::TYPE, stream.clone()))?;
        entry.used = now;
        entry.folded.downcast_ref::<Folded<D>>().cloned()
    }

    pub(crate) fn keep<D: Decider>(&self, stream: &StreamId, folded: Folded<D>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let used = kept.clock;
        kept.entries.insert((D::TYPE, stream.clone()), Entry { used, folded: Arc::new(folded) });
        if kept.entries.len() > CACHED {
            let oldest = kept.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            if let Some(key) = oldest {
                kept.entries.remove(&key);
            }
        }
    }

    pub(crate) fn forget(&self, stream_type: &'static str, stream: &StreamId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).entries.remove(&(stream_type, stream.clone()));
    }
}
