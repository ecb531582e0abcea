//! Numbers, moments and foreign text as a reader meets them.

use atsre_domain::failure::FailureKind;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use chrono::{DateTime, Timelike, Utc};

/// What stands where there is no number.
pub(super) const NONE: &str = "–";

/// Text that may stand in HTML and in SVG, in an element or in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Direction overrides can make a name read as another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// At most so many characters, the last an ellipsis where some were cut.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A whole number with a comma between thousands.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with four significant digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        NONE.to_owned()
    } else if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        format!("{value:.2e}")
    } else if size >= 1000.0 {
        let sign = if value < 0.0 { "−" } else { "" };
        format!("{sign}{}", count(size.round() as u64))
    } else {
        let decimals = if size >= 100.0 {
            1
        } else if size >= 10.0 {
            2
        } else if size >= 1.0 || size == 0.0 {
            3
        } else {
            4
        };
        let text = format!("{value:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if text == "-0" { "0".to_owned() } else { text.replace('-', "−") }
    }
}

/// A number with so many decimals, or a dash where there is none.
pub(super) fn fixed(value: Option<f64>, decimals: usize) -> String {
    value.filter(|v| v.is_finite()).map_or(NONE.to_owned(), |v| format!("{v:.decimals$}").replace('-', "−"))
}

/// A share, 0 to 1, in percent.
pub(super) fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value == 0.0 || value.abs() >= 10.0 {
        format!("{value:.0} %")
    } else if value.abs() >= 1.0 {
        format!("{value:.1} %")
    } else {
        format!("{value:.2} %")
    }
}

/// A p-value.
pub(super) fn p_value(value: Option<f64>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(p) if p < 0.0001 => "< 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    }
}

/// Milliseconds as seconds or minutes.
pub(super) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds as f64 / 1000.0;
    match milliseconds {
        0..10_000 => format!("{seconds:.2} s"),
        10_000..120_000 => format!("{seconds:.1} s"),
        _ => format!("{} min {:02} s", milliseconds / 60_000, milliseconds % 60_000 / 1000),
    }
}

/// Bytes in binary units.
pub(super) fn bytes(value: u64) -> String {
    let (mut size, mut unit) = (value as f64, "B");
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, next);
    }
    if unit == "B" || size >= 100.0 { format!("{size:.0} {unit}") } else { format!("{size:.1} {unit}") }
}

/// Millijoules as joules.
pub(super) fn energy(millijoules: u64) -> String {
    let joules = millijoules as f64 / 1000.0;
    if millijoules == 0 {
        "< 1 mJ".to_owned()
    } else if joules >= 10_000.0 {
        format!("{} kJ", number(joules / 1000.0))
    } else if joules >= 100.0 {
        format!("{joules:.0} J")
    } else if joules >= 1.0 {
        format!("{joules:.1} J")
    } else {
        format!("{millijoules} mJ")
    }
}

/// `1 series`, `2 series`; `1 trial`, `2 trials`.
pub(super) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// A moment of the data's time axis: a number for steps, a date, or a date with its time.
pub(super) fn moment(time: Timestamp, frequency: Frequency) -> String {
    if frequency.unit == FrequencyUnit::Step {
        return time.0.to_string();
    }
    let Some(moment) = DateTime::<Utc>::from_timestamp_micros(time.0) else { return time.0.to_string() };
    match frequency.unit {
        FrequencyUnit::Second => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
        FrequencyUnit::Minute | FrequencyUnit::Hour => moment.format("%Y-%m-%d %H:%M").to_string(),
        _ if moment.num_seconds_from_midnight() != 0 => moment.format("%Y-%m-%d %H:%M").to_string(),
        _ => moment.format("%Y-%m-%d").to_string(),
    }
}

/// A moment as RFC 3339 in UTC, or the step's number.
pub(super) fn instant(time: Timestamp, frequency: Frequency) -> String {
    match DateTime::<Utc>::from_timestamp_micros(time.0) {
        Some(moment) if frequency.unit != FrequencyUnit::Step => {
            moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        }
        _ => time.0.to_string(),
    }
}

