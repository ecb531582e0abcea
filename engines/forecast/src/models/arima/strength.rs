//! How strong a season is, by a decomposition with loess (STL; Cleveland, Cleveland, McRae and Terpenning 1990).
//!
//! Only what the measure needs: inner loops, no robustness weights; the seasonal smoother is locally constant.

/// The span of the seasonal smoother, in cycles.
const SEASONAL_SPAN: usize = 11;
/// Inner loops.
const LOOPS: usize = 5;

/// F = max(0, 1 − var(remainder) / var(season + remainder)) (Wang, Smith and Hyndman 2006, §3.2): 0 for none, 1 for
/// nothing else. Zero where there are fewer than two cycles.
pub(super) fn seasonal_strength(values: &[f64], season: usize) -> f64 {
    let n = values.len();
    if season < 2 || n < 2 * season + 1 {
        return 0.0;
    }
    let trend_span = odd((1.5 * season as f64 / (1.0 - 1.5 / SEASONAL_SPAN as f64)).ceil() as usize);
    let mut trend = vec![0.0; n];
    let mut seasonal = vec![0.0; n];
    let mut scratch = Vec::new();
    for _ in 0..LOOPS {
        // The smoothed cycle-subseries, one cycle longer at both ends.
        let mut cycle = vec![0.0; n + 2 * season];
        for phase in 0..season {
            scratch.clear();
            scratch.extend((phase..n).step_by(season).map(|t| values[t] - trend[t]));
            for k in 0..scratch.len() + 2 {
                cycle[phase + k * season] = loess(&scratch, SEASONAL_SPAN, k as f64 - 1.0, Degree::Constant);
            }
        }
        let low = moving_average(&moving_average(&moving_average(&cycle, season), season), 3);
        let low = smoothed(&low, odd(season));
        for t in 0..n {
            seasonal[t] = cycle[t + season] - low[t];
        }
        let adjusted: Vec<f64> = values.iter().zip(&seasonal).map(|(y, s)| y - s).collect();
        trend = smoothed(&adjusted, trend_span);
    }
    let remainder: Vec<f64> = (0..n).map(|t| values[t] - seasonal[t] - trend[t]).collect();
    let both: Vec<f64> = (0..n).map(|t| values[t] - trend[t]).collect();
    let whole = variance(&both);
    // Beside the level's own rounding there may be nothing.
    let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    if whole > (1e-12 * largest).powi(2) { (1.0 - variance(&remainder) / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn odd(span: usize) -> usize {
    span + 1 - span % 2
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64
}

fn moving_average(values: &[f64], span: usize) -> Vec<f64> {
    values.windows(span).map(|w| w.iter().sum::<f64>() / span as f64).collect()
}

/// Every point smoothed. Inside, the neighbourhood is symmetric and the weights are always the same, so that the line
/// through it has their mean as its middle.
fn smoothed(values: &[f64], span: usize) -> Vec<f64> {
    let (n, half) = (values.len(), span / 2);
    if span >= n {
        return (0..n).map(|t| loess(values, span, t as f64, Degree::Line)).collect();
    }
    let reach = (half as f64).max(1.0);
    let weights: Vec<f64> = (0..span).map(|i| tricube((i as f64 - half as f64) / reach)).collect();
    let total: f64 = weights.iter().sum();
    let inside = |t: usize| {
        let window = &values[t - half..=t + half];
        window.iter().zip(&weights).map(|(v, w)| v * w).sum::<f64>() / total
    };
    (0..n)
        .map(|t| if t >= half && t + half < n { inside(t) } else { loess(values, span, t as f64, Degree::Line) })
        .collect()
}

fn tricube(distance: f64) -> f64 {
    let distance = distance.abs();
    if distance <= 0.001 {
        1.0
    } else if distance >= 0.999 {
        0.0
    } else {
        let left = 1.0 - distance * distance * distance;
        left * left * left
    }
}

/// What is fitted around a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Degree {
    Constant,
    Line,
}

/// The local fit at `x` to its nearest `span` of the points 0, 1, 2, ….
fn loess(values: &[f64], span: usize, x: f64, degree: Degree) -> f64 {
    let n = values.len();
    let width = span.min(n);
    let first = ((x - (width - 1) as f64 / 2.0).round().max(0.0) as usize).min(n - width);
    let window = &values[first..first + width];
    let mut reach = (x - first as f64).abs().max((first + width - 1) as f64 - x);
    if span > n {
        reach += ((span - n) / 2) as f64;
    }
    let reach = reach.max(1.0);
    let (mut total, mut centre) = (0.0, 0.0);
    for i in 0..width {
        let at = (first + i) as f64;
        let weight = tricube((at - x) / reach);
        total += weight;
        centre += weight * at;
    }
    if total <= 0.0 {
        return window[width / 2];
    }
    centre /= total;
    let (mut mean, mut moment, mut slope) = (0.0, 0.0, 0.0);
    for (i, value) in window.iter().enumerate() {
        let at = (first + i) as f64;
        let weight = tricube((at - x) / reach) / total;
        mean += weight * value;
        moment += weight * (at - centre) * (at - centre);
        slope += weight * (at - centre) * value;
    }
    if degree == Degree::Line && moment.sqrt() > 0.001 * (n - 1) as f64 {
        mean + slope / moment * (x - centre)
    } else {
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_is_strong_and_noise_is_not() {
        let noise = |t: usize| ((t * 7919 + 13) % 101) as f64 / 101.0 - 0.5;
        let season: Vec<f64> =
            (0..96).map(|t| 5.0 * (t as f64 / 12.0 * std::f64::consts::TAU).sin() + noise(t)).collect();
        let rough: Vec<f64> = (0..96).map(noise).collect();
        assert!(seasonal_strength(&season, 12) > 0.95);
        assert!(seasonal_strength(&rough, 12) < 0.6);
        assert!(seasonal_strength(&season[..20], 12) < 1e-12);
        assert!(seasonal_strength(&[3.0; 50], 12) < 1e-12);
    }

    #[test]
    fn a_line_is_its_own_trend() {
        let line: Vec<f64> = (0..40).map(|t| 2.0 * f64::from(t)).collect();
        assert!(smoothed(&line, 9).iter().zip(&line).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}
