//! The innovations state space form (De Livera, Hyndman and Snyder 2011, eq. 7 and §2.2).

use std::f64::consts::TAU;

use crate::linear::Cholesky;

/// What the level does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    None,
    Linear,
    Damped,
}

/// Which parts there are.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) trend: Trend,
    /// Lengths of seasons with their harmonics.
    pub(super) seasons: Vec<(usize, usize)>,
    pub(super) autoregressive: usize,
    pub(super) moving_average: usize,
}

/// The weights of a form.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) phi: f64,
    /// For each season, of the waves and of their quarter-shifted companions.
    pub(super) gamma: Vec<[f64; 2]>,
    pub(super) ar: Vec<f64>,
    pub(super) ma: Vec<f64>,
}

/// The state after an observation.
#[derive(Clone, Debug)]
pub(super) struct State {
    level: f64,
    slope: f64,
    /// Wave and companion, harmonic after harmonic, season after season, with cosine and sine of its step.
    waves: Vec<[f64; 2]>,
    turns: Vec<[f64; 2]>,
    /// The last errors of the smoothing, and the last innovations, the newest first.
    past: Vec<f64>,
    innovations: Vec<f64>,
}

impl Parameters {
    /// Whether the ARMA part is stationary and invertible (orders up to 2).
    pub(super) fn admissible(&self) -> bool {
        let inside = |c: &[f64], sign: f64| match *c {
            [] => true,
            [a] => a.abs() < 0.999,
            [a, b, ..] => (sign * b).abs() < 0.999 && sign * b + a.abs() < 0.999,
        };
        inside(&self.ar, 1.0) && inside(&self.ma, -1.0)
    }
}

impl Form {
    /// Seeds that are estimated.
    pub(super) fn seeds(&self) -> usize {
        1 + usize::from(self.trend != Trend::None) + 2 * self.seasons.iter().map(|(_, k)| k).sum::<usize>()
    }

    /// Where a search starts.
    pub(super) fn start(&self) -> Parameters {
        Parameters {
            alpha: if self.trend == Trend::None { 0.3 } else { 0.2 },
            beta: 0.02,
            phi: if self.trend == Trend::Damped { 0.97 } else { 1.0 },
            gamma: vec![[0.001, 0.001]; self.seasons.len()],
            ar: vec![0.0; self.autoregressive],
            ma: vec![0.0; self.moving_average],
        }
    }

    /// The parameters as a vector, those that the form has.
    pub(super) fn pack(&self, p: &Parameters) -> Vec<f64> {
        let mut vector = vec![p.alpha];
        if self.trend != Trend::None {
            vector.push(p.beta);
        }
        if self.trend == Trend::Damped {
            vector.push(p.phi);
        }
        vector.extend(p.gamma.iter().flatten());
        vector.extend(&p.ar);
        vector.extend(&p.ma);
        vector
    }

    pub(super) fn unpack(&self, vector: &[f64]) -> Parameters {
        let mut rest = vector.iter().copied();
        let mut next = || rest.next().unwrap_or(0.0);
        let alpha = next();
        let beta = if self.trend == Trend::None { 0.0 } else { next() };
        let phi = if self.trend == Trend::Damped { next() } else { 1.0 };
        let gamma = self.seasons.iter().map(|_| [next(), next()]).collect();
        let ar = (0..self.autoregressive).map(|_| next()).collect();
        let ma = (0..self.moving_average).map(|_| next()).collect();
        Parameters { alpha, beta, phi, gamma, ar, ma }
    }

    /// The box that holds them.
    pub(super) fn limits(&self) -> (Vec<f64>, Vec<f64>) {
        let end = |alpha: f64, beta: f64, phi: f64, gamma: f64, arma: f64| {
            self.pack(&Parameters {
                alpha,
                beta,
                phi,
                gamma: vec![[gamma; 2]; self.seasons.len()],
                ar: vec![arma; self.autoregressive],
                ma: vec![arma; self.moving_average],
            })
        };
        (end(0.0, 0.0, 0.8, -0.03, -1.9), end(1.2, 0.4, 0.995, 0.06, 1.9))
    }
}

