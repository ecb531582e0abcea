//! The recursion of complex exponential smoothing together with its derivatives by the parameters, which run beside it
//! forwards and backwards: the same linear recursion, with one more term where a parameter appears.

use pulp::{Simd, WithSimd};

use super::Season;
use super::recursion::{States, Weights};
use crate::models::vectors;

/// Parameters at most: α0, α1, β0, β1.
pub(super) const MOST: usize = 4;

/// The sum of squared errors, half its gradient and the Gauss–Newton matrix by the parameters of the form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Squares {
    pub(super) sum: f64,
    pub(super) gradient: [f64; MOST],
    pub(super) curvature: [[f64; MOST]; MOST],
}

/// A complex state with its derivatives by D parameters, of which some may be unused.
#[derive(Clone, Copy, Debug)]
struct Dual<const D: usize> {
    seen: f64,
    inner: f64,
    seen_by: [f64; D],
    inner_by: [f64; D],
}

/// What a complex parameter multiplies.
#[derive(Clone, Copy, Debug)]
struct Gain {
    /// 1 − the imaginary and 1 − the real part.
    left: (f64, f64),
    /// The real part − and + the imaginary one.
    error: (f64, f64),
}

impl Gain {
    fn new((real, imaginary): (f64, f64)) -> Self {
        Self { left: (1.0 - imaginary, 1.0 - real), error: (real - imaginary, real + imaginary) }
    }
}

impl<const D: usize> Dual<D> {
    fn constant((seen, inner): (f64, f64)) -> Self {
        Self { seen, inner, seen_by: [0.0; D], inner_by: [0.0; D] }
    }

    /// The state after an error, and what changes with the parameter whose derivatives stand at `AT` and `AT + 1`.
    #[inline(always)]
    fn turn<const AT: usize>(&mut self, gain: &Gain, e: f64, e_by: &[f64; D]) {
        let (seen, inner) = (self.seen, self.inner);
        self.seen = seen - gain.left.0 * inner + gain.error.0 * e;
        self.inner = seen + gain.left.1 * inner + gain.error.1 * e;
        let (mut to_seen, mut to_inner) = ([0.0; D], [0.0; D]);
        (to_seen[AT], to_seen[AT + 1]) = (e, inner - e);
        (to_inner[AT], to_inner[AT + 1]) = (e - inner, e);
        for i in 0..D {
            let (was, informed) = (self.seen_by[i], self.inner_by[i]);
            self.seen_by[i] = was - gain.left.0 * informed + gain.error.0 * e_by[i] + to_seen[i];
            self.inner_by[i] = was + gain.left.1 * informed + gain.error.1 * e_by[i] + to_inner[i];
        }
    }
}

/// The sums over the errors of a pass.
#[derive(Clone, Copy, Debug)]
struct Sums<const D: usize> {
    sum: f64,
    gradient: [f64; D],
    curvature: [[f64; D]; D],
}

impl<const D: usize> Sums<D> {
    const ZERO: Self = Self { sum: 0.0, gradient: [0.0; D], curvature: [[0.0; D]; D] };

    #[inline(always)]
    fn count(&mut self, e: f64, e_by: &[f64; D]) {
        self.sum += e * e;
        for i in 0..D {
            self.gradient[i] += e * e_by[i];
            for j in 0..D {
                self.curvature[i][j] += e_by[i] * e_by[j];
            }
        }
    }
}

/// Room for the states, kept from one evaluation to the next, with room for D derivatives.
#[derive(Debug)]
pub(super) struct Sensitivity<const D: usize> {
    /// In the simple form, the levels of the phases.
    seasonal: Vec<Dual<D>>,
}

impl<const D: usize> Sensitivity<D> {
    pub(super) fn new() -> Self {
        Self { seasonal: Vec::new() }
    }

    /// Runs forwards, backwards and forwards again from `start`, as [`States::cast_back`] and [`States::run`] do.
    pub(super) fn squares(&mut self, y: &[f64], start: &States, season: Season, w: &Weights) -> Squares {
        let (levels, seasonal) = start.parts();
        let level = Dual::constant(levels[0]);
        self.seasonal.clear();
        let states = if season == Season::Simple { levels } else { seasonal };
        self.seasonal.extend(states.iter().map(|s| Dual::constant(*s)));
        let sums = vectors::run(Evaluation { room: self, y, level, season, w });
        let mut squares = Squares { sum: sums.sum, gradient: [0.0; MOST], curvature: [[0.0; MOST]; MOST] };
        squares.gradient[..D].copy_from_slice(&sums.gradient);
        squares.curvature.iter_mut().zip(&sums.curvature).for_each(|(to, from)| to[..D].copy_from_slice(from));
        squares
    }

