//! The training windows of a panel.

use super::FEWEST_WINDOWS;
use super::layout::Layout;
use super::prepared::{Frame, Prepared};

/// 1 / golden ratio: its multiples are spread evenly over 0 to 1, which keeps sampled windows off every season's grid.
pub(in crate::models) const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A training window: a series and its origin.
#[derive(Clone, Copy, Debug)]
pub(in crate::models) struct Row {
    pub(in crate::models) series: usize,
    pub(in crate::models) origin: usize,
    pub(in crate::models) frame: Frame,
    /// What its squared error counts, by its root: the window's scale against the livelier ones of its series. In
    /// units of a quiet window every later move is huge, and a few such windows would decide everything.
    pub(in crate::models) weight: f64,
}

/// The windows to train on. Those with a missing value over their horizon are left out, unless that leaves few.
pub(in crate::models) fn rows(cap: usize, horizon: usize, layout: &Layout, prepared: &[Prepared]) -> Vec<Row> {
    let origins = prepared.iter().enumerate().flat_map(|(series, p)| {
        let end = p.length().saturating_sub(horizon);
        (layout.history.max(1) - 1..end).map(move |origin| (series, origin))
    });
    let all: Vec<(usize, usize)> = origins.collect();
    let complete: Vec<(usize, usize)> =
        all.iter().copied().filter(|&(s, origin)| !prepared[s].any_missing(origin + 1, origin + horizon)).collect();
    let enough = complete.len() >= (all.len() / 2).max(FEWEST_WINDOWS);
    let candidates = if enough { complete } else { all };
    let row = |&(series, origin): &(usize, usize)| Row {
        series,
        origin,
        frame: prepared[series].frame(layout, origin),
        weight: 1.0,
    };
    if candidates.len() <= cap {
        return weighted(candidates.iter().map(row).collect());
    }
    let stride = candidates.len() as f64 / cap as f64;
    let sampled = (0..cap).map(|k| ((k as f64 + (k as f64 * GOLDEN).fract()) * stride) as usize);
    weighted(sampled.map(|i| row(&candidates[i.min(candidates.len() - 1)])).collect())
}

/// Weighs the rows, which are ordered by series: each by its scale over the upper quartile of its series' scales, at
/// most 1, so that the squares sum to the number of rows.
fn weighted(mut rows: Vec<Row>) -> Vec<Row> {
    for series in rows.chunk_by_mut(|a, b| a.series == b.series) {
        let mut scales: Vec<f64> = series.iter().map(|r| r.frame.scale()).collect();
        scales.sort_by(f64::total_cmp);
        let quartile = scales[(scales.len() - 1) * 3 / 4];
        series.iter_mut().for_each(|r| r.weight = (r.frame.scale() / quartile).min(1.0));
    }
    let mean_square = rows.iter().map(|r| r.weight * r.weight).sum::<f64>() / rows.len() as f64;
    rows.iter_mut().for_each(|r| r.weight /= mean_square.sqrt());
    rows
}
