//! Which columns hold the time, and in which form.

use super::error::{IngestError, Problem, shorten};
use super::frame::Frame;
use super::moment::{Date, SECOND, clock, integer};
use super::month_name::month_of;
use super::nearest::nearest;
use super::options::IngestOptions;
use super::report::Report;
use super::sample::{Guess, Sampled};
use super::time_format::{DayOrder, TimeFormat};

/// Where a row's time comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TimeSource {
    /// One column.
    Column { index: usize, format: TimeFormat },
    /// A date in one column and a time of day in another.
    DateAndClock { date: usize, format: TimeFormat, clock: usize },
    /// Year, month, day, hour, minute, each in its own column.
    Parts(Vec<usize>),
    /// No column: the row's number.
    Rows,
}

/// Why a row has no time.
#[derive(Debug, PartialEq)]
pub(super) struct NoTime {
    /// The field at fault.
    pub(super) field: usize,
    /// Whether it is missing rather than wrong.
    pub(super) missing: bool,
}

impl TimeSource {
    /// The columns that it reads.
    pub(super) fn fields(&self) -> Vec<usize> {
        match self {
            Self::Column { index, .. } => vec![*index],
            Self::DateAndClock { date, clock, .. } => vec![*date, *clock],
            Self::Parts(parts) => parts.clone(),
            Self::Rows => Vec::new(),
        }
    }

    /// Whether times are step numbers.
    pub(super) const fn is_step(&self) -> bool {
        match self {
            Self::Column { format, .. } => format.is_step(),
            Self::Rows => true,
            Self::DateAndClock { .. } | Self::Parts(_) => false,
        }
    }

    /// The form of the cells, in words.
    pub(super) fn form(&self) -> String {
        match self {
            Self::Column { format, .. } => format.to_string(),
            Self::DateAndClock { format, .. } => format!("{format} and a time of day"),
            Self::Parts(_) => "year, month and so on in columns of their own".to_owned(),
            Self::Rows => "row number".to_owned(),
        }
    }

    /// The time of a row whose fields `cell` returns.
    #[inline]
    pub(super) fn parse<'c>(&self, cell: impl Fn(usize) -> &'c [u8]) -> Result<i64, NoTime> {
        let wrong = |field: usize| NoTime { field, missing: super::number::is_missing(cell(field), &[]) };
        match self {
            Self::Column { index, format } => format.parse(cell(*index)).ok_or_else(|| wrong(*index)),
            Self::DateAndClock { date, format, clock: time } => {
                let midnight = format.parse(cell(*date)).ok_or_else(|| wrong(*date))?;
                let (micros, _) = clock(cell(*time)).ok_or_else(|| wrong(*time))?;
                Ok(midnight + micros)
            }
            Self::Parts(parts) => from_parts(parts, &cell).map_err(wrong),
            Self::Rows => Ok(0),
        }
    }
}

fn from_parts<'c>(parts: &[usize], cell: &impl Fn(usize) -> &'c [u8]) -> Result<i64, usize> {
    let number = |place: usize, default: i64| match parts.get(place) {
        None => Ok(default),
        Some(field) => integer(cell(*field)).ok_or(*field),
    };
    let year = number(0, 0)?;
    let month = month_of(cell(parts[1])).or_else(|| integer(cell(parts[1]))).ok_or(parts[1])?;
    let last = *parts.get(2).unwrap_or(&parts[1]);
    let date = Date::new(year, month, number(2, 1)?).ok_or(last)?;
    let (hour, minute) = (number(3, 0)?, number(4, 0)?);
    if !(0..24).contains(&hour) {
        return Err(parts[3]);
    }
    if !(0..60).contains(&minute) {
        return Err(parts[4]);
    }
    Ok(date.micros() + (hour * 60 + minute) * 60 * SECOND)
}

