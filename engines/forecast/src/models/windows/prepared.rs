//! One series, ready to have feature rows read off it.

use std::f64::consts::TAU;

use atsre_domain::panel::CovariateKind;

use super::layout::{Column, DAY_HARMONICS, Form, Layout, PAST_LAGS, moments};
use crate::error::ForecastError;
use crate::gaps;
use crate::models::local::unusual_scale;
use crate::time_axis;
use crate::view::SeriesView;

/// A window's spread is at least this share of the whole history's, so that a flat stretch does not blow up what
/// follows it.
const SMALLEST_SPREAD: f64 = 0.1;
const DAY_MICROS: i64 = 86_400_000_000;
const YEAR_MICROS: f64 = 31_556_952e6;

/// The level and scale of a window: what its values are normalised by.
#[derive(Clone, Copy, Debug)]
pub(in crate::models) struct Frame {
    level: f64,
    scale: f64,
    /// What the series' own unit is in units of the target.
    unit: f64,
}

impl Frame {
    /// In units of the window.
    pub(in crate::models) fn normalise(self, value: f64) -> f64 {
        (value - self.level) / self.scale
    }

    /// Back in the series' own unit.
    pub(in crate::models) fn undo(self, value: f64) -> f64 {
        self.level + self.scale * value
    }

    /// The unit, in the series' own; above zero.
    pub(in crate::models) fn scale(self) -> f64 {
        self.scale
    }

    /// Back in units of the target.
    pub(in crate::models) fn restore(self, value: f64) -> f64 {
        self.undo(value) * self.unit
    }
}

/// A series from its first observed value on, gaps filled; covariates and calendar run over the horizon too.
#[derive(Debug)]
pub(in crate::models) struct Prepared {
    values: Vec<f64>,
    /// A power of two that the values were divided by, so that their squares can be summed; mostly 1.
    unit: f64,
    /// Missing values among the first t.
    missing_before: Vec<u32>,
    spread: f64,
    moments: Vec<Moment>,
    /// One row for each of the layout's covariates: standardised values, or level numbers (negative: none).
    covariates: Vec<Vec<f64>>,
}

/// What the calendar says of a moment.
#[derive(Clone, Copy, Debug)]
struct Moment {
    step: i64,
    weekday: usize,
    /// Sines and cosines of the time of day.
    day: [f64; 2 * DAY_HARMONICS],
    year_phase: f64,
}

impl Prepared {
    pub(in crate::models) fn new(
        layout: &Layout,
        series: &SeriesView<'_>,
        horizon: usize,
    ) -> Result<Self, ForecastError> {
        let start = gaps::first_observed(series.target()).unwrap_or(0);
        let raw = &series.target()[start..];
        let mut missing_before = Vec::with_capacity(raw.len() + 1);
        missing_before.push(0);
        let mut missing = 0;
        missing_before.extend(raw.iter().map(|v| {
            missing += u32::from(!v.is_finite());
            missing
        }));
        let unit = unusual_scale(raw).unwrap_or(1.0);
        let values: Vec<f64> = gaps::filled(raw).iter().map(|v| v / unit).collect();
        let (_, spread) = moments(values.iter().copied());
        let future = series.future_times(horizon)?;
        let moments = series.times()[start..].iter().chain(&future).map(|t| {
            let step = time_axis::step_number(series.frequency(), *t);
            let day = day_harmonics(t.0.rem_euclid(DAY_MICROS) as f64 / DAY_MICROS as f64);
            // 1970-01-01 was a Thursday, number 3.
            let weekday = usize::try_from((t.0.div_euclid(DAY_MICROS) + 3).rem_euclid(7)).unwrap_or(0);
            Moment { step, weekday, day, year_phase: t.0 as f64 / YEAR_MICROS }
        });
        let moments = moments.collect();
        let rows = |column: &Column| {
            let known = series.covariate(column.position);
            covariate_row(column, &known[start.min(known.len())..], raw.len(), horizon)
        };
        Ok(Self {
            missing_before,
            unit,
            spread,
            moments,
            covariates: layout.covariates.iter().map(rows).collect(),
            values,
        })
    }

    /// Observations.
    pub(in crate::models) fn length(&self) -> usize {
        self.values.len()
    }

    /// The series' own unit in units of the target.
    pub(in crate::models) fn unit(&self) -> f64 {
        self.unit
    }

    /// The value at time t, in the series' own unit.
    pub(in crate::models) fn value(&self, t: usize) -> f64 {
        self.values[t]
    }

    /// The series as it was at the origin t: later values are not there, covariates that were not known are held.
    pub(in crate::models) fn until(&self, layout: &Layout, t: usize) -> Self {
        let held = |(column, row): (&Column, &Vec<f64>)| {
            let mut row = row.clone();
            if column.kind == CovariateKind::Past {
                let last = row[t];
                row[t + 1..].fill(last);
            }
            row
        };
        Self {
            values: self.values[..=t].to_vec(),
            missing_before: self.missing_before[..t + 2].to_vec(),
            unit: self.unit,
            spread: self.spread,
            moments: self.moments.clone(),
            covariates: layout.covariates.iter().zip(&self.covariates).map(held).collect(),
        }
    }

    /// Takes a forecast for the value at the next moment. Moments and covariates are there up to the horizon.
    pub(in crate::models) fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// How far the moment t has got in a cycle of so many steps.
    pub(in crate::models) fn phase(&self, t: usize, period: usize) -> f64 {
        self.moments[t].step.rem_euclid(period.max(1) as i64) as f64
    }

