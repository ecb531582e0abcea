//! The frequency of a data set: the most frequent step of each series, put into calendar terms.

use std::collections::BTreeMap;

use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit as Unit;

use super::axis::Axis;
use super::error::Problem;
use super::ingested::TimeAxis;
use super::moment::{DAY, Date, SECOND, last_day, weekday};

/// Series whose most frequent step makes up less than this share of their steps are irregular.
const REGULAR_SHARE: f64 = 0.5;
/// More steps than this share that are not the most frequent one but near it make a series irregular.
const MOST_JITTER: f64 = 0.3;
/// An irregular series may lose at most this share of its rows to shared grid cells.
const MOST_COLLISIONS: f64 = 0.2;
/// And must fill at least this share of the grid.
const LEAST_FILLED: f64 = 0.2;

/// A frequency with what speaks for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) frequency: Frequency,
    pub(super) reason: String,
    pub(super) warning: Option<String>,
}

/// Infers the frequency from the times; `step` when they are step numbers.
pub(super) fn infer(axis: &Axis, step: bool) -> Result<Found, Problem> {
    let mut votes: BTreeMap<Frequency, (u64, u64)> = BTreeMap::new();
    let mut irregular: Option<(&[i64], i64)> = None;
    for times in axis.series.iter().filter(|t| t.len() >= 2) {
        let modal = modal_step(times);
        let frequency = if step { Some(steps(modal.0)) } else { calendar(times).or_else(|| fixed(modal.0)) };
        let regular = is_regular(times, modal);
        match frequency.filter(|f| regular || !is_fixed(*f) || on_grid(times, *f)) {
            Some(frequency) => {
                let vote = votes.entry(frequency).or_insert((0, 0));
                vote.0 += 1;
                vote.1 += times.len() as u64;
            }
            None if irregular.is_none_or(|(other, _)| other.len() < times.len()) => irregular = Some((times, modal.0)),
            None => {}
        }
    }
    if let Some((frequency, (count, _))) = votes.into_iter().max_by_key(|(_, votes)| *votes) {
        let reason = if axis.series.len() == 1 {
            "the most frequent step between neighbouring times".to_owned()
        } else {
            format!("the most frequent step in {count} of {} series", axis.series.len())
        };
        let odd = axis.series.iter().filter(|t| t.len() >= 2).count() as u64 - count;
        let warning = (odd > 0).then(|| format!("{odd} series have another frequency than {frequency}"));
        return Ok(Found { frequency, reason, warning });
    }
    match irregular {
        Some((times, modal)) => nearest_grid(times, modal),
        None => Err(Problem::TooFewTimes),
    }
}

/// Whether most steps are the most frequent one, and few others are near it: those would be jitter, under which
/// the most frequent step is not the average one.
fn is_regular(times: &[i64], (length, count): (i64, usize)) -> bool {
    let steps = (times.len() - 1) as f64;
    let near = |pair: &&[i64]| {
        let step = pair[1] - pair[0];
        step != length && step < length + length / 2
    };
    let jitter = times.windows(2).filter(near).count();
    count as f64 >= REGULAR_SHARE * steps && jitter as f64 <= MOST_JITTER * steps
}

/// The most frequent difference and how often it occurs; of two equally frequent ones the smaller.
fn modal_step(times: &[i64]) -> (i64, usize) {
    let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_unstable();
    let mut best = (0, 0);
    for run in steps.chunk_by(|a, b| a == b) {
        if run.len() > best.1 {
            best = (run[0], run.len());
        }
    }
    best
}

fn steps(modal: i64) -> Frequency {
    Frequency { multiple: u32::try_from(modal).unwrap_or(u32::MAX).max(1), unit: Unit::Step }
}

/// Months, quarters, years and business days: units whose length varies.
fn calendar(times: &[i64]) -> Option<Frequency> {
    let clock = times[0].rem_euclid(DAY);
    if times.iter().any(|t| t.rem_euclid(DAY) != clock) {
        return None;
    }
    business_days(times).or_else(|| months(times))
}

