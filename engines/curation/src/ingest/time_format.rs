//! The forms in which files write times: recognised from one cell, then held to for the whole column.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::moment::{Date, SECOND, clock, digits, integer, two};
use super::month_name::month_name;

/// Which of the first two numbers of a date is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayOrder {
    /// Not yet known: all values must be looked at.
    Unknown,
    DayFirst,
    MonthFirst,
}

/// How the times of a column are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeFormat {
    /// `2024-12-31`, perhaps with a clock and an offset; `/` and `.` serve as well.
    YearFirst { zoned: bool },
    /// `2024-12`.
    YearMonth,
    /// `2024-Q4`, `2024Q4` or `Q4 2024`.
    Quarter,
    /// `31/12/2024` or `12/31/2024`, perhaps with a clock.
    Numeric { order: DayOrder, separator: u8, zoned: bool },
    /// `31 Dec 2024`, `Dec 31, 2024`, `Dec 2024`, perhaps with a clock.
    MonthName { zoned: bool },
    /// `20241231`.
    Compact,
    /// `2024`.
    Year,
    /// A count of so many units a second since 1970.
    Epoch { per_second: i64 },
    /// A step number.
    Step,
    /// chrono's strftime.
    Custom(String),
}

impl TimeFormat {
    /// The form that a cell other than a plain number has.
    pub(super) fn recognise(bytes: &[u8]) -> Option<Self> {
        let zoned = |parse: fn(&[u8]) -> Option<(i64, bool)>| parse(bytes).map(|(_, zoned)| zoned);
        if let Some(zoned) = zoned(year_first) {
            return Some(Self::YearFirst { zoned });
        }
        if year_month(bytes).is_some() {
            return Some(Self::YearMonth);
        }
        if quarter(bytes).is_some() {
            return Some(Self::Quarter);
        }
        for separator in *b"/-." {
            let Some((first, second, _, rest)) = numeric_parts(bytes, separator) else { continue };
            let plausible = first.max(second) <= 31 && first.min(second) <= 12 && first.min(second) >= 1;
            let Some((_, zoned)) = trailing_clock(rest).filter(|_| plausible) else { continue };
            // Dates with dots are day first wherever they are used.
            let order = if separator == b'.' { DayOrder::DayFirst } else { DayOrder::Unknown };
            return Some(Self::Numeric { order, separator, zoned });
        }
        zoned(month_name).map(|zoned| Self::MonthName { zoned })
    }

    /// What `--time-format` says; nothing when it says nothing that chrono understands.
    pub(super) fn from_flag(text: &str) -> Option<Self> {
        match text {
            "epoch" | "epoch_s" => return Some(Self::Epoch { per_second: 1 }),
            "epoch_ms" => return Some(Self::Epoch { per_second: 1_000 }),
            "epoch_us" => return Some(Self::Epoch { per_second: 1_000_000 }),
            "epoch_ns" => return Some(Self::Epoch { per_second: 1_000_000_000 }),
            "year" | "%Y" => return Some(Self::Year),
            "step" => return Some(Self::Step),
            "%Y-%m" => return Some(Self::YearMonth),
            "%Y%m%d" => return Some(Self::Compact),
            _ => {}
        }
        for separator in *b"/-." {
            let s = char::from(separator);
            for (order, date) in
                [(DayOrder::DayFirst, format!("%d{s}%m{s}%Y")), (DayOrder::MonthFirst, format!("%m{s}%d{s}%Y"))]
            {
                let Some(rest) = text.strip_prefix(&date) else { continue };
                if matches!(rest, "" | " %H:%M" | " %H:%M:%S" | "T%H:%M" | "T%H:%M:%S") {
                    return Some(Self::Numeric { order, separator, zoned: false });
                }
            }
        }
        let good = text.contains('%') && !StrftimeItems::new(text).any(|item| matches!(item, Item::Error));
        good.then(|| Self::Custom(text.to_owned()))
    }