    /// Whether a value was missing at times from..=to.
    pub(in crate::models) fn any_missing(&self, from: usize, to: usize) -> bool {
        self.missing_before[to + 1] > self.missing_before[from]
    }

    /// The frame of the window that ends with time t.
    pub(in crate::models) fn frame(&self, layout: &Layout, t: usize) -> Frame {
        let recent = &self.values[t + 1 - layout.level_span..=t];
        let level = recent.iter().sum::<f64>() / layout.level_span as f64;
        let (_, spread) = moments(self.values[t + 1 - layout.scale_span..=t].iter().copied());
        let scale = spread.max(SMALLEST_SPREAD * self.spread);
        // Rounding alone is no spread: such a window is flat.
        let flat = scale <= 1e-12 * level.abs() || scale == 0.0;
        Frame { level, scale: if flat { 1.0 } else { scale }, unit: self.unit }
    }

    /// Appends the columns that all steps share, seen from the origin t.
    pub(in crate::models) fn write_common(&self, layout: &Layout, t: usize, frame: Frame, row: &mut Vec<f64>) {
        row.extend((0..layout.lags).map(|lag| frame.normalise(self.values[t - lag])));
        let (length, count) = layout.blocks;
        row.extend((0..count).map(|k| {
            let end = t + 1 - k * length;
            let mean = self.values[end - length..end].iter().sum::<f64>() / length as f64;
            frame.normalise(mean)
        }));
        // A rotation by h steps turns the Fourier terms of the origin into those of the target: one set serves all.
        for &(period, terms) in &layout.fourier {
            let phase = self.moments[t].step.rem_euclid(period as i64) as f64 / period as f64;
            harmonics(phase, terms, row);
        }
        if layout.year {
            harmonics(self.moments[t].year_phase, 1, row);
        }
        for (column, values) in layout.covariates.iter().zip(&self.covariates) {
            match (column.kind, column.form) {
                (CovariateKind::Past, Form::Levels(count)) | (CovariateKind::Static, Form::Levels(count)) => {
                    one_hot(values[t], count, row);
                }
                (CovariateKind::Past, _) => row.extend((0..PAST_LAGS).map(|lag| values[t.saturating_sub(lag)])),
                (CovariateKind::Known, Form::Levels(_)) => {}
                (CovariateKind::Static, _) => row.push(values[t]),
                // What the covariate did to the window's level, so that it is not taken for the series' own.
                (CovariateKind::Known, _) => {
                    let recent = &values[t + 1 - layout.level_span..=t];
                    let mean = recent.iter().sum::<f64>() / layout.level_span as f64;
                    row.extend([values[t], mean]);
                }
            }
        }
    }

    /// Appends the columns of the target at t + h.
    pub(in crate::models) fn write_target(
        &self,
        layout: &Layout,
        t: usize,
        h: usize,
        frame: Frame,
        row: &mut Vec<f64>,
    ) {
        for &(period, count) in &layout.seasonal_lags {
            let latest = t + h - h.div_ceil(period) * period;
            row.extend((0..count).map(|k| frame.normalise(self.values[latest - k * period])));
        }
        let moment = self.moments[t + h];
        if layout.weekday {
            one_hot(moment.weekday as f64, 7, row);
        }
        if layout.day_shape {
            let weekend = f64::from(u8::from(moment.weekday >= 5));
            row.extend(moment.day.iter().map(|v| weekend * v));
        }
        for (column, values) in layout.covariates.iter().zip(&self.covariates) {
            if column.kind != CovariateKind::Known {
                continue;
            }
            let value = values[t + h];
            match column.form {
                Form::Levels(count) => one_hot(value, count, row),
                Form::Numeric => row.extend([value, value * value]),
                Form::Binary => {
                    row.push(value);
                    if layout.day_shape {
                        row.extend(moment.day.iter().map(|v| value * v));
                    }
                }
            }
        }
    }
}

fn harmonics(phase: f64, terms: usize, row: &mut Vec<f64>) {
    for k in 1..=terms {
        let (sine, cosine) = (TAU * k as f64 * phase).sin_cos();
        row.extend([sine, cosine]);
    }
}

fn day_harmonics(phase: f64) -> [f64; 2 * DAY_HARMONICS] {
    std::array::from_fn(|i| {
        let angle = TAU * (i / 2 + 1) as f64 * phase;
        if i % 2 == 0 { angle.sin() } else { angle.cos() }
    })
}

fn one_hot(value: f64, count: usize, row: &mut Vec<f64>) {
    row.extend((0..count).map(|level| f64::from(u8::from(value == level as f64))));
}

/// A covariate over the history and the horizon: held over its gaps, standardised by its history.
fn covariate_row(column: &Column, seen: &[f64], length: usize, horizon: usize) -> Vec<f64> {
    let categorical = matches!(column.form, Form::Levels(_));
    let (mean, deviation) = match (column.kind, column.form) {
        (CovariateKind::Static, _) => column.group_moments,
        (_, Form::Binary) => (0.0, 1.0),
        _ => moments(seen[..length.min(seen.len())].iter().copied()),
    };
    let absent = if categorical { -1.0 } else { mean };
    let mut last = absent;
    (0..length + horizon)
        .map(|t| {
            if let Some(value) = seen.get(t).filter(|v| v.is_finite()) {
                last = *value;
            }
            match categorical {
                true => last,
                false if deviation > 1e-12 * mean.abs() => (last - mean) / deviation,
                false => 0.0,
            }
        })
        .collect()
}
