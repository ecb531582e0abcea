//! The rule-based reasoner: what the data, the graph, the history and the budget make of a plan.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod fixtures;

use std::collections::BTreeMap;

use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::experiment::Budget;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::graph::Driver;
use atsre_domain::model::{Device, Setting};
use atsre_domain::panel::{Covariate, CovariateKind};
use atsre_domain::plan::{Plan, PlannedTrial};
use atsre_domain::policy::feasibility::cost_seconds;
use atsre_domain::policy::reasoner::{Context, PastTrial, plan};
use atsre_domain::profile::{DemandPattern, Profile, SeasonalPeriod, Stationarity};

use fixtures::{MIB, number};

fn entry(name: &'static str, family: Family, seconds_per_million: f64) -> CatalogueEntry {
    let deep = family == Family::Deep;
    CatalogueEntry {
        name,
        framework: "atsre",
        description: "a model",
        family,
        known_covariates: matches!(family, Family::Linear | Family::Deep),
        past_covariates: matches!(family, Family::Linear | Family::Deep),
        seasonal: family != Family::Baseline,
        minimum_length: if deep { 64 } else { 4 },
        gpu: deep,
        cost: DeclaredCost {
            fixed_seconds: if deep { 5.0 } else { 0.01 },
            seconds_per_million,
            fixed_bytes: 4 * MIB,
            bytes_per_observation: 64,
        },
        defaults: BTreeMap::from([("non_negative".to_owned(), Setting::Flag(false))]),
    }
}

fn catalogue() -> Vec<CatalogueEntry> {
    vec![
        entry("naive", Family::Baseline, 0.1),
        entry("drift", Family::Baseline, 0.1),
        entry("theta", Family::Statistical, 1.0),
        entry("ridge", Family::Linear, 20.0),
        entry("nhits", Family::Deep, 300.0),
    ]
}

fn profile() -> Profile {
    Profile {
        series_count: 1,
        observations: 17_544,
        length_min: 17_544,
        length_median: 17_544,
        length_max: 17_544,
        frequency: Frequency::every(FrequencyUnit::Hour),
        missing_share: number(0.01),
        outliers: 6,
        trend_strength: Some(number(0.2)),
        seasonal_periods: [(24, 0.83), (168, 0.71)]
            .map(|(period, strength)| SeasonalPeriod { period, strength: number(strength) })
            .to_vec(),
        stationarity: Stationarity::Stationary,
        demand_pattern: DemandPattern::Smooth,
        non_negative: true,
        gaussian: true,
        covariates: Vec::new(),
        series: Vec::new(),
        findings: Vec::new(),
    }
}

/// What a test may change of a good case: enough data and time, a graph in which `temperature` drives the target.
struct Case {
    profile: Profile,
    budget: Budget,
    remaining_ms: u64,
    covariates: Vec<Covariate>,
    drivers: Vec<Driver>,
    has_graph: bool,
    catalogue: Vec<CatalogueEntry>,
    history: Vec<PastTrial>,
    holdout: u32,
}

fn case() -> Case {
    let covariate = |name: &str, kind| Covariate { name: name.to_owned(), kind, levels: None };
    Case {
        profile: profile(),
        budget: fixtures::experiment::opened().budget,
        remaining_ms: 170_000,
        covariates: vec![
            covariate("temperature", CovariateKind::Known),
            covariate("humidity", CovariateKind::Past),
            covariate("station", CovariateKind::Static),
        ],
        drivers: fixtures::dataset::graph(1, fixtures::dataset::TARGET).drivers,
        has_graph: true,
        catalogue: catalogue(),
        history: Vec::new(),
        holdout: 24,
    }
}

impl Case {
    fn plan(&self) -> Plan {
        plan(&Context {
            dataset: "bike-sharing",
            horizon: 24,
            holdout: self.holdout,
            budget: &self.budget,
            remaining_ms: self.remaining_ms,
            profile: &self.profile,
            covariates: &self.covariates,
            drivers: &self.drivers,
            has_graph: self.has_graph,
            catalogue: &self.catalogue,
            history: &self.history,
        })
    }
}

fn models(plan: &Plan) -> Vec<&str> {
    plan.trials.iter().map(|t| t.spec.model.as_str()).collect()
}

fn trial<'a>(plan: &'a Plan, model: &str) -> &'a PlannedTrial {
    plan.trials.iter().find(|t| t.spec.model == model).unwrap_or_else(|| panic!("{model} is not in {:?}", models(plan)))
}

