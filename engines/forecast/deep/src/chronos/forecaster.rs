//! The Chronos models as forecasters.

use std::path::PathBuf;

use atsre_domain::model::{self, ModelSpec};
use atsre_forecast::{ForecastError, Forecaster, Settings, catalogue};

use super::bolt::{Bolt, Continuation};
use crate::device::{self, SoftwareAdapter};
use crate::error::Error;
use crate::weights::folder;
use crate::zero_shot::{Pretrained, Request, Steps, ZeroShot};

/// What is looked up in the hub's cache where no folder is named.
const BOLT_REPOSITORY: &str = "amazon/chronos-bolt-small";

/// The repository of a model, where it is one of those whose weights are not part of the program.
fn repository(model: &str) -> Option<&'static str> {
    match model {
        catalogue::CHRONOS_BOLT => Some(BOLT_REPOSITORY),
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

    /// The folder, and the device opened.
    pub(super) fn open(&self, repository: &str) -> Result<(PathBuf, burn::tensor::Device), Error> {
        let folder = folder::locate(&self.folder, repository)?;
        Ok((folder, device::open(self.device, self.software)?))
    }
}

/// Chronos-Bolt as a forecaster.
#[derive(Debug)]
struct ChronosBolt {
    place: Place,
    loaded: Option<(Bolt, PathBuf)>,
}

/// Builds Chronos-Bolt.
pub(crate) fn construct_bolt(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::CHRONOS_BOLT)?, spec)?;
    Ok(Box::new(ZeroShot::new(ChronosBolt { place: Place::read(&settings, spec)?, loaded: None })))
}

impl Pretrained for ChronosBolt {
    const NAME: &'static str = catalogue::CHRONOS_BOLT;

    fn load(&mut self) -> Result<(), Error> {
        let (folder, device) = self.place.open(BOLT_REPOSITORY)?;
        let bolt = device::guarded(self.place.device, || Ok(Bolt::open(&folder, &device)?))?;
        self.loaded = Some((bolt, folder));
        Ok(())
    }

    fn levels(&self) -> &[f64] {
        self.loaded.as_ref().map_or(&[], |(bolt, _)| &bolt.configuration().levels)
    }

    fn forecast(&self, request: &Request<'_>) -> Result<Vec<Steps>, Error> {
        let Some((bolt, _)) = &self.loaded else {
            return Ok(Vec::new());
        };
        let check = || if request.progress.cancelled() { Err(Error::Cancelled) } else { Ok(()) };
        device::guarded(self.place.device, || {
            bolt.forecast(request.histories, request.horizon, Continuation::Paths, self.place.batch, &check)
        })
    }

    fn notes(&self) -> Vec<String> {
        let Some((bolt, folder)) = &self.loaded else {
            return Vec::new();
        };
        vec![format!(
            "pretrained weights of {}, {} of them; the last {} observations are seen; past {} steps each quantile's path goes on by itself",
            folder.display(),
            bolt.weights(),
            bolt.configuration().context,
            bolt.configuration().horizon
        )]
    }
}
