//! Laws of every aggregate, whatever it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod fixtures;

use atsre_domain::Decider;
use atsre_domain::dataset::{self, Dataset};
use atsre_domain::event::WireEvent;
use atsre_domain::experiment::{self, Command, Experiment, Stage};
use atsre_domain::failure::FailureKind;
use atsre_domain::identity::{Attempt, Epoch, Seed, TrialNumber};
use atsre_domain::model::{Device, ModelSpec, Setting};
use atsre_domain::node::{self, Node};
use atsre_domain::plan::TrialRole;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use fixtures::{dataset as d, experiment as x, node as n, number};

/// Numbers that are right, nearly right and wrong.
fn small() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0_u32..5, 1 => Just(u32::MAX)]
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), -2.0..2.0, any::<f64>().prop_filter("finite", |v| v.is_finite())]
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        1 => any::<bool>().prop_map(Setting::Flag),
        1 => any::<i64>().prop_map(Setting::Integer),
        1 => finite().prop_map(|v| Setting::Number(number(v))),
        1 => ".{0,8}".prop_map(Setting::Text),
        1 => vec(any::<i64>(), 0..3).prop_map(Setting::Integers),
    ]
}

fn spec() -> impl Strategy<Value = ModelSpec> {
    let device = select(vec![Device::Cpu, Device::Gpu]);
    (select(vec!["theta", "nhits"]), btree_map("[a-z_]{1,8}", setting(), 0..4), device)
        .prop_map(|(model, hyperparameters, device)| ModelSpec { hyperparameters, device, ..x::spec(model) })
}

fn kind() -> impl Strategy<Value = FailureKind> {
    select(vec![FailureKind::OutOfMemory, FailureKind::Killed, FailureKind::Crashed, FailureKind::Unfit])
}

fn stage() -> impl Strategy<Value = Stage> {
    select(vec![Stage::Diagnosis, Stage::CausalMap, Stage::Planning, Stage::Trials, Stage::Ensemble, Stage::Report])
}

fn opening() -> impl Strategy<Value = Command> {
    let levels = select(vec![vec![0.1, 0.5, 0.9], vec![], vec![0.9, 0.1]]);
    (0_u32..3, any::<u64>(), any::<bool>(), levels).prop_map(|(horizon, seed, approval_required, levels)| {
        let quantile_levels = fixtures::numbers(&levels);
        let opened = x::opened();
        let seed = Seed(seed);
        Command::Open(Box::new(experiment::ExperimentOpened {
            horizon,
            seed,
            approval_required,
            settings: Vec::new(),
            quantile_levels,
            ..opened
        }))
    })
}

fn planning() -> impl Strategy<Value = Command> {
    let reason = || "why".to_owned();
    let by = || "ada".to_owned();
    let models = select(vec![vec![], vec!["theta"], vec!["theta", "ridge", "nhits"]]);
    let role = select(vec![TrialRole::Baseline, TrialRole::Candidate, TrialRole::Fallback]);
    prop_oneof![
        1 => opening(),
        1 => Just(Command::RequestDiagnosis),
        1 => Just(Command::RequestCausalMap),
        3 => Just(Command::RequestPlan),
        4 => models.prop_map(|models| Command::ProposePlan(Box::new(x::proposed(&models)))),
        3 => Just(Command::ApprovePlan { by: by() }),
        1 => Just(Command::RejectPlan { by: by(), reason: reason() }),
        1 => (role, spec()).prop_map(move |(role, spec)| Command::QueueTrial {
            role,
            spec: Box::new(spec),
            limits: x::limits(),
            reason: reason(),
        }),
    ]
}

fn trials() -> impl Strategy<Value = Command> {
    let node = || fixtures::stream("a-node");
    (small(), small(), small(), kind(), finite(), spec()).prop_flat_map(
        move |(trial, attempt, epoch, kind, value, spec)| {
            let retried = experiment::TrialRetried { spec, ..x::retried(trial, attempt) };
            let reason = "given up".to_owned();
            prop_oneof![
                2 => Just(Command::LeaseTrial { trial: TrialNumber(trial), epoch: Epoch(epoch), node: node() }),
                2 => Just(Command::StartTrial(Box::new(x::started(trial, attempt, epoch)))),
                1 => Just(Command::SampleResources(Box::new(x::sampled(trial, attempt, u64::from(epoch))))),
                2 => Just(Command::CompleteTrial(Box::new(x::completed(trial, attempt, epoch, value / 4.0)))),
                1 => Just(Command::FailTrial(Box::new(x::failed(trial, attempt, epoch, kind)))),
                1 => Just(Command::RetryTrial(Box::new(retried))),
                1 => Just(Command::AbandonTrial { trial: TrialNumber(trial), attempt: Attempt(attempt), reason }),
            ]
        },
    )
}

