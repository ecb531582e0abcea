//! Changes of level or slope, by optimal partitioning.

use super::moments::{robust_scale, variance};
use super::summation::{centred, mean, sum_of_squares};

/// Longer series are averaged in blocks for the search; the points found are then placed exactly.
const SEARCHED_MAX: usize = 600;
/// The fewest observations in which a change is looked for.
const LENGTH_MIN: usize = 20;
/// Width of the running median that single values are judged by.
const MEDIAN_WINDOW: usize = 7;

/// The indices after which the level or the slope of `x` changes: the last of the old regime each, ascending.
///
/// PELT (Killick, Fearnhead and Eckley 2012) with a squared-error cost, once with a level in each segment and once with a
/// line; the one with the lower penalised cost decides. The penalty for a change is BIC-like, 3 ln n (level) or 4 ln n (line)
/// times the long-run variance of the noise, which is taken from the differences as that of a first-order autoregression, so that
/// neither the changes themselves nor autocorrelation count as noise or as changes. Single values far from a running median are
/// pulled in first. A series that may be a random walk (its differences show no significant negative autocorrelation) has none:
/// there a wandering level cannot be told from changes. Above 600 observations the search runs on block means.
#[must_use]
pub fn change_points(x: &[f64]) -> Vec<usize> {
    if x.len() < LENGTH_MIN || x.iter().any(|v| !v.is_finite()) {
        return Vec::new();
    }
    let block = x.len().div_ceil(SEARCHED_MAX);
    // A last, partial block is left out of the search.
    let tamed = without_spikes(x);
    let means: Vec<f64> = tamed.chunks_exact(block).map(mean).collect();
    let Some(noise) = long_run_variance(&means) else { return Vec::new() };
    let n = means.len();
    let sums = Sums::new(&means);
    let shortest = (n / 50).max(5);
    let unit = noise * (n as f64).ln();
    let level = partition(n, shortest, 3.0 * unit, |i, j| sums.level_cost(i, j));
    let line = partition(n, shortest, 4.0 * unit, |i, j| sums.line_cost(i, j));
    // Besides the penalties for changes: one more coefficient in the first segment.
    let starts = if level.0 <= line.0 + unit { level.1 } else { line.1 };
    place(&tamed, block, &starts)
}

/// Pulls values to within three robust standard deviations of the median of their neighbourhood.
fn without_spikes(x: &[f64]) -> Vec<f64> {
    let half = MEDIAN_WINDOW / 2;
    let mut window = Vec::with_capacity(MEDIAN_WINDOW);
    let medians: Vec<f64> = (0..x.len())
        .map(|i| {
            window.clear();
            window.extend_from_slice(&x[i.saturating_sub(half)..(i + half + 1).min(x.len())]);
            window.sort_unstable_by(f64::total_cmp);
            window[window.len() / 2]
        })
        .collect();
    let deviations: Vec<f64> = x.iter().zip(&medians).map(|(v, m)| v - m).collect();
    let reach = 3.0 * robust_scale(&deviations);
    if reach <= 0.0 {
        return x.to_vec();
    }
    deviations.iter().zip(&medians).map(|(d, m)| m + d.clamp(-reach, reach)).collect()
}

/// The long-run variance of the noise round a piecewise constant level; `None` where there is no noise or the level wanders.
fn long_run_variance(x: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let robust = robust_scale(&steps);
    let scale = if robust > 0.0 { robust } else { variance(&steps, 1).sqrt() };
    if scale <= 0.0 || !scale.is_finite() {
        return None;
    }
    for d in &mut steps {
        *d = d.clamp(-3.0 * scale, 3.0 * scale);
    }
    // For a first-order autoregression plus jumps: corr(Δ_t, Δ_{t−1}) = −(1 − φ)/2 and Var Δ = 2σ²(1 − φ).
    let d = centred(&steps);
    let total = sum_of_squares(&d);
    let products: f64 = d.windows(2).map(|w| w[0] * w[1]).sum();
    let correlation = products / total;
    if correlation > -2.0 / (d.len() as f64).sqrt() {
        return None;
    }
    let phi = (1.0 + 2.0 * correlation).max(0.0);
    let step_variance = total / d.len() as f64;
    Some(step_variance * (1.0 + phi) / (2.0 * (1.0 - phi) * (1.0 - phi)))
}

