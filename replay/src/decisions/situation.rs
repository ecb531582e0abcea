//! What was known at each event of a history.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;

use atsre_domain::dataset::{self, Dataset};
use atsre_domain::experiment::{self, Experiment};
use atsre_domain::{Decider as _, Position};
use atsre_store::StoredEvent;

use super::evidence::Evidence;

/// Moments that are kept: a decision was made on one of them.
const KEPT: usize = 512;

/// What was known after an event.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// The event.
    pub(super) position: Position,
    pub(super) experiment: Rc<Experiment>,
    pub(super) dataset: Rc<Dataset>,
}

impl Moment {
    /// The version of the data that the experiment worked on, with the clean table that it asked for.
    pub(super) fn version(&self) -> Option<Cow<'_, dataset::Version>> {
        let opened = self.experiment.opened.as_ref()?;
        let version = self.dataset.version(opened.dataset.version)?;
        Some(version.seen_with(&self.experiment.constraints.discovery.cleaning))
    }
}

/// The history up to an event, and the evidence around it.
#[derive(Debug)]
pub(super) struct Situation<'a> {
    pub(super) evidence: &'a Evidence,
    moments: VecDeque<Moment>,
}

impl<'a> Situation<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        let nothing = Moment { position: Position(0), experiment: Rc::default(), dataset: Rc::default() };
        Self { evidence, moments: VecDeque::from([nothing]) }
    }

    /// What was known just before the next event.
    pub(super) fn now(&self) -> &Moment {
        self.moments.back().unwrap_or_else(|| unreachable!("one moment is always kept"))
    }

    /// The moments before the next event, the newest first. Which of them an agent looked at is not on record: others may
    /// have gone on between its look and its decision.
    pub(super) fn moments(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().rev()
    }

    /// Goes on by an event. What cannot be read changes nothing; it was told as a difference.
    pub(super) fn follow(&mut self, stored: &StoredEvent) {
        let Moment { mut experiment, mut dataset, .. } = self.now().clone();
        if let Ok(recorded) = stored.recorded::<experiment::Event>() {
            Rc::make_mut(&mut experiment).evolve(&recorded.event);
        } else if let Ok(recorded) = stored.recorded::<dataset::Event>() {
            Rc::make_mut(&mut dataset).evolve(&recorded.event);
        }
        self.moments.push_back(Moment { position: stored.position, experiment, dataset });
        if self.moments.len() > KEPT {
            self.moments.pop_front();
        }
    }
}
