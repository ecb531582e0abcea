//! A model's `config.json`: typed values, and errors that name the key.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::Error;
use super::open_file;

/// The configuration of a model: `config.json` of its folder.
#[derive(Clone, Debug)]
pub struct Configuration {
    path: PathBuf,
    values: Value,
}

impl Configuration {
    /// Reads it.
    ///
    /// # Errors
    /// [`Error`] where there is none, or no JSON object.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let file = std::io::BufReader::new(open_file(&path)?);
        let values: Value = serde_json::from_reader(file)
            .map_err(|e| Error::Configuration { path: path.clone(), problem: format!("it is not JSON: {e}") })?;
        Ok(Self { path, values })
    }

    /// The first architecture it names; empty where there is none.
    #[must_use]
    pub fn architecture(&self) -> &str {
        self.values.get("architectures").and_then(|a| a.get(0)).and_then(Value::as_str).unwrap_or("")
    }

    /// Checks that the folder holds the model `expected`, by `architectures` or else `chronos_pipeline_class`.
    ///
    /// # Errors
    /// [`Error::WrongArchitecture`].
    pub fn expect_architecture(&self, expected: &str, pipeline: &str) -> Result<(), Error> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_string);
        let architecture = text(self.values.get("architectures").and_then(|a| a.get(0)));
        let class = text(self.values.get("chronos_pipeline_class"));
        if architecture.as_deref() == Some(expected) || (!pipeline.is_empty() && class.as_deref() == Some(pipeline)) {
            return Ok(());
        }
        let found = architecture.or(class).unwrap_or_else(|| "no architecture".to_string());
        Err(Error::WrongArchitecture { path: self.path.clone(), expected: expected.to_string(), found })
    }

    /// A whole number in `range`; keys inside `chronos_config` are written `chronos_config.KEY`.
    ///
    /// # Errors
    /// [`Error::Configuration`] where it is absent or outside.
    pub fn size(&self, key: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, Error> {
        let value = self.value(key).and_then(Value::as_u64).and_then(|v| usize::try_from(v).ok());
        let (least, most) = (range.start(), range.end());
        value
            .filter(|v| range.contains(v))
            .ok_or_else(|| self.refusal(key, &format!("a whole number from {least} to {most}")))
    }

    /// As [`Self::size`], or `default` where the key is absent.
    ///
    /// # Errors
    /// [`Error::Configuration`] where it is outside the range.
    pub fn size_or(&self, key: &str, range: std::ops::RangeInclusive<usize>, default: usize) -> Result<usize, Error> {
        if self.value(key).is_none_or(Value::is_null) { Ok(default) } else { self.size(key, range) }
    }

    /// A finite number, or `default` where the key is absent.
    ///
    /// # Errors
    /// [`Error::Configuration`] where it is no number.
    pub fn number_or(&self, key: &str, default: f64) -> Result<f64, Error> {
        match self.value(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value.as_f64().ok_or_else(|| self.refusal(key, "a number")),
        }
    }

    /// Yes or no, or `default` where the key is absent.
    #[must_use]
    pub fn flag_or(&self, key: &str, default: bool) -> bool {
        self.value(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A word, or `default` where the key is absent.
    #[must_use]
    pub fn word_or<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.value(key).and_then(Value::as_str).unwrap_or(default)
    }

    /// Quantile levels: ascending inside 0 to 1, at least one.
    ///
    /// # Errors
    /// [`Error::Configuration`] where they are not.
    pub fn levels(&self, key: &str) -> Result<Vec<f64>, Error> {
        let list = self.value(key).and_then(Value::as_array);
        let levels: Option<Vec<f64>> = list.and_then(|list| list.iter().map(Value::as_f64).collect());
        levels
            .filter(|l| !l.is_empty() && l.iter().all(|l| *l > 0.0 && *l < 1.0) && l.windows(2).all(|w| w[0] < w[1]))
            .ok_or_else(|| self.refusal(key, "a list of levels that ascend between 0 and 1"))
    }

    /// That `key` is not what it has to be.
    #[must_use]
    pub fn refusal(&self, key: &str, wanted: &str) -> Error {
        let found = self.value(key).map_or_else(|| "absent".to_string(), Value::to_string);
        Error::Configuration { path: self.path.clone(), problem: format!("`{key}` is {found} but must be {wanted}") }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        key.split('.').try_fold(&self.values, |value, part| value.get(part))
    }
}
