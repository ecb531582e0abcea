//! Chronos-Bolt: an encoder over patches of a series and a decoder of one token, which speaks about all quantiles of the
//! next 64 steps at once.

mod configuration;
mod horizon;
mod network;

use std::path::Path;

use burn::tensor::Device;

pub use configuration::Configuration;
use network::Network;

use super::patches::{Scaling, context};
use crate::error::Error;
use crate::weights::{self, Weights};
use crate::zero_shot::Steps;

/// A pretrained Chronos-Bolt on a device.
#[derive(Debug)]
pub struct Bolt {
    configuration: Configuration,
    network: Network,
    device: Device,
    weights: usize,
}

/// What continues a horizon past the native one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// Every quantile's path is continued by itself, and the quantiles of all continuations are taken (library 2.x).
    Paths,
    /// The median is continued (library 1.x): cheaper, with intervals that do not widen enough.
    Median,
}

impl Bolt {
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

    /// Forecasts every history `horizon` steps ahead, `batch` contexts at a time: for each history and step the
    /// quantiles at the configuration's levels, not yet in order. Histories may differ in length; NaN is missing.
    /// `check` is asked before every batch whether to go on.
    ///
    /// # Errors
    /// What `check` says, or that the device failed.
    pub fn forecast(
        &self,
        histories: &[Vec<f64>],
        horizon: usize,
        continuation: Continuation,
        batch: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Steps>, Error> {
        let longest = self.configuration.context;
        let contexts: Vec<&[f64]> = histories.iter().map(|h| context(h, longest)).collect();
        let mut forecasts = vec![Steps::new(); contexts.len()];
        // Contexts of about the same length share a batch, so that little is computed on padding.
        let mut order: Vec<usize> = (0..contexts.len()).collect();
        order.sort_by_key(|i| contexts[*i].len());
        for chunk in order.chunks(batch.max(1)) {
            let some: Vec<&[f64]> = chunk.iter().map(|i| contexts[*i]).collect();
            for (i, steps) in chunk.iter().zip(self.horizon(&some, horizon, continuation, batch.max(1), check)?) {
                forecasts[*i] = steps;
            }
        }
        Ok(forecasts)
    }

    /// The native block after each context, `[context][step][level]`.
    fn block(&self, contexts: &[&[f64]], check: &dyn Fn() -> Result<(), Error>) -> Result<Vec<Steps>, Error> {
        check()?;
        let scalings: Vec<Scaling> = contexts.iter().map(|c| Scaling::of(c)).collect();
        let outputs = self.network.forward(contexts, &scalings, &self.device);
        let values: Vec<f32> = outputs.try_into_vec_as().map_err(Error::device)?;
        let (levels, steps) = (self.configuration.levels.len(), self.configuration.horizon);
        let blocks = values.chunks_exact(levels * steps).zip(&scalings).map(|(values, scaling)| {
            let value = |level: usize, step: usize| scaling.restored(f64::from(values[level * steps + step]));
            (0..steps).map(|step| (0..levels).map(|level| value(level, step)).collect()).collect()
        });
        Ok(blocks.collect())
    }
}
