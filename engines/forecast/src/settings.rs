//! Hyperparameters, checked against the catalogue: an unknown name or an unusable value is an error that names it.

use std::ops::RangeInclusive;

use atsre_domain::catalogue::CatalogueEntry;
use atsre_domain::model::{Hyperparameters, ModelSpec, Setting};

use crate::error::ForecastError;

/// The catalogue's defaults with a spec's values over them; every name is known and every value has its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    model: &'static str,
    values: Hyperparameters,
}

impl Settings {
    /// Lays a spec's hyperparameters over the defaults of its catalogue entry.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] for a name that the entry does not have, or a value of another type.
    pub fn resolve(entry: &CatalogueEntry, spec: &ModelSpec) -> Result<Self, ForecastError> {
        let mut values = entry.defaults.clone();
        for (name, given) in &spec.hyperparameters {
            let known = values.keys().cloned().collect::<Vec<_>>().join(", ");
            let Some(slot) = values.get_mut(name) else {
                return Err(refusal(entry.name, name, format!("is unknown; known settings: {known}")));
            };
            let adopted = adopt(slot, given)
                .ok_or_else(|| refusal(entry.name, name, format!("must be {}, such as {slot:?}", kind(slot))))?;
            *slot = adopted;
        }
        Ok(Self { model: entry.name, values })
    }

    /// A whole number inside `range`.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] outside the range.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<i64, ForecastError> {
        match self.values.get(name) {
            Some(Setting::Integer(v)) if range.contains(v) => Ok(*v),
            Some(Setting::Integer(v)) => Err(self.outside(name, *v, &range)),
            other => Err(self.absent(name, other)),
        }
    }

    /// A whole number inside `range`, as a size.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] outside the range.
    pub fn size(&self, name: &str, range: RangeInclusive<u32>) -> Result<usize, ForecastError> {
        let value = self.integer(name, i64::from(*range.start())..=i64::from(*range.end()))?;
        Ok(usize::try_from(value).unwrap_or(0))
    }

    /// A number inside `range`.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] outside the range.
    pub fn number(&self, name: &str, range: RangeInclusive<f64>) -> Result<f64, ForecastError> {
        match self.values.get(name) {
            Some(Setting::Number(v)) if range.contains(&v.get()) => Ok(v.get()),
            Some(Setting::Number(v)) => Err(self.outside(name, v.get(), &range)),
            other => Err(self.absent(name, other)),
        }
    }

    /// Yes or no.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] where the catalogue has no such flag.
    pub fn flag(&self, name: &str) -> Result<bool, ForecastError> {
        match self.values.get(name) {
            Some(Setting::Flag(v)) => Ok(*v),
            other => Err(self.absent(name, other)),
        }
    }

    /// One of the words in `allowed`.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] for another word.
    pub fn word(&self, name: &str, allowed: &[&'static str]) -> Result<&'static str, ForecastError> {
        match self.values.get(name) {
            Some(Setting::Text(v)) => allowed.iter().copied().find(|a| a == v).ok_or_else(|| {
                refusal(self.model, name, format!("is `{v}` but must be one of {}", allowed.join(", ")))
            }),
            other => Err(self.absent(name, other)),
        }
    }

    /// Any text, such as a path.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] where the catalogue has no such text.
    pub fn text(&self, name: &str) -> Result<&str, ForecastError> {
        match self.values.get(name) {
            Some(Setting::Text(v)) => Ok(v),
            other => Err(self.absent(name, other)),
        }
    }

    /// Whole numbers, each inside `range`.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] where one lies outside.
    pub fn sizes(&self, name: &str, range: RangeInclusive<u32>) -> Result<Vec<usize>, ForecastError> {
        let wide = i64::from(*range.start())..=i64::from(*range.end());
        match self.values.get(name) {
            Some(Setting::Integers(list)) => list
                .iter()
                .map(|v| {
                    let inside = wide.contains(v).then(|| usize::try_from(*v).ok()).flatten();
                    inside.ok_or_else(|| self.outside(name, *v, &wide))
                })
                .collect(),
            other => Err(self.absent(name, other)),
        }
    }

    fn outside<T: std::fmt::Display>(&self, name: &str, value: T, range: &RangeInclusive<T>) -> ForecastError {
        refusal(self.model, name, format!("is {value} but must lie between {} and {}", range.start(), range.end()))
    }

    fn absent(&self, name: &str, found: Option<&Setting>) -> ForecastError {
        refusal(self.model, name, format!("has no usable value in the catalogue (found {found:?})"))
    }
}

fn refusal(model: &str, setting: &str, problem: String) -> ForecastError {
    ForecastError::Setting { model: model.to_string(), setting: setting.to_string(), problem }
}

/// `given` in the type of `default`, where nothing is lost by it.
fn adopt(default: &Setting, given: &Setting) -> Option<Setting> {
    match (default, given) {
        (Setting::Flag(_), Setting::Flag(_))
        | (Setting::Integer(_), Setting::Integer(_))
        | (Setting::Number(_), Setting::Number(_))
        | (Setting::Text(_), Setting::Text(_))
        | (Setting::Integers(_), Setting::Integers(_)) => Some(given.clone()),
        (Setting::Integer(_), Setting::Number(v)) if v.get().fract() == 0.0 && v.get().abs() < 9e15 => {
            Some(Setting::Integer(v.get() as i64))
        }
        (Setting::Number(_), Setting::Integer(v)) => atsre_domain::Finite::of(*v as f64).map(Setting::Number),
        (Setting::Integers(_), Setting::Integer(v)) => Some(Setting::Integers(vec![*v])),
        _ => None,
    }
}

fn kind(setting: &Setting) -> &'static str {
    match setting {
        Setting::Flag(_) => "true or false",
        Setting::Integer(_) => "a whole number",
        Setting::Number(_) => "a number",
        Setting::Text(_) => "a word",
        Setting::Integers(_) => "a list of whole numbers",
    }
}
