//! What the user is told when something goes wrong, and with which exit code.

use std::process::ExitCode;

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
        let wrong_usage = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<atsre_curation::ingest::IngestError>())
            .any(atsre_curation::ingest::IngestError::is_usage);
        Self { code: if wrong_usage { 2 } else { 1 }, error }
    }
}
