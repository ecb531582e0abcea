//! The first Chronos as a forecaster.

use std::path::PathBuf;

use atsre_domain::model::ModelSpec;
use atsre_forecast::{ForecastError, Forecaster, Settings, catalogue};

use super::{Place, check, origin};
use crate::chronos::language::{ChronosT5, LEVELS, Sampling};
use crate::device;
use crate::error::Error;
use crate::zero_shot::{Pretrained, Request, Steps, ZeroShot};

#[derive(Debug)]
struct Language {
    place: Place,
    samples: usize,
    temperature: f64,
    loaded: Option<(ChronosT5, PathBuf)>,
}

/// Builds Chronos-T5.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::CHRONOS_T5)?, spec)?;
    Ok(Box::new(ZeroShot::new(Language {
        place: Place::read(&settings, spec)?,
        samples: settings.size("samples", 1..=10_000)?,
        temperature: settings.number("temperature", 1e-3..=1e3)?,
        loaded: None,
    })))
}

impl Pretrained for Language {
    const NAME: &'static str = catalogue::CHRONOS_T5;

    fn load(&mut self) -> Result<(), Error> {
        self.loaded = Some(self.place.open(Self::NAME, ChronosT5::open)?);
        Ok(())
    }

    fn levels(&self) -> &[f64] {
        &LEVELS
    }

    fn forecast(&self, request: &Request<'_>) -> Result<Vec<Steps>, Error> {
        let Some((model, _)) = &self.loaded else {
            return Ok(Vec::new());
        };
        let Request { histories, horizon, seed, .. } = *request;
        let top = model.configuration().top;
        let sampling = Sampling { paths: self.samples, temperature: self.temperature, top };
        device::guarded(self.place.device, || model.forecast(histories, horizon, &sampling, seed, &|| check(request)))
    }

    fn notes(&self) -> Vec<String> {
        let Some((model, folder)) = &self.loaded else {
            return Vec::new();
        };
        let native = model.configuration().horizon;
        vec![format!(
            "{}; quantiles of {} sampled paths; past {native} steps their median goes on",
            origin(folder, model.weights(), model.configuration().context),
            self.samples
        )]
    }
}
