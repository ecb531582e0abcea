//! The search ends as low as one without derivatives, on real series.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{HIGH, LOW, Season, States, sensitivity::Sensitivity, weights};
use crate::agreement::Group;
use crate::models::ces::Fit;
use crate::models::simplex::Search;

/// Minus twice the log-likelihood that a simplex finds from the same starts, up to what does not depend on the parameters.
fn by_simplex(y: &[f64], m: usize, season: Season) -> f64 {
    let start = States::start(y, m, season);
    let k = season.starts()[0].len();
    let objective = |x: &[f64]| {
        let (mut states, w) = (start.clone(), weights(x));
        states.cast_back(y, season, &w);
        let squares = states.run(y, season, &w, false);
        if squares.is_finite() { y.len() as f64 * squares.ln() } else { f64::INFINITY }
    };
    let search = Search { low: &LOW[..k], high: &HIGH[..k], tolerance: 1e-4, evaluations: 300 };
    let found = season.starts().iter().map(|start| search.minimise(start, 0.05, objective));
    let (best, _) = found.reduce(|a, b| if b.1 < a.1 { b } else { a }).unwrap();
    search.minimise(&best, 0.05, objective).1
}

#[test]
fn the_search_ends_as_low_as_a_simplex_from_the_same_starts() {
    // Given real series with and without a season
    let groups = [
        include_str!("../../../tests/reference/m3_yearly.json"),
        include_str!("../../../tests/reference/m3_quarterly.json"),
        include_str!("../../../tests/reference/m3_monthly.json"),
        include_str!("../../../tests/reference/nn5_daily.json"),
        include_str!("../../../tests/reference/m4_hourly.json"),
    ];
    let (mut lower, mut total, mut largest) = (0, 0, (f64::MIN, String::new()));
    for text in groups {
        let group: Group = serde_json::from_str(text).unwrap();
        for (id, split) in &group.series {
            let size = split.train.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let y: Vec<f64> = split.train.iter().map(|v| v / size).collect();
            let seasonal = group.m > 1 && y.len() >= 2 * group.m;
            for season in Season::ALL.into_iter().filter(|s| seasonal || *s == Season::None) {
                // When both searches fit it
                let here = y.len() as f64 * Fit::best(&y, group.m, &[season]).unwrap().squares.ln();
                let worse = here - by_simplex(&y, group.m, season);
                total += 1;
                lower += usize::from(worse < 0.01);
                if worse > largest.0 {
                    largest = (worse, format!("{} {id} {season:?}", group.group));
                }
            }
        }
    }
    // Then the one with derivatives is as low, but for a few that end in another valley
    assert!(lower * 20 >= total * 19, "{lower} of {total}; largest {largest:?}");
}

#[test]
fn hostile_values_have_finite_sums_or_none() {
    for y in [vec![0.0; 8], vec![1.0; 8], vec![1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], vec![1.0, 1e-300, 0.0, 1.0]]
    {
        for season in [Season::None, Season::Simple, Season::Full] {
            let start = States::start(&y, 2, season);
            let found = Sensitivity::<4>::new().squares(&y, &start, season, &weights(&[1.3, 1.0, 1.3, 1.0]));
            assert!(found.sum.is_finite(), "{season:?} {y:?}");
            let fit = Fit::best(&y, 2, &[season]).unwrap();
            assert!(fit.mean(5).iter().all(|v| v.is_finite()), "{season:?} {y:?}");
        }
    }
}
