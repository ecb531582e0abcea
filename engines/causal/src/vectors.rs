//! Long vectors: scalar products and standardisation.

/// The scalar product, in eight running sums so that it can be vectorised, always in the same order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_parts, b_parts) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_parts.zip(b_parts) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The values with mean 0 and variance 1 (divided by n), and their standard deviation; `None` where they do not vary.
pub(crate) fn standardised(values: &[f64]) -> Option<(Vec<f64>, f64)> {
    // Scaled by the largest first, so that no square overflows or vanishes.
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest <= 0.0 {
        return None;
    }
    let rows = values.len() as f64;
    let mut scaled: Vec<f64> = values.iter().map(|v| v / largest).collect();
    let mean = scaled.iter().sum::<f64>() / rows;
    scaled.iter_mut().for_each(|v| *v -= mean);
    let deviation = (scaled.iter().map(|v| v * v).sum::<f64>() / rows).sqrt();
    // Smaller than the rounding of the mean: a constant.
    if deviation <= 1e-14 {
        return None;
    }
    scaled.iter_mut().for_each(|v| *v /= deviation);
    Some((scaled, deviation * largest))
}
