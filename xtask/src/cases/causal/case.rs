//! A case file and its data.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use atsre_domain::graph::BackgroundKnowledge;
use serde_json::{Map, Value};

/// One case.
pub(crate) struct Case {
    /// The algorithm's name in the case.
    pub(crate) algorithm: String,
    /// The data's columns, by their order in the file.
    pub(crate) variables: Vec<String>,
    /// `table[column][row]`; a cell that is empty or `NaN` is NaN.
    pub(crate) table: Vec<Vec<f64>>,
    /// The settings, as the reference calls them.
    pub(crate) settings: Value,
    /// What the reference answered.
    pub(crate) expected: Map<String, Value>,
    /// Processor time of the reference.
    pub(crate) reference_cpu: Option<Duration>,
}

impl Case {
    pub(super) fn read(folder: &Path, file: &Path) -> Result<Self> {
        let document: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        let text = |key: &str| document[key].as_str().with_context(|| format!("there is no text `{key}`"));
        let (variables, table) = read_table(&folder.join(text("dataset")?))?;
        let cpu = document["reference_timing"]["cpu_seconds_median"].as_f64();
        Ok(Self {
            algorithm: text("algorithm")?.to_owned(),
            variables,
            table,
            settings: document["settings"].clone(),
            expected: document["expected"].as_object().context("there is no object `expected`")?.clone(),
            reference_cpu: cpu.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        })
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.variables.len()
    }

    /// The column of a name.
    pub(crate) fn column(&self, name: &Value) -> Result<usize> {
        let found = self.variables.iter().position(|v| name == v.as_str());
        found.with_context(|| format!("the data have no column {name}"))
    }

    /// The names of columns.
    pub(crate) fn names(&self, columns: impl IntoIterator<Item = usize>) -> Vec<&str> {
        columns.into_iter().map(|c| self.variables[c].as_str()).collect()
    }

    /// A setting that has to be there and be a number.
    pub(crate) fn number(&self, key: &str) -> Result<f64> {
        self.settings[key].as_f64().with_context(|| format!("the settings have no number `{key}`"))
    }

    /// The background knowledge; empty where there is none.
    pub(crate) fn knowledge(&self) -> Result<BackgroundKnowledge> {
        let stated = &self.settings["background_knowledge"];
        let list = |key: &str| stated[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |v: &Value| v.as_str().map(str::to_owned).with_context(|| format!("{v} is no name"));
        let pairs = |key: &str| list(key).iter().map(|e| Ok((text(&e[0])?, text(&e[1])?))).collect::<Result<Vec<_>>>();
        let tier = |members: &Value| members.as_array().context("a tier is no list")?.iter().map(text).collect();
        let number = |v: &Value| v.as_u64().map(|n| n as u32).with_context(|| format!("{v} is no tier"));
        Ok(BackgroundKnowledge {
            tiers: list("tiers").iter().map(tier).collect::<Result<_>>()?,
            forbidden_within_tiers: list("forbidden_within_tiers").iter().map(number).collect::<Result<_>>()?,
            forbidden: pairs("forbidden")?,
            required: pairs("required")?,
        })
    }
}

fn read_table(file: &Path) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
    let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file);
    let mut reader = reader.with_context(|| format!("cannot read {}", file.display()))?;
    let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    ensure!(!header.is_empty(), "{} is empty", file.display());
    let mut table = vec![Vec::new(); header.len()];
    for record in reader.records() {
        // A line with another number of cells is an error that names it.
        let record = record.with_context(|| file.display().to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        for (column, cell) in table.iter_mut().zip(&record) {
            let value = if cell.is_empty() { Ok(f64::NAN) } else { cell.parse::<f64>() };
            column.push(value.with_context(|| format!("{}: line {line}: {cell:?}", file.display()))?);
        }
    }
    Ok((header, table))
}
