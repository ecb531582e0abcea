//! Chronos-2: an encoder that attends across time, and at each moment across the series of a group: targets that belong
//! together, and covariates, past and known ahead.

mod configuration;
mod group;
mod horizon;
mod network;

use std::path::Path;

use burn::tensor::Device;

pub use configuration::Configuration;
pub use group::Group;
use group::Row;
use network::Network;

use super::patches::Scaling;
use crate::error::Error;
use crate::weights::{self, Weights};
use crate::zero_shot::Steps;

/// A pretrained Chronos-2 on a device.
#[derive(Debug)]
pub struct Chronos2 {
    configuration: Configuration,
    network: Network,
    device: Device,
    weights: usize,
}

impl Chronos2 {
    /// Reads `config.json` and the weights of a folder onto a device.
    ///
    /// # Errors
    /// [`weights::Error`], which names the file and the tensor.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, weights::Error> {
        let configuration = Configuration::read(&weights::Configuration::read(folder)?)?;
        let weights = Weights::open(folder)?;
        let network = Network::read(&weights, &configuration, device)?;
        Ok(Self { configuration, network, device: device.clone(), weights: weights.count() })
    }

    /// Its sizes.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The number of its weights.
    #[must_use]
    pub fn weights(&self) -> usize {
        self.weights
    }

    /// Forecasts the targets of every group `horizon` steps ahead, about `batch` series at a time: for each group,
    /// target and step the quantiles at the configuration's levels, not yet in order. `check` is asked before every
    /// batch whether to go on.
    ///
    /// # Errors
    /// What `check` says, or that the device failed.
    pub fn forecast(
        &self,
        groups: &[Group],
        horizon: usize,
        batch: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Vec<Steps>>, Error> {
        let rows: Vec<Vec<Row>> = groups.iter().map(|g| g.rows(self.configuration.context)).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|i| rows[*i].iter().map(|row| row.context.len()).max());
        let mut forecasts = vec![Vec::new(); groups.len()];
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let mut series = 0;
            let fits = |i: &&usize| {
                series += rows[**i].len();
                series <= batch
            };
            let (some, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            rest = after;
            let mut together: Vec<Vec<Row>> = some.iter().map(|i| rows[*i].clone()).collect();
            let steps = self.horizon(&mut together, horizon, batch, check)?;
            for (i, mut steps) in some.iter().zip(steps) {
                steps.truncate(groups[*i].targets.len());
                forecasts[*i] = steps;
            }
        }
        Ok(forecasts)
    }

    /// The next `patches` patches of every row, `[group][row][step][level]`.
    fn block(
        &self,
        groups: &[&[Row]],
        patches: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Vec<Steps>>, Error> {
        check()?;
        let rows: Vec<&Row> = groups.iter().copied().flatten().collect();
        let scalings: Vec<Scaling> = rows.iter().map(|row| Scaling::of(&row.context)).collect();
        let sizes: Vec<usize> = groups.iter().map(|g| g.len()).collect();
        let outputs = self.network.forward(&rows, &scalings, &sizes, patches, &self.device);
        let values: Vec<f32> = outputs.try_into_vec_as().map_err(Error::device)?;
        let (levels, patch) = (self.configuration.levels.len(), self.configuration.output_patch);
        let mut steps =
            values.chunks_exact(patches * levels * patch).zip(&scalings).map(|(values, scaling)| -> Steps {
                // Each token speaks of one patch, level by level.
                let value = |step: usize, level: usize| {
                    let scaled = f64::from(values[(step / patch * levels + level) * patch + step % patch]);
                    scaling.restored(if self.configuration.arcsinh { scaled.sinh() } else { scaled })
                };
                (0..patches * patch).map(|step| (0..levels).map(|level| value(step, level)).collect()).collect()
            });
        Ok(sizes.iter().map(|size| steps.by_ref().take(*size).collect()).collect())
    }
}
