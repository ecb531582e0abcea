//! Trying a rule on data.

use atsre_domain::Frequency;
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::Panel;
use atsre_domain::rule::{AnomalyRule, RuleAction, RuleForm, TestedRule};
use rayon::prelude::*;

use super::ColumnIndex;
use crate::cleaning::axis::calendar_ordinal;

/// The largest share of values that a rule may change.
const LARGEST_CHANGED_SHARE: f64 = 0.01;

/// The largest share of values that a rule may flag.
const LARGEST_FLAGGED_SHARE: f64 = 0.02;

/// One value that breaks a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The item's name.
    pub item_id: String,
    /// When.
    pub time: Timestamp,
    /// The value.
    pub value: f64,
}

/// Tries a rule on the data: counts the values it applies to and those that break it. A rule is accepted when
/// it is well formed, its columns exist and hold numbers, it applies to some value, and at most 1 % of the
/// values break it (2 % where it only flags): what breaks more often is no anomaly.
#[must_use]
pub fn test_rule(panel: &Panel, rule: &AnomalyRule) -> TestedRule {
    let refused =
        |verdict: String| TestedRule { rule: rule.clone(), tested: 0, violations: 0, accepted: false, verdict };
    if let Err(defect) = well_formed(&rule.form) {
        return refused(format!("left unused: {defect}"));
    }
    let (column, other) = match columns_of(panel, rule) {
        Ok(columns) => columns,
        Err(name) => return refused(format!("left unused: there is no numeric column {name:?}")),
    };
    let counts: Vec<(u64, u64)> = panel
        .series
        .par_iter()
        .map(|series| {
            let other = other.map(|o| o.values(series));
            let (tested, broken) =
                broken_rows(&rule.form, panel.frequency, &series.times, column.values(series), other);
            (tested, broken.len() as u64)
        })
        .collect();
    let (tested, violations) = counts.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    if tested == 0 {
        return refused(String::from("left unused: it applies to no value"));
    }
    let share = violations as f64 / tested as f64;
    let limit = match rule.action {
        RuleAction::Flag => LARGEST_FLAGGED_SHARE,
        RuleAction::Impute | RuleAction::Clip => LARGEST_CHANGED_SHARE,
    };
    let accepted = share <= limit;
    let verdict = match (accepted, violations) {
        (true, 0) => format!("used: none of {tested} values breaks it"),
        (true, _) => format!("used: {violations} of {tested} values break it ({:.3} %)", 100.0 * share),
        (false, _) => format!(
            "left unused: {violations} of {tested} values break it ({:.1} %, more than {} %)",
            100.0 * share,
            100.0 * limit
        ),
    };
    TestedRule { rule: rule.clone(), tested, violations, accepted, verdict }
}

/// The values that break a rule, by series, then time; empty where the rule does not fit the panel.
#[must_use]
pub fn violations(panel: &Panel, rule: &AnomalyRule) -> Vec<Violation> {
    let (Ok(()), Ok((column, other))) = (well_formed(&rule.form), columns_of(panel, rule)) else { return Vec::new() };
    let mut found = Vec::new();
    for series in &panel.series {
        let values = column.values(series);
        let (_, rows) =
            broken_rows(&rule.form, panel.frequency, &series.times, values, other.map(|o| o.values(series)));
        found.extend(rows.into_iter().map(|row| Violation {
            item_id: series.item_id.clone(),
            time: series.times[row],
            value: values[row],
        }));
    }
    found
}

/// The rule's column and the one it compares with; the name of the one that is not there.
fn columns_of(panel: &Panel, rule: &AnomalyRule) -> Result<(ColumnIndex, Option<ColumnIndex>), String> {
    let find = |name: &str| ColumnIndex::numeric(panel, name).ok_or_else(|| name.to_owned());
    let column = find(&rule.column)?;
    match &rule.form {
        RuleForm::CrossSeries { other, .. } => Ok((column, Some(find(other)?))),
        RuleForm::Bounds { .. }
        | RuleForm::RateOfChange { .. }
        | RuleForm::FlatLine { .. }
        | RuleForm::CalendarContext { .. } => Ok((column, None)),
    }
}

