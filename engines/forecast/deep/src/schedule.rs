//! The learning rate over a training.

/// Share of the steps over which the rate rises.
const WARM_UP: f64 = 0.1;
/// The rate at the end, as a share of the highest.
const LAST: f64 = 0.01;

/// The learning rate at `step` of `steps` (from 0): a linear rise over the first tenth, then half a cosine down to a
/// hundredth of `highest` (Loshchilov and Hutter 2017, without restarts).
#[must_use]
pub(crate) fn learning_rate(step: usize, steps: usize, highest: f64) -> f64 {
    let warm_up = (steps as f64 * WARM_UP).ceil().max(1.0);
    let step = step as f64;
    if step < warm_up {
        return highest * (step + 1.0) / warm_up;
    }
    let progress = ((step - warm_up) / (steps as f64 - warm_up).max(1.0)).min(1.0);
    highest * (LAST + (1.0 - LAST) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_highest_and_falls_to_a_hundredth() {
        let rates: Vec<f64> = (0..200).map(|step| learning_rate(step, 200, 2.0)).collect();
        assert_eq!(rates[0], 0.1);
        assert_eq!(rates[19], 2.0);
        assert!(rates[..20].is_sorted());
        assert!(rates[20..].is_sorted_by(|a, b| a >= b));
        assert!((0.02..0.021).contains(&rates[199]), "{}", rates[199]);
    }

    #[test]
    fn a_single_step_has_the_highest_rate() {
        assert_eq!(learning_rate(0, 1, 3.0), 3.0);
    }
}
