//! Names that are safe whatever was uploaded.

use std::collections::BTreeSet;

use atsre_domain::StreamId;

/// Postgres cuts longer names, in silence.
const LIMIT_BYTES: usize = 63;

/// An identifier between quotes. What the names below are made of needs none, but nothing here relies on that.
pub(super) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// The name of a table: `raw_1f0e9c1d_v1`, after the first digits of the data set's stream, as many as tell it
/// from the tables of others.
pub(super) fn table(schema: &str, dataset: &StreamId, version: u32, taken: &[String]) -> String {
    let simple: String = dataset.0.chars().filter(|c| *c != '-').collect();
    let is_uuid = simple.len() == 32 && simple.bytes().all(|b| b.is_ascii_hexdigit());
    let digits =
        if is_uuid { simple.to_lowercase() } else { blake3::hash(dataset.0.as_bytes()).to_hex()[..32].to_owned() };
    let named = |length: usize| format!("{schema}_{}_v{version}", &digits[..length]);
    (8..=32).step_by(4).map(named).find(|name| !taken.contains(name)).unwrap_or_else(|| named(32))
}

/// Column names in plain letters, digits and underscores, all different from each other and from `reserved`.
pub(super) fn columns<'a>(headers: impl Iterator<Item = &'a str>, reserved: &[&str]) -> Vec<String> {
    let mut taken: BTreeSet<String> = reserved.iter().map(|name| (*name).to_owned()).collect();
    headers
        .enumerate()
        .map(|(index, header)| {
            let plain = plain(header).unwrap_or_else(|| format!("c{}", index + 1));
            let numbered = (2_u32..).map(|number| format!("{plain}_{number}"));
            let name = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken.contains(name));
            // The iterator is endless, so there is always one.
            let name = name.unwrap_or(plain);
            taken.insert(name.clone());
            name
        })
        .collect()
}

/// `Temp. (°C)` as `temp_c`; nothing when nothing is left or a digit comes first.
fn plain(header: &str) -> Option<String> {
    let mut name = String::new();
    for c in header.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        // Room for a number that tells it from others.
        if name.len() >= LIMIT_BYTES - 8 {
            break;
        }
    }
    let name = name.trim_end_matches('_');
    (name.starts_with(|c: char| c.is_ascii_lowercase())).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_plain_and_different_names() {
        let headers = ["Temp. (°C)", "temp c", "", "2nd", "日本", "row_number", "\"; DROP TABLE x; --", "temp_c"];
        let names = columns(headers.into_iter(), &["row_number"]);
        assert_eq!(names, ["temp_c", "temp_c_2", "c3", "c4", "c5", "row_number_2", "drop_table_x", "temp_c_3"]);
        let long = "x".repeat(300);
        let names = columns([long.as_str(), long.as_str()].into_iter(), &[]);
        assert!(names.iter().all(|name| name.len() <= LIMIT_BYTES));
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn tables_are_told_apart() {
        let dataset = StreamId("5f0e9c1d-7a3b-5c52-9e86-41d2b7c06d35".to_owned());
        assert_eq!(table("raw", &dataset, 1, &[]), "raw_5f0e9c1d_v1");
        assert_eq!(table("raw", &dataset, 1, &["raw_5f0e9c1d_v1".to_owned()]), "raw_5f0e9c1d7a3b_v1");
        let hostile = StreamId("../../x; DROP TABLE events".to_owned());
        assert!(table("raw", &hostile, 2, &[]).bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    }
}
