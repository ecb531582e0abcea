//! Whether a smoothing model forgets its distant past (Hyndman, Akram and Archibald 2008; Hyndman, Koehler, Ord and
//! Snyder 2008, §10.1).

use super::parameters::Parameters;

/// Whether the weights keep the roots of the characteristic equation inside the unit circle; `m` is 1 without a season.
pub(super) fn admissible(p: &Parameters, m: usize) -> bool {
    let (alpha, beta, gamma, phi) = (p.alpha, p.beta, p.gamma, p.phi);
    if !(phi > 0.0 && phi <= 1.0) {
        return false;
    }
    if m < 2 {
        let level = alpha >= 1.0 - 1.0 / phi && alpha <= 1.0 + 1.0 / phi;
        return level && beta >= alpha * (phi - 1.0) && beta <= (1.0 + phi) * (2.0 - alpha);
    }
    let season = gamma >= (1.0 - 1.0 / phi - alpha).max(0.0) && gamma <= 1.0 + 1.0 / phi - alpha;
    let lead = 1.0 - 1.0 / phi - gamma * (1.0 - m as f64 + phi + phi * m as f64) / (2.0 * phi * m as f64);
    season && alpha >= lead && beta >= -(1.0 - phi) * (gamma / m as f64 + alpha) && stable(alpha, beta, gamma, phi, m)
}

/// The Schur–Cohn test of z^(m+1) + (α+β−φ) z^m + (α+β−αφ) (z^(m−1) + … + z²) + (α+β−αφ+γ−1) z + φ (1−α−γ), without
/// the root at 1 that it has where there is no trend.
fn stable(alpha: f64, beta: f64, gamma: f64, phi: f64, m: usize) -> bool {
    // Coefficients by descending power, the leading 1 first.
    let mut a = vec![alpha + beta - alpha * phi; m + 2];
    a[0] = 1.0;
    a[1] = alpha + beta - phi;
    a[m] = alpha + beta - alpha * phi + gamma - 1.0;
    a[m + 1] = phi * (1.0 - alpha - gamma);
    if beta == 0.0 && phi == 1.0 {
        for i in 1..a.len() {
            a[i] += a[i - 1];
        }
        a.pop();
    }
    let mut next = a.clone();
    while a.len() > 1 {
        let last = a.len() - 1;
        let reflection = a[last] / a[0];
        // A NaN is not stable either.
        if !(reflection.abs() < 1.0) {
            return false;
        }
        next.truncate(last);
        for i in 0..last {
            next[i] = a[i] - reflection * a[last - i];
        }
        std::mem::swap(&mut a, &mut next);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(alpha: f64, beta: f64, gamma: f64, phi: f64) -> Parameters {
        Parameters { alpha, beta, gamma, phi, level: 0.0, growth: 0.0, seasonal: Vec::new() }
    }

    #[test]
    fn weights_on_either_side_of_the_limits_are_told_apart() {
        // Simple smoothing: 0 < α < 2. Holt: β < 4 − 2α.
        assert!(admissible(&weights(1.9, 0.0, 0.0, 1.0), 1));
        assert!(!admissible(&weights(2.1, 0.0, 0.0, 1.0), 1));
        assert!(admissible(&weights(1.0, 1.9, 0.0, 1.0), 1));
        assert!(!admissible(&weights(1.0, 2.1, 0.0, 1.0), 1));
        // A season of m: γ between 0 and 2 − α for a small β.
        assert!(admissible(&weights(0.3, 0.01, 0.2, 1.0), 12));
        assert!(admissible(&weights(0.3, 0.0, 0.2, 1.0), 4));
        assert!(!admissible(&weights(0.3, 0.0, 1.8, 1.0), 4));
        assert!(!admissible(&weights(0.9, 0.9, 0.05, 1.0), 12));
    }
}
