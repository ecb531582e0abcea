//! The recursion of all forms, by innovations (Hyndman, Koehler, Ord and Snyder 2008, tables 2.2 and 2.3), and the
//! criterion that is minimised.
//!
//! Errors of both kinds update the states alike: with y = f + e, the level takes α e (over the seasonal state where
//! that multiplies), whatever the distribution of e. Data are scaled to a mean size of 1.

use super::form::{Component, Error, Form};
use super::parameters::Parameters;

pub(super) const NONE: u8 = 0;
pub(super) const ADDITIVE: u8 = 1;
pub(super) const MULTIPLICATIVE: u8 = 2;

/// Below this a multiplicative state or a forecast with relative errors is refused.
pub(super) const TINY: f64 = 1e-10;
/// The smallest sum of squared errors, relative to n: what rounding leaves of a perfect fit.
const PERFECT: f64 = 1e-30;

/// The states after some observations.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) level: f64,
    pub(super) growth: f64,
    /// One state for each phase; that of the next observation is at `phase`.
    pub(super) seasonal: Vec<f64>,
    pub(super) phase: usize,
}

impl State {
    pub(super) fn start(p: &Parameters) -> Self {
        Self { level: p.level, growth: p.growth, seasonal: p.seasonal.clone(), phase: 0 }
    }

    pub(super) fn restart(&mut self, p: &Parameters) {
        (self.level, self.growth, self.phase) = (p.level, p.growth, 0);
        self.seasonal.copy_from_slice(&p.seasonal);
    }
}

/// What the criterion is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sums {
    /// The sum of squared (relative) errors.
    pub(super) squares: f64,
    /// The sum of the logarithms of the forecasts; 0 for additive errors.
    pub(super) logarithms: f64,
}

impl Sums {
    /// Minus twice the log-likelihood, without constants, over n: log Σe² + 2/n Σ log f (ibid., eq. 5.3).
    pub(super) fn criterion(self, n: usize) -> f64 {
        let n = n as f64;
        self.squares.max(PERFECT * n).ln() + 2.0 * self.logarithms / n
    }
}

/// `growth` to the power `phi`.
pub(super) fn damped_ratio(growth: f64, phi: f64) -> f64 {
    if phi == 1.0 { growth } else { growth.powf(phi) }
}

/// Runs the recursion; `see(y, f, y − f)` is called for each observation and may end it. False where it ended early or
/// a multiplicative state left the positive numbers.
#[inline(always)]
pub(super) fn run<const T: u8, const S: u8>(
    y: &[f64],
    p: &Parameters,
    state: &mut State,
    mut see: impl FnMut(f64, f64, f64) -> bool,
) -> bool {
    let (alpha, beta, gamma, phi) = (p.alpha, p.beta, p.gamma, p.phi);
    let (mut level, mut growth, mut phase) = (state.level, state.growth, state.phase);
    let mut fine = true;
    for &value in y {
        let ratio = if T == MULTIPLICATIVE { damped_ratio(growth, phi) } else { 1.0 };
        let base = match T {
            NONE => level,
            ADDITIVE => level + phi * growth,
            _ => level * ratio,
        };
        let season = if S == NONE { 0.0 } else { state.seasonal[phase] };
        let forecast = match S {
            NONE => base,
            ADDITIVE => base + season,
            _ => base * season,
        };
        if (S == MULTIPLICATIVE && !(season > TINY && base > TINY))
            || (T == MULTIPLICATIVE && !(growth > TINY && level > TINY))
        {
            fine = false;
            break;
        }
        let error = value - forecast;
        if !see(value, forecast, error) {
            fine = false;
            break;
        }
        let shock = if S == MULTIPLICATIVE { error / season } else { error };
        match T {
            NONE => {}
            ADDITIVE => growth = phi * growth + beta * shock,
            _ => growth = ratio + beta * shock / level,
        }
        level = base + alpha * shock;
        if S != NONE {
            state.seasonal[phase] = season + gamma * if S == MULTIPLICATIVE { error / base } else { error };
            phase += 1;
            if phase == state.seasonal.len() {
                phase = 0;
            }
        }
    }
    (state.level, state.growth, state.phase) = (level, growth, phase);
    fine && level.is_finite() && growth.is_finite()
}

