#![allow(clippy::unwrap_used)]
use super::*;
use crate::forecaster::Silent;

const GROWTH: Growth = Growth { trees: 200, learning_rate: 0.1, depth: 4, leaf_size: 10 };

/// Evenly spread columns in 0 to 1, and a uniform noise from another multiple of the golden ratio.
fn table(rows: usize, response: impl Fn(f64, f64, f64) -> f64) -> Table {
    let share = |i: usize, ratio: f64| (i as f64 * ratio).fract();
    let cell = |i: usize| [share(i, 0.618_033_988_749_895), share(i, 0.754_877_666_246_693)];
    let cells: Vec<f64> = (0..rows).flat_map(cell).collect();
    let noise = |i: usize| share(i, 0.569_840_290_998_053);
    let values = (0..rows).map(|i| response(cell(i)[0], cell(i)[1], noise(i))).collect();
    Table::new(&cells, 2, values, vec![1.0; rows]).unwrap()
}

fn halves(rows: usize) -> (Vec<usize>, Vec<usize>) {
    (0..rows).partition(|i| i % 5 != 0)
}

#[test]
fn a_step_and_its_interaction_are_learnt() {
    // Given a response that a sum of one-column functions cannot give
    let table = table(2_000, |a, b, _| if (a > 0.5) == (b > 0.3) { 4.0 } else { -1.0 });
    let (index, held) = halves(table.len());
    // When trees grow on four fifths
    let booster = table.grow(Loss::Squares, GROWTH, &index, &held, &Silent).unwrap();
    // Then all four corners are met
    for (row, expect) in [([0.9, 0.9], 4.0), ([0.1, 0.1], 4.0), ([0.9, 0.1], -1.0), ([0.1, 0.9], -1.0)] {
        assert!((booster.predict(&row) - expect).abs() < 0.2, "{row:?} {}", booster.predict(&row));
    }
}

#[test]
fn the_pinball_loss_gives_the_quantile_where_the_spread_depends_on_a_column() {
    // Given noise, uniform in 0 to 1, that is ten times as wide where the first column is large
    let table = table(8_000, |a, _, noise| if a > 0.5 { 10.0 * noise } else { noise });
    let (index, held) = halves(table.len());
    for level in [0.1, 0.5, 0.9] {
        let booster = table.grow(Loss::Pinball(level), GROWTH, &index, &held, &Silent).unwrap();
        // Then the quantile is the level times the width on either side
        for (a, width) in [(0.25, 1.0), (0.75, 10.0)] {
            let got = booster.predict(&[a, 0.5]);
            assert!((got - level * width).abs() < 0.08 * width, "level {level} at {a}: {got}");
        }
    }
}

#[test]
fn noise_stops_growth_early() {
    let noisy = table(1_000, |_, _, noise| noise);
    let clear = table(1_000, |a, _, _| a);
    let (index, held) = halves(1_000);
    let count = |table: &Table| table.grow(Loss::Squares, GROWTH, &index, &held, &Silent).unwrap().len();
    assert!(count(&noisy) < 20 && count(&clear) > 40, "{} {}", count(&noisy), count(&clear));
}

#[test]
fn constant_and_few_rows_have_an_answer() {
    for rows in [1, 2, 5, 40] {
        let table = table(rows, |_, _, _| 7.0);
        let index: Vec<usize> = (0..rows).collect();
        for loss in [Loss::Squares, Loss::Pinball(0.9)] {
            let booster = table.grow(loss, GROWTH, &index, &[], &Silent).unwrap();
            assert!((booster.predict(&[0.5, 0.5]) - 7.0).abs() < 1e-6);
        }
    }
}
