//! The first Chronos: a language model whose words are bins of scaled values. It samples paths, one value at a time.

mod configuration;
mod network;
mod sampling;
mod tokens;

use std::path::Path;

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use configuration::Configuration;
use network::{Memory, Network};
pub use sampling::Sampling;
pub use tokens::{Tokenized, Tokens};

use super::patches::{context, empirical};
use crate::error::Error;
use crate::weights::{self, Weights};
use crate::zero_shot::Steps;

/// The levels at which the sampled paths are summarised.
pub const LEVELS: [f64; 23] = [
    0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9,
    0.95, 0.975, 0.99,
];

/// A pretrained first Chronos (T5) on a device.
#[derive(Debug)]
pub struct ChronosT5 {
    configuration: Configuration,
    tokens: Tokens,
    network: Network,
    device: Device,
    weights: usize,
}

impl ChronosT5 {
    /// Reads `config.json` and the weights of a folder onto a device.
    ///
    /// # Errors
    /// [`weights::Error`], which names the file and the tensor.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, weights::Error> {
        let configuration = Configuration::read(&weights::Configuration::read(folder)?)?;
        let weights = Weights::open(folder)?;
        let network = Network::read(&weights, &configuration, device)?;
        let tokens = Tokens::new(&configuration);
        Ok(Self { configuration, tokens, network, device: device.clone(), weights: weights.count() })
    }

    /// Its sizes.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Its words.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The number of its weights.
    #[must_use]
    pub fn weights(&self) -> usize {
        self.weights
    }

    /// Forecasts every history `horizon` steps ahead: for each history and step the quantiles at [`LEVELS`] of the sampled
    /// paths. Past the native horizon the paths' median is taken for observed. Draws depend on the seed and the
    /// history's place only. `check` is asked before every step whether to go on.
    ///
    /// # Errors
    /// What `check` says, or that the device failed.
    pub fn forecast(
        &self,
        histories: &[Vec<f64>],
        horizon: usize,
        sampling: &Sampling,
        seed: u64,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Steps>, Error> {
        let one = |(place, history): (usize, &Vec<f64>)| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(place as u64 + 1);
            self.paths(history, horizon, sampling, &mut random, check)
        };
        histories.iter().enumerate().map(one).collect()
    }

    fn paths(
        &self,
        history: &[f64],
        horizon: usize,
        sampling: &Sampling,
        random: &mut ChaCha8Rng,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Steps, Error> {
        let mut history = history.to_vec();
        let mut steps = Steps::with_capacity(horizon);
        while steps.len() < horizon {
            let wanted = (horizon - steps.len()).min(self.configuration.horizon);
            let input = self.tokens.tokenized(context(&history, self.configuration.context));
            let mut paths: Vec<Vec<f64>> = vec![Vec::with_capacity(wanted); sampling.paths];
            let mut memory = self.listen(&input, sampling.paths);
            let mut last = vec![self.configuration.start_token; sampling.paths];
            for _ in 0..wanted {
                check()?;
                let scores = self.speak(&last, &mut memory)?;
                for ((path, last), scores) in paths.iter_mut().zip(&mut last).zip(scores) {
                    *last = sampling.draw(&scores, self.configuration.end_token, random);
                    path.push(self.tokens.value(*last, input.scale));
                }
            }
            for step in 0..wanted {
                let mut values: Vec<f64> = paths.iter().map(|path| path[step]).collect();
                values.sort_by(f64::total_cmp);
                // The lower of two middle ones, so that it is a value that was drawn.
                history.push(values[(values.len() - 1) / 2]);
                steps.push(LEVELS.iter().map(|level| empirical(&values, *level)).collect());
            }
        }
        Ok(steps)
    }

    /// What `paths` decoders remember of an input before their first word.
    pub(crate) fn listen(&self, input: &Tokenized, paths: usize) -> Memory {
        self.network.listen(input, paths, &self.device)
    }

    /// The scores of every next word after one more word of each decoder, `[decoder][word]`.
    pub(crate) fn speak(&self, last: &[usize], memory: &mut Memory) -> Result<Vec<Vec<f32>>, Error> {
        let scores = self.network.speak(last, memory, &self.device);
        let values: Vec<f32> = scores.try_into_vec_as().map_err(Error::device)?;
        Ok(values.chunks_exact(self.configuration.vocabulary).map(<[f32]>::to_vec).collect())
    }

    /// The encoder's states of an input, place by place.
    pub(crate) fn encoded(&self, input: &Tokenized) -> Result<Vec<f32>, Error> {
        self.network.encode(input, &self.device).try_into_vec_as().map_err(Error::device)
    }
}