/// Calls a generic function by a form's components.
macro_rules! dispatch {
    ($form:expr, $function:ident, $arguments:tt) => {{
        use $crate::models::ets::filter::{ADDITIVE as A, MULTIPLICATIVE as M, NONE as N};
        use $crate::models::ets::form::Component;
        match ($form.trend, $form.season) {
            (Component::None, Component::None) => $function::<N, N> $arguments,
            (Component::None, Component::Additive) => $function::<N, A> $arguments,
            (Component::None, Component::Multiplicative) => $function::<N, M> $arguments,
            (Component::Additive, Component::None) => $function::<A, N> $arguments,
            (Component::Additive, Component::Additive) => $function::<A, A> $arguments,
            (Component::Additive, Component::Multiplicative) => $function::<A, M> $arguments,
            (Component::Multiplicative, Component::None) => $function::<M, N> $arguments,
            (Component::Multiplicative, Component::Additive) => $function::<M, A> $arguments,
            (Component::Multiplicative, Component::Multiplicative) => $function::<M, M> $arguments,
        }
    }};
}
pub(super) use dispatch;

/// The sums of the criterion, and the states after the last observation in `state`; none where the form breaks down.
pub(super) fn evaluate(form: Form, y: &[f64], p: &Parameters, state: &mut State) -> Option<Sums> {
    state.restart(p);
    let sums = dispatch!(form, sums, (form.error, y, p, state))?;
    (sums.squares.is_finite() && sums.logarithms.is_finite()).then_some(sums)
}

fn sums<const T: u8, const S: u8>(error: Error, y: &[f64], p: &Parameters, state: &mut State) -> Option<Sums> {
    let mut squares = 0.0;
    if error == Error::Additive {
        let fine = run::<T, S>(y, p, state, |_, _, e| {
            squares += e * e;
            true
        });
        return fine.then_some(Sums { squares, logarithms: 0.0 });
    }
    // One logarithm for every sixteen forecasts: their product stays far from the ends of the number range.
    let (mut logarithms, mut product, mut pending) = (0.0, 1.0, 0_u32);
    let fine = run::<T, S>(y, p, state, |_, f, e| {
        let relative = e / f;
        squares += relative * relative;
        product *= f;
        pending += 1;
        if pending == 16 {
            logarithms += product.ln();
            (product, pending) = (1.0, 0);
        }
        f > TINY && f < 1.0 / TINY
    });
    fine.then(|| Sums { squares, logarithms: logarithms + product.ln() })
}

/// The forecasts of `horizon` steps from a state without errors.
pub(super) fn path(form: Form, phi: f64, state: &State, horizon: usize) -> Vec<f64> {
    let (mut level, mut growth) = (state.level, state.growth);
    (0..horizon)
        .map(|h| {
            match form.trend {
                Component::None => {}
                Component::Additive => {
                    growth *= phi;
                    level += growth;
                }
                Component::Multiplicative => {
                    growth = damped_ratio(growth, phi);
                    level *= growth;
                }
            }
            let m = state.seasonal.len().max(1);
            match form.season {
                Component::None => level,
                Component::Additive => level + state.seasonal[(state.phase + h) % m],
                Component::Multiplicative => level * state.seasonal[(state.phase + h) % m],
            }
        })
        .collect()
}

/// One-step forecasts of the observations.
pub(super) fn fitted(form: Form, y: &[f64], p: &Parameters) -> Vec<f64> {
    let mut state = State::start(p);
    let mut out = Vec::with_capacity(y.len());
    dispatch!(form, collect, (y, p, &mut state, &mut out));
    out.resize(y.len(), f64::NAN);
    out
}

fn collect<const T: u8, const S: u8>(y: &[f64], p: &Parameters, state: &mut State, out: &mut Vec<f64>) {
    run::<T, S>(y, p, state, |_, f, _| {
        out.push(f);
        true
    });
}
