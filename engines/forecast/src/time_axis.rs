//! The moments after the end of a series, by the calendar of its frequency.

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta, Utc, Weekday};

use crate::error::ForecastError;

/// How many of the last moments show whether a monthly axis lies on month ends.
const RECENT: usize = 12;

/// The `count` moments that follow `times` at `frequency`.
///
/// Months, quarters and years keep the day of the month (clipped where a month is shorter) or stay on the last day
/// of the month where the recent axis does; business days skip Saturday and Sunday; steps are numbers.
///
/// # Errors
/// [`ForecastError::TimeAxis`] where `times` is empty or the moments leave the calendar.
pub fn continue_after(
    frequency: Frequency,
    times: &[Timestamp],
    count: usize,
) -> Result<Vec<Timestamp>, ForecastError> {
    let last = times.last().map_or(0, |t| t.0);
    let failure = || ForecastError::TimeAxis { last, count, frequency: frequency.to_string() };
    if times.is_empty() {
        return Err(failure());
    }
    let multiple = i64::from(frequency.multiple.max(1));
    let months = match frequency.unit {
        FrequencyUnit::Step => return fixed(last, multiple, count).ok_or_else(failure),
        FrequencyUnit::BusinessDay => {
            return business_days(last, multiple, count).ok_or_else(failure);
        }
        FrequencyUnit::Second
        | FrequencyUnit::Minute
        | FrequencyUnit::Hour
        | FrequencyUnit::Day
        | FrequencyUnit::Week => {
            let seconds = frequency.seconds().and_then(|s| i64::try_from(s).ok()).ok_or_else(failure)?;
            return seconds.checked_mul(1_000_000).and_then(|step| fixed(last, step, count)).ok_or_else(failure);
        }
        FrequencyUnit::Month => 1,
        FrequencyUnit::Quarter => 3,
        FrequencyUnit::Year => 12,
    };
    calendar_months(times, months * multiple, count).ok_or_else(failure)
}

/// The number of the calendar step that a moment lies in, so that equal phases of a season have equal remainders in
/// every series: hours since 1970 for hourly data, months since year 0 for monthly data, the number itself for steps.
pub(crate) fn step_number(frequency: Frequency, moment: Timestamp) -> i64 {
    const DAY: i64 = 86_400_000_000;
    let multiple = i64::from(frequency.multiple.max(1));
    let months = || {
        let date = DateTime::<Utc>::from_timestamp_micros(moment.0).unwrap_or_default();
        i64::from(date.year()) * 12 + i64::from(date.month0())
    };
    let units = match frequency.unit {
        FrequencyUnit::Step => moment.0,
        FrequencyUnit::Second => moment.0.div_euclid(1_000_000),
        FrequencyUnit::Minute => moment.0.div_euclid(60_000_000),
        FrequencyUnit::Hour => moment.0.div_euclid(3_600_000_000),
        FrequencyUnit::Day => moment.0.div_euclid(DAY),
        FrequencyUnit::BusinessDay => {
            // 1970-01-01 was a Thursday: three days after a Monday.
            let days = moment.0.div_euclid(DAY) + 3;
            days.div_euclid(7) * 5 + days.rem_euclid(7).min(4)
        }
        FrequencyUnit::Week => moment.0.div_euclid(7 * DAY),
        FrequencyUnit::Month => months(),
        FrequencyUnit::Quarter => months().div_euclid(3),
        FrequencyUnit::Year => months().div_euclid(12),
    };
    units.div_euclid(multiple)
}

fn fixed(last: i64, step: i64, count: usize) -> Option<Vec<Timestamp>> {
    let mut moment = last;
    (0..count)
        .map(|_| {
            moment = moment.checked_add(step)?;
            Some(Timestamp(moment))
        })
        .collect()
}

fn business_days(last: i64, multiple: i64, count: usize) -> Option<Vec<Timestamp>> {
    let mut moment = DateTime::<Utc>::from_timestamp_micros(last)?;
    (0..count)
        .map(|_| {
            let mut left = multiple;
            while left > 0 {
                moment = moment.checked_add_signed(TimeDelta::days(1))?;
                if !matches!(moment.weekday(), Weekday::Sat | Weekday::Sun) {
                    left -= 1;
                }
            }
            Some(Timestamp(moment.timestamp_micros()))
        })
        .collect()
}

