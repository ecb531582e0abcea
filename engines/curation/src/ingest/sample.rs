//! What each column seems to hold, judged from the first rows. The whole file is then read as if the guess
//! were right, and what does not fit it is dealt with where it is found.

use super::error::IngestError;
use super::frame::{Frame, is_blank};
use super::moment::{clock, integer};
use super::month_name::month_of;
use super::number::{self, Number, NumberFormat};
use super::options::DecimalMark;
use super::time_format::TimeFormat;

/// Rows looked at, at most.
const ROWS: usize = 1_000;
/// Cells looked at, about: a wide table shows itself in fewer rows.
const CELLS: usize = 200_000;

/// What a column seems to hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Guess {
    /// Nothing yet.
    Blank,
    Number(NumberFormat),
    Moment(TimeFormat),
    /// Times of day.
    Clock,
    Words,
}

/// A column's first cells, the missing ones left out.
#[derive(Clone, Debug)]
pub(super) struct Sampled<'a> {
    pub(super) cells: Vec<&'a [u8]>,
    pub(super) guess: Guess,
}

impl Sampled<'_> {
    /// The smallest and the largest value, where all are integers.
    pub(super) fn integers(&self) -> Option<(i64, i64)> {
        let mut range: Option<(i64, i64)> = None;
        for cell in &self.cells {
            let value = integer(cell)?;
            range = Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
        }
        range
    }

    /// Whether all cells are names or numbers of months.
    pub(super) fn is_months(&self) -> bool {
        !self.cells.is_empty()
            && self.cells.iter().all(|c| month_of(c).is_some() || integer(c).is_some_and(|m| (1..=12).contains(&m)))
    }

    /// The first cell as text.
    pub(super) fn example(&self) -> String {
        self.cells.first().map(|c| String::from_utf8_lossy(c).into_owned()).unwrap_or_default()
    }

    /// The share of cells that a test accepts.
    fn share(&self, test: impl Fn(&[u8]) -> bool) -> f64 {
        self.cells.iter().filter(|c| test(c)).count() as f64 / self.cells.len().max(1) as f64
    }
}

/// The first cells of every column, and what they seem to be.
pub(super) fn take<'a>(frame: &Frame<'a>, decimal: Option<DecimalMark>) -> Result<Vec<Sampled<'a>>, IngestError> {
    let columns = frame.names.len();
    let mut sampled: Vec<Sampled<'a>> = vec![Sampled { cells: Vec::new(), guess: Guess::Blank }; columns];
    let rows = (CELLS / columns.max(1)).clamp(50, ROWS);
    let mut records = frame.records();
    let mut fields = Vec::new();
    for _ in 0..rows {
        if records.next(&mut fields).map_err(|e| frame.scan_error(e))?.is_none() {
            break;
        }
        for (column, (field, name)) in sampled.iter_mut().zip(fields.iter().zip(&frame.names)) {
            let cell = field.bytes(frame.text);
            let empty = number::is_missing(cell, frame.missing) || (name.is_empty() && is_blank(cell));
            if !empty {
                column.cells.push(cell);
            }
        }
    }
    let formats = formats_to_try(frame.delimiter, decimal);
    for column in &mut sampled {
        column.guess = guess(column, &formats);
    }
    if decimal.is_none() {
        agree_on_mark(&mut sampled);
    }
    Ok(sampled)
}

/// Which forms of number to try, likeliest first. `"1,234"` between commas has a group of digits, between
/// semicolons a fraction.
pub(super) fn formats_to_try(delimiter: u8, decimal: Option<DecimalMark>) -> Vec<NumberFormat> {
    let [point, comma, grouped_point, grouped_comma] = NumberFormat::ALL;
    match decimal {
        Some(DecimalMark::Point) => vec![point, grouped_point],
        Some(DecimalMark::Comma) => vec![comma, grouped_comma],
        None if delimiter == b',' => vec![point, grouped_point, comma, grouped_comma],
        None => vec![point, comma, grouped_point, grouped_comma],
    }
}

fn guess(column: &Sampled<'_>, formats: &[NumberFormat]) -> Guess {
    if column.cells.is_empty() {
        return Guess::Blank;
    }
    let mut best = (0.0, NumberFormat::POINT);
    for format in formats {
        let share = column.share(|c| number::parse(c, *format) != Number::Other);
        if share > best.0 {
            best = (share, *format);
        }
    }
    if best.0 >= 0.5 {
        return Guess::Number(best.1);
    }
    if let Some(format) = column.cells.iter().find_map(|c| TimeFormat::recognise(c))
        && column.share(|c| TimeFormat::recognise(c).is_some()) >= 0.5
    {
        return Guess::Moment(format);
    }
    if column.share(|c| clock(c).is_some()) >= 0.5 { Guess::Clock } else { Guess::Words }
}

/// A file has one decimal mark. Where some column shows a decimal comma, columns that show no mark take it
/// too, and points that stand before groups of three digits are no fractions.
fn agree_on_mark(columns: &mut [Sampled<'_>]) {
    let comma = NumberFormat::ALL[1];
    let grouped_comma = NumberFormat::ALL[3];
    if !columns.iter().any(|c| c.guess == Guess::Number(comma)) {
        return;
    }
    for column in columns.iter_mut().filter(|c| c.guess == Guess::Number(NumberFormat::POINT)) {
        let whole = column.share(|c| number::parse(c, comma) != Number::Other);
        let grouped = column.share(|c| number::parse(c, grouped_comma) != Number::Other);
        if whole >= 1.0 {
            column.guess = Guess::Number(comma);
        } else if grouped >= 1.0 {
            column.guess = Guess::Number(grouped_comma);
        }
    }
}
