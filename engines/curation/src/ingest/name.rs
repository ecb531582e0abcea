//! Names that come from outside, made harmless.

/// The longest data set name, in characters.
const LONGEST: usize = 64;

/// A data set's name from its file's: the last part of the path without its ending, in lower case, everything
/// but letters, digits, `-` and `_` turned into `_`. The result is never empty, never a path and at most 64
/// characters long. `../../x; DROP TABLE` becomes `x_drop_table`.
#[must_use]
pub fn dataset_name_from(file_name: &str) -> String {
    let last = file_name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let stem = match last.rfind('.') {
        Some(dot) if dot > 0 && is_ending(&last[dot + 1..]) => &last[..dot],
        _ => last,
    };
    let mut name = String::new();
    for character in stem.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() || character == '-' {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name: String = name.trim_matches(['_', '-']).chars().take(LONGEST).collect();
    let name = name.trim_end_matches(['_', '-']);
    if name.is_empty() { "dataset".to_owned() } else { name.to_owned() }
}

fn is_ending(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The first character of a text that a terminal or a reader could be misled by: controls (tab, line feed and
/// carriage return aside) and the marks that reorder text.
pub(super) fn control_character(text: &str) -> Option<char> {
    if text.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        return None;
    }
    text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// A header's text as a column name: outer space removed, inner runs of white space made one space.
pub(super) fn column_name(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_becomes_a_plain_one() {
        for (given, expected) in [
            ("../../x; DROP TABLE", "x_drop_table"),
            ("/data/bike_sharing_hourly.csv", "bike_sharing_hourly"),
            ("C:\\Users\\me\\Sales 2024.CSV", "sales_2024"),
            ("", "dataset"),
            ("../..", "dataset"),
            (".csv", "csv"),
            ("v1.2_final.csv", "v1_2_final"),
            ("a\0b\u{1b}[31m.csv", "a_b_31m"),
            ("Größe.csv", "größe"),
            ("\"'`;--", "dataset"),
        ] {
            assert_eq!(dataset_name_from(given), expected, "{given:?}");
        }
        assert_eq!(dataset_name_from(&"x".repeat(500)).len(), 64);
    }

    #[test]
    fn escapes_and_text_direction_marks_are_found() {
        assert_eq!(control_character("plain, ünï text\t"), None);
        assert_eq!(control_character("a\u{1b}[31m"), Some('\u{1b}'));
        assert_eq!(control_character("a\u{202e}b"), Some('\u{202e}'));
    }
}
