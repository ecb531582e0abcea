//! The recursion of complex exponential smoothing, forwards and backwards in time.

use super::Season;
use crate::models::theta::season::{Decomposition, indices};

/// The smoothing parameters: α0 + i α1 of the level, β0 + i β1 of the season.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// The real part of the level's parameter.
    pub alpha: (f64, f64),
    /// The real and the imaginary part of the season's; β1 is unused in the partial form.
    pub beta: (f64, f64),
}

/// A complex state: what is seen, and what informs it.
pub(super) type Complex = (f64, f64);

/// The states of a form.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct States {
    /// The level; one for each phase in the simple seasonal form.
    level: Vec<Complex>,
    /// One for each phase; empty without a season of its own.
    seasonal: Vec<Complex>,
}

impl States {
    /// Where the recursion begins before it is run back and forth.
    pub(super) fn start(y: &[f64], m: usize, season: Season) -> Self {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let complex = |v: f64| (v, v / SHARE);
        match season {
            Season::None => Self { level: vec![complex(mean(&y[..y.len().min(m.max(10))]))], seasonal: Vec::new() },
            Season::Simple => Self { level: y[..m].iter().map(|v| complex(*v)).collect(), seasonal: Vec::new() },
            Season::Partial | Season::Full => Self {
                level: vec![complex(mean(&y[..m]))],
                seasonal: indices(y, m, Decomposition::Additive).into_iter().map(complex).collect(),
            },
        }
    }

    /// The levels and the seasonal states.
    pub(super) fn parts(&self) -> (&[Complex], &[Complex]) {
        (&self.level, &self.seasonal)
    }

    /// The states of nothing, of the same shape.
    fn zero(&self) -> Self {
        Self { level: vec![(0.0, 0.0); self.level.len()], seasonal: vec![(0.0, 0.0); self.seasonal.len()] }
    }

    /// The forecasts after `n` observations, the first of which is missed by `shock`.
    fn continued(&mut self, n: usize, horizon: usize, season: Season, w: &Weights, shock: f64) -> Vec<f64> {
        let mut out = Vec::with_capacity(horizon);
        for h in 0..horizon {
            let error = if h == 0 { shock } else { 0.0 };
            out.push(self.step(n + h, season, w, |_| error));
        }
        out
    }

    /// The forecasts after `n` observations.
    pub(super) fn forecast(mut self, n: usize, horizon: usize, season: Season, w: &Weights) -> Vec<f64> {
        self.continued(n, horizon, season, w, 0.0)
    }

    /// What a unit error of the first step adds to each later one.
    pub(super) fn echoes(&self, horizon: usize, season: Season, w: &Weights) -> Vec<f64> {
        self.zero().continued(0, horizon, season, w, 1.0)
    }

    /// One step at time `t`: the forecast; `error` says by how much it is missed.
    #[inline(always)]
    fn step(&mut self, t: usize, season: Season, w: &Weights, error: impl FnOnce(f64) -> f64) -> f64 {
        let phase = |m: usize| if m > 1 { t % m } else { 0 };
        let at = phase(self.level.len());
        let seasonal = phase(self.seasonal.len());
        self.advance(at, seasonal, season, w, error)
    }

    #[inline(always)]
    fn advance(&mut self, at: usize, phase: usize, season: Season, w: &Weights, error: impl FnOnce(f64) -> f64) -> f64 {
        let level = self.level[at];
        let state = match season {
            Season::None | Season::Simple => (0.0, 0.0),
            Season::Partial | Season::Full => self.seasonal[phase],
        };
        let forecast = level.0 + state.0;
        let e = error(forecast);
        self.level[at] = turn(level, w.alpha, e);
        match season {
            Season::None | Season::Simple => {}
            Season::Partial => self.seasonal[phase].0 = state.0 + w.beta.0 * e,
            Season::Full => self.seasonal[phase] = turn(state, w.beta, e),
        }
        forecast
    }

    /// Runs over all observations, forwards or backwards; returns the sum of squared errors.
    pub(super) fn run(&mut self, y: &[f64], season: Season, w: &Weights, backwards: bool) -> f64 {
        match season {
            Season::None => self.pass::<0>(y, w, backwards),
            Season::Simple => self.pass::<1>(y, w, backwards),
            Season::Partial => self.pass::<2>(y, w, backwards),
            Season::Full => self.pass::<3>(y, w, backwards),
        }
    }

    fn pass<const FORM: u8>(&mut self, y: &[f64], w: &Weights, backwards: bool) -> f64 {
        let season = match FORM {
            0 => Season::None,
            1 => Season::Simple,
            2 => Season::Partial,
            _ => Season::Full,
        };
        let m = self.level.len().max(self.seasonal.len());
        let mut squares = 0.0;
        let mut see = |states: &mut Self, value: f64, phase: usize| {
            let at = if FORM == 1 { phase } else { 0 };
            states.advance(at, phase, season, w, |forecast| {
                let e = value - forecast;
                squares += e * e;
                e
            });
        };
        if backwards {
            let mut phase = y.len() % m;
            for value in y.iter().rev() {
                phase = if phase == 0 { m - 1 } else { phase - 1 };
                see(self, *value, phase);
            }
        } else {
            let mut phase = 0;
            for value in y {
                see(self, *value, phase);
                phase = if phase + 1 == m { 0 } else { phase + 1 };
            }
        }
        squares
    }

    /// Runs back and forth from where it is, to the states before the first observation. At either end the states move
    /// on by one step without an error, from the last observation to the one that the other direction sees first.
    pub(super) fn cast_back(&mut self, y: &[f64], season: Season, w: &Weights) {
        self.run(y, season, w, false);
        self.settle(season, w);
        self.run(y, season, w, true);
        self.settle(season, w);
    }

    fn settle(&mut self, season: Season, w: &Weights) {
        self.level.iter_mut().for_each(|level| *level = turn(*level, w.alpha, 0.0));
        if season == Season::Full {
            self.seasonal.iter_mut().for_each(|state| *state = turn(*state, w.beta, 0.0));
        }
    }

    /// One-step forecasts inside the history.
    pub(super) fn fitted(&mut self, y: &[f64], season: Season, w: &Weights) -> Vec<f64> {
        y.iter().enumerate().map(|(t, value)| self.step(t, season, w, |f| value - f)).collect()
    }
}

/// The informing part begins as this part of the visible one.
const SHARE: f64 = 1.1;

/// The complex state after an error (Svetunkov, Kourentzes and Ord 2022, eq. 7).
#[inline(always)]
fn turn((seen, inner): Complex, (real, imaginary): (f64, f64), e: f64) -> Complex {
    (seen - (1.0 - imaginary) * inner + (real - imaginary) * e, seen + (1.0 - real) * inner + (real + imaginary) * e)
}
