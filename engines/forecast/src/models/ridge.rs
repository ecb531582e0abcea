//! Direct multi-step ridge autoregression.
//!
//! For each step h of the horizon, the value h steps ahead is regressed on what is known at the origin: recent
//! values, values of the target's own phase in past seasons, Fourier terms, the calendar of the target's moment, and
//! covariates (known ones at the target's moment too). One linear map a step, not a recursion, so that errors do not
//! feed on themselves (Marcellino, Stock and Watson 2006). Ridge regression is Hoerl and Kennard's (1970); its penalty
//! minimises generalised cross-validation (Golub, Heath and Wahba 1979). Every window is normalised by its own level
//! and spread, which lets many series share one regression.

use std::collections::BTreeMap;

use atsre_domain::model::ModelSpec;
use rayon::prelude::*;

use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::gaps;
use crate::in_sample::SeriesFit;
use crate::models::windows::layout::{Layout, Wishes};
use crate::models::windows::prepared::Prepared;
use crate::models::windows::{FEWEST_WINDOWS, SHORTEST};
use crate::settings::Settings;
use crate::view::{SeriesView, TrainingView};
use training::StepModel;

mod regression;
mod training;

/// Observations from which on a series by itself teaches more than its neighbours do: measured on series of the M3, M4
/// and NN5 competitions, where hourly (700), daily (735) and weekly (from 350) ones are forecast better by themselves,
/// monthly ones (60 to 130) together.
const LONG_ENOUGH: usize = 300;
/// Windows × steps, over all series, up to which one regression each is worth its time: about two seconds.
const MOST_LOCAL_WORK: usize = 2_000_000;

/// What the settings say.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    columns: Wishes,
    pooled: Option<bool>,
    window_cap: usize,
    penalty: f64,
}

/// The model.
#[derive(Debug)]
struct Ridge {
    configuration: Configuration,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    quantile_levels: Vec<f64>,
    groups: Groups,
    notes: Vec<String>,
}

/// One regression for all series, or one each, by the series' index in the panel.
#[derive(Debug)]
enum Groups {
    Pooled(Group),
    Local(BTreeMap<usize, Group>),
}

/// A layout of features and one linear map for each step of the horizon.
#[derive(Debug)]
struct Group {
    layout: Layout,
    steps: Vec<StepModel>,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::RIDGE)?, spec)?;
    let pooled = match settings.word("pooled", &["auto", "yes", "no"])? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let configuration = Configuration {
        columns: Wishes::of(&settings, settings.size("fourier_terms", 0..=50)?)?,
        pooled,
        window_cap: settings.size("window_cap", 64..=1_000_000)?,
        penalty: settings.number("penalty", 0.0..=1e6)?,
    };
    Ok(Box::new(Ridge { configuration, fitted: None }))
}

impl Forecaster for Ridge {
    fn name(&self) -> &'static str {
        catalogue::RIDGE
    }

    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }

    fn minimum_length(&self, horizon: usize, _season_length: usize) -> usize {
        SHORTEST.max(horizon + FEWEST_WINDOWS + 2)
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let pooled = self.configuration.pooled.unwrap_or_else(|| self.should_pool(task));
        self.check_lengths(task.view, task.horizon, task.season_length)?;
        let groups = if pooled {
            let members: Vec<usize> = (0..task.view.len()).collect();
            Groups::Pooled(Group::fit(&self.configuration, task, &members, true)?)
        } else {
            let groups = (0..task.view.len()).into_par_iter().map(|i| {
                let group = Group::fit(&self.configuration, task, &[i], false)?;
                Ok((task.view.series(i).index(), group))
            });
            Groups::Local(groups.collect::<Result<_, ForecastError>>()?)
        };
        let notes = groups.notes();
        self.fitted = Some(Fitted { quantile_levels: task.quantile_levels.to_vec(), groups, notes });
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(catalogue::RIDGE.to_string()))?;
        if fitted.quantile_levels != request.quantile_levels {
            return Err(ForecastError::Job(
                "ridge predicts the quantile levels it was fitted for, and no others".to_string(),
            ));
        }
        (0..request.view.len())
            .into_par_iter()
            .map(|i| {
                request.progress.check()?;
                fitted.group(&request.view.series(i))?.predict(request, i)
            })
            .collect()
    }

    fn in_sample(&self, request: &PredictRequest<'_>) -> Result<Option<Vec<SeriesFit>>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(catalogue::RIDGE.to_string()))?;
        let one = |i: usize| {
            request.progress.check()?;
            fitted.group(&request.view.series(i))?.in_sample(&request.view.series(i), request.horizon)
        };
        (0..request.view.len()).into_par_iter().map(one).collect::<Result<_, ForecastError>>().map(Some)
    }

    fn notes(&self) -> Vec<String> {
        self.fitted.as_ref().map_or_else(Vec::new, |f| f.notes.clone())
    }
}

