//! Where a recorded decision and today's part.

use serde::Serialize;
use serde_json::Value;

/// Characters shown of a value.
const LONGEST: usize = 160;

/// Where a recorded decision and today's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// The field, such as `plan.trials[2].limits.deadline_ms`; empty where the whole is meant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is on record there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// What today's code says there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<String>,
    /// What is the matter, in words, where no single field says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Departure {
    pub(super) fn told(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..Self::default() }
    }

    /// The first field, in the order of the recorded value, in which the two differ.
    pub(super) fn between(recorded: &Value, today: &Value) -> Self {
        let mut path = String::new();
        let (recorded, today) = first(recorded, today, &mut path).unwrap_or((Some(recorded), Some(today)));
        Self { path, recorded: recorded.map(shown), today: today.map(shown), detail: String::new() }
    }
}

impl std::fmt::Display for Departure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.detail.is_empty() {
            return f.write_str(&self.detail);
        }
        let or_nothing = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: recorded {}, today {}", self.path, or_nothing(&self.recorded), or_nothing(&self.today))
    }
}

type Pair<'a> = (Option<&'a Value>, Option<&'a Value>);

fn first<'a>(recorded: &'a Value, today: &'a Value, path: &mut String) -> Option<Pair<'a>> {
    let length = path.len();
    match (recorded, today) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names = ours.keys().chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
            for name in names {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                if let Some(found) = either(ours.get(name), theirs.get(name), path) {
                    return Some(found);
                }
                path.truncate(length);
            }
            None
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for index in 0..ours.len().max(theirs.len()) {
                path.push_str(&format!("[{index}]"));
                if let Some(found) = either(ours.get(index), theirs.get(index), path) {
                    return Some(found);
                }
                path.truncate(length);
            }
            None
        }
        _ => (recorded != today).then_some((Some(recorded), Some(today))),
    }
}

fn either<'a>(recorded: Option<&'a Value>, today: Option<&'a Value>, path: &mut String) -> Option<Pair<'a>> {
    match (recorded, today) {
        (Some(recorded), Some(today)) => first(recorded, today, path),
        (None, None) => None,
        one => Some(one),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut short: String = text.chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Departure;

    #[test]
    fn the_first_field_that_differs_is_named_by_its_path() {
        let recorded = json!({"a": [1, {"b": 2.5}], "c": "x"});
        let today = json!({"a": [1, {"b": 2.75}], "c": "y"});
        assert_eq!(Departure::between(&recorded, &today).to_string(), "a[1].b: recorded 2.5, today 2.75");
    }

    #[test]
    fn what_only_one_of_the_two_has_is_named_as_nothing_in_the_other() {
        assert_eq!(Departure::between(&json!([1, 2]), &json!([1])).to_string(), "[1]: recorded 2, today nothing");
        assert_eq!(Departure::between(&json!({}), &json!({"d": null})).to_string(), "d: recorded nothing, today null");
    }
}
