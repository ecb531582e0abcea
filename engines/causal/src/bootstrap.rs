//! How often an edge comes back when the data are drawn again (Efron 1979; in blocks, Carlstein 1986).

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::knowledge::Window;
use crate::pattern::Pattern;

/// How many times each of `units` rows or blocks is drawn in one replicate. Replicate `number` has its own stream of
/// the generator, so that the order in which replicates run has no influence.
#[must_use]
pub fn draw(units: usize, seed: u64, number: u64) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    let mut times = vec![0; units];
    for _ in 0..units {
        times[random.random_range(0..units)] += 1;
    }
    times
}

/// For each pair of the window (its representative, in the order of [`Window::pairs`]) that is adjacent in `pattern`: the
/// share of `replicates` graphs in which it is adjacent with the same marks.
#[must_use]
pub fn confidence(
    pattern: &Pattern,
    window: Window,
    replicates: u32,
    replicate: impl Fn(u64) -> Pattern + Sync,
) -> Vec<((usize, usize), f64)> {
    let pairs: Vec<(usize, usize)> = window.pairs().filter(|(i, j)| pattern.adjacent(*i, *j)).collect();
    let hits: Vec<Vec<bool>> = (0..u64::from(replicates))
        .into_par_iter()
        .map(|number| {
            let drawn = replicate(number);
            let same = |i: usize, j: usize| {
                drawn.mark_at(i, j) == pattern.mark_at(i, j) && drawn.mark_at(j, i) == pattern.mark_at(j, i)
            };
            pairs.iter().map(|(i, j)| same(*i, *j)).collect()
        })
        .collect();
    let share = |k: usize| hits.iter().filter(|h| h[k]).count() as f64 / f64::from(replicates.max(1));
    pairs.iter().enumerate().map(|(k, pair)| (*pair, share(k))).collect()
}
