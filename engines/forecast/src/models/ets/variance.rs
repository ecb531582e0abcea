//! How far forecasts may miss: exact variances where they are known, simulation elsewhere (Hyndman, Koehler, Ord and
//! Snyder 2008, §6.3 and §6.4).

use super::filter::{State, damped_ratio};
use super::fit::Fit;
use super::form::{Component, Error};

/// Simulated paths for forms without a formula.
const PATHS: usize = 1_000;
/// Half the distance of the 10 % and the 90 % quantile of the standard normal distribution.
const NORMAL_DECILE: f64 = 1.281_551_565_544_600_4;

/// Standard deviations in the units of the scaled data.
pub(super) fn deviation(fit: &Fit, horizon: usize) -> Vec<f64> {
    let linear = fit.form.trend != Component::Multiplicative && fit.form.season != Component::Multiplicative;
    match (fit.form.error, fit.form.trend) {
        (Error::Additive, _) if linear => additive(fit, horizon),
        (Error::Multiplicative, _) if linear => relative(fit, horizon),
        (Error::Multiplicative, Component::None | Component::Additive) => seasonal_product(fit, horizon),
        _ => simulated(fit, horizon),
    }
}

/// What an error of one step adds to the forecast j steps later: α + β (φ + … + φʲ) + γ at whole seasons.
fn echoes(fit: &Fit, horizon: usize) -> Vec<f64> {
    let p = &fit.parameters;
    let seasonal = fit.form.season != Component::None;
    let (mut sum, mut power) = (0.0, 1.0);
    (1..horizon)
        .map(|j| {
            power *= p.phi;
            sum += power;
            let season = if seasonal && j % fit.season_length == 0 { p.gamma } else { 0.0 };
            p.alpha + p.beta * sum + season
        })
        .collect()
}

/// Class 1: σ² (1 + Σ c²).
fn additive(fit: &Fit, horizon: usize) -> Vec<f64> {
    let variance = fit.variance();
    let mut total = 1.0;
    let mut out = Vec::with_capacity(horizon);
    out.push(variance.sqrt());
    for c in echoes(fit, horizon) {
        total += c * c;
        out.push((variance * total).sqrt());
    }
    out
}

/// Class 2: (1 + σ²) θ − μ² with θ_h = μ_h² + σ² Σ c_j² θ_{h−j}.
fn relative(fit: &Fit, horizon: usize) -> Vec<f64> {
    let variance = fit.variance();
    let mean = super::filter::path(fit.form, fit.parameters.phi, &fit.state, horizon);
    let squares: Vec<f64> = echoes(fit, horizon).iter().map(|c| c * c).collect();
    let mut theta: Vec<f64> = Vec::with_capacity(horizon);
    for h in 0..horizon {
        let echo: f64 = squares[..h].iter().zip(theta.iter().rev()).map(|(c, t)| c * t).sum();
        theta.push(mean[h] * mean[h] + variance * echo);
    }
    theta.iter().zip(&mean).map(|(t, m)| ((1.0 + variance) * t - m * m).max(0.0).sqrt()).collect()
}

