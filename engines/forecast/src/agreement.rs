//! Comparing the models with reference forecasts of statsforecast, group by group of benchmark series.
//!
//! A model without an optimiser has to give the same numbers. A fixed form has to come within 1 % of the forecasts or
//! to fit at least as well by the criterion that both minimise. An automatic choice has to find a criterion at least
//! as good, or forecasts whose error over the group is no larger.

use std::collections::BTreeMap;
use std::fmt;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};
use atsre_domain::panel::{Panel, Series};
use serde::Deserialize;

use crate::error::ForecastError;
use crate::forecaster::{FitTask, PredictRequest, Silent};
use crate::metrics;
use crate::registry::{FRAMEWORK, Registry};
use crate::view::TrainingView;
use rules::{Rule, counterpart};

mod rules;

/// Reference forecasts of one group of series.
#[derive(Clone, Debug, Deserialize)]
pub struct Group {
    /// The group's name.
    pub group: String,
    /// Observations to a season.
    pub m: usize,
    /// Steps forecast.
    pub h: usize,
    /// The series by their names.
    pub series: BTreeMap<String, Split>,
    /// For each model the forecasts of the series that it covers.
    pub models: BTreeMap<String, BTreeMap<String, Reference>>,
}

/// One series.
#[derive(Clone, Debug, Deserialize)]
pub struct Split {
    /// What the models saw.
    pub train: Vec<f64>,
    /// What then happened.
    pub test: Vec<f64>,
}

/// The reference's forecast of one series.
#[derive(Clone, Debug, Deserialize)]
pub struct Reference {
    /// The forecast; none where the reference failed.
    pub mean: Option<Vec<f64>>,
    /// What the reference fitted, where it says so.
    pub fit: Option<ReferenceFit>,
}

/// How well the reference fitted: whichever figure it has.
#[derive(Clone, Debug, Deserialize)]
pub struct ReferenceFit {
    /// Akaike's corrected criterion.
    pub aicc: Option<f64>,
    /// The sum of squares of a Theta model over the mean absolute value.
    pub mse: Option<f64>,
    /// Which Theta model.
    pub modeltype: Option<String>,
    /// p, d and q of an ARIMA model.
    pub order: Option<[usize; 3]>,
    /// P, D, Q and the season of an ARIMA model.
    pub seasonal: Option<[usize; 4]>,
}

/// What came of one model on one group.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It agrees.
    Agrees,
    /// It does not; the first reason.
    Differs(String),
    /// This crate has no such model.
    Missing,
}

/// One model on one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The group.
    pub group: String,
    /// The model, by the reference's name.
    pub model: String,
    /// Whether it agrees.
    pub verdict: Verdict,
    /// Series compared.
    pub series: usize,
    /// Series whose forecasts differ by less than 1 % at every step, or less than the rule's tolerance.
    pub close: usize,
    /// The sums over the series of this crate's criterion and the reference's, less is better; none where there is none.
    pub criteria: Option<(f64, f64)>,
    /// The mean MASE on what then happened, of this crate and of the reference.
    pub errors: (f64, f64),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.group, self.model)?;
        match &self.verdict {
            Verdict::Missing => return write!(f, "missing"),
            Verdict::Agrees => write!(f, "agrees")?,
            Verdict::Differs(reason) => write!(f, "differs, first {reason}")?,
        }
        write!(f, "; {} of {} series close", self.close, self.series)?;
        if let Some((ours, theirs)) = self.criteria {
            write!(f, ", criterion {ours:.3} against {theirs:.3}")?;
        }
        write!(f, ", test MASE {:.4} against {:.4}", self.errors.0, self.errors.1)
    }
}

/// Judges every model of a group, in the order of their names.
///
/// # Errors
/// A model of this crate fails on a series that the reference forecasts.
pub fn judge(group: &Group) -> Result<Vec<Line>, ForecastError> {
    let registry = Registry::classical();
    group.models.iter().map(|(name, cases)| judge_model(group, name, cases, &registry)).collect()
}

