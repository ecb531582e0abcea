//! Reading numbers and the words that stand for none.

use super::options::DecimalMark;

/// How the numbers of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberFormat {
    /// The mark before the fraction.
    pub(super) decimal: DecimalMark,
    /// Whether groups of three digits are set apart by the other mark.
    pub(super) grouped: bool,
}

impl NumberFormat {
    pub(super) const POINT: Self = Self { decimal: DecimalMark::Point, grouped: false };
    /// In the order in which they are tried.
    pub(super) const ALL: [Self; 4] = [
        Self::POINT,
        Self { decimal: DecimalMark::Comma, grouped: false },
        Self { decimal: DecimalMark::Point, grouped: true },
        Self { decimal: DecimalMark::Comma, grouped: true },
    ];
}

/// What a cell of a numeric column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// A finite number.
    Finite(f64),
    /// An infinity, or a number beyond the range of a double.
    Infinite,
    /// No number.
    Other,
}

/// Powers of ten that a double holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads a number, exactly rounded.
#[inline]
pub(super) fn parse(bytes: &[u8], format: NumberFormat) -> Number {
    let point = if format.decimal == DecimalMark::Point { b'.' } else { b',' };
    match short_decimal(bytes, point) {
        Some(value) => Number::Finite(value),
        None => parse_slowly(bytes, point, format.grouped),
    }
}

/// Clinger's fast path (1990, "How to read floating point numbers accurately"): where the digits fit in 53 bits
/// and the power of ten is exact, one division rounds once and is exact.
#[inline]
fn short_decimal(bytes: &[u8], point: u8) -> Option<f64> {
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        _ => (false, bytes),
    };
    if digits.len() > 17 {
        return None;
    }
    let mut mantissa = 0_u64;
    let mut point_at = None;
    for (index, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa * 10 + u64::from(digit);
        } else if *byte == point && point_at.is_none() {
            point_at = Some(index);
        } else {
            return None;
        }
    }
    let count = digits.len() - usize::from(point_at.is_some());
    if count == 0 || mantissa > 1 << 53 {
        return None;
    }
    let fraction = point_at.map_or(0, |at| digits.len() - at - 1);
    let value = mantissa as f64 / TENS[fraction];
    Some(if negative { -value } else { value })
}

/// Everything else: exponents, plus signs, long fractions, groups of digits, infinities.
fn parse_slowly(bytes: &[u8], point: u8, grouped: bool) -> Number {
    if bytes.len() > 400 {
        return Number::Other;
    }
    let unsigned = bytes.strip_prefix(b"-").or_else(|| bytes.strip_prefix(b"+")).unwrap_or(bytes);
    if ["inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word.as_bytes()))
        || unsigned == "∞".as_bytes()
    {
        return Number::Infinite;
    }
    let group = if point == b'.' { b',' } else { b'.' };
    if grouped && unsigned.contains(&group) && !groups_of_three(unsigned, point, group) {
        return Number::Other;
    }
    let mut plain = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'0'..=b'9' | b'+' | b'-' | b'e' | b'E' => plain.push(char::from(byte)),
            _ if byte == point => plain.push('.'),
            _ if grouped && byte == group => {}
            _ => return Number::Other,
        }
    }
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Number::Finite(value),
        Ok(_) => Number::Infinite,
        Err(_) => Number::Other,
    }
}

/// `1,234,567.8`: one to three digits, then groups of exactly three, then perhaps a fraction.
fn groups_of_three(unsigned: &[u8], point: u8, group: u8) -> bool {
    let whole = unsigned.split(|b| *b == point).next().unwrap_or(unsigned);
    if unsigned[whole.len()..].contains(&group) {
        return false;
    }
    let mut parts = whole.split(|b| *b == group);
    let first = parts.next().is_some_and(|p| (1..=3).contains(&p.len()) && p != b"0");
    first && parts.all(|p| p.len() == 3) && whole.iter().all(|b| b.is_ascii_digit() || *b == group)
}