    /// The moment of a cell in microseconds (or its step number), if the cell is written in this form.
    #[inline]
    pub(super) fn parse(&self, bytes: &[u8]) -> Option<i64> {
        let with_zone = |parsed: Option<(i64, bool)>, zoned: bool| parsed.filter(|(_, z)| *z == zoned).map(|(t, _)| t);
        match self {
            Self::YearFirst { zoned } => {
                // A midnight without its clock, as R writes it, is clear in this form.
                let parsed = year_first(bytes)?;
                (parsed.1 == *zoned || bytes.len() == 10).then_some(parsed.0)
            }
            Self::YearMonth => year_month(bytes),
            Self::Quarter => quarter(bytes),
            Self::Numeric { order, separator, zoned } => with_zone(numeric(bytes, *order, *separator), *zoned),
            Self::MonthName { zoned } => with_zone(month_name(bytes), *zoned),
            Self::Compact => compact(bytes),
            Self::Year => Date::new(integer(bytes)?, 1, 1).map(Date::micros),
            Self::Epoch { per_second } => epoch(bytes, *per_second),
            Self::Step => integer(bytes),
            Self::Custom(format) => custom(std::str::from_utf8(bytes).ok()?, format),
        }
    }

    /// Whether the times are numbers of steps and not moments.
    pub(super) const fn is_step(&self) -> bool {
        matches!(self, Self::Step)
    }

    /// Whether it carries an offset from UTC.
    pub(super) const fn is_zoned(&self) -> bool {
        matches!(
            self,
            Self::YearFirst { zoned: true } | Self::Numeric { zoned: true, .. } | Self::MonthName { zoned: true }
        )
    }
}

impl std::fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::YearFirst { zoned: false } => f.write_str("year-month-day, perhaps with a clock"),
            Self::YearFirst { zoned: true } => f.write_str("year-month-day with a clock and an offset from UTC"),
            Self::YearMonth => f.write_str("year-month"),
            Self::Quarter => f.write_str("year and quarter"),
            Self::Numeric { order, separator, .. } => {
                let s = char::from(*separator);
                match order {
                    DayOrder::DayFirst => write!(f, "day{s}month{s}year"),
                    DayOrder::MonthFirst => write!(f, "month{s}day{s}year"),
                    DayOrder::Unknown => write!(f, "day{s}month{s}year or month{s}day{s}year"),
                }
            }
            Self::MonthName { .. } => f.write_str("a date with the month's name"),
            Self::Compact => f.write_str("yyyymmdd"),
            Self::Year => f.write_str("year"),
            Self::Epoch { per_second: 1 } => f.write_str("seconds since 1970"),
            Self::Epoch { per_second: 1_000 } => f.write_str("milliseconds since 1970"),
            Self::Epoch { per_second: 1_000_000 } => f.write_str("microseconds since 1970"),
            Self::Epoch { .. } => f.write_str("nanoseconds since 1970"),
            Self::Step => f.write_str("step number"),
            Self::Custom(format) => write!(f, "`{format}`"),
        }
    }
}

/// `2024-12-31`, and then nothing, or `T` or a space and a clock.
#[inline]
fn year_first(bytes: &[u8]) -> Option<(i64, bool)> {
    let (date, rest) = match bytes {
        [a, b, c, d, s1 @ (b'-' | b'/' | b'.'), m1, m2, s2, d1, d2, rest @ ..] if s1 == s2 => {
            let year = two(*a, *b)? * 100 + two(*c, *d)?;
            match (two(*m1, *m2), two(*d1, *d2)) {
                (Some(month), Some(day)) => (Date::new(year, month, day)?, rest),
                _ => loose_year_first(bytes)?,
            }
        }
        _ => loose_year_first(bytes)?,
    };
    let (micros, zoned) = trailing_clock(rest)?;
    Some((date.micros() + micros, zoned))
}

/// `2024-1-5`.
fn loose_year_first(bytes: &[u8]) -> Option<(Date, &[u8])> {
    let (year, rest) = digits(bytes, 4).filter(|(_, rest)| bytes.len() - rest.len() == 4)?;
    let separator = *rest.first().filter(|b| matches!(**b, b'-' | b'/' | b'.'))?;
    let (month, rest) = digits(&rest[1..], 2)?;
    let rest = rest.strip_prefix(&[separator])?;
    let (day, rest) = digits(rest, 2)?;
    Some((Date::new(year, month, day)?, rest))
}

#[inline]
fn trailing_clock(rest: &[u8]) -> Option<(i64, bool)> {
    match rest {
        [] => Some((0, false)),
        [b'T' | b't' | b' ', clock_text @ ..] => clock(clock_text.trim_ascii_start()),
        _ => None,
    }
}

