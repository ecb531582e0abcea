//! The networks that are trained here: their sizes, their weights and what they make of a window.

pub mod deepar;
mod layers;
pub mod linear;
mod lstm;
pub mod nbeats;
pub mod nhits;
pub mod patchtst;
pub mod tft;
pub mod tide;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::dropout::Dropout;

/// A network that training, evaluation and prediction can use.
pub trait Network: Module {
    /// Forecasts from normalised windows.
    ///
    /// - `window`: `[batch, input_size]`, oldest first;
    /// - `features`: `[batch, features]`, absent where the architecture takes none.
    ///
    /// Returns `[batch, channels, horizon]`: a channel for each quantile level, not yet sorted, or for each parameter of
    /// a distribution.
    fn forward(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> Tensor<3>;

    /// What the network says in its training, where the targets are known: `[batch, channels, steps]`. Where there are more
    /// steps than the horizon's, those before are said of the last values of the window itself.
    fn learn(&self, lesson: Lesson, dropout: &mut Dropout) -> Tensor<3> {
        let _ = dropout;
        self.forward(lesson.window, lesson.features)
    }
}

/// Windows with what came after them.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// As in [`Network::forward`].
    pub window: Tensor<2>,
    /// As in [`Network::forward`].
    pub features: Option<Tensor<2>>,
    /// `[batch, horizon]`, normalised; where missing the value before.
    pub target: Tensor<2>,
}

/// The sizes that make a network, of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// N-HiTS.
    NHits(nhits::Architecture),
    /// NLinear or DLinear.
    Linear(linear::Architecture),
    /// N-BEATS, generic or interpretable.
    NBeats(nbeats::Architecture),
    /// TiDE.
    Tide(tide::Architecture),
    /// PatchTST.
    PatchTst(patchtst::Architecture),
    /// DeepAR.
    DeepAr(deepar::Architecture),
    /// TFT.
    Tft(tft::Architecture),
}

/// A network of any kind.
// One network lives at a time, so that its size on the stack does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Net {
    /// N-HiTS.
    NHits(nhits::NHits),
    /// NLinear or DLinear.
    Linear(linear::LinearNet),
    /// N-BEATS.
    NBeats(nbeats::NBeats),
    /// TiDE.
    Tide(tide::Tide),
    /// PatchTST.
    PatchTst(patchtst::PatchTst),
    /// DeepAR.
    DeepAr(deepar::DeepAr),
    /// TFT.
    Tft(tft::Tft),
}

impl Architecture {
    /// A network with weights drawn from `random`, in a fixed order: the same seed gives the same weights on every device.
    #[must_use]
    pub fn build(&self, random: &mut ChaCha8Rng, device: &Device) -> Net {
        match self {
            Self::NHits(a) => Net::NHits(nhits::NHits::new(a, random, device)),
            Self::Linear(a) => Net::Linear(linear::LinearNet::new(a, random, device)),
            Self::NBeats(a) => Net::NBeats(nbeats::NBeats::new(a, random, device)),
            Self::Tide(a) => Net::Tide(tide::Tide::new(a, random, device)),
            Self::PatchTst(a) => Net::PatchTst(patchtst::PatchTst::new(a, random, device)),
            Self::DeepAr(a) => Net::DeepAr(deepar::DeepAr::new(a, random, device)),
            Self::Tft(a) => Net::Tft(tft::Tft::new(a, random, device)),
        }
    }

    /// Whether the attention's width is a multiple of its heads; so of networks without attention.
    pub(crate) fn heads_divide(&self) -> bool {
        match self {
            Self::PatchTst(a) => a.hidden.is_multiple_of(a.heads),
            Self::Tft(a) => a.hidden.is_multiple_of(a.heads),
            _ => true,
        }
    }

    /// The number of weights, running statistics among them.
    #[must_use]
    pub fn parameters(&self) -> usize {
        match self {
            Self::NHits(a) => a.parameters(),
            Self::Linear(a) => a.parameters(),
            Self::NBeats(a) => a.parameters(),
            Self::Tide(a) => a.parameters(),
            Self::PatchTst(a) => a.parameters(),
            Self::DeepAr(a) => a.parameters(),
            Self::Tft(a) => a.parameters(),
        }
    }

    /// Numbers that a training holds for each window of a batch at its peak: inputs, activations kept for the backward
    /// pass, gradients; a little above what was measured.
    #[must_use]
    pub fn numbers_per_window(&self) -> u64 {
        match self {
            Self::NHits(a) => a.numbers_per_window(),
            Self::Linear(a) => a.numbers_per_window(),
            Self::NBeats(a) => a.numbers_per_window(),
            Self::Tide(a) => a.numbers_per_window(),
            Self::PatchTst(a) => a.numbers_per_window(),
            Self::DeepAr(a) => a.numbers_per_window(),
            Self::Tft(a) => a.numbers_per_window(),
        }
    }
}

impl Network for Net {
    fn forward(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> Tensor<3> {
        match self {
            Self::NHits(net) => net.forward(window, features),
            Self::Linear(net) => net.forward(window, features),
            Self::NBeats(net) => net.forward(window, features),
            Self::Tide(net) => net.forward(window, features),
            Self::PatchTst(net) => net.forward(window, features),
            Self::DeepAr(net) => net.forward(window, features),
            Self::Tft(net) => net.forward(window, features),
        }
    }

    fn learn(&self, lesson: Lesson, dropout: &mut Dropout) -> Tensor<3> {
        match self {
            Self::DeepAr(net) => net.learn(lesson, dropout),
            Self::Tft(net) => net.learn(lesson, dropout),
            Self::PatchTst(net) => net.learn(lesson, dropout),
            net => net.forward(lesson.window, lesson.features),
        }
    }
}

#[cfg(test)]
mod tests;
