//! What a plan is made from: the recorded past, and the readings that only the moment of planning could give.

use serde::{Deserialize, Serialize};

use crate::catalogue::CatalogueEntry;
use crate::dataset::{self, GraphDiscovered};
use crate::experiment::{Experiment, ExperimentOpened};
use crate::graph::Driver;
use crate::panel::Covariate;
use crate::plan::Plan;
use crate::policy::llm;
use crate::policy::reasoner::{self, Context, PastTrial};
use crate::profile::Profile;

/// What the planner read that no earlier event says. It is recorded with the plan, so that the plan can be made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanningInputs {
    /// What was left of the experiment's wall time, in milliseconds.
    pub remaining_ms: u64,
    /// For the plan of a language model: what was left when its answer was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_with_ms: Option<u64>,
    /// Finished trials on similar data sets, the newest first.
    pub history: Vec<PastTrial>,
}

/// Everything that a plan is made from.
#[derive(Clone, Debug)]
pub struct Planning<'a> {
    opened: &'a ExperimentOpened,
    graph: Option<&'a GraphDiscovered>,
    profile: &'a Profile,
    covariates: Vec<Covariate>,
    catalogue: Vec<CatalogueEntry>,
    inputs: &'a PlanningInputs,
}

impl<'a> Planning<'a> {
    /// Gathers it: of the covariates and of the catalogue's models, what the experiment allows.
    #[must_use]
    pub fn new(
        experiment: &Experiment,
        opened: &'a ExperimentOpened,
        version: &'a dataset::Version,
        profile: &'a Profile,
        mut covariates: Vec<Covariate>,
        mut catalogue: Vec<CatalogueEntry>,
        inputs: &'a PlanningInputs,
    ) -> Self {
        let constraints = &experiment.constraints;
        catalogue.retain(|entry| constraints.allows_model(entry.name));
        covariates.retain(|covariate| constraints.allows_covariate(&covariate.name));
        let graph = version.graph_for(&opened.target, &constraints.discovery);
        Self { opened, graph, profile, covariates, catalogue, inputs }
    }

    /// The graph that the plan rests on, where there is one.
    #[must_use]
    pub const fn graph(&self) -> Option<&'a GraphDiscovered> {
        self.graph
    }

    /// The same as a reasoner sees it.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        let drivers: &[Driver] = self.graph.map_or(&[][..], |graph| &graph.drivers);
        Context {
            dataset: &self.opened.dataset.name,
            horizon: self.opened.horizon,
            holdout: if self.opened.holdout { self.opened.horizon } else { 0 },
            budget: &self.opened.budget,
            remaining_ms: self.inputs.remaining_ms,
            profile: self.profile,
            covariates: &self.covariates,
            drivers,
            has_graph: self.graph.is_some(),
            catalogue: &self.catalogue,
            history: &self.inputs.history,
        }
    }

    /// The plan of the rules, with what the user decided.
    #[must_use]
    pub fn by_rules(&self) -> Plan {
        let mut plan = reasoner::plan(&self.context());
        plan.keep_settings(&self.opened.settings);
        plan
    }

    /// The plan in a language model's answer, with what the user decided. `judged_with_ms` is what was left of the wall
    /// time when the answer was judged.
    ///
    /// # Errors
    /// What is wrong with the answer, a sentence each.
    pub fn by_answer(&self, text: &str, judged_with_ms: u64) -> Result<Plan, Vec<String>> {
        let value = llm::last_object(text).map_err(|problem| vec![problem])?;
        let answer = llm::read(value)?;
        let mut plan = llm::check(&answer, &Context { remaining_ms: judged_with_ms, ..self.context() })?;
        plan.keep_settings(&self.opened.settings);
        Ok(plan)
    }
}
