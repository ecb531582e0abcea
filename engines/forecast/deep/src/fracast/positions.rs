//! What the network is told about a moment beside its value: how long ago it is, and its phase in each period.

use std::f64::consts::TAU;

use super::WINDOW;
use super::periods::{Periods, SLOTS};

/// Numbers that say how long ago a moment is.
pub(super) const RECENCY: usize = 5;
/// Numbers that say its phases: a sine and a cosine a period.
pub(super) const PHASES: usize = 2 * SLOTS;

/// How long ago the moment `t` is, in windows before the last of the window; moments after it are ahead.
pub(super) fn recency(t: usize) -> [f32; RECENCY] {
    let d = (t as f64 - (WINDOW - 1) as f64) / WINDOW as f64;
    let a = d.abs();
    let sign = if d == 0.0 { 0.0 } else { d.signum() };
    [d, sign * (1.0 + a).log2(), (-a / 2.0).exp(), (-2.0 * a).exp(), (-8.0 * a).exp()].map(|v| v as f32)
}

/// The sines and cosines of one period, for each moment of it; a single zero for an empty slot.
pub(super) fn phases(period: u16) -> Vec<[f32; 2]> {
    if period == 0 {
        return vec![[0.0; 2]];
    }
    let angle = |t: u16| TAU * f64::from(t) / f64::from(period);
    (0..period).map(|t| [angle(t).sin() as f32, angle(t).cos() as f32]).collect()
}

/// The values that the coming `steps` moments would have if the strongest period just went on: the window's mean in
/// each sixteenth of that period, of all its observed values where a sixteenth has none.
///
/// `window` is normalised, NaN where missing.
pub(super) fn seasonal_fill<const STEPS: usize>(window: &[f32; WINDOW], periods: &Periods) -> [f32; STEPS] {
    const BINS: usize = 16;
    let period = usize::from(periods[0].max(1));
    let bin = |t: usize| t % period * BINS / period;
    let mut sums = [(0.0_f64, 0_u32); BINS];
    for (t, value) in window.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
        let (sum, count) = &mut sums[bin(t)];
        *sum += f64::from(*value);
        *count += 1;
    }
    let (sum, count) = sums.iter().fold((0.0, 0), |(s, n), (sum, count)| (s + sum, n + count));
    let overall = sum / f64::from(count.max(1));
    std::array::from_fn(|h| {
        let (sum, count) = sums[bin(WINDOW + h)];
        (if count == 0 { overall } else { sum / f64::from(count) }) as f32
    })
}