fn year_month(bytes: &[u8]) -> Option<i64> {
    match bytes {
        [a, b, c, d, b'-' | b'/', month @ ..] if month.len() <= 2 => {
            let (month, _) = digits(month, 2)?;
            Date::new(two(*a, *b)? * 100 + two(*c, *d)?, month, 1).map(Date::micros)
        }
        _ => None,
    }
}

fn quarter(bytes: &[u8]) -> Option<i64> {
    let (year, quarter) = match bytes {
        [a, b, c, d, b'Q' | b'q', q] | [a, b, c, d, b'-' | b' ' | b':', b'Q' | b'q', q] => ([*a, *b, *c, *d], *q),
        [b'Q' | b'q', q, b' ' | b'-' | b'/', a, b, c, d] => ([*a, *b, *c, *d], *q),
        _ => return None,
    };
    let year = two(year[0], year[1])? * 100 + two(year[2], year[3])?;
    let quarter = i64::from(quarter.wrapping_sub(b'0'));
    (1..=4).contains(&quarter).then(|| Date::new(year, quarter * 3 - 2, 1)).flatten().map(Date::micros)
}

/// The two numbers before the year, the year, and what follows: `31/12/2024 …`.
pub(super) fn numeric_parts(bytes: &[u8], separator: u8) -> Option<(i64, i64, i64, &[u8])> {
    let (first, rest) = digits(bytes, 2)?;
    let (second, rest) = digits(rest.strip_prefix(&[separator])?, 2)?;
    let rest = rest.strip_prefix(&[separator])?;
    let (year, after) = digits(rest, 4)?;
    (rest.len() - after.len() == 4).then_some((first, second, year, after))
}

fn numeric(bytes: &[u8], order: DayOrder, separator: u8) -> Option<(i64, bool)> {
    let (first, second, year, rest) = numeric_parts(bytes, separator)?;
    let (day, month) = if order == DayOrder::MonthFirst { (second, first) } else { (first, second) };
    let (micros, zoned) = trailing_clock(rest)?;
    Some((Date::new(year, month, day)?.micros() + micros, zoned))
}

fn compact(bytes: &[u8]) -> Option<i64> {
    if bytes.len() != 8 {
        return None;
    }
    let (value, _) = digits(bytes, 8)?;
    Date::new(value / 10_000, value / 100 % 100, value % 100).map(Date::micros)
}

fn epoch(bytes: &[u8], per_second: i64) -> Option<i64> {
    if per_second == 1 {
        // Seconds may have a fraction.
        let whole = bytes.split(|b| *b == b'.').next()?;
        let negative = whole.first() == Some(&b'-');
        let seconds = integer(whole)?.checked_mul(SECOND)?;
        let part = &bytes[whole.len()..];
        if part.len() <= 1 {
            return Some(seconds);
        }
        let mut micros = 0;
        for index in 1..=6 {
            let digit = part.get(index).copied().unwrap_or(b'0').wrapping_sub(b'0');
            micros = micros * 10 + i64::from(digit).min(if digit < 10 { 9 } else { return None });
        }
        return Some(if negative { seconds - micros } else { seconds + micros });
    }
    let value = integer(bytes)?;
    if per_second > SECOND {
        Some(value.div_euclid(per_second / SECOND))
    } else {
        value.checked_mul(SECOND / per_second)
    }
}

