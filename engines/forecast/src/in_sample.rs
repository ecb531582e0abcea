//! What a fitted model forecasts inside the history that it saw.

use crate::gaps;
use crate::view::SeriesView;

/// The one-step forecasts of one series' history: each from the values before it, with parameters estimated from all.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesFit {
    /// The series.
    pub item_id: String,
    /// The first observation that was forecast; those before it only start the model. The length where none was.
    pub start: usize,
    /// One finite value for each observation before the origin. Before `start` they are the observations themselves.
    pub fitted: Vec<f64>,
    /// Observed less fitted; NaN where the observation is missing, 0 before `start`.
    pub residuals: Vec<f64>,
}

impl SeriesFit {
    /// The fit of a whole history from that of its part from the first observation on, NaN where there is none.
    pub(crate) fn of(series: &SeriesView<'_>, fitted: &[f64]) -> Self {
        let target = series.target();
        let lead = target.len() - fitted.len().min(target.len());
        let from_end = fitted.iter().rev().take_while(|v| v.is_finite()).count();
        let start = target.len() - from_end;
        let mut whole = gaps::filled(target);
        whole[start..].copy_from_slice(&fitted[start - lead..]);
        let residuals = target.iter().zip(&whole).map(|(y, f)| y - f).collect();
        Self { item_id: series.item_id().to_string(), start, fitted: whole, residuals }
    }

    /// The residuals of the observations that were forecast and are not missing.
    pub fn errors(&self) -> impl Iterator<Item = f64> + '_ {
        self.residuals[self.start..].iter().copied().filter(|e| e.is_finite())
    }
}
