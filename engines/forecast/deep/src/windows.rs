//! Windows over a panel: drawn, normalised and flattened into the inputs of a network.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::features::{EncodedSeries, Encoder};
use scaling::spread;

mod scaling;

pub(crate) use scaling::{Normalisation, Scaling};

/// Windows count in the loss by their scale, so that it speaks of the series' own units; within these bounds.
const WEIGHTS: (f64, f64) = (0.1, 3.0);
/// The last so many evaluations' worth of steps are held out at most, in horizons.
const HELD_OUT_HORIZONS: usize = 14;
/// Windows to evaluate on, at most, over all series.
const EVALUATION_WINDOWS: usize = 256;

/// The sizes of a window's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowShape {
    /// Observations before the origin.
    pub input_size: usize,
    /// Steps after the origin.
    pub horizon: usize,
    /// Observations before the origin over which covariates are shown.
    pub covariate_context: usize,
    /// Known covariate inputs a moment.
    pub known: usize,
    /// Past covariate inputs a moment.
    pub past: usize,
    /// Static covariate inputs.
    pub constant: usize,
    /// Calendar inputs.
    pub phases: usize,
    /// Whether the network is told which observations are missing.
    pub mask: bool,
}

impl WindowShape {
    /// The shape for an encoder: covariates are shown over so many observations before the origin, known ones over the
    /// horizon after it as well.
    pub(crate) fn new(
        encoder: &Encoder,
        input_size: usize,
        horizon: usize,
        covariate_context: usize,
        mask: bool,
    ) -> Self {
        Self {
            input_size,
            horizon,
            covariate_context,
            known: encoder.known(),
            past: encoder.past(),
            constant: encoder.constant(),
            phases: encoder.phases(),
            mask,
        }
    }

    /// Inputs beside the window itself.
    #[must_use]
    pub fn features(&self) -> usize {
        self.known * (self.covariate_context + self.horizon)
            + self.past * self.covariate_context
            + self.constant
            + self.phases
            + if self.mask { self.input_size } else { 0 }
    }
}

/// A window's place: the index of the first step after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The series in the set.
    pub(crate) series: usize,
    /// The first step to forecast.
    pub(crate) origin: usize,
}

/// Windows as the flat inputs of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Batch {
    /// Windows in the batch.
    pub(crate) size: usize,
    /// `[size, input_size]`, normalised; a missing value repeats the one before.
    pub(crate) windows: Vec<f32>,
    /// `[size, features]`.
    pub(crate) features: Vec<f32>,
    /// `[size, horizon]`, normalised; where missing or unknown the value before.
    pub(crate) targets: Vec<f32>,
    /// `[size, horizon]`: the window's weight, 0 where the target is missing.
    pub(crate) weights: Vec<f32>,
    /// How each window was normalised.
    pub(crate) normalisations: Vec<Normalisation>,
}

impl Batch {
    /// The sum of all weights.
    pub(crate) fn total_weight(&self) -> f64 {
        self.weights.iter().map(|w| f64::from(*w)).sum()
    }
}

/// All series of a view with the windows that lie in them.
#[derive(Clone, Debug)]
pub(crate) struct WindowSet {
    shape: WindowShape,
    scaling: Scaling,
    series: Vec<EncodedSeries>,
    /// Each series' standard deviation, or what stands for it in its scaling.
    spreads: Vec<f64>,
    /// For each series the first and one past the last origin to learn from.
    learnable: Vec<(usize, usize)>,
    /// Windows to learn from in the series up to and including each.
    cumulative: Vec<u64>,
    evaluation: Vec<Position>,
}

impl WindowSet {
    /// Lays windows over the series. The last steps of each series that is long enough are held out: evaluation windows
    /// forecast them, and no window to learn from reaches into them.
    pub(crate) fn new(shape: WindowShape, scaling: Scaling, series: Vec<EncodedSeries>) -> Self {
        let spreads = series.iter().map(|s| spread(scaling, &s.target)).collect();
        let held_out: Vec<usize> = series.iter().map(|s| held_out(&shape, s.target.len())).collect();
        let learnable: Vec<_> =
            series.iter().zip(&held_out).map(|(s, held_out)| origins(&shape, s.target.len() - held_out)).collect();
        let mut windows = 0;
        let cumulative = learnable
            .iter()
            .map(|(first, end)| {
                windows += (end - first) as u64;
                windows
            })
            .collect();
        let evaluation = evaluation(&shape, &series, &held_out);
        Self { shape, scaling, series, spreads, learnable, cumulative, evaluation }
    }

    /// The windows' sizes.
    pub(crate) fn shape(&self) -> &WindowShape {
        &self.shape
    }

    /// The number of windows to learn from.
    pub(crate) fn len(&self) -> u64 {
        self.cumulative.last().copied().unwrap_or(0)
    }

    /// The held-out windows; empty where the series are too short to hold any out.
    pub(crate) fn evaluation(&self) -> &[Position] {
        &self.evaluation
    }

    /// Draws `count` windows, each equally likely, with replacement.
    pub(crate) fn draw(&self, count: usize, random: &mut ChaCha8Rng) -> Vec<Position> {
        (0..count)
            .map(|_| {
                let place = random.random_range(0..self.len());
                let series = self.cumulative.partition_point(|end| *end <= place);
                let before = if series == 0 { 0 } else { self.cumulative[series - 1] };
                Position { series, origin: self.learnable[series].0 + (place - before) as usize }
            })
            .collect()
    }

