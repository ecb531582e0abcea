//! One series: its last history, the forecast's mean and quantile fan, and what then happened where that is known.

use std::fmt::Write;

use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::Series;
use atsre_forecast::SeriesForecast;

use super::axis::{Scale, path, rounded, tick_label, ticks, time_ticks};
use super::text::{escaped, percent};

/// Horizons of history beside the forecast.
const HORIZONS: usize = 5;
/// A short horizon still shows this much history.
const LEAST: usize = 40;
/// More points than this are thinned to the extremes of each pixel.
const MOST: usize = 1_200;

/// What is drawn.
#[derive(Clone, Debug)]
pub(super) struct ForecastChart<'a> {
    /// What a screen reader calls it.
    pub(super) title: String,
    pub(super) unit: FrequencyUnit,
    pub(super) history: Vec<(Timestamp, f64)>,
    /// What happened over the horizon, where it was withheld.
    pub(super) actual: Vec<(Timestamp, f64)>,
    pub(super) forecast: &'a SeriesForecast,
    pub(super) levels: &'a [f64],
    pub(super) width: f64,
    pub(super) height: f64,
}

impl<'a> ForecastChart<'a> {
    /// The series' last horizons before the forecast, and its values over the forecast's own times.
    pub(super) fn of(series: &Series, forecast: &'a SeriesForecast, levels: &'a [f64], unit: FrequencyUnit) -> Self {
        let first = forecast.times.first().copied().unwrap_or(Timestamp(i64::MAX));
        let observed: Vec<(Timestamp, f64)> = series.times.iter().copied().zip(series.target.iter().copied()).collect();
        let (past, rest) = observed.split_at(observed.partition_point(|(time, _)| *time < first));
        let shown = (HORIZONS * forecast.times.len()).max(LEAST).min(past.len());
        let last = forecast.times.last().copied().unwrap_or(first);
        let title =
            if series.item_id.is_empty() { "Forecast".to_owned() } else { format!("Forecast of {}", series.item_id) };
        Self {
            title,
            unit,
            history: thinned(&past[past.len() - shown..]),
            actual: rest.iter().copied().filter(|(time, value)| *time <= last && value.is_finite()).collect(),
            forecast,
            levels,
            width: 1040.0,
            height: 350.0,
        }
    }

