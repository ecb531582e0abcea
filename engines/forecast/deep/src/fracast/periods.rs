//! The periods of a window, found in its spectrum. The network is told them as phases.

use std::f64::consts::TAU;

use super::WINDOW;

/// Periods that the network takes.
pub(super) const SLOTS: usize = 4;
/// Chance that white noise is given a period, as the network was trained with.
const SIGNIFICANCE: f64 = 0.05;

/// The periods, the strongest first; 0 for an empty slot.
pub(super) type Periods = [u16; SLOTS];

/// Finds them in a window whose missing values are NaN: bins of the periodogram that are strict local maxima and hold
/// more of the power than white noise would, by Fisher's bound of its largest share.
pub(super) fn detect(window: &[f32; WINDOW]) -> Periods {
    let observed = || window.iter().filter(|v| !v.is_nan()).map(|v| f64::from(*v));
    let mean = observed().sum::<f64>() / observed().count().max(1) as f64;
    let filled = |v: &f32| if v.is_nan() { mean } else { f64::from(*v) };
    let overall = window.iter().map(filled).sum::<f64>() / WINDOW as f64;
    let power = power(&window.iter().map(|v| filled(v) - overall).collect::<Vec<_>>());
    let total: f64 = power.iter().sum();
    let bins = power.len();
    let threshold = (bins as f64 / SIGNIFICANCE).ln() / bins as f64;
    let mut periods = [0; SLOTS];
    if total <= 0.0 {
        return periods;
    }
    let mut peaks: Vec<usize> = (1..bins - 1)
        .filter(|&i| power[i] > power[i - 1] && power[i] > power[i + 1] && power[i] >= threshold * total)
        .collect();
    peaks.sort_by(|a, b| power[*b].total_cmp(&power[*a]));
    for (slot, peak) in periods.iter_mut().zip(peaks) {
        // A bin of at least 2 and a window of 2,048: at most 1,024.
        *slot = (WINDOW as f64 / (peak + 1) as f64).round_ties_even() as u16;
    }
    periods
}

/// The power of the bins 1 to half the length. The length is a power of two.
fn power(values: &[f64]) -> Vec<f64> {
    let length = values.len();
    let bits = length.trailing_zeros();
    let mut real: Vec<f64> = (0..length).map(|i| values[i.reverse_bits() >> (usize::BITS - bits)]).collect();
    let mut imaginary = vec![0.0; length];
    let roots: Vec<(f64, f64)> = (0..length / 2).map(|k| (-TAU * k as f64 / length as f64).sin_cos()).collect();
    // Cooley and Tukey 1965, radix 2, decimation in time.
    let mut half = 1;
    while half < length {
        let stride = length / (2 * half);
        for start in (0..length).step_by(2 * half) {
            for k in 0..half {
                let (sine, cosine) = roots[k * stride];
                let (a, b) = (start + k, start + k + half);
                let (re, im) = (real[b] * cosine - imaginary[b] * sine, real[b] * sine + imaginary[b] * cosine);
                (real[b], imaginary[b]) = (real[a] - re, imaginary[a] - im);
                (real[a], imaginary[a]) = (real[a] + re, imaginary[a] + im);
            }
        }
        half *= 2;
    }
    (1..=length / 2).map(|i| real[i] * real[i] + imaginary[i] * imaginary[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_of_a_cosine_lies_in_its_bin() {
        let power = power(&(0..64).map(|t| (TAU * 5.0 * f64::from(t) / 64.0).cos()).collect::<Vec<_>>());
        for (i, p) in power.iter().enumerate() {
            let right = if i == 4 { 1_024.0 } else { 0.0 };
            assert!((p - right).abs() < 1e-9, "bin {}: {p}", i + 1);
        }
    }

    #[test]
    fn a_constant_has_no_period() {
        assert_eq!(detect(&[0.25; WINDOW]), [0; SLOTS]);
        assert_eq!(detect(&[f32::NAN; WINDOW]), [0; SLOTS]);
    }
}
