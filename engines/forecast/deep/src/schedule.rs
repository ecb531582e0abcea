//! The learning rate over a training.

use serde::{Deserialize, Serialize};

/// Share of the steps over which the rate rises before the cosine.
const WARM_UP: f64 = 0.1;
/// The rate at the cosine's end, as a share of the highest.
const LAST: f64 = 0.01;
/// Share of the steps over which the one cycle rises.
const RISE: f64 = 0.3;
/// The one cycle's rates at its beginning and end, as shares of the highest.
const CYCLE: (f64, f64) = (1.0 / 25.0, 1e-4 / 25.0);

/// How the learning rate moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// A linear rise over the first tenth, then half a cosine down to a hundredth of the highest (Loshchilov and Hutter
    /// 2017, without restarts).
    #[default]
    Cosine,
    /// One cycle (Smith and Topin 2018): half a cosine up from a 25th of the highest over the first three tenths, then
    /// half a cosine down to nearly nothing.
    OneCycle,
}

impl Schedule {
    /// The learning rate at `step` of `steps` (from 0), where `highest` is the highest of all.
    #[must_use]
    pub(crate) fn rate(self, step: usize, steps: usize, highest: f64) -> f64 {
        match self {
            Self::Cosine => cosine(step, steps, highest),
            Self::OneCycle => one_cycle(step, steps, highest),
        }
    }
}

fn cosine(step: usize, steps: usize, highest: f64) -> f64 {
    let warm_up = (steps as f64 * WARM_UP).ceil().max(1.0);
    let step = step as f64;
    if step < warm_up {
        return highest * (step + 1.0) / warm_up;
    }
    let progress = ((step - warm_up) / (steps as f64 - warm_up).max(1.0)).min(1.0);
    highest * (LAST + (1.0 - LAST) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()))
}

fn one_cycle(step: usize, steps: usize, highest: f64) -> f64 {
    let between = |from: f64, to: f64, share: f64| {
        highest * (to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * share.clamp(0.0, 1.0)).cos()))
    };
    let top = (steps as f64 * RISE).ceil().max(1.0) - 1.0;
    let step = step as f64;
    if step < top {
        between(CYCLE.0, 1.0, step / top)
    } else {
        between(1.0, CYCLE.1, (step - top) / (steps as f64 - 1.0 - top).max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_highest_and_falls_to_a_hundredth() {
        let rates: Vec<f64> = (0..200).map(|step| Schedule::Cosine.rate(step, 200, 2.0)).collect();
        assert_eq!(rates[0], 0.1);
        assert_eq!(rates[19], 2.0);
        assert!(rates[..20].is_sorted());
        assert!(rates[20..].is_sorted_by(|a, b| a >= b));
        assert!((0.02..0.021).contains(&rates[199]), "{}", rates[199]);
    }

    #[test]
    fn one_cycle_rises_from_a_25th_over_three_tenths_and_falls_to_nearly_nothing() {
        let rates: Vec<f64> = (0..200).map(|step| Schedule::OneCycle.rate(step, 200, 2.0)).collect();
        assert!((rates[0] - 0.08).abs() < 1e-12);
        assert_eq!(rates[59], 2.0);
        assert!(rates[..60].is_sorted());
        assert!(rates[59..].is_sorted_by(|a, b| a >= b));
        assert!(rates[199] < 1e-4 && rates[199] > 0.0, "{}", rates[199]);
    }

    #[test]
    fn a_single_step_has_the_highest_rate() {
        assert_eq!(Schedule::Cosine.rate(0, 1, 3.0), 3.0);
        assert_eq!(Schedule::OneCycle.rate(0, 1, 3.0), 3.0);
    }
}
