//! Moments on the proleptic Gregorian calendar, in microseconds since 1970-01-01T00:00:00 UTC, and their
//! numeric forms.

/// Microseconds of a second.
pub(super) const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400 * SECOND;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

impl Date {
    /// The date, if there is such a day in the years 1 to 9999.
    pub(super) fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        let good = (1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1 && day <= last_day(year, month);
        good.then_some(Self { year, month, day })
    }

    /// Microseconds of its midnight.
    pub(super) const fn micros(self) -> i64 {
        self.days() * DAY
    }

    /// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`).
    const fn days(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year - era * 400;
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The date on which a moment lies (the same source, `civil_from_days`).
    pub(super) const fn of(micros: i64) -> Self {
        let shifted = micros.div_euclid(DAY) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted - era * 146_097;
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: year_of_era + era * 400 + (month <= 2) as i64,
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
        }
    }

    /// Whether it is the last day of its month.
    pub(super) const fn ends_month(self) -> bool {
        self.day == last_day(self.year, self.month)
    }
}

/// The number of days in a month.
pub(super) const fn last_day(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day of the week of a moment: Monday is 0.
pub(super) const fn weekday(micros: i64) -> i64 {
    (micros.div_euclid(DAY) + 3).rem_euclid(7)
}

/// Two digits, or nothing.
#[inline]
pub(super) const fn two(a: u8, b: u8) -> Option<i64> {
    let (a, b) = (a.wrapping_sub(b'0'), b.wrapping_sub(b'0'));
    if a < 10 && b < 10 { Some((a * 10 + b) as i64) } else { None }
}

/// One to `most` digits at the start, and the rest.
pub(super) fn digits(bytes: &[u8], most: usize) -> Option<(i64, &[u8])> {
    let count = bytes.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || bytes.get(count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let value = bytes[..count].iter().fold(0_i64, |sum, b| sum * 10 + i64::from(b - b'0'));
    Some((value, &bytes[count..]))
}

/// An integer of at most 19 digits, as a double may write it (`5`, `5.0`).
pub(super) fn integer(bytes: &[u8]) -> Option<i64> {
    let whole = match bytes.iter().position(|b| *b == b'.') {
        Some(point) if bytes[point + 1..].iter().all(|b| *b == b'0') => &bytes[..point],
        Some(_) => return None,
        None => bytes,
    };
    let (negative, unsigned) = whole.strip_prefix(b"-").map_or((false, whole), |rest| (true, rest));
    if unsigned.is_empty() || unsigned.len() > 19 {
        return None;
    }
    let mut value = 0_i64;
    for byte in unsigned {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    Some(if negative { -value } else { value })
}

/// A time of day in microseconds, and whether a zone was given (and then subtracted): `18:00`, `18:00:00.25`,
/// `18.00.00`, `6:00 PM`, each perhaps followed by `Z`, `UTC` or an offset such as `+02:00`.
pub(super) fn clock(bytes: &[u8]) -> Option<(i64, bool)> {
    let (micros, rest) = match bytes {
        [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] => {
            let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
            (of_day(hour, minute, second)?, rest)
        }
        _ => loose_clock(bytes)?,
    };
    if rest.is_empty() {
        return Some((micros, false));
    }
    let (fraction, rest) = match rest {
        [b'.' | b',', rest @ ..] => fraction(rest)?,
        _ => (0, rest),
    };
    let (micros, rest) = half_day(micros, rest)?;
    let (offset, zoned) = zone(rest)?;
    Some((micros + fraction - offset, zoned))
}

fn of_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 3_600 + minute * 60 + second) * SECOND)
}

fn loose_clock(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, rest) = digits(bytes, 2)?;
    let separator = *rest.first().filter(|b| matches!(**b, b':' | b'.'))?;
    let (minute, rest) = digits(&rest[1..], 2)?;
    let (second, rest) = match rest.split_first() {
        Some((next, rest)) if *next == separator => digits(rest, 2)?,
        // `18.00` alone is a number.
        _ if separator == b'.' => return None,
        _ => (0, rest),
    };
    Some((of_day(hour, minute, second)?, rest))
}

fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let count = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || count > 12 {
        return None;
    }
    let micros = (0..6).fold(0, |sum, i| sum * 10 + bytes[..count].get(i).map_or(0, |b| i64::from(b - b'0')));
    Some((micros, &bytes[count..]))
}

fn half_day(micros: i64, bytes: &[u8]) -> Option<(i64, &[u8])> {
    let word = bytes.trim_ascii_start();
    let afternoon = match word.get(..2) {
        Some(mark) if mark.eq_ignore_ascii_case(b"am") => false,
        Some(mark) if mark.eq_ignore_ascii_case(b"pm") => true,
        _ => return Some((micros, bytes)),
    };
    let hour = micros / (3_600 * SECOND);
    if !(1..=12).contains(&hour) {
        return None;
    }
    let in_half = micros - if hour == 12 { 12 * 3_600 * SECOND } else { 0 };
    Some((in_half + if afternoon { DAY / 2 } else { 0 }, &word[2..]))
}

/// The offset from UTC in microseconds, and whether one was given.
fn zone(bytes: &[u8]) -> Option<(i64, bool)> {
    let word = bytes.trim_ascii();
    let (sign, rest) = match word.split_first() {
        None => return Some((0, false)),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => {
            let utc = [&b"z"[..], b"utc", b"gmt"].iter().any(|name| word.eq_ignore_ascii_case(name));
            return utc.then_some((0, true));
        }
    };
    let (hours, minutes) = match rest {
        [a, b] => (two(*a, *b)?, 0),
        [a, b, c, d] | [a, b, b':', c, d] => (two(*a, *b)?, two(*c, *d)?),
        _ => return None,
    };
    (hours <= 18 && minutes < 60).then_some((sign * (hours * 60 + minutes) * 60 * SECOND, true))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::{Datelike, NaiveDate};

    use super::*;

    #[test]
    fn days_agree_with_chrono_over_four_centuries() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut day = NaiveDate::from_ymd_opt(1890, 1, 1).unwrap();
        while day.year() < 2300 {
            let date = Date::new(i64::from(day.year()), i64::from(day.month()), i64::from(day.day())).unwrap();
            let micros = (day - epoch).num_days() * DAY;
            assert_eq!(date.micros(), micros);
            assert_eq!(Date::of(micros), date);
            assert_eq!(weekday(micros), i64::from(day.weekday().num_days_from_monday()));
            assert_eq!(date.ends_month(), day.succ_opt().unwrap().day() == 1);
            day += chrono::TimeDelta::days(3);
        }
        assert_eq!(Date::new(2023, 2, 29), None);
        assert_eq!(Date::of(-1), Date::new(1969, 12, 31).unwrap());
    }

    #[test]
    fn clocks_are_read_in_every_usual_form() {
        let hour = 3_600 * SECOND;
        for (text, expected) in [
            ("18:00:00", Some((18 * hour, false))),
            ("18.00.00", Some((18 * hour, false))),
            ("6:30", Some((6 * hour + hour / 2, false))),
            ("18:00:00.25", Some((18 * hour + 250_000, false))),
            ("18:00Z", Some((18 * hour, true))),
            ("18:00:00 UTC", Some((18 * hour, true))),
            ("18:00:00+02:00", Some((16 * hour, true))),
            ("18:00:00-0530", Some((23 * hour + hour / 2, true))),
            ("6:00 PM", Some((18 * hour, false))),
            ("12:00:00 am", Some((0, false))),
            ("24:00", None),
            ("18.00", None),
            ("18:60", None),
            ("18:00 x", None),
            ("13:00 PM", None),
        ] {
            assert_eq!(clock(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn integers_are_whole() {
        assert_eq!(integer(b"-12"), Some(-12));
        assert_eq!(integer(b"12.00"), Some(12));
        assert_eq!(integer(b"12.5"), None);
        assert_eq!(integer(b"99999999999999999999"), None);
        assert_eq!(integer(b"-"), None);
    }
}
