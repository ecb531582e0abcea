//! Ticks at round numbers and at round moments, and points that are always finite.

use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::identity::Timestamp;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};

/// A linear scale from values to places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Maps `low` to the place `from` and `high` to the place `to`. A range without extent is widened around its value.
    pub(super) fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        let (low, high) =
            if high > low { (low, high) } else { (low - low.abs().max(1.0) / 2.0, low + low.abs().max(1.0) / 2.0) };
        Self { low, high, from, to }
    }

    /// The place of a value; always finite.
    pub(super) fn at(&self, value: f64) -> f64 {
        let place = self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from);
        if place.is_finite() { place } else { self.from }
    }

    pub(super) const fn low(&self) -> f64 {
        self.low
    }

    pub(super) const fn high(&self) -> f64 {
        self.high
    }
}

/// About `wanted` ticks at 1, 2 or 5 times a power of ten, inside `low..=high` (Heckbert 1990, "nice numbers").
pub(super) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let extent = high - low;
    if !(extent.is_finite() && extent > 0.0) {
        return vec![low].into_iter().filter(|v| v.is_finite()).collect();
    }
    let rough = extent / wanted.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // A step too small for the numbers themselves would count for ever.
    let number = (last - first).clamp(0.0, 50.0) as u32;
    (0..=number).map(|k| (first + f64::from(k)) * step).filter(|v| *v <= high + step * 1e-9).collect()
}

/// Bounds that contain `low..=high` and lie on the ticks that [`ticks`] then gives for them.
pub(super) fn rounded(low: f64, high: f64, wanted: usize) -> (f64, f64) {
    let scale = Scale::new(low, high, 0.0, 1.0);
    let (mut from, mut to) = (scale.low, scale.high);
    // Wider bounds can have wider steps; the second turn settles on those.
    for _ in 0..2 {
        let step = match ticks(from, to, wanted).as_slice() {
            [first, second, ..] => second - first,
            _ => to - from,
        };
        (from, to) = ((scale.low / step).floor() * step, (scale.high / step).ceil() * step);
    }
    (from, to)
}

/// A tick's label: no more decimals than the step between ticks needs.
pub(super) fn tick_label(value: f64, step: f64) -> String {
    let size = value.abs();
    let signed = |text: String| if value < 0.0 { format!("−{text}") } else { text };
    let short = |amount: f64, unit: &str| {
        let text = format!("{amount:.2}");
        signed(format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.')))
    };
    if size >= 1e12 || (size > 0.0 && size < 1e-5) {
        format!("{value:.1e}")
    } else if step >= 1e8 {
        short(size / 1e9, "G")
    } else if step >= 1e5 {
        short(size / 1e6, "M")
    } else if step >= 2e3 {
        short(size / 1e3, "k")
    } else {
        let decimals = if step >= 1.0 || step <= 0.0 { 0 } else { (-step.log10()).ceil().clamp(0.0, 6.0) as usize };
        let text = format!("{size:.decimals$}");
        if text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { signed(text) } else { text }
    }
}

/// A tick on a time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeTick {
    pub(super) time: Timestamp,
    /// What stands at the tick, such as `06:00` or `Mar`.
    pub(super) label: String,
    /// What stands below it where it changes, such as the day or the year.
    pub(super) context: Option<String>,
}

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// At most about `wanted` ticks at round moments of the calendar (UTC), or at round step numbers.
pub(super) fn time_ticks(first: Timestamp, last: Timestamp, unit: FrequencyUnit, wanted: usize) -> Vec<TimeTick> {
    let wanted = wanted.max(2);
    if unit == FrequencyUnit::Step {
        let places = ticks(first.0 as f64, last.0 as f64, wanted).into_iter().filter(|v| v.fract() == 0.0);
        return places
            .map(|v| TimeTick { time: Timestamp(v as i64), label: super::text::count(v.abs() as u64), context: None })
            .collect();
    }
    let extent = last.0.saturating_sub(first.0);
    let fine = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];
    if let Some(step) = fine.into_iter().find(|s| extent / s <= wanted as i64).filter(|_| is_fine(unit)) {
        return clock_ticks(first.0, last.0, step);
    }
    for step in [1, 2, 7, 14] {
        if extent / (step * DAY) <= wanted as i64 {
            return day_ticks(first.0, last.0, step);
        }
    }
    let months = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
    let step = months.into_iter().find(|m| extent / (*m * 30 * DAY) <= wanted as i64).unwrap_or(1200);
    month_ticks(first, last, u32::try_from(step).unwrap_or(12))
}

const fn is_fine(unit: FrequencyUnit) -> bool {
    matches!(unit, FrequencyUnit::Second | FrequencyUnit::Minute | FrequencyUnit::Hour)
}

fn clock_ticks(first: i64, last: i64, step: i64) -> Vec<TimeTick> {
    let start = first.div_euclid(step) + i64::from(first.rem_euclid(step) != 0);
    let mut day = None;
    let moments = (start..=last.div_euclid(step)).filter_map(|k| DateTime::<Utc>::from_timestamp_micros(k * step));
    moments
        .map(|moment| {
            let date = moment.date_naive();
            let context = (day != Some(date)).then(|| date.format("%-d %b %Y").to_string());
            day = Some(date);
            TimeTick { time: Timestamp(moment.timestamp_micros()), label: moment.format("%H:%M").to_string(), context }
        })
        .collect()
}

