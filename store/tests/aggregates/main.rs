//! The aggregates as given / when / then, through the adapter by which the store runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../../domain/tests/fixtures/mod.rs"]
mod fixtures;

mod dataset;
mod experiment_ends;
mod experiment_forks;
mod experiment_plans;
mod experiment_repeats;
mod experiment_trials;
mod node;

use atsre_domain::Decider;
use atsre_domain::event::WireEvent;
use atsre_store::{Adapted, Recordable};
use cqrs_es::test::{AggregateResultValidator, TestFramework};

/// The outcome of a command after these events.
fn outcome<D>(given: &[D::Event], when: D::Command) -> AggregateResultValidator<Adapted<D>>
where
    D: Decider<Event: WireEvent>,
{
    let given = given.iter().cloned().map(Recordable).collect();
    TestFramework::<Adapted<D>>::with(()).given(given).when(when)
}

/// The command is obeyed with these events.
#[track_caller]
fn brings<D: Decider<Event: WireEvent>>(
    given: &[D::Event],
    when: D::Command,
    then: impl IntoIterator<Item = D::Event>,
) {
    outcome::<D>(given, when).then_expect_events(then.into_iter().map(Recordable).collect());
}

/// The command is obeyed and changes nothing.
#[track_caller]
fn changes_nothing<D: Decider<Event: WireEvent>>(given: &[D::Event], when: D::Command) {
    brings::<D>(given, when, []);
}

/// The command is refused.
#[track_caller]
fn refuses<D>(given: &[D::Event], when: D::Command, error: D::Error)
where
    D: Decider<Event: WireEvent, Error: PartialEq>,
{
    outcome::<D>(given, when).then_expect_error(error);
}

/// These events, then one more.
fn and<E: Clone>(given: &[E], more: impl IntoIterator<Item = E>) -> Vec<E> {
    given.iter().cloned().chain(more).collect()
}
