//! Splitting text into records and fields (RFC 4180, with any delimiter and any line end).
//!
//! A scanner of our own rather than the `csv` crate's: it refuses quotes that never close or are followed by
//! text, which that crate reads in silence, it gives byte offsets from which a line number can be found when
//! an error needs one, and it lets a file without quotes be cut into chunks. A property test holds it to the
//! `csv` crate's reading of well-formed files.

use std::borrow::Cow;

use super::error::Problem;

/// Where a field lies in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    start: usize,
    end: usize,
    quotes: Quotes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    None,
    Around,
    AroundAndInside,
}

impl Field {
    /// The field's bytes without its quotes and without white space around them. A doubled quote is still
    /// doubled: see [`Field::unquoted`].
    pub(super) fn bytes<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        trim(&text[self.start..self.end])
    }

    /// The field's bytes with doubled quotes made single.
    pub(super) fn unquoted<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let bytes = self.bytes(text);
        if self.quotes != Quotes::AroundAndInside {
            return Cow::Borrowed(bytes);
        }
        let mut single = Vec::with_capacity(bytes.len());
        let mut skip = false;
        for &byte in bytes {
            skip = byte == b'"' && !skip;
            if !skip {
                single.push(byte);
            }
        }
        Cow::Owned(single)
    }

    /// The byte where the field begins.
    pub(super) const fn at(&self) -> usize {
        self.start
    }

    /// The length as it stands in the file.
    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }
}

/// Removes blanks at both ends; almost every field has none, so the ends are looked at first.
#[inline]
fn trim(bytes: &[u8]) -> &[u8] {
    match bytes {
        [] => bytes,
        [first, .., last] if *first > b' ' && *last > b' ' => bytes,
        _ => bytes.trim_ascii(),
    }
}

/// A scan that failed at a byte of the text.
#[derive(Debug)]
pub(super) struct ScanError {
    pub(super) at: usize,
    pub(super) problem: Problem,
}

/// The records of a text, one after the other. Blank lines are passed over.
#[derive(Clone, Debug)]
pub(super) struct Records<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
    delimiter: u8,
}

impl<'a> Records<'a> {
    /// The records between two bytes of the text.
    pub(super) const fn new(text: &'a [u8], from: usize, to: usize, delimiter: u8) -> Self {
        Self { text, at: from, end: to, delimiter }
    }

    /// Where the next record begins.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Puts the next record's fields into `fields` and returns the byte where the record begins; nothing at
    /// the end of the text.
    pub(super) fn next(&mut self, fields: &mut Vec<Field>) -> Result<Option<usize>, ScanError> {
        while self.at < self.end {
            let start = self.at;
            fields.clear();
            while self.field(fields)? {}
            let blank = fields.len() == 1 && fields[0].quotes == Quotes::None && fields[0].bytes(self.text).is_empty();
            if !blank {
                return Ok(Some(start));
            }
        }
        Ok(None)
    }

    /// Reads one field; true when the record goes on behind it.
    #[inline]
    fn field(&mut self, fields: &mut Vec<Field>) -> Result<bool, ScanError> {
        let start = self.at;
        let rest = &self.text[start..self.end];
        if matches!(rest.first(), Some(b'"' | b' ')) {
            let blanks = rest.iter().take_while(|b| **b == b' ').count();
            if rest.get(blanks) == Some(&b'"') {
                return self.quoted_field(start + blanks, fields);
            }
        }
        let delimiter = self.delimiter;
        let length = rest.iter().position(|b| *b == delimiter || *b == b'\n' || *b == b'\r').unwrap_or(rest.len());
        fields.push(Field { start, end: start + length, quotes: Quotes::None });
        Ok(self.step_over(start + length))
    }

    #[cold]
    fn quoted_field(&mut self, quote: usize, fields: &mut Vec<Field>) -> Result<bool, ScanError> {
        let mut at = quote + 1;
        let mut quotes = Quotes::Around;
        loop {
            match self.text[at..self.end].iter().position(|b| *b == b'"') {
                None => return Err(ScanError { at: quote, problem: Problem::UnclosedQuote }),
                Some(length) => at += length,
            }
            if self.text[..self.end].get(at + 1) != Some(&b'"') {
                break;
            }
            quotes = Quotes::AroundAndInside;
            at += 2;
        }
        fields.push(Field { start: quote + 1, end: at, quotes });
        let behind = &self.text[at + 1..self.end];
        let blanks = behind.iter().take_while(|b| **b == b' ').count();
        match behind.get(blanks) {
            Some(b) if *b != self.delimiter && *b != b'\n' && *b != b'\r' => {
                Err(ScanError { at, problem: Problem::StrayQuote })
            }
            _ => Ok(self.step_over(at + 1 + blanks)),
        }
    }

