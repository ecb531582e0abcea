//! First derivatives of the errors by all parameters, carried along the recursion, and the normal equations of the
//! least squares problem that maximum likelihood is.
//!
//! With relative errors the criterion log Σε² + 2/n Σ log f is that of the residuals ε g, g the geometric mean of the
//! forecasts, so Gauss–Newton steps serve both kinds of error.

use pulp::{Simd, WithSimd};

use super::blocks::{Block, Derivatives, LANES, Observation, ROWS, add_rows};
use super::filter::{ADDITIVE, MULTIPLICATIVE, NONE, State, TINY, damped_ratio, dispatch};
use super::form::{Error, Form};
use super::parameters::{Columns, Layout, Parameters};
use super::plain::{self, Room};
use crate::models::vectors;

/// The normal equations JᵀJ δ = −Jᵀr of the residuals, and the space to find them in.
#[derive(Clone, Debug)]
pub(super) struct NormalEquations {
    count: usize,
    blocks: usize,
    /// JᵀJ by rows; only the upper triangle until it is finished.
    pub(super) matrix: Vec<f64>,
    /// Jᵀr.
    pub(super) gradient: Vec<f64>,
    /// Σ ∂f / f, for relative errors.
    drift: Vec<f64>,
    level: Vec<Block>,
    growth: Vec<Block>,
    base: Vec<Block>,
    seasonal: Vec<Block>,
    rows: Vec<Block>,
    residuals: [f64; ROWS],
    pending: usize,
}

impl NormalEquations {
    pub(super) fn new(layout: &Layout) -> Self {
        let blocks = layout.count.div_ceil(LANES);
        let width = blocks * LANES;
        let phases = if layout.seasonal.is_some() { layout.m } else { 0 };
        let zeros = |n: usize| vec![[0.0; LANES]; n * blocks];
        Self {
            count: layout.count,
            blocks,
            matrix: vec![0.0; width * width],
            gradient: vec![0.0; width],
            drift: vec![0.0; width],
            level: zeros(1),
            growth: zeros(1),
            base: zeros(1),
            // One that nobody reads where there is no season.
            seasonal: zeros(phases.max(1)),
            rows: zeros(ROWS),
            residuals: [0.0; ROWS],
            pending: 0,
        }
    }

    fn width(&self) -> usize {
        self.blocks * LANES
    }

    fn clear(&mut self, layout: &Layout) {
        for list in [&mut self.matrix, &mut self.gradient, &mut self.drift] {
            list.fill(0.0);
        }
        for list in [&mut self.level, &mut self.growth, &mut self.base, &mut self.seasonal, &mut self.rows] {
            list.fill([0.0; LANES]);
        }
        self.pending = 0;
        *entry(&mut self.level, layout.level) = 1.0;
        if let Some(i) = layout.growth {
            *entry(&mut self.growth, i) = 1.0;
        }
        if let Some(first) = layout.seasonal {
            for phase in 0..layout.m - 1 {
                *entry(&mut self.seasonal[phase * self.blocks..], first + phase) = 1.0;
                *entry(&mut self.seasonal[(layout.m - 1) * self.blocks..], first + phase) = -1.0;
            }
        }
    }

    /// The normal equations for the entries of `vector`. The parameters are those that `vector` stands for; none where
    /// the form breaks down.
    pub(super) fn assemble(
        &mut self,
        layout: &Layout,
        y: &[f64],
        vector: &[f64],
        p: &Parameters,
        state: &mut State,
    ) -> Option<()> {
        let squares = if plain::suits(layout.form) {
            vectors::run(Plain { work: self, form: layout.form, y, p })?
        } else {
            self.clear(layout);
            state.restart(p);
            vectors::run(Carry { work: self, layout, y, p, state })?
        };
        let (width, n) = (self.width(), y.len() as f64);
        for i in 0..self.count {
            for j in 0..i {
                self.matrix[i * width + j] = self.matrix[j * width + i];
            }
        }
        if layout.form.error == Error::Multiplicative {
            self.scale_by_forecasts(squares, n);
        }
        layout.chain(vector, self);
        let finite = self.matrix.iter().chain(&self.gradient).all(|v| v.is_finite());
        (finite && squares.is_finite()).then_some(())
    }

