//! Ensemble, report, the end; completions, questions, stages and fallbacks.

use atsre_domain::Decider as _;
use atsre_domain::experiment::*;
use atsre_domain::identity::{Position, TrialNumber};

use crate::fixtures::experiment::{
    answer, completed, completion_failed, completion_received, completion_requested, ensemble, fallback_taken, forked,
    input_erased, leased, opened, question, report, stage_failed, started, with_candidates, with_results,
};
use crate::{and, brings, changes_nothing, refuses};

fn build(trial: u32, members: &[(u32, f64)]) -> Command {
    Command::BuildEnsemble(Box::new(ensemble(trial, members)))
}

fn publish() -> Command {
    Command::PublishReport(Box::new(report()))
}

fn complete(best: u32) -> Command {
    Command::Complete { best: TrialNumber(best) }
}

fn reported() -> Vec<Event> {
    and(&with_results(), [ensemble(4, &[(1, 0.25), (2, 0.75)]).into(), report().into()])
}

fn invalid(why: &str) -> Error {
    Error::InvalidEnsemble(why.to_owned())
}

fn ask() -> Command {
    Command::AskQuestion { text: question().text }
}

fn answer_question(number: u32) -> Command {
    Command::AnswerQuestion { question: number, answer: answer().answer }
}

#[test]
fn an_ensemble_combines_results_under_the_next_number() {
    let built = ensemble(4, &[(1, 0.25), (2, 0.75)]);
    brings::<Experiment>(&with_results(), build(4, &[(1, 0.25), (2, 0.75)]), [built.clone().into()]);
    changes_nothing::<Experiment>(&and(&with_results(), [built.into()]), build(4, &[(1, 1.0)]));
}

#[test]
fn an_ensemble_of_other_weights_members_or_numbers_is_refused() {
    let given = with_results();
    refuses::<Experiment>(&given, build(4, &[(1, 0.25), (2, 0.5)]), invalid("the weights sum to 0.75"));
    refuses::<Experiment>(&given, build(4, &[]), invalid("the weights sum to 0"));
    refuses::<Experiment>(&given, build(4, &[(1, 0.5), (3, 0.5)]), invalid("trial 3 has no result"));
    refuses::<Experiment>(&given, build(4, &[(1, 1.5), (2, -0.5)]), invalid("the weight of trial 2 is -0.5"));
    refuses::<Experiment>(&given, build(4, &[(1, 0.5), (1, 0.5)]), invalid("trial 1 is a member twice"));
    refuses::<Experiment>(&given, build(4, &[(9, 1.0)]), Error::NoTrial(TrialNumber(9)));
    refuses::<Experiment>(&given, build(2, &[(1, 1.0)]), invalid("its number must be 4"));
    refuses::<Experiment>(&given, build(5, &[(1, 1.0)]), invalid("its number must be 4"));
}

#[test]
fn an_ensemble_waits_for_the_last_trial() {
    let mut given = with_candidates(&["theta", "ridge"]);
    given.extend([leased(1, 1, 1).into(), started(1, 1, 1).into(), completed(1, 1, 1, 0.8).into()]);
    let error = Error::OutOfOrder { step: "an ensemble", missing: "the end of every trial" };
    refuses::<Experiment>(&given, build(3, &[(1, 1.0)]), error);
}

#[test]
fn a_completion_names_a_trial_with_a_result() {
    for best in [1, 2, 4] {
        let then = ExperimentCompleted { best: TrialNumber(best) }.into();
        brings::<Experiment>(&reported(), complete(best), [then]);
    }
    let without = Error::WrongState { trial: TrialNumber(3), state: "without a result", step: "being the best" };
    refuses::<Experiment>(&reported(), complete(3), without);
    refuses::<Experiment>(&reported(), complete(9), Error::NoTrial(TrialNumber(9)));
}

#[test]
fn a_completion_needs_a_report_or_a_failed_report_stage() {
    let error = Error::OutOfOrder { step: "completion", missing: "the report" };
    refuses::<Experiment>(&with_results(), complete(2), error);
    let then = || Event::from(ExperimentCompleted { best: TrialNumber(2) });
    let published = and(&with_results(), [report().into()]);
    brings::<Experiment>(&published, complete(2), [then()]);
    let set_aside = and(&with_results(), [stage_failed(Stage::Report).into()]);
    brings::<Experiment>(&set_aside, complete(2), [then()]);
}

#[test]
fn the_report_is_published_once_and_may_come_after_the_end() {
    brings::<Experiment>(&with_results(), publish(), [report().into()]);
    changes_nothing::<Experiment>(&reported(), publish());
    let ended = and(&with_results(), [ExperimentCancelled { reason: "enough".to_owned() }.into()]);
    brings::<Experiment>(&ended, publish(), [report().into()]);
}

#[test]
fn an_open_experiment_fails_or_is_cancelled_with_a_reason() {
    let reason = || "the data could not be prepared".to_owned();
    let given = [opened().into()];
    brings::<Experiment>(&given, Command::Fail { reason: reason() }, [ExperimentFailed { reason: reason() }.into()]);
    let then = ExperimentCancelled { reason: reason() }.into();
    brings::<Experiment>(&given, Command::Cancel { reason: reason() }, [then]);
}

