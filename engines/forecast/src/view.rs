//! What a model may see: each series up to its own origin, and what is known beyond it.
//!
//! Leakage is impossible by construction: nothing here returns a target or a past covariate at or after the
//! origin, nor a known covariate at or after origin + horizon.

use atsre_domain::frequency::Frequency;
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::{CovariateKind, Panel, Series};

use crate::error::ForecastError;
use crate::time_axis;

/// One covariate that the model may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisibleCovariate<'a> {
    /// The column's name.
    pub name: &'a str,
    /// When it is known; `Known` only where the data have it over the whole horizon.
    pub kind: CovariateKind,
    /// For a categorical column, its levels; values are then indices.
    pub levels: Option<&'a [String]>,
}

/// A covariate chosen for a job: its row in the panel and the kind that the job allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) row: usize,
    pub(crate) kind: CovariateKind,
}

/// A panel whose series are each cut at their own origin.
#[derive(Clone, Debug)]
pub struct TrainingView<'a> {
    panel: &'a Panel,
    chosen: Vec<Chosen>,
    cuts: Vec<(usize, usize)>,
    horizon: usize,
}

impl<'a> TrainingView<'a> {
    /// A view of the series at `cuts`: pairs of a series' index in the panel and its origin.
    pub(crate) fn new(panel: &'a Panel, chosen: Vec<Chosen>, cuts: Vec<(usize, usize)>, horizon: usize) -> Self {
        debug_assert!(cuts.iter().all(|&(s, origin)| origin <= panel.series[s].target.len()));
        Self { panel, chosen, cuts, horizon }
    }

    /// A view of whole series, for a model used by itself: origins at the ends of the targets, every covariate as the
    /// panel declares it.
    #[must_use]
    pub fn of_panel(panel: &'a Panel, horizon: usize) -> Self {
        let chosen = panel.covariates.iter().enumerate().map(|(row, c)| Chosen { row, kind: c.kind }).collect();
        let cuts = panel.series.iter().enumerate().map(|(i, s)| (i, s.target.len())).collect();
        Self::new(panel, chosen, cuts, horizon)
    }

    /// The view `steps` earlier, of the series that `keep` chooses when it sees them there, with their places in this
    /// view. Origins only move back: a narrowed view never shows what this one hides. Series without a value before
    /// their earlier origin are left out.
    #[must_use]
    pub fn earlier(&self, steps: usize, keep: impl Fn(&SeriesView<'_>) -> bool) -> (Self, Vec<usize>) {
        let mut narrowed = Self { cuts: Vec::new(), chosen: self.chosen.clone(), ..*self };
        let mut places = Vec::new();
        for (place, &(series, origin)) in self.cuts.iter().enumerate() {
            let Some(origin) = origin.checked_sub(steps).filter(|o| *o > 0) else { continue };
            narrowed.cuts.push((series, origin));
            if keep(&narrowed.series(narrowed.cuts.len() - 1)) {
                places.push(place);
            } else {
                narrowed.cuts.pop();
            }
        }
        (narrowed, places)
    }

    /// How many series are in view.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cuts.len()
    }

    /// Whether no series is in view.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// The series number `index` of the view.
    ///
    /// # Panics
    /// Where `index` is not below [`Self::len`].
    #[must_use]
    pub fn series(&self, index: usize) -> SeriesView<'_> {
        let (series, origin) = self.cuts[index];
        SeriesView {
            series: &self.panel.series[series],
            index: series,
            chosen: &self.chosen,
            frequency: self.panel.frequency,
            origin,
            horizon: self.horizon,
        }
    }

    /// All series in view, in the panel's order.
    pub fn iter(&self) -> impl Iterator<Item = SeriesView<'_>> {
        (0..self.len()).map(|i| self.series(i))
    }

    /// The distance between two observations.
    #[must_use]
    pub fn frequency(&self) -> Frequency {
        self.panel.frequency
    }

    /// Steps after each origin over which known covariates can be seen.
    #[must_use]
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// The covariates that the model may use; their positions are the `covariate` arguments of [`SeriesView`].
    pub fn covariates(&self) -> impl Iterator<Item = VisibleCovariate<'_>> {
        self.chosen.iter().map(|c| {
            let covariate = &self.panel.covariates[c.row];
            VisibleCovariate { name: &covariate.name, kind: c.kind, levels: covariate.levels.as_deref() }
        })
    }
}

/// One series up to its origin.
#[derive(Clone, Copy, Debug)]
pub struct SeriesView<'a> {
    series: &'a Series,
    index: usize,
    chosen: &'a [Chosen],
    frequency: Frequency,
    origin: usize,
    horizon: usize,
}

impl<'a> SeriesView<'a> {
    /// The item's name; empty for the only series of a wide file.
    #[must_use]
    pub fn item_id(&self) -> &'a str {
        &self.series.item_id
    }

    /// The series' place in the whole panel, the same in every view of it.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The distance between two observations.
    #[must_use]
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// The number of observations before the origin.
    #[must_use]
    pub fn origin(&self) -> usize {
        self.origin
    }

    /// The observed target before the origin; NaN where missing. Length [`Self::origin`].
    #[must_use]
    pub fn target(&self) -> &'a [f64] {
        &self.series.target[..self.origin]
    }

    /// The moments before the origin. Length [`Self::origin`].
    #[must_use]
    pub fn times(&self) -> &'a [Timestamp] {
        &self.series.times[..self.origin]
    }

    /// The moments of the `count` steps after the origin, by the calendar.
    ///
    /// # Errors
    /// [`ForecastError::TimeAxis`] where they leave the calendar.
    pub fn future_times(&self, count: usize) -> Result<Vec<Timestamp>, ForecastError> {
        let known = self.series.times.len().min(self.origin + count);
        let mut times = self.series.times[self.origin..known].to_vec();
        if times.len() < count {
            times.extend(time_axis::continue_after(self.frequency, &self.series.times[..known], count - times.len())?);
        }
        Ok(times)
    }

    /// A covariate's values as far as they may be seen: up to the origin, and for a `Known` covariate up to
    /// origin + horizon (shorter where the data end before). NaN where missing.
    ///
    /// # Panics
    /// Where `covariate` is not a position in [`TrainingView::covariates`].
    #[must_use]
    pub fn covariate(&self, covariate: usize) -> &'a [f64] {
        let chosen = self.chosen[covariate];
        let values = self.series.covariates[chosen.row].as_slice();
        let end = match chosen.kind {
            CovariateKind::Past | CovariateKind::Static => self.origin,
            CovariateKind::Known => self.origin + self.horizon,
        };
        &values[..end.min(values.len())]
    }
}
