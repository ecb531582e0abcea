//! Small tables and panels.

use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use atsre_domain::table::{Cells, Column, ColumnRole, Table};

pub(crate) const HOUR: i64 = 3_600_000_000;

pub(crate) fn micros(text: &str) -> i64 {
    let full = if text.len() == 10 { format!("{text} 00:00") } else { text.to_owned() };
    chrono::NaiveDateTime::parse_from_str(&full, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp_micros()
}

pub(crate) fn column(name: &str, role: ColumnRole, cells: Cells) -> Column {
    Column { name: name.to_owned(), role, cells }
}

pub(crate) fn times(values: &[i64]) -> Column {
    column("time", ColumnRole::Time, Cells::Times(values.iter().map(|t| Timestamp(*t)).collect()))
}

pub(crate) fn target(values: &[f64]) -> Column {
    column("y", ColumnRole::Target, Cells::Numbers(values.to_vec()))
}

pub(crate) fn numbers(name: &str, values: &[f64]) -> Column {
    column(name, ColumnRole::Covariate, Cells::Numbers(values.to_vec()))
}

/// Categories; an empty text is missing.
pub(crate) fn categories(name: &str, role: ColumnRole, values: &[&str]) -> Column {
    let mut levels: Vec<String> = Vec::new();
    let codes = values
        .iter()
        .map(|value| {
            if value.is_empty() {
                return u32::MAX;
            }
            let found = levels.iter().position(|level| level == value).unwrap_or_else(|| {
                levels.push((*value).to_owned());
                levels.len() - 1
            });
            found as u32
        })
        .collect();
    column(name, role, Cells::Categories { levels, codes })
}

pub(crate) fn table(columns: Vec<Column>) -> Table {
    Table { columns }
}

pub(crate) fn every(unit: FrequencyUnit) -> Frequency {
    Frequency::every(unit)
}

/// An hourly panel of one series with numeric past covariates.
pub(crate) fn hourly(values: Vec<f64>, covariates: Vec<(&str, Vec<f64>)>) -> Panel {
    let start = micros("2024-01-01");
    let (names, rows): (Vec<&str>, Vec<Vec<f64>>) = covariates.into_iter().unzip();
    Panel {
        target: "y".to_owned(),
        frequency: every(FrequencyUnit::Hour),
        covariates: names
            .into_iter()
            .map(|name| Covariate { name: name.to_owned(), kind: CovariateKind::Past, levels: None })
            .collect(),
        series: vec![Series {
            item_id: String::new(),
            times: (0..values.len() as i64).map(|i| Timestamp(start + i * HOUR)).collect(),
            target: values,
            covariates: rows,
        }],
    }
}

/// A daily wave of amplitude 10 around 50, with noise between 0 and 2.
pub(crate) fn wave(length: usize) -> Vec<f64> {
    let mut state = 1_u64;
    (0..length)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 40) as f64 / f64::from(1_u32 << 23);
            50.0 + 10.0 * (i as f64 * std::f64::consts::TAU / 24.0).sin() + noise
        })
        .collect()
}

/// The same bits, missing values being equal.
pub(crate) fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan()))
}

pub(crate) fn same_panels(a: &Panel, b: &Panel) -> bool {
    a.covariates == b.covariates
        && a.series.len() == b.series.len()
        && a.series.iter().zip(&b.series).all(|(x, y)| {
            x.item_id == y.item_id
                && x.times == y.times
                && same(&x.target, &y.target)
                && x.covariates.iter().zip(&y.covariates).all(|(c, d)| same(c, d))
        })
}
