//! Chronos-Bolt as a forecaster.

use std::path::PathBuf;

use atsre_domain::model::ModelSpec;
use atsre_forecast::{ForecastError, Forecaster, Settings, catalogue};

use super::{Place, check, origin};
use crate::chronos::bolt::{Bolt, Continuation};
use crate::device;
use crate::error::Error;
use crate::zero_shot::{Pretrained, Request, Steps, ZeroShot};

#[derive(Debug)]
struct ChronosBolt {
    place: Place,
    loaded: Option<(Bolt, PathBuf)>,
}

/// Builds Chronos-Bolt.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::CHRONOS_BOLT)?, spec)?;
    Ok(Box::new(ZeroShot::new(ChronosBolt { place: Place::read(&settings, spec)?, loaded: None })))
}

impl Pretrained for ChronosBolt {
    const NAME: &'static str = catalogue::CHRONOS_BOLT;

    fn load(&mut self) -> Result<(), Error> {
        self.loaded = Some(self.place.open(Self::NAME, Bolt::open)?);
        Ok(())
    }

    fn levels(&self) -> &[f64] {
        self.loaded.as_ref().map_or(&[], |(bolt, _)| &bolt.configuration().levels)
    }

    fn forecast(&self, request: &Request<'_>) -> Result<Vec<Steps>, Error> {
        let Some((bolt, _)) = &self.loaded else {
            return Ok(Vec::new());
        };
        let Request { histories, horizon, .. } = *request;
        device::guarded(self.place.device, || {
            bolt.forecast(histories, horizon, Continuation::Paths, self.place.batch, &|| check(request))
        })
    }

    fn notes(&self) -> Vec<String> {
        let Some((bolt, folder)) = &self.loaded else {
            return Vec::new();
        };
        let native = bolt.configuration().horizon;
        vec![format!(
            "{}; past {native} steps each quantile's path goes on by itself",
            origin(folder, bolt.weights(), bolt.configuration().context)
        )]
    }
}