impl State {
    /// Nothing.
    pub(super) fn zero(form: &Form) -> Self {
        let turn = |(period, k): (usize, usize)| {
            let (sine, cosine) = (TAU * k as f64 / period as f64).sin_cos();
            [cosine, sine]
        };
        let turns: Vec<[f64; 2]> = form.seasons.iter().flat_map(|&(m, n)| (1..=n).map(move |k| turn((m, k)))).collect();
        Self {
            level: 0.0,
            slope: 0.0,
            waves: vec![[0.0; 2]; turns.len()],
            turns,
            past: vec![0.0; form.autoregressive],
            innovations: vec![0.0; form.moving_average],
        }
    }

    /// The seed number `i` becomes `value`: level, slope, waves.
    fn seed(&mut self, form: &Form, i: usize, value: f64) {
        let before = 1 + usize::from(form.trend != Trend::None);
        match i {
            0 => self.level = value,
            1 if before == 2 => self.slope = value,
            i => self.waves[(i - before) / 2][(i - before) % 2] = value,
        }
    }

    /// One step: what is expected, and how far the value is from it (0 without one).
    pub(super) fn step(&mut self, form: &Form, p: &Parameters, value: Option<f64>) -> (f64, f64) {
        let along = p.phi * self.slope;
        let season: f64 = self.waves.iter().map(|w| w[0]).sum();
        let foreseen = dot(&p.ar, &self.past) + dot(&p.ma, &self.innovations);
        let expected = self.level + along + season + foreseen;
        let error = value.map_or(0.0, |v| v - expected);
        let d = foreseen + error;
        self.level += along + p.alpha * d;
        self.slope = along + p.beta * d;
        let mut place = 0;
        for (&(_, count), gamma) in form.seasons.iter().zip(&p.gamma) {
            for (wave, turn) in self.waves[place..place + count].iter_mut().zip(&self.turns[place..place + count]) {
                let [s, c] = *wave;
                *wave = [s * turn[0] + c * turn[1] + gamma[0] * d, c * turn[0] - s * turn[1] + gamma[1] * d];
            }
            place += count;
        }
        shift(&mut self.past, d);
        shift(&mut self.innovations, error);
        (expected, error)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn shift(values: &mut [f64], newest: f64) {
    values.rotate_right(usize::from(!values.is_empty()));
    if let Some(first) = values.first_mut() {
        *first = newest;
    }
}

/// The sum of squared errors from these seeds; none where it is not finite.
pub(super) fn squares(form: &Form, p: &Parameters, seeds: &State, z: &[f64]) -> Option<f64> {
    let mut state = seeds.clone();
    let sum = z.iter().fold(0.0, |sum, v| {
        let (_, error) = state.step(form, p, Some(*v));
        sum + error * error
    });
    sum.is_finite().then_some(sum)
}

/// The seeds of the least squared errors: errors are linear in them (§3.1). None where nothing finite comes of it.
pub(super) fn seeds(form: &Form, p: &Parameters, z: &[f64]) -> Option<State> {
    let count = form.seeds();
    let mut from_zero = State::zero(form);
    let errors: Vec<f64> = z.iter().map(|v| from_zero.step(form, p, Some(*v)).1).collect();
    let columns: Vec<Vec<f64>> = (0..count)
        .map(|i| {
            let mut state = State::zero(form);
            state.seed(form, i, 1.0);
            z.iter().map(|_| -state.step(form, p, Some(0.0)).1).collect()
        })
        .collect();
    let mut gram = vec![0.0; count * count];
    for i in 0..count {
        for j in i..count {
            let product = dot(&columns[i], &columns[j]);
            gram[i * count + j] = product;
            gram[j * count + i] = product;
        }
    }
    let trace: f64 = (0..count).map(|i| gram[i * count + i]).sum();
    // Seeds that the data cannot tell apart stay small.
    (0..count).for_each(|i| gram[i * count + i] += 1e-9 * trace.max(f64::MIN_POSITIVE));
    let right: Vec<f64> = columns.iter().map(|c| dot(c, &errors)).collect();
    let solution = Cholesky::new(gram, count)?.solve(&right);
    let mut seeds = State::zero(form);
    solution.iter().enumerate().for_each(|(i, v)| seeds.seed(form, i, *v));
    solution.iter().all(|v| v.is_finite()).then_some(seeds)
}
