//! What [`super::sensitivity`] does to whole vectors of derivatives, in the vector unit's own words: left to itself,
//! the compiler goes across the vectors.

use pulp::Simd;

use super::filter::{ADDITIVE, MULTIPLICATIVE, NONE};

/// Columns are worked on in blocks of this many, which every vector unit in use divides.
pub(super) const LANES: usize = 4;
/// Rows are gathered before they enter the normal equations.
pub(super) const ROWS: usize = 4;

pub(super) type Block = [f64; LANES];

/// The derivatives of the states, and where those of an observation's residual go.
pub(super) struct Derivatives<'a> {
    pub(super) level: &'a mut [Block],
    pub(super) growth: &'a mut [Block],
    pub(super) base: &'a mut [Block],
    /// Of the phase.
    pub(super) season: &'a mut [Block],
    pub(super) row: &'a mut [Block],
    pub(super) drift: &'a mut [f64],
}

/// One observation.
pub(super) struct Observation {
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) gamma: f64,
    /// d(growth^φ) by growth.
    pub(super) by_growth: f64,
    pub(super) ratio: f64,
    pub(super) level: f64,
    pub(super) over_level: f64,
    pub(super) base: f64,
    pub(super) over_base: f64,
    pub(super) season: f64,
    pub(super) over_season: f64,
    pub(super) error: f64,
    pub(super) shock: f64,
    pub(super) over_forecast: f64,
    pub(super) to_residual: f64,
}

fn vectors<V: Simd>(blocks: &mut [Block]) -> &mut [V::f64s] {
    V::as_mut_simd_f64s(blocks.as_flattened_mut()).0
}

impl Derivatives<'_> {
    /// Those of level and growth, one step on without an error.
    #[inline(always)]
    pub(super) fn carry<const T: u8, V: Simd>(&mut self, v: V, by: &Observation) {
        let (growth, ratio, level) = (v.splat_f64s(by.by_growth), v.splat_f64s(by.ratio), v.splat_f64s(by.level));
        let states = vectors::<V>(self.level).iter().zip(vectors::<V>(self.growth).iter());
        for (q, (l, b)) in vectors::<V>(self.base).iter_mut().zip(states) {
            *q = match T {
                NONE => *l,
                ADDITIVE => v.add_f64s(*l, v.mul_f64s(growth, *b)),
                _ => v.add_f64s(v.mul_f64s(*l, ratio), v.mul_f64s(v.mul_f64s(level, growth), *b)),
            };
        }
    }

    /// Those of all states after the error, of the residual, and of the forecast's logarithm.
    #[inline(always)]
    pub(super) fn correct<const T: u8, const S: u8, const RELATIVE: bool, V: Simd>(&mut self, v: V, by: &Observation) {
        let all = |value: f64| v.splat_f64s(value);
        let (alpha, beta, gamma, growth) = (all(by.alpha), all(by.beta), all(by.gamma), all(by.by_growth));
        let (base, season, shock, error) = (all(by.base), all(by.season), all(by.shock), all(by.error));
        let (over_base, over_season, over_level) = (all(by.over_base), all(by.over_season), all(by.over_level));
        let (to_residual, over_forecast) = (all(by.to_residual), all(by.over_forecast));
        let states = vectors::<V>(self.level).iter_mut().zip(vectors::<V>(self.growth));
        let states = states.zip(vectors::<V>(self.season).iter_mut().zip(vectors::<V>(self.base).iter()));
        let sums = vectors::<V>(self.row).iter_mut().zip(V::as_mut_simd_f64s(self.drift).0);
        for (((l, b), (s, q)), (row, drift)) in states.zip(sums) {
            // The forecast's derivative is −e.
            let minus_e = match S {
                NONE => *q,
                ADDITIVE => v.add_f64s(*q, *s),
                _ => v.add_f64s(v.mul_f64s(*q, season), v.mul_f64s(*s, base)),
            };
            let minus_u = if S == MULTIPLICATIVE {
                v.mul_f64s(v.add_f64s(minus_e, v.mul_f64s(shock, *s)), over_season)
            } else {
                minus_e
            };
            match T {
                NONE => {}
                ADDITIVE => *b = v.sub_f64s(v.mul_f64s(growth, *b), v.mul_f64s(beta, minus_u)),
                _ => {
                    let turn = v.add_f64s(minus_u, v.mul_f64s(v.mul_f64s(shock, over_level), *l));
                    *b = v.sub_f64s(v.mul_f64s(growth, *b), v.mul_f64s(v.mul_f64s(beta, over_level), turn));
                }
            }
            *l = v.sub_f64s(*q, v.mul_f64s(alpha, minus_u));
            match S {
                NONE => {}
                ADDITIVE => *s = v.sub_f64s(*s, v.mul_f64s(gamma, minus_e)),
                _ => {
                    let turn = v.add_f64s(minus_e, v.mul_f64s(v.mul_f64s(error, over_base), *q));
                    *s = v.sub_f64s(*s, v.mul_f64s(v.mul_f64s(gamma, over_base), turn));
                }
            }
            *row = v.neg_f64s(v.mul_f64s(minus_e, to_residual));
            if RELATIVE {
                *drift = v.add_f64s(*drift, v.mul_f64s(minus_e, over_forecast));
            }
        }
    }
}

/// Adds to a row of JᵀJ, or to Jᵀr, from a block on, so many rows of J, each times its factor.
#[inline(always)]
pub(super) fn add_rows<V: Simd>(v: V, target: &mut [f64], rows: [&[Block]; ROWS], factors: [f64; ROWS], from: usize) {
    let (w, x) = (v.splat_f64s(factors[0]), v.splat_f64s(factors[1]));
    let (y, z) = (v.splat_f64s(factors[2]), v.splat_f64s(factors[3]));
    let row = |k: usize| V::as_simd_f64s(rows[k][from..].as_flattened()).0;
    let targets = V::as_mut_simd_f64s(&mut target[from * LANES..]).0;
    for ((target, (a, b)), (c, d)) in targets.iter_mut().zip(row(0).iter().zip(row(1))).zip(row(2).iter().zip(row(3))) {
        let left = v.add_f64s(v.mul_f64s(w, *a), v.mul_f64s(x, *b));
        let right = v.add_f64s(v.mul_f64s(y, *c), v.mul_f64s(z, *d));
        *target = v.add_f64s(*target, v.add_f64s(left, right));
    }
}
