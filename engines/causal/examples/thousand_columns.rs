//! How long PC takes on 1,000 columns of 10,000 rows, three edges a column: `cargo run -p atsre-causal --example thousand_columns`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use atsre_causal::independence::{Correlation, FisherZ};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pc::{Mode, Settings, run};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const COLUMNS: usize = 1_000;
const ROWS: usize = 10_000;

fn main() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut table: Vec<Vec<f64>> = Vec::new();
    let mut edges = Vec::new();
    for effect in 0..COLUMNS {
        let mut values: Vec<f64> = (0..ROWS).map(|_| (0..6).map(|_| random.random_range(-1.0..1.0)).sum()).collect();
        let causes = if effect == 0 { 0 } else { random.random_range(0..=3.min(effect)) };
        for _ in 0..causes {
            let (cause, weight) = (random.random_range(0..effect), random.random_range(0.3..0.9));
            edges.push((cause, effect));
            values.iter_mut().zip(&table[cause]).for_each(|(v, c)| *v += weight * c);
        }
        table.push(values);
    }
    let started = Instant::now();
    let test = FisherZ::new(Correlation::of_columns(&table), ROWS);
    let prepared = started.elapsed();
    let settings = Settings { alpha: 0.001, max_depth: None, mode: Mode::Default };
    let found = run(&test, &Knowledge::of_time(Window::of_rows(COLUMNS)), &settings);
    let kept = edges.iter().filter(|(a, b)| found.pattern.adjacent(*a, *b)).count();
    println!(
        "{:.2} s for the correlations, {:.2} s in all, {} tests; {kept} of {} edges found",
        prepared.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        found.tests,
        edges.len()
    );
}
