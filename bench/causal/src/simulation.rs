//! Random linear models, from which both sides get the same samples.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What disturbs each variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Normal.
    Gaussian,
    /// Laplace, for models that are identified by not being normal.
    Laplace,
}

impl Noise {
    fn draw(self, random: &mut ChaCha8Rng) -> f64 {
        // Never 0, of which there is no logarithm.
        let uniform = 1.0 - random.random::<f64>();
        match self {
            // Box and Muller (1958).
            Self::Gaussian => (-2.0 * uniform.ln()).sqrt() * (std::f64::consts::TAU * random.random::<f64>()).cos(),
            Self::Laplace => uniform.ln() * if random.random_bool(0.5) { 1.0 } else { -1.0 },
        }
    }
}

/// Rows of a linear acyclic model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rows {
    /// Columns that are observed.
    pub columns: usize,
    /// Further columns, hidden common causes of two to four observed ones.
    pub hidden: usize,
    /// Rows.
    pub rows: usize,
    /// Edges per column times two, on average.
    pub degree: f64,
    /// What disturbs each variable.
    pub noise: Noise,
    /// The source of every random draw.
    pub seed: u64,
}

impl Rows {
    /// The observed columns, in an order that says nothing of causes: `table[column][row]`.
    #[must_use]
    pub fn table(&self) -> Vec<Vec<f64>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let p = self.columns;
        let mut order: Vec<usize> = (0..p).collect();
        order.shuffle(&mut random);
        let share = (self.degree / (p.max(2) - 1) as f64).min(1.0);
        let mut table: Vec<Vec<f64>> = Vec::with_capacity(p);
        let mut causes: Vec<Vec<(usize, f64)>> = vec![Vec::new(); p];
        for (effect, list) in causes.iter_mut().enumerate() {
            for cause in 0..effect {
                if random.random_bool(share) {
                    list.push((cause, weight(&mut random)));
                }
            }
        }
        let mut confounders: Vec<Vec<(usize, f64)>> = vec![Vec::new(); p];
        for hidden in 0..self.hidden {
            for _ in 0..random.random_range(2..=4) {
                let effect = random.random_range(0..p);
                confounders[effect].push((hidden, weight(&mut random)));
            }
        }
        let unseen: Vec<Vec<f64>> = (0..self.hidden).map(|_| column(self.noise, self.rows, &mut random)).collect();
        for effect in 0..p {
            let mut values = column(self.noise, self.rows, &mut random);
            let seen = causes[effect].iter().map(|(c, w)| (&table[*c], *w));
            let others = confounders[effect].iter().map(|(h, w)| (&unseen[*h], *w));
            for (cause, weight) in seen.chain(others) {
                values.iter_mut().zip(cause).for_each(|(v, c)| *v += weight * c);
            }
            table.push(values);
        }
        rounded(order.into_iter().map(|at| std::mem::take(&mut table[at])).collect())
    }
}

/// A vector autoregression with effects within a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Series.
    pub columns: usize,
    /// Moments.
    pub length: usize,
    /// The longest lag of an effect.
    pub lags: usize,
    /// What disturbs each series.
    pub noise: Noise,
    /// The source of every random draw.
    pub seed: u64,
}

/// Moments that pass before the first that is given.
const BURN_IN: usize = 500;

impl Moments {
    /// The series: `table[column][time]`. Stationary: the sizes of the coefficients on a series, over all lags and with what
    /// arrives within the moment, stay below one.
    #[must_use]
    pub fn table(&self) -> Vec<Vec<f64>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let p = self.columns;
        let mut order: Vec<usize> = (0..p).collect();
        order.shuffle(&mut random);
        // (effect, cause, lag, weight); within a moment only from earlier to later in the order.
        let mut effects = Vec::new();
        for effect in 0..p {
            effects.push((effect, effect, 1, random.random_range(0.2..0.5)));
            for _ in 0..2 {
                let (cause, lag) = (random.random_range(0..p), random.random_range(1..=self.lags));
                effects.push((effect, cause, lag, sign(&mut random) * random.random_range(0.1..0.2)));
            }
            if effect > 0 && random.random_bool(0.7) {
                effects.push((effect, random.random_range(0..effect), 0, random.random_range(0.2..0.4)));
            }
        }
        let total = BURN_IN + self.length;
        let mut table = vec![vec![0.0; total]; p];
        for time in self.lags..total {
            for series in &mut table {
                series[time] = self.noise.draw(&mut random);
            }
            for (effect, cause, lag, weight) in &effects {
                table[*effect][time] += weight * table[*cause][time - lag];
            }
        }
        rounded(order.into_iter().map(|at| table[at][BURN_IN..].to_vec()).collect())
    }
}

fn weight(random: &mut ChaCha8Rng) -> f64 {
    sign(random) * random.random_range(0.3..0.9)
}

fn sign(random: &mut ChaCha8Rng) -> f64 {
    if random.random_bool(0.5) { 1.0 } else { -1.0 }
}

fn column(noise: Noise, rows: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    (0..rows).map(|_| noise.draw(random)).collect()
}

/// To six decimals, so that both sides read the very numbers.
fn rounded(mut table: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    table.iter_mut().flatten().for_each(|v| *v = (*v * 1e6).round() / 1e6);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rows_and_another_does_not() {
        let model = Rows { columns: 5, hidden: 2, rows: 50, degree: 3.0, noise: Noise::Gaussian, seed: 1 };
        assert_eq!(model.table(), model.table());
        assert_ne!(model.table(), Rows { seed: 2, ..model }.table());
        assert_eq!((model.table().len(), model.table()[0].len()), (5, 50));
    }

    #[test]
    fn series_stay_bounded() {
        let model = Moments { columns: 10, length: 4_000, lags: 3, noise: Noise::Laplace, seed: 3 };
        let table = model.table();
        assert!(table.iter().flatten().all(|v| v.abs() < 100.0));
    }
}
