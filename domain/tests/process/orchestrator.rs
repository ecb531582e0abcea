use atsre_domain::dataset::{self, Dataset};
use atsre_domain::experiment::*;
use atsre_domain::failure::FailureKind;
use atsre_domain::identity::{Timestamp, TrialNumber};
use atsre_domain::plan::TrialRole;
use atsre_domain::process::{Intent, WorkKind, orchestrator};
use atsre_domain::{Decider, Frequency, frequency::FrequencyUnit};

use crate::fixtures::experiment::*;
use crate::fixtures::{MORNING, dataset as d};

const SOON: Timestamp = MORNING.plus_millis(1_000);
/// The budget of the fixtures is 180 s; the grace is 10 s.
const OUT_OF_TIME: Timestamp = MORNING.plus_millis(180_000);
const GRACE_OVER: Timestamp = MORNING.plus_millis(190_000);

fn data(events: &[dataset::Event]) -> Dataset {
    Dataset::fold(events)
}

fn registered() -> Dataset {
    data(&[dataset::Event::DatasetRegistered(d::registered(1))])
}

fn clean_events() -> Vec<dataset::Event> {
    vec![
        dataset::Event::DatasetRegistered(d::registered(1)),
        dataset::Event::DatasetProfiled(d::profiled(1)),
        dataset::Event::AnomalyRulesDerived(d::rules(1)),
        dataset::Event::DatasetCleaned(d::cleaned(1)),
    ]
}

fn mapped() -> Dataset {
    let mut events = clean_events();
    events.push(dataset::Event::GraphDiscovered(d::graph(1, d::TARGET)));
    data(&events)
}

/// The next steps after these events.
fn next(events: &[Event], data: &Dataset, now: Timestamp) -> Vec<Intent> {
    orchestrator::next(&Experiment::fold(events), data.version(1), now)
}

/// The commands among the next steps.
fn commands(events: &[Event], data: &Dataset, now: Timestamp) -> Vec<Command> {
    next(events, data, now)
        .into_iter()
        .filter_map(|intent| match intent {
            Intent::Command(command) => Some(*command),
            Intent::Effect(_) | Intent::Timer(_) => None,
        })
        .collect()
}

fn events(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut events: Vec<Event> = vec![opened().into(), DiagnosisRequested {}.into()];
    events.extend(more);
    events
}

fn baseline(trial: u32) -> Event {
    queued(trial, TrialRole::Baseline, "seasonal-naive").into()
}

fn planning(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut all = events([baseline(1), CausalMapRequested {}.into(), PlanRequested {}.into()]);
    all.extend(more);
    all
}

/// A baseline and one candidate that ended like this.
fn ended(baseline_completes: bool, candidate_completes: bool) -> Vec<Event> {
    let approved = PlanApproved { by: "policy".to_owned() };
    let candidate = queued(2, TrialRole::Candidate, "theta");
    let mut all = planning([proposed(&["theta"]).into(), approved.into(), candidate.into()]);
    for (trial, completes) in [(1, baseline_completes), (2, candidate_completes)] {
        all.push(leased(trial, 1, 1).into());
        all.push(started(trial, 1, 1).into());
        if completes {
            all.push(completed(trial, 1, 1, f64::from(trial)).into());
        } else {
            all.extend([failed(trial, 1, 1, FailureKind::Unfit).into(), abandoned(trial).into()]);
        }
    }
    all
}

#[test]
fn a_new_experiment_sets_its_timers_and_then_asks_for_a_diagnosis() {
    let then =
        [Intent::Timer(OUT_OF_TIME), Intent::Timer(GRACE_OVER), Intent::Command(Box::new(Command::RequestDiagnosis))];
    assert_eq!(next(&[opened().into()], &registered(), SOON), then);
}

#[test]
fn nothing_comes_before_the_data_are_clean() {
    assert_eq!(next(&events([]), &registered(), SOON), []);
    assert_eq!(next(&events([]), &Dataset::default(), SOON), []);
}

#[test]
fn nothing_comes_before_the_opening_or_after_the_end() {
    assert_eq!(next(&[], &mapped(), SOON), []);
    let over = events([ExperimentCancelled { reason: "enough".to_owned() }.into()]);
    assert_eq!(next(&over, &mapped(), GRACE_OVER), []);
}

#[test]
fn an_experiment_whose_data_cannot_be_prepared_fails_with_the_reason() {
    let given = events([stage_failed(Stage::Diagnosis).into()]);
    let [Command::Fail { reason }] = &commands(&given, &registered(), SOON)[..] else { panic!("not failed") };
    assert_eq!(reason, "the data could not be prepared: the covariance is singular");
}

#[test]
fn the_baseline_is_queued_first_with_the_strongest_season() {
    let first = commands(&events([]), &data(&clean_events()), SOON);
    let [Command::QueueTrial { role: TrialRole::Baseline, spec, limits, .. }, Command::RequestCausalMap] = &first[..]
    else {
        panic!("{first:?}")
    };
    assert_eq!((spec.model.as_str(), spec.integer("season_length", 0)), ("seasonal-naive", 24));
    assert_eq!((limits.deadline_ms, limits.threads), (45_000, 1));
}

