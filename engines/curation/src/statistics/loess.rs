//! Locally weighted regression of degree 0 or 1 on equally spaced points, as STL uses it (Cleveland, Cleveland, McRae and
//! Terpenning 1990, §2). Positions count from 1, as in the paper.

/// Settings of one smoother.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loess {
    /// Points in the window; odd.
    pub(crate) window: usize,
    /// 0 (a local mean) or 1 (a local line).
    pub(crate) degree: u8,
    /// The fit is computed at every `jump`-th point and linear between them.
    pub(crate) jump: usize,
}

impl Loess {
    /// The fit at `position` from the points `left` to `right`, or `None` where every weight is zero.
    pub(crate) fn at(
        self,
        y: &[f64],
        position: f64,
        (left, right): (usize, usize),
        robustness: Option<&[f64]>,
        weights: &mut Vec<f64>,
    ) -> Option<f64> {
        let n = y.len();
        let mut h = (position - left as f64).max(right as f64 - position);
        if self.window > n {
            h += ((self.window - n) / 2) as f64;
        }
        let (near, far) = (0.001 * h, 0.999 * h);
        weights.clear();
        let mut total = 0.0;
        for j in left..=right {
            let distance = (j as f64 - position).abs();
            let mut weight = 0.0;
            if distance <= far {
                weight = 1.0;
                if distance > near {
                    let ratio = distance / h;
                    let rest = 1.0 - ratio * ratio * ratio;
                    weight = rest * rest * rest;
                }
                if let Some(r) = robustness {
                    weight *= r[j - 1];
                }
                total += weight;
            }
            weights.push(weight);
        }
        if total <= 0.0 {
            return None;
        }
        for w in weights.iter_mut() {
            *w /= total;
        }
        if h > 0.0 && self.degree > 0 {
            tilt(weights, left, position, n);
        }
        Some(weights.iter().zip(&y[left - 1..right]).map(|(w, v)| w * v).sum())
    }

    /// Smooths all of `y` into `out`.
    pub(crate) fn smooth(self, y: &[f64], robustness: Option<&[f64]>, weights: &mut Vec<f64>, out: &mut [f64]) {
        let n = y.len();
        if n < 2 {
            out[..n].copy_from_slice(y);
            return;
        }
        let jump = self.jump.clamp(1, n - 1);
        let mut window = (1, self.window.min(n));
        let mut fit =
            |i: usize, window: (usize, usize)| self.at(y, (i + 1) as f64, window, robustness, weights).unwrap_or(y[i]);
        for i in (0..n).step_by(jump) {
            window = self.window_at(i + 1, n);
            out[i] = fit(i, window);
        }
        if jump == 1 {
            return;
        }
        let last = (n - 1) / jump * jump;
        for i in (0..last).step_by(jump) {
            let (from, to) = (out[i], out[i + jump]);
            for j in 1..jump {
                out[i + j] = from + (to - from) * (j as f64 / jump as f64);
            }
        }
        if last != n - 1 {
            out[n - 1] = fit(n - 1, window);
            let (from, to, steps) = (out[last], out[n - 1], n - 1 - last);
            for j in 1..steps {
                out[last + j] = from + (to - from) * (j as f64 / steps as f64);
            }
        }
    }

    /// The window round a position: as wide as asked, inside of the data.
    fn window_at(self, position: usize, n: usize) -> (usize, usize) {
        if self.window >= n {
            return (1, n);
        }
        let left = (position + 1).saturating_sub(self.window.div_ceil(2)).clamp(1, n - self.window + 1);
        (left, left + self.window - 1)
    }
}

/// Turns weights of a local mean into those of a local line.
fn tilt(weights: &mut [f64], left: usize, position: f64, n: usize) {
    let centre: f64 = weights.iter().enumerate().map(|(k, w)| w * (left + k) as f64).sum();
    let spread: f64 = weights
        .iter()
        .enumerate()
        .map(|(k, w)| {
            let d = (left + k) as f64 - centre;
            w * d * d
        })
        .sum();
    if spread.sqrt() <= 0.001 * (n as f64 - 1.0) {
        return;
    }
    let slope = (position - centre) / spread;
    for (k, w) in weights.iter_mut().enumerate() {
        *w *= slope * ((left + k) as f64 - centre) + 1.0;
    }
}
