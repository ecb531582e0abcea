//! Why an experiment refuses a command.

use crate::identity::{Epoch, Position, TrialNumber};

/// A refusal.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Nothing was opened in this stream.
    #[error("no experiment is open here")]
    NotOpened,
    /// It was opened before, differently.
    #[error("the experiment is open already")]
    AlreadyOpen,
    /// It has ended.
    #[error("the experiment has ended ({status})")]
    Ended {
        /// Its status.
        status: &'static str,
    },
    /// It has not ended, and what is asked needs that.
    #[error("the experiment has not ended")]
    NotEnded,
    /// The data that it rests on were erased.
    #[error(
        "the data that it rests on were erased at position {erased_at_position} ({why}): it can be read about, but not \
             forked, resumed or reproduced"
    )]
    InputErased {
        /// Where the log has the erasure of the data set.
        erased_at_position: Position,
        /// Why.
        why: String,
    },
    /// The objective is not built yet.
    #[error("the objective {0} is not available yet; use forecast")]
    ObjectiveUnavailable(&'static str),
    /// A setting makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// A fork cannot set any more what was decided before it.
    #[error("{key} is settled by {by}, which the fork shares with its parent")]
    Settled {
        /// What was to be set.
        key: String,
        /// What has settled it.
        by: &'static str,
    },
    /// The stages come in order.
    #[error("{step} comes after {missing}")]
    OutOfOrder {
        /// What was asked.
        step: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// There is no plan to decide on.
    #[error("there is no plan to decide on")]
    NoPlan,
    /// The plan was decided on already, the other way.
    #[error("the plan was {0} already")]
    PlanDecided(&'static str),
    /// No such trial.
    #[error("there is no trial {0}")]
    NoTrial(TrialNumber),
    /// The lease of an older term reports: its worker has lost the trial to another.
    #[error("trial {trial} is leased under epoch {current}; epoch {given} has expired")]
    StaleEpoch {
        /// The trial.
        trial: TrialNumber,
        /// The newest term.
        current: Epoch,
        /// The term of the command.
        given: Epoch,
    },
    /// The trial is not in a state for this.
    #[error("trial {trial} is {state}; {step} does not apply")]
    WrongState {
        /// The trial.
        trial: TrialNumber,
        /// Its state.
        state: &'static str,
        /// What was asked.
        step: &'static str,
    },
    /// The weights of an ensemble do not sum to one, or a member has no result.
    #[error("the ensemble is not valid: {0}")]
    InvalidEnsemble(String),
    /// No such request or question.
    #[error("there is no {what} {number}")]
    Unknown {
        /// `request` or `question`.
        what: &'static str,
        /// Its number.
        number: u32,
    },
}