#[test]
fn an_end_is_final() {
    let reason = || "enough".to_owned();
    let ends: [(Event, &str); 3] = [
        (ExperimentCompleted { best: TrialNumber(2) }.into(), "COMPLETED"),
        (ExperimentFailed { reason: reason() }.into(), "FAILED"),
        (ExperimentCancelled { reason: reason() }.into(), "CANCELLED"),
    ];
    for (end, status) in ends {
        let given = and(&reported(), [end]);
        let commands = [complete(2), Command::Fail { reason: reason() }, Command::Cancel { reason: reason() }];
        for (command, its_own) in commands.into_iter().zip(["COMPLETED", "FAILED", "CANCELLED"]) {
            if its_own == status {
                changes_nothing::<Experiment>(&given, command);
            } else {
                refuses::<Experiment>(&given, command, Error::Ended { status });
            }
        }
        let lease = leased(3, 1, 2);
        let lease = Command::LeaseTrial { trial: lease.trial, epoch: lease.epoch, node: lease.node };
        let stage = Command::FailStage(Box::new(stage_failed(Stage::Trials)));
        for command in [Command::RequestPlan, lease, build(5, &[(1, 1.0)]), ask(), stage] {
            refuses::<Experiment>(&given, command, Error::Ended { status });
        }
    }
}

#[test]
fn another_best_is_refused_after_the_end() {
    let given = and(&reported(), [ExperimentCompleted { best: TrialNumber(2) }.into()]);
    refuses::<Experiment>(&given, complete(1), Error::Ended { status: "COMPLETED" });
}

#[test]
fn a_request_to_a_language_model_is_answered_once() {
    let request = Command::RequestCompletion(Box::new(completion_requested(1)));
    let receive = || Command::ReceiveCompletion(Box::new(completion_received(1)));
    let fail = || Command::FailCompletion(Box::new(completion_failed(1)));
    let given: [Event; 1] = [opened().into()];
    for answer in [receive(), fail()] {
        refuses::<Experiment>(&given, answer, Error::Unknown { what: "request", number: 1 });
    }
    brings::<Experiment>(&given, request.clone(), [completion_requested(1).into()]);
    let asked = and(&given, [completion_requested(1).into()]);
    changes_nothing::<Experiment>(&asked, request);
    brings::<Experiment>(&asked, receive(), [completion_received(1).into()]);
    brings::<Experiment>(&asked, fail(), [completion_failed(1).into()]);
    for outcome in [Event::from(completion_received(1)), completion_failed(1).into()] {
        let answered = and(&asked, [outcome]);
        changes_nothing::<Experiment>(&answered, receive());
        changes_nothing::<Experiment>(&answered, fail());
    }
}

#[test]
fn a_question_is_asked_once_and_answered_once() {
    let given: [Event; 1] = [opened().into()];
    refuses::<Experiment>(&given, answer_question(1), Error::Unknown { what: "question", number: 1 });
    brings::<Experiment>(&given, ask(), [question().into()]);
    let asked = and(&given, [question().into()]);
    changes_nothing::<Experiment>(&asked, ask());
    brings::<Experiment>(&asked, answer_question(1), [answer().into()]);
    let answered = and(&asked, [answer().into()]);
    changes_nothing::<Experiment>(&answered, answer_question(1));
    changes_nothing::<Experiment>(&answered, ask());
    let text = "is the last week complete?".to_owned();
    let then = QuestionAsked { question: 2, text: text.clone() }.into();
    brings::<Experiment>(&answered, Command::AskQuestion { text }, [then]);
}

#[test]
fn a_stage_is_set_aside_once() {
    let given: [Event; 1] = [opened().into()];
    let fail = |stage| Command::FailStage(Box::new(stage_failed(stage)));
    brings::<Experiment>(&given, fail(Stage::CausalMap), [stage_failed(Stage::CausalMap).into()]);
    let given = and(&given, [stage_failed(Stage::CausalMap).into()]);
    changes_nothing::<Experiment>(&given, fail(Stage::CausalMap));
    brings::<Experiment>(&given, fail(Stage::Report), [stage_failed(Stage::Report).into()]);
}

#[test]
fn a_fallback_is_taken_once() {
    let take = |taken: FallbackTaken| Command::TakeFallback(Box::new(taken));
    let given: [Event; 1] = [opened().into()];
    brings::<Experiment>(&given, take(fallback_taken()), [fallback_taken().into()]);
    let given = and(&given, [fallback_taken().into()]);
    changes_nothing::<Experiment>(&given, take(fallback_taken()));
    let other = FallbackTaken { stage: Stage::CausalMap, ..fallback_taken() };
    brings::<Experiment>(&given, take(other.clone()), [other.into()]);
}

#[test]
fn the_erasure_of_its_data_is_recorded_once_and_after_the_end() {
    let erase = || Command::EraseInput(Box::new(input_erased()));
    refuses::<Experiment>(&with_results(), erase(), Error::NotEnded);
    refuses::<Experiment>(&[], erase(), Error::NotOpened);
    let ended = and(&with_results(), [ExperimentCancelled { reason: "enough".to_owned() }.into()]);
    brings::<Experiment>(&ended, erase(), [input_erased().into()]);
    let erased = and(&ended, [input_erased().into()]);
    changes_nothing::<Experiment>(&erased, erase());
    let refusal = || Error::InputErased { erased_at_position: Position(77), why: input_erased().why };
    // A report that was being written meanwhile would rest on what is gone, and so would a fork.
    refuses::<Experiment>(&erased, publish(), refusal());
    refuses::<Experiment>(&erased, Command::Fork(Box::new(forked())), refusal());
    assert_eq!(Experiment::fold(&erased).ensure_input(), Err(refusal()));
    assert_eq!(Experiment::fold(&ended).ensure_input(), Ok(()));
}
