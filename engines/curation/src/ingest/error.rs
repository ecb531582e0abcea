//! Why a file was refused: the place, what was wrong there, and what to do about it.

use std::fmt;

use super::options::Limits;

/// A refusal. Its text names the file, the row (the line of the file, counted from 1) and the column where
/// they are known, says what was wrong, and what to do.
#[derive(Debug)]
pub struct IngestError {
    /// The file's name as the caller gave it.
    pub file: String,
    /// The line of the file, counted from 1.
    pub row: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
    /// What was wrong.
    pub problem: Box<Problem>,
}

/// What was wrong. Each variant is one thing that a person can do something about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file could not be read at all.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// More bytes than the limit.
    #[error("the file has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// The file's size.
        bytes: u64,
        /// The largest size accepted.
        limit: u64,
    },
    /// More columns than the limit.
    #[error("the header has {columns} columns, the limit is {limit}")]
    TooManyColumns {
        /// Columns of the header.
        columns: usize,
        /// The most columns accepted.
        limit: usize,
    },
    /// More rows than the limit.
    #[error("the file has more than {limit} rows")]
    TooManyRows {
        /// The most rows accepted.
        limit: usize,
    },
    /// A field is longer than the limit.
    #[error("a field of {bytes} bytes, the limit is {limit}")]
    FieldTooLong {
        /// The field's length.
        bytes: usize,
        /// The longest field accepted.
        limit: usize,
    },
    /// No bytes, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// A header and nothing below it.
    #[error("the file has a header and no rows")]
    HeaderOnly,
    /// The first line holds data.
    #[error("the first line looks like data (`{first}`), not like column names")]
    NoHeader {
        /// The first field.
        first: String,
    },
    /// Binary data, or another text format.
    #[error("this is not a CSV file: {found}")]
    NotCsv {
        /// What it looks like.
        found: String,
    },
    /// The bytes fit no encoding that is known here.
    #[error("the text is not {encoding}: {detail}")]
    WrongEncoding {
        /// The encoding that was tried.
        encoding: String,
        /// What broke.
        detail: String,
    },
    /// `--encoding` names none that is known here.
    #[error("`{name}` is not the name of an encoding")]
    UnknownEncoding {
        /// What was given.
        name: String,
    },
    /// A character that steers terminals or hides text.
    #[error("the control character {code} is not accepted")]
    ControlCharacter {
        /// The character's code point, such as `U+001B`.
        code: String,
    },
    /// A row with too few or too many fields.
    #[error("the row has {found} fields, the header has {expected}")]
    RaggedRow {
        /// Fields in the header.
        expected: usize,
        /// Fields in the row.
        found: usize,
    },
    /// A quoted field that never ends.
    #[error("a quoted field begins here and never ends")]
    UnclosedQuote,
    /// Text after the closing quote.
    #[error("text follows a closing quote")]
    StrayQuote,
    /// Two columns with one name.
    #[error("columns {first} and {second} have the same name")]
    DuplicateHeader {
        /// The first column's number, from 1.
        first: usize,
        /// The second column's number, from 1.
        second: usize,
    },
    /// No column can be forecast.
    #[error("no column holds numbers (columns: {columns})")]
    NoNumericColumn {
        /// The columns and what they hold.
        columns: String,
    },
    /// A flag names a column that is not there.
    #[error("{flag} names `{name}`, and there is no such column")]
    UnknownColumn {
        /// The flag.
        flag: &'static str,
        /// What it named.
        name: String,
        /// The nearest column names.
        near: Vec<String>,
        /// All columns.
        columns: Vec<String>,
    },
    /// One column was given two roles.
    #[error("{first} and {second} name the same column")]
    TwoRoles {
        /// A flag.
        first: &'static str,
        /// Another flag.
        second: &'static str,
    },
    /// Several columns could be the target.
    #[error("several columns could be the target: {}", .candidates.join(", "))]
    TargetNeeded {
        /// The numeric columns.
        candidates: Vec<String>,
    },
    /// The target holds no numbers.
    #[error("the target holds no numbers ({holds})")]
    TargetNotNumeric {
        /// What it holds.
        holds: String,
    },
    /// The target never changes.
    #[error("the target is {value} in every row: there is nothing to forecast")]
    TargetConstant {
        /// Its only value.
        value: f64,
    },
    /// A cell of a numeric column that is no number.
    #[error("`{value}` is not a number")]
    NotANumber {
        /// The cell.
        value: String,
    },
    /// An infinite number, or one too large for a double.
    #[error("`{value}` is not a finite number")]
    NotFinite {
        /// The cell.
        value: String,
    },
    /// A time that cannot be read.
    #[error("`{value}` is not a time of the form {format}")]
    BadTime {
        /// The cell.
        value: String,
        /// The form of the column's other cells.
        format: String,
    },
    /// Times in a form that is not known here.
    #[error("the times, such as `{value}`, are in a form that is not recognised")]
    UnknownTimeFormat {
        /// A cell.
        value: String,
    },
    /// A `--time-format` that is no format.
    #[error("`{format}` is not a time format")]
    BadTimeFormat {
        /// What was given.
        format: String,
    },
    /// Two forms of date in one column.
    #[error("the dates are mixed: `{value}` {reading}, but `{other}` in row {other_row} {other_reading}")]
    MixedDates {
        /// A cell.
        value: String,
        /// How it must be read.
        reading: &'static str,
        /// A cell that contradicts it.
        other: String,
        /// That cell's line.
        other_row: u64,
        /// How that cell must be read.
        other_reading: &'static str,
    },
    /// Day and month cannot be told apart.
    #[error("`{value}` can be read day first or month first, and no date in the column settles it")]
    AmbiguousDates {
        /// A cell.
        value: String,
        /// What to give as `--time-format` for day first.
        day_first: String,
        /// What to give as `--time-format` for month first.
        month_first: String,
    },
    /// A row without a time.
    #[error("the time is missing")]
    MissingTime,
    /// A row without an item.
    #[error("the item is missing")]
    MissingItem,
    /// Fewer than two moments.
    #[error("there are fewer than two different times in every series")]
    TooFewTimes,
    /// Most times repeat and no column tells series apart.
    #[error("{repeated} of {rows} rows repeat a time, and no column tells the series apart")]
    RepeatedTimes {
        /// Rows whose time another row has.
        repeated: u64,
        /// All rows.
        rows: u64,
        /// Columns of few values.
        candidates: Vec<String>,
    },
    /// A file that is read series by series has one in two places.
    #[error("the rows of item `{item}` do not stand together: it ended before, and begins again here")]
    ItemAgain {
        /// The item.
        item: String,
    },
    /// A file that cannot be read series by series.
    #[error("the file cannot be read series by series: {why}")]
    NotInBlocks {
        /// Why not.
        why: String,
    },
    /// A later part of a file is written in another way than its beginning.
    #[error("the {what} here is {here}, and {before} at the beginning of the file")]
    PartDiffers {
        /// What differs.
        what: &'static str,
        /// What it is here.
        here: String,
        /// What it was.
        before: String,
    },
    /// No regular grid fits.
    #[error("the times are irregular: {detail}")]
    Irregular {
        /// What was measured.
        detail: String,
    },
}

