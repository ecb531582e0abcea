use atsre_domain::node::{Command, Error, Node};

use crate::fixtures::node::{agent_started, crashed, escalated, restarted, started, stopped};
use crate::{brings, changes_nothing, refuses};

#[test]
fn a_node_starts_once() {
    brings::<Node>(&[], Command::Record(started()), [started()]);
    changes_nothing::<Node>(&[started()], Command::Record(started()));
}

#[test]
fn nothing_is_recorded_before_the_start() {
    for event in [agent_started(), crashed(), restarted(), escalated(), stopped()] {
        refuses::<Node>(&[], Command::Record(event), Error::NotStarted);
    }
}

#[test]
fn a_running_node_records_the_life_of_its_agents() {
    for event in [agent_started(), crashed(), restarted(), escalated(), stopped()] {
        brings::<Node>(&[started()], Command::Record(event.clone()), [event]);
    }
}

#[test]
fn the_same_agent_may_crash_again() {
    brings::<Node>(&[started(), crashed(), restarted()], Command::Record(crashed()), [crashed()]);
}

#[test]
fn a_stopped_node_records_nothing_more() {
    let given = [started(), stopped()];
    changes_nothing::<Node>(&given, Command::Record(stopped()));
    for event in [started(), agent_started(), crashed(), restarted(), escalated()] {
        refuses::<Node>(&given, Command::Record(event), Error::Stopped);
    }
}
