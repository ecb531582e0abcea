//! Sums in a fixed order. Eight running sums let the compiler use vector instructions; their order never depends on
//! the machine or on the number of threads, so the same data give the same bits.

const LANES: usize = 8;

/// Σ x.
pub(crate) fn sum(x: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    fold(lanes) + rest
}

/// Σ xᵢ yᵢ over the shorter of the two.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len().min(y.len());
    let (x, y) = (&x[..n], &y[..n]);
    let mut lanes = [0.0; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in xs.zip(ys) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    fold(lanes) + rest
}

/// Σ x².
pub(crate) fn sum_of_squares(x: &[f64]) -> f64 {
    dot(x, x)
}

/// The arithmetic mean; NaN for an empty sample.
pub(crate) fn mean(x: &[f64]) -> f64 {
    sum(x) / x.len() as f64
}

/// The sample less its mean, in two passes so that a large common offset costs no digits.
pub(crate) fn centred(x: &[f64]) -> Vec<f64> {
    let first = mean(x);
    let mut out: Vec<f64> = x.iter().map(|v| v - first).collect();
    let rest = mean(&out);
    for v in &mut out {
        *v -= rest;
    }
    out
}

fn fold(l: [f64; LANES]) -> f64 {
    ((l[0] + l[4]) + (l[1] + l[5])) + ((l[2] + l[6]) + (l[3] + l[7]))
}