fn calendar_months(times: &[Timestamp], months: i64, count: usize) -> Option<Vec<Timestamp>> {
    let recent: Option<Vec<NaiveDateTime>> = times[times.len().saturating_sub(RECENT)..]
        .iter()
        .map(|t| DateTime::<Utc>::from_timestamp_micros(t.0).map(|d| d.naive_utc()))
        .collect();
    let recent = recent?;
    let last = *recent.last()?;
    let day =
        if recent.iter().all(|d| is_month_end(d.date())) { 31 } else { recent.iter().map(NaiveDateTime::day).max()? };
    let first_of_month = last.date().with_day(1)?;
    (1..=count)
        .map(|k| {
            let months = u32::try_from(months.checked_mul(i64::try_from(k).ok()?)?).ok()?;
            let month = first_of_month.checked_add_months(Months::new(months))?;
            let date = month.with_day(day.min(days_in_month(month)?))?;
            Some(Timestamp(date.and_time(last.time()).and_utc().timestamp_micros()))
        })
        .collect()
}

fn days_in_month(date: NaiveDate) -> Option<u32> {
    Some(date.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()?.day())
}

fn is_month_end(date: NaiveDate) -> bool {
    days_in_month(date) == Some(date.day())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let moment = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_string() };
        Timestamp(DateTime::parse_from_rfc3339(&moment).unwrap().timestamp_micros())
    }

    fn check(multiple: u32, unit: FrequencyUnit, times: &[&str], expect: &[&str]) {
        let times: Vec<_> = times.iter().map(|t| at(t)).collect();
        let expect: Vec<_> = expect.iter().map(|t| at(t)).collect();
        assert_eq!(continue_after(Frequency { multiple, unit }, &times, expect.len()).unwrap(), expect);
    }

    #[test]
    fn fixed_units_add_seconds_across_the_year() {
        check(15, FrequencyUnit::Minute, &["2011-12-31T23:45:00Z"], &["2012-01-01T00:00:00Z", "2012-01-01T00:15:00Z"]);
        check(1, FrequencyUnit::Day, &["2012-02-28"], &["2012-02-29", "2012-03-01"]);
        check(1, FrequencyUnit::Week, &["2024-12-30"], &["2025-01-06"]);
    }

    #[test]
    fn months_keep_their_day_and_leap_years_count() {
        check(1, FrequencyUnit::Month, &["1960-11-01", "1960-12-01"], &["1961-01-01", "1961-02-01", "1961-03-01"]);
        check(1, FrequencyUnit::Month, &["2023-12-30", "2024-01-30"], &["2024-02-29", "2024-03-30"]);
        check(1, FrequencyUnit::Quarter, &["2023-10-01"], &["2024-01-01", "2024-04-01"]);
        check(2, FrequencyUnit::Year, &["2020-02-29", "2022-02-28"], &["2024-02-29", "2026-02-28"]);
    }

    #[test]
    fn month_ends_stay_month_ends() {
        check(1, FrequencyUnit::Month, &["2023-12-31", "2024-01-31", "2024-02-29"], &["2024-03-31", "2024-04-30"]);
        check(1, FrequencyUnit::Quarter, &["2023-09-30", "2023-12-31"], &["2024-03-31", "2024-06-30"]);
    }

    #[test]
    fn business_days_skip_the_weekend() {
        check(1, FrequencyUnit::BusinessDay, &["2024-05-30"], &["2024-05-31", "2024-06-03", "2024-06-04"]);
    }

    #[test]
    fn step_numbers_advance_by_one() {
        use FrequencyUnit as U;
        for unit in [U::Minute, U::Hour, U::Day, U::BusinessDay, U::Week, U::Month, U::Quarter, U::Year, U::Step] {
            for multiple in [1, 3] {
                let frequency = Frequency { multiple, unit };
                let start = if unit == U::Step { Timestamp(0) } else { at("2024-01-01") };
                let times = continue_after(frequency, &[start], 40).unwrap();
                let first = step_number(frequency, times[0]);
                let expect: Vec<i64> = (first..first + 40).collect();
                let numbers: Vec<i64> = times.iter().map(|t| step_number(frequency, *t)).collect();
                assert_eq!(numbers, expect, "{frequency}");
            }
        }
    }

    #[test]
    fn steps_are_numbers() {
        let frequency = Frequency { multiple: 3, unit: FrequencyUnit::Step };
        assert_eq!(continue_after(frequency, &[Timestamp(7)], 2).unwrap(), vec![Timestamp(10), Timestamp(13)]);
    }

    #[test]
    fn the_end_of_the_calendar_is_an_error() {
        let frequency = Frequency::every(FrequencyUnit::Year);
        assert!(continue_after(frequency, &[at("2024-01-01")], 1_000_000).is_err());
        assert!(continue_after(frequency, &[], 1).is_err());
    }
}