fn day_ticks(first: i64, last: i64, step: i64) -> Vec<TimeTick> {
    // 1970-01-05 was a Monday: weekly ticks stand on Mondays.
    let shift = if step % 7 == 0 { 4 } else { 0 };
    let on = |day: i64| (day - shift).rem_euclid(step) == 0;
    let days = first.div_euclid(DAY) + i64::from(first.rem_euclid(DAY) != 0)..=last.div_euclid(DAY);
    let mut year = None;
    days.filter(|d| on(*d))
        .filter_map(|d| DateTime::<Utc>::from_timestamp_micros(d * DAY))
        .map(|moment| {
            let context = (year != Some(moment.year())).then(|| moment.year().to_string());
            year = Some(moment.year());
            TimeTick { time: Timestamp(moment.timestamp_micros()), label: moment.format("%-d %b").to_string(), context }
        })
        .collect()
}

fn month_ticks(first: Timestamp, last: Timestamp, step: u32) -> Vec<TimeTick> {
    let date = |t: Timestamp| DateTime::<Utc>::from_timestamp_micros(t.0).map(|d| d.date_naive());
    let (Some(start), Some(end)) = (date(first), date(last)) else { return Vec::new() };
    let years = i32::try_from((step / 12).max(1)).unwrap_or(1);
    let month = if step >= 12 { 1 } else { start.month0() / step * step + 1 };
    let Some(mut at) = NaiveDate::from_ymd_opt(start.year().div_euclid(years) * years, month, 1) else {
        return Vec::new();
    };
    let mut ticks = Vec::new();
    let mut year = None;
    while at <= end {
        let time = Timestamp(at.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros());
        if time >= first {
            let label = if step >= 12 { at.year().to_string() } else { at.format("%b").to_string() };
            let context = (step < 12 && year != Some(at.year())).then(|| at.year().to_string());
            year = Some(at.year());
            ticks.push(TimeTick { time, label, context });
        }
        let Some(next) = at.checked_add_months(Months::new(step)) else { break };
        at = next;
    }
    // A short axis between two firsts of a month has no tick; its ends then serve.
    if ticks.is_empty() {
        for day in [start, end] {
            let time = Timestamp(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros());
            ticks.push(TimeTick { time: time.max(first), label: day.format("%-d %b %Y").to_string(), context: None });
        }
    }
    ticks
}

/// A path through points, broken where one is missing. Places have one decimal: a tenth of a pixel.
pub(super) fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut text = String::new();
    let mut drawing = false;
    for point in points {
        match point.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            Some((x, y)) => {
                text.push_str(&format!("{}{x:.1} {y:.1}", if drawing { "L" } else { "M" }));
                drawing = true;
            }
            None => drawing = false,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<DateTime<Utc>>().map(|d| d.timestamp_micros()).unwrap_or_default())
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 10.0, 5), vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(-3.0, 3.0, 4), vec![-2.0, 0.0, 2.0]);
        assert_eq!(ticks(5.0, 5.0, 4), vec![5.0]);
        assert!(ticks(f64::NAN, 1.0, 4).is_empty());
        assert_eq!((rounded(1.0, 9.5, 5), rounded(10.0, 410.0, 4)), ((0.0, 10.0), (0.0, 600.0)));
        assert_eq!(
            (tick_label(1500.0, 500.0), tick_label(20_000.0, 5_000.0), tick_label(0.25, 0.05)),
            ("1500".into(), "20k".into(), "0.25".into())
        );
        assert_eq!((tick_label(-0.0, 1.0), tick_label(-2.0, 1.0)), ("0".into(), "−2".into()));
    }

    #[test]
    fn a_scale_without_extent_stays_finite() {
        let scale = Scale::new(3.0, 3.0, 0.0, 100.0);
        assert!((scale.at(3.0) - 50.0).abs() < 1e-9);
        assert!(Scale::new(f64::NAN, f64::INFINITY, 0.0, 1.0).at(f64::NAN).is_finite());
    }

    #[test]
    fn hours_are_labelled_with_their_day_once() {
        let ticks = time_ticks(at("2012-12-30T01:00:00Z"), at("2012-12-31T23:00:00Z"), FrequencyUnit::Hour, 8);
        let labels: Vec<&str> = ticks.iter().map(|t| t.label.as_str()).collect();
        assert_eq!(labels, ["06:00", "12:00", "18:00", "00:00", "06:00", "12:00", "18:00"]);
        let days: Vec<&str> = ticks.iter().filter_map(|t| t.context.as_deref()).collect();
        assert_eq!(days, ["30 Dec 2012", "31 Dec 2012"]);
    }

    #[test]
    fn months_years_and_steps_have_their_own_ticks() {
        let months = time_ticks(at("1959-01-01T00:00:00Z"), at("1960-12-01T00:00:00Z"), FrequencyUnit::Month, 8);
        assert_eq!(
            months[0],
            TimeTick { time: at("1959-01-01T00:00:00Z"), label: "Jan".into(), context: Some("1959".into()) }
        );
        assert!(months.len() >= 4 && months.len() <= 9, "{}", months.len());
        let years = time_ticks(at("1900-01-01T00:00:00Z"), at("2000-01-01T00:00:00Z"), FrequencyUnit::Year, 6);
        assert!(years.iter().all(|t| t.context.is_none() && t.label.len() == 4) && years.len() >= 4);
        let steps = time_ticks(Timestamp(0), Timestamp(100), FrequencyUnit::Step, 5);
        assert_eq!(steps.iter().map(|t| t.time.0).collect::<Vec<_>>(), vec![0, 20, 40, 60, 80, 100]);
    }

    #[test]
    fn a_path_is_broken_at_missing_points() {
        let points = [Some((0.0, 1.0)), Some((1.0, 2.0)), None, Some((f64::NAN, 0.0)), Some((3.0, 4.0))];
        assert_eq!(path(points.into_iter()), "M0.0 1.0L1.0 2.0M3.0 4.0");
    }
}
