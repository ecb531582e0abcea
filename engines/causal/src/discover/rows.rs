//! Rows without time.

use super::assemble::{Assembly, drop_duplicates};
use super::{Algorithm, DiscoverError, DiscoverOptions, Discovery, LeftOut};
use crate::bootstrap;
use crate::independence::{Correlation, FisherZ, Tail};
use crate::knowledge::{Knowledge, Window};
use crate::pc::{self, Mode, Settings};

/// Complete rows below which no test is worth asking.
const ROWS_MIN: usize = 10;
/// Every two columns are tested, and memory grows with their square.
const COLUMNS_MAX: usize = 500;

pub(super) fn discover(
    columns: &[String],
    data: &[Vec<f64>],
    options: &DiscoverOptions,
) -> Result<Discovery, DiscoverError> {
    options.check()?;
    if let Some(algorithm) = options.algorithm.filter(|algorithm| *algorithm != Algorithm::Pc) {
        return Err(DiscoverError::NeedsSeries(algorithm.name()));
    }
    if columns.len() > COLUMNS_MAX {
        return Err(DiscoverError::TooManyColumns { columns: columns.len(), most: COLUMNS_MAX });
    }
    if let Some(target) = options.target.as_ref().filter(|t| !columns.contains(t)) {
        return Err(DiscoverError::NoTarget { target: target.clone(), columns: columns.join(", ") });
    }
    let mut reasons = vec!["rows have no order in time, so every edge is of the same moment".to_owned()];
    let (names, table, left_out) = complete(columns, data, options, &mut reasons)?;
    let rows = table.first().map_or(0, Vec::len);
    let window = Window::of_rows(names.len());
    super::assemble::refuse_left_out(&options.knowledge, &left_out)?;
    let kept = super::assemble::restrict(&options.knowledge, columns, &names)?;
    let knowledge = Knowledge::compile(&kept, &names, window, |_, _| 0)?;
    let depth = options.depth(names.len() * names.len().saturating_sub(1) / 2, names.len().saturating_sub(1));
    let settings = Settings { alpha: options.alpha, max_depth: depth, mode: options.mode };
    if let Some(depth) = depth {
        reasons.push(format!(
            "conditioning sets hold at most {depth} variables, which keeps the number of tests affordable"
        ));
    }
    let tail = if options.mode == Mode::Default { Tail::Exact } else { Tail::OneMinus };
    let found = pc::run(&FisherZ::new(Correlation::of_columns(&table), rows).with_tail(tail), &knowledge, &settings);
    let replicate = |number: u64| {
        let times = bootstrap::draw(rows, options.seed, number);
        let test = FisherZ::new(weighted(&table, &times), rows).with_tail(tail);
        pc::run(&test, &knowledge, &settings).pattern
    };
    if options.bootstrap > 0 {
        reasons.push(format!(
            "confidence: share of {} bootstrap samples of the rows in which the edge returns with the same marks",
            options.bootstrap
        ));
    }
    let confidence = bootstrap::confidence(&found.pattern, window, options.bootstrap, replicate);
    Assembly {
        names: &names,
        window,
        found,
        confidence,
        rows,
        reasons,
        left_out,
        knowledge: &knowledge,
        statements: options.knowledge.clone(),
    }
    .finish(options, options.target.as_deref())
}

type Complete = (Vec<String>, Vec<Vec<f64>>, Vec<LeftOut>);

/// The rows without a missing value, of the columns that vary.
fn complete(
    columns: &[String],
    data: &[Vec<f64>],
    options: &DiscoverOptions,
    reasons: &mut Vec<String>,
) -> Result<Complete, DiscoverError> {
    let length = data.first().map_or(0, Vec::len);
    if let Some((column, values)) = columns.iter().zip(data).find(|(_, v)| v.len() != length) {
        return Err(DiscoverError::Ragged { column: column.clone(), rows: values.len(), expected: length });
    }
    let rows: Vec<usize> = (0..length).filter(|r| data.iter().all(|c| c[*r].is_finite())).collect();
    let needed = ROWS_MIN.max(columns.len() + 5);
    if rows.len() < needed {
        return Err(DiscoverError::TooFewRows { rows: rows.len(), columns: columns.len(), max_lag: 0, needed });
    }
    reasons.push(format!("{} of {length} rows are complete", rows.len()));
    let mut names = columns.to_vec();
    let mut table: Vec<Vec<f64>> = data.iter().map(|c| rows.iter().map(|r| c[*r]).collect()).collect();
    let mut left_out = Vec::new();
    for column in (0..names.len()).rev() {
        if table[column].windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq()) {
            table.remove(column);
            left_out.push(LeftOut { column: names.remove(column), why: "it is constant".to_owned() });
        }
    }
    let keep = options.target.as_deref();
    for (column, why) in drop_duplicates(&names, keep, &Correlation::of_columns(&table)).into_iter().rev() {
        table.remove(column);
        left_out.push(LeftOut { column: names.remove(column), why });
    }
    if let Some(target) = &options.target
        && let Some(out) = left_out.iter().find(|l| &l.column == target)
    {
        return Err(DiscoverError::Target { target: target.clone(), why: out.why.clone() });
    }
    Ok((names, table, left_out))
}

/// The correlations of rows taken so many times each.
fn weighted(table: &[Vec<f64>], times: &[u32]) -> Correlation {
    let rows = f64::from(times.iter().sum::<u32>());
    let scaled: Vec<Vec<f64>> = table
        .iter()
        .map(|column| {
            let mean = column.iter().zip(times).map(|(v, t)| v * f64::from(*t)).sum::<f64>() / rows;
            column.iter().zip(times).map(|(v, t)| (v - mean) * f64::from(*t).sqrt()).collect()
        })
        .collect();
    Correlation::of_covariance(table.len(), |i, j| scaled[i].iter().zip(&scaled[j]).map(|(a, b)| a * b).sum())
}
