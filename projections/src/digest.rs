//! A digest of a row's values, the same whether they come from an event or from the table that they were written to.
//!
//! Both sides are texts: what a projection writes, and what Postgres prints. Two texts of one value differ in what the
//! column's type does not keep (`1.0` and `1`, `T` and a blank in a timestamp, the order of a document's fields), so
//! each is brought to one form first. A value that has no such form has no digest; then rows are compared by Postgres.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::projection::{Column, Table};

/// The first half of the SHA-256 of a row. Rows that differ and have the same one are not found by chance below some
/// 2⁶⁴ rows.
pub(crate) type RowDigest = [u8; 16];

/// The digest of a whole row: a value for each column of the table, in its order.
pub(crate) fn of_row<'a>(table: &Table, values: impl IntoIterator<Item = Option<&'a str>>) -> Option<RowDigest> {
    of_values(table.columns.iter().zip(values))
}

/// The digest of some of a row's values.
pub(crate) fn of_values<'a>(values: impl IntoIterator<Item = (&'static Column, Option<&'a str>)>) -> Option<RowDigest> {
    // Rows are a few kilobytes at most; growing to that would copy them over and over.
    let mut bytes = Vec::with_capacity(4096);
    for (column, value) in values {
        // Where the value ends is part of it, so that neighbours cannot trade bytes.
        let begin = bytes.len();
        if let Some(text) = value {
            canonical(column.sql_type, text, &mut bytes)?;
        }
        let length = (bytes.len() - begin) as u64;
        bytes.extend(if value.is_some() { length + 1 } else { 0 }.to_le_bytes());
    }
    let whole: [u8; 32] = Sha256::digest(&bytes).into();
    let (first, _) = whole.split_at(16);
    first.try_into().ok()
}

fn canonical(sql_type: &str, text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    match sql_type {
        "boolean" => bytes.push(u8::from(matches!(text, "t" | "true"))),
        "double precision" => bytes.extend(number(text)?),
        "double precision[]" => {
            // Both sides write the fewest digits that tell the number; only Postgres writes exponents.
            if !text.contains('e') {
                bytes.extend(text.as_bytes());
                return Some(());
            }
            for element in text.split_inclusive([',', '}']) {
                let (number, separator) = element.split_at(element.len() - 1);
                let number = match number.strip_prefix('{') {
                    Some(number) => {
                        bytes.push(b'{');
                        number
                    }
                    None => number,
                };
                match number {
                    number if number.contains('e') => {
                        bytes.extend(number.parse::<f64>().ok()?.to_string().as_bytes());
                    }
                    number => bytes.extend(number.as_bytes()),
                }
                bytes.extend(separator.as_bytes());
            }
        }
        "timestamptz" => moment(text, bytes)?,
        "jsonb" => document(&serde_json::from_str(text).ok()?, bytes),
        // Texts, and integers and arrays of them, which have one text only.
        _ => bytes.extend(text.as_bytes()),
    }
    Some(())
}

fn number(text: &str) -> Option<[u8; 8]> {
    text.parse::<f64>().ok().map(|value| value.to_bits().to_le_bytes())
}

/// A moment in UTC without the zeros at its end: `2026-01-01 00:00:00.5+00` and `2026-01-01T00:00:00.500000Z` alike.
fn moment(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let utc = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00")).or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = (utc.get(..10)?, utc.get(11..)?);
    let time = if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time };
    bytes.extend(date.as_bytes());
    bytes.extend(time.as_bytes());
    Some(())
}

/// A JSON document with its fields in order, and with one form for each number, whole or not.
fn document(value: &Value, bytes: &mut Vec<u8>) {
    let text = |kind: u8, text: &str, bytes: &mut Vec<u8>| {
        bytes.push(kind);
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    match value {
        Value::Null => bytes.push(b'n'),
        Value::Bool(flag) => bytes.push(if *flag { b't' } else { b'f' }),
        Value::Number(number) => match number.as_f64() {
            // Below 2⁵³ a whole number is the same as a float and as an integer.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                text(b'#', &format!("{float:.0}"), bytes);
            }
            Some(float) if number.is_f64() || float.abs() >= 9e15 => text(b'#', &format!("{float:e}"), bytes),
            _ => text(b'#', &number.to_string(), bytes),
        },
        Value::String(string) => text(b'"', string, bytes),
        Value::Array(values) => {
            bytes.push(b'[');
            values.iter().for_each(|value| document(value, bytes));
            bytes.push(b']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            bytes.push(b'{');
            for (name, value) in fields {
                text(b'"', name, bytes);
                document(value, bytes);
            }
            bytes.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::optional;

    fn one(sql_type: &'static str, text: Option<&str>) -> Option<RowDigest> {
        let column: &'static Column = Box::leak(Box::new(optional("x", sql_type)));
        of_values([(column, text)])
    }

    #[test]
    fn the_texts_of_one_value_have_one_digest() {
        for (sql_type, ours, of_postgres) in [
            ("boolean", "true", "t"),
            ("double precision", "0.00001", "1e-05"),
            ("double precision", "100000000000000000000000", "1e+23"),
            ("double precision[]", "{1,NULL,-0.30000000000000004}", "{1,NULL,-0.30000000000000004}"),
            ("double precision[]", "{0.00001,2,100000000000000000000000}", "{1e-05,2,1e+23}"),
            ("double precision[]", "{-0.00000012}", "{-1.2e-07}"),
            ("timestamptz", "2026-01-01T00:00:00.120000Z", "2026-01-01 00:00:00.12+00"),
            ("timestamptz", "2026-01-01T00:00:00.000000Z", "2026-01-01 00:00:00+00"),
            ("jsonb", r#"{"b":1.0,"a":[1e3,null]}"#, r#"{"a": [1000, null], "b": 1.0}"#),
            ("jsonb", "[1e22,0.1]", "[10000000000000000000000, 0.1]"),
        ] {
            let digest = one(sql_type, Some(ours));
            assert!(
                digest.is_some() && digest == one(sql_type, Some(of_postgres)),
                "{sql_type}: {ours}, {of_postgres}"
            );
        }
    }

    #[test]
    fn different_values_have_different_digests() {
        for (sql_type, one_value, other) in [
            ("boolean", "true", "false"),
            ("double precision", "0.1", "0.10000000000000002"),
            ("double precision[]", "{1,2}", "{12}"),
            ("double precision[]", "{NULL}", "{}"),
            ("timestamptz", "2026-01-01T00:00:00.120000Z", "2026-01-01 00:00:00.121+00"),
            ("timestamptz", "2026-01-01T00:00:10.000000Z", "2026-01-01 00:00:01+00"),
            ("jsonb", r#"{"a":["b"]}"#, r#"{"a":["b",[]]}"#),
            ("jsonb", "9007199254740993", "9007199254740995"),
            ("text", "", "NULL"),
        ] {
            assert_ne!(one(sql_type, Some(one_value)), one(sql_type, Some(other)), "{sql_type}: {one_value}, {other}");
        }
        assert_ne!(one("text", None), one("text", Some("")), "nothing is not the empty text");
    }

    #[test]
    fn what_has_no_form_has_no_digest() {
        for (sql_type, text) in
            [("double precision", "many"), ("timestamptz", "2026-01-01 00:00:00+02"), ("jsonb", "{")]
        {
            assert_eq!(one(sql_type, Some(text)), None, "{sql_type}: {text}");
        }
    }
}
