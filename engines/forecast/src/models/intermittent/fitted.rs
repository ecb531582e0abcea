//! The rates that intermittent methods expect inside the history.

use super::{BOUNDS, Method, WEIGHT, best_weight, intervals};

/// The rate before each value, with the weights of the whole history; before the first demand, the value before. NaN
/// for the first, and what was expected before it for a missing one.
pub(super) fn fitted(history: &[f64], method: Method) -> Vec<f64> {
    let values: Vec<f64> = history.iter().copied().filter(|v| v.is_finite()).collect();
    let rates = rates(&values, method);
    let mut next = rates.iter();
    let mut expected = f64::NAN;
    let one = |v: &f64| {
        if v.is_finite() {
            expected = next.next().copied().unwrap_or(expected);
        }
        expected
    };
    history.iter().map(one).collect()
}

/// The rate before each of `values`, none of which is missing.
fn rates(values: &[f64], method: Method) -> Vec<f64> {
    let demands: Vec<f64> = values.iter().copied().filter(|v| *v > 0.0).collect();
    let intervals = intervals(values);
    match method {
        Method::Croston => ratios(values, WEIGHT, WEIGHT, 1.0),
        Method::Approximation => ratios(values, WEIGHT, WEIGHT, 1.0 - WEIGHT / 2.0),
        Method::Optimized => ratios(values, best_weight(&demands, BOUNDS), best_weight(&intervals, BOUNDS), 1.0),
        Method::Probability { demand, probability } => probabilities(values, demand, probability),
        Method::Aggregate | Method::Aggregates => {
            let mean = intervals.iter().sum::<f64>() / intervals.len().max(1) as f64;
            let largest = mean.round_ties_even().max(1.0) as usize;
            let sizes = if method == Method::Aggregate { largest..=largest } else { 1..=largest };
            let each: Vec<Vec<f64>> = sizes.map(|size| aggregated(values, size)).collect();
            let mut rates = previous(values);
            for (t, rate) in rates.iter_mut().enumerate() {
                // Sizes that do not fit into the history yet say nothing.
                let known = each.iter().map(|r| r[t]).filter(|r| r.is_finite());
                let (sum, count) = known.fold((0.0, 0_u32), |(s, n), r| (s + r, n + 1));
                if count > 0 {
                    *rate = sum / f64::from(count);
                }
            }
            rates
        }
    }
}

fn previous(values: &[f64]) -> Vec<f64> {
    std::iter::once(f64::NAN).chain(values.iter().copied()).take(values.len()).collect()
}

/// Smoothed demand over smoothed interval, times a correction.
fn ratios(values: &[f64], demand_weight: f64, interval_weight: f64, correction: f64) -> Vec<f64> {
    let mut state: Option<(f64, f64)> = None;
    let mut since = 0.0;
    let mut rates = previous(values);
    for (rate, v) in rates.iter_mut().zip(values) {
        if let Some((demand, interval)) = state {
            *rate = correction * demand / interval;
        }
        since += 1.0;
        if *v > 0.0 {
            let smoothed = |(d, i): (f64, f64)| (d + demand_weight * (v - d), i + interval_weight * (since - i));
            state = Some(state.map_or((*v, since), smoothed));
            since = 0.0;
        }
    }
    rates
}

/// Smoothed demand times the smoothed probability of a demand.
fn probabilities(values: &[f64], demand_weight: f64, weight: f64) -> Vec<f64> {
    let (mut demand, mut probability): (Option<f64>, Option<f64>) = (None, None);
    let mut rates = previous(values);
    for (rate, v) in rates.iter_mut().zip(values) {
        if let (Some(demand), Some(probability)) = (demand, probability) {
            *rate = demand * probability;
        }
        let happened = f64::from(u8::from(*v > 0.0));
        probability = Some(probability.map_or(happened, |p| p + weight * (happened - p)));
        if *v > 0.0 {
            demand = Some(demand.map_or(*v, |d| d + demand_weight * (v - d)));
        }
    }
    rates
}

/// Smoothed sums of `size` values over their number. The sums before a time end there, so that each is smoothed on
/// from the one `size` steps earlier.
fn aggregated(values: &[f64], size: usize) -> Vec<f64> {
    let chunks: Vec<f64> = values[values.len() % size..].chunks(size).map(|c| c.iter().sum()).collect();
    let weight = best_weight(&chunks, BOUNDS);
    let mut levels = vec![f64::NAN; values.len()];
    for t in size..values.len() {
        let sum: f64 = values[t - size..t].iter().sum();
        levels[t] = if t < 2 * size { sum } else { levels[t - size] + weight * (sum - levels[t - size]) };
    }
    levels.iter().map(|level| level / size as f64).collect()
}
