//! Panels for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub, dead_code)]

use std::path::Path;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};

/// A panel of one series from named columns, the first of which is the target.
pub fn panel(columns: &[(&str, Vec<f64>)], unit: FrequencyUnit) -> Panel {
    Panel {
        target: columns[0].0.to_owned(),
        frequency: Frequency::every(unit),
        covariates: columns[1..]
            .iter()
            .map(|(name, _)| Covariate { name: (*name).to_owned(), kind: CovariateKind::Past, levels: None })
            .collect(),
        series: vec![Series {
            item_id: String::new(),
            times: (0..columns[0].1.len() as i64).map(Timestamp).collect(),
            target: columns[0].1.clone(),
            covariates: columns[1..].iter().map(|(_, values)| values.clone()).collect(),
        }],
    }
}

/// Named columns of a CSV file; words become levels.
pub fn read(path: &Path, target: &str, names: &[&str], unit: FrequencyUnit) -> Panel {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let fields = |name: &str| {
        let at = header.iter().position(|h| h == name).unwrap();
        records.iter().map(|r| r[at].to_owned()).collect::<Vec<String>>()
    };
    let mut levels_of = Vec::new();
    let mut columns = Vec::new();
    for name in std::iter::once(&target).chain(names) {
        let texts = fields(name);
        let numeric: Option<Vec<f64>> = texts.iter().map(|t| t.parse().ok()).collect();
        let (values, levels) = numeric.map_or_else(
            || {
                let mut levels = texts.clone();
                levels.sort();
                levels.dedup();
                (
                    texts.iter().map(|t| levels.iter().position(|l| l == t).unwrap() as f64).collect(),
                    Some(levels.clone()),
                )
            },
            |values| (values, None),
        );
        columns.push((*name, values));
        levels_of.push(levels);
    }
    let mut panel = panel(&columns, unit);
    panel.covariates.iter_mut().zip(&levels_of[1..]).for_each(|(c, levels)| c.levels.clone_from(levels));
    panel
}
