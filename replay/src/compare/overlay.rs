//! The forecasts of the bests over each other, with what came before and what then happened.

use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::Panel;
use atsre_domain::{Digest, Timestamp};
use atsre_forecast::{SeriesForecast, TrialResult};
use atsre_store::{Error, Store, rfc3339};
use serde::Serialize;

use super::Branch;
use super::paired::Results;
use crate::line::Line;

/// Series that are drawn.
const MOST_SERIES: usize = 4;
/// Horizons of history before the forecast, and the least number of observations.
const HORIZONS: usize = 4;
const LEAST: usize = 40;

/// One series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlay {
    /// The series; empty for the only one of a wide file.
    pub item_id: String,
    /// Whether the time axis counts steps instead of moments.
    pub steps: bool,
    /// What came before. Its times are estimated, evenly spaced, where the clean data could not be read and the values come
    /// from backtest windows.
    pub history: Path,
    /// Whether the times of `history` are estimated.
    pub history_estimated: bool,
    /// What then happened, where it was withheld; empty otherwise.
    pub actual: Path,
    /// The forecasts, one for each branch with a result.
    pub forecasts: Vec<Overlaid>,
}

/// The forecast of one branch's best.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlaid {
    /// The branch's label.
    pub branch: String,
    /// Its best trial.
    pub trial: u32,
    /// The model.
    pub model: String,
    /// The expected values.
    pub mean: Path,
    /// The lower end of the widest central interval; empty without quantiles.
    pub lower: Vec<Option<f64>>,
    /// Its upper end.
    pub upper: Vec<Option<f64>>,
    /// The share of outcomes that it should hold, 0 to 1.
    pub interval: Option<f64>,
}

/// Values over time; a missing one is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Path {
    /// RFC 3339 in UTC, or step numbers.
    pub timestamps: Vec<String>,
    /// The values.
    pub values: Vec<Option<f64>>,
    /// The same moments, to draw by.
    #[serde(skip)]
    pub times: Vec<Timestamp>,
}

impl Path {
    fn of(points: impl Iterator<Item = (Timestamp, f64)>, steps: bool) -> Self {
        let (times, values): (Vec<Timestamp>, Vec<Option<f64>>) =
            points.map(|(time, value)| (time, finite(value))).unzip();
        let told = |time: &Timestamp| if steps { time.0.to_string() } else { rfc3339(*time) };
        Self { timestamps: times.iter().map(told).collect(), values, times }
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A branch's best with its result.
struct Shown<'a> {
    branch: &'a Branch,
    trial: u32,
    model: &'a str,
    result: &'a TrialResult,
}

impl Shown<'_> {
    fn forecast(&self, item: &str) -> Option<&SeriesForecast> {
        self.result.forecasts.iter().find(|f| f.item_id == item)
    }
}

/// The series on which the bests differ most.
pub(super) async fn overlays(
    store: &Store,
    lines: &[Line],
    branches: &[Branch],
    results: &Results,
) -> Result<Vec<Overlay>, Error> {
    let shown: Vec<Shown<'_>> = branches
        .iter()
        .filter_map(|branch| {
            let row = branch.best_standing()?;
            let result = results.get(row.result.as_ref()?)?.as_ref().ok()?;
            Some(Shown { branch, trial: row.trial, model: &row.model, result })
        })
        .collect();
    let Some(first) = shown.first() else { return Ok(Vec::new()) };
    let digest = lines.iter().find_map(|line| Some(line.state.proposed.as_ref()?.panel.clone()));
    let panel = match digest {
        Some(digest) => panel(store, &digest).await?,
        None => None,
    };
    let mut items: Vec<(&str, f64)> =
        first.result.forecasts.iter().map(|f| (f.item_id.as_str(), spread(&shown, &f.item_id))).collect();
    items.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(items.iter().take(MOST_SERIES).map(|(item, _)| overlay(item, &shown, panel.as_ref())).collect())
}

/// The clean data; none where they cannot be read, as before they are made or after they are erased.
async fn panel(store: &Store, digest: &Digest) -> Result<Option<Panel>, Error> {
    match store.artifacts().get(digest).await {
        Ok(bytes) => Ok(rmp_serde::from_slice(&bytes).ok()),
        Err(error @ (Error::Unavailable(_) | Error::Refused(_))) => Err(error),
        Err(_) => Ok(None),
    }
}

