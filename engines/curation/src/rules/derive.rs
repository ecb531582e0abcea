//! Deriving rules from data and hints.

use atsre_domain::finite::Finite;
use atsre_domain::panel::{CovariateKind, Panel, Series};
use atsre_domain::rule::{AnomalyRule, RuleAction, RuleForm};

use super::statistics::{Quantiles, has_few_values, line, sampled_rows};
use super::{ColumnIndex, DomainHint, hints_from_names};
use crate::cleaning::axis::calendar_ordinal;

/// Interquartile ranges outside the quartiles that are still plausible.
const RANGES: f64 = 5.0;

/// The same within one phase of a season, where values vary less.
const PHASE_RANGES: f64 = 4.0;

/// The same for the sizes of changes, whose distribution has a longer tail.
const CHANGE_RANGES: f64 = 10.0;

/// Fewer observations than this say nothing about what is plausible.
const FEWEST: usize = 20;

/// Fewer observations of one phase than this say nothing about it.
const FEWEST_PER_PHASE: usize = 8;

/// The longest season that gets bounds for each phase.
const LONGEST_PERIOD: u32 = 400;

/// Columns with fewer distinct values are switches or calendar fields: only hints speak about them.
const FEW_VALUES: usize = 13;

/// The weakest correlation that makes a relation, and how many relations there are at most.
const STRONG_CORRELATION: f64 = 0.9;
const MOST_RELATIONS: usize = 5;

/// Robust standard deviations of the residual within which a relation holds.
const BAND_DEVIATIONS: f64 = 10.0;

/// Derives rules for the numeric columns of a panel: the bounds that hints give (those passed in, and for other
/// columns those that names give) are to be imputed where broken; bounds, rates of change, flat lines, calendar
/// contexts and relations that the data suggest only flag, because the data alone cannot tell a wrong value from
/// a rare one. `periods` are seasonal periods in observations, strongest first. Nothing is accepted yet: that is
/// for [`test_rule`](super::test_rule). Same panel, same rules, in the order of the columns.
#[must_use]
pub fn derive(panel: &Panel, periods: &[u32], hints: &[DomainHint]) -> Vec<AnomalyRule> {
    let mut known = hints.to_vec();
    known.extend(hints_from_names(panel).into_iter().filter(|h| hints.iter().all(|given| given.column != h.column)));
    let mut rules = Vec::new();
    let mut measured = Vec::new();
    for column in ColumnIndex::all(panel) {
        let name = column.name(panel);
        if ColumnIndex::numeric(panel, name) != Some(column) {
            continue;
        }
        rules.extend(known.iter().filter(|hint| hint.column == name).filter_map(hinted));
        let values = panel.series.iter().flat_map(|s| column.values(s));
        if is_static(panel, column) || has_few_values(values, FEW_VALUES) {
            continue;
        }
        measured.push(column);
        // Where a hint bounds both sides, the data have nothing to add.
        let bounded = known.iter().any(|h| h.column == name && h.minimum.is_some() && h.maximum.is_some());
        if !bounded {
            rules.extend(bounds(panel, column));
        }
        rules.extend(rate(panel, column));
        rules.extend(flat_line(panel, column));
        if column == ColumnIndex::Target {
            rules.extend(periods.iter().find_map(|period| calendar_context(panel, *period)));
        }
    }
    rules.extend(relations(panel, &measured));
    rules
}

fn is_static(panel: &Panel, column: ColumnIndex) -> bool {
    match column {
        ColumnIndex::Target => false,
        ColumnIndex::Covariate(index) => panel.covariates[index].kind == CovariateKind::Static,
    }
}

fn hinted(hint: &DomainHint) -> Option<AnomalyRule> {
    let minimum = hint.minimum.and_then(Finite::of);
    let maximum = hint.maximum.and_then(Finite::of);
    (minimum.is_some() || maximum.is_some()).then(|| AnomalyRule {
        column: hint.column.clone(),
        form: RuleForm::Bounds { minimum, maximum },
        action: RuleAction::Impute,
        reason: hint.reason.clone(),
    })
}

fn flag(panel: &Panel, column: ColumnIndex, form: RuleForm, reason: String) -> AnomalyRule {
    AnomalyRule { column: column.name(panel).to_owned(), form, action: RuleAction::Flag, reason }
}

fn length(panel: &Panel, column: ColumnIndex) -> usize {
    panel.series.iter().map(|s| column.values(s).len()).sum()
}

/// Each series has its own level, so its limits are found by itself; the rule covers them all.
fn bounds(panel: &Panel, column: ColumnIndex) -> Option<AnomalyRule> {
    let length = length(panel, column);
    let limits = panel.series.iter().filter_map(|series| {
        let values = column.values(series);
        let sample = sampled_rows(values.len(), length).map(|row| values[row]).filter(|v| !v.is_nan()).collect();
        Quantiles::of(sample, FEWEST).filter(|q| q.range() > 0.0).map(|q| q.limits(RANGES))
    });
    let (low, high) = limits.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let form = RuleForm::Bounds { minimum: Finite::of(low), maximum: Finite::of(high) };
    let reason = format!("values lie within {RANGES} interquartile ranges outside the quartiles of their series");
    Some(flag(panel, column, form, reason))
}

