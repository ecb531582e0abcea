//! Comparing two JSON documents with a tolerance that depends on the place.

use serde_json::Value;

/// How far a found number may be from the expected one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// Not at all.
    Exact,
    /// |found − expected| ≤ `relative` · |expected| or ≤ `absolute`: the latter for differences of large numbers, whose
    /// rounding error does not shrink with the result.
    Within {
        /// The share of the expected number.
        relative: f64,
        /// The least allowance.
        absolute: f64,
    },
}

/// Where a result differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The path in the document.
    pub path: String,
    /// What the reference says.
    pub expected: String,
    /// What came out.
    pub found: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, found {}", self.path, self.expected, self.found)
    }
}

/// Compares everything in `expected` with its counterpart in `found`, adds what differs to `differences` and gives the number
/// of values compared. A number that is not finite is one of the texts `NaN`, `Infinity`, `-Infinity`.
pub fn compare(
    path: &str,
    expected: &Value,
    found: &Value,
    tolerance: &dyn Fn(&str) -> Tolerance,
    differences: &mut Vec<Difference>,
) -> usize {
    let mut report = |path: String, found: String| {
        differences.push(Difference { path, expected: brief(expected), found });
    };
    match (expected, found) {
        (Value::Object(fields), Value::Object(others)) => {
            let nothing = Value::String("nothing".into());
            let compare_field = |(name, value): (&String, &Value)| {
                let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&place, value, others.get(name).unwrap_or(&nothing), tolerance, differences)
            };
            fields.iter().map(compare_field).sum()
        }
        (Value::Array(items), Value::Array(others)) => {
            if items.len() != others.len() {
                report(path.to_owned(), format!("{} entries instead of {}", others.len(), items.len()));
                return 1;
            }
            let compare_item = |(i, (item, other)): (usize, (&Value, &Value))| {
                compare(&format!("{path}[{i}]"), item, other, tolerance, differences)
            };
            items.iter().zip(others).enumerate().map(compare_item).sum()
        }
        _ => {
            let agree = match (number(expected), number(found)) {
                (Some(a), Some(b)) => close(a, b, tolerance(path)),
                _ => expected == found,
            };
            if !agree {
                report(path.to_owned(), brief(found));
            }
            1
        }
    }
}

fn close(expected: f64, found: f64, tolerance: Tolerance) -> bool {
    if expected.is_nan() || found.is_nan() {
        return expected.is_nan() && found.is_nan();
    }
    if expected == found {
        return true;
    }
    match tolerance {
        Tolerance::Exact => false,
        Tolerance::Within { relative, absolute } => {
            expected.is_finite() && (expected - found).abs() <= (relative * expected.abs()).max(absolute)
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 { text } else { text.chars().take(77).chain("...".chars()).collect() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differences(expected: &Value, found: &Value) -> Vec<String> {
        let mut list = Vec::new();
        let tolerance = |path: &str| match path {
            "count" => Tolerance::Exact,
            _ => Tolerance::Within { relative: 1e-8, absolute: 0.0 },
        };
        compare("", expected, found, &tolerance, &mut list);
        list.into_iter().map(|d| d.to_string()).collect()
    }

    #[test]
    fn a_number_within_its_tolerance_agrees() {
        assert!(
            differences(&json!({"a": [1.0, 2e-300]}), &json!({"a": [1.000_000_001, 2e-300], "more": 1})).is_empty()
        );
    }

    #[test]
    fn what_differs_is_named_with_its_path() {
        let found = differences(&json!({"a": [{"b": 1.0}, {"b": 2.0}]}), &json!({"a": [{"b": 1.0}, {"b": 2.1}]}));
        assert_eq!(found, ["a[1].b: expected 2.0, found 2.1"]);
    }

    #[test]
    fn an_exact_number_has_no_tolerance() {
        assert_eq!(differences(&json!({"count": 3}), &json!({"count": 3.000_000_001})).len(), 1);
    }

    #[test]
    fn missing_entries_and_other_lengths_differ() {
        assert_eq!(differences(&json!({"a": 1.0}), &json!({})).len(), 1);
        assert_eq!(differences(&json!([1.0, 2.0]), &json!([1.0])).len(), 1);
    }

    #[test]
    fn numbers_that_are_not_finite_agree_by_name_only() {
        assert!(differences(&json!(["NaN", "-Infinity"]), &json!(["NaN", "-Infinity"])).is_empty());
        assert_eq!(differences(&json!("NaN"), &json!(0.0)).len(), 1);
        assert_eq!(differences(&json!(1.0), &json!("Infinity")).len(), 1);
    }
}
