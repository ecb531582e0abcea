//! The selection as a [`Forecaster`].

use std::collections::BTreeMap;

use atsre_domain::model::ModelSpec;

use super::choice::Selection;
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::registry::Registry;
use crate::settings::Settings;

/// The default forecaster.
#[derive(Debug)]
struct Auto {
    budget_seconds: f64,
    season_setting: usize,
    fitted: Option<Fitted>,
}

/// What a selection forecasts.
#[derive(Debug)]
pub(super) struct Fitted {
    /// Forecasts by the series' index in the panel, with the origins that they start from.
    pub(super) forecasts: BTreeMap<usize, (usize, SeriesForecast)>,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
}

/// Builds the forecaster.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::AUTO)?, spec)?;
    Ok(Box::new(Auto {
        budget_seconds: settings.number("budget_seconds", 0.0..=1e9)?,
        season_setting: settings.size("season_length", 0..=1_000_000)?,
        fitted: None,
    }))
}

impl Forecaster for Auto {
    fn name(&self) -> &'static str {
        catalogue::AUTO
    }

    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }

    fn minimum_length(&self, _horizon: usize, _season_length: usize) -> usize {
        1
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let season_length = if self.season_setting > 0 { self.season_setting } else { task.season_length.max(1) };
        let task = FitTask { season_length, ..*task };
        let registry = Registry::classical();
        let selection = Selection::run(&registry, &task, self.budget_seconds)?;
        self.fitted = Some(selection.finish(&registry, &task)?);
        task.progress.report(1.0, "done");
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(catalogue::AUTO.to_string()))?;
        request
            .view
            .iter()
            .map(|series| {
                let found = fitted.forecasts.get(&series.index()).filter(|(origin, forecast)| {
                    *origin == series.origin()
                        && forecast.mean.len() == request.horizon
                        && forecast.quantiles.len() == request.quantile_levels.len()
                });
                found.map(|(_, forecast)| forecast.clone()).ok_or_else(|| {
                    ForecastError::Job(format!(
                        "auto was not fitted for this forecast of series `{}` after {} observations; fit it on the same view",
                        series.item_id(),
                        series.origin()
                    ))
                })
            })
            .collect()
    }

    fn notes(&self) -> Vec<String> {
        self.fitted.as_ref().map_or_else(Vec::new, |f| f.notes.clone())
    }
}
