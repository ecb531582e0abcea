//! The settings of N-HiTS: what a plan may ask for, checked, and what they come to for given data.

use atsre_domain::model::{Device, ModelSpec};
use atsre_forecast::{ForecastError, Settings, catalogue};

use crate::nhits::{Architecture, Rates};

/// What a plan may set, checked against the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Input window in horizons; see [`Configuration::input_size`].
    pub input_multiple: usize,
    /// Stacks, from the slowest to the fastest.
    pub stacks: usize,
    /// Widths of the stacks' max-pools; where there are fewer than stacks the first is repeated, where there are
    /// more the last count.
    pub pool_sizes: Vec<usize>,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Hidden layers of each stack.
    pub layers: usize,
    /// Windows in a batch, drawn with replacement.
    pub batch_size: usize,
    /// Training steps at most.
    pub steps: usize,
    /// The schedule's highest learning rate.
    pub learning_rate: f64,
    /// Whether forecasts below zero become zero.
    pub non_negative: bool,
    /// Where the network computes.
    pub device: Device,
}

impl Configuration {
    /// Reads the settings of `spec`; those absent are the catalogue's defaults.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] for a name that the catalogue does not know, or a value outside its range.
    pub fn from_spec(spec: &ModelSpec) -> Result<Self, ForecastError> {
        let settings = Settings::resolve(&catalogue::entry(catalogue::NHITS)?, spec)?;
        Ok(Self {
            input_multiple: settings.size("input_multiple", 1..=64)?,
            stacks: settings.size("stacks", 1..=8)?,
            pool_sizes: settings.sizes("pool_sizes", 1..=1_024)?,
            hidden: settings.size("hidden", 1..=65_536)?,
            layers: settings.size("layers", 1..=16)?,
            batch_size: settings.size("batch_size", 1..=1 << 30)?,
            steps: settings.size("steps", 1..=10_000_000)?,
            learning_rate: settings.number("learning_rate", 1e-9..=1e30)?,
            non_negative: settings.flag(catalogue::NON_NEGATIVE)?,
            device: spec.device,
        })
    }

    /// The input window for this horizon, season and longest series, in observations: `input_multiple` horizons, at
    /// least a season that is no longer than ten horizons, and at most what leaves as much again to draw windows from.
    #[must_use]
    pub fn input_size(&self, horizon: usize, season_length: usize, longest: usize) -> usize {
        let season = if season_length <= 10 * horizon { season_length } else { 0 };
        let available = longest.saturating_sub(horizon) / 2;
        (self.input_multiple * horizon).max(season).max(2).min(available.max(2))
    }

    /// The network for these sizes. Knots lie every `H^((n−1)/n)` … `H^(1/n)`, 1 steps, so that the `n` stacks'
    /// resolution grows exponentially, as the paper advises (Challu et al. 2023, §3.4).
    #[must_use]
    pub fn architecture(&self, input_size: usize, features: usize, horizon: usize, levels: usize) -> Architecture {
        let pool_size = |stack: usize| {
            let offset = self.pool_sizes.len() as isize - self.stacks as isize;
            let place = (stack as isize + offset).max(0) as usize;
            self.pool_sizes.get(place).copied().unwrap_or(1)
        };
        let stacks = (0..self.stacks)
            .map(|stack| {
                let exponent = (self.stacks - 1 - stack) as f64 / self.stacks as f64;
                Rates {
                    pooling: pool_size(stack).min(input_size / 8).max(1),
                    downsampling: ((horizon as f64).powf(exponent).round() as usize).clamp(1, horizon.max(1)),
                }
            })
            .collect();
        Architecture { input_size, features, horizon, levels, hidden: self.hidden, layers: self.layers, stacks }
    }
}