    /// From the residuals ε to those of ε g, over g²: each row gains ε h, h the mean of ∂f / f.
    fn scale_by_forecasts(&mut self, squares: f64, n: f64) {
        let width = self.width();
        self.drift.iter_mut().for_each(|d| *d /= n);
        for i in 0..self.count {
            for j in 0..self.count {
                self.matrix[i * width + j] += self.gradient[i] * self.drift[j]
                    + self.drift[i] * self.gradient[j]
                    + squares * self.drift[i] * self.drift[j];
            }
        }
        for (g, d) in self.gradient.iter_mut().zip(&self.drift) {
            *g += squares * d;
        }
    }

    /// The matrix entry of two parameters.
    pub(super) fn at(&self, i: usize, j: usize) -> f64 {
        self.matrix[i * self.width() + j]
    }

    /// Adds the gathered rows to the normal equations.
    #[inline(always)]
    fn flush<V: Simd>(&mut self, v: V) {
        let (blocks, width) = (self.blocks, self.blocks * LANES);
        for k in self.pending..ROWS {
            self.rows[k * blocks..(k + 1) * blocks].fill([0.0; LANES]);
            self.residuals[k] = 0.0;
        }
        self.pending = 0;
        let (first, rest) = self.rows.split_at(blocks);
        let (second, rest) = rest.split_at(blocks);
        let (third, fourth) = rest.split_at(blocks);
        let r = self.residuals;
        let rows = [first, second, third, fourth];
        add_rows(v, &mut self.gradient, rows, r, 0);
        for (i, target) in self.matrix.chunks_exact_mut(width).take(self.count).enumerate() {
            let (block, lane) = (i / LANES, i % LANES);
            let own = [first[block][lane], second[block][lane], third[block][lane], fourth[block][lane]];
            // Only from the diagonal on.
            add_rows(v, target, rows, own, block);
        }
    }
}

impl Columns for NormalEquations {
    fn add(&mut self, to: usize, from: usize, factor: f64) {
        let (width, count) = (self.width(), self.count);
        for j in 0..count {
            self.matrix[to * width + j] += factor * self.matrix[from * width + j];
        }
        for i in 0..count {
            self.matrix[i * width + to] += factor * self.matrix[i * width + from];
        }
        self.gradient[to] += factor * self.gradient[from];
    }

    fn scale(&mut self, column: usize, factor: f64) {
        let (width, count) = (self.width(), self.count);
        for j in 0..count {
            self.matrix[column * width + j] *= factor;
            self.matrix[j * width + column] *= factor;
        }
        self.gradient[column] *= factor;
    }
}

fn entry(blocks: &mut [Block], i: usize) -> &mut f64 {
    &mut blocks[i / LANES][i % LANES]
}

/// The recursion for the vector unit.
struct Carry<'a> {
    work: &'a mut NormalEquations,
    layout: &'a Layout,
    y: &'a [f64],
    p: &'a Parameters,
    state: &'a mut State,
}

impl WithSimd for Carry<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<V: Simd>(self, v: V) -> Option<f64> {
        let Self { work, layout, y, p, state } = self;
        let squares = match layout.form.error {
            Error::Additive => dispatch!(layout.form, additive, (v, work, layout, y, p, state))?,
            Error::Multiplicative => dispatch!(layout.form, relative, (v, work, layout, y, p, state))?,
        };
        work.flush(v);
        Some(squares)
    }
}

/// The recursion of a plain form for the vector unit.
struct Plain<'a> {
    work: &'a mut NormalEquations,
    form: Form,
    y: &'a [f64],
    p: &'a Parameters,
}

impl WithSimd for Plain<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<f64> {
        let NormalEquations { matrix, gradient, drift, .. } = self.work;
        plain::assemble(&mut Room { matrix, gradient, drift }, self.form, self.y, self.p)
    }
}

#[inline(always)]
fn additive<const T: u8, const S: u8>(
    v: impl Simd,
    work: &mut NormalEquations,
    layout: &Layout,
    y: &[f64],
    p: &Parameters,
    state: &mut State,
) -> Option<f64> {
    carry::<_, T, S, false>(v, work, layout, y, p, state)
}

#[inline(always)]
fn relative<const T: u8, const S: u8>(
    v: impl Simd,
    work: &mut NormalEquations,
    layout: &Layout,
    y: &[f64],
    p: &Parameters,
    state: &mut State,
) -> Option<f64> {
    carry::<_, T, S, true>(v, work, layout, y, p, state)
}

