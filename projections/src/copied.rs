//! Rows in the text form of Postgres' COPY: a line a row, a tab between values, `\N` for none, backslashes before what would
//! be mistaken for one of these.

use std::borrow::Cow;

/// Rows, from bytes that come in pieces.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    /// Where the next row begins.
    begin: usize,
}

impl Rows {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.bytes.drain(..self.begin);
        self.begin = 0;
        self.bytes.extend_from_slice(piece);
    }

    /// The values of the next row that is there whole. One that is not text, as none of Postgres' is in this encoding, is read
    /// with replacement characters.
    pub(crate) fn next_row(&mut self) -> Option<Vec<Option<Cow<'_, str>>>> {
        let rest = &self.bytes[self.begin..];
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        self.begin += length + 1;
        let row = &self.bytes[self.begin - length - 1..self.begin - 1];
        Some(row.split(|byte| *byte == b'\t').map(value).collect())
    }

    /// Whether no part of a row is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.begin == self.bytes.len()
    }
}

fn value(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if bytes == b"\\N" {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    if !text.contains('\\') {
        return Some(text);
    }
    let (mut plain, mut characters) = (String::with_capacity(text.len()), text.chars());
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                other => other,
            },
            other => other,
        });
    }
    Some(Cow::Owned(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&str]) -> (Vec<Vec<Option<String>>>, bool) {
        let (mut rows, mut found) = (Rows::default(), Vec::new());
        for piece in pieces {
            rows.push(piece.as_bytes());
            while let Some(row) = rows.next_row() {
                found.push(row.into_iter().map(|value| value.map(Cow::into_owned)).collect());
            }
        }
        (found, rows.is_empty())
    }

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn values_are_as_they_were() {
        let (rows, whole) = all(&["a\t\\N\t\n{1,2}\tq\\\\N\tx\\ty\\nz\n"]);
        assert!(whole);
        assert_eq!(rows, [vec![text("a"), None, text("")], vec![text("{1,2}"), text("q\\N"), text("x\ty\nz")]]);
    }

    #[test]
    fn rows_may_come_in_pieces() {
        let whole = "aé\t1\nbb\t\\N\n";
        let rows = all(&[whole]).0;
        for cut in 1..whole.len() {
            let mut reader = Rows::default();
            let mut found = Vec::new();
            for piece in [&whole.as_bytes()[..cut], &whole.as_bytes()[cut..]] {
                reader.push(piece);
                while let Some(row) = reader.next_row() {
                    found.push(row.into_iter().map(|value| value.map(Cow::into_owned)).collect::<Vec<_>>());
                }
            }
            assert!(found == rows && reader.is_empty(), "cut at {cut}");
        }
        assert!(!all(&["a\t1"]).1, "a row without its end is none");
    }
}
