//! A table's frame: where its rows begin and end, and what its columns are called.

use std::collections::BTreeMap;

use super::dialect::Dialect;
use super::error::{IngestError, Problem, shorten};
use super::name::{column_name, control_character};
use super::number::{self, Number, NumberFormat};
use super::options::{IngestOptions, Limits};
use super::record::{Field, Records, ScanError, line_of};
use super::time_format::TimeFormat;

/// The longest column name in bytes.
const LONGEST_NAME: usize = 1_024;
/// The most lines below a table that are passed over.
const FOOTER_LINES: usize = 20;

/// The text with everything that is known before its rows are read.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a [u8],
    /// The byte where the first row begins.
    pub(super) data_at: usize,
    /// The byte behind the last row.
    pub(super) end: usize,
    pub(super) delimiter: u8,
    /// One name for each field of the header; empty where the header says nothing.
    pub(super) names: Vec<String>,
    /// The fields that every row must have: up to the last one with a name.
    pub(super) required: usize,
    /// Lines below the table that were passed over.
    pub(super) footer: usize,
    pub(super) limits: Limits,
    pub(super) missing: &'a [String],
}

impl<'a> Frame<'a> {
    /// Reads the header.
    pub(super) fn read(text: &'a [u8], dialect: &Dialect, options: &'a IngestOptions) -> Result<Self, IngestError> {
        let mut frame = Self {
            file: &options.file_name,
            text,
            data_at: dialect.header_at,
            end: text.len(),
            delimiter: dialect.delimiter,
            names: Vec::new(),
            required: 0,
            footer: 0,
            limits: options.limits,
            missing: &options.missing,
        };
        let mut records = Records::new(text, dialect.header_at, text.len(), dialect.delimiter);
        let mut fields = Vec::new();
        let Some(at) = records.next(&mut fields).map_err(|e| frame.scan_error(e))? else {
            return Err(frame.error(None, None, Problem::Empty));
        };
        frame.data_at = records.position();
        frame.name_columns(at, &fields)?;
        frame.refuse_data_as_header(at)?;
        frame.refuse_duplicates(at)?;
        if records.next(&mut fields).map_err(|e| frame.scan_error(e))?.is_none() {
            return Err(frame.error(None, None, Problem::HeaderOnly));
        }
        frame.cut_footer();
        Ok(frame)
    }

    /// A refusal at a byte of the text.
    pub(super) fn error(&self, at: Option<usize>, column: Option<usize>, problem: Problem) -> IngestError {
        let column = column.map(|index| self.label(index));
        IngestError::at(self.file, at.map(|at| line_of(self.text, at)), column.as_deref(), problem)
    }

    pub(super) fn scan_error(&self, error: ScanError) -> IngestError {
        self.error(Some(error.at), None, error.problem)
    }

    /// The records of the rows.
    pub(super) const fn records(&self) -> Records<'a> {
        Records::new(self.text, self.data_at, self.end, self.delimiter)
    }

    /// The column of this name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let name = name.trim();
        self.names.iter().position(|n| !n.is_empty() && n == name)
    }

    /// The names that the header gives.
    pub(super) fn given_names(&self) -> Vec<String> {
        self.names.iter().filter(|n| !n.is_empty()).cloned().collect()
    }

    /// The name of a column, or its number where the header gives none.
    pub(super) fn label(&self, index: usize) -> String {
        match self.names.get(index) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("column_{}", index + 1),
        }
    }

    fn name_columns(&mut self, at: usize, fields: &[Field]) -> Result<(), IngestError> {
        let named = fields.iter().rposition(|f| !is_blank(f.bytes(self.text))).map_or(0, |i| i + 1);
        if named > self.limits.columns {
            let problem = Problem::TooManyColumns { columns: named, limit: self.limits.columns };
            return Err(self.error(Some(at), None, problem));
        }
        for (index, field) in fields.iter().take(self.limits.columns).enumerate() {
            let bytes = field.unquoted(self.text);
            let text = if is_blank(&bytes) { String::new() } else { String::from_utf8_lossy(&bytes).into_owned() };
            let problem = if bytes.len() > LONGEST_NAME {
                Some(Problem::FieldTooLong { bytes: bytes.len(), limit: LONGEST_NAME })
            } else {
                control_character(&text).map(|c| Problem::ControlCharacter { code: format!("U+{:04X}", u32::from(c)) })
            };
            if let Some(problem) = problem {
                let column = format!("column_{}", index + 1);
                let row = Some(line_of(self.text, field.at()));
                return Err(IngestError::at(self.file, row, Some(&column), problem));
            }
            self.names.push(column_name(&text));
        }
        self.required = named;
        Ok(())
    }

    /// A header never holds a date, and never nothing but numbers.
    fn refuse_data_as_header(&self, at: usize) -> Result<(), IngestError> {
        let given: Vec<&String> = self.names.iter().filter(|n| !n.is_empty()).collect();
        let is_number =
            |name: &&&String| matches!(number::parse(name.as_bytes(), NumberFormat::POINT), Number::Finite(_));
        let is_date = |name: &&&String| {
            matches!(
                TimeFormat::recognise(name.as_bytes()),
                Some(TimeFormat::YearFirst { .. } | TimeFormat::Numeric { .. })
            )
        };
        let dates = given.iter().filter(is_date).count();
        let data = given.iter().all(|n| is_number(&n) || is_date(&n))
            || (dates > 0 && dates < given.len() && is_date(&&given[0]));
        match given.first() {
            None => Err(self.error(Some(at), None, Problem::NoHeader { first: String::new() })),
            Some(first) if data => Err(self.error(Some(at), None, Problem::NoHeader { first: shorten(first) })),
            Some(_) => Ok(()),
        }
    }

    fn refuse_duplicates(&self, at: usize) -> Result<(), IngestError> {
        let mut seen = BTreeMap::new();
        for (index, name) in self.names.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
            if let Some(first) = seen.insert(name, index) {
                let problem = Problem::DuplicateHeader { first: first + 1, second: index + 1 };
                return Err(self.error(Some(at), Some(index), problem));
            }
        }
        Ok(())
    }

    /// Leaves out lines such as `Source: …` below the last row: words without a delimiter, in a table that
    /// has several columns.
    fn cut_footer(&mut self) {
        if self.required < 2 {
            return;
        }
        while self.footer < FOOTER_LINES {
            let rows = &self.text[self.data_at..self.end];
            let kept = rows.trim_ascii_end();
            let start = kept.iter().rposition(|b| matches!(b, b'\n' | b'\r')).map_or(0, |i| i + 1);
            let line = &kept[start..];
            let words = !line.contains(&self.delimiter) && !line.contains(&b'"');
            if start == 0 || !words || !line.iter().any(u8::is_ascii_alphabetic) {
                return;
            }
            self.end = self.data_at + start;
            self.footer += 1;
        }
    }
}

/// Whether a cell holds nothing, or nothing but delimiters that strayed into it.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b',' | b';' | b'\t' | b'|' | b' '))
}