    /// Steps over the delimiter or the line end at `at`; true for a delimiter.
    #[inline]
    fn step_over(&mut self, at: usize) -> bool {
        match self.text[..self.end].get(at) {
            Some(b) if *b == self.delimiter => {
                self.at = at + 1;
                true
            }
            Some(b'\r') if self.text[..self.end].get(at + 1) == Some(&b'\n') => {
                self.at = at + 2;
                false
            }
            _ => {
                self.at = (at + 1).min(self.end);
                false
            }
        }
    }
}

/// The line of the file, counted from 1, on which a byte lies. A carriage return alone ends a line as well.
pub(super) fn line_of(text: &[u8], at: usize) -> u64 {
    let before = &text[..at.min(text.len())];
    let breaks = before.iter().enumerate().filter(|(i, b)| match **b {
        b'\n' => true,
        b'\r' => text.get(i + 1) != Some(&b'\n'),
        _ => false,
    });
    1 + breaks.count() as u64
}

/// Cuts the text behind `from` into pieces of about `size` bytes that end with a line. A text with quotes is
/// not cut: whether a line end lies inside a field is only known from the beginning.
pub(super) fn chunks(text: &[u8], from: usize, size: usize) -> Vec<(usize, usize)> {
    if text[from..].contains(&b'"') {
        return vec![(from, text.len())];
    }
    let mut pieces = Vec::new();
    let mut start = from;
    while start < text.len() {
        let wanted = start.saturating_add(size).min(text.len());
        let end = text[wanted..].iter().position(|b| *b == b'\n').map_or(text.len(), |i| wanted + i + 1);
        pieces.push((start, end));
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, delimiter: u8) -> Result<Vec<Vec<String>>, String> {
        let bytes = text.as_bytes();
        let mut records = Records::new(bytes, 0, bytes.len(), delimiter);
        let (mut fields, mut all) = (Vec::new(), Vec::new());
        while records.next(&mut fields).map_err(|e| format!("{}: {}", line_of(bytes, e.at), e.problem))?.is_some() {
            all.push(fields.iter().map(|f| String::from_utf8(f.unquoted(bytes).into_owned()).unwrap()).collect());
        }
        Ok(all)
    }

    #[test]
    fn quotes_line_ends_and_blanks_are_understood() {
        assert_eq!(
            read("a, \"b,\n\"\"c\"\"\" ,d\r\n\r\n1,2,\r3", b',').unwrap(),
            [vec!["a", "b,\n\"c\"", "d"], vec!["1", "2", ""], vec!["3"]]
        );
    }

    #[test]
    fn broken_quotes_are_refused_with_their_line() {
        assert!(read("a,b\n1,\"2\n3,4\n", b',').unwrap_err().starts_with("2: a quoted field"));
        assert!(read("a,b\n1,2\n\"3\"x,4\n", b',').unwrap_err().starts_with("3: text follows"));
    }

    #[test]
    fn chunks_end_with_lines_and_cover_the_text() {
        let text = b"h\n11\n22\n33\n44";
        let pieces = chunks(text, 2, 4);
        assert_eq!(pieces, [(2, 8), (8, 13)]);
        assert_eq!(chunks(b"h\n\"1\"\n2\n", 2, 1).len(), 1);
    }

    proptest! {
        #[test]
        fn well_formed_files_read_as_the_csv_crate_reads_them(
            rows in prop::collection::vec(prop::collection::vec("[a-z\",;\n\r0-9.é]{0,6}", 3), 1..20),
            delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        ) {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(delimiter).has_headers(false).trim(csv::Trim::All).from_reader(text.as_bytes());
            let theirs: Vec<Vec<String>> =
                reader.records().map(|r| r.unwrap().iter().map(|f| f.trim_ascii().to_owned()).collect()).collect();
            let ours = read(&text, delimiter).unwrap();
            prop_assert_eq!(ours, theirs);
        }
    }
}
