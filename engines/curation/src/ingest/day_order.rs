//! Whether `03/04/2024` is a day in April or in March, decided over all values of the column.

use rayon::prelude::*;

use super::error::{IngestError, Problem, shorten};
use super::frame::Frame;
use super::record::{Records, chunks, line_of};
use super::report::Report;
use super::time_format::{DayOrder, TimeFormat, numeric_parts};
use super::time_source::TimeSource;

const CHUNK_BYTES: usize = 4 << 20;

/// The first cells that settle the order, by the byte where they begin.
#[derive(Default)]
struct Evidence {
    day_first: Option<(usize, String)>,
    month_first: Option<(usize, String)>,
    example: Option<(usize, String)>,
}

/// The source with its day order settled, if it was open.
pub(super) fn settle(frame: &Frame<'_>, source: TimeSource, report: &mut Report) -> Result<TimeSource, IngestError> {
    let (column, separator, zoned, clock) = match &source {
        TimeSource::Column { index, format: TimeFormat::Numeric { order: DayOrder::Unknown, separator, zoned } } => {
            (*index, *separator, *zoned, None)
        }
        TimeSource::DateAndClock {
            date,
            format: TimeFormat::Numeric { order: DayOrder::Unknown, separator, zoned },
            clock,
        } => (*date, *separator, *zoned, Some(*clock)),
        TimeSource::Column { .. } | TimeSource::DateAndClock { .. } | TimeSource::Parts(_) | TimeSource::Rows => {
            return Ok(source);
        }
    };
    let evidence = gather(frame, column, separator);
    let (order, cell) = match (&evidence.day_first, &evidence.month_first) {
        (Some(day), Some(month)) => return Err(mixed(frame, column, day, month)),
        (Some((at, cell)), None) => (DayOrder::DayFirst, (at, cell)),
        (None, Some((at, cell))) => (DayOrder::MonthFirst, (at, cell)),
        (None, None) => return Err(ambiguous(frame, column, separator, &evidence)),
    };
    let format = TimeFormat::Numeric { order, separator, zoned };
    let reason = format!("`{}` in row {} can only be read so", cell.1, line_of(frame.text, *cell.0));
    report.infer("day and month", format.to_string(), reason, false);
    let settled = match clock {
        Some(clock) => TimeSource::DateAndClock { date: column, format, clock },
        None => TimeSource::Column { index: column, format },
    };
    report.refine("time format", settled.form());
    Ok(settled)
}

fn gather(frame: &Frame<'_>, column: usize, separator: u8) -> Evidence {
    let pieces: Vec<Evidence> = chunks(&frame.text[..frame.end], frame.data_at, CHUNK_BYTES)
        .into_par_iter()
        .map(|(from, to)| gather_piece(frame, column, separator, from, to))
        .collect();
    let mut all = Evidence::default();
    for piece in pieces {
        all.day_first = all.day_first.or(piece.day_first);
        all.month_first = all.month_first.or(piece.month_first);
        all.example = all.example.or(piece.example);
    }
    all
}

fn gather_piece(frame: &Frame<'_>, column: usize, separator: u8, from: usize, to: usize) -> Evidence {
    let mut evidence = Evidence::default();
    let mut records = Records::new(frame.text, from, to, frame.delimiter);
    let mut fields = Vec::new();
    // What is wrong with a row is found again, and reported, when the rows are read.
    while let Ok(Some(_)) = records.next(&mut fields) {
        let Some(field) = fields.get(column) else { continue };
        let cell = field.bytes(frame.text);
        let Some((first, second, _, _)) = numeric_parts(cell, separator) else { continue };
        let place = || Some((field.at(), shorten(&String::from_utf8_lossy(cell))));
        match (first > 12, second > 12) {
            (true, false) if evidence.day_first.is_none() => evidence.day_first = place(),
            (false, true) if evidence.month_first.is_none() => evidence.month_first = place(),
            _ if evidence.example.is_none() => evidence.example = place(),
            _ => {}
        }
    }
    evidence
}

fn mixed(frame: &Frame<'_>, column: usize, day: &(usize, String), month: &(usize, String)) -> IngestError {
    const DAY: &str = "has its day first";
    const MONTH: &str = "has its month first";
    let ((late, reading), (early, other_reading)) =
        if day.0 > month.0 { ((day, DAY), (month, MONTH)) } else { ((month, MONTH), (day, DAY)) };
    let problem = Problem::MixedDates {
        value: late.1.clone(),
        reading,
        other: early.1.clone(),
        other_row: line_of(frame.text, early.0),
        other_reading,
    };
    frame.error(Some(late.0), Some(column), problem)
}

fn ambiguous(frame: &Frame<'_>, column: usize, separator: u8, evidence: &Evidence) -> IngestError {
    let (at, value) = evidence.example.clone().unwrap_or((frame.data_at, String::new()));
    let s = char::from(separator);
    let clock = match value.matches(':').count() {
        0 => "",
        1 => " %H:%M",
        _ => " %H:%M:%S",
    };
    let problem = Problem::AmbiguousDates {
        value,
        day_first: format!("%d{s}%m{s}%Y{clock}"),
        month_first: format!("%m{s}%d{s}%Y{clock}"),
    };
    frame.error(Some(at), Some(column), problem)
}
