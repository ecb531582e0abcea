//! What the user is told when something goes wrong, and with which exit code.

use std::process::ExitCode;

use atsre_causal::discover::DiscoverError;
use atsre_curation::ingest::{IngestError, Problem};
use atsre_forecast::ForecastError;

/// A failure as the user meets it: what was wrong, where, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// The exit code: 1 failed, 2 wrong usage, 3 verification found a difference.
    pub code: u8,
    /// The error with its causes.
    pub error: anyhow::Error,
}

impl Failure {
    /// The command was used wrongly.
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Self { code: 2, error: anyhow::anyhow!("{message}") }
    }

    /// The command failed.
    pub fn failed(message: impl std::fmt::Display) -> Self {
        Self { code: 1, error: anyhow::anyhow!("{message}") }
    }

    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        // A refused file says by itself what is wrong, where and what to do: whatever was wrapped around it only
        // keeps the reader from it.
        if let Some(refused) = error.chain().find_map(|cause| cause.downcast_ref::<IngestError>()) {
            // The reader of files does not know which flag raises its limit.
            let flag = if matches!(*refused.problem, Problem::TooLarge { .. }) { " with --max-bytes" } else { "" };
            return Self { code: if refused.is_usage() { 2 } else { 1 }, error: anyhow::anyhow!("{refused}{flag}") };
        }
        let wrong_usage = error.chain().any(is_wrong_usage);
        Self { code: if wrong_usage { 2 } else { 1 }, error }
    }
}

/// Whether a flag asked for what there is not.
fn is_wrong_usage(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(ForecastError::UnknownModel { .. } | ForecastError::Setting { .. }))
        || matches!(
            cause.downcast_ref(),
            Some(
                DiscoverError::Knowledge(_)
                    | DiscoverError::Level(_)
                    | DiscoverError::NoTarget { .. }
                    | DiscoverError::NeedsSeries { .. }
                    | DiscoverError::NeedsRows { .. }
                    | DiscoverError::Test { .. }
                    | DiscoverError::NotCompatible { .. }
            )
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_is_wrong_is_wrong_usage() {
        let setting =
            ForecastError::Setting { model: "theta".into(), setting: "a".into(), problem: "is unknown".into() };
        assert_eq!(Failure::from(setting).code, 2);
        assert_eq!(Failure::from(DiscoverError::Level(7.0)).code, 2);
        assert_eq!(Failure::from(ForecastError::Cancelled).code, 1);
    }
}