fn judge_model(
    group: &Group,
    name: &str,
    cases: &BTreeMap<String, Reference>,
    registry: &Registry,
) -> Result<Line, ForecastError> {
    let mut line = Line {
        group: group.group.clone(),
        model: name.to_string(),
        verdict: Verdict::Missing,
        series: 0,
        close: 0,
        criteria: None,
        errors: (0.0, 0.0),
    };
    let Some(counterpart) = counterpart(name).filter(|c| registry.names().any(|n| n == c.model)) else {
        return Ok(line);
    };
    let tolerance = if let Rule::Same(tolerance) = counterpart.rule { tolerance } else { 0.01 };
    let mut reason: Option<String> = None;
    let mut apart = 0;
    for (id, case) in cases {
        let (Some(series), Some(theirs)) = (group.series.get(id), &case.mean) else { continue };
        let ours = forecast(registry, counterpart.model, &counterpart.settings, &series.train, group)?;
        line.series += 1;
        let difference = largest_difference(&ours, theirs);
        let close = difference <= tolerance;
        line.close += usize::from(close);
        let their = case.fit.as_ref().and_then(|f| (counterpart.their_criterion)(f, series.train.len()));
        let our = || (counterpart.criterion)(&series.train, group.m, case.fit.as_ref()?);
        let figures = their.and_then(|t| Some((our()?, t)));
        if let Some((our, their)) = figures {
            let (a, b) = line.criteria.unwrap_or((0.0, 0.0));
            line.criteria = Some((a + our, b + their));
        }
        // Rounding of ten digits, and of sums over a whole history.
        let as_good = figures.is_some_and(|(our, their)| our <= their + 1e-6 * their.abs().max(1.0));
        if !(close || as_good && counterpart.rule != Rule::Same(tolerance)) {
            apart += 1;
            reason.get_or_insert_with(|| {
                let shown = figures.map_or(String::new(), |(o, t)| format!(", criterion {o:.6} against {t:.6}"));
                format!("{id}: forecasts differ by {:.3e} of their size{shown}", difference)
            });
        }
        if let Some(scale) = metrics::absolute_scale(&series.train, group.m) {
            let error = |f: &[f64]| metrics::mae(&series.test, f).unwrap_or(0.0) / scale / cases.len() as f64;
            line.errors.0 += error(&ours);
            line.errors.1 += error(theirs);
        }
    }
    let agrees = match counterpart.rule {
        Rule::Same(_) => apart == 0,
        // "Most series": the few where another local optimum was found may not be more than a fifth.
        Rule::Form => apart * 5 <= line.series,
        Rule::Choice => apart * 5 <= line.series || line.errors.0 <= 1.005 * line.errors.1,
    };
    line.verdict = match (agrees, reason) {
        (true, _) | (_, None) => Verdict::Agrees,
        (false, Some(reason)) => Verdict::Differs(reason),
    };
    Ok(line)
}

/// The largest difference at a step, relative to the reference there or a hundredth of its mean size.
fn largest_difference(ours: &[f64], theirs: &[f64]) -> f64 {
    let size = theirs.iter().map(|v| v.abs()).sum::<f64>() / theirs.len().max(1) as f64;
    let relative = |(a, b): (&f64, &f64)| {
        let scale = b.abs().max(0.01 * size);
        if a == b { 0.0 } else { (a - b).abs() / scale }
    };
    // A NaN is as far off as can be.
    ours.iter().zip(theirs).map(relative).fold(0.0, |m: f64, d| if d.is_nan() { f64::INFINITY } else { m.max(d) })
}

fn forecast(
    registry: &Registry,
    model: &str,
    settings: &[(&str, Setting)],
    values: &[f64],
    group: &Group,
) -> Result<Vec<f64>, ForecastError> {
    let spec = ModelSpec {
        framework: FRAMEWORK.to_string(),
        model: model.to_string(),
        hyperparameters: settings.iter().map(|(n, v)| ((*n).to_string(), v.clone())).collect::<Hyperparameters>(),
        covariates: Vec::new(),
        device: Device::Cpu,
    };
    let times = (0..values.len()).map(|t| Timestamp(i64::try_from(t).unwrap_or(0))).collect();
    let series = Series { item_id: String::new(), times, target: values.to_vec(), covariates: Vec::new() };
    let frequency = Frequency::every(FrequencyUnit::Step);
    let panel = Panel { target: "y".to_string(), frequency, covariates: Vec::new(), series: vec![series] };
    let view = TrainingView::of_panel(&panel, group.h);
    let mut model = registry.build(&spec)?;
    let (horizon, quantile_levels, progress) = (group.h, &[0.5][..], &Silent);
    model.fit(&FitTask {
        view: &view,
        horizon,
        quantile_levels,
        season_length: group.m,
        seed: 1,
        threads: 1,
        progress,
    })?;
    let forecasts = model.predict(&PredictRequest { view: &view, horizon, quantile_levels, seed: 1, progress })?;
    Ok(forecasts.into_iter().next().map(|f| f.mean).unwrap_or_default())
}
