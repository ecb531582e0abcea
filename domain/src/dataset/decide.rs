//! What a data set decides.

use crate::decider::Decider;

use super::command::{Command, Erasure};
use super::error::Error;
use super::event::{DatasetErased, Event};
use super::state::{Dataset, Version};

impl Decider for Dataset {
    const TYPE: &'static str = "dataset";
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        match command {
            Command::Register(new) => self.register(*new),
            Command::RecordProfile(profile) => {
                let version = self.existing(profile.version)?;
                Ok(once(version.profiled.is_none(), || Event::DatasetProfiled(*profile)))
            }
            Command::RecordRules(rules) => {
                let version = self.existing(rules.version)?;
                version.profiled.as_ref().ok_or(Error::OutOfOrder { step: "rules", missing: "the profile" })?;
                Ok(once(version.rules.is_none(), || Event::AnomalyRulesDerived(*rules)))
            }
            Command::RecordCleaning(cleaned) => {
                let version = self.existing(cleaned.version)?;
                version.rules.as_ref().ok_or(Error::OutOfOrder { step: "cleaning", missing: "the anomaly rules" })?;
                let known = version.cleaned_for(&cleaned.settings.clone().unwrap_or_default()).is_some();
                Ok(once(!known, || Event::DatasetCleaned(*cleaned)))
            }
            Command::RecordGraph(graph) => {
                let version = self.existing(graph.version)?;
                let cleaning = graph.settings.as_ref().map(|settings| settings.cleaning.clone()).unwrap_or_default();
                version
                    .cleaned_for(&cleaning)
                    .ok_or(Error::OutOfOrder { step: "a graph", missing: "the clean table" })?;
                let same = |known: &super::event::GraphDiscovered| {
                    known.algorithm == graph.algorithm
                        && known.significance_level == graph.significance_level
                        && known.knowledge == graph.knowledge
                        && known.settings == graph.settings
                };
                let known = version.graphs.iter().any(|known| known.target == graph.target && same(known));
                Ok(once(!known, || Event::GraphDiscovered(*graph)))
            }
            Command::Erase(erasure) => self.erase(*erasure),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.apply(event);
    }
}

fn once(wanted: bool, event: impl FnOnce() -> Event) -> Vec<Event> {
    if wanted { vec![event()] } else { Vec::new() }
}

impl Dataset {
    fn register(&self, new: super::event::DatasetRegistered) -> Result<Vec<Event>, Error> {
        let Some(newest) = self.newest() else {
            return if new.version == 1 {
                Ok(vec![Event::DatasetRegistered(new)])
            } else {
                Err(Error::WrongVersion { expected: 1, given: new.version })
            };
        };
        let known = &newest.registered;
        if known.name != new.name {
            return Err(Error::WrongName { ours: known.name.clone(), given: new.name });
        }
        if let (Some(why), true) = (&newest.erased, known.version == new.version) {
            return Err(Error::Erased { version: new.version, why: why.clone() });
        }
        if known.version == new.version && known.source.digest == new.source.digest {
            return Ok(Vec::new());
        }
        let expected = known.version + 1;
        if new.version != expected {
            return Err(Error::WrongVersion { expected, given: new.version });
        }
        Ok(vec![Event::DatasetRegistered(new)])
    }

    fn existing(&self, given: u32) -> Result<&Version, Error> {
        let newest = self.newest().ok_or(Error::NotRegistered)?.registered.version;
        let version = self.version(given).ok_or(Error::UnknownVersion { newest, given })?;
        match &version.erased {
            Some(why) => Err(Error::Erased { version: given, why: why.clone() }),
            None => Ok(version),
        }
    }

    /// Erases what is not erased yet: the same again changes nothing.
    fn erase(&self, erasure: Erasure) -> Result<Vec<Event>, Error> {
        self.newest().ok_or(Error::NotRegistered)?;
        let Erasure { why, mut key_ids, artifacts, unencrypted } = erasure;
        if why.trim().is_empty() {
            return Err(Error::NoReason);
        }
        key_ids.retain(|key| !self.erasures.iter().any(|earlier| earlier.key_ids.contains(key)));
        let readable = self.versions.iter().filter(|version| version.erased.is_none());
        let versions: Vec<u32> = readable.map(|version| version.registered.version).collect();
        let wanted = !versions.is_empty() || !key_ids.is_empty();
        Ok(once(wanted, || Event::DatasetErased(DatasetErased { why, versions, key_ids, artifacts, unencrypted })))
    }
}
