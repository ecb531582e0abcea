//! Locally weighted regression of degree 0 or 1 on equally spaced points (Cleveland, Cleveland, McRae and Terpenning
//! 1990, §2.2).
//!
//! On equally spaced points the fit at a position is a fixed weighted sum of its neighbours: away from the ends the
//! same one everywhere, near them one for each position. These weights are worked out once and used in every pass.

/// So many weights are kept at most; where a window needs more, they are worked out anew each time.
const KEPT: usize = 1 << 20;
/// Windows wider than this are fitted at every few points, with lines between them.
const WIDEST: usize = 600;

/// A smoother for series of one length.
#[derive(Clone, Debug)]
pub(super) struct Smoother {
    n: usize,
    window: usize,
    degree: u8,
    jump: usize,
    /// Weights of the middle of a window.
    middle: Vec<f64>,
    /// For each position whose window the start cuts off: weights of the first points. The end mirrors them.
    edge: Vec<f64>,
}

impl Smoother {
    /// A smoother of `n` points by windows of `window` points, which is odd.
    pub(super) fn new(n: usize, window: usize, degree: u8) -> Self {
        let mut smoother =
            Self { n, window, degree, jump: (window / WIDEST).max(1), middle: Vec::new(), edge: Vec::new() };
        let width = smoother.width();
        if smoother.edges() * width <= KEPT {
            let mut weights = Vec::with_capacity(width);
            for position in 0..smoother.edges() {
                smoother.weigh(position as f64, 0, None, &mut weights);
                smoother.edge.extend_from_slice(&weights);
            }
            if window < n {
                smoother.weigh((window / 2) as f64, 0, None, &mut weights);
                smoother.middle = weights;
            }
        }
        smoother
    }

    fn width(&self) -> usize {
        self.window.min(self.n)
    }

    /// Positions from the start whose window is not centred on them.
    fn edges(&self) -> usize {
        if self.window < self.n { self.window / 2 } else { self.n }
    }

    /// The weights at a position, counted from 0, for the points from `left` on; false where all are zero.
    fn weigh(&self, position: f64, left: usize, robustness: Option<&[f64]>, weights: &mut Vec<f64>) -> bool {
        let width = self.width();
        let right = left + width - 1;
        let mut reach = (position - left as f64).max(right as f64 - position);
        if self.window > self.n {
            reach += ((self.window - self.n) / 2) as f64;
        }
        weights.clear();
        weights.extend((left..=right).map(|j| {
            let distance = (j as f64 - position).abs();
            let tricube = if distance <= 0.001 * reach {
                1.0
            } else if distance <= 0.999 * reach {
                let ratio = distance / reach;
                let rest = 1.0 - ratio * ratio * ratio;
                rest * rest * rest
            } else {
                0.0
            };
            tricube * robustness.map_or(1.0, |r| r[j])
        }));
        let total: f64 = weights.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return false;
        }
        weights.iter_mut().for_each(|w| *w /= total);
        if self.degree > 0 && reach > 0.0 {
            tilt(weights, position - left as f64, self.n);
        }
        true
    }

    /// The fit at any position, in or outside of the data, from the window that starts at `left`.
    fn outside(
        &self,
        y: &[f64],
        position: f64,
        left: usize,
        robustness: Option<&[f64]>,
        weights: &mut Vec<f64>,
    ) -> Option<f64> {
        self.weigh(position, left, robustness, weights).then(|| dot(weights, &y[left..]))
    }

    /// The fits one step before the first and one after the last point.
    pub(super) fn beyond(&self, y: &[f64], robustness: Option<&[f64]>) -> (Option<f64>, Option<f64>) {
        let mut weights = Vec::with_capacity(self.width());
        let before = self.outside(y, -1.0, 0, robustness, &mut weights);
        let after = self.outside(y, self.n as f64, self.n - self.width(), robustness, &mut weights);
        (before, after)
    }

    /// Smooths all of `y` into `out`, both of the smoother's length.
    pub(super) fn smooth(&self, y: &[f64], robustness: Option<&[f64]>, out: &mut [f64]) {
        let (n, width, half) = (self.n, self.width(), self.window / 2);
        if n < 2 {
            out.copy_from_slice(y);
            return;
        }
        let mut weights = Vec::new();
        let mut fit = |i: usize| {
            let left = if self.window < n { i.saturating_sub(half).min(n - width) } else { 0 };
            if robustness.is_none() && !self.edge.is_empty() {
                if self.window >= n {
                    return dot(&self.edge[i * width..(i + 1) * width], y);
                }
                if i < half {
                    return dot(&self.edge[i * width..(i + 1) * width], y);
                }
                if i + half < n {
                    return dot(&self.middle, &y[left..]);
                }
                let mirrored = n - 1 - i;
                let kernel = &self.edge[mirrored * width..(mirrored + 1) * width];
                return kernel.iter().rev().zip(&y[left..]).map(|(w, v)| w * v).sum();
            }
            self.outside(y, i as f64, left, robustness, &mut weights).unwrap_or(y[i])
        };
        let jump = self.jump.min(n - 1);
        if jump == 1 {
            out.iter_mut().enumerate().for_each(|(i, o)| *o = fit(i));
            return;
        }
        let mut from = 0;
        out[0] = fit(0);
        while from < n - 1 {
            let to = (from + jump).min(n - 1);
            out[to] = fit(to);
            let (a, b, steps) = (out[from], out[to], (to - from) as f64);
            for (j, value) in out[from..to].iter_mut().enumerate() {
                *value = a + (b - a) * j as f64 / steps;
            }
            from = to;
        }
    }
}

/// Turns weights of a local mean into those of a local line, at `position` from the window's start.
fn tilt(weights: &mut [f64], position: f64, n: usize) {
    let centre: f64 = weights.iter().enumerate().map(|(k, w)| w * k as f64).sum();
    let spread: f64 = weights.iter().enumerate().map(|(k, w)| w * (k as f64 - centre).powi(2)).sum();
    // The points' spread has to be seen beside the whole range, as in the authors' program.
    if spread.sqrt() <= 0.001 * (n as f64 - 1.0) {
        return;
    }
    let slope = (position - centre) / spread;
    weights.iter_mut().enumerate().for_each(|(k, w)| *w *= slope * (k as f64 - centre) + 1.0);
}

/// The weighted sum of the first values, in four strands that do not wait for one another.
fn dot(weights: &[f64], values: &[f64]) -> f64 {
    let values = &values[..weights.len()];
    let (heads, tail) = weights.as_chunks::<4>();
    let (value_heads, value_tail) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (w, v) in heads.iter().zip(value_heads) {
        for k in 0..4 {
            sums[k] += w[k] * v[k];
        }
    }
    let rest: f64 = tail.iter().zip(value_tail).map(|(w, v)| w * v).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
