//! Reading all rows into columns, in pieces, each on a core of its own.
//!
//! The pieces are cut by size alone and joined in the order of the file, so the result does not depend on
//! how many cores there are.

use rayon::prelude::*;

use super::cells::{Builder, Plan, Scanned};
use super::error::{IngestError, Problem, shorten};
use super::frame::{Frame, is_blank};
use super::record::{Field, Records, chunks};
use super::time_source::{NoTime, TimeSource};

/// Bytes of a piece.
const CHUNK_BYTES: usize = 4 << 20;

/// The rows of a file, by column.
#[derive(Debug)]
pub(super) struct Scan {
    /// One time for each row: microseconds, step numbers, or zero where the row's number stands for the time.
    pub(super) times: Vec<i64>,
    /// One for each column of the header.
    pub(super) columns: Vec<Scanned>,
    /// Rows that held nothing and were left out.
    pub(super) blank_rows: u64,
    /// Rows with delimiters behind their last field.
    pub(super) overlong_rows: u64,
    /// Rows that end before the last column, if there are any.
    pub(super) short: Option<Short>,
}

/// Rows that end before the last column. They are accepted where the columns that they leave out are empty in
/// all rows: some programs drop the delimiters behind the last cell that is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    /// The byte where the first of them begins.
    at: usize,
    /// Its fields.
    fields: usize,
    /// The fewest fields of any.
    fewest: usize,
}

impl Scan {
    pub(super) fn rows(&self) -> usize {
        self.times.len()
    }

    fn refuse_short_rows(&self, frame: &Frame<'_>) -> Result<(), IngestError> {
        let Some(short) = self.short else { return Ok(()) };
        let filled = |column: &Scanned| column.tally.missing < self.times.len() as u64 || column.tally.misfits > 0;
        match self.columns.iter().take(frame.required).skip(short.fewest).any(filled) {
            true => {
                let problem = Problem::RaggedRow { expected: frame.required, found: short.fields };
                Err(frame.error(Some(short.at), None, problem))
            }
            false => Ok(()),
        }
    }
}

/// A piece's rows, or the first refusal in it.
struct Piece {
    times: Vec<i64>,
    builders: Vec<Builder>,
    blank_rows: u64,
    overlong_rows: u64,
    short: Option<Short>,
    refused: Option<Refused>,
}

struct Refused {
    at: usize,
    column: Option<usize>,
    problem: Problem,
}

/// Reads all rows, each column by its plan.
pub(super) fn scan(frame: &Frame<'_>, time: &TimeSource, plans: &[Plan]) -> Result<Scan, IngestError> {
    let pieces: Vec<Piece> = chunks(&frame.text[..frame.end], frame.data_at, CHUNK_BYTES)
        .into_par_iter()
        .map(|(from, to)| read_piece(frame, time, plans, from, to))
        .collect();
    let mut scan = Scan { times: Vec::new(), columns: Vec::new(), blank_rows: 0, overlong_rows: 0, short: None };
    let mut builders: Vec<Vec<Builder>> = plans.iter().map(|_| Vec::new()).collect();
    for piece in pieces {
        if let Some(refused) = piece.refused {
            return Err(frame.error(Some(refused.at), refused.column, refused.problem));
        }
        scan.blank_rows += piece.blank_rows;
        scan.overlong_rows += piece.overlong_rows;
        scan.short = match (scan.short, piece.short) {
            (Some(a), Some(b)) => Some(Short { fewest: a.fewest.min(b.fewest), ..a }),
            (a, b) => a.or(b),
        };
        if scan.times.is_empty() {
            scan.times = piece.times;
        } else {
            scan.times.extend_from_slice(&piece.times);
        }
        for (parts, builder) in builders.iter_mut().zip(piece.builders) {
            parts.push(builder);
        }
        if scan.times.len() > frame.limits.rows {
            return Err(frame.error(None, None, Problem::TooManyRows { limit: frame.limits.rows }));
        }
    }
    scan.columns = builders.into_par_iter().map(Scanned::join).collect();
    scan.refuse_short_rows(frame)?;
    Ok(scan)
}

fn read_piece(frame: &Frame<'_>, time: &TimeSource, plans: &[Plan], from: usize, to: usize) -> Piece {
    let rows = estimate_rows(frame, from, to);
    let mut piece = Piece {
        times: Vec::with_capacity(rows),
        builders: plans.iter().map(|plan| Builder::new(plan, rows)).collect(),
        blank_rows: 0,
        overlong_rows: 0,
        short: None,
        refused: None,
    };
    let mut records = Records::new(frame.text, from, to, frame.delimiter);
    let mut fields = Vec::with_capacity(frame.names.len() + 8);
    loop {
        match records.next(&mut fields) {
            Ok(None) => break,
            Ok(Some(at)) => {
                if let Err(refused) = piece.row(frame, time, at, records.position(), &fields) {
                    piece.refused = Some(refused);
                    break;
                }
            }
            Err(error) => {
                piece.refused = Some(Refused { at: error.at, column: None, problem: error.problem });
                break;
            }
        }
        if piece.times.len() > frame.limits.rows {
            break;
        }
    }
    piece
}