/// How far the bests' forecasts of a series lie apart, as a share of their size.
fn spread(shown: &[Shown<'_>], item: &str) -> f64 {
    let means: Vec<&Vec<f64>> = shown.iter().filter_map(|s| s.forecast(item)).map(|f| &f.mean).collect();
    let steps = means.iter().map(|mean| mean.len()).min().unwrap_or(0);
    let (mut apart, mut size) = (0.0, 0.0);
    for step in 0..steps {
        let values = means.iter().map(|mean| mean[step]).filter(|v| v.is_finite());
        let (low, high, sum) = values.fold((f64::INFINITY, f64::NEG_INFINITY, 0.0), |(l, h, s): (f64, f64, f64), v| {
            (l.min(v), h.max(v), s + v.abs())
        });
        if low <= high {
            apart += high - low;
            size += sum;
        }
    }
    if size > 0.0 { apart / size } else { 0.0 }
}

fn overlay(item: &str, shown: &[Shown<'_>], panel: Option<&Panel>) -> Overlay {
    let forecasts: Vec<(&Shown<'_>, &SeriesForecast)> =
        shown.iter().filter_map(|s| Some((s, s.forecast(item)?))).collect();
    let times =
        forecasts.iter().max_by_key(|(_, f)| f.times.len()).map(|(_, f)| f.times.as_slice()).unwrap_or_default();
    let series = panel.and_then(|panel| panel.series.iter().find(|s| s.item_id == item));
    let steps = match panel {
        Some(panel) => panel.frequency.unit == FrequencyUnit::Step,
        // Steps are small numbers; moments are microseconds since 1970.
        None => times.iter().all(|time| time.0.abs() < 1_000_000_000),
    };
    let wanted = (HORIZONS * times.len()).max(LEAST);
    let start = times.first().copied().unwrap_or_default();
    let history: Vec<(Timestamp, f64)> = match series {
        Some(series) => {
            let past = series.times.partition_point(|time| *time < start).min(series.target.len());
            let from = past.saturating_sub(wanted);
            series.times[from..past].iter().copied().zip(series.target[from..past].iter().copied()).collect()
        }
        None => forecasts.first().map_or_else(Vec::new, |(shown, _)| from_windows(shown.result, item, times, wanted)),
    };
    let actual = shown.iter().find_map(|s| s.result.test.iter().find(|w| w.item_id == item)).map(|w| &w.actual);
    let actual = actual.map_or_else(Path::default, |actual| {
        Path::of(times.iter().copied().zip(actual.iter().copied()).filter(|(_, v)| v.is_finite()), steps)
    });
    Overlay {
        item_id: item.to_owned(),
        steps,
        history: Path::of(history.into_iter(), steps),
        history_estimated: series.is_none(),
        actual,
        forecasts: forecasts.into_iter().map(|(shown, forecast)| overlaid(shown, forecast, steps)).collect(),
    }
}

/// The observed values of the backtest's windows before the forecast, evenly spaced back from it.
fn from_windows(result: &TrialResult, item: &str, times: &[Timestamp], wanted: usize) -> Vec<(Timestamp, f64)> {
    let mut observed = std::collections::BTreeMap::new();
    for window in result.windows.iter().filter(|w| w.item_id == item) {
        observed.extend((window.origin..).zip(window.actual.iter().copied()));
    }
    // The last window ends where the forecast begins.
    let Some(end) = observed.keys().next_back().map(|last| last + 1) else { return Vec::new() };
    let (Some(first), spacing) = (times.first(), times.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap_or(1))
    else {
        return Vec::new();
    };
    let back = |index: u64| {
        Timestamp(first.0.saturating_sub(spacing.saturating_mul(i64::try_from(end - index).unwrap_or(i64::MAX))))
    };
    let from = observed.len().saturating_sub(wanted);
    observed.into_iter().skip(from).map(|(index, value)| (back(index), value)).collect()
}

fn overlaid(shown: &Shown<'_>, forecast: &SeriesForecast, steps: bool) -> Overlaid {
    let levels = &shown.result.quantile_levels;
    let interval = match (levels.first(), levels.last(), levels.len()) {
        (Some(low), Some(high), 2..) => Some(high - low),
        _ => None,
    };
    let row = |row: Option<&Vec<f64>>| match (interval, row) {
        (Some(_), Some(row)) => row.iter().map(|v| finite(*v)).collect(),
        _ => Vec::new(),
    };
    Overlaid {
        branch: shown.branch.label.clone(),
        trial: shown.trial,
        model: shown.model.to_owned(),
        mean: Path::of(forecast.times.iter().copied().zip(forecast.mean.iter().copied()), steps),
        lower: row(forecast.quantiles.first()),
        upper: row(forecast.quantiles.last()),
        interval,
    }
}
