//! The normal equations of forms without a season whose trend, if any, is additive: [`super::sensitivity`]'s recursion
//! with so few derivatives that they and the equations stay in registers.

use super::filter::TINY;
use super::form::{Component, Error, Form};
use super::parameters::Parameters;

/// Whether a form is one of these.
pub(super) fn suits(form: Form) -> bool {
    form.season == Component::None && form.trend != Component::Multiplicative
}

/// Where the equations go, in rows as wide as the derivatives.
pub(super) struct Room<'a> {
    pub(super) matrix: &'a mut [f64],
    pub(super) gradient: &'a mut [f64],
    pub(super) drift: &'a mut [f64],
}

/// Finds the equations of a form that suits. Returns the sum of squares; none where the form breaks down.
#[inline(always)]
pub(super) fn assemble(room: &mut Room<'_>, form: Form, y: &[f64], p: &Parameters) -> Option<f64> {
    let relative = form.error == Error::Multiplicative;
    match (form.trend != Component::None, form.damped, relative) {
        (false, _, false) => run::<false, false, false, 4, 2>(room, y, p),
        (false, _, true) => run::<false, false, true, 4, 2>(room, y, p),
        (true, false, false) => run::<true, false, false, 4, 4>(room, y, p),
        (true, false, true) => run::<true, false, true, 4, 4>(room, y, p),
        (true, true, false) => run::<true, true, false, 8, 5>(room, y, p),
        (true, true, true) => run::<true, true, true, 8, 5>(room, y, p),
    }
}

/// The recursion with `R` derivatives, in vectors of `D`: by α, β, φ, the first level and the first growth, those that
/// the form has.
#[inline(always)]
fn run<const TREND: bool, const DAMPED: bool, const RELATIVE: bool, const D: usize, const R: usize>(
    room: &mut Room<'_>,
    y: &[f64],
    p: &Parameters,
) -> Option<f64> {
    let unit = |at: usize| -> [f64; D] { std::array::from_fn(|k| if k == at { 1.0 } else { 0.0 }) };
    let first_level = 1 + usize::from(TREND) + usize::from(DAMPED);
    let (by_alpha, by_beta, by_phi) = (unit(0), unit(1), unit(2));
    let (alpha, beta, phi) = (p.alpha, p.beta, p.phi);
    let (mut level, mut growth) = (p.level, p.growth);
    let (mut level_d, mut growth_d) = (unit(first_level), if TREND { unit(first_level + 1) } else { [0.0; D] });
    let mut matrix = [[0.0; D]; R];
    let (mut gradient, mut drift, mut squares) = ([0.0; D], [0.0; D], 0.0);
    for &value in y {
        let forecast = if TREND { level + phi * growth } else { level };
        if RELATIVE && !(forecast > TINY && forecast < 1.0 / TINY) {
            return None;
        }
        let error = value - forecast;
        let over = if RELATIVE { 1.0 / forecast } else { 1.0 };
        let residual = error * over;
        // The residual's derivative is this multiple of the forecast's.
        let weight = if RELATIVE { -value * over * over } else { -1.0 };
        let mut row = [0.0; D];
        for k in 0..D {
            let mut turned = if TREND { phi * growth_d[k] } else { 0.0 };
            if DAMPED {
                turned += growth * by_phi[k];
            }
            let forecast_d = level_d[k] + turned;
            row[k] = weight * forecast_d;
            if RELATIVE {
                drift[k] += forecast_d * over;
            }
            if TREND {
                growth_d[k] = turned - beta * forecast_d + error * by_beta[k];
            }
            level_d[k] = forecast_d - alpha * forecast_d + error * by_alpha[k];
        }
        for (target, own) in matrix.iter_mut().zip(row) {
            for k in 0..D {
                target[k] += own * row[k];
            }
        }
        for k in 0..D {
            gradient[k] += row[k] * residual;
        }
        squares += residual * residual;
        if TREND {
            growth = phi * growth + beta * error;
        }
        level = forecast + alpha * error;
    }
    for (target, row) in room.matrix.chunks_exact_mut(D).zip(&matrix) {
        target.copy_from_slice(row);
    }
    room.gradient.copy_from_slice(&gradient);
    room.drift.copy_from_slice(&drift);
    (level.is_finite() && growth.is_finite()).then_some(squares)
}
