//! Seasons, and their removal.

use crate::linear::Cholesky;

/// Pairs of sine and cosine for a season with too few cycles for a mean of each phase.
const HARMONICS: usize = 3;

/// Cycles over which the mean of a phase is taken: the customary span of a seasonal smoother (Cleveland and others 1990).
const CYCLES: usize = 7;

/// A season to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Season {
    /// The mean of each phase over some cycles.
    Phases(usize),
    /// The first harmonics, for a long season seen few times.
    Harmonics(usize),
}

impl std::fmt::Display for Season {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Phases(period) => {
                write!(f, "the mean of each phase of the season of {period} steps over the nearest {CYCLES} cycles")
            }
            Self::Harmonics(period) => write!(f, "{HARMONICS} harmonics of the season of {period} steps"),
        }
    }
}

/// How to remove seasons of these `periods` from series of `length` steps. A season is taken by phases where it is
/// seen at least 8 times (4 times up to a period of 12), by harmonics from 2 times, else not at all. A season that divides
/// another one taken by phases needs no removal of its own.
pub(crate) fn plan(periods: &[u32], length: usize) -> Vec<Season> {
    let mut periods: Vec<usize> = periods.iter().map(|p| *p as usize).filter(|p| *p > 1).collect();
    periods.sort_unstable_by(|a, b| b.cmp(a));
    periods.dedup();
    let mut seasons: Vec<Season> = Vec::new();
    for period in periods {
        let cycles = length / period;
        let covered = seasons.iter().any(|s| matches!(s, Season::Phases(longer) if longer % period == 0));
        if cycles >= 8 || (cycles >= 4 && period <= 12) {
            if !covered {
                seasons.push(Season::Phases(period));
            }
        } else if cycles >= 2 {
            seasons.push(Season::Harmonics(period));
        }
    }
    seasons
}

/// Removes the seasons from one series, in two sweeps because they are not quite orthogonal. The mean goes too.
pub(crate) fn remove(values: &mut [f64], seasons: &[Season]) {
    for _ in 0..if seasons.len() > 1 { 2 } else { 1 } {
        for season in seasons {
            match season {
                Season::Phases(period) if values.len() >= 2 * period => remove_phases(values, *period),
                Season::Harmonics(period) if values.len() >= 2 * period => remove_harmonics(values, *period),
                Season::Phases(_) | Season::Harmonics(_) => {}
            }
        }
    }
}

/// Subtracts from each value the mean of its phase over the nearest [`CYCLES`] cycles, so that a season whose shape drifts
/// goes too.
fn remove_phases(values: &mut [f64], period: usize) {
    let before = values.to_vec();
    for phase in 0..period {
        let cycle: Vec<f64> = before.iter().skip(phase).step_by(period).copied().collect();
        let window = CYCLES.min(cycle.len());
        for k in 0..cycle.len() {
            let first = k.saturating_sub(window / 2).min(cycle.len() - window);
            let near = cycle[first..first + window].iter().filter(|v| !v.is_nan());
            let (sum, count) = near.fold((0.0, 0.0_f64), |(s, n), v| (s + v, n + 1.0));
            values[phase + k * period] -= sum / count.max(1.0);
        }
    }
}

fn remove_harmonics(values: &mut [f64], period: usize) {
    const TERMS: usize = 2 * HARMONICS + 1;
    let terms = |t: usize| {
        let mut row = [1.0; TERMS];
        for h in 1..=HARMONICS {
            let angle = 2.0 * std::f64::consts::PI * (h * (t % period)) as f64 / period as f64;
            (row[2 * h - 1], row[2 * h]) = angle.sin_cos();
        }
        row
    };
    let (mut normal, mut right) = ([[0.0; TERMS]; TERMS], [0.0; TERMS]);
    for (t, value) in values.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
        let row = terms(t);
        for i in 0..TERMS {
            right[i] += row[i] * value;
            for j in 0..=i {
                normal[i][j] += row[i] * row[j];
            }
        }
    }
    let Some(factor) = Cholesky::new(TERMS, |i, j| normal[i][j]) else { return };
    let weights = factor.solve(&right);
    for (t, value) in values.iter_mut().enumerate() {
        *value -= terms(t).iter().zip(&weights).map(|(a, b)| a * b).sum::<f64>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seasons_are_taken_by_what_the_length_allows() {
        assert_eq!(plan(&[24, 168, 8_766], 17_544), [Season::Harmonics(8_766), Season::Phases(168)]);
        assert_eq!(plan(&[12], 60), [Season::Phases(12)]);
        assert_eq!(plan(&[12], 30), [Season::Harmonics(12)]);
        assert!(plan(&[12, 1], 20).is_empty());
    }

    #[test]
    fn what_is_left_has_no_season() {
        let noise = |t: usize| (t * 7_919 % 31) as f64 / 31.0;
        let wave = |t: usize| (2.0 * std::f64::consts::PI * t as f64 / 100.0).sin() * 5.0;
        let mut values: Vec<f64> = (0..300).map(|t| [3.0, -1.0, 8.0, 0.0][t % 4] + wave(t) + noise(t)).collect();
        values[17] = f64::NAN;
        remove(&mut values, &[Season::Harmonics(100), Season::Phases(4)]);
        assert!(values[17].is_nan());
        let spread = values.iter().filter(|v| !v.is_nan()).fold(0.0_f64, |m, v| m.max(v.abs()));
        assert!(spread < 0.8, "{spread}");
    }
}