/// Names of a time column, likeliest first.
const TIME_NAMES: [&str; 16] = [
    "timestamp",
    "datetime",
    "date_time",
    "time",
    "date",
    "ds",
    "day",
    "period",
    "utc",
    "local_time",
    "epoch",
    "unix",
    "ts",
    "unixtime",
    "unix_time",
    "datum",
];
const STEP_NAMES: [&str; 9] = ["step", "t", "time_idx", "time_index", "index", "idx", "tick", "obs", "row"];
const PART_NAMES: [&[&str]; 5] = [
    &["year", "yr", "yyyy"],
    &["month", "mo", "mm", "mnth"],
    &["day", "dd", "day_of_month", "mday"],
    &["hour", "hr", "hh"],
    &["minute", "min"],
];

fn rank(name: &str, names: &[&str]) -> Option<usize> {
    let lower = name.to_lowercase().replace([' ', '-'], "_");
    names.iter().position(|n| *n == lower)
}

/// Chooses the time column or columns.
pub(super) fn choose(
    frame: &Frame<'_>,
    sampled: &[Sampled<'_>],
    options: &IngestOptions,
    report: &mut Report,
) -> Result<TimeSource, IngestError> {
    let given_format = match &options.time_format {
        None => None,
        Some(text) => Some(TimeFormat::from_flag(text).ok_or_else(|| {
            IngestError::at(frame.file, None, None, Problem::BadTimeFormat { format: shorten(text) })
        })?),
    };
    let (source, reason, told) = match &options.time {
        Some(name) => (named(frame, sampled, name, given_format.clone())?, "given by --time".to_owned(), true),
        None => {
            let (source, reason) = infer(frame, sampled, options, given_format.clone())?;
            (source, reason, false)
        }
    };
    let columns: Vec<String> = source.fields().iter().map(|i| frame.label(*i)).collect();
    let choice = if columns.is_empty() { "row number".to_owned() } else { columns.join(" + ") };
    report.infer("time column", choice, reason, told);
    if source != TimeSource::Rows {
        let reason = if given_format.is_some() { "given by --time-format" } else { "the form of its cells" };
        report.infer("time format", source.form(), reason, given_format.is_some());
    }
    Ok(source)
}

fn named(
    frame: &Frame<'_>,
    sampled: &[Sampled<'_>],
    name: &str,
    given: Option<TimeFormat>,
) -> Result<TimeSource, IngestError> {
    if let Some(index) = frame.find(name) {
        let format = match given {
            Some(format) => format,
            None => format_of(frame, index, &sampled[index])?,
        };
        return Ok(with_clock(frame, sampled, index, format));
    }
    let parts: Vec<&str> = name.split('+').map(str::trim).collect();
    let columns: Vec<Option<usize>> = parts.iter().map(|p| frame.find(p)).collect();
    if let Some(unknown) = columns.iter().position(Option::is_none) {
        let names = frame.given_names();
        let name = parts[unknown].to_owned();
        let problem = Problem::UnknownColumn { flag: "--time", near: nearest(&name, &names), name, columns: names };
        return Err(IngestError::at(frame.file, None, None, problem));
    }
    let columns: Vec<usize> = columns.into_iter().flatten().collect();
    match columns[..] {
        [date, time] if sampled[time].guess == Guess::Clock => {
            let format = match given {
                Some(format) => format,
                None => format_of(frame, date, &sampled[date])?,
            };
            Ok(TimeSource::DateAndClock { date, format, clock: time })
        }
        _ if columns.len() <= 5 && sampled[columns[1]].is_months() => Ok(TimeSource::Parts(columns)),
        _ => Err(unknown_format(frame, columns[1], &sampled[columns[1]])),
    }
}

/// The form of a column that was named as the time.
fn format_of(frame: &Frame<'_>, index: usize, column: &Sampled<'_>) -> Result<TimeFormat, IngestError> {
    match &column.guess {
        Guess::Moment(format) => Ok(format.clone()),
        _ => whole_number_format(frame.names[index].as_str(), column)
            .map(|(format, _)| format)
            .ok_or_else(|| unknown_format(frame, index, column)),
    }
}

fn unknown_format(frame: &Frame<'_>, index: usize, column: &Sampled<'_>) -> IngestError {
    let problem = Problem::UnknownTimeFormat { value: shorten(&column.example()) };
    IngestError::at(frame.file, None, Some(&frame.label(index)), problem)
}

/// What whole numbers mean as times, by their size and the column's name.
fn whole_number_format(name: &str, column: &Sampled<'_>) -> Option<(TimeFormat, &'static str)> {
    let (low, high) = column.integers()?;
    let within = |from: i64, to: i64| low >= from && high < to;
    let step_name = rank(name, &STEP_NAMES).is_some();
    if !step_name && within(1_000_000_000, 10_000_000_000) {
        return Some((TimeFormat::Epoch { per_second: 1 }, "whole numbers of the size of seconds since 1970"));
    }
    if !step_name && within(100_000_000_000, 10_000_000_000_000) {
        return Some((TimeFormat::Epoch { per_second: 1_000 }, "whole numbers of the size of milliseconds since 1970"));
    }
    if !step_name && within(100_000_000_000_000, 10_000_000_000_000_000) {
        return Some((
            TimeFormat::Epoch { per_second: 1_000_000 },
            "whole numbers of the size of microseconds since 1970",
        ));
    }
    if !step_name && within(100_000_000_000_000_000, i64::MAX) {
        return Some((
            TimeFormat::Epoch { per_second: 1_000_000_000 },
            "whole numbers of the size of nanoseconds since 1970",
        ));
    }
    if !step_name && column.cells.iter().all(|c| TimeFormat::Compact.parse(c).is_some()) {
        return Some((TimeFormat::Compact, "whole numbers that are dates as yyyymmdd"));
    }
    let year_name = rank(name, PART_NAMES[0]).is_some();
    if (year_name && within(1, 3_000)) || (!step_name && within(1_500, 2_201)) {
        return Some((TimeFormat::Year, "whole numbers in the range of years"));
    }
    Some((TimeFormat::Step, "whole numbers that are no moments: step numbers"))
}

/// Joins a column of dates with the column of times of day that completes it.
fn with_clock(frame: &Frame<'_>, sampled: &[Sampled<'_>], date: usize, format: TimeFormat) -> TimeSource {
    let dates_only = sampled[date].cells.iter().all(|cell| {
        let midnight = format.parse(cell).is_some_and(|t| t % super::moment::DAY == 0);
        !cell.contains(&b':') && (midnight || unordered(&format))
    });
    let is_clock = |index: &usize| sampled[*index].guess == Guess::Clock;
    let partner = (0..sampled.len()).filter(is_clock).min_by_key(|index| {
        let named = frame.names[*index].to_lowercase().contains("time");
        (usize::from(!named), index.abs_diff(date))
    });
    match partner {
        Some(clock) if !format.is_step() && dates_only => TimeSource::DateAndClock { date, format, clock },
        _ => TimeSource::Column { index: date, format },
    }
}

const fn unordered(format: &TimeFormat) -> bool {
    matches!(format, TimeFormat::Numeric { order: DayOrder::Unknown, .. })
}

fn infer(
    frame: &Frame<'_>,
    sampled: &[Sampled<'_>],
    options: &IngestOptions,
    given: Option<TimeFormat>,
) -> Result<(TimeSource, String), IngestError> {
    let spoken_for: Vec<&str> = options.target.iter().chain(&options.item).map(String::as_str).collect();
    let free = |index: &usize| !frame.names[*index].is_empty() && !spoken_for.contains(&frame.names[*index].as_str());
    let all: Vec<usize> = (0..sampled.len()).filter(free).collect();
    let by_name = |index: &usize| rank(&frame.names[*index], &TIME_NAMES).unwrap_or(usize::MAX);
    if let Some(format) = given {
        let fits = |index: &&usize| sampled[**index].cells.first().is_some_and(|c| format.parse(c).is_some());
        if let Some(index) = all.iter().filter(fits).min_by_key(|i| (by_name(i), **i)) {
            return Ok((with_clock(frame, sampled, *index, format), "the column whose cells fit --time-format".into()));
        }
        let index = all.iter().copied().min_by_key(|i| (by_name(i), *i)).unwrap_or(0);
        let problem = Problem::BadTime { value: shorten(&sampled[index].example()), format: format.to_string() };
        return Err(IngestError::at(frame.file, None, Some(&frame.label(index)), problem));
    }
    let moments = all.iter().copied().filter(|i| matches!(sampled[*i].guess, Guess::Moment(_)));
    if let Some(index) = moments.min_by_key(|i| (by_name(i), *i))
        && let Guess::Moment(format) = &sampled[index].guess
    {
        let source = with_clock(frame, sampled, index, format.clone());
        let reason = match source {
            TimeSource::DateAndClock { .. } => "one column holds dates, the other times of day",
            _ => "its cells are dates",
        };
        return Ok((source, reason.to_owned()));
    }
    if let Some(parts) = parts_by_name(frame, sampled, &all) {
        return Ok((TimeSource::Parts(parts), "their names and values are those of a date's parts".to_owned()));
    }
    infer_from_names(frame, sampled, &all)
}

/// The column of step numbers that can stand in for a column of times with gaps in it.
pub(super) fn stand_in(frame: &Frame<'_>, sampled: &[Sampled<'_>]) -> Option<usize> {
    (0..sampled.len()).find(|i| rank(&frame.names[*i], &STEP_NAMES).is_some() && sampled[*i].integers().is_some())
}

/// Year and month, and perhaps day, hour and minute, by their names.
fn parts_by_name(frame: &Frame<'_>, sampled: &[Sampled<'_>], all: &[usize]) -> Option<Vec<usize>> {
    let mut parts = Vec::new();
    for names in PART_NAMES {
        let Some(index) = all.iter().copied().find(|i| rank(&frame.names[*i], names).is_some()) else { break };
        parts.push(index);
    }
    if parts.len() < 2 || !sampled[parts[1]].is_months() {
        return None;
    }
    let within = |index: usize, from: i64, to: i64| {
        sampled[index].integers().is_some_and(|(low, high)| low >= from && high <= to)
    };
    let ranges = [(1_000, 2_999), (1, 12), (1, 31), (0, 23), (0, 59)];
    let good = parts.iter().zip(ranges).enumerate().all(|(k, (index, (from, to)))| k == 1 || within(*index, from, to));
    good.then_some(parts)
}

