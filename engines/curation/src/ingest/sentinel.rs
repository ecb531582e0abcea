//! Numbers that stand for a missing value, such as −200 or 9999.

use super::ingested::Sentinel;
use super::table_draft::Draft;

/// What instruments and databases write when they have nothing to say.
const USUAL: [f64; 20] = [
    -99.0, -99.9, -99.99, -200.0, -888.0, -999.0, -999.9, -999.99, -9999.0, -9999.9, -99_999.0, -32_768.0, 999.0,
    999.9, 9999.0, 9999.9, 99_999.0, 999_999.0, 32_767.0, 1e20,
];
/// Fewer occurrences are an outlier, not a custom.
const LEAST_COUNT: u64 = 3;

/// The sentinel of a column: one of the usual numbers, at the very end of the column's range, repeated, and
/// either of the other sign than all other values or further from them than they are from one another.
pub(super) fn find(draft: &Draft) -> Option<Sentinel> {
    let values = draft.numbers()?;
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values {
        low = low.min(*value);
        high = high.max(*value);
    }
    [low, high].into_iter().find_map(|value| judge(draft, values, value))
}

fn judge(draft: &Draft, values: &[f64], value: f64) -> Option<Sentinel> {
    if !USUAL.contains(&value) {
        return None;
    }
    let (mut low, mut high, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    for other in values {
        if *other == value {
            count += 1;
        } else {
            low = low.min(*other);
            high = high.max(*other);
        }
    }
    if count < LEAST_COUNT || low > high {
        return None;
    }
    let range = high - low;
    let gap = if value < low { low - value } else { value - high };
    let other_sign = value < 0.0 && low >= 0.0 && gap > 0.0;
    let apart = gap > range && range > 0.0;
    let reason = if apart {
        format!("{count} cells are exactly {value}, the others lie between {low} and {high}")
    } else if other_sign {
        format!("{count} cells are exactly {value}, all others are positive")
    } else {
        return None;
    };
    Some(Sentinel { column: draft.name.clone(), value, count, reason })
}
