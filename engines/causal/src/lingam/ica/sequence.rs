//! From an unmixing matrix to an order of the columns.

use super::super::LingamError;
use super::assignment;

/// A cost above every one that matters, for a component in which a column has no share at all.
const NO_SHARE: f64 = 1e300;

/// Gives each column the component in which it weighs most (all together, by assignment), scales that weight to one, and looks for
/// the order in which the rest is nearest to a strictly lower triangular matrix: the smallest entries are set to zero one
/// after another until an order exists (Shimizu et al. 2006, algorithm C).
pub(super) fn of_unmixing(size: usize, unmixing: &[f64]) -> Result<Vec<usize>, LingamError> {
    let cost: Vec<f64> = unmixing.iter().map(|w| (1.0 / w.abs()).min(NO_SHARE)).collect();
    let column_of = assignment::cheapest(size, &cost);
    let mut effects = vec![0.0; size * size];
    for (component, column) in column_of.iter().enumerate() {
        let own = unmixing[component * size + column];
        if own == 0.0 {
            return Err(LingamError::NoOrder { component });
        }
        for cause in 0..size {
            let unit = f64::from(u8::from(cause == *column));
            effects[column * size + cause] = unit - unmixing[component * size + cause] / own;
        }
    }
    let mut smallest: Vec<usize> = (0..size * size).collect();
    smallest.sort_by(|a, b| effects[*a].abs().total_cmp(&effects[*b].abs()));
    let (zero, rest) = smallest.split_at(size * (size + 1) / 2);
    zero.iter().for_each(|k| effects[*k] = 0.0);
    for k in rest {
        if let Some(order) = triangular_order(size, &effects) {
            return Ok(order);
        }
        effects[*k] = 0.0;
    }
    triangular_order(size, &effects).ok_or(LingamError::NoOrder { component: 0 })
}

/// Takes out, again and again, the first column that none of the others has an effect on.
fn triangular_order(size: usize, effects: &[f64]) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = (0..size).collect();
    let mut order = Vec::with_capacity(size);
    while !left.is_empty() {
        let free = |effect: usize| left.iter().all(|cause| effects[effect * size + cause] == 0.0);
        let at = left.iter().position(|column| free(*column))?;
        order.push(left.remove(at));
    }
    Some(order)
}
