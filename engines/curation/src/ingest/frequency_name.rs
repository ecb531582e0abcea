//! Frequencies as people write them.

use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit as Unit;

/// Reads a frequency such as `hour`, `15 min`, `15min`, `2 weeks`, `business day`, `B`, `MS` or `every 3 months`
/// (as [`Frequency`] itself is shown, and the abbreviations of pandas). Nothing when it is none.
#[must_use]
pub fn frequency_from(text: &str) -> Option<Frequency> {
    let text = text.trim();
    let text = text.strip_prefix("every ").unwrap_or(text).trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let multiple: u32 = if digits == 0 { 1 } else { text[..digits].parse().ok()? };
    let unit = unit_of(text[digits..].trim())?;
    (multiple >= 1).then_some(Frequency { multiple, unit })
}

fn unit_of(name: &str) -> Option<Unit> {
    // Capital M is a month in pandas, small m never a minute there.
    if let "M" | "ME" | "MS" = name {
        return Some(Unit::Month);
    }
    let lower = name.to_lowercase();
    let singular = if lower.len() > 2 { lower.strip_suffix('s').unwrap_or(&lower) } else { &lower };
    Some(match singular {
        "step" => Unit::Step,
        "s" | "sec" | "second" => Unit::Second,
        "min" | "minute" => Unit::Minute,
        "h" | "hr" | "hour" | "hourly" => Unit::Hour,
        "d" | "day" | "daily" => Unit::Day,
        "b" | "business day" | "business_day" => Unit::BusinessDay,
        "w" | "week" | "weekly" => Unit::Week,
        "month" | "monthly" => Unit::Month,
        "q" | "qs" | "qe" | "quarter" | "quarterly" => Unit::Quarter,
        "y" | "a" | "ys" | "ye" | "year" | "yearly" => Unit::Year,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_and_so_are_abbreviations() {
        use Unit as U;
        for unit in
            [U::Step, U::Second, U::Minute, U::Hour, U::Day, U::BusinessDay, U::Week, U::Month, U::Quarter, U::Year]
        {
            for multiple in [1, 15] {
                let frequency = Frequency { multiple, unit };
                assert_eq!(frequency_from(&frequency.to_string()), Some(frequency));
            }
        }
        for (text, multiple, unit) in [
            ("15min", 15, U::Minute),
            ("h", 1, U::Hour),
            ("MS", 1, U::Month),
            ("B", 1, U::BusinessDay),
            ("2 weeks", 2, U::Week),
        ] {
            assert_eq!(frequency_from(text), Some(Frequency { multiple, unit }), "{text}");
        }
        for text in ["", "0h", "m", "fortnight", "99999999999 h", "-1h"] {
            assert_eq!(frequency_from(text), None, "{text}");
        }
    }
}
