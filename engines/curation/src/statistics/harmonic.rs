//! A test of periodicity against the spectrum's own neighbourhood.
//!
//! A season of period p is a set of spectral lines at the frequencies k/p. For each line the power at the very frequency is
//! compared with the mean power of the bins just beside it, which is an F ratio under the null hypothesis of a locally flat
//! spectrum (Priestley 1981, *Spectral Analysis and Time Series*, §6.1.4); the p-values of the lines are combined by
//! Fisher's method (1925). The background is local, so neither white noise nor a random walk nor a cycle whose phase wanders
//! passes for a season.

use super::distribution::{chi_squared_sf, f_sf};
use super::fourier::power_at;

/// Harmonics looked at, at most.
const HARMONICS_MAX: usize = 24;
/// Bins on either side that make the background, at most.
const NEIGHBOURS_MAX: usize = 4;
/// The smallest p-value of one line that counts, lest one line decide everything.
const SMALLEST: f64 = 1e-30;

/// The p-value of no season of `period` in `x`, which should be free of a trend (differences serve:
/// they change a line and its neighbourhood alike). Harmonics that belong to one of the periods
/// in `known` are left out: the question is then what `period` adds to them. 1 where nothing can be said: fewer than two
/// whole periods, or no harmonic left.
#[must_use]
pub fn no_season_p_value(x: &[f64], period: usize, known: &[usize]) -> f64 {
    if period < 2 {
        return 1.0;
    }
    let cycles = x.len() / period;
    if cycles < 2 {
        return 1.0;
    }
    // With whole cycles only, the lines fall on bins of their own.
    let x = &x[x.len() - cycles * period..];
    let reach = (cycles - 1).min(NEIGHBOURS_MAX);
    let mut p_values: Vec<f64> = (1..=period / 2)
        .filter(|k| known.iter().all(|q| !coincide(*k, period, *q, x.len())))
        .take(HARMONICS_MAX)
        .map(|k| line_p_value(x, k * cycles, reach))
        .collect();
    if p_values.is_empty() {
        return 1.0;
    }
    // A smooth season lives in its first harmonics, a sharp one in many: both questions are asked, at twice the price.
    let all = fisher(&p_values);
    p_values.truncate(3);
    (2.0 * all.min(fisher(&p_values))).min(1.0)
}

/// Whether harmonic `k` of `period` is also one of `known`, as far as `n` observations can tell frequencies apart.
fn coincide(k: usize, period: usize, known: usize, n: usize) -> bool {
    let frequency = k as f64 / period as f64;
    let harmonic = (frequency * known as f64).round();
    harmonic >= 1.0 && (frequency - harmonic / known as f64).abs() < 1.5 / n as f64
}

/// The p-value that the line at `bin` is no higher than the bins beside it.
fn line_p_value(x: &[f64], bin: usize, reach: usize) -> f64 {
    let n = x.len();
    let top = n / 2;
    let neighbours: Vec<f64> = (1..=reach)
        .flat_map(|d| [bin.checked_sub(d), Some(bin + d)])
        .flatten()
        .filter(|b| *b > 0 && *b <= top)
        .map(|b| power_at(x, b))
        .collect();
    let background = neighbours.iter().sum::<f64>() / neighbours.len() as f64;
    let line = power_at(x, bin);
    // At the highest frequency the sine vanishes: one degree of freedom, and twice the mean power.
    let (line, degrees) = if 2 * bin == n { (line / 2.0, 1.0) } else { (line, 2.0) };
    if line <= 0.0 || neighbours.is_empty() {
        return 1.0;
    }
    f_sf(line / background.max(line * 1e-12), degrees, 2.0 * neighbours.len() as f64).max(SMALLEST)
}

fn fisher(p_values: &[f64]) -> f64 {
    let statistic = -2.0 * p_values.iter().map(|p| p.ln()).sum::<f64>();
    chi_squared_sf(statistic, 2.0 * p_values.len() as f64)
}
