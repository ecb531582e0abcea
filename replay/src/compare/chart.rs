//! The forecasts over each other and the windows' differences, drawn as SVG.

use std::fmt::Write as _;

use atsre_domain::Timestamp;
use chrono::{DateTime, Utc};

use super::overlay::{Overlaid, Overlay, Path};
use super::paired::{Tested, Versus};

const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 330.0;

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

/// A linear scale from values to places; always finite.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        let half = low.abs().max(1.0) / 2.0;
        let (low, high) = if high > low { (low, high) } else { (low - half, low + half) };
        Self { low, high, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let place = self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from);
        if place.is_finite() { place } else { self.from }
    }
}

/// About `wanted` values at 1, 2 or 5 times a power of ten inside the range (Heckbert 1990), with the step between them.
fn ticks(low: f64, high: f64, wanted: u32) -> (Vec<f64>, f64) {
    let rough = (high - low) / f64::from(wanted.max(1));
    if !(rough.is_finite() && rough > 0.0) {
        return (vec![low], 1.0);
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // A step too small for the numbers themselves would count for ever.
    let count = (last - first).clamp(0.0, 50.0) as u32;
    ((0..=count).map(|k| (first + f64::from(k)) * step).collect(), step)
}

fn tick_label(value: f64, step: f64) -> String {
    let decimals = if step >= 1.0 { 0 } else { (-step.log10()).ceil().clamp(0.0, 6.0) as usize };
    let size = value.abs();
    let text = match size {
        1e9.. => format!("{:.1}G", size / 1e9),
        1e6.. => format!("{:.1}M", size / 1e6),
        1e5.. => format!("{:.0}k", size / 1e3),
        _ => format!("{size:.decimals$}"),
    };
    if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { format!("−{text}") } else { text }
}

fn moment(time: Timestamp, steps: bool, span: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    match DateTime::<Utc>::from_timestamp_micros(time.0) {
        Some(moment) if !steps => {
            let format = if span <= 20 * DAY { "%-d %b %H:%M" } else { "%-d %b %Y" };
            moment.format(format).to_string()
        }
        _ => time.0.to_string(),
    }
}

/// A path through points, broken where one is missing.
fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let (mut text, mut drawing) = (String::new(), false);
    for point in points {
        match point {
            Some((x, y)) => {
                text.push_str(&format!("{}{x:.1} {y:.1}", if drawing { "L" } else { "M" }));
                drawing = true;
            }
            None => drawing = false,
        }
    }
    text
}

