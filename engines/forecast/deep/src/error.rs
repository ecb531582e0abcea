//! What can go wrong in a deep model, named by what the caller can do about it.

use atsre_forecast::{ForecastError, catalogue};

use crate::weights;

/// A network that could not be trained or asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A setting contradicts itself or the data.
    #[error("setting `{setting}` {problem}")]
    Setting {
        /// The setting's name.
        setting: String,
        /// What is wrong with it and what it may be.
        problem: String,
    },
    /// There is no window of data to learn from.
    #[error(
        "no series is long enough for a window of horizon {horizon}: the longest has {longest} observations, {needed} are needed; shorten the horizon"
    )]
    TooShort {
        /// Steps to forecast.
        horizon: usize,
        /// The longest series.
        longest: usize,
        /// The fewest observations that give a window.
        needed: usize,
        /// The longest series' name.
        item_id: String,
    },
    /// Training or prediction left the finite numbers.
    #[error("{place} gave a number that is not finite; lower `learning_rate`, or look for infinite values in the data")]
    NonFinite {
        /// Where: a step of the training, a series of the data or of the prediction.
        place: String,
    },
    /// The loss grew out of all bounds.
    #[error(
        "the training diverged: at training step {step} the loss was {loss:.3e}, at the first {first:.3e}; lower `learning_rate`"
    )]
    Diverged {
        /// The step, from 1.
        step: usize,
        /// The loss of the first step.
        first: f64,
        /// The mean loss since the reading before.
        loss: f64,
    },
    /// No usable GPU.
    #[error("no usable GPU: {reason}; run with device `cpu`, or install a driver for Vulkan, Metal or DirectX 12")]
    DeviceUnavailable {
        /// What was found instead.
        reason: String,
    },
    /// The device refused an allocation.
    #[error("the device ran out of memory: {reason}; lower `batch_size`")]
    DeviceOutOfMemory {
        /// What the device said.
        reason: String,
    },
    /// The device failed at work.
    #[error("the device failed: {reason}")]
    DeviceFailed {
        /// What the device said.
        reason: String,
    },
    /// A folder of pretrained weights cannot be used.
    #[error(transparent)]
    Weights(#[from] weights::Error),
    /// Bytes of a saved network that cannot be used, or nothing that could be saved.
    #[error("the saved network cannot be used: {problem}")]
    Saved {
        /// What is wrong.
        problem: String,
    },
    /// The caller stopped the training.
    #[error("the training was cancelled")]
    Cancelled,
}

impl Error {
    /// An error that a device reported while its results were read.
    pub(crate) fn device(error: impl std::fmt::Display) -> Self {
        let reason = error.to_string();
        if reason.to_lowercase().contains("out of memory") {
            Self::DeviceOutOfMemory { reason }
        } else {
            Self::DeviceFailed { reason }
        }
    }

    /// The same failure in the words of the forecasting frame.
    #[must_use]
    pub fn for_model(self, model: &str) -> ForecastError {
        let model = model.to_string();
        match self {
            Self::Setting { setting, problem } => ForecastError::Setting { model, setting, problem },
            Self::TooShort { longest, needed, item_id, .. } => {
                ForecastError::TooShort { model, item_id, length: longest, needed }
            }
            Self::NonFinite { .. } | Self::Diverged { .. } => {
                ForecastError::Numerical { model, problem: self.to_string() }
            }
            Self::DeviceUnavailable { .. } | Self::DeviceOutOfMemory { .. } | Self::DeviceFailed { .. } => {
                ForecastError::Backend { model, problem: self.to_string() }
            }
            Self::Weights(error) => ForecastError::Setting {
                model,
                setting: catalogue::WEIGHTS.to_string(),
                problem: format!("names no usable model: {error}"),
            },
            Self::Saved { .. } => ForecastError::Job(format!("{model}: {self}")),
            Self::Cancelled => ForecastError::Cancelled,
        }
    }
}