/// The words that stand for a missing value, in lower case.
const MISSING: [&str; 14] =
    ["na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "#n/a", "#na", "<na>", "missing"];

/// Whether a cell of a column of numbers or times is empty or says that it is missing.
#[inline]
pub(super) fn is_missing(bytes: &[u8], more: &[String]) -> bool {
    match bytes.len() {
        0 => return true,
        1..=7 => {
            let first = bytes[0];
            if (first.is_ascii_alphabetic() || matches!(first, b'-' | b'?' | b'.' | b'#' | b'<'))
                && MISSING.iter().any(|word| bytes.eq_ignore_ascii_case(word.as_bytes()))
            {
                return true;
            }
        }
        _ => {}
    }
    !more.is_empty() && more.iter().any(|word| word.as_bytes() == bytes)
}

/// The same for a column of words, in which `none` or `nil` may well be a category.
pub(super) fn is_missing_word(bytes: &[u8], more: &[String]) -> bool {
    is_missing(bytes, more)
        && !["none", "nil", "missing"].iter().any(|word| bytes.eq_ignore_ascii_case(word.as_bytes()))
        || more.iter().any(|word| word.as_bytes() == bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMA: NumberFormat = NumberFormat::ALL[1];
    const GROUPED: NumberFormat = NumberFormat::ALL[2];
    const GROUPED_COMMA: NumberFormat = NumberFormat::ALL[3];

    fn number(text: &str, format: NumberFormat) -> Option<f64> {
        match parse(text.as_bytes(), format) {
            Number::Finite(value) => Some(value),
            Number::Infinite => Some(f64::INFINITY),
            Number::Other => None,
        }
    }

    #[test]
    fn numbers_are_read_in_every_usual_form() {
        let p = NumberFormat::POINT;
        for (text, format, expected) in [
            ("12", p, Some(12.0)),
            ("-0.5", p, Some(-0.5)),
            ("+.5", p, Some(0.5)),
            ("5.", p, Some(5.0)),
            ("1e-3", p, Some(0.001)),
            ("12.299999999999999", p, Some(12.299999999999999)),
            ("9007199254740993", p, Some(9_007_199_254_740_992.0)),
            ("1,5", p, None),
            ("1,5", COMMA, Some(1.5)),
            ("1.5", COMMA, None),
            ("1,234,567.5", GROUPED, Some(1_234_567.5)),
            ("1,23", GROUPED, None),
            ("0,123", GROUPED, None),
            ("1.234,5", GROUPED_COMMA, Some(1234.5)),
            ("1e999", p, Some(f64::INFINITY)),
            ("-inf", p, Some(f64::INFINITY)),
            ("", p, None),
            ("-", p, None),
            (".", p, None),
            ("0x10", p, None),
            ("1 2", p, None),
            ("--1", p, None),
        ] {
            assert_eq!(number(text, format), expected, "{text}");
        }
    }

    #[test]
    fn missing_words_are_known() {
        for word in ["", "NA", "n/a", "NaN", "null", "-", "?", "#N/A"] {
            assert!(is_missing(word.as_bytes(), &[]), "{word}");
        }
        assert!(!is_missing(b"-1", &[]) && !is_missing(b"x", &[]));
        assert!(is_missing(b"x", &["x".to_owned()]));
        assert!(is_missing_word(b"NA", &[]) && !is_missing_word(b"none", &[]));
    }

    proptest! {
        #[test]
        fn every_decimal_is_exactly_rounded(text in "-?[0-9]{1,12}(\\.[0-9]{0,9})?(e-?[0-9]{1,3})?") {
            let expected = text.parse::<f64>().ok().filter(|v| v.is_finite()).unwrap_or(f64::INFINITY);
            prop_assert_eq!(number(&text, NumberFormat::POINT).map(f64::to_bits), Some(expected.to_bits()));
        }

        #[test]
        fn every_double_comes_back(value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO) {
            let back = number(&value.to_string(), NumberFormat::POINT);
            prop_assert_eq!(back.map(f64::to_bits), Some(value.to_bits()));
        }
    }
}