/// Whether a rule makes sense, whatever the data.
pub(crate) fn well_formed(form: &RuleForm) -> Result<(), String> {
    let sound = match form {
        RuleForm::Bounds { minimum: None, maximum: None } => return Err(String::from("it has neither bound")),
        RuleForm::Bounds { minimum: Some(low), maximum: Some(high) } => low <= high,
        RuleForm::Bounds { .. } => true,
        RuleForm::RateOfChange { maximum_per_step } => maximum_per_step.get() >= 0.0,
        RuleForm::FlatLine { longest_run } => *longest_run > 0,
        RuleForm::CalendarContext { period, minimum, maximum } => {
            let phases = *period as usize;
            if phases == 0 || minimum.len() != phases || maximum.len() != phases {
                return Err(format!("a season of {period} needs a minimum and a maximum for each of its phases"));
            }
            minimum.iter().zip(maximum).all(|(low, high)| low <= high)
        }
        RuleForm::CrossSeries { band, .. } => band.get() >= 0.0,
    };
    if sound { Ok(()) } else { Err(String::from("its limits contradict each other")) }
}

/// How many values of a series a rule applies to, and the rows that break it, ascending. Missing values
/// neither keep nor break a rule.
pub(crate) fn broken_rows(
    form: &RuleForm,
    frequency: Frequency,
    times: &[Timestamp],
    values: &[f64],
    other: Option<&[f64]>,
) -> (u64, Vec<usize>) {
    let observed = || values.iter().enumerate().filter(|(_, v)| !v.is_nan());
    match form {
        RuleForm::Bounds { minimum, maximum } => {
            let low = minimum.map_or(f64::NEG_INFINITY, |m| m.get());
            let high = maximum.map_or(f64::INFINITY, |m| m.get());
            count(observed(), |_, value| value < low || value > high)
        }
        RuleForm::RateOfChange { maximum_per_step } => rate_of_change(values, maximum_per_step.get()),
        RuleForm::FlatLine { longest_run } => flat_line(values, *longest_run),
        RuleForm::CalendarContext { period, minimum, maximum } => count(observed(), |row, value| {
            let phase = calendar_ordinal(frequency, times[row].0).rem_euclid(i64::from(*period)) as usize;
            value < minimum[phase].get() || value > maximum[phase].get()
        }),
        RuleForm::CrossSeries { slope, intercept, band, .. } => {
            let other = other.unwrap_or_default();
            let both = observed().filter(|(row, _)| other.get(*row).is_some_and(|v| !v.is_nan()));
            count(both, |row, value| (value - intercept.get() - slope.get() * other[row]).abs() > band.get())
        }
    }
}

fn count<'a>(values: impl Iterator<Item = (usize, &'a f64)>, breaks: impl Fn(usize, f64) -> bool) -> (u64, Vec<usize>) {
    let mut tested = 0;
    let mut broken = Vec::new();
    for (row, value) in values {
        tested += 1;
        if breaks(row, *value) {
            broken.push(row);
        }
    }
    (tested, broken)
}

/// A value is compared with the last one that kept the rule, so that a spike counts once, not twice; the
/// allowed change grows with the distance, so that after a shift of level the rule finds its way again.
fn rate_of_change(values: &[f64], maximum_per_step: f64) -> (u64, Vec<usize>) {
    let mut tested = 0;
    let mut broken = Vec::new();
    let mut last: Option<(usize, f64)> = None;
    for (row, value) in values.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
        if let Some((before, reference)) = last {
            tested += 1;
            if (value - reference).abs() > maximum_per_step * (row - before) as f64 {
                broken.push(row);
                continue;
            }
        }
        last = Some((row, *value));
    }
    (tested, broken)
}

/// In a run of equal values, those after the longest plausible run break the rule.
fn flat_line(values: &[f64], longest_run: u32) -> (u64, Vec<usize>) {
    let mut tested = 0;
    let mut broken = Vec::new();
    let mut run = 0_u32;
    let mut previous = f64::NAN;
    for (row, value) in values.iter().enumerate() {
        if value.is_nan() {
            previous = f64::NAN;
            continue;
        }
        tested += 1;
        run = if *value == previous { run.saturating_add(1) } else { 1 };
        previous = *value;
        if run > longest_run {
            broken.push(row);
        }
    }
    (tested, broken)
}
