//! From a model's name to the model itself.

use std::collections::BTreeMap;

use atsre_domain::model::ModelSpec;

use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::models;
use crate::selection;

/// Builds a model from its spec; refuses unknown settings and unusable values.
pub type Constructor = fn(&ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError>;

/// The framework of every model that this crate knows.
pub const FRAMEWORK: &str = "atsre";

/// The models that a process can build, by name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    constructors: BTreeMap<&'static str, Constructor>,
}

impl Registry {
    /// The models of this crate: baselines, statistical and linear models.
    #[must_use]
    pub fn classical() -> Self {
        let mut registry = Self::default();
        registry.register(catalogue::NAIVE, models::naive::construct);
        registry.register(catalogue::SEASONAL_NAIVE, models::seasonal_naive::construct);
        registry.register(catalogue::DRIFT, models::drift::construct);
        registry.register(catalogue::THETA, models::theta::construct);
        registry.register(catalogue::OPTIMIZED_THETA, models::theta::construct_optimized);
        registry.register(catalogue::DYNAMIC_THETA, models::theta::construct_dynamic);
        registry.register(catalogue::DYNAMIC_OPTIMIZED_THETA, models::theta::construct_dynamic_optimized);
        registry.register(catalogue::AUTO_THETA, models::theta::construct_auto);
        registry.register(catalogue::NAIVE2, models::naive2::construct);
        registry.register(catalogue::HISTORIC_AVERAGE, models::averages::construct_historic);
        registry.register(catalogue::WINDOW_AVERAGE, models::averages::construct_window);
        registry.register(catalogue::ZERO, models::averages::construct_zero);
        registry.register(catalogue::SES, models::ses::construct);
        registry.register(catalogue::CROSTON, models::intermittent::construct_croston);
        registry.register(catalogue::CROSTON_OPTIMIZED, models::intermittent::construct_optimized);
        registry.register(catalogue::CROSTON_SBA, models::intermittent::construct_sba);
        registry.register(catalogue::TSB, models::intermittent::construct_tsb);
        registry.register(catalogue::ADIDA, models::intermittent::construct_adida);
        registry.register(catalogue::IMAPA, models::intermittent::construct_imapa);
        registry.register(catalogue::AUTO_CES, models::ces::construct_auto);
        registry.register(catalogue::CES, models::ces::construct);
        registry.register(catalogue::TBATS, models::tbats::construct);
        registry.register(catalogue::MFLES, models::mfles::construct);
        registry.register(catalogue::MSTL, models::mstl::construct);
        registry.register(catalogue::AUTO_ETS, models::ets::models::construct_auto);
        registry.register(catalogue::ETS, models::ets::models::construct_form);
        registry.register(catalogue::HOLT, models::ets::models::construct_holt);
        registry.register(catalogue::HOLT_WINTERS, models::ets::models::construct_holt_winters);
        registry.register(catalogue::AUTO, selection::construct);
        registry.register(catalogue::RIDGE, models::ridge::construct);
        registry.register(catalogue::GRADIENT_BOOSTING, models::boosting::construct);
        registry.register(catalogue::ARIMA, models::arima::forecaster::construct);
        registry.register(catalogue::AUTO_ARIMA, models::arima::forecaster::construct_auto);
        registry.register(catalogue::HARMONIC_REGRESSION, models::arima::forecaster::construct_harmonic);
        registry.register(catalogue::NLINEAR, models::direct::forecaster::construct_nlinear);
        registry.register(catalogue::DLINEAR, models::direct::forecaster::construct_dlinear);
        registry.register(catalogue::FITS, models::direct::forecaster::construct_fits);
        registry.register(catalogue::RANK_ONE, models::rank_one::construct);
        registry.register(catalogue::ADDITIVE, models::additive::construct);
        registry
    }

    /// Adds a model, or replaces the one of that name.
    pub fn register(&mut self, name: &'static str, constructor: Constructor) {
        self.constructors.insert(name, constructor);
    }

    /// The names that can be built, ascending.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.constructors.keys().copied()
    }

    /// Builds the model that a spec asks for.
    ///
    /// # Errors
    /// [`ForecastError::UnknownModel`], or what the model says of its settings.
    pub fn build(&self, spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
        let constructor = (spec.framework == FRAMEWORK).then(|| self.constructors.get(spec.model.as_str())).flatten();
        let constructor = constructor.ok_or_else(|| ForecastError::UnknownModel {
            framework: spec.framework.clone(),
            model: spec.model.clone(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })?;
        constructor(spec)
    }
}
