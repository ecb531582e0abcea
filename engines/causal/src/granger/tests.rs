#![allow(clippy::unwrap_used)]

use super::*;

/// Pseudo-random numbers between −1 and 1.
fn noise(seed: u64, length: usize) -> Vec<f64> {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1u64 << 30) as f64 - 1.0
        })
        .collect()
}

#[test]
fn a_common_cause_deceives_the_pairwise_test_and_not_the_conditional_one() {
    // given: z drives x after one step and y after two
    let (z, e, u) = (noise(1, 600), noise(2, 600), noise(3, 600));
    let x: Vec<f64> = (0..600).map(|t| if t < 1 { e[t] } else { z[t - 1] + 0.1 * e[t] }).collect();
    let y: Vec<f64> = (0..600).map(|t| if t < 2 { u[t] } else { z[t - 2] + 0.5 * u[t] }).collect();
    let columns = [x, y, z];
    // when
    let find = |tests: &[GrangerTest]| tests.iter().find(|t| (t.cause, t.effect, t.lag) == (0, 1, 2)).copied().unwrap();
    let (alone, given) = (find(&pairwise(&columns, 2, true).unwrap()), find(&conditional(&columns, 2, true).unwrap()));
    // then
    assert!(alone.f.1 < 1e-10 && given.f.1 > 0.01, "{} {}", alone.f.1, given.f.1);
}

#[test]
fn scaling_and_shifting_change_nothing() {
    let columns = [noise(4, 200), noise(5, 200)];
    let moved: Vec<Vec<f64>> = columns.iter().map(|c| c.iter().map(|v| 1e6 + 1e3 * v).collect()).collect();
    let (a, b) = (pairwise(&columns, 3, true).unwrap(), pairwise(&moved, 3, true).unwrap());
    assert!(a.iter().zip(&b).all(|(a, b)| (a.f.0 - b.f.0).abs() < 1e-6 * (1.0 + a.f.0)));
}

#[test]
fn hostile_columns_are_errors() {
    let good = noise(6, 50);
    assert!(matches!(pairwise(&[good.clone(), vec![2.0; 50]], 1, true), Err(GrangerError::Constant { column: 1 })));
    let mut gap = good.clone();
    gap[7] = f64::NAN;
    assert!(matches!(pairwise(&[good.clone(), gap], 1, true), Err(GrangerError::NotFinite { column: 1, row: 7 })));
    assert!(matches!(pairwise(&[good.clone(), good.clone()], 1, true), Err(GrangerError::Collinear { .. })));
    assert!(matches!(
        pairwise(&[good[..3].to_vec(), good[..3].to_vec()], 1, true),
        Err(GrangerError::TooFewRows { .. })
    ));
    assert!(matches!(pairwise(&[good.clone(), good], 0, true), Err(GrangerError::NoLag)));
    assert!(pairwise(&[], 1, true).is_err());
    let huge: Vec<Vec<f64>> = [7, 8].iter().map(|s| noise(*s, 50).iter().map(|v| v * 1e300).collect()).collect();
    assert!(pairwise(&huge, 2, true).unwrap().iter().all(|t| t.f.0.is_finite() && t.f.1.is_finite()));
}