fn rate(panel: &Panel, column: ColumnIndex) -> Option<AnomalyRule> {
    let length = length(panel, column);
    let limits = panel.series.iter().filter_map(|series| {
        let values = column.values(series);
        let rows = sampled_rows(values.len().saturating_sub(1), length);
        let sample = rows.map(|row| (values[row + 1] - values[row]).abs()).filter(|d| !d.is_nan()).collect();
        Quantiles::of(sample, FEWEST).filter(|q| q.range() > 0.0).map(|q| q.limits(CHANGE_RANGES).1)
    });
    let form = RuleForm::RateOfChange { maximum_per_step: Finite::of(limits.reduce(f64::max)?)? };
    let reason = format!(
        "changes from one observation to the next lie within {CHANGE_RANGES} interquartile ranges of their usual size"
    );
    Some(flag(panel, column, form, reason))
}

/// If a value repeats with probability p, the longest run of repeats among n is about log(n (1 − p)) / log(1 / p)
/// (Erdős and Rényi 1970); twice that is no longer chance.
fn flat_line(panel: &Panel, column: ColumnIndex) -> Option<AnomalyRule> {
    let (mut repeats, mut pairs) = (0_u64, 0_u64);
    for series in &panel.series {
        for pair in column.values(series).windows(2).filter(|w| !w[0].is_nan() && !w[1].is_nan()) {
            pairs += 1;
            repeats += u64::from(pair[0] == pair[1]);
        }
    }
    let share = repeats as f64 / pairs.max(1) as f64;
    if pairs < FEWEST as u64 || share > 0.5 {
        return None;
    }
    let expected = if repeats == 0 { 0.0 } else { ((pairs as f64 * (1.0 - share)).ln() / -share.ln()).max(0.0) };
    let longest_run = (2.0 * expected).ceil().max(2.0) as u32 + 1;
    let reason = format!("a value repeats {:.1} % of the time, which makes no longer runs", 100.0 * share);
    Some(flag(panel, column, RuleForm::FlatLine { longest_run }, reason))
}

fn calendar_context(panel: &Panel, period: u32) -> Option<AnomalyRule> {
    if !(2..=LONGEST_PERIOD).contains(&period) {
        return None;
    }
    let mut phases: Vec<Vec<f64>> = vec![Vec::new(); period as usize];
    for series in &panel.series {
        // The axis is regular, so the phase goes up by one from row to row.
        let first = series.times.first()?.0;
        let offset = calendar_ordinal(panel.frequency, first).rem_euclid(i64::from(period)) as usize;
        for (row, value) in series.target.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            phases[(offset + row) % period as usize].push(*value);
        }
    }
    let limits: Vec<(Finite, Finite)> = phases
        .into_iter()
        .map(|values| {
            let (low, high) = Quantiles::of(values, FEWEST_PER_PHASE).filter(|q| q.range() > 0.0)?.limits(PHASE_RANGES);
            Finite::of(low).zip(Finite::of(high))
        })
        .collect::<Option<_>>()?;
    let (minimum, maximum) = limits.into_iter().unzip();
    let form = RuleForm::CalendarContext { period, minimum, maximum };
    let reason = format!(
        "within each of {period} phases, values lie within {PHASE_RANGES} interquartile ranges outside the quartiles"
    );
    Some(flag(panel, ColumnIndex::Target, form, reason))
}

/// The strongest linear relations between columns; the earlier column is explained by the later one.
fn relations(panel: &Panel, columns: &[ColumnIndex]) -> Vec<AnomalyRule> {
    let length = length(panel, ColumnIndex::Target);
    let sample = |column: ColumnIndex| -> Vec<f64> {
        let rows = |series: &Series| sampled_rows(series.target.len(), length);
        panel.series.iter().flat_map(|s| rows(s).map(move |row| column.values(s)[row])).collect()
    };
    let samples: Vec<Vec<f64>> = columns.iter().map(|c| sample(*c)).collect();
    let mut found: Vec<(f64, AnomalyRule)> = Vec::new();
    for (first, explained) in samples.iter().enumerate() {
        for (second, explaining) in samples.iter().enumerate().skip(first + 1) {
            let pairs = explaining.iter().zip(explained).filter(|(a, b)| !a.is_nan() && !b.is_nan());
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.map(|(a, b)| (*a, *b)).unzip();
            if x.len() < FEWEST {
                continue;
            }
            let Some((intercept, slope, correlation)) = line(&x, &y) else { continue };
            if correlation.abs() >= STRONG_CORRELATION {
                let rule =
                    relation(panel, (columns[first], columns[second]), (&x, &y), (intercept, slope, correlation));
                found.extend(rule.map(|rule| (correlation.abs(), rule)));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(MOST_RELATIONS).map(|(_, rule)| rule).collect()
}

fn relation(
    panel: &Panel,
    (column, other): (ColumnIndex, ColumnIndex),
    (x, y): (&[f64], &[f64]),
    (intercept, slope, correlation): (f64, f64, f64),
) -> Option<AnomalyRule> {
    let residuals: Vec<f64> = x.iter().zip(y).map(|(a, b)| (b - intercept - slope * a).abs()).collect();
    let quantiles = Quantiles::of(residuals, FEWEST)?;
    // The median absolute residual times 1.4826 estimates the standard deviation of a normal residual.
    let band = (BAND_DEVIATIONS * 1.4826 * quantiles.median).max(2.0 * quantiles.high);
    let other = other.name(panel).to_owned();
    let reason = format!("correlation {correlation:.3} with {other:?}");
    let form = RuleForm::CrossSeries {
        other,
        slope: Finite::of(slope)?,
        intercept: Finite::of(intercept)?,
        band: Finite::of(band).filter(|b| b.get() > 0.0)?,
    };
    Some(flag(panel, column, form, reason))
}
