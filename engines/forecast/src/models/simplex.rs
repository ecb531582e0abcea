//! The simplex search of Nelder and Mead (1965) inside a box: slow and without derivatives, a witness for searches with them.

/// A box and when to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    /// The lower limits.
    pub(crate) low: &'a [f64],
    /// The upper limits.
    pub(crate) high: &'a [f64],
    /// The search ends where the objective differs by less over the simplex.
    pub(crate) tolerance: f64,
    /// Most evaluations.
    pub(crate) evaluations: usize,
}

impl Search<'_> {
    /// The best point found from `start`, with its value. `objective` may return infinity, not NaN.
    pub(crate) fn minimise(
        &self,
        start: &[f64],
        step: f64,
        mut objective: impl FnMut(&[f64]) -> f64,
    ) -> (Vec<f64>, f64) {
        let k = start.len();
        let count = std::cell::Cell::new(0);
        let mut value = |x: &[f64]| {
            count.set(count.get() + 1);
            objective(x)
        };
        let mut simplex: Vec<(Vec<f64>, f64)> = Vec::with_capacity(k + 1);
        simplex.push((start.to_vec(), value(start)));
        for i in 0..k {
            let mut x = start.to_vec();
            let width = step * (self.high[i] - self.low[i]);
            x[i] = if x[i] + width <= self.high[i] { x[i] + width } else { x[i] - width };
            let v = value(&x);
            simplex.push((x, v));
        }
        let mut centre = vec![0.0; k];
        loop {
            simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
            let spread = simplex[k].1 - simplex[0].1;
            // Infinity less infinity is NaN: nothing to gain either.
            if count.get() >= self.evaluations || spread.is_nan() || spread <= self.tolerance {
                let (x, v) = simplex.swap_remove(0);
                return (x, v);
            }
            centre.fill(0.0);
            for (x, _) in &simplex[..k] {
                centre.iter_mut().zip(x).for_each(|(c, v)| *c += v / k as f64);
            }
            let worst = simplex[k].0.clone();
            let along = |t: f64| self.inside(centre.iter().zip(&worst).map(|(c, w)| c + t * (c - w)));
            let reflected = along(1.0);
            let v = value(&reflected);
            if v < simplex[0].1 {
                let further = along(2.0);
                let w = value(&further);
                simplex[k] = if w < v { (further, w) } else { (reflected, v) };
                continue;
            }
            if v < simplex[k - 1].1 {
                simplex[k] = (reflected, v);
                continue;
            }
            let nearer = if v < simplex[k].1 { along(0.5) } else { along(-0.5) };
            let w = value(&nearer);
            if w < simplex[k].1.min(v) {
                simplex[k] = (nearer, w);
                continue;
            }
            let best = simplex[0].0.clone();
            for (x, v) in &mut simplex[1..] {
                x.iter_mut().zip(&best).for_each(|(a, b)| *a = 0.5 * (*a + b));
                *v = value(x);
            }
        }
    }

    fn inside(&self, x: impl Iterator<Item = f64>) -> Vec<f64> {
        x.zip(self.low.iter().zip(self.high)).map(|(v, (l, h))| v.clamp(*l, *h)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valley_is_followed_to_its_lowest_point_and_not_out_of_the_box() {
        // Given Rosenbrock's valley, whose minimum is at (1, 1)
        let valley = |x: &[f64]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        let wide = Search { low: &[-2.0, -2.0], high: &[2.0, 2.0], tolerance: 1e-14, evaluations: 2_000 };
        let narrow = Search { high: &[0.5, 2.0], ..wide };
        // When it is searched in a box around the minimum, and in one that ends before
        let (inner, _) = wide.minimise(&[-1.2, 1.0], 0.1, valley);
        let (outer, _) = narrow.minimise(&[-1.2, 1.0], 0.1, valley);
        // Then the minimum is found, or the best of the box
        assert!((inner[0] - 1.0).abs() < 1e-5 && (inner[1] - 1.0).abs() < 1e-5, "{inner:?}");
        assert!((outer[0] - 0.5).abs() < 1e-3 && (outer[1] - 0.25).abs() < 1e-3, "{outer:?}");
    }
}