fn endings() -> impl Strategy<Value = Command> {
    let reason = || "why".to_owned();
    let members = vec((small(), prop_oneof![Just(1.0), Just(0.5), finite()]), 0..3);
    prop_oneof![
        3 => (small(), members).prop_map(|(trial, members)| Command::BuildEnsemble(Box::new(x::ensemble(trial, &members)))),
        1 => Just(Command::PublishReport(Box::new(x::report()))),
        2 => small().prop_map(|best| Command::Complete { best: TrialNumber(best) }),
        1 => Just(Command::Fail { reason: reason() }),
        1 => Just(Command::Cancel { reason: reason() }),
        1 => Just(Command::EraseInput(Box::new(x::input_erased()))),
        1 => small().prop_map(|request| Command::RequestCompletion(Box::new(x::completion_requested(request)))),
        1 => small().prop_map(|request| Command::ReceiveCompletion(Box::new(x::completion_received(request)))),
        1 => small().prop_map(|request| Command::FailCompletion(Box::new(x::completion_failed(request)))),
        1 => ".{0,4}".prop_map(|text| Command::AskQuestion { text }),
        1 => small().prop_map(|question| Command::AnswerQuestion { question, answer: "yes".to_owned() }),
        1 => stage().prop_map(|stage| Command::FailStage(Box::new(x::stage_failed(stage)))),
        1 => stage().prop_map(|stage| Command::TakeFallback(Box::new(experiment::FallbackTaken { stage, ..x::fallback_taken() }))),
    ]
}

/// Any commands; most of the lives begin well, so that they get somewhere.
fn experiment_commands() -> impl Strategy<Value = Vec<Command>> {
    let beginning = [
        Command::Open(Box::new(x::opened())),
        Command::RequestPlan,
        Command::ProposePlan(Box::new(x::proposed(&["theta", "ridge", "nhits"]))),
        Command::ApprovePlan { by: "policy".to_owned() },
    ];
    let single = prop_oneof![2 => planning(), 4 => trials(), 1 => endings()].prop_map(|command| vec![command]);
    let pieces = vec(prop_oneof![3 => single, 2 => attempt()], 0..40);
    (0_usize..=beginning.len(), pieces).prop_map(move |(known, pieces)| {
        beginning[..known].iter().cloned().chain(pieces.into_iter().flatten()).collect()
    })
}

/// The steps of one attempt at a trial, or the first of them.
fn attempt() -> impl Strategy<Value = Vec<Command>> {
    (1_u32..4, 1_u32..3, 1_u32..4, kind(), any::<bool>(), 1_usize..5).prop_map(
        |(trial, attempt, epoch, kind, completes, steps)| {
            let number = TrialNumber(trial);
            let lease = Command::LeaseTrial { trial: number, epoch: Epoch(epoch), node: fixtures::stream("a-node") };
            let mut all = vec![lease, Command::StartTrial(Box::new(x::started(trial, attempt, epoch)))];
            if completes {
                all.push(Command::CompleteTrial(Box::new(x::completed(trial, attempt, epoch, 0.8))));
            } else {
                all.push(Command::FailTrial(Box::new(x::failed(trial, attempt, epoch, kind))));
                all.push(Command::RetryTrial(Box::new(x::retried(trial, attempt + 1))));
            }
            all.truncate(steps);
            all
        },
    )
}

fn dataset_commands() -> impl Strategy<Value = Vec<dataset::Command>> {
    let target = select(vec![d::TARGET, "humidity"]);
    let one = (1_u32..4, 0..6, target, finite()).prop_map(|(version, what, target, value)| match what {
        0 => dataset::Command::Register(Box::new(d::registered(version))),
        1 => dataset::Command::RecordProfile(Box::new(dataset::DatasetProfiled {
            trend_strength: Some(number(value)),
            ..d::profiled(version)
        })),
        2 => dataset::Command::RecordRules(Box::new(d::rules(version))),
        3 => dataset::Command::RecordCleaning(Box::new(d::cleaned(version))),
        4 => dataset::Command::Erase(Box::new(d::erasure())),
        _ => dataset::Command::RecordGraph(Box::new(d::graph(version, target))),
    });
    vec(one, 0..40)
}

fn node_commands() -> impl Strategy<Value = Vec<node::Command>> {
    let all = [n::started(), n::agent_started(), n::crashed(), n::restarted(), n::escalated(), n::stopped()];
    vec(select(all.to_vec()).prop_map(node::Command::Record), 0..20)
}

/// Tells an aggregate all of these and gives what happened.
fn tell<D: Decider<Command: Clone>>(commands: &[D::Command]) -> (D, Vec<D::Event>) {
    let (mut state, mut events) = (D::default(), Vec::new());
    for command in commands {
        for event in state.decide(command.clone()).unwrap_or_default() {
            state.evolve(&event);
            events.push(event);
        }
    }
    (state, events)
}

