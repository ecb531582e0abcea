//! The regular time axis of one series: which point of the axis a moment belongs to, and the moment of a point.
//!
//! All arithmetic is in UTC, so that a change to summer time neither opens a gap nor makes a duplicate.
//! Civil dates follow Howard Hinnant, "chrono-compatible low-level date algorithms" (2013).

use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit;

const DAY_MICROS: i64 = 86_400_000_000;

/// Days since 1970-01-01 of a civil date (proleptic Gregorian calendar); `month` is 0 to 11, `day` 1 to 31.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (march_month, year) = if month >= 2 { (month - 2, year) } else { (month + 10, year - 1) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month (0 to 11) and day (1 to 31) of a day since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 2 } else { march_month - 10 };
    let year = year_of_era + era * 400 + i64::from(month < 2);
    (year, month, day)
}

fn days_in_month(month_ordinal: i64) -> i64 {
    let (year, month) = (month_ordinal.div_euclid(12), month_ordinal.rem_euclid(12));
    let (next_year, next_month) = if month == 11 { (year + 1, 0) } else { (year, month + 1) };
    days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1)
}

/// The month's ordinal (12 a year), the day in it (1 to 31) and the time of day.
fn split_month(time: i64) -> (i64, i64, i64) {
    let (year, month, day) = civil_from_days(time.div_euclid(DAY_MICROS));
    (year * 12 + month, day, time.rem_euclid(DAY_MICROS))
}

/// The ordinal of a business day: five a week, Monday first; a weekend counts as the Friday before it.
fn business_ordinal(time: i64) -> i64 {
    // 1970-01-01 was a Thursday: day −3 was a Monday.
    let since_monday = time.div_euclid(DAY_MICROS) + 3;
    since_monday.div_euclid(7) * 5 + since_monday.rem_euclid(7).min(4)
}

/// How ordinals are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ruler {
    /// Steps of constant length: microseconds, or step numbers.
    Fixed(i64),
    /// So many months.
    Months(i64),
    /// So many business days.
    BusinessDays(i64),
}

impl Ruler {
    fn of(frequency: Frequency) -> Self {
        let multiple = i64::from(frequency.multiple.max(1));
        match frequency.unit {
            FrequencyUnit::Step => Self::Fixed(multiple),
            FrequencyUnit::Second => Self::Fixed(1_000_000 * multiple),
            FrequencyUnit::Minute => Self::Fixed(60_000_000 * multiple),
            FrequencyUnit::Hour => Self::Fixed(3_600_000_000 * multiple),
            FrequencyUnit::Day => Self::Fixed(DAY_MICROS * multiple),
            FrequencyUnit::Week => Self::Fixed(7 * DAY_MICROS * multiple),
            FrequencyUnit::BusinessDay => Self::BusinessDays(multiple),
            FrequencyUnit::Month => Self::Months(multiple),
            FrequencyUnit::Quarter => Self::Months(3 * multiple),
            FrequencyUnit::Year => Self::Months(12 * multiple),
        }
    }
}

/// How many steps of this frequency have passed since an origin that all series share. Its remainder by a
/// seasonal period is the calendar phase: with hourly data and period 24, phase 0 is midnight UTC.
pub(crate) fn calendar_ordinal(frequency: Frequency, time: i64) -> i64 {
    match Ruler::of(frequency) {
        Ruler::Fixed(step) => time.div_euclid(step),
        Ruler::Months(step) => split_month(time).0.div_euclid(step),
        Ruler::BusinessDays(step) => business_ordinal(time).div_euclid(step),
    }
}

/// The most frequent value; the smallest of several.
fn mode(values: impl Iterator<Item = i64>) -> i64 {
    let mut sorted: Vec<i64> = values.collect();
    let Some(first) = sorted.first().copied() else { return 0 };
    if sorted.iter().all(|v| *v == first) {
        return first;
    }
    sorted.sort_unstable();
    let mut best = (0, first);
    for run in sorted.chunk_by(|a, b| a == b) {
        if run.len() > best.0 {
            best = (run.len(), run[0]);
        }
    }
    best.1
}

/// The axis of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    ruler: Ruler,
    /// The remainder of the ordinals (or of the time itself) by the step.
    anchor: i64,
    /// For months: the day, 0 for the last of the month.
    day: i64,
    /// For months and business days: the time of day.
    time_of_day: i64,
}

impl Axis {
    /// The axis on which most of these times lie.
    pub(crate) fn fit(frequency: Frequency, times: &[i64]) -> Self {
        let ruler = Ruler::of(frequency);
        let (anchor, day, time_of_day) = match ruler {
            Ruler::Fixed(step) => (mode(times.iter().map(|t| t.rem_euclid(step))), 0, 0),
            Ruler::Months(step) => {
                let parts: Vec<(i64, i64, i64)> = times.iter().map(|t| split_month(*t)).collect();
                let last = parts.iter().filter(|(month, day, _)| *day == days_in_month(*month)).count();
                let day = if 2 * last > parts.len() { 0 } else { mode(parts.iter().map(|p| p.1)) };
                (mode(parts.iter().map(|p| p.0.rem_euclid(step))), day, mode(parts.iter().map(|p| p.2)))
            }
            Ruler::BusinessDays(step) => (
                mode(times.iter().map(|t| business_ordinal(*t).rem_euclid(step))),
                0,
                mode(times.iter().map(|t| t.rem_euclid(DAY_MICROS))),
            ),
        };
        Self { ruler, anchor, day, time_of_day }
    }