/// From the first line's length; being wrong costs a reallocation, not a wrong result.
fn estimate_rows(frame: &Frame<'_>, from: usize, to: usize) -> usize {
    let piece = &frame.text[from..to];
    let line = piece.iter().position(|b| *b == b'\n').unwrap_or(piece.len()).max(8);
    piece.len() / line + piece.len() / line / 8 + 1
}

impl Piece {
    /// Takes in one row.
    #[inline]
    fn row(
        &mut self,
        frame: &Frame<'_>,
        time: &TimeSource,
        at: usize,
        next: usize,
        fields: &[Field],
    ) -> Result<(), Refused> {
        if next - at > frame.limits.field_bytes {
            refuse_long_fields(frame, fields)?;
        }
        let text = frame.text;
        let cell = |index: usize| fields.get(index).map_or(&b""[..], |f| f.bytes(text));
        let moment = match time.parse(cell) {
            Ok(moment) => moment,
            Err(_) if fields.iter().all(|f| is_blank(f.bytes(text))) => {
                self.blank_rows += 1;
                return Ok(());
            }
            // A ragged row is ragged first: its cells stand in the wrong columns.
            Err(no_time) => {
                check_width(frame, at, fields)?;
                return Err(bad_time(frame, time, at, fields, &no_time));
            }
        };
        if fields.len() != frame.names.len() {
            self.odd_width(frame, time, at, fields)?;
        }
        for (builder, field) in self.builders.iter_mut().zip(fields) {
            if let Err(problem) = builder.push(frame, field) {
                let column = fields.iter().position(|f| f == field);
                return Err(Refused { at: field.at(), column, problem });
            }
        }
        for builder in self.builders.iter_mut().skip(fields.len()) {
            builder.push_missing();
        }
        self.times.push(moment);
        Ok(())
    }
}

impl Piece {
    /// Takes note of a row with more or fewer fields than the header.
    #[cold]
    fn odd_width(&mut self, frame: &Frame<'_>, time: &TimeSource, at: usize, fields: &[Field]) -> Result<(), Refused> {
        let needed = time.fields().into_iter().max().map_or(0, |last| last + 1);
        if fields.len() > frame.names.len() || fields.len() < needed {
            check_width(frame, at, fields)?;
            self.overlong_rows += 1;
        } else if fields.len() < frame.required {
            let fewest = self.short.map_or(usize::MAX, |s| s.fewest).min(fields.len());
            let first = self.short.unwrap_or(Short { at, fields: fields.len(), fewest });
            self.short = Some(Short { fewest, ..first });
        }
        Ok(())
    }
}

#[cold]
fn check_width(frame: &Frame<'_>, at: usize, fields: &[Field]) -> Result<(), Refused> {
    let blank_tail = fields.iter().skip(frame.names.len()).all(|f| is_blank(f.bytes(frame.text)));
    if fields.len() < frame.required || !blank_tail {
        let problem = Problem::RaggedRow { expected: frame.required, found: fields.len() };
        return Err(Refused { at, column: None, problem });
    }
    Ok(())
}

#[cold]
fn refuse_long_fields(frame: &Frame<'_>, fields: &[Field]) -> Result<(), Refused> {
    let limit = frame.limits.field_bytes;
    match fields.iter().position(|f| f.len() > limit) {
        Some(column) => {
            let problem = Problem::FieldTooLong { bytes: fields[column].len(), limit };
            Err(Refused { at: fields[column].at(), column: Some(column), problem })
        }
        None => Ok(()),
    }
}

#[cold]
fn bad_time(frame: &Frame<'_>, time: &TimeSource, at: usize, fields: &[Field], no_time: &NoTime) -> Refused {
    let field = fields.get(no_time.field);
    let value = field.map(|f| String::from_utf8_lossy(f.bytes(frame.text)).into_owned()).unwrap_or_default();
    let problem = if no_time.missing {
        Problem::MissingTime
    } else {
        Problem::BadTime { value: shorten(&value), format: time.form() }
    };
    Refused { at: field.map_or(at, Field::at), column: Some(no_time.field), problem }
}

/// The byte where a row begins, the rows that were left out not counted.
pub(super) fn nth_row(frame: &Frame<'_>, time: &TimeSource, row: usize) -> Option<usize> {
    let mut records = frame.records();
    let mut fields = Vec::new();
    let mut left = row;
    while let Ok(Some(at)) = records.next(&mut fields) {
        let cell = |index: usize| fields.get(index).map_or(&b""[..], |f: &Field| f.bytes(frame.text));
        let blank = fields.iter().all(|f| is_blank(f.bytes(frame.text)));
        if *time != TimeSource::Rows && blank && time.parse(cell).is_err() {
            continue;
        }
        if left == 0 {
            return Some(at);
        }
        left -= 1;
    }
    None
}
