//! Horizons past what the network forecasts at once.

use super::{Chronos2, Row};
use crate::error::Error;
use crate::quantiles;
use crate::zero_shot::Steps;

/// The quantiles whose paths go on.
const PATHS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

impl Chronos2 {
    /// The steps after each row of these groups. Past the native horizon every one of nine quantiles' paths goes on in
    /// a copy of its group; of all their quantiles, each with the probability that it stands for, the quantiles are
    /// taken again.
    pub(super) fn horizon(
        &self,
        groups: &mut [Vec<Row>],
        horizon: usize,
        batch: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Vec<Steps>>, Error> {
        let views: Vec<&[Row]> = groups.iter().map(Vec::as_slice).collect();
        let mut forecasts = self.block(&views, self.patches(horizon), check)?;
        for (group, forecasts) in groups.iter().zip(&mut forecasts) {
            let mut paths: Vec<Vec<Row>> = Vec::new();
            let mut block = forecasts.clone();
            while forecasts.first().is_some_and(|steps| steps.len() < horizon) {
                if paths.is_empty() {
                    paths = vec![group.clone(); PATHS.len()];
                }
                for (level, path) in PATHS.iter().zip(&mut paths) {
                    for (row, steps) in path.iter_mut().zip(&block) {
                        let on = steps.iter().map(|step| quantiles::at(&self.configuration.levels, step, *level));
                        row.go_on(on, self.configuration.context);
                    }
                }
                let done = forecasts.first().map_or(0, Vec::len);
                block = self.reduced(&paths, self.patches(horizon - done), batch, check)?;
                forecasts.iter_mut().zip(&block).for_each(|(steps, block)| steps.extend(block.iter().cloned()));
            }
            forecasts.iter_mut().for_each(|steps| steps.truncate(horizon));
        }
        Ok(forecasts)
    }

    /// Patches for so many steps, as far as they come at once.
    fn patches(&self, steps: usize) -> usize {
        steps.div_ceil(self.configuration.output_patch).clamp(1, self.configuration.output_patches)
    }

    /// The next block of every row of a group, from that of each of its paths.
    fn reduced(
        &self,
        paths: &[Vec<Row>],
        patches: usize,
        batch: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Steps>, Error> {
        let levels = &self.configuration.levels;
        let size = paths.first().map_or(1, Vec::len).max(1);
        let mut blocks = Vec::with_capacity(paths.len());
        for chunk in paths.chunks((batch / size).max(1)) {
            let views: Vec<&[Row]> = chunk.iter().map(Vec::as_slice).collect();
            blocks.extend(self.block(&views, patches, check)?);
        }
        let masses = masses(levels);
        let weights: Vec<f64> = masses_of_paths(&masses);
        let row = |row: usize| -> Steps {
            (0..patches * self.configuration.output_patch)
                .map(|step| {
                    let values = blocks.iter().flat_map(|path| path[row][step].iter().copied());
                    let mut samples: Vec<(f64, f64)> = values.zip(weights.iter().copied()).collect();
                    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
                    weighted(&samples, levels)
                })
                .collect()
        };
        Ok((0..size).map(row).collect())
    }
}

/// The probability that each level stands for: half the distance between its neighbours, of all such.
fn masses(levels: &[f64]) -> Vec<f64> {
    let at = |i: usize| i.checked_sub(1).map_or(0.0, |i| levels.get(i).copied().unwrap_or(1.0));
    let masses: Vec<f64> = (0..levels.len()).map(|i| 0.5 * (at(i + 2) - at(i))).collect();
    let total: f64 = masses.iter().sum();
    masses.iter().map(|m| m / total).collect()
}

/// The probability of each quantile of each path, path by path.
fn masses_of_paths(levels: &[f64]) -> Vec<f64> {
    masses(&PATHS).iter().flat_map(|path| levels.iter().map(move |level| path * level)).collect()
}

/// The quantiles of ascending values with probabilities: straight between the values at the cumulated probabilities, the
/// least value below the first.
fn weighted(samples: &[(f64, f64)], levels: &[f64]) -> Vec<f64> {
    let mut cumulated = 0.0;
    let places: Vec<f64> = samples
        .iter()
        .map(|(_, weight)| {
            cumulated += weight;
            cumulated
        })
        .collect();
    let last = samples.len() - 1;
    levels
        .iter()
        .map(|level| {
            let upper = places.partition_point(|p| p <= level).min(last);
            let Some(lower) = upper.checked_sub(1) else {
                return samples[0].0;
            };
            let share = (level - places[lower]) / (places[upper] - places[lower]);
            samples[lower].0 + share.clamp(0.0, 1.0) * (samples[upper].0 - samples[lower].0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_stands_for_half_the_way_to_its_neighbours() {
        let found = masses(&[0.1, 0.5, 0.9]);
        let right = [0.25 / 0.9, 0.4 / 0.9, 0.25 / 0.9];
        assert!(found.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn weighted_quantiles_lie_between_the_cumulated_weights() {
        let samples = [(1.0, 0.25), (2.0, 0.25), (4.0, 0.5)];
        let found = weighted(&samples, &[0.1, 0.25, 0.5, 0.75, 0.99]);
        let right = [1.0, 1.0, 2.0, 3.0, 3.96];
        assert!(found.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }
}
