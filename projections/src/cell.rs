//! Values in the text form that Postgres reads them from.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// A value in Postgres' text form; none for NULL.
pub type Cell = Option<String>;

/// Some columns of a row.
pub type Columns = BTreeMap<&'static str, Cell>;

/// A scalar, as its JSON says it: a text without its quotes, a number, a flag; null is NULL.
///
/// # Panics
/// Never for the domain's values, which have string keys and finite numbers only.
#[must_use]
pub fn scalar(value: &impl Serialize) -> Cell {
    match serde_json::to_value(value) {
        Ok(Value::Null) => None,
        Ok(Value::String(text)) => Some(text),
        Ok(other) => Some(other.to_string()),
        Err(error) => unreachable!("a value of an event is JSON: {error}"),
    }
}

/// A JSON document, for a column of type `jsonb`.
///
/// # Panics
/// As [`scalar`].
#[must_use]
pub fn json(value: &impl Serialize) -> Cell {
    Some(serde_json::to_string(value).unwrap_or_else(|error| unreachable!("a value of an event is JSON: {error}")))
}

/// An element of an array, as Postgres reads it.
pub trait Element {
    /// Appends its text.
    fn write(&self, text: &mut String);
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Element for $integer {
            fn write(&self, text: &mut String) {
                text.push_str(itoa::Buffer::new().format(*self));
            }
        }
    )*};
}

integers!(u32, u64, i64);

impl Element for f64 {
    /// The fewest digits that tell it.
    fn write(&self, text: &mut String) {
        let mut buffer = zmij::Buffer::new();
        let digits = buffer.format(*self);
        text.push_str(digits.strip_suffix(".0").unwrap_or(digits));
    }
}

/// A plain word, which needs no quotes.
impl Element for str {
    fn write(&self, text: &mut String) {
        text.push_str(self);
    }
}

impl<T: Element + ?Sized> Element for &T {
    fn write(&self, text: &mut String) {
        T::write(self, text);
    }
}

/// An array of numbers, or of plain words.
#[must_use]
pub fn array<T: Element>(values: impl IntoIterator<Item = T>) -> Cell {
    sparse_array(values.into_iter().map(Some))
}

/// An array of numbers in which some are missing.
#[must_use]
pub fn sparse_array<T: Element>(values: impl IntoIterator<Item = Option<T>>) -> Cell {
    let values = values.into_iter();
    let mut text = String::with_capacity(2 + 8 * values.size_hint().0);
    text.push('{');
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        match value {
            Some(value) => value.write(&mut text),
            None => text.push_str("NULL"),
        }
    }
    text.push('}');
    Some(text)
}

/// A moment as `timestamptz` reads it.
#[must_use]
pub fn moment(at: atsre_domain::Timestamp) -> Cell {
    Some(atsre_store::rfc3339(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_lose_their_quotes_and_null_is_null() {
        assert_eq!(scalar(&"a \"text\""), Some("a \"text\"".to_owned()));
        assert_eq!(scalar(&1.5), Some("1.5".to_owned()));
        assert_eq!(scalar(&true), Some("true".to_owned()));
        assert_eq!(scalar(&None::<u32>), None);
    }

    #[test]
    fn arrays_are_in_braces() {
        assert_eq!(array([1.5, -2.0]), Some("{1.5,-2}".to_owned()));
        assert_eq!(array([0_u64; 0]), Some("{}".to_owned()));
        assert_eq!(sparse_array([None, Some(3_i64)]), Some("{NULL,3}".to_owned()));
        // Every bit survives the way there and back.
        assert_eq!(array([0.1 + 0.2]), Some("{0.30000000000000004}".to_owned()));
    }
}
