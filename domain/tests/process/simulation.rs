//! Whole experiments, thousands of them, each from one seed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use atsre_domain::event::{AnyEvent, WireEvent};
use atsre_domain::experiment::{Event, Experiment, Phase, Stage, Trial};
use atsre_domain::plan::TrialRole;
use atsre_domain::policy::best;
use atsre_domain::{Decider, dataset::Dataset};

use crate::world::{World, Yardstick};

const SEEDS: u64 = 4_000;
/// More deliveries than any of these worlds needs: past it, an experiment runs in circles.
const MOST_DELIVERIES: u32 = 5_000;

/// Runs the world of this seed until nothing is left to deliver.
fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    let mut at_the_end: Option<(usize, Phase)> = None;
    while world.step() {
        assert!(world.deliveries < MOST_DELIVERIES, "it runs in circles");
        if at_the_end.is_none() && !world.experiment.is_open() {
            at_the_end = Some((world.experiment_events().len(), world.experiment.phase.clone()));
        }
    }
    let (events, phase) = at_the_end.unwrap_or_else(|| panic!("it never ends: {}", standing(&world)));
    let late: Vec<Event> = world.experiment_events().split_off(events);
    assert!(late.iter().all(|e| matches!(e, Event::ReportPublished(_))), "after the end came {late:?}");
    assert_eq!(world.experiment.phase, phase);
    world
}

/// Where an experiment stands, in short.
fn standing(world: &World) -> String {
    let experiment = &world.experiment;
    let trials = experiment.trials.iter().map(|(n, t)| format!("{n} {:?} {:?} {:?}", t.role, t.attempt, t.state));
    let trials: Vec<String> = trials.collect();
    let (approval, failed) = (&experiment.approval, &experiment.failed_stages);
    format!("{trials:#?}, {approval:?}, stages set aside {failed:?}, ensemble {}", experiment.ensemble.is_some())
}

impl World {
    fn experiment_events(&self) -> Vec<Event> {
        let of_experiment = |event: &AnyEvent| match event {
            AnyEvent::Experiment(event) => Some(event.clone()),
            AnyEvent::Dataset(_) | AnyEvent::Node(_) => None,
        };
        self.log.iter().filter_map(|recorded| of_experiment(&recorded.event)).collect()
    }
}

/// Runs so many worlds and checks each; a failure names its seed.
fn for_every_seed(check: impl Fn(&World)) {
    for seed in 0..SEEDS {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let world = run(seed);
            check(&world);
        }));
        assert!(outcome.is_ok(), "the world of seed {seed} broke a law: {:?}", World::new(seed).fate);
    }
}

#[test]
fn every_experiment_ends_and_with_a_result_whenever_a_baseline_can_complete() {
    for_every_seed(|world| {
        let unprepared = world.fate.broken.contains(&Stage::Diagnosis);
        let rejected = world.fate.person_approves == Some(false);
        match &world.experiment.phase {
            Phase::Completed { .. } => assert!(!unprepared),
            Phase::Cancelled { .. } => assert!(rejected),
            Phase::Failed { .. } => {
                assert!(
                    unprepared || world.fate.yardstick != Yardstick::Completes,
                    "failed with a baseline that completes"
                );
                assert!(!world.experiment.trials.values().any(Trial::completed), "failed although there is a result");
            }
            Phase::Absent | Phase::Open => panic!("it never ended"),
        }
    });
}

#[test]
fn the_end_names_the_best_result_there_is() {
    for_every_seed(|world| {
        if let Phase::Completed { best: named } = world.experiment.phase {
            assert!(world.experiment.trials_ended());
            assert_eq!(Some(named), best::best(&world.experiment));
        }
    });
}

