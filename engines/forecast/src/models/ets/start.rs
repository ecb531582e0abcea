//! Where the search for smoothing weights and initial states begins (Hyndman, Koehler, Ord and Snyder 2008, §2.6.1).

use super::form::{Component, Form};
use super::optimise::{Point, Search};
use super::parameters::Parameters;
use crate::models::theta::season::{Decomposition, indices};

/// A multiplicative seasonal state starts no lower than this.
const SMALLEST_FACTOR: f64 = 0.01;
/// The first weights that are tried, α and the shares of β and γ.
const ALPHAS: [f64; 5] = [0.02, 0.1, 0.3, 0.6, 0.95];
const BETAS: [f64; 2] = [0.02, 0.3];
const GAMMAS: [f64; 2] = [0.02, 0.3];
/// Hardly any smoothing.
const STILL: f64 = 0.001;

/// Initial states of a form.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct States {
    level: f64,
    growth: f64,
    seasonal: Vec<f64>,
}

impl States {
    /// Two sets of states, both with the seasonal indices of the whole series: level and growth by the line through the
    /// first max(10, 2 m) adjusted values, and through all of them.
    pub(super) fn of(form: Form, y: &[f64], m: usize) -> [Self; 2] {
        let (seasonal, adjusted) = match form.season {
            Component::None => (Vec::new(), y.to_vec()),
            season => adjust(y, m, season),
        };
        let first = adjusted.len().min((2 * m).max(10));
        [Self::line(form, &adjusted[..first], seasonal.clone()), Self::line(form, &adjusted, seasonal)]
    }

    fn line(form: Form, head: &[f64], seasonal: Vec<f64>) -> Self {
        let first = head.len();
        let mean = head.iter().sum::<f64>() / first as f64;
        if form.trend == Component::None {
            return Self { level: mean, growth: 0.0, seasonal };
        }
        let centre = (first as f64 + 1.0) / 2.0;
        let spread: f64 = (1..=first).map(|t| (t as f64 - centre).powi(2)).sum();
        let moment: f64 = head.iter().enumerate().map(|(t, v)| ((t + 1) as f64 - centre) * (v - mean)).sum();
        let slope = if spread > 0.0 { moment / spread } else { 0.0 };
        let intercept = mean - slope * centre;
        if form.trend == Component::Additive {
            return Self { level: intercept, growth: slope, seasonal };
        }
        let (before, after) = (intercept, intercept + slope);
        let fine = before > 0.1 * mean && after > 0.1 * mean;
        let (level, growth) = if fine { (before, (after / before).clamp(0.5, 2.0)) } else { (mean, 1.0) };
        Self { level, growth, seasonal }
    }
}

/// Seasonal states and the series without them.
fn adjust(y: &[f64], m: usize, season: Component) -> (Vec<f64>, Vec<f64>) {
    let multiplies = season == Component::Multiplicative;
    let mut states = if y.len() >= 2 * m {
        indices(y, m, if multiplies { Decomposition::Multiplicative } else { Decomposition::Additive })
    } else {
        first_harmonic(y, m, multiplies)
    };
    if multiplies {
        states.iter_mut().for_each(|s| *s = if s.is_finite() { s.max(SMALLEST_FACTOR) } else { 1.0 });
        let mean = states.iter().sum::<f64>() / m as f64;
        states.iter_mut().for_each(|s| *s /= mean);
    }
    let adjusted = y.iter().enumerate().map(|(t, v)| {
        let state = states[t % m];
        if multiplies { v / state } else { v - state }
    });
    let adjusted = adjusted.collect();
    (states, adjusted)
}

/// One sine wave around the mean, for a series too short for a decomposition.
fn first_harmonic(y: &[f64], m: usize, multiplies: bool) -> Vec<f64> {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let angle = |t: usize| std::f64::consts::TAU * t as f64 / m as f64;
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (t, v) in y.iter().enumerate() {
        sine += 2.0 / n * (v - mean) * angle(t).sin();
        cosine += 2.0 / n * (v - mean) * angle(t).cos();
    }
    let wave = |t: usize| sine * angle(t).sin() + cosine * angle(t).cos();
    (0..m).map(|t| if multiplies { 1.0 + wave(t) / mean } else { wave(t) }).collect()
}

/// Points worth starting from, the best first: smoothing weights on a grid with the first states, hardly any smoothing
/// with those of the whole series, and what related forms found.
pub(super) fn candidates(
    search: &mut Search<'_>,
    [states, whole]: &[States; 2],
    related: &[&Parameters],
) -> Vec<Point> {
    let form = search.layout().form;
    let trends = if form.trend == Component::None { &BETAS[..1] } else { &BETAS };
    let seasons = if form.season == Component::None { &GAMMAS[..1] } else { &GAMMAS };
    let mut points = Vec::with_capacity(ALPHAS.len() * 4 + related.len());
    let mut from = Parameters {
        alpha: 0.0,
        beta: 0.0,
        gamma: 0.0,
        phi: 0.97,
        level: states.level,
        growth: states.growth,
        seasonal: states.seasonal.clone(),
    };
    for alpha in ALPHAS {
        for beta in trends {
            for gamma in seasons {
                (from.alpha, from.beta, from.gamma) = (alpha, beta * alpha, gamma * (1.0 - alpha));
                let vector = search.layout().pack(&from);
                points.extend(search.at(vector));
            }
        }
    }
    (from.alpha, from.beta, from.gamma) = (STILL, STILL, STILL);
    (from.level, from.growth) = (whole.level, whole.growth);
    let vector = search.layout().pack(&from);
    points.extend(search.at(vector));
    for parameters in related {
        let vector = search.layout().pack(parameters);
        points.extend(search.at(vector));
        if form.trend != Component::None && parameters.beta == 0.0 {
            // A simpler form without a trend: also with the growth that the data start with.
            let growth = if form.trend == Component::Multiplicative { 1.0 } else { 0.0 };
            let grown = Parameters { growth, ..(*parameters).clone() };
            let vector = search.layout().pack(&grown);
            points.extend(search.at(vector));
        }
    }
    points.sort_by(|a, b| a.criterion.total_cmp(&b.criterion));
    points
}

/// Whether two points smooth level or growth at another pace, so that they may lie in different basins.
pub(super) fn apart(search: &Search<'_>, a: &Point, b: &Point) -> bool {
    let layout = search.layout();
    let growth = layout.beta.is_some_and(|i| (a.vector[i] - b.vector[i]).abs() > 0.3 * search.range(i));
    growth || (a.vector[0] - b.vector[0]).abs() > 0.15
}