fn custom(text: &str, format: &str) -> Option<i64> {
    if let Ok(moment) = DateTime::parse_from_str(text, format) {
        return Some(moment.timestamp_micros());
    }
    if let Ok(moment) = NaiveDateTime::parse_from_str(text, format) {
        return Some(moment.and_utc().timestamp_micros());
    }
    let date = NaiveDate::parse_from_str(text, format)
        .or_else(|_| NaiveDate::parse_from_str(&format!("{text} 1"), &format!("{format} %d")))
        .ok()?;
    Some(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::super::moment::DAY;
    use super::*;

    fn at(year: i64, month: i64, day: i64, hour: i64, minute: i64) -> Option<i64> {
        Date::new(year, month, day).map(|d| d.micros() + (hour * 60 + minute) * 60 * SECOND)
    }

    #[test]
    fn every_usual_form_is_recognised_and_read() {
        for (text, expected) in [
            ("2024-12-31", at(2024, 12, 31, 0, 0)),
            ("2024/12/31 10:30", at(2024, 12, 31, 10, 30)),
            ("2024-12-31T10:30:00", at(2024, 12, 31, 10, 30)),
            ("2024-12-31T10:30:00Z", at(2024, 12, 31, 10, 30)),
            ("2024-12-31 10:30:00+02:00", at(2024, 12, 31, 8, 30)),
            ("2024-1-5", at(2024, 1, 5, 0, 0)),
            ("2024-12", at(2024, 12, 1, 0, 0)),
            ("2024Q4", at(2024, 10, 1, 0, 0)),
            ("2024-Q1", at(2024, 1, 1, 0, 0)),
            ("Q2 2024", at(2024, 4, 1, 0, 0)),
            ("31.12.2024 10:30", at(2024, 12, 31, 10, 30)),
            ("31 Dec 2024", at(2024, 12, 31, 0, 0)),
            ("31-Dec-2024 10:30", at(2024, 12, 31, 10, 30)),
            ("December 31, 2024", at(2024, 12, 31, 0, 0)),
            ("Dec 2024", at(2024, 12, 1, 0, 0)),
            ("2024-Sep-05", at(2024, 9, 5, 0, 0)),
        ] {
            let format = TimeFormat::recognise(text.as_bytes());
            assert_eq!(format.as_ref().and_then(|f| f.parse(text.as_bytes())), expected, "{text}: {format:?}");
            assert!(expected.is_some());
        }
    }

    #[test]
    fn what_is_no_time_is_not_recognised() {
        for text in [
            "",
            "12",
            "1.5",
            "2024",
            "2023-02-29",
            "13/13/2024",
            "12/31/24",
            "May",
            "clear",
            "2024-13",
            "a-b-c",
            "1-2",
            "Q5 2024",
        ] {
            assert_eq!(TimeFormat::recognise(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn day_and_month_follow_the_order() {
        let text = b"03/04/2024 10:30";
        for (flag, expected) in [
            ("%d/%m/%Y", at(2024, 4, 3, 10, 30)),
            ("%m/%d/%Y %H:%M", at(2024, 3, 4, 10, 30)),
            ("%d/%m/%Y %H:%M", at(2024, 4, 3, 10, 30)),
        ] {
            assert_eq!(TimeFormat::from_flag(flag).and_then(|f| f.parse(text)), expected, "{flag}");
        }
    }

    #[test]
    fn flags_reach_what_cannot_be_recognised() {
        for (flag, text, expected) in [
            ("%d.%m.%y", "05.01.24", at(2024, 1, 5, 0, 0)),
            ("%d/%m/%y %H:%M", "05/01/24 10:30", at(2024, 1, 5, 10, 30)),
            ("%b-%Y", "Jan-2024", at(2024, 1, 1, 0, 0)),
            ("%Y-%m-%dT%H:%M:%S%z", "2024-01-05T10:30:00+0100", at(2024, 1, 5, 9, 30)),
            ("epoch", "86400", Some(DAY)),
            ("epoch", "86400.25", Some(DAY + 250_000)),
            ("epoch_ms", "86400000", Some(DAY)),
            ("epoch_ns", "86400000000000", Some(DAY)),
            ("year", "1971", at(1971, 1, 1, 0, 0)),
            ("%Y%m%d", "20240105", at(2024, 1, 5, 0, 0)),
            ("step", "7", Some(7)),
        ] {
            assert_eq!(TimeFormat::from_flag(flag).and_then(|f| f.parse(text.as_bytes())), expected, "{flag}");
        }
        assert_eq!(TimeFormat::from_flag("%Q"), None);
        assert_eq!(TimeFormat::from_flag("dd/mm/yyyy"), None);
    }

    #[test]
    fn a_column_does_not_mix_offsets_and_none() {
        let zoned = TimeFormat::YearFirst { zoned: true };
        assert!(zoned.parse(b"2024-12-31T10:30:00").is_none());
        assert!(zoned.parse(b"2024-12-31T10:30:00+01:00").is_some());
        assert!(TimeFormat::YearFirst { zoned: false }.parse(b"2024-12-31T10:30:00Z").is_none());
    }
}