    pub(super) const fn sized(mut self, width: f64, height: f64) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    pub(super) fn draw(&self) -> String {
        let (left, right, top, bottom) = (58.0, 14.0, 12.0, 42.0);
        let (low, high) = self.bounds();
        let wanted = if self.height > 300.0 { 6 } else { 4 };
        let (low, high) = rounded(low, high, wanted);
        let y = Scale::new(low, high, self.height - bottom, top);
        let (first, last) = self.moments();
        let x = Scale::new(first.0 as f64, last.0 as f64, left, self.width - right);
        let mut svg = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {:.0} {:.0}\" role=\"img\"><title>{}</title>",
            self.width,
            self.height,
            escaped(&self.title)
        );
        self.draw_grid(&mut svg, &x, &y, wanted);
        if let Some(start) = self.forecast.times.first() {
            let place = x.at(start.0 as f64);
            let _ = write!(
                svg,
                "<rect class=\"ahead\" x=\"{place:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                (self.width - right - place).max(0.0),
                self.height - bottom - top
            );
        }
        self.draw_fan(&mut svg, &x, &y);
        let line = |points: &[(Timestamp, f64)]| path(points.iter().map(|(t, v)| place(&x, &y, *t, *v)));
        let _ = write!(svg, "<path class=\"history\" d=\"{}\"/>", line(&self.history));
        if !self.actual.is_empty() {
            let joined: Vec<(Timestamp, f64)> = self.history.last().into_iter().chain(&self.actual).copied().collect();
            let _ = write!(svg, "<path class=\"actual\" d=\"{}\"/>", line(&joined));
            self.draw_dots(&mut svg, &x, &y);
        }
        let mean: Vec<(Timestamp, f64)> =
            self.forecast.times.iter().copied().zip(self.forecast.mean.iter().copied()).collect();
        let _ = write!(svg, "<path class=\"mean\" d=\"{}\"/>", line(&mean));
        if let ([only], true) = (mean.as_slice(), mean.iter().all(|(_, v)| v.is_finite())) {
            let _ = write!(
                svg,
                "<circle class=\"dot-mean\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/>",
                x.at(only.0.0 as f64),
                y.at(only.1)
            );
        }
        svg.push_str("</svg>");
        svg
    }

    fn bounds(&self) -> (f64, f64) {
        let observed = self.history.iter().chain(&self.actual).map(|(_, v)| *v);
        let forecast = self.forecast.mean.iter().chain(self.forecast.quantiles.iter().flatten()).copied();
        let values = observed.chain(forecast).filter(|v| v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low <= high { (low, high) } else { (0.0, 1.0) }
    }

    fn moments(&self) -> (Timestamp, Timestamp) {
        let all = || self.history.iter().map(|(t, _)| *t).chain(self.forecast.times.iter().copied());
        (all().min().unwrap_or_default(), all().max().unwrap_or_default())
    }

    fn draw_grid(&self, svg: &mut String, x: &Scale, y: &Scale, wanted: usize) {
        let places = ticks(y.low(), y.high(), wanted);
        let step = places.get(1).map_or(1.0, |second| second - places[0]);
        let (start, end) = (x.at(x.low()), x.at(x.high()));
        for value in places {
            let height = y.at(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{start:.1}\" x2=\"{end:.1}\" y1=\"{height:.1}\" y2=\"{height:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                start - 8.0,
                height + 4.0,
                tick_label(value, step)
            );
        }
        let floor = y.at(y.low());
        let (first, last) = self.moments();
        for tick in time_ticks(first, last, self.unit, (self.width / 95.0) as usize) {
            let place = x.at(tick.time.0 as f64);
            let anchor = if place > end - 24.0 {
                "end"
            } else if place < start + 12.0 {
                "start"
            } else {
                "middle"
            };
            let _ = write!(
                svg,
                "<line class=\"axis\" x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{floor:.1}\" y2=\"{:.1}\"/>\
                 <text class=\"tick\" x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                floor + 4.0,
                floor + 17.0,
                escaped(&tick.label)
            );
            if let Some(context) = tick.context.filter(|_| place < end - 60.0 || anchor == "end") {
                let _ = write!(
                    svg,
                    "<text class=\"tick context\" x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                    floor + 32.0,
                    escaped(&context)
                );
            }
        }
    }

    /// Central intervals, the widest first, so that the fan is darkest in its middle.
    fn draw_fan(&self, svg: &mut String, x: &Scale, y: &Scale) {
        let bands = bands(self.levels);
        for (index, (low, high)) in bands.iter().enumerate() {
            let (Some(lower), Some(upper)) = (self.forecast.quantiles.get(*low), self.forecast.quantiles.get(*high))
            else {
                continue;
            };
            let opacity = 0.16 + 0.14 * index as f64;
            let about = format!("{} interval", percent(self.levels[*high] - self.levels[*low]));
            let steps: Vec<Option<(f64, f64, f64)>> = self
                .forecast
                .times
                .iter()
                .zip(lower.iter().zip(upper))
                .map(|(t, (l, u))| (l.is_finite() && u.is_finite()).then(|| (x.at(t.0 as f64), y.at(*l), y.at(*u))))
                .collect();
            for run in steps.split(Option::is_none).filter(|run| !run.is_empty()) {
                let run: Vec<(f64, f64, f64)> = run.iter().flatten().copied().collect();
                let outline: Vec<(f64, f64)> = match run.as_slice() {
                    // A single step has no area: it gets the width of a bar.
                    [(x, l, u)] => vec![(x - 4.0, *u), (x + 4.0, *u), (x + 4.0, *l), (x - 4.0, *l)],
                    _ => {
                        run.iter().map(|(x, _, u)| (*x, *u)).chain(run.iter().rev().map(|(x, l, _)| (*x, *l))).collect()
                    }
                };
                let _ = write!(
                    svg,
                    "<path class=\"fan\" fill-opacity=\"{opacity:.2}\" d=\"{}Z\"><title>{about}</title></path>",
                    path(outline.into_iter().map(Some))
                );
            }
        }
    }

    fn draw_dots(&self, svg: &mut String, x: &Scale, y: &Scale) {
        if self.actual.len() > 60 {
            return;
        }
        for (time, value) in &self.actual {
            let _ = write!(
                svg,
                "<circle class=\"dot-actual\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.2\"/>",
                x.at(time.0 as f64),
                y.at(*value)
            );
        }
    }
}

/// Pairs of quantile rows that bound a central interval, the widest first.
pub(super) fn bands(levels: &[f64]) -> Vec<(usize, usize)> {
    (0..levels.len() / 2).map(|k| (k, levels.len() - 1 - k)).collect()
}

fn place(x: &Scale, y: &Scale, time: Timestamp, value: f64) -> Option<(f64, f64)> {
    value.is_finite().then(|| (x.at(time.0 as f64), y.at(value)))
}

/// The smallest and the largest value of each bucket, in their order, so that no spike is lost.
fn thinned(points: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    if points.len() <= MOST {
        return points.to_vec();
    }
    let size = points.len().div_ceil(MOST / 2);
    let extremes = points.chunks(size).flat_map(|bucket| {
        let finite = || bucket.iter().copied().filter(|(_, v)| v.is_finite());
        let low = finite().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = finite().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut pair: Vec<(Timestamp, f64)> = low.into_iter().chain(high).collect();
        pair.sort_by_key(|(time, _)| *time);
        pair
    });
    extremes.collect()
}
