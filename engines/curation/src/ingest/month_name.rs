//! Dates with the month's English name.

use super::moment::{Date, clock, digits};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The month that an English name or its first three letters (or `sept`) name.
pub(super) fn month_of(word: &[u8]) -> Option<i64> {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let named = |name: &&str| {
        word.eq_ignore_ascii_case(name.as_bytes())
            || (word.len() >= 3
                && word.len() <= 4
                && name.len() >= word.len()
                && word.eq_ignore_ascii_case(&name.as_bytes()[..word.len()]))
    };
    MONTHS.iter().position(named).map(|index| index as i64 + 1)
}

/// `31 Dec 2024`, `31-Dec-2024`, `Dec 31, 2024`, `Dec 2024`, `2024 Dec`, perhaps with a clock behind.
pub(super) fn month_name(bytes: &[u8]) -> Option<(i64, bool)> {
    if bytes.len() > 60 || !bytes.iter().any(u8::is_ascii_alphabetic) {
        return None;
    }
    let clock_at = bytes
        .iter()
        .position(|b| *b == b':')
        .and_then(|colon| bytes[..colon].iter().rposition(|b| matches!(b, b' ' | b'T')));
    let (date, (micros, zoned)) = match clock_at {
        Some(at) => (&bytes[..at], clock(&bytes[at + 1..])?),
        None => (bytes, (0, false)),
    };
    let mut words = date.split(|b| matches!(b, b' ' | b'-' | b'/' | b',')).filter(|w| !w.is_empty());
    let parts = (words.next()?, words.next()?, words.next(), words.next());
    let number = |word: &[u8]| digits(word, 4).filter(|(_, rest)| rest.is_empty()).map(|(n, _)| n);
    let date = match parts {
        (first, second, None, None) => match (month_of(first), month_of(second)) {
            (Some(month), None) => Date::new(number(second).filter(|y| *y > 31)?, month, 1)?,
            (None, Some(month)) => Date::new(number(first).filter(|y| *y > 31)?, month, 1)?,
            _ => return None,
        },
        (first, second, Some(third), None) => match (month_of(first), month_of(second)) {
            (Some(month), None) => Date::new(number(third).filter(|y| *y > 99)?, month, number(second)?)?,
            (None, Some(month)) if number(first)? > 31 => Date::new(number(first)?, month, number(third)?)?,
            (None, Some(month)) => Date::new(number(third).filter(|y| *y > 99)?, month, number(first)?)?,
            _ => return None,
        },
        _ => return None,
    };
    Some((date.micros() + micros, zoned))
}
