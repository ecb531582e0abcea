use atsre_domain::dataset::{Command, Dataset, DatasetErased, Erasure, Error, Event};

use crate::fixtures::dataset::{TARGET, cleaned, erased, erasure, graph, profiled, registered, rules};
use crate::fixtures::number;
use crate::{and, brings, changes_nothing, refuses};

fn register(version: u32) -> Command {
    Command::Register(Box::new(registered(version)))
}

fn profile(version: u32) -> Command {
    Command::RecordProfile(Box::new(profiled(version)))
}

fn derive_rules(version: u32) -> Command {
    Command::RecordRules(Box::new(rules(version)))
}

fn clean(version: u32) -> Command {
    Command::RecordCleaning(Box::new(cleaned(version)))
}

fn map(version: u32, target: &str) -> Command {
    Command::RecordGraph(Box::new(graph(version, target)))
}

fn first() -> Vec<Event> {
    vec![Event::DatasetRegistered(registered(1))]
}

fn whole() -> Vec<Event> {
    and(
        &first(),
        [
            Event::DatasetProfiled(profiled(1)),
            Event::AnomalyRulesDerived(rules(1)),
            Event::DatasetCleaned(cleaned(1)),
            Event::GraphDiscovered(graph(1, TARGET)),
        ],
    )
}

#[test]
fn the_first_registration_is_version_one() {
    brings::<Dataset>(&[], register(1), first());
    refuses::<Dataset>(&[], register(2), Error::WrongVersion { expected: 1, given: 2 });
    refuses::<Dataset>(&[], register(0), Error::WrongVersion { expected: 1, given: 0 });
}

#[test]
fn the_same_file_again_changes_nothing() {
    changes_nothing::<Dataset>(&first(), register(1));
    changes_nothing::<Dataset>(&whole(), register(1));
}

#[test]
fn a_new_upload_begins_the_next_version() {
    brings::<Dataset>(&whole(), register(2), [Event::DatasetRegistered(registered(2))]);
    refuses::<Dataset>(&whole(), register(3), Error::WrongVersion { expected: 2, given: 3 });
}

#[test]
fn another_file_cannot_take_the_place_of_a_version() {
    let mut other = registered(1);
    other.source.digest = registered(2).source.digest;
    refuses::<Dataset>(&first(), Command::Register(Box::new(other)), Error::WrongVersion { expected: 2, given: 1 });
}

#[test]
fn a_stream_holds_one_data_set() {
    let mut other = registered(2);
    other.name = "air-quality".to_owned();
    let error = Error::WrongName { ours: "bike-sharing".to_owned(), given: "air-quality".to_owned() };
    refuses::<Dataset>(&first(), Command::Register(Box::new(other)), error);
}

#[test]
fn the_steps_of_curation_are_recorded_in_their_order() {
    let all = whole();
    let steps = [profile(1), derive_rules(1), clean(1), map(1, TARGET)];
    for (done, step) in (1..).zip(steps) {
        brings::<Dataset>(&all[..done], step, [all[done].clone()]);
    }
}

#[test]
fn a_step_out_of_its_order_is_refused_by_name() {
    let all = whole();
    let out_of_order = |step, missing| Error::OutOfOrder { step, missing };
    refuses::<Dataset>(&all[..1], derive_rules(1), out_of_order("rules", "the profile"));
    refuses::<Dataset>(&all[..2], clean(1), out_of_order("cleaning", "the anomaly rules"));
    refuses::<Dataset>(&all[..3], map(1, TARGET), out_of_order("a graph", "the clean table"));
}

#[test]
fn nothing_is_recorded_of_a_data_set_that_was_never_registered() {
    for step in [profile(1), derive_rules(1), clean(1), map(1, TARGET)] {
        refuses::<Dataset>(&[], step, Error::NotRegistered);
    }
}

#[test]
fn a_result_for_an_unknown_version_is_refused() {
    for step in [profile(2), derive_rules(2), clean(2), map(2, TARGET)] {
        refuses::<Dataset>(&whole(), step, Error::UnknownVersion { newest: 1, given: 2 });
    }
}

