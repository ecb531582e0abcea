//! The Chronos models as forecasters.

use std::path::{Path, PathBuf};

use atsre_domain::model::{self, ModelSpec};
use atsre_forecast::{ForecastError, Settings, catalogue};

use crate::device::{self, SoftwareAdapter};
use crate::error::Error;
use crate::weights::{self, folder};
use crate::zero_shot::Request;

mod bolt;
mod language;
mod two;

pub(crate) use bolt::construct as construct_bolt;
pub(crate) use language::construct as construct_t5;
pub(crate) use two::construct as construct_two;

/// The repository that is looked up in the hub's cache where no folder is named, for models whose weights are not part
/// of the program.
fn repository(model: &str) -> Option<&'static str> {
    match model {
        catalogue::CHRONOS_BOLT => Some("amazon/chronos-bolt-small"),
        catalogue::CHRONOS_2 => Some("amazon/chronos-2"),
        catalogue::CHRONOS_T5 => Some("amazon/chronos-t5-small"),
        _ => None,
    }
}

/// What a model lacks on this machine to run without a word more, in words; none where it lacks nothing.
#[must_use]
pub fn lacking(model: &str) -> Option<String> {
    let repository = repository(model)?;
    folder::locate("", repository)
        .err()
        .map(|_| format!("weights: name their folder, or have {repository} in the hub's cache"))
}

/// Where the weights are and how to run them.
#[derive(Clone, Debug)]
pub(super) struct Place {
    folder: String,
    pub(super) batch: usize,
    pub(super) device: model::Device,
    software: SoftwareAdapter,
}

impl Place {
    pub(super) fn read(settings: &Settings, spec: &ModelSpec) -> Result<Self, ForecastError> {
        Ok(Self {
            folder: settings.text(catalogue::WEIGHTS)?.to_string(),
            batch: settings.size("batch_size", 1..=65_536)?,
            device: spec.device,
            software: SoftwareAdapter::Refuse,
        })
    }

    /// The folder, and what `read` makes of it on the device.
    pub(super) fn open<M>(
        &self,
        model: &str,
        read: impl FnOnce(&Path, &burn::tensor::Device) -> Result<M, weights::Error>,
    ) -> Result<(M, PathBuf), Error> {
        let folder = folder::locate(&self.folder, repository(model).unwrap_or_default())?;
        let device = device::open(self.device, self.software)?;
        let model = device::guarded(self.device, || Ok(read(&folder, &device)?))?;
        Ok((model, folder))
    }
}

/// What the caller says before each batch.
fn check(request: &Request<'_>) -> Result<(), Error> {
    if request.progress.cancelled() { Err(Error::Cancelled) } else { Ok(()) }
}

/// Where the weights came from, in words.
fn origin(folder: &Path, weights: usize, context: usize) -> String {
    format!("{weights} pretrained weights from {}; the last {context} observations are seen", folder.display())
}
