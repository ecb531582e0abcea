//! What is known of covariates over the horizon: what the calendar gives, and what never changes.

use atsre_domain::panel::CovariateKind;
use atsre_domain::table::ColumnRole;

use super::cells::Values;
use super::moment::{DAY, Date, weekday};
use super::table_draft::Draft;

/// Names of columns that a calendar fills.
const CALENDAR_NAMES: [&str; 12] = [
    "holiday",
    "holidays",
    "is_holiday",
    "public_holiday",
    "school_holiday",
    "workingday",
    "working_day",
    "is_workingday",
    "workday",
    "weekend",
    "is_weekend",
    "businessday",
];

/// Fewer rows may agree with a function of time by chance.
const LEAST_ROWS: usize = 14;

type Function = fn(i64) -> i64;

/// What can be computed from a moment, with its name.
const FUNCTIONS: [(&str, Function); 12] = [
    ("the hour", |t| t.rem_euclid(DAY) / (DAY / 24)),
    ("the minute", |t| t.rem_euclid(DAY / 24) / (DAY / 1_440)),
    ("the day of the week", weekday),
    ("the day of the week", |t| weekday(t) + 1),
    ("the day of the week", |t| (weekday(t) + 1) % 7),
    ("the day of the week", |t| (weekday(t) + 1) % 7 + 1),
    ("the weekend", |t| (weekday(t) >= 5) as i64),
    ("the month", |t| Date::of(t).month),
    ("the day of the month", |t| Date::of(t).day),
    ("the quarter", |t| (Date::of(t).month + 2) / 3),
    ("the year", |t| Date::of(t).year),
    ("the day of the year", |t| {
        let date = Date::of(t);
        (date.micros() - Date { month: 1, day: 1, ..date }.micros()) / DAY + 1
    }),
];

/// Decides a covariate's kind. `times` are moments, absent where the time is a step; `codes` tell the series of
/// a long file.
pub(super) fn judge(draft: &mut Draft, known: &[String], times: Option<&[i64]>, codes: Option<&[u32]>) {
    if draft.role != ColumnRole::Covariate {
        return;
    }
    if known.contains(&draft.name) {
        draft.kind = CovariateKind::Known;
        "given by --known".clone_into(&mut draft.reason);
        return;
    }
    if codes.is_some_and(|codes| never_changes(draft, codes)) {
        draft.kind = CovariateKind::Static;
        "it never changes within a series".clone_into(&mut draft.reason);
        return;
    }
    let (Some(times), Some(values)) = (times, draft.numbers()) else { return };
    let gives = |function: &&(&str, Function)| times.iter().zip(values).all(|(t, v)| *v == function.1(*t) as f64);
    if values.len() >= LEAST_ROWS
        && let Some((name, _)) = FUNCTIONS.iter().find(gives)
    {
        draft.kind = CovariateKind::Known;
        draft.reason = format!("it is {name}");
    } else if CALENDAR_NAMES.contains(&draft.name.to_lowercase().replace(' ', "_").as_str()) && is_flag(values) {
        draft.kind = CovariateKind::Known;
        "its name is a calendar's, and it is 0 or 1".clone_into(&mut draft.reason);
    }
}

fn is_flag(values: &[f64]) -> bool {
    values.iter().all(|v| *v == 0.0 || *v == 1.0)
}

/// Whether the values that are present are the same all through each series, of which there are several.
fn never_changes(draft: &Draft, codes: &[u32]) -> bool {
    let items = codes.iter().max().map_or(0, |m| *m as usize + 1);
    let constant = |value: &dyn Fn(usize) -> Option<u64>| {
        let mut first: Vec<Option<u64>> = vec![None; items];
        codes.iter().enumerate().all(|(row, code)| match value(row) {
            None => true,
            Some(value) => *first[*code as usize].get_or_insert(value) == value,
        })
    };
    match &draft.values {
        Values::Numbers(values) => constant(&|row| (!values[row].is_nan()).then(|| values[row].to_bits())),
        Values::Words { codes, .. } => constant(&|row| (codes[row] != u32::MAX).then_some(u64::from(codes[row]))),
        Values::None | Values::Moments(_) => false,
    }
}
