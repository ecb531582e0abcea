//! Trend, seasons and remainder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_forecast::decomposition::{Stl, mstl};

fn sum(parts: &[&Vec<f64>]) -> Vec<f64> {
    (0..parts[0].len()).map(|t| parts.iter().map(|p| p[t]).sum()).collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance)
}

#[test]
fn a_line_and_a_season_are_told_apart() {
    // Given a line plus a season of seven whose values sum to zero
    let season = |t: usize| [3.0, -1.0, 4.0, -1.0, -5.0, 2.0, -2.0][t % 7];
    let y: Vec<f64> = (0..150).map(|t| 10.0 + 0.5 * t as f64 + season(t)).collect();
    for stl in [Stl::new(7), Stl::new(7).robust()] {
        // When it is decomposed
        let parts = stl.fit(&y).unwrap();
        // Then the parts add up to the series, and are what it was made of
        assert!(close(&sum(&[&parts.trend, &parts.seasonal, &parts.remainder]), &y, 1e-9));
        let expect: Vec<f64> = (0..150).map(season).collect();
        assert!(close(&parts.seasonal, &expect, 1e-6), "{:?}", &parts.seasonal[..7]);
        assert!(parts.remainder.iter().all(|r| r.abs() < 1e-6));
    }
}

#[test]
fn an_outlier_bends_a_robust_decomposition_less() {
    // Given a noisy periodic series with one outlier
    let noise = |t: usize| ((t * 7_919) % 101) as f64 / 101.0 - 0.5;
    let mut y: Vec<f64> = (0..120).map(|t| (t % 6) as f64 + noise(t)).collect();
    let clean = Stl::new(6).fit(&y).unwrap();
    y[60] += 100.0;
    // When it is decomposed with and without robustness
    let bent = |stl: Stl| {
        let parts = stl.fit(&y).unwrap();
        parts.trend.iter().zip(&clean.trend).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    // Then robustness keeps the trend
    let (plain, robust) = (bent(Stl::new(6)), bent(Stl::new(6).robust()));
    assert!(robust < 0.1 * plain, "{robust} {plain}");
}

#[test]
fn two_seasons_are_found_and_continued() {
    // Given seasons of six and of thirty
    let value = |t: usize| 50.0 + [2.0, -1.0, 0.5, -2.5, 1.5, -0.5][t % 6] + if t % 30 < 15 { 4.0 } else { -4.0 };
    let y: Vec<f64> = (0..300).map(value).collect();
    // When they are taken apart, given in any order, with one that the series is too short for
    let parts = mstl(&y, &[30, 6, 6, 200, 0]).unwrap();
    // Then the parts add up, and the seasons go on as they are
    assert_eq!(parts.periods, [6, 30]);
    assert!(close(&sum(&[&parts.trend, &parts.seasonal[0], &parts.seasonal[1], &parts.remainder]), &y, 1e-9));
    let level = parts.trend[299];
    let ahead: Vec<f64> = parts.continued(40).iter().map(|s| s + level).collect();
    let expect: Vec<f64> = (300..340).map(value).collect();
    assert!(close(&ahead, &expect, 0.3), "{ahead:?} {expect:?}");
}

#[test]
fn too_short_a_series_has_no_decomposition() {
    assert!(Stl::new(7).fit(&[1.0; 13]).is_none());
    assert!(Stl::new(1).fit(&[1.0; 13]).is_none());
    assert!(mstl(&[1.0; 13], &[7]).is_none());
    assert!(mstl(&[], &[2]).is_none());
}
