//! Covariates and the calendar as numbers that a network can take in.

use std::f64::consts::TAU;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::panel::CovariateKind;
use atsre_forecast::{ForecastError, SeriesView, TrainingView};
use serde::{Deserialize, Serialize};

/// A categorical covariate with at most so many levels becomes one input a level; one with more, its index.
const ONE_HOT_LEVELS: usize = 8;
/// Cycles of the calendar in seconds: day, week, tropical year.
const CYCLES_SECONDS: [f64; 3] = [86_400.0, 604_800.0, 31_556_952.0];
/// A cycle is used where the longest series shows it this often; else its phase would merely name the season seen.
const CYCLES_SEEN: f64 = 2.0;

/// How covariates and moments become inputs: learnt from the training data, then applied to any view of the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Encoder {
    known: Vec<Channel>,
    past: Vec<Channel>,
    constant: Vec<Channel>,
    cycles_micros: Vec<f64>,
    #[serde(default)]
    calendar: Calendar,
}

/// Where the calendar's phases are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Calendar {
    /// At the origin.
    #[default]
    Origin,
    /// At every moment, after the known covariates.
    EveryMoment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Channel {
    covariate: usize,
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Encoding {
    /// (value − mean) / scale; 0 where missing.
    Standardised { mean: f64, scale: f64 },
    /// 1 where the value is this level, else 0.
    Level(usize),
}

/// One series as inputs. All rows are moments, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EncodedSeries {
    /// The series' name.
    pub(crate) item_id: String,
    /// The observed target up to the origin; NaN where missing.
    pub(crate) target: Vec<f64>,
    /// Known covariates, `[origin + horizon or fewer, known]`.
    pub(crate) known: Vec<f32>,
    /// Past covariates, `[origin, past]`.
    pub(crate) past: Vec<f32>,
    /// Static covariates, `[constant]`.
    pub(crate) constant: Vec<f32>,
    /// Sine and cosine of the calendar's phase at each moment up to the origin and one beyond, `[origin + 1, phases]`.
    pub(crate) phases: Vec<f32>,
}

impl Encoder {
    /// Learns the scales of the covariates, and which calendar cycles the data show.
    pub(crate) fn learn(view: &TrainingView<'_>) -> Self {
        let mut encoder = Self {
            known: vec![],
            past: vec![],
            constant: vec![],
            cycles_micros: cycles(view),
            calendar: Calendar::Origin,
        };
        for (covariate, visible) in view.covariates().enumerate() {
            let channels: Vec<Channel> = match visible.levels.map(<[String]>::len) {
                Some(0 | 1) => vec![],
                Some(2) => vec![Channel { covariate, encoding: Encoding::Level(1) }],
                Some(levels) if levels <= ONE_HOT_LEVELS => {
                    (0..levels).map(|l| Channel { covariate, encoding: Encoding::Level(l) }).collect()
                }
                Some(_) | None => {
                    standardised(view, covariate).map(|encoding| Channel { covariate, encoding }).into_iter().collect()
                }
            };
            match visible.kind {
                CovariateKind::Known => encoder.known.extend(channels),
                CovariateKind::Past => encoder.past.extend(channels),
                CovariateKind::Static => encoder.constant.extend(channels),
            }
        }
        encoder
    }

    /// The same encoder with the calendar at every moment, for networks that go through the moments one by one.
    pub(crate) fn moment_by_moment(mut self) -> Self {
        self.calendar = Calendar::EveryMoment;
        self
    }

    /// The same encoder without past covariates, for networks that have no place for them.
    pub(crate) fn without_past(mut self) -> Self {
        self.past.clear();
        self
    }

    /// An encoder that shows nothing but the target, for networks that take no covariates.
    pub(crate) const fn none() -> Self {
        Self { known: vec![], past: vec![], constant: vec![], cycles_micros: vec![], calendar: Calendar::Origin }
    }

    /// Inputs a moment from known covariates, and from the calendar where every moment shows it.
    pub(crate) fn known(&self) -> usize {
        self.known.len() + if self.calendar == Calendar::EveryMoment { 2 * self.cycles_micros.len() } else { 0 }
    }

    /// Inputs a moment from past covariates.
    pub(crate) fn past(&self) -> usize {
        self.past.len()
    }

    /// Inputs a window from static covariates.
    pub(crate) fn constant(&self) -> usize {
        self.constant.len()
    }

    /// Inputs a window from the calendar.
    pub(crate) fn phases(&self) -> usize {
        if self.calendar == Calendar::Origin { 2 * self.cycles_micros.len() } else { 0 }
    }