#[test]
fn a_repeated_result_changes_nothing() {
    for step in [profile(1), derive_rules(1), clean(1), map(1, TARGET)] {
        changes_nothing::<Dataset>(&whole(), step);
    }
}

#[test]
fn a_second_diagnosis_does_not_replace_the_first() {
    let mut other = cleaned(1);
    other.clean_table = "clean_again".to_owned();
    changes_nothing::<Dataset>(&whole(), Command::RecordCleaning(Box::new(other)));
}

#[test]
fn a_result_for_the_old_version_is_still_taken_after_a_new_upload() {
    let given = [Event::DatasetRegistered(registered(1)), Event::DatasetRegistered(registered(2))];
    brings::<Dataset>(&given, profile(1), [Event::DatasetProfiled(profiled(1))]);
    brings::<Dataset>(&given, profile(2), [Event::DatasetProfiled(profiled(2))]);
}

#[test]
fn the_new_version_inherits_no_result_of_the_old_one() {
    let given = and(&whole(), [Event::DatasetRegistered(registered(2))]);
    refuses::<Dataset>(&given, clean(2), Error::OutOfOrder { step: "cleaning", missing: "the anomaly rules" });
}

#[test]
fn each_target_has_its_own_graph() {
    brings::<Dataset>(&whole(), map(1, "humidity"), [Event::GraphDiscovered(graph(1, "humidity"))]);
}

#[test]
fn other_settings_give_the_target_a_newer_graph() {
    let mut stricter = graph(1, TARGET);
    stricter.significance_level = number(0.001);
    let newer = Event::GraphDiscovered(stricter.clone());
    brings::<Dataset>(&whole(), Command::RecordGraph(Box::new(stricter)), [newer]);
}

fn erase() -> Command {
    Command::Erase(Box::new(erasure()))
}

fn gone(version: u32) -> Error {
    Error::Erased { version, why: erasure().why }
}

#[test]
fn an_erasure_takes_every_version_that_is_not_erased_yet() {
    brings::<Dataset>(&whole(), erase(), [Event::DatasetErased(erased(&[1]))]);
    let two = and(&whole(), [Event::DatasetRegistered(registered(2))]);
    brings::<Dataset>(&two, erase(), [Event::DatasetErased(erased(&[1, 2]))]);
    refuses::<Dataset>(&[], erase(), Error::NotRegistered);
    let silent = Command::Erase(Box::new(Erasure { why: "  ".to_owned(), ..erasure() }));
    refuses::<Dataset>(&whole(), silent, Error::NoReason);
}

#[test]
fn an_erasure_again_changes_nothing_unless_there_is_a_new_version_or_key() {
    let given = and(&whole(), [Event::DatasetErased(erased(&[1]))]);
    changes_nothing::<Dataset>(&given, erase());
    // A key that was made and never used by a version.
    let other = Erasure { key_ids: vec!["another".to_owned()], ..erasure() };
    let then = DatasetErased { key_ids: other.key_ids.clone(), ..erased(&[]) };
    brings::<Dataset>(&given, Command::Erase(Box::new(other)), [Event::DatasetErased(then)]);
    let again = and(&given, [Event::DatasetRegistered(registered(2))]);
    let then = DatasetErased { key_ids: vec![], ..erased(&[2]) };
    brings::<Dataset>(&again, erase(), [Event::DatasetErased(then)]);
}

#[test]
fn an_erased_version_takes_no_more_results_and_the_same_file_begins_the_next() {
    let given = and(&whole(), [Event::DatasetErased(erased(&[1]))]);
    for command in [register(1), profile(1), derive_rules(1), clean(1), map(1, TARGET)] {
        refuses::<Dataset>(&given, command, gone(1));
    }
    brings::<Dataset>(&given, register(2), [Event::DatasetRegistered(registered(2))]);
    let again = and(&given, [Event::DatasetRegistered(registered(2))]);
    brings::<Dataset>(&again, profile(2), [Event::DatasetProfiled(profiled(2))]);
    refuses::<Dataset>(&again, profile(1), gone(1));
}
