//! What a trial runs: a model, its settings and its limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A hyperparameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(crate::finite::Finite),
    /// A word.
    Text(String),
    /// Whole numbers, such as seasonal periods.
    Integers(Vec<i64>),
}

impl Setting {
    /// What a person has written: `true` and `false`, whole numbers, numbers, a list of whole numbers, or a word.
    #[must_use]
    pub fn from_text(value: &str) -> Self {
        if let Ok(flag) = value.parse() {
            return Self::Flag(flag);
        }
        if let Ok(integer) = value.parse() {
            return Self::Integer(integer);
        }
        if let Some(number) = value.parse().ok().and_then(crate::finite::Finite::of) {
            return Self::Number(number);
        }
        let integers: Result<Vec<i64>, _> = value.split(',').map(|part| part.trim().parse()).collect();
        integers.map_or_else(|_| Self::Text(value.to_owned()), Self::Integers)
    }
}

/// Hyperparameters by name, ordered.
pub type Hyperparameters = BTreeMap<String, Setting>;

/// Where a model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// The processor.
    Cpu,
    /// A GPU through wgpu.
    Gpu,
}

/// A model with its settings, as the planner asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// Who implements it: `atsre` for ours.
    pub framework: String,
    /// The model's name in the catalogue, such as `seasonal-naive`.
    pub model: String,
    /// Its settings; those absent are the catalogue's defaults.
    pub hyperparameters: Hyperparameters,
    /// The covariates it may use, by column name.
    pub covariates: Vec<String>,
    /// Where it computes.
    pub device: Device,
}

/// What an attempt may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of the worker process, in bytes.
    pub memory_bytes: u64,
    /// Wall time, in milliseconds.
    pub deadline_ms: u64,
    /// Threads.
    pub threads: u32,
}

impl ModelSpec {
    /// An integer setting, or `default`.
    #[must_use]
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        match self.hyperparameters.get(name) {
            Some(Setting::Integer(v)) => *v,
            Some(Setting::Number(v)) => v.get() as i64,
            _ => default,
        }
    }

    /// A numeric setting, or `default`.
    #[must_use]
    pub fn number(&self, name: &str, default: f64) -> f64 {
        match self.hyperparameters.get(name) {
            Some(Setting::Number(v)) => v.get(),
            Some(Setting::Integer(v)) => *v as f64,
            _ => default,
        }
    }

    /// A list of integers, or empty.
    #[must_use]
    pub fn integers(&self, name: &str) -> Vec<i64> {
        match self.hyperparameters.get(name) {
            Some(Setting::Integers(v)) => v.clone(),
            Some(Setting::Integer(v)) => vec![*v],
            _ => Vec::new(),
        }
    }

    /// A flag, or `default`.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        match self.hyperparameters.get(name) {
            Some(Setting::Flag(v)) => *v,
            _ => default,
        }
    }
}
