//! Gradient boosting of regression trees for the squared and for the pinball loss.
//!
//! Friedman (2001), *Greedy function approximation: a gradient boosting machine*, algorithms 1 and 4: trees are grown
//! on the loss's gradients; for the pinball loss, whose curvature is zero, leaves then take the quantile of what they
//! have left to explain. `forust-ml` bins the columns and grows the trees; losses, leaves and stopping are here.

use forust_ml::Matrix;
use forust_ml::binning::{BinnedData, bin_matrix};
use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::sampler::SampleMethod;
use forust_ml::splitter::MissingImputerSplitter;

use super::tree::Tree;
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Progress;

/// Bins of a column.
const BINS: u16 = 128;
/// Shrinkage of leaves towards zero, in rows.
const SHRINKAGE: f32 = 1.0;
/// Trees in a row that do not help on held-out rows before growth stops.
const PATIENCE: usize = 12;

/// What a forecast costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Loss {
    /// Half the squared error: the forecast is a mean.
    Squares,
    /// The pinball loss at a level: the forecast is that quantile (Koenker and Bassett 1978).
    Pinball(f64),
}

impl Loss {
    fn of(self, response: f64, forecast: f64) -> f64 {
        let error = response - forecast;
        match self {
            Self::Squares => error * error / 2.0,
            Self::Pinball(level) => error * (level - f64::from(u8::from(error < 0.0))),
        }
    }

    /// The loss's derivative by the forecast.
    fn gradient(self, response: f64, forecast: f64) -> f64 {
        match self {
            Self::Squares => forecast - response,
            Self::Pinball(level) => f64::from(u8::from(response < forecast)) - level,
        }
    }

    /// The constant of the least loss for values with weights.
    fn centre(self, values: &mut [(f64, f64)]) -> f64 {
        match self {
            Self::Squares => {
                let weight: f64 = values.iter().map(|(_, w)| w).sum();
                values.iter().map(|(v, w)| v * w).sum::<f64>() / weight.max(f64::MIN_POSITIVE)
            }
            Self::Pinball(level) => weighted_quantile(values, level),
        }
    }
}

/// The least value below or at which the share `level` of the weight lies.
fn weighted_quantile(values: &mut [(f64, f64)], level: f64) -> f64 {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = level * values.iter().map(|(_, w)| w).sum::<f64>();
    let mut below = 0.0;
    for (value, weight) in values.iter() {
        below += weight;
        if below >= wanted {
            return *value;
        }
    }
    values.last().map_or(0.0, |(v, _)| *v)
}

/// Rows to learn from.
pub(super) struct Table {
    rows: usize,
    columns: usize,
    /// Column after column.
    cells: Vec<f64>,
    response: Vec<f64>,
    weights: Vec<f64>,
    binned: BinnedData<f64>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("rows", &self.rows).field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// How trees grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    /// Trees at most.
    pub(super) trees: usize,
    /// What a tree counts.
    pub(super) learning_rate: f64,
    /// Questions to a leaf at most.
    pub(super) depth: usize,
    /// Rows of a leaf at least.
    pub(super) leaf_size: usize,
}

/// A sum of trees.
#[derive(Clone, Debug)]
pub(super) struct Booster {
    base: f64,
    trees: Vec<Tree>,
}

impl Booster {
    /// The forecast for a row of features.
    pub(super) fn predict(&self, row: &[f64]) -> f64 {
        self.base + self.trees.iter().map(|t| t.value(t.leaf(|column| row[column]))).sum::<f64>()
    }

    /// How many trees there are.
    pub(super) fn len(&self) -> usize {
        self.trees.len()
    }
}

