//! Chronos-2 as a forecaster: covariates join the group of their series.

use std::path::PathBuf;

use atsre_domain::model::ModelSpec;
use atsre_domain::panel::CovariateKind;
use atsre_forecast::{ForecastError, Forecaster, Settings, catalogue};

use super::{Place, check, origin};
use crate::chronos::two::{Chronos2, Group};
use crate::device;
use crate::error::Error;
use crate::zero_shot::{Pretrained, Request, Steps, ZeroShot};

#[derive(Debug)]
struct Two {
    place: Place,
    cross_learning: bool,
    loaded: Option<(Chronos2, PathBuf)>,
}

/// Builds Chronos-2.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::CHRONOS_2)?, spec)?;
    let cross_learning = settings.flag("cross_learning")?;
    Ok(Box::new(ZeroShot::new(Two { place: Place::read(&settings, spec)?, cross_learning, loaded: None })))
}

impl Pretrained for Two {
    const NAME: &'static str = catalogue::CHRONOS_2;

    fn load(&mut self) -> Result<(), Error> {
        self.loaded = Some(self.place.open(Self::NAME, Chronos2::open)?);
        Ok(())
    }

    fn levels(&self) -> &[f64] {
        self.loaded.as_ref().map_or(&[], |(model, _)| &model.configuration().levels)
    }

    fn forecast(&self, request: &Request<'_>) -> Result<Vec<Steps>, Error> {
        let Some((model, _)) = &self.loaded else {
            return Ok(Vec::new());
        };
        let groups = groups(request, self.cross_learning);
        let forecasts = device::guarded(self.place.device, || {
            model.forecast(&groups, request.horizon, self.place.batch, &|| check(request))
        })?;
        Ok(forecasts.concat())
    }

    fn notes(&self) -> Vec<String> {
        let Some((model, folder)) = &self.loaded else {
            return Vec::new();
        };
        let together = if self.cross_learning {
            "; all series are one group, and each forecast depends on the others"
        } else {
            ""
        };
        let context = model.configuration().context;
        vec![format!("{}{together}; static covariates are left out", origin(folder, model.weights(), context))]
    }
}

/// Each series with its covariates; one group of all where they learn from each other.
fn groups(request: &Request<'_>, together: bool) -> Vec<Group> {
    let kinds: Vec<CovariateKind> = request.view.covariates().map(|c| c.kind).collect();
    let mut groups: Vec<Group> = Vec::with_capacity(request.histories.len());
    for (series, history) in request.view.iter().zip(request.histories) {
        let mut group = Group { targets: vec![history.clone()], ..Group::default() };
        for (number, kind) in kinds.iter().enumerate() {
            let values = series.covariate(number);
            let values: Vec<f64> = values.iter().map(|v| usable(*v)).collect();
            let (seen, ahead) = values.split_at(series.origin().min(values.len()));
            match kind {
                CovariateKind::Past => group.past.push(seen.to_vec()),
                CovariateKind::Known => group.known.push((seen.to_vec(), ahead.to_vec())),
                CovariateKind::Static => {}
            }
        }
        match groups.first_mut().filter(|_| together) {
            Some(all) => {
                all.targets.append(&mut group.targets);
                all.past.append(&mut group.past);
                all.known.append(&mut group.known);
            }
            None => groups.push(group),
        }
    }
    groups
}

/// A covariate's value as the network can take it: an infinite one counts as missing, one beyond the range whose squares
/// are finite lies at its end.
fn usable(value: f64) -> f64 {
    if value.is_finite() { value.clamp(-1e150, 1e150) } else { f64::NAN }
}
