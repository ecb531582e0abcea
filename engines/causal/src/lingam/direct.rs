//! DirectLiNGAM.

use super::prior::{Prior, Rules};
use super::table::Table;
use super::{Lingam, LingamError, order, weights};

/// Rows asked for beyond the number of columns: enough for the noise variance of the fullest regression.
pub(super) const ROWS_BEYOND: usize = 2;

/// The linear non-Gaussian acyclic model of columns (`columns[column][row]`), by DirectLiNGAM with the pairwise measure
/// (Shimizu et al. 2011; Hyvärinen and Smith 2013). Weights come from an adaptive lasso with the Bayesian information
/// criterion (Zou 2006), then ordinary least squares.
///
/// Cost: at most `columns³/3` comparisons of `rows` values each; mostly about a fifth of them, since a candidate is given up
/// as soon as another cannot be worse.
///
/// # Errors
/// [`LingamError`]: columns that are ragged, not finite, constant, collinear or too short; knowledge that contradicts itself.
pub fn direct(columns: &[Vec<f64>], prior: &Prior) -> Result<Lingam, LingamError> {
    let rules = Rules::compile(prior, columns.len())?;
    let table = Table::new(columns, ROWS_BEYOND)?;
    let order = order::search(&table, &rules);
    weights::estimate(&table, order, &rules)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// 0 → 1 → 3, 0 → 2 → 3 with uniform disturbances.
    fn columns() -> Vec<Vec<f64>> {
        let mut state = 3_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1 << 30) - 1.0
        };
        let mut columns = vec![Vec::new(); 4];
        for _ in 0..1500 {
            let a = noise();
            let (b, c) = (0.8 * a + noise(), -0.7 * a + noise());
            let d = 0.6 * b + 0.9 * c + noise();
            [a, b, c, d].iter().zip(&mut columns).for_each(|(v, column)| column.push(*v));
        }
        columns
    }

    #[test]
    fn the_true_model_is_found_whatever_the_units_and_the_order_of_the_columns() {
        // given: the columns in another order, in other units and shifted
        let (places, units) = ([2, 0, 3, 1], [1e-3, 5.0, 1e6, 40.0]);
        let columns = columns();
        let moved: Vec<Vec<f64>> =
            places.iter().zip(units).map(|(p, u)| columns[*p].iter().map(|v| 7.0 + v * u).collect()).collect();
        // when
        let model = direct(&columns, &Prior::Nothing).unwrap();
        let again = direct(&moved, &Prior::Nothing).unwrap();
        // then
        for (cause, effect, weight) in [(0, 1, 0.8), (0, 2, -0.7), (1, 3, 0.6), (2, 3, 0.9), (1, 2, 0.0), (0, 3, 0.0)] {
            assert!((model.weights[effect][cause] - weight).abs() < 0.1, "{cause} {effect} {:?}", model.weights);
            let at = |column: usize| places.iter().position(|p| *p == column).unwrap();
            let rescaled = again.weights[at(effect)][at(cause)] * units[at(cause)] / units[at(effect)];
            assert!((rescaled - model.weights[effect][cause]).abs() < 1e-9, "{cause} {effect}");
        }
    }
}