/// Cumulative sums from which each segment's cost follows at once.
struct Sums {
    y: Vec<f64>,
    yy: Vec<f64>,
    ty: Vec<f64>,
}

impl Sums {
    fn new(x: &[f64]) -> Self {
        // Centred, so that sums of squares keep their digits.
        let d = centred(x);
        let mut sums = Self { y: vec![0.0], yy: vec![0.0], ty: vec![0.0] };
        let (mut y, mut yy, mut ty) = (0.0, 0.0, 0.0);
        for (t, v) in d.iter().enumerate() {
            y += v;
            yy += v * v;
            ty += t as f64 * v;
            sums.y.push(y);
            sums.yy.push(yy);
            sums.ty.push(ty);
        }
        sums
    }

    /// The squared error about the mean of `from..to`.
    fn level_cost(&self, from: usize, to: usize) -> f64 {
        let n = (to - from) as f64;
        let y = self.y[to] - self.y[from];
        (self.yy[to] - self.yy[from] - y * y / n).max(0.0)
    }

    /// The squared error about the line of best fit.
    fn line_cost(&self, from: usize, to: usize) -> f64 {
        let n = (to - from) as f64;
        let y = self.y[to] - self.y[from];
        let middle = (from + to - 1) as f64 / 2.0;
        let ty = self.ty[to] - self.ty[from] - middle * y;
        let spread = n * (n * n - 1.0) / 12.0;
        (self.level_cost(from, to) - ty * ty / spread).max(0.0)
    }
}

/// The least of Σ cost + penalty · changes, and the starts of the segments but the first.
fn partition(n: usize, shortest: usize, penalty: f64, cost: impl Fn(usize, usize) -> f64) -> (f64, Vec<usize>) {
    let mut best = vec![f64::INFINITY; n + 1];
    let mut start = vec![0_usize; n + 1];
    best[0] = -penalty;
    // Where a segment may start, and the end from which on another start is known to be better.
    let mut candidates = vec![(0_usize, usize::MAX)];
    for end in shortest..=n {
        candidates.retain(|(_, expires)| end < *expires);
        let mut totals = Vec::with_capacity(candidates.len());
        for &(from, _) in &candidates {
            let total = best[from] + cost(from, end);
            totals.push(total);
            if total + penalty < best[end] {
                best[end] = total + penalty;
                start[end] = from;
            }
        }
        // What costs more now than the best with a change here can never become better (Theorem 3.1 of the paper) once a segment
        // that starts here is long enough.
        for ((_, expires), total) in candidates.iter_mut().zip(totals) {
            if total > best[end] {
                *expires = (*expires).min(end + shortest);
            }
        }
        let next = end + 1 - shortest;
        if next >= shortest {
            candidates.push((next, usize::MAX));
        }
    }
    let mut starts = Vec::new();
    let mut end = n;
    while end > 0 {
        end = start[end];
        if end > 0 {
            starts.push(end);
        }
    }
    starts.reverse();
    (best[n], starts)
}

/// Moves each start of a segment from its block to the observation that splits its surroundings best.
fn place(x: &[f64], block: usize, starts: &[usize]) -> Vec<usize> {
    if block == 1 {
        return starts.iter().map(|s| s - 1).collect();
    }
    let sums = Sums::new(x);
    let mut out: Vec<usize> = Vec::with_capacity(starts.len());
    for (i, start) in starts.iter().enumerate() {
        let from = if i == 0 { 0 } else { starts[i - 1] * block };
        let to = starts.get(i + 1).map_or(x.len(), |next| next * block);
        let middle = start * block;
        let low = middle.saturating_sub(block).max(from + 1);
        let high = (middle + block).min(to - 1);
        let cost = |at: usize| sums.level_cost(from, at) + sums.level_cost(at, to);
        let split = (low..=high).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(middle);
        out.push(split - 1);
    }
    out.dedup();
    out
}
