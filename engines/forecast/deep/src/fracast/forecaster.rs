//! Fracast-0 as a forecaster.

use atsre_domain::model::ModelSpec;
use atsre_forecast::{ForecastError, Forecaster, Settings, catalogue};
use rayon::prelude::*;

use super::{LEAST_OBSERVED, LEVELS, Network};
use crate::error::Error;
use crate::zero_shot::{Pretrained, Request, Steps, ZeroShot};

/// What has to be said wherever its scores are.
const LEAKAGE: &str = "Fracast-0's authors declare test-data leakage: it was trained on the families of the common benchmarks (GIFT-Eval, M3, M4, NN5, tourism); scores on those are no evidence";

#[derive(Debug, Default)]
struct Fracast {
    network: Option<&'static Network>,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Settings::resolve(&catalogue::entry(catalogue::FRACAST_0)?, spec)?;
    Ok(Box::new(ZeroShot::new(Fracast::default())))
}

impl Pretrained for Fracast {
    const NAME: &'static str = catalogue::FRACAST_0;
    const MINIMUM_LENGTH: usize = LEAST_OBSERVED;

    fn load(&mut self) -> Result<(), Error> {
        self.network = Some(Network::pretrained()?);
        Ok(())
    }

    fn levels(&self) -> &[f64] {
        &LEVELS
    }

    fn forecast(&self, request: &Request<'_>) -> Result<Vec<Steps>, Error> {
        let Some(network) = self.network else {
            return Ok(Vec::new());
        };
        let one = |history: &Vec<f64>| {
            if request.progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let forecast = network.forecast(history, request.horizon);
            Ok(forecast.quantiles.into_iter().map(|step| step.to_vec()).collect())
        };
        request.histories.par_iter().map(one).collect()
    }

    fn notes(&self) -> Vec<String> {
        vec![LEAKAGE.to_string()]
    }
}