    /// The windows after the last observation of each series: what a forecast starts from.
    pub(crate) fn last(&self) -> Vec<Position> {
        self.series.iter().enumerate().map(|(series, s)| Position { series, origin: s.target.len() }).collect()
    }

    /// Cuts out, normalises and flattens the windows at `positions`.
    pub(crate) fn batch(&self, positions: &[Position]) -> Batch {
        let shape = &self.shape;
        let mut batch = Batch {
            size: positions.len(),
            windows: Vec::with_capacity(positions.len() * shape.input_size),
            features: Vec::with_capacity(positions.len() * shape.features()),
            targets: Vec::with_capacity(positions.len() * shape.horizon),
            weights: Vec::with_capacity(positions.len() * shape.horizon),
            normalisations: Vec::with_capacity(positions.len()),
        };
        for position in positions {
            self.push(*position, &mut batch);
        }
        batch
    }

    fn push(&self, Position { series: index, origin }: Position, batch: &mut Batch) {
        let shape = &self.shape;
        let series = &self.series[index];
        let spread = self.spreads[index];
        let observed = &series.target[origin.saturating_sub(shape.input_size)..origin];
        let normalisation = self.scaling.of(observed, spread);
        let Normalisation { centre, scale } = normalisation;
        let padding = shape.input_size - observed.len();
        let mut last = 0.0;
        batch.windows.resize(batch.windows.len() + padding, 0.0);
        for value in observed {
            if value.is_finite() {
                last = ((value - centre) / scale) as f32;
            }
            batch.windows.push(last);
        }
        push_features(shape, series, origin, &mut batch.features);
        if shape.mask {
            batch.features.resize(batch.features.len() + padding, 0.0);
            batch.features.extend(observed.iter().map(|v| f32::from(v.is_finite())));
        }
        let weight = if spread > 0.0 { (scale / spread).clamp(WEIGHTS.0, WEIGHTS.1) } else { 1.0 };
        for step in origin..origin + shape.horizon {
            let target = series.target.get(step).copied().filter(|v| v.is_finite());
            if let Some(value) = target {
                last = ((value - centre) / scale) as f32;
            }
            batch.targets.push(last);
            batch.weights.push(if target.is_some() { weight as f32 } else { 0.0 });
        }
        batch.normalisations.push(normalisation);
    }
}

fn push_features(shape: &WindowShape, series: &EncodedSeries, origin: usize, features: &mut Vec<f32>) {
    let mut push_rows = |rows: &[f32], width: usize, steps: usize, after: usize| {
        for back in (1..=steps).rev() {
            match origin.checked_sub(back).and_then(|moment| rows.get(moment * width..(moment + 1) * width)) {
                Some(row) => features.extend_from_slice(row),
                None => features.resize(features.len() + width, 0.0),
            }
        }
        for moment in origin..origin + after {
            match rows.get(moment * width..(moment + 1) * width) {
                Some(row) => features.extend_from_slice(row),
                None => features.resize(features.len() + width, 0.0),
            }
        }
    };
    push_rows(&series.known, shape.known, shape.covariate_context, shape.horizon);
    push_rows(&series.past, shape.past, shape.covariate_context, 0);
    features.extend_from_slice(&series.constant);
    push_rows_at(&series.phases, shape.phases, origin, features);
}

fn push_rows_at(rows: &[f32], width: usize, moment: usize, features: &mut Vec<f32>) {
    features.extend_from_slice(&rows[moment * width..(moment + 1) * width]);
}

/// First and one past the last origin to learn from in a series of `length`: full windows where they fit, else at
/// least half of what there is before the first target.
fn origins(shape: &WindowShape, length: usize) -> (usize, usize) {
    let Some(last) = length.checked_sub(shape.horizon) else {
        return (0, 0);
    };
    let first = shape.input_size.min(last / 2).max(2);
    if first > last { (0, 0) } else { (first, last + 1) }
}

/// The fewest observations that give one window to learn from.
pub(crate) fn least_length(horizon: usize) -> usize {
    horizon + 4
}

/// Steps to hold out at the end of a series of `length`: a tenth of it, between two and [`HELD_OUT_HORIZONS`] horizons;
/// one horizon or none where a short series would lose more than a quarter.
fn held_out(shape: &WindowShape, length: usize) -> usize {
    let steps = (length / 10).clamp(2 * shape.horizon, HELD_OUT_HORIZONS * shape.horizon);
    let room = length.saturating_sub(shape.input_size) / 4;
    if steps <= room {
        steps
    } else if shape.horizon <= room {
        shape.horizon
    } else {
        0
    }
}

/// At most [`EVALUATION_WINDOWS`] windows, evenly spread over all whose targets are held out.
fn evaluation(shape: &WindowShape, series: &[EncodedSeries], held_out: &[usize]) -> Vec<Position> {
    let all: Vec<Position> = series
        .iter()
        .enumerate()
        .zip(held_out)
        .filter(|(_, held_out)| **held_out >= shape.horizon)
        .flat_map(|((index, s), held_out)| {
            let length = s.target.len();
            (length - held_out..=length - shape.horizon).map(move |origin| Position { series: index, origin })
        })
        .collect();
    let wanted = all.len().min(EVALUATION_WINDOWS);
    (1..=wanted).map(|i| all[i * all.len() / wanted - 1]).collect()
}

#[cfg(test)]
mod tests;
