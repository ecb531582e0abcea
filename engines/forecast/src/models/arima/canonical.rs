//! A series in units in which a scaled or shifted copy of it is the same to the last bit.
//!
//! The stepwise search compares criteria, and its optimiser stops by them: a difference in the last bit of the data can
//! grow into another model. The search therefore works on values rounded to a small share of the series' own moves,
//! which swallows what rounding did when the data were scaled or shifted.

use super::differencing::differences;

/// What values are rounded to, as a share of the spread of the series or of its differences, whichever is least: 2⁻²⁸.
const GRID: f64 = 1.0 / 268_435_456.0;
/// A spread below this share of the largest is rounding.
const ROUNDING: f64 = 1e-9;

/// `values`, without gaps, in units of their spread and rounded; unchanged where they have none.
pub(super) fn canonical(values: &[f64], season: usize) -> Vec<f64> {
    let first = values.first().copied().unwrap_or(0.0);
    // Halves, so that no difference leaves the number range.
    let moves: Vec<f64> = values.iter().map(|v| 0.5 * v - 0.5 * first).collect();
    let largest = moves.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    let moves: Vec<f64> = moves.iter().map(|v| v / largest).collect();
    let spreads = [(0, 0), (1, 0), (2, 0), (0, 1)].map(|(d, seasonal)| {
        let enough = values.len() > d + seasonal * season && (seasonal == 0 || season > 1);
        if enough { spread(&differences(&moves, d, seasonal, season)) } else { 0.0 }
    });
    let most = spreads.iter().copied().fold(0.0, f64::max);
    let unit = spreads.iter().copied().filter(|s| *s > ROUNDING * most).fold(f64::INFINITY, f64::min);
    let level = 0.5 * first / largest / unit;
    if !(largest > 0.0 && unit.is_finite() && level.is_finite()) {
        return values.to_vec();
    }
    let rounded = |v: f64| (v / GRID).round() * GRID;
    let start = rounded(level);
    moves.iter().map(|v| start + rounded(v / unit)).collect()
}

/// The standard deviation.
fn spread(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk() -> Vec<f64> {
        let mut level = 40.0;
        (0..120_u64)
            .map(|t| {
                level += ((t * 7919 + t * t * 104_729) % 1_009) as f64 / 1_009.0 - 0.5;
                level + 3.0 * (t as f64 * std::f64::consts::TAU / 12.0).sin()
            })
            .collect()
    }

    #[test]
    fn a_scaled_copy_is_the_same_to_the_last_bit() {
        let values = walk();
        let expect = canonical(&values, 12);
        for scale in [3.7, 1e-7, 12_345.678, 1e200, 1e-200] {
            let scaled: Vec<f64> = values.iter().map(|v| v * scale).collect();
            assert_eq!(canonical(&scaled, 12), expect, "{scale}");
        }
        let mirrored: Vec<f64> = values.iter().map(|v| v * -2.5).collect();
        assert!(canonical(&mirrored, 12).iter().zip(&expect).all(|(a, b)| *a == -b));
    }

    #[test]
    fn a_shifted_copy_moves_by_the_same_to_the_last_bit() {
        let values = walk();
        let moves = |values: &[f64]| {
            let z = canonical(values, 12);
            z.iter().map(|v| v - z[0]).collect::<Vec<_>>()
        };
        for shift in [100.3, -77.7] {
            let shifted: Vec<f64> = values.iter().map(|v| v + shift).collect();
            assert_eq!(moves(&shifted), moves(&values), "{shift}");
        }
    }

    #[test]
    fn a_flat_series_stays_as_it_is() {
        assert_eq!(canonical(&[5.0; 9], 3), vec![5.0; 9]);
        assert_eq!(canonical(&[5.0], 1), vec![5.0]);
        assert!(canonical(&[1e308, -1e308, 1e308], 1).iter().all(|v| v.is_finite()));
    }
}