/// The recursion of [`super::filter::run`] with the derivatives of each state beside it. Returns the sum of squares.
#[inline(always)]
fn carry<V: Simd, const T: u8, const S: u8, const RELATIVE: bool>(
    v: V,
    work: &mut NormalEquations,
    layout: &Layout,
    y: &[f64],
    p: &Parameters,
    state: &mut State,
) -> Option<f64> {
    let (alpha, beta, gamma, phi) = (p.alpha, p.beta, p.gamma, p.phi);
    let (mut level, mut growth, mut phase) = (state.level, state.growth, 0);
    let mut squares = 0.0;
    let blocks = work.blocks;
    for &value in y {
        let ratio = if T == MULTIPLICATIVE { damped_ratio(growth, phi) } else { 1.0 };
        let base = match T {
            NONE => level,
            ADDITIVE => level + phi * growth,
            _ => level * ratio,
        };
        let season = match S {
            NONE => 0.0,
            _ => state.seasonal[phase],
        };
        let forecast = match S {
            NONE => base,
            ADDITIVE => base + season,
            _ => base * season,
        };
        if (S == MULTIPLICATIVE && !(season > TINY && base > TINY))
            || (T == MULTIPLICATIVE && !(growth > TINY && level > TINY))
            || (RELATIVE && !(forecast > TINY && forecast < 1.0 / TINY))
        {
            return None;
        }
        let error = value - forecast;
        let over_season = if S == MULTIPLICATIVE { 1.0 / season } else { 1.0 };
        let over_base = if S == MULTIPLICATIVE { 1.0 / base } else { 1.0 };
        let shock = error * over_season;
        // d(growth^φ) by growth, and by φ.
        let by_growth = if T == MULTIPLICATIVE { phi * ratio / growth } else { phi };
        let by_damping = if T == MULTIPLICATIVE { ratio * growth.ln() } else { growth };
        let over_level = if T == MULTIPLICATIVE { 1.0 / level } else { 1.0 };
        let over_forecast = if RELATIVE { 1.0 / forecast } else { 1.0 };
        let to_residual = if RELATIVE { value * over_forecast * over_forecast } else { 1.0 };
        let seen = Observation {
            alpha,
            beta,
            gamma,
            by_growth,
            ratio,
            level,
            over_level,
            base,
            over_base,
            season,
            over_season,
            error,
            shock,
            over_forecast,
            to_residual,
        };
        let mut derivatives = Derivatives {
            level: &mut work.level,
            growth: &mut work.growth,
            base: &mut work.base,
            season: &mut work.seasonal[phase * blocks..(phase + 1) * blocks],
            row: &mut work.rows[work.pending * blocks..(work.pending + 1) * blocks],
            drift: &mut work.drift,
        };
        derivatives.carry::<T, V>(v, &seen);
        if T != NONE
            && let Some(i) = layout.phi
        {
            *entry(derivatives.base, i) += if T == MULTIPLICATIVE { level * by_damping } else { by_damping };
        }
        derivatives.correct::<T, S, RELATIVE, V>(v, &seen);
        *entry(&mut work.level, 0) += shock;
        if T != NONE {
            if let Some(i) = layout.beta {
                *entry(&mut work.growth, i) += shock * over_level;
            }
            if let Some(i) = layout.phi {
                *entry(&mut work.growth, i) += by_damping;
            }
        }
        if S != NONE
            && let Some(i) = layout.gamma
        {
            *entry(&mut work.seasonal[phase * blocks..], i) += error * over_base;
        }

        let residual = error * over_forecast;
        squares += residual * residual;
        work.residuals[work.pending] = residual;
        work.pending += 1;
        if work.pending == ROWS {
            work.flush(v);
        }

        match T {
            NONE => {}
            ADDITIVE => growth = phi * growth + beta * shock,
            _ => growth = ratio + beta * shock * over_level,
        }
        level = base + alpha * shock;
        if S != NONE {
            state.seasonal[phase] = season + gamma * error * over_base;
            phase += 1;
            if phase == layout.m {
                phase = 0;
            }
        }
    }
    (state.level, state.growth, state.phase) = (level, growth, phase);
    (level.is_finite() && growth.is_finite()).then_some(squares)
}