#[test]
fn without_a_season_the_baseline_repeats_the_last_observation() {
    let mut plain = d::profiled(1);
    plain.seasonal_periods.clear();
    let mut registered = d::registered(1);
    registered.frequency = Frequency::every(FrequencyUnit::Year);
    let mut history = clean_events();
    history[0] = dataset::Event::DatasetRegistered(registered);
    history[1] = dataset::Event::DatasetProfiled(plain);
    let first = commands(&events([]), &data(&history), SOON);
    let Some(Command::QueueTrial { spec, .. }) = first.first() else { panic!("{first:?}") };
    assert_eq!(spec.model, "naive");
    assert_eq!(spec.hyperparameters.keys().collect::<Vec<_>>(), ["non_negative"]);
}

#[test]
fn a_plan_waits_for_the_graph() {
    let given = events([baseline(1), CausalMapRequested {}.into()]);
    assert_eq!(next(&given, &data(&clean_events()), SOON), []);
    assert_eq!(commands(&given, &mapped(), SOON), [Command::RequestPlan]);
}

#[test]
fn a_graph_for_another_target_is_not_waited_on_in_vain() {
    let mut history = clean_events();
    history.push(dataset::Event::GraphDiscovered(d::graph(1, "humidity")));
    let given = events([baseline(1), CausalMapRequested {}.into()]);
    assert_eq!(next(&given, &data(&history), SOON), []);
}

#[test]
fn without_a_graph_the_plan_does_without_drivers() {
    let given = events([baseline(1), CausalMapRequested {}.into(), stage_failed(Stage::CausalMap).into()]);
    let then = commands(&given, &data(&clean_events()), SOON);
    let [Command::TakeFallback(taken), Command::RequestPlan] = &then[..] else { panic!("{then:?}") };
    assert_eq!((taken.stage, taken.to.as_str()), (Stage::CausalMap, "a plan without drivers"));
    assert_eq!(taken.reason, "the covariance is singular");
}

#[test]
fn without_a_plan_the_baseline_is_all_there_is() {
    let given = planning([stage_failed(Stage::Planning).into()]);
    let then = commands(&given, &mapped(), SOON);
    let [Command::TakeFallback(taken)] = &then[..] else { panic!("{then:?}") };
    assert_eq!((taken.stage, taken.to.as_str()), (Stage::Planning, "the baseline alone"));
}

#[test]
fn a_plan_is_approved_by_policy_unless_a_person_must() {
    let given = planning([proposed(&["theta"]).into()]);
    assert_eq!(commands(&given, &mapped(), SOON), [Command::ApprovePlan { by: "policy".to_owned() }]);
    let mut asked = given;
    asked[0] = ExperimentOpened { approval_required: true, ..opened() }.into();
    assert_eq!(next(&asked, &mapped(), SOON), []);
    assert_eq!(Experiment::fold(&asked).status(), "AWAITING_APPROVAL");
    asked.push(PlanApproved { by: "ada".to_owned() }.into());
    assert_eq!(next(&asked, &mapped(), SOON), []);
    assert_eq!(Experiment::fold(&asked).status(), "RUNNING");
}

#[test]
fn a_rejected_plan_cancels_the_experiment() {
    let rejected = PlanRejected { by: "ada".to_owned(), reason: "too slow".to_owned() };
    let given = planning([proposed(&["theta"]).into(), rejected.into()]);
    let reason = "the plan was rejected: too slow".to_owned();
    assert_eq!(commands(&given, &mapped(), SOON), [Command::Cancel { reason }]);
}

#[test]
fn the_finished_trials_are_combined_then_reported_then_the_best_is_named() {
    let mut given = ended(true, true);
    assert_eq!(next(&given, &mapped(), SOON), [Intent::Effect(WorkKind::Combine)]);
    given.push(EnsembleBuilt { trial: TrialNumber(3), ..ensemble(3, &[(1, 1.0)]) }.into());
    assert_eq!(next(&given, &mapped(), SOON), [Intent::Effect(WorkKind::Report)]);
    given.push(report().into());
    // The ensemble's backtest MASE is 0.62, the trials' are 1 and 2.
    assert_eq!(commands(&given, &mapped(), SOON), [Command::Complete { best: TrialNumber(3) }]);
}

#[test]
fn without_an_ensemble_the_best_single_trial_stands() {
    let mut given = ended(true, true);
    given.push(stage_failed(Stage::Ensemble).into());
    let then = next(&given, &mapped(), SOON);
    let [Intent::Command(first), Intent::Effect(WorkKind::Report)] = &then[..] else { panic!("{then:?}") };
    assert!(matches!(&**first, Command::TakeFallback(taken) if taken.to == "the best single trial"), "{first:?}");
    given.push(report().into());
    let then = commands(&given, &mapped(), SOON);
    assert_eq!(then.last(), Some(&Command::Complete { best: TrialNumber(1) }));
}

