//! Clean tables: the panels that engines compute on, one row for each series and time.

use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::{Covariate, Panel, Series};
use atsre_domain::{Frequency, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

use super::copy::{Fields, Source};
use super::raw::TimeAxis;
use super::{Data, Kind, Upload, names};
use crate::{Error, Result};

/// The columns that every clean table has.
const FIXED: [&str; 3] = ["row_number", "item_id", "ts"];

#[derive(Serialize, Deserialize)]
struct Description {
    target: String,
    frequency: Frequency,
    covariates: Vec<Covariate>,
    identifiers: Vec<String>,
    series: Vec<SeriesDescription>,
}

#[derive(Serialize, Deserialize)]
struct SeriesDescription {
    item_id: String,
    rows: usize,
    observed: usize,
}

impl Data {
    /// Stores the clean version of a data set and answers with the table's qualified name, such as
    /// `clean.clean_5f0e9c1d_v1`. Its columns are `row_number`, `item_id`, `ts`, the target and the covariates; missing
    /// values and the target over the horizon are NULL; a categorical covariate holds the index of its level. Writing
    /// the same again changes nothing.
    ///
    /// # Errors
    /// [`Error::Unstorable`] when series and covariates do not fit together, the database cannot hold a value, or there
    /// are too many columns; [`Error::Occupied`] when the version holds other data.
    pub async fn write_clean(&self, dataset: &StreamId, version: u32, panel: &Panel) -> Result<String> {
        panel.series.iter().try_for_each(|series| check_shape(panel, series))?;
        let headers = std::iter::once(panel.target.as_str()).chain(panel.covariates.iter().map(|c| c.name.as_str()));
        let identifiers = names::columns(headers, &FIXED);
        let kinds = [Kind::Integer, Kind::Text, axis(panel.frequency).kind()];
        let mut columns: Vec<(String, Kind)> = FIXED.iter().map(|name| (*name).to_owned()).zip(kinds).collect();
        columns.extend(identifiers.iter().map(|name| (name.clone(), Kind::Number)));
        let series = panel.series.iter().map(|series| SeriesDescription {
            item_id: series.item_id.clone(),
            rows: series.times.len(),
            observed: series.target.len(),
        });
        let description = Description {
            target: panel.target.clone(),
            frequency: panel.frequency,
            covariates: panel.covariates.clone(),
            identifiers,
            series: series.collect(),
        };
        let source = CleanSource::new(panel);
        self.upload(&Upload {
            schema: "clean",
            dataset,
            version,
            columns,
            description: serde_json::to_value(description)
                .map_err(|error| Error::Unstorable(format!("the panel cannot be described: {error}")))?,
            source: &source,
        })
        .await
    }

    /// Reads a clean table back, by its name with or without the schema.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such table; [`Error::Corrupt`] when rows are missing or of another shape.
    pub async fn read_clean(&self, table: &str) -> Result<Panel> {
        let registered = self.registered("clean", table).await?;
        let description: Description = registered.describe()?;
        let covariates = description.covariates.len();
        let mut series: Vec<Series> = description
            .series
            .iter()
            .map(|series| Series {
                item_id: series.item_id.clone(),
                times: Vec::with_capacity(series.rows),
                target: Vec::with_capacity(series.observed),
                covariates: vec![Vec::with_capacity(series.rows); covariates],
            })
            .collect();
        let axis = axis(description.frequency);
        let mut current = 0;
        self.download(&registered, |row| {
            while series.get(current)?.times.len() == description.series[current].rows {
                current += 1;
            }
            let into = &mut series[current];
            if row.text()?? != into.item_id {
                return None;
            }
            into.times.push(match axis {
                TimeAxis::Calendar => row.moment()?,
                TimeAxis::Steps => Timestamp(row.integer()?),
            });
            let target = row.number()?;
            if into.target.len() < description.series[current].observed {
                into.target.push(target);
            }
            into.covariates.iter_mut().try_for_each(|values| {
                values.push(row.number()?);
                Some(())
            })
        })
        .await?;
        Ok(Panel {
            target: description.target,
            frequency: description.frequency,
            covariates: description.covariates,
            series,
        })
    }
}

const fn axis(frequency: Frequency) -> TimeAxis {
    match frequency.unit {
        FrequencyUnit::Step => TimeAxis::Steps,
        _ => TimeAxis::Calendar,
    }
}

fn check_shape(panel: &Panel, series: &Series) -> Result<()> {
    let rows = series.times.len();
    let fits = series.target.len() <= rows
        && series.covariates.len() == panel.covariates.len()
        && series.covariates.iter().all(|values| values.len() <= rows);
    if fits {
        return Ok(());
    }
    Err(Error::Unstorable(format!(
        "series {:?} has {rows} times, {} target values and {} covariates of {:?} values; its panel has {} covariates",
        series.item_id,
        series.target.len(),
        series.covariates.len(),
        series.covariates.iter().map(Vec::len).collect::<Vec<_>>(),
        panel.covariates.len()
    )))
}

/// The rows of a panel, series by series. They are asked for in order, so where a row lies is found by halving.
struct CleanSource<'a> {
    panel: &'a Panel,
    axis: TimeAxis,
    /// The first row of each series, and one past the last of all.
    starts: Vec<usize>,
}

impl<'a> CleanSource<'a> {
    fn new(panel: &'a Panel) -> Self {
        let mut starts = vec![0];
        let mut rows = 0;
        for series in &panel.series {
            rows += series.times.len();
            starts.push(rows);
        }
        Self { panel, axis: axis(panel.frequency), starts }
    }
}

impl Source for CleanSource<'_> {
    fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    fn columns(&self) -> usize {
        FIXED.len() + 1 + self.panel.covariates.len()
    }

    fn encode(&self, row: usize, out: &mut Fields) -> Result<()> {
        // The last series that starts at or before the row; empty ones before it start there too.
        let index = self.starts.partition_point(|start| *start <= row) - 1;
        let series = &self.panel.series[index];
        let time = row - self.starts[index];
        out.integer(i64::try_from(row).unwrap_or(i64::MAX));
        let named = out.text(&series.item_id);
        let timed = match self.axis {
            TimeAxis::Calendar => out.moment(series.times[time]),
            TimeAxis::Steps => {
                out.integer(series.times[time].0);
                true
            }
        };
        if !named || !timed {
            return Err(Error::Unstorable(format!(
                "series {:?}, observation {}: the database cannot hold its name or its time",
                series.item_id,
                time + 1
            )));
        }
        out.number(series.target.get(time).copied().unwrap_or(f64::NAN));
        for values in &series.covariates {
            out.number(values.get(time).copied().unwrap_or(f64::NAN));
        }
        Ok(())
    }
}