/// The forecasts of one series. `place` gives a branch its colour by its label.
pub(super) fn overlay(overlay: &Overlay, place: impl Fn(&str) -> usize) -> String {
    let forecasts = &overlay.forecasts;
    let times = || {
        let ahead = forecasts.iter().flat_map(|f| f.mean.times.iter());
        overlay.history.times.iter().chain(&overlay.actual.times).chain(ahead).map(|time| time.0)
    };
    let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(1));
    let values = || {
        let ahead = forecasts.iter().flat_map(|f| f.mean.values.iter().chain(&f.lower).chain(&f.upper));
        overlay.history.values.iter().chain(&overlay.actual.values).chain(ahead).flatten().copied()
    };
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let room = (high - low) * 0.05;
    let y = Scale::new(low - room, high + room, HEIGHT - 34.0, 12.0);
    let x = Scale::new(first as f64, last as f64, 62.0, WIDTH - 14.0);
    let title = if overlay.item_id.is_empty() {
        "The forecasts".to_owned()
    } else {
        format!("The forecasts of {}", overlay.item_id)
    };
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH:.0} {HEIGHT:.0}\" role=\"img\"><title>{}</title>",
        escaped(&title)
    );
    grid(&mut svg, &y, 62.0, WIDTH - 14.0);
    let floor = HEIGHT - 34.0;
    let mut all: Vec<i64> = times().collect();
    all.sort_unstable();
    all.dedup();
    for share in 0..=5 {
        let Some(time) = all.get((all.len().saturating_sub(1)) * share / 5) else { continue };
        let anchor = if share == 5 {
            "end"
        } else if share == 0 {
            "start"
        } else {
            "middle"
        };
        // Writing to a string does not fail.
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            x.at(*time as f64),
            floor + 20.0,
            escaped(&moment(Timestamp(*time), overlay.steps, last.saturating_sub(first)))
        );
    }
    if let Some(start) = forecasts.iter().filter_map(|f| f.mean.times.first()).min() {
        let from = x.at(start.0 as f64);
        let _ = write!(
            svg,
            "<rect class=\"ahead\" x=\"{from:.1}\" y=\"12\" width=\"{:.1}\" height=\"{:.1}\"/>",
            (WIDTH - 14.0 - from).max(0.0),
            floor - 12.0
        );
    }
    let line = |points: &Path| {
        path(points.times.iter().zip(&points.values).map(|(t, v)| v.map(|v| (x.at(t.0 as f64), y.at(v)))))
    };
    for forecast in forecasts {
        fan(&mut svg, forecast, place(&forecast.branch), &x, &y);
    }
    let _ = write!(svg, "<path class=\"history\" d=\"{}\"/>", line(&overlay.history));
    if !overlay.actual.times.is_empty() {
        let _ = write!(svg, "<path class=\"actual\" d=\"{}\"/>", line(&overlay.actual));
    }
    for forecast in forecasts {
        let _ = write!(
            svg,
            "<path class=\"mean b{}\" d=\"{}\"><title>{}</title></path>",
            place(&forecast.branch),
            line(&forecast.mean),
            escaped(&format!("{}: {} (trial {})", forecast.branch, forecast.model, forecast.trial))
        );
        if let ([time], [Some(value)]) = (forecast.mean.times.as_slice(), forecast.mean.values.as_slice()) {
            let (across, down) = (x.at(time.0 as f64), y.at(*value));
            let _ = write!(
                svg,
                "<circle class=\"tip b{}\" cx=\"{across:.1}\" cy=\"{down:.1}\" r=\"4\"/>",
                place(&forecast.branch)
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

fn grid(svg: &mut String, y: &Scale, start: f64, end: f64) {
    let (places, step) = ticks(y.low, y.high, 5);
    for value in places {
        let down = y.at(value);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{start:.1}\" x2=\"{end:.1}\" y1=\"{down:.1}\" y2=\"{down:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            start - 8.0,
            down + 4.0,
            tick_label(value, step)
        );
    }
}

fn fan(svg: &mut String, forecast: &Overlaid, place: usize, x: &Scale, y: &Scale) {
    let steps: Vec<Option<(f64, f64, f64)>> = forecast
        .mean
        .times
        .iter()
        .zip(forecast.lower.iter().zip(&forecast.upper))
        .map(|(time, (low, high))| Some((x.at(time.0 as f64), y.at((*low)?), y.at((*high)?))))
        .collect();
    for run in steps.split(Option::is_none).filter(|run| run.len() > 1) {
        let run: Vec<(f64, f64, f64)> = run.iter().flatten().copied().collect();
        let upper = run.iter().map(|(x, _, u)| Some((*x, *u)));
        let lower = run.iter().rev().map(|(x, l, _)| Some((*x, *l)));
        let _ = write!(svg, "<path class=\"fan b{place}\" d=\"{}Z\"/>", path(upper.chain(lower)));
    }
}

/// The first's mean loss less the second's in each window, as bars on a zero line: below it the first is better.
pub(super) fn differences(versus: &Versus, test: &Tested, places: (usize, usize)) -> String {
    let (width, height, left) = (520.0, 190.0, 62.0);
    let reach = test.differences.iter().fold(0.0_f64, |most, d| most.max(d.abs())) * 1.45;
    let y = Scale::new(-reach, reach, height - 26.0, 12.0);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\"><title>{}</title>",
        escaped(&format!("Difference of the {} in each window", test.loss.name()))
    );
    grid(&mut svg, &y, left, width - 8.0);
    let slot = (width - 8.0 - left) / test.differences.len().max(1) as f64;
    let zero = y.at(0.0);
    for (index, difference) in test.differences.iter().enumerate() {
        let (from, down) = (left + slot * index as f64 + slot * 0.22, y.at(*difference));
        let place = if *difference < 0.0 { places.0 } else { places.1 };
        let _ = write!(
            svg,
            "<rect class=\"bar b{place}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>window {}: {difference:.4}</title></rect>",
            down.min(zero),
            slot * 0.56,
            (down - zero).abs().max(0.5),
            index + 1
        );
        // Labels that would run into each other are left out.
        if test.differences.len() <= 20 || index % 5 == 4 {
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                from + slot * 0.28,
                height - 8.0,
                index + 1
            );
        }
    }
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"{left:.1}\" x2=\"{:.1}\" y1=\"{zero:.1}\" y2=\"{zero:.1}\"/>\
         <text class=\"tick\" x=\"{:.1}\" y=\"22\" text-anchor=\"end\">{} better ↑</text>\
         <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{} better ↓</text></svg>",
        width - 8.0,
        width - 8.0,
        escaped(&versus.second.branch),
        width - 8.0,
        height - 30.0,
        escaped(&versus.first.branch)
    );
    svg
}