/// A moment of the clock.
pub(super) fn clock(time: Timestamp) -> String {
    DateTime::<Utc>::from_timestamp_micros(time.0)
        .map_or_else(|| time.0.to_string(), |moment| moment.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// So many observations, in words: `168 (7 days)`.
pub(super) fn span(observations: u64, frequency: Frequency) -> String {
    let words = |amount: f64, unit: &str| {
        let plural = if (amount - 1.0).abs() < 1e-9 { "" } else { "s" };
        format!("{} {unit}{plural}", number(amount))
    };
    let total = observations * u64::from(frequency.multiple);
    match (frequency.seconds(), frequency.unit) {
        (Some(seconds), _) => {
            let seconds = (observations * seconds) as f64;
            let (size, unit) = [(86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"), (1.0, "second")]
                .into_iter()
                .find(|(size, _)| seconds >= *size)
                .unwrap_or((1.0, "second"));
            words(seconds / size, unit)
        }
        (None, FrequencyUnit::BusinessDay) => words(total as f64, "business day"),
        (None, FrequencyUnit::Month) if total.is_multiple_of(12) => words(total as f64 / 12.0, "year"),
        (None, FrequencyUnit::Month) => words(total as f64, "month"),
        (None, FrequencyUnit::Quarter) if total.is_multiple_of(4) => words(total as f64 / 4.0, "year"),
        (None, FrequencyUnit::Quarter) => words(total as f64, "quarter"),
        (None, FrequencyUnit::Year) => words(total as f64, "year"),
        (None, _) => counted(observations, "step", "steps"),
    }
}

/// `out_of_memory` as `out of memory`.
pub(super) fn spoken(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

/// A kind of failure as a heading.
pub(super) const fn failure_title(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::OutOfMemory => "Out of memory",
        FailureKind::GpuOutOfMemory => "Out of GPU memory",
        FailureKind::DeadlineExceeded => "Deadline exceeded",
        FailureKind::Hung => "Hung",
        FailureKind::Killed => "Killed",
        FailureKind::Crashed => "Crashed",
        FailureKind::ProtocolViolation => "Protocol violation",
        FailureKind::NonFinite => "Training gave NaN or infinity",
        FailureKind::Unfit => "Cannot be fitted to these data",
        FailureKind::DeviceLost => "Device lost",
        FailureKind::StartFailed => "Could not be started",
        FailureKind::Interrupted => "Interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_quotes_are_inert() {
        assert_eq!(
            escaped("<script>alert('x')&\"\u{0}\u{202e}"),
            "&lt;script&gt;alert(&#39;x&#39;)&amp;&quot;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn numbers_read_well() {
        let cases = [(0.0, "0"), (1234.5, "1,235"), (-1234567.0, "−1,234,567"), (0.123_45, "0.1235"), (12.5, "12.5")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!((number(f64::NAN), number(f64::INFINITY)), (NONE.to_owned(), NONE.to_owned()));
        assert_eq!((bytes(512), bytes(1536), bytes(512 << 20)), ("512 B".into(), "1.5 KiB".into(), "512 MiB".into()));
        assert_eq!((energy(40), energy(12_340), energy(250_000)), ("40 mJ".into(), "12.3 J".into(), "250 J".into()));
        assert_eq!(
            (duration(1234), duration(61_000), duration(125_000)),
            ("1.23 s".into(), "61.0 s".into(), "2 min 05 s".into())
        );
    }

    #[test]
    fn spans_are_in_the_calendars_words() {
        let every = Frequency::every;
        assert_eq!(span(24, every(FrequencyUnit::Hour)), "1 day");
        assert_eq!(span(168, every(FrequencyUnit::Hour)), "7 days");
        assert_eq!(span(24, every(FrequencyUnit::Month)), "2 years");
        assert_eq!(span(7, every(FrequencyUnit::Month)), "7 months");
        assert_eq!(span(12, every(FrequencyUnit::Step)), "12 steps");
    }
}