/// Days without a single Saturday or Sunday, some of them a Friday followed by its Monday.
fn business_days(times: &[i64]) -> Option<Frequency> {
    let over_weekend = |pair: &[i64]| pair[1] - pair[0] == 3 * DAY && weekday(pair[0]) == 4;
    let daily = modal_step(times).0 == DAY && times.windows(2).any(over_weekend);
    (daily && times.iter().all(|t| weekday(*t) < 5)).then(|| Frequency::every(Unit::BusinessDay))
}

/// All on the same day of their months (the last day where a month is too short for it).
fn months(times: &[i64]) -> Option<Frequency> {
    let anchor = times.iter().map(|t| Date::of(*t).day).max()?;
    let mut indices = Vec::with_capacity(times.len());
    for time in times {
        let date = Date::of(*time);
        if date.day != anchor.min(last_day(date.year, date.month)) {
            return None;
        }
        indices.push(date.year * 12 + date.month - 1);
    }
    let (modal, _) = modal_step(&indices);
    let (multiple, unit) = match modal {
        m if m % 12 == 0 => (m / 12, Unit::Year),
        m if m % 3 == 0 => (m / 3, Unit::Quarter),
        m => (m, Unit::Month),
    };
    Some(Frequency { multiple: u32::try_from(multiple).ok().filter(|m| *m > 0)?, unit })
}

/// Weeks down to seconds: units of fixed length.
fn fixed(micros: i64) -> Option<Frequency> {
    let units = [
        (7 * DAY, Unit::Week),
        (DAY, Unit::Day),
        (3_600 * SECOND, Unit::Hour),
        (60 * SECOND, Unit::Minute),
        (SECOND, Unit::Second),
    ];
    let (length, unit) = units.into_iter().find(|(length, _)| micros % length == 0)?;
    Some(Frequency { multiple: u32::try_from(micros / length).ok().filter(|m| *m > 0)?, unit })
}

const fn is_fixed(frequency: Frequency) -> bool {
    frequency.seconds().is_some()
}

fn micros(frequency: Frequency) -> i64 {
    frequency.seconds().map_or(1, |s| s as i64 * SECOND)
}

/// Whether nearly all times lie on the grid, so that what looks irregular are gaps.
fn on_grid(times: &[i64], frequency: Frequency) -> bool {
    let length = micros(frequency);
    let on = times.iter().filter(|t| (**t - times[0]) % length == 0).count();
    on as f64 >= 0.95 * times.len() as f64 && filled(times, length) >= LEAST_FILLED
}

fn filled(times: &[i64], length: i64) -> f64 {
    let span = times[times.len() - 1] - times[0];
    times.len() as f64 / (span / length + 1) as f64
}

/// Irregular times: the round grid nearest to the median step (or the most frequent one), if it keeps the rows apart
/// and is not mostly empty.
fn nearest_grid(times: &[i64], modal: i64) -> Result<Found, Problem> {
    const ROUND: [i64; 24] = [
        1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 28_800,
        43_200, 86_400, 172_800, 604_800,
    ];
    let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_unstable();
    let median = steps[steps.len() / 2];
    let nearest = |wanted: i64| {
        let distance = |s: &i64| ((*s * SECOND) as f64 / wanted.max(1) as f64).ln().abs();
        ROUND.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(1)
    };
    let mut measured = Vec::new();
    for seconds in [nearest(modal), nearest(median)] {
        let length = seconds * SECOND;
        let collisions = collisions(times, length);
        let filled = filled(times, length).min(1.0);
        measured.push(format!(
            "a grid of {seconds} s is {:.0} % filled and merges {:.0} % of the rows",
            filled * 100.0,
            collisions * 100.0
        ));
        if collisions <= MOST_COLLISIONS
            && filled >= LEAST_FILLED
            && let Some(frequency) = fixed(length)
        {
            let warning = format!(
                "the times are irregular (steps from {} s to {} s, median {} s); each is taken to the nearest point of a grid with one point {frequency}",
                seconds_of(steps[0]),
                seconds_of(steps[steps.len() - 1]),
                seconds_of(median)
            );
            let reason = format!("the times are irregular, and {}", measured[measured.len() - 1]);
            return Ok(Found { frequency, reason, warning: Some(warning) });
        }
    }
    Err(Problem::Irregular {
        detail: format!(
            "the median step is {} s, the most frequent {} s; {}",
            seconds_of(median),
            seconds_of(modal),
            measured.join("; ")
        ),
    })
}