    /// The point of the axis that is nearest to this moment.
    pub(crate) fn slot(&self, time: i64) -> i64 {
        let (ordinal, step) = match self.ruler {
            Ruler::Fixed(step) => (time, step),
            Ruler::Months(step) => (split_month(time).0, step),
            Ruler::BusinessDays(step) => (business_ordinal(time), step),
        };
        (ordinal - self.anchor + step / 2).div_euclid(step)
    }

    /// The moment of a point.
    pub(crate) fn time(&self, slot: i64) -> i64 {
        match self.ruler {
            Ruler::Fixed(step) => self.anchor + slot * step,
            Ruler::Months(step) => {
                let month = self.anchor + slot * step;
                let last = days_in_month(month);
                let day = if self.day == 0 { last } else { self.day.min(last) };
                days_from_civil(month.div_euclid(12), month.rem_euclid(12), day) * DAY_MICROS + self.time_of_day
            }
            Ruler::BusinessDays(step) => {
                let ordinal = self.anchor + slot * step;
                let days = ordinal.div_euclid(5) * 7 + ordinal.rem_euclid(5) - 3;
                days * DAY_MICROS + self.time_of_day
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
    use super::*;
    use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Weekday};

    fn micros(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp_micros()
    }

    #[test]
    fn civil_dates_agree_with_chrono_over_eight_hundred_years() {
        let mut date = NaiveDate::from_ymd_opt(1600, 1, 1).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        while date.year() < 2400 {
            let days = (date - epoch).num_days();
            let (year, month, day) = (i64::from(date.year()), i64::from(date.month0()), i64::from(date.day()));
            assert_eq!(days_from_civil(year, month, day), days);
            assert_eq!(civil_from_days(days), (year, month, day));
            date += TimeDelta::days(1);
        }
    }

    #[test]
    fn months_keep_their_convention() {
        let first = Axis::fit(
            Frequency::every(FrequencyUnit::Month),
            &[micros("2020-01-01 00:00"), micros("2020-03-01 00:00")],
        );
        let january = first.slot(micros("2020-01-01 00:00"));
        assert_eq!(first.time(january + 1), micros("2020-02-01 00:00"));
        let ends = ["2019-11-30 00:00", "2019-12-31 00:00", "2020-01-31 00:00"].map(micros);
        let last = Axis::fit(Frequency::every(FrequencyUnit::Month), &ends);
        assert_eq!(last.time(last.slot(ends[2]) + 1), micros("2020-02-29 00:00"));
        let quarters = Axis::fit(
            Frequency::every(FrequencyUnit::Quarter),
            &[micros("2020-02-15 00:00"), micros("2020-08-15 00:00")],
        );
        assert_eq!(quarters.time(quarters.slot(micros("2020-02-15 00:00")) + 1), micros("2020-05-15 00:00"));
        let years =
            Axis::fit(Frequency::every(FrequencyUnit::Year), &[micros("1899-12-31 00:00"), micros("1900-12-31 00:00")]);
        assert_eq!(years.time(years.slot(micros("1900-12-31 00:00")) + 4), micros("1904-12-31 00:00"));
    }

    #[test]
    fn business_days_step_over_the_weekend() {
        let friday = micros("2024-03-01 17:00");
        let axis = Axis::fit(Frequency::every(FrequencyUnit::BusinessDay), &[friday]);
        assert_eq!(axis.time(axis.slot(friday)), friday);
        assert_eq!(axis.time(axis.slot(friday) + 1), micros("2024-03-04 17:00"));
        assert_eq!(axis.slot(micros("2024-03-02 17:00")), axis.slot(friday), "a Saturday counts as its Friday");
        for slot in -3_000..3_000 {
            let day = chrono::DateTime::from_timestamp_micros(axis.time(slot)).unwrap();
            assert!(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
            assert_eq!(axis.slot(axis.time(slot)), slot);
        }
    }

    #[test]
    fn most_rows_decide_the_phase_of_the_axis() {
        let hour = 3_600_000_000;
        let times: Vec<i64> = (0..10).map(|i| i * hour + 5).chain([10 * hour + 1_000_000]).collect();
        let axis = Axis::fit(Frequency::every(FrequencyUnit::Hour), &times);
        assert_eq!(axis.slot(times[10]), axis.slot(times[9]) + 1);
        assert_eq!(axis.time(axis.slot(times[10])), 10 * hour + 5);
    }
}
