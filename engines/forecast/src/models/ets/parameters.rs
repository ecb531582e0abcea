//! What is estimated: smoothing weights and initial states, their layout in one vector, and their bounds.

use super::admissible::admissible;
use super::form::{Component, Form};

/// Where smoothing weights may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// 0 < α < 1, and the growth may turn by a fifth a season at most: 0 < β ≤ 0.2 / m, 0 < γ ≤ 1 − 0.2 / m, admissible
    /// too. Where statsforecast searches; it extrapolates more soundly than the usual region.
    Cautious,
    /// Weighted averages: 0 < β < α < 1, 0 < γ < 1 − α (Hyndman and others 2008, §2.5), and admissible too.
    Usual,
    /// All weights with which distant observations are forgotten (ibid., §10.1).
    Admissible,
}

/// The smallest weight, and the distance of the largest from its limit.
const MARGIN: f64 = 1e-4;
/// The largest β over a season under cautious bounds.
const CAUTION: f64 = 0.2;
/// A damping parameter below the first leaves almost no trend; above the second it is hardly damped.
const DAMPING: (f64, f64) = (0.8, 0.98);

/// Smoothing weights and states of one form.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// The level's weight α.
    pub alpha: f64,
    /// The growth's weight β; 0 without a trend.
    pub beta: f64,
    /// The season's weight γ; 0 without a season.
    pub gamma: f64,
    /// The damping φ; 1 where undamped.
    pub phi: f64,
    /// The level before the first observation.
    pub level: f64,
    /// The growth before the first observation, 1 for a multiplicative trend that does not grow.
    pub growth: f64,
    /// The seasonal states of the first observations, one for each phase; empty without a season.
    pub seasonal: Vec<f64>,
}

/// Where each parameter of a form lies in a vector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) form: Form,
    pub(super) m: usize,
    pub(super) bounds: Bounds,
    pub(super) beta: Option<usize>,
    pub(super) phi: Option<usize>,
    pub(super) gamma: Option<usize>,
    pub(super) level: usize,
    pub(super) growth: Option<usize>,
    /// The first of m − 1 seasonal states; the last follows from their sum.
    pub(super) seasonal: Option<usize>,
    pub(super) count: usize,
}

impl Layout {
    pub(super) fn new(form: Form, m: usize, bounds: Bounds) -> Self {
        let mut next = 1;
        let mut place = |wanted: bool, size: usize| {
            let at = next;
            next += if wanted { size } else { 0 };
            wanted.then_some(at)
        };
        let (trend, season) = (form.trend != Component::None, form.season != Component::None);
        let beta = place(trend, 1);
        let phi = place(form.damped, 1);
        let gamma = place(season, 1);
        let level = place(true, 1).unwrap_or(0);
        let growth = place(trend, 1);
        let seasonal = place(season, m - 1);
        Self { form, m, bounds, beta, phi, gamma, level, growth, seasonal, count: next }
    }

    /// What the seasonal states sum to.
    pub(super) fn seasonal_sum(&self) -> f64 {
        if self.form.season == Component::Multiplicative { self.m as f64 } else { 0.0 }
    }

    /// The vector's limits. Under usual bounds β and γ are shares of what α leaves them.
    pub(super) fn limits(&self) -> (Vec<f64>, Vec<f64>) {
        let mut low = vec![f64::NEG_INFINITY; self.count];
        let mut high = vec![f64::INFINITY; self.count];
        let weights = [Some(0), self.beta, self.gamma];
        for i in weights.into_iter().flatten() {
            let cautious = MARGIN + CAUTION * (1.0 - 2.0 * MARGIN) / self.m as f64;
            (low[i], high[i]) = match self.bounds {
                Bounds::Usual | Bounds::Cautious if i == 0 => (MARGIN, 1.0 - MARGIN),
                Bounds::Cautious if Some(i) == self.beta => (MARGIN, cautious),
                Bounds::Cautious => (MARGIN, 1.0 - cautious),
                Bounds::Usual => (0.0, 1.0),
                Bounds::Admissible => (-2.0, 4.0),
            };
        }
        if let Some(i) = self.phi {
            (low[i], high[i]) = DAMPING;
        }
        (low, high)
    }

