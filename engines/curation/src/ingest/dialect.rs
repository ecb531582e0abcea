//! Finding the delimiter and the header: most lines of a table have the same number of fields.

use super::number::{self, Number, NumberFormat};
use super::record::{Field, Records};

/// Lines looked at.
const SAMPLE_LINES: usize = 200;
/// Bytes looked at.
const SAMPLE_BYTES: usize = 1 << 20;
/// The most lines before a header.
const PREAMBLE_LINES: usize = 50;

/// A reading of the lines that fits worse than this is none.
const LEAST_SCORE: f64 = 0.4;

/// How a table is laid out in its file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// The byte where the header begins.
    pub(super) header_at: usize,
    /// Lines before the header that hold text.
    pub(super) preamble: usize,
    pub(super) fields: usize,
    /// The share of lines that have that many fields.
    pub(super) consistency: f64,
    score: f64,
}

/// The best reading of the text by one of the usual delimiters, or by the one that was given.
pub(super) fn detect(text: &[u8], given: Option<u8>) -> Dialect {
    let end = sample_end(text);
    let candidates = given.map_or_else(|| vec![b',', b';', b'\t', b'|'], |d| vec![d]);
    let mut best: Option<Dialect> = None;
    for delimiter in candidates {
        let Some(found) = read_with(text, end, delimiter) else { continue };
        if (found.fields < 2 || found.score < LEAST_SCORE) && given.is_none() {
            continue;
        }
        let better =
            best.as_ref().is_none_or(|b| found.score > b.score || (found.score == b.score && found.fields > b.fields));
        if better {
            best = Some(found);
        }
    }
    best.unwrap_or(Dialect {
        // A single column may still hold decimal commas.
        delimiter: given.unwrap_or(b';'),
        header_at: 0,
        preamble: 0,
        fields: 1,
        consistency: 1.0,
        score: 0.0,
    })
}

fn sample_end(text: &[u8]) -> usize {
    if text.len() <= SAMPLE_BYTES {
        return text.len();
    }
    text[..SAMPLE_BYTES].iter().rposition(|b| *b == b'\n').map_or(SAMPLE_BYTES, |i| i + 1)
}

struct Line {
    at: usize,
    fields: usize,
    /// Fields up to the last one that is not empty.
    width: usize,
    numbers: bool,
}

fn read_with(text: &[u8], end: usize, delimiter: u8) -> Option<Dialect> {
    let lines = sample(text, end, delimiter);
    let several = lines.iter().filter(|l| l.fields >= 2).count() >= 2;
    let fields = most_frequent(lines.iter().map(|l| l.fields).filter(|f| !several || *f >= 2))?;
    let preamble = lines.iter().position(|l| !is_preamble(l, fields)).filter(|n| *n <= PREAMBLE_LINES).unwrap_or(0);
    let table = &lines[preamble..];
    let consistency = table.iter().filter(|l| l.fields == fields).count() as f64 / table.len() as f64;
    let mut score = consistency;
    // A delimiter that needs lines to be passed over, or that finds numbers in the header, has usually been
    // found inside the fields, such as a decimal comma.
    if preamble > 0 {
        score -= 0.2;
    }
    if table[0].numbers {
        score -= 0.3;
    }
    Some(Dialect { delimiter, header_at: table[0].at, preamble, fields, consistency, score })
}

fn sample(text: &[u8], end: usize, delimiter: u8) -> Vec<Line> {
    let mut records = Records::new(text, 0, end, delimiter);
    let mut fields: Vec<Field> = Vec::new();
    let mut lines = Vec::new();
    while lines.len() < SAMPLE_LINES {
        // A quote that is broken here is reported with its line when the file is read.
        let Ok(Some(at)) = records.next(&mut fields) else { break };
        let is_number = |f: &Field| matches!(number::parse(f.bytes(text), NumberFormat::POINT), Number::Finite(_));
        lines.push(Line {
            at,
            fields: fields.len(),
            width: fields.iter().rposition(|f| !f.bytes(text).is_empty()).map_or(0, |i| i + 1),
            numbers: fields.iter().any(is_number),
        });
    }
    lines
}

/// A title, a source, a date: a line with at most half the table's fields.
const fn is_preamble(line: &Line, fields: usize) -> bool {
    let half = if fields / 2 > 1 { fields / 2 } else { 1 };
    line.fields < fields && line.width <= half
}

/// The most frequent count; of two equally frequent ones the larger.
fn most_frequent(counts: impl Iterator<Item = usize>) -> Option<usize> {
    let mut tally = std::collections::BTreeMap::new();
    for count in counts {
        *tally.entry(count).or_insert(0_usize) += 1;
    }
    tally.into_iter().max_by_key(|(count, times)| (*times, *count)).map(|(count, _)| count)
}

/// How a delimiter is called.
pub(super) fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b',' => "comma".into(),
        b';' => "semicolon".into(),
        b'\t' => "tab".into(),
        b'|' => "vertical bar".into(),
        other => format!("`{}`", char::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, delimiter: u8, preamble: usize) {
        let found = detect(text.as_bytes(), None);
        assert_eq!((found.delimiter, found.preamble), (delimiter, preamble), "{text}");
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_lines_agree() {
        check("a,b\n1,2\n3,4\n", b',', 0);
        check("a;b\n1,5;2,5\n3,5;4,5\n", b';', 0);
        check("a\tb\n1,5\t2\n", b'\t', 0);
        check("a|b|c\n1|2|3\n", b'|', 0);
        check("value\n1\n2\n", b';', 0);
        check("value\n1,5\n2\n3,5\n", b';', 0);
        check("name,list\nx,1;2;3\ny,4;5;6\n", b',', 0);
    }

    #[test]
    fn lines_before_the_header_are_passed_over() {
        check("Title\nhttp://x\n16:35:36 GMT\nSource: y\nDay,Value\n08/26/2019,1\n08/23/2019,2\n", b',', 4);
        check("Titel\nDatum;Wert\n2011-01-01;1,5\n2011-01-02;2,5\n", b';', 1);
    }

    #[test]
    fn a_short_header_is_not_taken_for_a_title() {
        check("a,b\n1,2,3\n4,5,6\n", b',', 0);
        check("a,b\n1,2,\n4,5,\n", b',', 0);
    }
}
