//! Collecting what was inferred and what a person should know.

use atsre_domain::table::Inference;

/// Inferences and warnings in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) inferences: Vec<Inference>,
    pub(super) warnings: Vec<String>,
}

impl Report {
    /// Notes a choice with its reason.
    pub(super) fn infer(
        &mut self,
        subject: impl Into<String>,
        choice: impl Into<String>,
        reason: impl Into<String>,
        overridden: bool,
    ) {
        let (subject, choice, reason) = (subject.into(), choice.into(), reason.into());
        self.inferences.push(Inference { subject, choice, reason, overridden });
    }

    /// Puts a choice that has become clearer in the place of an earlier one.
    pub(super) fn refine(&mut self, subject: &str, choice: String) {
        if let Some(inference) = self.inferences.iter_mut().find(|i| i.subject == subject) {
            inference.choice = choice;
        }
    }

    /// Notes something that a person should look at.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

/// Names for a sentence: quoted, with commas, at most ten of them.
pub(super) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<String> = names.iter().take(10).map(|n| format!("`{}`", n.as_ref())).collect();
    let more = names.len().saturating_sub(10);
    let mut text = shown.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