fn seconds_of(micros: i64) -> f64 {
    micros as f64 / SECOND as f64
}

/// The share of rows that fall into a grid cell that an earlier row has taken.
fn collisions(times: &[i64], length: i64) -> f64 {
    let cell = |t: i64| (t - times[0] + length / 2) / length;
    let shared = times.windows(2).filter(|pair| cell(pair[0]) == cell(pair[1])).count();
    shared as f64 / times.len() as f64
}

/// Measures all series against a frequency.
pub(super) fn measure(axis: &Axis, frequency: Frequency) -> TimeAxis {
    let mut measured = TimeAxis {
        series: axis.series.len() as u64,
        duplicates: axis.duplicates,
        out_of_order: axis.out_of_order,
        descending: axis.descending,
        ..TimeAxis::default()
    };
    let (mut regular, mut all) = (0_u64, 0_u64);
    for times in &axis.series {
        let Some(first) = times.first() else { continue };
        let (mut cells, mut last) = (0_u64, -1);
        for time in times {
            let place = place(*first, *time, frequency);
            cells += u64::from(place.index > last);
            last = last.max(place.index);
            measured.off_grid += u64::from(!place.exact);
        }
        measured.absent += (last + 1).unsigned_abs().saturating_sub(cells);
        regular += times.windows(2).filter(|pair| is_one_step(pair[0], pair[1], frequency)).count() as u64;
        all += times.len() as u64 - 1;
    }
    measured.regular_share = if all == 0 { 1.0 } else { regular as f64 / all as f64 };
    measured
}

/// A time's cell on the grid that begins at the first time.
struct Place {
    index: i64,
    /// Whether the time is the cell's very moment.
    exact: bool,
}

fn place(first: i64, time: i64, frequency: Frequency) -> Place {
    let multiple = i64::from(frequency.multiple);
    let nearest = |distance: i64, period: i64, exact: bool| Place {
        index: (distance + period / 2).div_euclid(period),
        exact: exact && distance.rem_euclid(period) == 0,
    };
    match frequency.unit {
        Unit::Step => nearest(time - first, multiple, true),
        Unit::Second | Unit::Minute | Unit::Hour | Unit::Day | Unit::Week => {
            nearest(time - first, micros(frequency), true)
        }
        Unit::BusinessDay => {
            let exact = (time - first) % DAY == 0 && weekday(time) < 5 && weekday(first) < 5;
            nearest(business_number(time) - business_number(first), multiple, exact)
        }
        Unit::Month => nearest(months_between(first, time), multiple, same_day_of_month(first, time)),
        Unit::Quarter => nearest(months_between(first, time), 3 * multiple, same_day_of_month(first, time)),
        Unit::Year => nearest(months_between(first, time), 12 * multiple, same_day_of_month(first, time)),
    }
}

fn is_one_step(from: i64, to: i64, frequency: Frequency) -> bool {
    let place = place(from, to, frequency);
    place.index == 1 && place.exact
}

/// Weekdays before a moment, from a fixed Monday; a weekend counts with the Monday behind it.
const fn business_number(micros: i64) -> i64 {
    let days = micros.div_euclid(DAY) + 3;
    let in_week = days.rem_euclid(7);
    days.div_euclid(7) * 5 + if in_week < 5 { in_week } else { 5 }
}

const fn months_between(first: i64, time: i64) -> i64 {
    let (a, b) = (Date::of(first), Date::of(time));
    (b.year - a.year) * 12 + b.month - a.month
}

