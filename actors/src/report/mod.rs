//! The report: one self-contained page that a person can read, show and check.
//!
//! Rendering is pure: the same data give the same bytes.

mod acf_chart;
mod axis;
mod data;
mod forecast_chart;
mod leaderboard;
mod machine;
mod markdown;
mod page;
mod pareto_chart;
mod picture;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod text;

use atsre_domain::identity::TrialNumber;

pub use data::{Anchor, ReportData, TrialEntry};
pub use picture::forecast_picture;

/// A report in its three forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One self-contained HTML page: no script, no network, no external font.
    pub html: String,
    /// The same in short, as Markdown.
    pub markdown: String,
    /// The same for machines, as JSON.
    pub json: String,
}

/// Why a report cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The best trial is not among the finished ones.
    #[error("the report names trial {0} as the best, but no finished trial has this number")]
    NoBest(TrialNumber),
    /// The machine form could not be written.
    #[error("the report's json form cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Renders a report.
///
/// # Errors
/// [`RenderError`].
pub fn render(data: &ReportData) -> Result<Rendered, RenderError> {
    let board = leaderboard::Leaderboard::of(data)?;
    Ok(Rendered {
        html: page::render(data, &board),
        markdown: markdown::render(data, &board),
        json: machine::render(data, &board)?,
    })
}
