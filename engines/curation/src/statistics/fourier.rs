//! Discrete Fourier transforms: a fast one of a power of two, and single frequencies of any length.

use super::summation::sum_of_squares;

/// |Σ x_t e^{−2πi·bin·t/n}|² by Goertzel's recursion (1958).
#[must_use]
pub fn power_at(x: &[f64], bin: usize) -> f64 {
    let angle = std::f64::consts::TAU * bin as f64 / x.len() as f64;
    let coefficient = 2.0 * angle.cos();
    let (mut one, mut two) = (0.0, 0.0);
    for v in x {
        let next = v + coefficient * one - two;
        two = one;
        one = next;
    }
    (one * one + two * two - coefficient * one * two).max(0.0)
}

/// The periodogram of a zero-padded series at the frequencies j / `length`, j = 0 to `length` / 2.
#[derive(Clone, Debug, PartialEq)]
pub struct Periodogram {
    /// |X_j|².
    pub power: Vec<f64>,
    /// The transform's length, a power of two.
    pub length: usize,
}

/// The periodogram of `x`, padded with zeros to at least twice its length.
#[must_use]
pub fn periodogram(x: &[f64]) -> Periodogram {
    let length = (2 * x.len().max(1)).next_power_of_two();
    let (mut re, mut im) = (vec![0.0; length], vec![0.0; length]);
    re[..x.len()].copy_from_slice(x);
    transform(&mut re, &mut im);
    let power = (0..=length / 2).map(|j| re[j] * re[j] + im[j] * im[j]).collect();
    Periodogram { power, length }
}

/// All autocorrelations (lag 0 to n − 1, denominator n) of a series whose mean is zero, from its padded periodogram (Wiener and
/// Khinchin). A series of zeros has none but the first.
#[must_use]
pub fn autocorrelations(x: &[f64], spectrum: &Periodogram) -> Vec<f64> {
    let n = x.len();
    if sum_of_squares(x) == 0.0 {
        let mut out = vec![0.0; n];
        if let Some(first) = out.first_mut() {
            *first = 1.0;
        }
        return out;
    }
    let length = spectrum.length;
    // The spectrum is real and even, so a forward transform serves as the inverse.
    let mut re: Vec<f64> = (0..length).map(|j| spectrum.power[j.min(length - j)]).collect();
    let mut im = vec![0.0; length];
    transform(&mut re, &mut im);
    let variance = re[0];
    re[..n].iter().map(|c| c / variance).collect()
}

/// An iterative radix-2 transform in place (Cooley and Tukey 1965).
fn transform(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    if n < 2 {
        return;
    }
    let shift = n.leading_zeros() + 1;
    for i in 0..n {
        let j = i.reverse_bits() >> shift;
        if j > i {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let table: Vec<(f64, f64)> = (0..n / 2)
        .map(|k| {
            let angle = -std::f64::consts::TAU * k as f64 / n as f64;
            (angle.cos(), angle.sin())
        })
        .collect();
    let mut half = 1;
    while half < n {
        let stride = n / (2 * half);
        for start in (0..n).step_by(2 * half) {
            for k in 0..half {
                let (c, s) = table[k * stride];
                let (a, b) = (start + k, start + k + half);
                let (tr, ti) = (re[b] * c - im[b] * s, re[b] * s + im[b] * c);
                (re[b], im[b]) = (re[a] - tr, im[a] - ti);
                re[a] += tr;
                im[a] += ti;
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: usize) -> Vec<f64> {
        (0..n).map(|t| ((t * t * 7919 + 13 * t) % 101) as f64 - 50.0).collect()
    }

    fn slow(x: &[f64], frequency: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (t, v) in x.iter().enumerate() {
            let angle = std::f64::consts::TAU * frequency * t as f64;
            re += v * angle.cos();
            im += v * angle.sin();
        }
        re * re + im * im
    }

    #[test]
    fn one_frequency_agrees_with_the_definition() {
        let x = sample(150);
        for bin in [0, 1, 7, 75] {
            let expected = slow(&x, bin as f64 / 150.0);
            assert!((power_at(&x, bin) - expected).abs() < 1e-6 * (1.0 + expected), "{bin}");
        }
    }

    #[test]
    fn the_fast_transform_agrees_with_the_definition() {
        let x = sample(100);
        let p = periodogram(&x);
        for j in [0, 1, 31, 64, 128] {
            let expected = slow(&x, j as f64 / p.length as f64);
            assert!((p.power[j] - expected).abs() < 1e-7 * (1.0 + expected), "{j}");
        }
    }

    #[test]
    fn autocorrelations_agree_with_sums_of_products() {
        let x = super::super::summation::centred(&sample(90));
        let fast = autocorrelations(&x, &periodogram(&x));
        for lag in [0, 1, 17, 89] {
            let direct = super::super::summation::dot(&x[lag..], &x[..90 - lag]) / sum_of_squares(&x);
            assert!((fast[lag] - direct).abs() < 1e-12, "{lag}");
        }
    }
}
