//! Moments of the log as people name them.

use atsre_domain::{Position, Timestamp};
use atsre_store::Store;
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::error::Failure;

/// The position that a person means: a number, or the last position at a time.
///
/// # Errors
/// When it is neither, or lies past the end of the log.
pub async fn position(store: &Store, moment: &str) -> Result<Position, Failure> {
    let head = store.log().head().await?.position;
    if let Ok(position) = moment.parse::<u64>() {
        if position > head.0 {
            return Err(Failure::usage(format!("there is no position {position} yet; the log ends at {head}")));
        }
        return Ok(Position(position));
    }
    let time = time(moment).ok_or_else(|| {
        Failure::usage(format!(
            "{moment:?} is neither a position nor a time; write 42, 2026-05-01, \"2026-05-01 14:00\" or 2026-05-01T14:00:00Z"
        ))
    })?;
    Ok(store.log().position_at(time).await?)
}

/// A time in UTC, unless it says otherwise.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp(moment.timestamp_micros()));
    }
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let moment = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let midnight = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    Some(Timestamp(moment.or_else(midnight)?.and_utc().timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let two = Some(Timestamp(1_777_644_000_000_000));
        for text in ["2026-05-01T14:00:00Z", "2026-05-01T16:00:00+02:00", "2026-05-01 14:00", "2026-05-01T14:00:00.000"]
        {
            assert_eq!(time(text), two, "{text}");
        }
        assert_eq!(time("2026-05-01"), Some(Timestamp(1_777_593_600_000_000)));
        assert_eq!(time("yesterday"), None);
    }
}