#[test]
fn no_trial_has_two_results_and_the_baseline_comes_first() {
    for_every_seed(|world| {
        let mut results = BTreeMap::new();
        let mut roles = Vec::new();
        for event in world.experiment_events() {
            match event {
                Event::TrialCompleted(e) => *results.entry(e.trial).or_insert(0) += 1,
                Event::TrialQueued(e) => roles.push(e.role),
                _ => {}
            }
        }
        assert!(results.values().all(|count| *count == 1), "{results:?}");
        assert!(roles.first().is_none_or(|role| *role == TrialRole::Baseline), "{roles:?}");
        let single = |role| roles.iter().filter(|r| **r == role).count() <= 1;
        assert!(single(TrialRole::Baseline) && single(TrialRole::Fallback), "{roles:?}");
    });
}

#[test]
fn every_stage_that_was_set_aside_has_its_fallback_on_record() {
    for_every_seed(|world| {
        if !matches!(world.experiment.phase, Phase::Completed { .. }) {
            return;
        }
        for stage in world.experiment.failed_stages.keys() {
            let taken = world.experiment.fallbacks.iter().any(|fallback| fallback.stage == *stage);
            assert!(taken, "{stage:?} failed and nothing says what was done in its place");
        }
    });
}

#[test]
fn what_was_recorded_folds_to_the_same_state_after_a_trip_over_the_wire() {
    for_every_seed(|world| {
        let (mut experiments, mut datasets) = (Vec::new(), Vec::new());
        for recorded in &world.log {
            let encoded = match &recorded.event {
                AnyEvent::Dataset(e) => e.encode(),
                AnyEvent::Experiment(e) => e.encode(),
                AnyEvent::Node(e) => e.encode(),
            };
            let (stream_type, _) = recorded.event.names();
            let text = encoded.payload.to_string();
            let payload = serde_json::from_str(&text).expect("the log holds JSON");
            match AnyEvent::decode(stream_type, encoded.event_type, encoded.event_version, payload).unwrap() {
                AnyEvent::Dataset(event) => datasets.push(event),
                AnyEvent::Experiment(event) => experiments.push(event),
                AnyEvent::Node(event) => panic!("{event:?}"),
            }
        }
        assert_eq!(Experiment::fold(&experiments), world.experiment);
        let cleaned = |dataset: &Dataset| dataset.newest().is_some_and(|version| version.cleaned.is_some());
        let registered = [atsre_domain::dataset::Event::DatasetRegistered(crate::fixtures::dataset::registered(1))];
        let folded = Dataset::fold(registered.iter().chain(&datasets));
        assert_eq!(cleaned(&folded), cleaned(&world.dataset));
        assert_eq!(folded, world.dataset);
    });
}

#[test]
fn one_seed_is_one_history() {
    for seed in 0..50 {
        let (first, second) = (run(seed), run(seed));
        assert_eq!(first.log, second.log, "seed {seed}");
    }
}

/// The worlds are no use when nothing ever goes wrong in them.
#[test]
fn the_worlds_know_every_kind_of_end_and_trouble() {
    let (mut completed, mut failed, mut cancelled, mut zombies, mut healed, mut fallbacks) = (0, 0, 0, 0, 0, 0);
    for seed in 0..SEEDS / 4 {
        let world = run(seed);
        match world.experiment.phase {
            Phase::Completed { .. } => completed += 1,
            Phase::Failed { .. } => failed += 1,
            Phase::Cancelled { .. } => cancelled += 1,
            Phase::Absent | Phase::Open => {}
        }
        zombies += world.zombies_refused;
        healed += world.experiment.trials.values().filter(|t| t.completed() && !t.failures.is_empty()).count();
        fallbacks += world.experiment.trials.values().filter(|t| t.role == TrialRole::Fallback).count();
    }
    assert!(
        completed > 100 && failed > 10 && cancelled > 10,
        "{completed} completed, {failed} failed, {cancelled} cancelled"
    );
    assert!(
        zombies > 100 && healed > 100 && fallbacks > 10,
        "{zombies} zombies, {healed} healed, {fallbacks} fallbacks"
    );
}
