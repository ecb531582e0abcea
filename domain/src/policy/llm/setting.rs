//! What a setting may be: its type from the catalogue's default, its range from here.

use crate::finite::Finite;
use crate::model::Setting;

/// Ranges that a planner may choose from, both ends included. The engines accept far more; these keep an answer from
/// asking for a network that no budget of this system pays.
const RANGES: &[(&str, f64, f64)] = &[
    ("batch_size", 8.0, 4_096.0),
    ("fourier_terms", 0.0, 50.0),
    ("hidden", 8.0, 1_024.0),
    ("input_multiple", 1.0, 20.0),
    ("lags", 0.0, 10_000.0),
    ("layers", 1.0, 6.0),
    ("learning_rate", 1e-6, 0.1),
    ("penalty", 0.0, 1e9),
    ("pool_sizes", 1.0, 256.0),
    ("season_length", 0.0, 100_000.0),
    ("seasonal_periods", 2.0, 100_000.0),
    ("stacks", 1.0, 6.0),
    ("steps", 10.0, 5_000.0),
    ("window_cap", 16.0, 1_000_000.0),
];
/// The range of a setting that is not listed.
const ELSEWHERE: (f64, f64) = (0.0, 1e6);
/// Items of a list.
const LONGEST_LIST: usize = 8;
/// Characters of a word.
const LONGEST_WORD: usize = 40;

/// The range of a numeric setting.
pub(super) fn range(name: &str) -> (f64, f64) {
    RANGES.iter().find(|(known, ..)| *known == name).map_or(ELSEWHERE, |(_, low, high)| (*low, *high))
}

/// What kind of value a default asks for, in words.
pub(super) const fn kind(default: &Setting) -> &'static str {
    match default {
        Setting::Flag(_) => "true or false",
        Setting::Integer(_) => "a whole number",
        Setting::Number(_) => "a number",
        Setting::Text(_) => "a word",
        Setting::Integers(_) => "a list of whole numbers",
    }
}

/// Whether a range applies.
pub(super) const fn is_numeric(default: &Setting) -> bool {
    matches!(default, Setting::Integer(_) | Setting::Number(_) | Setting::Integers(_))
}

/// `given` in the type of `default`, inside its range.
///
/// # Errors
/// The problem, continuing a sentence that has named the setting.
pub(super) fn adopt(name: &str, default: &Setting, given: &Setting) -> Result<Setting, String> {
    let value = match (default, given) {
        (Setting::Flag(_), Setting::Flag(_))
        | (Setting::Integer(_), Setting::Integer(_))
        | (Setting::Number(_), Setting::Number(_))
        | (Setting::Text(_), Setting::Text(_))
        | (Setting::Integers(_), Setting::Integers(_)) => given.clone(),
        (Setting::Integer(_), Setting::Number(v)) if v.get().fract() == 0.0 && v.get().abs() < 9e15 => {
            Setting::Integer(v.get() as i64)
        }
        (Setting::Number(_), Setting::Integer(v)) => Setting::Number(Finite::of(*v as f64).unwrap_or(Finite::ZERO)),
        (Setting::Integers(_), Setting::Integer(v)) => Setting::Integers(vec![*v]),
        _ => return Err(format!("must be {}, such as {}", kind(default), written(default))),
    };
    within(name, &value)?;
    Ok(value)
}

/// The value as JSON.
pub(super) fn written(setting: &Setting) -> String {
    serde_json::to_string(setting).unwrap_or_default()
}

fn within(name: &str, value: &Setting) -> Result<(), String> {
    let (low, high) = range(name);
    let inside = |v: f64| {
        if (low..=high).contains(&v) { Ok(()) } else { Err(format!("is {v} but must lie between {low} and {high}")) }
    };
    match value {
        Setting::Flag(_) => Ok(()),
        Setting::Integer(v) => inside(*v as f64),
        Setting::Number(v) => inside(v.get()),
        Setting::Text(word) => {
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            if plain && !word.is_empty() && word.len() <= LONGEST_WORD {
                Ok(())
            } else {
                Err(format!("must be one plain word of at most {LONGEST_WORD} letters"))
            }
        }
        Setting::Integers(list) if list.len() > LONGEST_LIST => {
            Err(format!("has {} items but may have at most {LONGEST_LIST}", list.len()))
        }
        Setting::Integers(list) => list.iter().try_for_each(|v| inside(*v as f64)),
    }
}