/// The state is the fold of the events, wherever the fold was interrupted.
fn folds_anywhere<D: Decider<Command: Clone> + PartialEq + std::fmt::Debug>(commands: &[D::Command], cut: usize) {
    let (state, events) = tell::<D>(commands);
    assert_eq!(D::fold(&events), state);
    let cut = cut % (events.len() + 1);
    let mut resumed = D::fold(&events[..cut]);
    for event in &events[cut..] {
        resumed.evolve(event);
    }
    assert_eq!(resumed, state);
}

/// Every event comes back from the log as it was.
fn survives_the_log<D: Decider<Command: Clone, Event: WireEvent>>(commands: &[D::Command]) {
    for event in tell::<D>(commands).1 {
        let encoded = event.encode();
        assert_eq!(encoded.event_type, event.event_type());
        let payload = serde_json::from_str(&encoded.payload.to_string()).unwrap();
        let decoded = D::Event::decode(encoded.event_type, encoded.event_version, payload).unwrap();
        assert_eq!(decoded, event);
    }
}

/// A command that comes a second time brings no event, be it obeyed or refused.
fn repeats_bring_nothing<D: Decider<Command: Clone + std::fmt::Debug>>(commands: &[D::Command]) {
    let mut state = D::default();
    for command in commands {
        for event in state.decide(command.clone()).unwrap_or_default() {
            state.evolve(&event);
        }
        let again = state.decide(command.clone()).unwrap_or_default();
        assert!(again.is_empty(), "{command:?} came again and brought {again:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_experiment_is_the_fold_of_its_events_cut_anywhere(commands in experiment_commands(), cut in any::<usize>()) {
        folds_anywhere::<Experiment>(&commands, cut);
    }

    #[test]
    fn a_data_set_is_the_fold_of_its_events_cut_anywhere(commands in dataset_commands(), cut in any::<usize>()) {
        folds_anywhere::<Dataset>(&commands, cut);
    }

    #[test]
    fn a_node_is_the_fold_of_its_events_cut_anywhere(commands in node_commands(), cut in any::<usize>()) {
        folds_anywhere::<Node>(&commands, cut);
    }

    #[test]
    fn every_decided_event_survives_the_log(
        experiments in experiment_commands(),
        datasets in dataset_commands(),
        nodes in node_commands(),
    ) {
        survives_the_log::<Experiment>(&experiments);
        survives_the_log::<Dataset>(&datasets);
        survives_the_log::<Node>(&nodes);
    }

    #[test]
    fn a_command_that_comes_twice_in_a_row_brings_nothing_the_second_time(
        experiments in experiment_commands(),
        datasets in dataset_commands(),
    ) {
        repeats_bring_nothing::<Experiment>(&experiments);
        repeats_bring_nothing::<Dataset>(&datasets);
    }

    #[test]
    fn trials_are_numbered_without_gaps_and_hold_one_result_each(commands in experiment_commands()) {
        let (_, events) = tell::<Experiment>(&commands);
        let (mut last, mut results) = (0, Vec::new());
        for event in events {
            match event {
                experiment::Event::TrialQueued(e) => {
                    assert_eq!(e.trial.0, last + 1);
                    last = e.trial.0;
                }
                experiment::Event::EnsembleBuilt(e) => {
                    assert_eq!(e.trial.0, last + 1);
                    last = e.trial.0;
                }
                experiment::Event::TrialCompleted(e) => {
                    assert!(!results.contains(&e.trial), "trial {} has two results", e.trial);
                    results.push(e.trial);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn an_older_epoch_is_never_heard_again(commands in experiment_commands()) {
        let (_, events) = tell::<Experiment>(&commands);
        let mut newest = std::collections::BTreeMap::new();
        for event in events {
            let (trial, epoch) = match event {
                experiment::Event::TrialLeased(e) => {
                    let before = newest.insert(e.trial, e.epoch).unwrap_or_default();
                    assert!(e.epoch > before);
                    continue;
                }
                experiment::Event::TrialStarted(e) => (e.trial, e.epoch),
                experiment::Event::TrialCompleted(e) => (e.trial, e.epoch),
                experiment::Event::TrialFailed(e) => (e.trial, e.epoch),
                _ => continue,
            };
            assert_eq!(newest.get(&trial), Some(&epoch));
        }
    }
}

#[test]
fn the_generated_lives_get_as_far_as_results_and_retries() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = experiment_commands();
    let (mut completed, mut retries) = (0, 0);
    for _ in 0..400 {
        let (_, events) = tell::<Experiment>(&strategy.new_tree(&mut runner).unwrap().current());
        completed += events.iter().filter(|e| matches!(e, experiment::Event::TrialCompleted(_))).count();
        retries += events.iter().filter(|e| matches!(e, experiment::Event::TrialRetried(_))).count();
    }
    assert!(completed >= 20 && retries >= 5, "{completed} results, {retries} retries");
}
