//! Comparing pretrained models with reference cases: folders with `config.json`, the weights and `reference.json`, whose
//! `cases` have histories and the quantiles that the models' own library gave.
//!
//! The bound on a difference is 1e-5 of the largest size of the case's data, at least 1e-8; of the largest right value
//! where nothing is observed.

mod bolt;
mod language;
mod two;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::Value;

use crate::weights;

/// What came of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Its name.
    pub case: String,
    /// Numbers compared.
    pub compared: usize,
    /// The largest difference; infinite where the shapes differ or a number is not finite.
    pub worst: f64,
    /// The difference allowed.
    pub bound: f64,
}

/// Cases that cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model cannot be opened or asked.
    #[error(transparent)]
    Model(#[from] crate::Error),
    /// `reference.json` cannot be read.
    #[error("{}: {problem}", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl From<weights::Error> for Error {
    fn from(error: weights::Error) -> Self {
        Self::Model(error.into())
    }
}

/// Judges every case of a folder.
///
/// # Errors
/// [`Error`] where the model or its cases cannot be read, or the device fails.
pub fn judge(folder: &Path, device: &Device) -> Result<Vec<Verdict>, Error> {
    let path = folder.join("reference.json");
    let refuse = |problem: String| Error::Reference { path: path.clone(), problem };
    let bytes = std::fs::read(&path).map_err(|e| refuse(e.to_string()))?;
    let reference: Value = serde_json::from_slice(&bytes).map_err(|e| refuse(e.to_string()))?;
    let configuration = weights::Configuration::read(folder)?;
    match configuration.architecture() {
        "ChronosBoltModelForForecasting" => bolt::judge(folder, &reference, device),
        "Chronos2Model" => two::judge(folder, &reference, device),
        "T5ForConditionalGeneration" => language::judge(folder, &reference, device),
        other => Err(refuse(format!("there are no cases for {other}"))),
    }
}

/// The numbers of a JSON list, however deep; null is NaN.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(flat).collect(),
        Value::Number(number) => vec![number.as_f64().unwrap_or(f64::NAN)],
        _ => vec![f64::NAN],
    }
}

/// The lists of a JSON list.
fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().map(|list| list.iter().map(flat).collect()).unwrap_or_default()
}

fn verdict(case: String, ours: &[f64], theirs: &[f64], data: &[f64]) -> Verdict {
    let size = |values: &[f64]| values.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    let observed = data.iter().any(|v| v.is_finite());
    let bound = if observed { 1e-5 * size(data).max(1e-3) } else { 1e-5 * size(theirs) };
    let difference = |(a, b): (&f64, &f64)| {
        let difference = (a - b).abs();
        if difference.is_finite() { difference } else { f64::INFINITY }
    };
    let worst = if ours.len() == theirs.len() {
        ours.iter().zip(theirs).map(difference).fold(0.0, f64::max)
    } else {
        f64::INFINITY
    };
    Verdict { case, compared: theirs.len(), worst, bound }
}

/// `[series][step][level]` in the references' order, `[series][level][step]`.
fn by_level(forecasts: &[crate::zero_shot::Steps]) -> Vec<f64> {
    let levels = |steps: &crate::zero_shot::Steps| steps.first().map_or(0, Vec::len);
    let series = |steps: &crate::zero_shot::Steps| -> Vec<f64> {
        (0..levels(steps)).flat_map(|level| steps.iter().map(move |step| step[level])).collect()
    };
    forecasts.iter().flat_map(series).collect()
}