/// Class 3, exactly: the second moments of (level, growth) times the squared seasonal state of the phase, which an
/// error changes only when its phase comes round.
fn seasonal_product(fit: &Fit, horizon: usize) -> Vec<f64> {
    let (p, m, v) = (&fit.parameters, fit.season_length, fit.variance());
    let mut out = vec![0.0; horizon];
    for phase in 0..m.min(horizon) {
        let state = fit.state.seasonal[(fit.state.phase + phase) % m];
        // Symmetric [level², level · growth, growth²] and [level, growth], times the seasonal state squared or as it is.
        let (l, b) = (fit.state.level, fit.state.growth);
        let mut second = [l * l, l * b, b * b].map(|x| x * state * state);
        let mut first = [l * state, b * state];
        for (h, deviation) in out.iter_mut().enumerate() {
            // The forecast's base is level + φ growth.
            let base_square = second[0] + 2.0 * p.phi * second[1] + p.phi * p.phi * second[2];
            let base = first[0] + p.phi * first[1];
            let due = h % m == phase;
            if due {
                *deviation = ((1.0 + v) * base_square - base * base).max(0.0).sqrt();
            }
            // x' = F x + ε G x with F = [1 φ; 0 φ] and G x = base (α, β).
            let cross = second[1] + p.phi * second[2];
            let still = [base_square, p.phi * cross, p.phi * p.phi * second[2]];
            let once = [
                2.0 * p.alpha * base_square,
                p.beta * base_square + p.alpha * p.phi * cross,
                2.0 * p.beta * p.phi * cross,
            ];
            let twice = [p.alpha * p.alpha, p.alpha * p.beta, p.beta * p.beta].map(|x| x * base_square);
            let g = if due { p.gamma } else { 0.0 };
            for i in 0..3 {
                second[i] = still[i] * (1.0 + g * g * v) + once[i] * 2.0 * g * v + twice[i] * (v + 3.0 * g * g * v * v);
            }
            first = [base * (1.0 + g * v * p.alpha), p.phi * first[1] + g * v * p.beta * base];
        }
    }
    out
}

/// Half the distance between the deciles of simulated paths, as a standard deviation. The same draws for every series.
pub(super) fn simulated(fit: &Fit, horizon: usize) -> Vec<f64> {
    let sigma = fit.variance().sqrt();
    let mut draws = Draws(0x9E37_79B9_7F4A_7C15);
    let mut values = vec![Vec::with_capacity(PATHS); horizon];
    let (mut state, mut errors) = (fit.state.clone(), vec![0.0; horizon]);
    for path in 0..PATHS {
        state.clone_from(&fit.state);
        // Every other path is its predecessor's mirror image.
        let sign = if path % 2 == 0 { 1.0 } else { -1.0 };
        if path % 2 == 0 {
            errors.iter_mut().for_each(|e| *e = sigma * draws.normal());
        }
        for (step, error) in values.iter_mut().zip(&errors) {
            step.push(advance(fit, &mut state, sign * error));
        }
    }
    let decile = |sorted: &[f64], share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let spread = |mut step: Vec<f64>| {
        step.sort_by(f64::total_cmp);
        let half = (decile(&step, 0.9) - decile(&step, 0.1)) / 2.0 / NORMAL_DECILE;
        if half.is_finite() { half } else { 0.0 }
    };
    values.into_iter().map(spread).collect()
}

/// One step with an error; states are kept positive.
fn advance(fit: &Fit, state: &mut State, error: f64) -> f64 {
    let p = &fit.parameters;
    let ratio = damped_ratio(state.growth, p.phi);
    let base = match fit.form.trend {
        Component::None => state.level,
        Component::Additive => state.level + p.phi * state.growth,
        Component::Multiplicative => state.level * ratio,
    };
    let multiplies = fit.form.season == Component::Multiplicative;
    let season = if fit.form.season == Component::None { 0.0 } else { state.seasonal[state.phase] };
    let forecast = if multiplies { base * season } else { base + season };
    let error = if fit.form.error == Error::Additive { error } else { forecast * error };
    let shock = if multiplies { error / season } else { error };
    match fit.form.trend {
        Component::None => {}
        Component::Additive => state.growth = p.phi * state.growth + p.beta * shock,
        Component::Multiplicative => state.growth = (ratio + p.beta * shock / state.level).max(1e-3),
    }
    state.level = base + p.alpha * shock;
    if fit.form.trend == Component::Multiplicative {
        state.level = state.level.max(1e-6 * base);
    }
    if fit.form.season != Component::None {
        let change = p.gamma * if multiplies { error / base } else { error };
        let next = season + change;
        state.seasonal[state.phase] = if multiplies { next.max(1e-3 * season) } else { next };
        state.phase = (state.phase + 1) % state.seasonal.len();
    }
    forecast + error
}

/// A small generator of normal numbers (SplitMix64, Steele, Lea and Flood 2014; Box and Muller 1958).
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((z >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}