/// Whether some step of the reasoning decides this.
fn decides(plan: &Plan, decision: &str) -> bool {
    plan.reasoning.iter().any(|step| step.decision.contains(decision))
}

fn covariates(plan: &Plan) -> Vec<&str> {
    let mut all: Vec<&str> = plan.trials.iter().flat_map(|t| &t.spec.covariates).map(String::as_str).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn enough_data_and_time_bring_every_kind_of_model_the_cheapest_first() {
    let plan = case().plan();
    assert_eq!(models(&plan), ["theta", "ridge", "ridge", "nhits"]);
    assert_eq!(trial(&plan, "theta").spec.integer("season_length", 0), 24);
    assert_eq!(trial(&plan, "ridge").spec.integers("seasonal_periods"), [24, 168]);
    assert!(trial(&plan, "theta").spec.flag("non_negative", false), "no rentals below zero");
}

#[test]
fn every_plan_says_why_in_steps_and_for_each_trial() {
    let plan = case().plan();
    assert!(plan.reasoning.len() >= 6);
    for step in &plan.reasoning {
        assert!(!step.observation.is_empty() && !step.inference.is_empty() && !step.decision.is_empty(), "{step:?}");
    }
    assert!(plan.trials.iter().all(|t| !t.reason.is_empty()));
    assert!(plan.hypothesis.contains("temperature"), "{}", plan.hypothesis);
}

#[test]
fn the_same_knowledge_makes_the_same_plan() {
    assert_eq!(case().plan(), case().plan());
}

#[test]
fn short_data_get_no_deep_model() {
    let mut case = case();
    case.profile.observations = 500;
    case.profile.length_min = 500;
    let plan = case.plan();
    assert!(!models(&plan).contains(&"nhits"));
    assert!(decides(&plan, "no deep model"));
}

#[test]
fn a_model_that_needs_longer_series_than_there_are_is_left_out() {
    // Many observations over many short series: 60 are there, 24 of them withheld.
    let mut case = case();
    case.profile.length_min = 60;
    assert!(!models(&case.plan()).contains(&"nhits"));
    case.profile.length_min = 64 + 24;
    assert!(models(&case.plan()).contains(&"nhits"));
}

#[test]
fn the_backtest_never_has_more_windows_than_the_shortest_series_bears() {
    let windows = |length| {
        let mut case = case();
        case.profile.length_min = length;
        case.plan().backtest.windows
    };
    // 48 observations to learn from, 24 withheld, 24 for each window.
    assert_eq!([windows(60), windows(24 + 48 + 24), windows(24 + 48 + 3 * 24), windows(17_544)], [1, 1, 3, 5]);
    let backtest = case().plan().backtest;
    assert_eq!((backtest.step, backtest.season_length), (24, 24));
}

#[test]
fn weak_seasons_are_not_modelled() {
    let mut case = case();
    case.profile.seasonal_periods = vec![SeasonalPeriod { period: 24, strength: number(0.1) }];
    let plan = case.plan();
    assert!(models(&plan).contains(&"naive"));
    assert!(!trial(&plan, "theta").spec.hyperparameters.contains_key("season_length"));
    assert!(trial(&plan, "ridge").spec.integers("seasonal_periods").is_empty());
    assert!(decides(&plan, "models without seasons"));
}

#[test]
fn a_wandering_level_brings_the_drift() {
    let mut case = case();
    assert!(!models(&case.plan()).contains(&"drift"));
    case.profile.stationarity = Stationarity::UnitRoot;
    assert!(models(&case.plan()).contains(&"drift"));
    case.profile.stationarity = Stationarity::Stationary;
    case.profile.trend_strength = Some(number(0.9));
    assert!(models(&case.plan()).contains(&"drift"));
}

#[test]
fn intermittent_demand_is_said_aloud() {
    let said = |pattern| {
        let mut case = case();
        case.profile.demand_pattern = pattern;
        case.plan().reasoning.iter().any(|step| step.observation.contains("many zeros"))
    };
    assert!(said(DemandPattern::Intermittent) && said(DemandPattern::Lumpy));
    assert!(!said(DemandPattern::Smooth) && !said(DemandPattern::Erratic));
}

#[test]
fn only_causes_in_the_graph_become_covariates() {
    let plan = case().plan();
    assert_eq!(covariates(&plan), ["temperature"]);
    // One ridge without them stands beside, so that their worth is measured.
    let ridges: Vec<usize> =
        plan.trials.iter().filter(|t| t.spec.model == "ridge").map(|t| t.spec.covariates.len()).collect();
    assert_eq!(ridges, [0, 1]);
}

#[test]
fn without_a_graph_there_are_no_covariates() {
    let case = Case { has_graph: false, drivers: Vec::new(), ..case() };
    let plan = case.plan();
    assert_eq!(covariates(&plan), [] as [&str; 0]);
    assert_eq!(models(&plan).iter().filter(|m| **m == "ridge").count(), 1);
    assert!(plan.reasoning.iter().any(|step| step.observation == "there is no causal graph"));
}

#[test]
fn a_graph_without_causes_brings_no_covariates() {
    let case = Case { drivers: Vec::new(), ..case() };
    assert_eq!(covariates(&case.plan()), [] as [&str; 0]);
}

#[test]
fn a_driver_that_is_no_column_or_constant_is_no_covariate() {
    let driver = |name: &str| Driver { variable: name.to_owned(), ..case().drivers[0].clone() };
    let case = Case { drivers: vec![driver("moonlight"), driver("station")], ..case() };
    assert_eq!(covariates(&case.plan()), [] as [&str; 0]);
}

#[test]
fn a_small_budget_drops_the_costly_models() {
    let case = Case { remaining_ms: 4_000, ..case() };
    let plan = case.plan();
    assert!(!models(&plan).contains(&"nhits"));
    assert!(models(&plan).contains(&"theta"), "what is cheap stays");
    assert!(decides(&plan, "no deep model"));
}

#[test]
fn what_is_planned_can_end_in_the_time_there_is() {
    for remaining_ms in [0, 50, 1_000, 3_000, 10_000, 60_000, 170_000] {
        let case = Case { remaining_ms, ..case() };
        let plan = case.plan();
        let needed: f64 = plan
            .trials
            .iter()
            .map(|t| case.catalogue.iter().find(|e| e.name == t.spec.model).unwrap())
            .map(|e| cost_seconds(e, case.profile.observations, plan.backtest.windows))
            .sum();
        let lanes = f64::from(case.budget.parallel_trials);
        assert!(needed <= remaining_ms as f64 / 1000.0 * lanes, "{needed} s planned for {remaining_ms} ms");
        for trial in &plan.trials {
            assert!(trial.limits.deadline_ms <= remaining_ms.max(1_000));
            assert_eq!(trial.limits.memory_bytes, case.budget.trial_memory_bytes);
        }
    }
}

#[test]
fn a_model_that_was_hopeless_every_time_is_left_out() {
    let past = |model: &str, mase| PastTrial {
        dataset: "bike-sharing-2012".to_owned(),
        model: model.to_owned(),
        mase: number(mase),
        best_mase: number(0.5),
    };
    let history =
        vec![past("nhits", 1.4), past("nhits", 2.0), past("theta", 1.4), past("theta", 0.9), past("ridge", 0.5)];
    let plan = Case { history, ..case() }.plan();
    assert_eq!(models(&plan), ["theta", "ridge", "ridge"]);
    assert!(decides(&plan, "without nhits"));
    // Once is not every time.
    let plan = Case { history: vec![past("nhits", 1.4)], ..case() }.plan();
    assert!(models(&plan).contains(&"nhits"));
    // Were all of them hopeless, something would have to be tried all the same.
    let history = ["theta", "ridge", "nhits"].iter().flat_map(|m| [past(m, 9.0), past(m, 9.0)]).collect();
    assert_eq!(models(&Case { history, ..case() }.plan()), models(&case().plan()));
}

#[test]
fn a_gpu_is_used_where_the_budget_has_one() {
    let mut case = case();
    assert_eq!(trial(&case.plan(), "nhits").spec.device, Device::Cpu);
    case.budget.gpu_memory_bytes = 8 << 30;
    let plan = case.plan();
    assert_eq!(trial(&plan, "nhits").spec.device, Device::Gpu);
    assert!(plan.trials.iter().filter(|t| t.spec.model != "nhits").all(|t| t.spec.device == Device::Cpu));
}

#[test]
fn nothing_is_planned_that_is_not_in_the_catalogue() {
    let case = Case { catalogue: vec![entry("ridge", Family::Linear, 20.0)], ..case() };
    assert_eq!(models(&case.plan()), ["ridge", "ridge"]);
    let empty = Case { catalogue: Vec::new(), ..case };
    assert!(empty.plan().trials.is_empty());
}