    /// `B` is where the derivatives by the season's complex parameter stand.
    #[inline(always)]
    fn evaluate<const FORM: u8, const B: usize>(&mut self, y: &[f64], mut level: Dual<D>, w: &Weights) -> Sums<D> {
        // The partial form's parameter is real.
        let beta = if FORM == 2 { (w.beta.0, 0.0) } else { w.beta };
        let (alpha, beta) = (Gain::new(w.alpha), Gain::new(beta));
        let mut sums = Sums::ZERO;
        self.pass::<FORM, B, false, false>(y, &mut level, &alpha, &beta, &mut sums);
        self.settle::<FORM, B>(&mut level, &alpha, &beta);
        self.pass::<FORM, B, true, false>(y, &mut level, &alpha, &beta, &mut sums);
        self.settle::<FORM, B>(&mut level, &alpha, &beta);
        self.pass::<FORM, B, false, true>(y, &mut level, &alpha, &beta, &mut sums);
        sums
    }

    #[inline(always)]
    fn pass<const FORM: u8, const B: usize, const BACKWARDS: bool, const COUNT: bool>(
        &mut self,
        y: &[f64],
        level: &mut Dual<D>,
        alpha: &Gain,
        beta: &Gain,
        sums: &mut Sums<D>,
    ) {
        // Kept out of memory during the pass.
        let (mut now, mut total) = (*level, *sums);
        if FORM == 0 {
            let mut nothing = Dual::constant((0.0, 0.0));
            let mut see =
                |value: &f64| see::<FORM, B, COUNT, D>(*value, &mut now, &mut nothing, alpha, beta, &mut total);
            if BACKWARDS {
                y.iter().rev().for_each(&mut see);
            } else {
                y.iter().for_each(&mut see);
            }
        } else {
            let m = self.seasonal.len();
            if BACKWARDS {
                for values in y.chunks(m).rev() {
                    for (value, state) in values.iter().zip(&mut self.seasonal[..values.len()]).rev() {
                        see::<FORM, B, COUNT, D>(*value, &mut now, state, alpha, beta, &mut total);
                    }
                }
            } else {
                for values in y.chunks(m) {
                    for (value, state) in values.iter().zip(&mut self.seasonal) {
                        see::<FORM, B, COUNT, D>(*value, &mut now, state, alpha, beta, &mut total);
                    }
                }
            }
        }
        (*level, *sums) = (now, total);
    }

    #[inline(always)]
    fn settle<const FORM: u8, const B: usize>(&mut self, level: &mut Dual<D>, alpha: &Gain, beta: &Gain) {
        let nothing = [0.0; D];
        match FORM {
            1 => self.seasonal.iter_mut().for_each(|state| state.turn::<0>(alpha, 0.0, &nothing)),
            3 => self.seasonal.iter_mut().for_each(|state| state.turn::<B>(beta, 0.0, &nothing)),
            _ => {}
        }
        if FORM != 1 {
            level.turn::<0>(alpha, 0.0, &nothing);
        }
    }
}

/// The sums over the errors, to be found with the vectors that the processor has: the same numbers with any, for nothing
/// is summed in another order.
struct Evaluation<'a, const D: usize> {
    room: &'a mut Sensitivity<D>,
    y: &'a [f64],
    level: Dual<D>,
    season: Season,
    w: &'a Weights,
}

impl<const D: usize> WithSimd for Evaluation<'_, D> {
    type Output = Sums<D>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sums<D> {
        let Self { room, y, level, season, w } = self;
        match season {
            Season::None => room.evaluate::<0, 0>(y, level, w),
            Season::Simple => room.evaluate::<1, 0>(y, level, w),
            Season::Partial => room.evaluate::<2, 0>(y, level, w),
            Season::Full => room.evaluate::<3, 2>(y, level, w),
        }
    }
}

/// One observation.
#[inline(always)]
fn see<const FORM: u8, const B: usize, const COUNT: bool, const D: usize>(
    value: f64,
    level: &mut Dual<D>,
    state: &mut Dual<D>,
    alpha: &Gain,
    beta: &Gain,
    sums: &mut Sums<D>,
) {
    let (e, e_by): (f64, [f64; D]) = match FORM {
        0 => (value - level.seen, std::array::from_fn(|i| -level.seen_by[i])),
        1 => (value - state.seen, std::array::from_fn(|i| -state.seen_by[i])),
        _ => (value - (level.seen + state.seen), std::array::from_fn(|i| -level.seen_by[i] - state.seen_by[i])),
    };
    if COUNT {
        sums.count(e, &e_by);
    }
    if FORM == 1 {
        state.turn::<0>(alpha, e, &e_by);
        return;
    }
    level.turn::<0>(alpha, e, &e_by);
    if FORM == 2 {
        state.seen += beta.error.0 * e;
        for (i, (seen, e_by)) in state.seen_by.iter_mut().zip(&e_by).enumerate() {
            *seen += beta.error.0 * e_by + if i == 2 { e } else { 0.0 };
        }
    }
    if FORM == 3 {
        state.turn::<B>(beta, e, &e_by);
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
            let found = Sensitivity::<4>::new().squares(&y, &start, season, &weights(x));
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
