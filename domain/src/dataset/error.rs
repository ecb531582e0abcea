//! Why a data set refuses a command.

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing was ever registered in this stream.
    #[error("no data set is registered here")]
    NotRegistered,
    /// The result speaks of a version that was never registered.
    #[error("the data set has versions up to {newest}, the result is for version {given}")]
    UnknownVersion {
        /// The newest version.
        newest: u32,
        /// The version the command names.
        given: u32,
    },
    /// A registration must begin the next version.
    #[error("the next version of the data set is {expected}, not {given}")]
    WrongVersion {
        /// The version expected.
        expected: u32,
        /// The version the command names.
        given: u32,
    },
    /// The steps of curation come in order.
    #[error("{step} comes after {missing}, which is not recorded yet")]
    OutOfOrder {
        /// What was to be recorded.
        step: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// The version was erased: nothing can be found in it any more.
    #[error("version {version} of the data set was erased ({why})")]
    Erased {
        /// The version.
        version: u32,
        /// Why.
        why: String,
    },
    /// An erasure is on record for ever, so it says why.
    #[error("an erasure needs a reason")]
    NoReason,
    /// The name differs from the stream's.
    #[error("this stream holds the data set {ours:?}, not {given:?}")]
    WrongName {
        /// The stream's data set.
        ours: String,
        /// The name in the command.
        given: String,
    },
}