    /// Encodes one series as far as the view shows it; the calendar, where every moment shows it, `horizon` steps further.
    ///
    /// # Errors
    /// [`ForecastError::TimeAxis`] where the moment after the origin leaves the calendar.
    pub(crate) fn encode(&self, series: &SeriesView<'_>, horizon: usize) -> Result<EncodedSeries, ForecastError> {
        let mut phases = Vec::new();
        if !self.cycles_micros.is_empty() {
            let next = series.future_times(if self.calendar == Calendar::Origin { 1 } else { horizon })?;
            for moment in series.times().iter().chain(&next) {
                for cycle in &self.cycles_micros {
                    let angle = TAU * (moment.0 as f64 / cycle).fract();
                    phases.extend([angle.sin() as f32, angle.cos() as f32]);
                }
            }
        }
        let mut known = rows(&self.known, series);
        if self.calendar == Calendar::EveryMoment && !phases.is_empty() {
            known = beside(&known, self.known.len(), &phases, 2 * self.cycles_micros.len());
            phases.clear();
        }
        Ok(EncodedSeries {
            item_id: series.item_id().to_string(),
            target: series.target().to_vec(),
            known,
            past: rows(&self.past, series),
            constant: self
                .constant
                .iter()
                .map(|c| {
                    c.encoding.of(series
                        .covariate(c.covariate)
                        .iter()
                        .copied()
                        .find(|v| v.is_finite())
                        .unwrap_or(f64::NAN))
                })
                .collect(),
            phases,
        })
    }
}

impl Encoding {
    fn of(self, value: f64) -> f32 {
        match self {
            Self::Standardised { mean, scale } if value.is_finite() => ((value - mean) / scale) as f32,
            Self::Standardised { .. } => 0.0,
            Self::Level(level) => f32::from(value == level as f64),
        }
    }
}

/// The channels' values, moment by moment, as far as all of them are visible.
fn rows(channels: &[Channel], series: &SeriesView<'_>) -> Vec<f32> {
    let values: Vec<&[f64]> = channels.iter().map(|c| series.covariate(c.covariate)).collect();
    let moments = values.iter().map(|v| v.len()).min().unwrap_or(0);
    let mut rows = Vec::with_capacity(moments * channels.len());
    for moment in 0..moments {
        rows.extend(channels.iter().zip(&values).map(|(c, v)| c.encoding.of(v[moment])));
    }
    rows
}

/// Rows of `left` and `right` joined, as many as `right` has; zeros where `left` has fewer.
fn beside(left: &[f32], left_width: usize, right: &[f32], right_width: usize) -> Vec<f32> {
    let mut joined = Vec::with_capacity(right.len() / right_width * (left_width + right_width));
    for (moment, right) in right.chunks_exact(right_width).enumerate() {
        match left.get(moment * left_width..(moment + 1) * left_width) {
            Some(left) => joined.extend_from_slice(left),
            None => joined.resize(joined.len() + left_width, 0.0),
        }
        joined.extend_from_slice(right);
    }
    joined
}

/// Mean and standard deviation over all series; none where the covariate is constant and so says nothing.
fn standardised(view: &TrainingView<'_>, covariate: usize) -> Option<Encoding> {
    let observed = || view.iter().flat_map(|s| s.covariate(covariate).iter().copied()).filter(|v| v.is_finite());
    let count = observed().count() as f64;
    let mean = observed().sum::<f64>() / count;
    let scale = (observed().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt();
    (scale > 0.0 && scale.is_finite()).then_some(Encoding::Standardised { mean, scale })
}

/// The calendar cycles, in microseconds, that are longer than two steps and that the longest series shows twice.
fn cycles(view: &TrainingView<'_>) -> Vec<f64> {
    let Some(step) = step_seconds(view.frequency()) else {
        return vec![];
    };
    let longest = view.iter().map(|s| s.origin()).max().unwrap_or(0) as f64;
    CYCLES_SECONDS
        .into_iter()
        .filter(|cycle| *cycle > 2.0 * step && longest * step >= CYCLES_SEEN * cycle)
        .map(|cycle| cycle * 1e6)
        .collect()
}

/// The length of one step in seconds, on average where the calendar makes it vary; none without a calendar.
fn step_seconds(frequency: Frequency) -> Option<f64> {
    let unit = match frequency.unit {
        FrequencyUnit::Step => return None,
        FrequencyUnit::Second => 1.0,
        FrequencyUnit::Minute => 60.0,
        FrequencyUnit::Hour => 3_600.0,
        FrequencyUnit::Day => 86_400.0,
        FrequencyUnit::BusinessDay => 86_400.0 * 7.0 / 5.0,
        FrequencyUnit::Week => 604_800.0,
        FrequencyUnit::Month => 31_556_952.0 / 12.0,
        FrequencyUnit::Quarter => 31_556_952.0 / 4.0,
        FrequencyUnit::Year => 31_556_952.0,
    };
    Some(unit * f64::from(frequency.multiple.max(1)))
}
