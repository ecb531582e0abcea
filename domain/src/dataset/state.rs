//! What is known of a data set.

use std::borrow::Cow;

use crate::cleaning::CleaningSettings;
use crate::graph::DiscoverySettings;

use super::event::{
    AnomalyRulesDerived, DatasetCleaned, DatasetErased, DatasetProfiled, DatasetRegistered, Event, GraphDiscovered,
};

/// One version of a data set and what was found in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The registration.
    pub registered: DatasetRegistered,
    /// Its profile.
    pub profiled: Option<DatasetProfiled>,
    /// Its anomaly rules.
    pub rules: Option<AnomalyRulesDerived>,
    /// Its clean table.
    pub cleaned: Option<DatasetCleaned>,
    /// Clean tables that experiments asked to be made in a way of their own.
    pub cleaned_otherwise: Vec<DatasetCleaned>,
    /// Its causal graphs, one for each target and way of seeking, the newest last.
    pub graphs: Vec<GraphDiscovered>,
    /// Why it was erased, if it was.
    pub erased: Option<String>,
}

impl Version {
    /// The clean table that was made in this way.
    #[must_use]
    pub fn cleaned_for(&self, settings: &CleaningSettings) -> Option<&DatasetCleaned> {
        self.cleaned.iter().chain(&self.cleaned_otherwise).find(|cleaned| cleaned.answers(settings))
    }

    /// The version as an experiment sees it that asked for this cleaning: its clean table is the version's.
    #[must_use]
    pub fn seen_with(&self, settings: &CleaningSettings) -> Cow<'_, Self> {
        if settings.is_default() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { cleaned: self.cleaned_for(settings).cloned(), ..self.clone() })
    }

    /// The newest graph for this target that was sought in this way.
    #[must_use]
    pub fn graph_for(&self, target: &str, settings: &DiscoverySettings) -> Option<&GraphDiscovered> {
        self.graphs.iter().rev().find(|g| g.target == target && g.answers(settings))
    }
}

/// A data set: its versions, the newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// The versions, from 1.
    pub versions: Vec<Version>,
    /// The erasures, the newest last.
    pub erasures: Vec<DatasetErased>,
}

impl Dataset {
    /// The newest version.
    #[must_use]
    pub fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// A version by number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|v| v.registered.version == number)
    }

    /// Applies a fact.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::DatasetRegistered(registered) => self.versions.push(Version {
                registered: registered.clone(),
                profiled: None,
                rules: None,
                cleaned: None,
                cleaned_otherwise: Vec::new(),
                graphs: Vec::new(),
                erased: None,
            }),
            Event::DatasetProfiled(e) => self.at(e.version, |v| v.profiled = Some(e.clone())),
            Event::AnomalyRulesDerived(e) => self.at(e.version, |v| v.rules = Some(e.clone())),
            Event::DatasetCleaned(e) => self.at(e.version, |v| match &e.settings {
                None => v.cleaned = Some(e.clone()),
                Some(_) => v.cleaned_otherwise.push(e.clone()),
            }),
            Event::GraphDiscovered(e) => self.at(e.version, |v| v.graphs.push(e.clone())),
            Event::DatasetErased(e) => {
                for version in &e.versions {
                    self.at(*version, |v| v.erased = Some(e.why.clone()));
                }
                self.erasures.push(e.clone());
            }
        }
    }

    fn at(&mut self, number: u32, change: impl FnOnce(&mut Version)) {
        if let Some(version) = self.versions.iter_mut().find(|v| v.registered.version == number) {
            change(version);
        }
    }
}