#[test]
fn without_a_report_the_experiment_completes_all_the_same() {
    let mut given = ended(true, false);
    given.extend([ensemble(3, &[(1, 1.0)]).into(), stage_failed(Stage::Report).into()]);
    let then = commands(&given, &mapped(), SOON);
    let [Command::TakeFallback(taken), Command::Complete { best: TrialNumber(3) }] = &then[..] else {
        panic!("{then:?}")
    };
    assert_eq!((taken.stage, taken.to.as_str()), (Stage::Report, "the tables alone"));
}

#[test]
fn when_every_trial_failed_a_last_one_is_tried() {
    let given = ended(false, false);
    let then = commands(&given, &mapped(), SOON);
    let [Command::TakeFallback(taken), Command::QueueTrial { role: TrialRole::Fallback, spec, .. }] = &then[..] else {
        panic!("{then:?}")
    };
    assert_eq!((taken.stage, taken.to.as_str()), (Stage::Trials, "seasonal-naive"));
    assert_eq!(spec.model, "seasonal-naive");
}

#[test]
fn when_the_fallback_failed_too_the_experiment_fails() {
    let mut given = ended(false, false);
    given.extend([queued(3, TrialRole::Fallback, "seasonal-naive").into(), abandoned(3).into()]);
    let then = commands(&given, &mapped(), SOON);
    assert_eq!(then, [Command::Fail { reason: "every trial failed, the fallback included".to_owned() }]);
}

#[test]
fn an_experiment_waits_for_its_last_trial() {
    let approved = PlanApproved { by: "policy".to_owned() };
    let candidate = queued(2, TrialRole::Candidate, "theta");
    let mut given = planning([proposed(&["theta"]).into(), approved.into(), candidate.into()]);
    given.extend([leased(1, 1, 1).into(), started(1, 1, 1).into(), completed(1, 1, 1, 1.0).into()]);
    assert_eq!(next(&given, &mapped(), SOON), []);
}

fn given_up(events: &[Event], now: Timestamp) -> Vec<u32> {
    let abandoned = |command: Command| match command {
        Command::AbandonTrial { trial, .. } => Some(trial.0),
        _ => None,
    };
    commands(events, &mapped(), now).into_iter().filter_map(abandoned).collect()
}

/// The baseline completed; candidates 2 to 4 are queued, failed and running.
fn at_work() -> Vec<Event> {
    let approved = PlanApproved { by: "policy".to_owned() };
    let models = ["theta", "ridge", "nhits"];
    let mut all = planning([proposed(&models).into(), approved.into()]);
    all.extend((2..).zip(models).map(|(n, model)| queued(n, TrialRole::Candidate, model).into()));
    all.extend([leased(1, 1, 1).into(), started(1, 1, 1).into(), completed(1, 1, 1, 1.0).into()]);
    all.extend([leased(3, 1, 1).into(), failed(3, 1, 1, FailureKind::Killed).into()]);
    all.extend([leased(4, 1, 1).into(), started(4, 1, 1).into()]);
    all
}

#[test]
fn out_of_time_gives_up_what_has_not_begun_and_after_the_grace_what_still_runs() {
    let given = at_work();
    assert_eq!(given_up(&given, SOON), [] as [u32; 0]);
    assert_eq!(given_up(&given, OUT_OF_TIME), [2, 3]);
    assert_eq!(given_up(&given, GRACE_OVER), [2, 3, 4]);
}

#[test]
fn the_clock_never_gives_up_the_trial_that_is_to_bring_a_result() {
    let given = planning([leased(1, 1, 1).into(), started(1, 1, 1).into()]);
    assert_eq!(given_up(&given, GRACE_OVER), [] as [u32; 0]);
    let mut given = ended(false, false);
    given.extend([queued(3, TrialRole::Fallback, "naive").into(), leased(3, 1, 1).into(), started(3, 1, 1).into()]);
    assert_eq!(given_up(&given, GRACE_OVER), [] as [u32; 0]);
}

#[test]
fn out_of_time_before_there_was_a_plan_means_the_baseline_alone() {
    let given = planning([]);
    let then = commands(&given, &mapped(), OUT_OF_TIME);
    let [Command::FailStage(failed)] = &then[..] else { panic!("{then:?}") };
    assert_eq!(failed.stage, Stage::Planning);
    // Also when there is no graph yet, and none may ever come.
    for data in [mapped(), data(&clean_events())] {
        let then = commands(&planning([stage_failed(Stage::Planning).into()]), &data, OUT_OF_TIME);
        let [Command::TakeFallback(taken)] = &then[..] else { panic!("{then:?}") };
        assert_eq!(taken.to, "the baseline alone");
    }
}

#[test]
fn looking_twice_decides_the_same() {
    for (given, now) in [(planning([]), SOON), (at_work(), GRACE_OVER), (ended(false, false), OUT_OF_TIME)] {
        assert_eq!(next(&given, &mapped(), now), next(&given, &mapped(), now));
    }
}