impl Table {
    /// Bins rows of `columns` finite features each, given row after row.
    pub(super) fn new(
        rows: &[f64],
        columns: usize,
        response: Vec<f64>,
        weights: Vec<f64>,
    ) -> Result<Self, ForecastError> {
        let count = response.len();
        let mut cells = vec![0.0; rows.len()];
        for (i, row) in rows.chunks_exact(columns.max(1)).enumerate() {
            for (j, value) in row.iter().enumerate() {
                cells[j * count + i] = *value;
            }
        }
        let binned = bin_matrix(&Matrix::new(&cells, count, columns), &weights, BINS, f64::NAN, false)
            .map_err(|e| numerical(e.to_string()))?;
        Ok(Self { rows: count, columns, cells, response, weights, binned })
    }

    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// What a booster leaves of some rows' responses.
    pub(super) fn residuals(&self, booster: &Booster, index: &[usize]) -> Vec<f64> {
        let row = |i: usize| (0..self.columns).map(|c| self.cells[c * self.rows + i]).collect::<Vec<_>>();
        index.iter().map(|&i| self.response[i] - booster.predict(&row(i))).collect()
    }

    /// Learns from the rows `index` (ascending); the number of trees is the one of the least loss on the rows `held`,
    /// or all where there are none.
    pub(super) fn grow(
        &self,
        loss: Loss,
        growth: Growth,
        index: &[usize],
        held: &[usize],
        progress: &dyn Progress,
    ) -> Result<Booster, ForecastError> {
        if index.is_empty() {
            return Err(numerical("there is no row to learn from".to_string()));
        }
        let data = Matrix::new(&self.binned.binned_data, self.rows, self.columns);
        let columns: Vec<usize> = (0..self.columns).collect();
        let leaf_weight = growth.leaf_size.min(index.len() / 4).max(1);
        let rate = growth.learning_rate;
        let splitter = MissingImputerSplitter::new(
            0.0,
            SHRINKAGE,
            0.0,
            0.0,
            leaf_weight as f32,
            rate as f32,
            false,
            Default::default(),
        );
        let base = loss.centre(&mut index.iter().map(|&i| (self.response[i], self.weights[i])).collect::<Vec<_>>());
        let mut forecast = vec![base; self.rows];
        let mut gradients = vec![0.0_f32; self.rows];
        let curvatures: Vec<f32> = self.weights.iter().map(|w| *w as f32).collect();
        let held_loss = |forecast: &[f64]| -> f64 {
            held.iter().map(|&i| self.weights[i] * loss.of(self.response[i], forecast[i])).sum()
        };
        let mut best = (0, held_loss(&forecast));
        let mut trees: Vec<Tree> = Vec::new();
        while trees.len() < growth.trees {
            progress.check()?;
            for &i in index {
                gradients[i] = (self.weights[i] * loss.gradient(self.response[i], forecast[i])) as f32;
            }
            let mut grown = forust_ml::tree::Tree::new();
            // Sampling by the index: with no sampling, the root would count the held-out rows.
            grown.fit(
                &data,
                index.to_vec(),
                &columns,
                &self.binned.cuts,
                &gradients,
                &curvatures,
                &splitter,
                usize::MAX,
                growth.depth,
                false,
                &SampleMethod::Random,
                &GrowPolicy::DepthWise,
            );
            let mut tree = Tree::of(&grown);
            let leaf = |i: usize, tree: &Tree| tree.leaf(|column| self.cells[column * self.rows + i]);
            if let Loss::Pinball(_) = loss {
                let mut left: Vec<Vec<(f64, f64)>> = vec![Vec::new(); tree.len()];
                for &i in index {
                    left[leaf(i, &tree)].push((self.response[i] - forecast[i], self.weights[i]));
                }
                for (place, values) in left.iter_mut().enumerate().filter(|(_, v)| !v.is_empty()) {
                    tree.set(place, rate * loss.centre(values));
                }
            }
            for &i in index.iter().chain(held) {
                forecast[i] += tree.value(leaf(i, &tree));
            }
            let is_stump = tree.is_stump();
            trees.push(tree);
            if !held.is_empty() {
                let lost = held_loss(&forecast);
                if lost < best.1 {
                    best = (trees.len(), lost);
                } else if trees.len() - best.0 >= PATIENCE {
                    break;
                }
            }
            if is_stump {
                break;
            }
        }
        if !held.is_empty() {
            trees.truncate(best.0);
        }
        Ok(Booster { base, trees })
    }
}

fn numerical(problem: String) -> ForecastError {
    ForecastError::Numerical { model: catalogue::GRADIENT_BOOSTING.to_string(), problem }
}

#[cfg(test)]
#[path = "booster_tests.rs"]
mod tests;