/// Whole numbers under a name that says time, then years, then step numbers, then nothing.
fn infer_from_names(
    frame: &Frame<'_>,
    sampled: &[Sampled<'_>],
    all: &[usize],
) -> Result<(TimeSource, String), IngestError> {
    for names in [&TIME_NAMES[..], PART_NAMES[0], &STEP_NAMES[..]] {
        let ranked =
            all.iter().copied().filter(|i| rank(&frame.names[*i], names).is_some() && sampled[*i].integers().is_some());
        if let Some(index) = ranked.min_by_key(|i| (rank(&frame.names[*i], names), *i))
            && let Some((format, reason)) = whole_number_format(&frame.names[index], &sampled[index])
        {
            return Ok((TimeSource::Column { index, format }, format!("its name, and {reason}")));
        }
    }
    // A column that is called a time and cannot be read must not be passed over in silence.
    let unread = |index: &usize| {
        rank(&frame.names[*index], &TIME_NAMES[..6]).is_some()
            && matches!(sampled[*index].guess, Guess::Words | Guess::Clock)
            && sampled[*index].cells.first().is_some_and(|c| c.iter().any(u8::is_ascii_digit))
    };
    if let Some(index) = all.iter().copied().find(unread) {
        return Err(unknown_format(frame, index, &sampled[index]));
    }
    Ok((TimeSource::Rows, "no column holds times, so rows are taken as steps".to_owned()))
}