impl IngestError {
    pub(super) fn at(file: &str, row: Option<u64>, column: Option<&str>, problem: Problem) -> Self {
        Self { file: file.to_owned(), row, column: column.map(str::to_owned), problem: Box::new(problem) }
    }

    /// Whether the command was used wrongly (a flag is wrong or missing) rather than the file being bad.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            *self.problem,
            Problem::UnknownColumn { .. }
                | Problem::TwoRoles { .. }
                | Problem::TargetNeeded { .. }
                | Problem::TargetNotNumeric { .. }
                | Problem::AmbiguousDates { .. }
                | Problem::BadTimeFormat { .. }
                | Problem::UnknownEncoding { .. }
                | Problem::RepeatedTimes { .. }
        )
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> String {
        self.problem.advice()
    }
}

impl Problem {
    fn advice(&self) -> String {
        match self {
            Self::Unreadable(_) => "check that the file exists and may be read".into(),
            Self::TooLarge { .. } => "split the file, or raise the limit".into(),
            Self::TooManyColumns { limit, .. } => {
                format!("keep at most {limit} columns; many series belong in rows (item, time, value), not in columns")
            }
            Self::TooManyRows { .. } => "split the file, or aggregate it to a coarser frequency".into(),
            Self::FieldTooLong { .. } => "is a quote missing? shorten the field or drop the column".into(),
            Self::Empty | Self::HeaderOnly => "give a file with a header line and rows below it".into(),
            Self::NoHeader { .. } => "add a first line that names the columns".into(),
            Self::NotCsv { .. } => "export it as CSV text".into(),
            Self::WrongEncoding { .. } => "save the file as UTF-8, or name its encoding with --encoding".into(),
            Self::UnknownEncoding { .. } => "use such as utf-8, latin1, utf-16le or shift_jis".into(),
            Self::ControlCharacter { .. } => "remove it".into(),
            Self::RaggedRow { .. } => "give every row the same fields; quote a field that holds the delimiter".into(),
            Self::UnclosedQuote | Self::StrayQuote => {
                "close the quote; inside a quoted field write a quote as two quotes".into()
            }
            Self::DuplicateHeader { .. } => "rename one of them".into(),
            Self::NoNumericColumn { .. } => "a time series needs a column of numbers".into(),
            Self::UnknownColumn { near, columns, .. } => unknown_column_advice(near, columns),
            Self::TwoRoles { .. } => "give each flag its own column".into(),
            Self::TargetNeeded { .. } => "name one with --target".into(),
            Self::TargetNotNumeric { .. } => "name a column of numbers with --target".into(),
            Self::TargetConstant { .. } => "name another column with --target".into(),
            Self::NotANumber { .. } => "correct the cell, or leave it empty if the value is missing".into(),
            Self::NotFinite { .. } => "correct the cell, or leave it empty if the value is missing".into(),
            Self::BadTime { .. } => "write all times in one form".into(),
            Self::UnknownTimeFormat { .. } => {
                "write times as 2024-12-31T23:59:00, or describe the form with --time-format, such as '%d.%m.%y %H:%M'"
                    .into()
            }
            Self::BadTimeFormat { .. } => "write it like '%d/%m/%Y %H:%M', or 'epoch', 'year', 'step'".into(),
            Self::MixedDates { .. } => "write all dates in one form, best as 2024-12-31".into(),
            Self::AmbiguousDates { day_first, month_first, .. } => {
                format!("say which with --time-format '{day_first}' or --time-format '{month_first}'")
            }
            Self::MissingTime => "fill it in or remove the row".into(),
            Self::MissingItem => "fill it in or remove the row".into(),
            Self::TooFewTimes => "give at least two rows with different times".into(),
            Self::RepeatedTimes { candidates, .. } => repeated_times_advice(candidates),
            Self::ItemAgain { .. } => "sort the rows by item, such as with `sort -s -t, -k1,1` below the header".into(),
            Self::NotInBlocks { .. } => "give rows of item, time and value, in UTF-8 with the header first".into(),
            Self::PartDiffers { .. } => "write all rows in one form, or say which with --time-format".into(),
            Self::Irregular { .. } => "aggregate to a regular grid first, or name one with --frequency".into(),
        }
    }
}