impl Ridge {
    /// Many short series share a regression, for want of windows; so do so many that one each would take too long.
    fn should_pool(&self, task: &FitTask<'_>) -> bool {
        let mut lengths: Vec<usize> = task.view.iter().map(|s| gaps::usable_length(s.target())).collect();
        lengths.sort_unstable();
        let windows: usize = lengths.iter().map(|n| n.min(&self.configuration.window_cap)).sum();
        let typical = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
        lengths.len() > 1 && (typical < LONG_ENOUGH || windows * task.horizon > MOST_LOCAL_WORK)
    }

    fn check_lengths(&self, view: &TrainingView<'_>, horizon: usize, season: usize) -> Result<(), ForecastError> {
        let needed = self.minimum_length(horizon, season);
        let short = view.iter().find(|s| gaps::usable_length(s.target()) < needed);
        short.map_or(Ok(()), |series| {
            Err(ForecastError::TooShort {
                model: catalogue::RIDGE.to_string(),
                item_id: series.item_id().to_string(),
                length: gaps::usable_length(series.target()),
                needed,
            })
        })
    }
}

impl Fitted {
    /// The regression that a series takes part in.
    fn group(&self, series: &SeriesView<'_>) -> Result<&Group, ForecastError> {
        match &self.groups {
            Groups::Pooled(group) => Ok(group),
            Groups::Local(groups) => {
                groups.get(&series.index()).ok_or_else(|| ForecastError::NotFitted(catalogue::RIDGE.to_string()))
            }
        }
    }
}

impl Groups {
    fn notes(&self) -> Vec<String> {
        match self {
            Self::Pooled(group) => group.layout.notes(catalogue::RIDGE, true),
            Self::Local(groups) => {
                groups.values().next().map_or_else(Vec::new, |g| g.layout.notes(catalogue::RIDGE, false))
            }
        }
    }
}

impl Group {
    fn fit(
        configuration: &Configuration,
        task: &FitTask<'_>,
        members: &[usize],
        pooled: bool,
    ) -> Result<Self, ForecastError> {
        let layout = Layout::plan(&configuration.columns, task, members, pooled);
        let prepared = members
            .par_iter()
            .map(|&i| Prepared::new(&layout, &task.view.series(i), task.horizon))
            .collect::<Result<Vec<_>, ForecastError>>()?;
        task.progress.check()?;
        let steps = training::fit(configuration, task, &layout, &prepared)?;
        Ok(Self { layout, steps })
    }

    /// The first step's regression at every origin of the history.
    fn in_sample(&self, series: &SeriesView<'_>, horizon: usize) -> Result<SeriesFit, ForecastError> {
        let prepared = Prepared::new(&self.layout, series, horizon)?;
        let mut fitted = vec![f64::NAN; prepared.length()];
        let mut features = Vec::with_capacity(self.layout.columns());
        if let Some(step) = self.steps.first() {
            for origin in self.layout.history.max(1) - 1..prepared.length().saturating_sub(1) {
                let frame = prepared.frame(&self.layout, origin);
                features.clear();
                prepared.write_common(&self.layout, origin, frame, &mut features);
                prepared.write_target(&self.layout, origin, 1, frame, &mut features);
                fitted[origin + 1] = frame.restore(step.predict(&features));
            }
        }
        Ok(SeriesFit::of(series, &fitted))
    }

    fn predict(&self, request: &PredictRequest<'_>, index: usize) -> Result<SeriesForecast, ForecastError> {
        let series = request.view.series(index);
        let prepared = Prepared::new(&self.layout, &series, request.horizon)?;
        let origin = prepared.length() - 1;
        let frame = prepared.frame(&self.layout, origin);
        let mut features = Vec::with_capacity(self.layout.columns());
        prepared.write_common(&self.layout, origin, frame, &mut features);
        let common = features.len();
        let mut forecast = SeriesForecast {
            item_id: series.item_id().to_string(),
            times: series.future_times(request.horizon)?,
            mean: Vec::with_capacity(request.horizon),
            quantiles: vec![Vec::with_capacity(request.horizon); request.quantile_levels.len()],
        };
        for (h, step) in (1..=request.horizon).zip(&self.steps) {
            features.truncate(common);
            prepared.write_target(&self.layout, origin, h, frame, &mut features);
            let mean = step.predict(&features);
            forecast.mean.push(frame.restore(mean));
            for (row, offset) in forecast.quantiles.iter_mut().zip(&step.residual_quantiles) {
                row.push(frame.restore(mean + offset));
            }
        }
        Ok(forecast)
    }
}
