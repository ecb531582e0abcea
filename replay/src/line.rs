//! An experiment's stream as it was read: its past, what it shares of it, and what it came to.

use atsre_domain::experiment::{Event, Experiment, ExperimentForked, Phase};
use atsre_domain::metric::{Metric, Split};
use atsre_domain::policy::best::{best, score};
use atsre_domain::{Decider, Position, Recorded, Sequence, StreamId, TrialNumber};
use atsre_store::{Error, Store};
use serde::Serialize;

/// The measures that rank models, in order of preference: the first that there is decides.
pub(crate) const CRITERIA: [Metric; 3] = [Metric::Mase, Metric::Wql, Metric::Mae];

/// One experiment, read from its first shared event to its last own one.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) stream: StreamId,
    /// Where every event stands, the shared ones included.
    pub(crate) positions: Vec<(Sequence, Position)>,
    /// The events but for samples of resources, which are many and decide nothing here.
    pub(crate) events: Vec<Recorded<Event>>,
    /// The position of its first own event: the number that people call it by; none for a fork without one.
    pub(crate) id: Option<Position>,
    /// Events of its own.
    pub(crate) own_events: u64,
    pub(crate) state: Experiment,
}

/// The best trial of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// Its number, the ensemble's included.
    pub trial: u32,
    /// The model, or `ensemble`.
    pub model: String,
    /// The measure that `value` is of, such as `mase`; none where nothing was scored.
    pub metric: Option<&'static str>,
    /// Its error on the backtest.
    pub value: Option<f64>,
}

/// One thing that a fork sets differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Override {
    /// What.
    pub key: String,
    /// To what.
    pub value: String,
}

/// Where and why an experiment left its parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fork {
    /// The parent's stream.
    pub parent: StreamId,
    /// The last sequence that the two share.
    pub at_sequence: Sequence,
    /// The position of that event.
    pub at_position: Option<Position>,
    /// Why; none where the fork has not said it yet.
    pub reason: Option<String>,
    /// What it sets differently.
    pub overrides: Vec<Override>,
}

impl Line {
    pub(crate) async fn read(store: &Store, stream: &StreamId) -> Result<Self, Error> {
        let stored = store.log().read_stream(Experiment::TYPE, stream).await?;
        if stored.is_empty() {
            return Err(Error::NotFound(format!("experiment {stream}")));
        }
        let own = || stored.iter().filter(|event| event.stream == *stream);
        let (id, own_events) = (own().next().map(|event| event.position), own().count() as u64);
        let positions = stored.iter().map(|event| (event.sequence, event.position)).collect();
        let telling = stored.iter().filter(|event| event.event_type != "ResourceSampled");
        let events = telling.map(|event| event.recorded::<Event>()).collect::<Result<Vec<_>, _>>()?;
        let state = Experiment::fold(events.iter().map(|event| &event.event));
        Ok(Self { stream: stream.clone(), positions, events, id, own_events, state })
    }

    /// Its name, as it was opened.
    pub(crate) fn name(&self) -> String {
        self.state.opened.as_ref().map(|opened| opened.name.clone()).unwrap_or_default()
    }

    /// What its own fork event says.
    pub(crate) fn forked(&self) -> Option<&ExperimentForked> {
        self.events.iter().filter(|event| event.stream == self.stream).find_map(|event| match &event.event {
            Event::ExperimentForked(forked) => Some(forked),
            _ => None,
        })
    }

    /// Where it left its parent; the place itself comes from the store's lineage.
    pub(crate) async fn fork(&self, store: &Store) -> Result<Option<Fork>, Error> {
        let Some((parent, at_sequence)) = store.parent(&self.stream).await? else { return Ok(None) };
        let at_position = self.positions.iter().find(|(sequence, _)| *sequence == at_sequence).map(|(_, p)| *p);
        let overrides = self.forked().map_or_else(Vec::new, |forked| {
            let pairs = forked.overrides.iter();
            pairs.map(|(key, value)| Override { key: key.clone(), value: value.clone() }).collect()
        });
        let reason = self.forked().map(|forked| forked.reason.clone());
        Ok(Some(Fork { parent, at_sequence, at_position, reason, overrides }))
    }

    /// The trial it ended with, or the best so far.
    pub(crate) fn best_trial(&self) -> Option<TrialNumber> {
        match self.state.phase {
            Phase::Completed { best } => Some(best),
            _ => best(&self.state),
        }
    }

    pub(crate) fn best(&self) -> Option<Best> {
        let number = self.best_trial()?;
        let scores = self.scores(number);
        let scored = CRITERIA.into_iter().find_map(|m| Some((m.name(), score(scores, m, Split::Backtest)?)));
        Some(Best {
            trial: number.0,
            model: self.model(number),
            metric: scored.map(|(name, _)| name),
            value: scored.map(|(_, value)| value),
        })
    }

    /// The model of a trial, or `ensemble`.
    pub(crate) fn model(&self, number: TrialNumber) -> String {
        self.state.trials.get(&number).map_or_else(|| "ensemble".to_owned(), |trial| trial.spec.model.clone())
    }

    /// The scores of a trial or of the ensemble; none where it gave no result.
    pub(crate) fn scores(&self, number: TrialNumber) -> &[atsre_domain::metric::Score] {
        use atsre_domain::experiment::TrialState;
        match self.state.trials.get(&number).map(|trial| &trial.state) {
            Some(TrialState::Completed { scores, .. }) => scores,
            Some(_) => &[],
            None => self.state.ensemble.as_ref().filter(|e| e.trial == number).map_or(&[][..], |e| e.scores.as_slice()),
        }
    }
}