/// Whether both lie on the same day of their month, or at its end where the month is too short.
fn same_day_of_month(first: i64, time: i64) -> bool {
    let (a, b) = (Date::of(first), Date::of(time));
    let at_end = (b.ends_month() && a.day >= b.day) || (a.ends_month() && b.day >= a.day);
    first.rem_euclid(DAY) == time.rem_euclid(DAY) && (a.day == b.day || at_end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn days(dates: &[(i64, i64, i64)]) -> Vec<i64> {
        dates.iter().map(|(y, m, d)| Date::new(*y, *m, *d).unwrap().micros()).collect()
    }

    fn found(times: &[i64], step: bool) -> String {
        infer(&Axis::new(times, None), step).unwrap().frequency.to_string()
    }

    #[test]
    fn every_unit_is_found() {
        let every = |length: i64| (0..50).map(|i| i * length).collect::<Vec<_>>();
        assert_eq!(found(&every(SECOND), false), "every second");
        assert_eq!(found(&every(900 * SECOND), false), "every 15 minutes");
        assert_eq!(found(&every(3_600 * SECOND), false), "every hour");
        assert_eq!(found(&every(DAY), false), "every day");
        assert_eq!(found(&every(14 * DAY), false), "every 2 weeks");
        assert_eq!(found(&every(6), true), "every 6 steps");
        let months: Vec<_> = (0..40).map(|i| (2000 + i / 12, i % 12 + 1, 1)).collect();
        assert_eq!(found(&days(&months), false), "every month");
        let ends: Vec<_> = (0..40).map(|i| (2000 + i / 12, i % 12 + 1, last_day(2000 + i / 12, i % 12 + 1))).collect();
        assert_eq!(found(&days(&ends), false), "every month");
        let quarters: Vec<_> = (0..8).map(|i| (2000 + i / 4, i % 4 * 3 + 1, 1)).collect();
        assert_eq!(found(&days(&quarters), false), "every quarter");
        let years: Vec<_> = (0..8).map(|i| (2000 + i, 12, 31)).collect();
        assert_eq!(found(&days(&years), false), "every year");
    }

    #[test]
    fn business_days_have_no_weekend() {
        let weekdays: Vec<i64> = (0..40).map(|d| d * DAY).filter(|t| weekday(*t) < 5).collect();
        assert_eq!(found(&weekdays, false), "every business day");
        let axis = Axis::new(&weekdays, None);
        let measured = measure(&axis, Frequency::every(Unit::BusinessDay));
        assert_eq!((measured.absent, measured.off_grid), (0, 0));
        assert!((measured.regular_share - 1.0).abs() < 1e-12);
    }

    #[test]
    fn gaps_duplicates_and_disorder_do_not_hide_the_frequency() {
        let mut times: Vec<i64> = (0..100).filter(|i| i % 9 != 3).map(|i| i * 300 * SECOND).collect();
        times.swap(4, 60);
        times.push(times[7]);
        let axis = Axis::new(&times, None);
        let frequency = infer(&axis, false).unwrap().frequency;
        assert_eq!(frequency.to_string(), "every 5 minutes");
        let measured = measure(&axis, frequency);
        assert_eq!((measured.absent, measured.duplicates, measured.off_grid), (11, 1, 0));
        assert!(measured.out_of_order > 0);
    }

    #[test]
    fn jittered_times_get_the_nearest_round_grid_and_a_warning() {
        let times: Vec<i64> = (0..100).map(|i| i * 60 * SECOND + (i * 7 % 13) * SECOND).collect();
        let found = infer(&Axis::new(&times, None), false).unwrap();
        assert_eq!(found.frequency.to_string(), "every minute");
        assert!(found.warning.is_some());
    }

    #[test]
    fn times_without_any_rhythm_are_refused() {
        let times: Vec<i64> = (0..60_u32).map(|i| (1.5_f64.powi(i as i32) * 1e7) as i64).collect();
        assert!(matches!(infer(&Axis::new(&times, None), false), Err(Problem::Irregular { .. })));
        assert!(matches!(infer(&Axis::new(&[5], None), false), Err(Problem::TooFewTimes)));
    }

    #[test]
    fn items_that_differ_are_outvoted_and_named() {
        let mut times: Vec<i64> = (0..20).map(|i| i * DAY).collect();
        let mut codes = vec![0; 10];
        codes.extend([1; 10]);
        times.extend((0..10).map(|i| i * 7 * DAY));
        codes.extend([2; 10]);
        let found = infer(&Axis::new(&times, Some(&codes)), false).unwrap();
        assert_eq!(found.frequency.to_string(), "every day");
        assert!(found.warning.unwrap().starts_with("1 series"));
    }
}
