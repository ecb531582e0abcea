//! Groups of benchmark series.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use serde::{Deserialize, Serialize};

/// One series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// What the models see.
    pub train: Vec<f64>,
    /// What then happened.
    pub test: Vec<f64>,
}

/// A forecast, with intervals where the model gave some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Processor seconds that it took, where they were measured for this series alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The expected values; none where the model failed.
    #[serde(default)]
    pub mean: Option<Vec<Option<f64>>>,
    /// The 80 % interval.
    #[serde(default, rename = "lo-80")]
    pub low_80: Option<Vec<Option<f64>>>,
    /// Its upper end.
    #[serde(default, rename = "hi-80")]
    pub high_80: Option<Vec<Option<f64>>>,
    /// The 95 % interval.
    #[serde(default, rename = "lo-95")]
    pub low_95: Option<Vec<Option<f64>>>,
    /// Its upper end.
    #[serde(default, rename = "hi-95")]
    pub high_95: Option<Vec<Option<f64>>>,
}

impl Forecast {
    /// The expected values, where every step has one.
    #[must_use]
    pub fn point(&self) -> Option<Vec<f64>> {
        self.mean.as_ref()?.iter().copied().collect()
    }
}

/// Forecasts by series.
pub type Forecasts = BTreeMap<String, Forecast>;

/// Series of one kind, forecast over one horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    #[serde(rename = "group")]
    pub name: String,
    /// Observations to a season, 1 for none.
    #[serde(rename = "m")]
    pub season: usize,
    /// Steps forecast.
    #[serde(rename = "h")]
    pub horizon: usize,
    /// The series by name.
    pub series: BTreeMap<String, Split>,
    /// The peers' forecasts where the file records them.
    #[serde(default, rename = "models")]
    pub recorded: BTreeMap<String, Forecasts>,
}

/// M4's groups: file names, horizon, season.
const M4: [(&str, usize, usize); 6] = [
    ("hourly", 48, 24),
    ("daily", 14, 1),
    ("weekly", 13, 1),
    ("monthly", 18, 12),
    ("quarterly", 8, 4),
    ("yearly", 6, 1),
];
/// Fewer series than this say nothing of a group.
const FEWEST: usize = 5;

impl Group {
    /// The groups of a folder: files `NAME.json` with series and recorded forecasts, and pairs `hourly_train.csv`,
    /// `hourly_test.csv` (columns `item_id`, `step`, any others, `target` last) of M4's frequencies. Of a group that has
    /// fewer than five series in CSV there is nothing to learn: it is left out.
    ///
    /// # Errors
    /// A file cannot be read, or the folder has no group.
    pub fn of_folder(folder: &Path) -> Result<Vec<Self>> {
        let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut files: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
        files.retain(|f| f.extension().is_some_and(|e| e == "json"));
        files.sort();
        let mut groups = files.iter().map(|f| Self::read(f)).collect::<Result<Vec<_>>>()?;
        for (name, horizon, season) in M4 {
            let [train, test] = ["train", "test"].map(|part| folder.join(format!("{name}_{part}.csv")));
            if train.exists() && test.exists() {
                let group = Self::of_csv(&format!("m4_{name}"), horizon, season, &train, &test)?;
                groups.extend((group.series.len() >= FEWEST).then_some(group));
            }
        }
        ensure!(!groups.is_empty(), "{} holds no group of series", folder.display());
        Ok(groups)
    }

    fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no group of series", file.display()))
    }

    fn of_csv(name: &str, horizon: usize, season: usize, train: &Path, test: &Path) -> Result<Self> {
        let mut before = column(train)?;
        let series = column(test)?.into_iter().filter_map(|(id, test)| {
            let train = before.remove(&id)?;
            Some((id, Split { train, test }))
        });
        let (name, series) = (name.to_owned(), series.collect());
        Ok(Self { name, season, horizon, series, recorded: BTreeMap::new() })
    }

    /// `count` series, evenly over the group; all where it has no more.
    #[must_use]
    pub fn sample(&self, count: usize) -> Self {
        let total = self.series.len();
        let chosen = |at: usize| count >= total || (at * count) / total != ((at + 1) * count) / total;
        let series = self.series.iter().enumerate().filter(|(at, _)| chosen(*at));
        Self { series: series.map(|(_, (id, s))| (id.clone(), s.clone())).collect(), ..self.clone() }
    }

    /// The distance between observations, as far as the season tells it.
    #[must_use]
    pub fn frequency(&self) -> Frequency {
        Frequency::every(match self.season {
            24 => FrequencyUnit::Hour,
            12 => FrequencyUnit::Month,
            7 => FrequencyUnit::Day,
            4 => FrequencyUnit::Quarter,
            _ => FrequencyUnit::Step,
        })
    }

    /// Whether the series are sales that are mostly zero, which M4's measures do not suit.
    #[must_use]
    pub fn intermittent(&self) -> bool {
        let values = || self.series.values().flat_map(|s| &s.train);
        2 * values().filter(|v| **v == 0.0).count() > values().count()
    }
}

/// The targets of a long table by item, in order.
fn column(file: &Path) -> Result<BTreeMap<String, Vec<f64>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut series = BTreeMap::<String, Vec<f64>>::new();
    for (row, line) in text.lines().enumerate().skip(1) {
        let fields = line.split_once(',').and_then(|(id, rest)| Some((id, rest.rsplit(',').next()?)));
        let (id, value) = fields.with_context(|| format!("{}: line {}", file.display(), row + 1))?;
        let value = value.trim().parse().with_context(|| format!("{}: line {}: {value:?}", file.display(), row + 1))?;
        series.entry(id.to_owned()).or_default().push(value);
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_evenly_and_never_larger_than_asked_for() {
        let split = Split { train: vec![1.0], test: vec![2.0] };
        let series = (0..10).map(|i| (format!("s{i}"), split.clone())).collect();
        let group = Group { name: String::new(), season: 1, horizon: 1, series, recorded: BTreeMap::new() };
        let names: Vec<String> = group.sample(3).series.into_keys().collect();
        assert_eq!(names, ["s3", "s6", "s9"]);
        assert_eq!(group.sample(50).series.len(), 10);
    }
}