fn unknown_column_advice(near: &[String], columns: &[String]) -> String {
    if !near.is_empty() {
        return format!("did you mean {}?", quoted(near, near.len()));
    }
    format!("the columns are {}", quoted(columns, 20))
}

fn repeated_times_advice(candidates: &[String]) -> String {
    if candidates.is_empty() {
        return "add a column that names the series, or merge the rows".into();
    }
    format!("name the column of the series with --item, several as a+b (candidates: {})", quoted(candidates, 20))
}

fn quoted(names: &[String], most: usize) -> String {
    let mut shown: Vec<String> = names.iter().take(most).map(|n| format!("`{n}`")).collect();
    if names.len() > most {
        shown.push(format!("and {} more", names.len() - most));
    }
    shown.join(", ")
}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{}`", shorten(column))?;
        }
        write!(f, ": {}; {}", self.problem, self.problem.advice())
    }
}

impl std::error::Error for IngestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.problem.source()
    }
}

/// A cell or name as it may be shown: no control characters, at most 60 characters.
pub(super) fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

impl Limits {
    pub(super) fn check_bytes(&self, file: &str, bytes: u64) -> Result<(), IngestError> {
        if bytes > self.bytes {
            return Err(IngestError::at(file, None, None, Problem::TooLarge { bytes, limit: self.bytes }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_place_fault_and_remedy() {
        let error = IngestError::at("a.csv", Some(7), Some("y"), Problem::NotFinite { value: "inf".into() });
        assert_eq!(
            error.to_string(),
            "a.csv, row 7, column `y`: `inf` is not a finite number; correct the cell, or leave it empty if the value is missing"
        );
    }
}
