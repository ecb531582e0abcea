//! The recursion of complex exponential smoothing together with its derivatives by the parameters, which run beside it
//! forwards and backwards: the same linear recursion, with one more term where a parameter appears.

use super::Season;
use super::recursion::{States, Weights};

/// Parameters at most: α0, α1, β0, β1.
pub(super) const MOST: usize = 4;

/// The sum of squared errors, half its gradient and the Gauss–Newton matrix by the parameters of the form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Squares {
    pub(super) sum: f64,
    pub(super) gradient: [f64; MOST],
    pub(super) curvature: [[f64; MOST]; MOST],
}

/// A complex state with its derivatives: entry 0 is the value, entry j + 1 the derivative by parameter j. One entry may be
/// unused, so that their number is even.
#[derive(Clone, Copy, Debug)]
struct Dual<const N: usize> {
    seen: [f64; N],
    inner: [f64; N],
}

impl<const N: usize> Dual<N> {
    const ZERO: Self = Self { seen: [0.0; N], inner: [0.0; N] };

    fn constant((seen, inner): (f64, f64)) -> Self {
        let mut dual = Self::ZERO;
        (dual.seen[0], dual.inner[0]) = (seen, inner);
        dual
    }

    /// The state after an error, and what changes with the parameter whose derivatives stand at `at` and `at + 1`.
    #[inline(always)]
    fn turn(&mut self, (real, imaginary): (f64, f64), at: usize, e: &[f64; N]) {
        let before = self.inner[0];
        for ((seen, inner), e) in self.seen.iter_mut().zip(&mut self.inner).zip(e) {
            let (was, informed) = (*seen, *inner);
            *seen = was - (1.0 - imaginary) * informed + (real - imaginary) * e;
            *inner = was + (1.0 - real) * informed + (real + imaginary) * e;
        }
        self.seen[at] += e[0];
        self.inner[at] += e[0] - before;
        self.seen[at + 1] += before - e[0];
        self.inner[at + 1] += e[0];
    }
}

/// Room for the states, kept from one evaluation to the next.
#[derive(Debug)]
pub(super) struct Sensitivity<const N: usize> {
    level: Vec<Dual<N>>,
    seasonal: Vec<Dual<N>>,
}

impl<const N: usize> Sensitivity<N> {
    pub(super) fn new() -> Self {
        Self { level: Vec::new(), seasonal: Vec::new() }
    }

    /// Runs forwards, backwards and forwards again from `start`, as [`States::cast_back`] and [`States::run`] do.
    pub(super) fn squares(&mut self, y: &[f64], start: &States, season: Season, w: &Weights) -> Squares {
        let (level, seasonal) = start.parts();
        self.level.clear();
        self.level.extend(level.iter().map(|s| Dual::constant(*s)));
        self.seasonal.clear();
        self.seasonal.extend(seasonal.iter().map(|s| Dual::constant(*s)));
        match season {
            Season::None => self.evaluate::<0, 2>(y, w),
            Season::Simple => self.evaluate::<1, 2>(y, w),
            Season::Partial => self.evaluate::<2, 3>(y, w),
            Season::Full => self.evaluate::<3, 4>(y, w),
        }
    }

    fn evaluate<const FORM: u8, const K: usize>(&mut self, y: &[f64], w: &Weights) -> Squares {
        let m = self.level.len().max(self.seasonal.len());
        let mut phase = 0;
        let mut nothing = |_: &[f64; N]| {};
        for value in y {
            self.see::<FORM>(*value, phase, w, &mut nothing);
            phase = if phase + 1 == m { 0 } else { phase + 1 };
        }
        self.settle::<FORM>(w);
        for value in y.iter().rev() {
            phase = if phase == 0 { m - 1 } else { phase - 1 };
            self.see::<FORM>(*value, phase, w, &mut nothing);
        }
        self.settle::<FORM>(w);
        let mut squares = Squares { sum: 0.0, gradient: [0.0; MOST], curvature: [[0.0; MOST]; MOST] };
        let mut count = |e: &[f64; N]| {
            squares.sum += e[0] * e[0];
            for i in 0..K {
                squares.gradient[i] += e[0] * e[i + 1];
                for j in 0..=i {
                    squares.curvature[i][j] += e[i + 1] * e[j + 1];
                }
            }
        };
        phase = 0;
        for value in y {
            self.see::<FORM>(*value, phase, w, &mut count);
            phase = if phase + 1 == m { 0 } else { phase + 1 };
        }
        squares
    }

    #[inline(always)]
    fn see<const FORM: u8>(&mut self, value: f64, phase: usize, w: &Weights, count: &mut impl FnMut(&[f64; N])) {
        let at = if FORM == 1 { phase } else { 0 };
        let level = &mut self.level[at];
        let mut e = level.seen.map(|v| -v);
        if FORM >= 2 {
            e.iter_mut().zip(&self.seasonal[phase].seen).for_each(|(e, s)| *e -= s);
        }
        e[0] += value;
        count(&e);
        level.turn(w.alpha, 1, &e);
        if FORM == 2 {
            let state = &mut self.seasonal[phase];
            state.seen.iter_mut().zip(&e).for_each(|(s, e)| *s += w.beta.0 * e);
            state.seen[3] += e[0];
        }
        if FORM == 3 {
            self.seasonal[phase].turn(w.beta, 3, &e);
        }
    }

    fn settle<const FORM: u8>(&mut self, w: &Weights) {
        let nothing = [0.0; N];
        self.level.iter_mut().for_each(|level| level.turn(w.alpha, 1, &nothing));
        if FORM == 3 {
            self.seasonal.iter_mut().for_each(|state| state.turn(w.beta, 3, &nothing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_small_differences_and_the_sum_is_that_of_the_recursion() {
        let y: Vec<f64> = (0..40).map(|t| 0.5 + 0.3 * f64::from(t % 4) + 0.02 * f64::from(t * t % 7)).collect();
        for season in Season::ALL {
            let start = States::start(&y, 4, season);
            let x = [1.2, 0.9, 0.6, 0.8];
            let weights = |x: [f64; 4]| Weights { alpha: (x[0], x[1]), beta: (x[2], x[3]) };
            let plain = |x: [f64; 4]| {
                let mut states = start.clone();
                states.cast_back(&y, season, &weights(x));
                states.run(&y, season, &weights(x), false)
            };
            let found = Sensitivity::<6>::new().squares(&y, &start, season, &weights(x));
            assert!((found.sum / plain(x) - 1.0).abs() < 1e-12, "{season:?}");
            for i in 0..season.starts()[0].len() {
                let beside = |by: f64| plain(std::array::from_fn(|k| x[k] + if k == i { by } else { 0.0 }));
                let slope = (beside(1e-6) - beside(-1e-6)) / 2e-6;
                let gradient = 2.0 * found.gradient[i];
                assert!((gradient - slope).abs() < 1e-5 * slope.abs().max(1.0), "{season:?} {i}: {gradient} {slope}");
            }
        }
    }
}