    /// The largest β and γ for this α under usual bounds, less the smallest weight.
    fn room(alpha: f64) -> (f64, f64) {
        ((alpha - MARGIN).max(0.0), (1.0 - alpha - MARGIN).max(0.0))
    }

    /// Writes the vector into parameters of the right shape.
    pub(super) fn unpack(&self, vector: &[f64], out: &mut Parameters) {
        out.alpha = vector[0];
        let (beta_room, gamma_room) = Self::room(out.alpha);
        let weight = |i: Option<usize>, room: f64| match (i, self.bounds) {
            (None, _) => 0.0,
            (Some(i), Bounds::Usual) => MARGIN + vector[i] * room,
            (Some(i), _) => vector[i],
        };
        out.beta = weight(self.beta, beta_room);
        out.gamma = weight(self.gamma, gamma_room);
        out.phi = self.phi.map_or(1.0, |i| vector[i]);
        out.level = vector[self.level];
        out.growth = self.growth.map_or(0.0, |i| vector[i]);
        if let Some(first) = self.seasonal {
            let free = &vector[first..first + self.m - 1];
            out.seasonal[..self.m - 1].copy_from_slice(free);
            out.seasonal[self.m - 1] = self.seasonal_sum() - free.iter().sum::<f64>();
        }
    }

    /// The vector of parameters of this or a simpler form; what they lack is taken from `otherwise`.
    pub(super) fn pack(&self, from: &Parameters) -> Vec<f64> {
        let mut vector = vec![0.0; self.count];
        let alpha = from.alpha.clamp(MARGIN, 1.0 - MARGIN);
        vector[0] = alpha;
        let (beta_room, gamma_room) = Self::room(alpha);
        let share = |weight: f64, room: f64| match self.bounds {
            Bounds::Usual if room > 0.0 => ((weight - MARGIN) / room).clamp(0.0, 1.0),
            Bounds::Usual => 0.0,
            _ => weight,
        };
        if let Some(i) = self.beta {
            vector[i] = share(from.beta, beta_room);
        }
        if let Some(i) = self.gamma {
            vector[i] = share(from.gamma, gamma_room);
        }
        if let Some(i) = self.phi {
            vector[i] = from.phi.clamp(DAMPING.0, DAMPING.1);
        }
        vector[self.level] = from.level;
        if let Some(i) = self.growth {
            vector[i] = from.growth;
        }
        if let Some(first) = self.seasonal {
            let shift = (from.seasonal.iter().sum::<f64>() - self.seasonal_sum()) / self.m as f64;
            for (slot, value) in vector[first..].iter_mut().zip(&from.seasonal) {
                *slot = value - shift;
            }
        }
        let (low, high) = self.limits();
        vector.iter_mut().zip(low.iter().zip(&high)).for_each(|(v, (l, h))| *v = v.clamp(*l, *h));
        vector
    }

    /// Turns first derivatives by α, β, γ into those by the vector's entries: `column(to, from, factor)` adds a
    /// multiple of one column to another, `scale(column, factor)` multiplies one.
    pub(super) fn chain(&self, vector: &[f64], jacobian: &mut impl Columns) {
        if self.bounds != Bounds::Usual {
            return;
        }
        let alpha = vector[0];
        let (beta_room, gamma_room) = Self::room(alpha);
        if let Some(i) = self.beta {
            jacobian.add(0, i, vector[i]);
            jacobian.scale(i, beta_room);
        }
        if let Some(i) = self.gamma {
            jacobian.add(0, i, -vector[i]);
            jacobian.scale(i, gamma_room);
        }
    }

    /// Whether the weights may be used.
    pub(super) fn allows(&self, p: &Parameters) -> bool {
        let seasonal = self.form.season != Component::None;
        match self.bounds {
            Bounds::Usual | Bounds::Cautious if !seasonal => true,
            _ => admissible(p, if seasonal { self.m } else { 1 }),
        }
    }
}

/// Columns of a Jacobian, or what is made of them.
pub(super) trait Columns {
    /// Adds `factor` times column `from` to column `to`.
    fn add(&mut self, to: usize, from: usize, factor: f64);
    /// Multiplies a column.
    fn scale(&mut self, column: usize, factor: f64);
}
