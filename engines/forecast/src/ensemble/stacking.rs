//! Weights that make the members' weighted sum of squared errors least (Wolpert 1992; non-negative as Breiman 1996 found
//! necessary).

/// Relative size below which a gradient or a weight is rounding.
const ROUNDING: f64 = 1e-10;

/// Minimises ‖A w − b‖² over w ≥ 0 by the active set method of Lawson and Hanson (1974, algorithm NNLS), from the normal
/// equations: `gram` is AᵀA, row by row, `right` is Aᵀb. Collinear columns share nothing: the one found first keeps the
/// weight.
pub(super) fn non_negative_least_squares(gram: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let n = right.len();
    let mut weights = vec![0.0; n];
    let mut free: Vec<usize> = Vec::new();
    let size = right.iter().fold(0.0_f64, |s, r| s.max(r.abs()));
    let mut refused = vec![false; n];
    // Each round frees a member; Lawson and Hanson saw about n of them and recommend a cap of 3 n.
    for _ in 0..3 * n {
        let gradient = |j: usize| right[j] - (0..n).map(|k| gram[j][k] * weights[k]).sum::<f64>();
        let best = (0..n)
            .filter(|j| !free.contains(j) && !refused[*j])
            .map(|j| (j, gradient(j)))
            .filter(|(_, g)| *g > ROUNDING * size)
            .fold(
                None,
                |best: Option<(usize, f64)>, (j, g)| if best.is_none_or(|b| g > b.1) { Some((j, g)) } else { best },
            );
        let Some((added, _)) = best else { break };
        free.push(added);
        loop {
            let Some(solution) = solve(gram, right, &free) else {
                free.retain(|j| *j != added);
                refused[added] = true;
                break;
            };
            if solution.iter().all(|w| *w > 0.0) {
                weights.fill(0.0);
                free.iter().zip(&solution).for_each(|(j, w)| weights[*j] = *w);
                break;
            }
            // As far towards the solution as every weight stays non-negative; the first to reach zero is bound again.
            let step = free
                .iter()
                .zip(&solution)
                .filter(|(_, w)| **w <= 0.0)
                .map(|(j, w)| weights[*j] / (weights[*j] - w).max(f64::MIN_POSITIVE))
                .fold(1.0_f64, f64::min);
            free.iter().zip(&solution).for_each(|(j, w)| weights[*j] += step * (w - weights[*j]));
            let largest = weights.iter().copied().fold(0.0_f64, f64::max);
            let before = free.len();
            free.retain(|j| weights[*j] > ROUNDING * largest);
            (0..n).filter(|j| !free.contains(j)).for_each(|j| weights[j] = 0.0);
            if free.is_empty() || free.len() == before {
                break;
            }
        }
    }
    weights
}

/// The least squares weights of the free members; none where they are collinear.
fn solve(gram: &[Vec<f64>], right: &[f64], free: &[usize]) -> Option<Vec<f64>> {
    let n = free.len();
    let mut matrix: Vec<f64> = free.iter().flat_map(|i| free.iter().map(|j| gram[*i][*j])).collect();
    let scale: Vec<f64> = free.iter().map(|i| gram[*i][*i].sqrt()).collect();
    if scale.iter().any(|s| !(*s > 0.0 && s.is_finite())) {
        return None;
    }
    // Unit diagonal, so that what counts as collinear does not depend on units.
    (0..n * n).for_each(|k| matrix[k] /= scale[k / n] * scale[k % n]);
    (0..n).for_each(|i| matrix[i * n + i] += ROUNDING);
    let cholesky = crate::linear::Cholesky::new(matrix, n)?;
    let scaled: Vec<f64> = free.iter().zip(&scale).map(|(i, s)| right[*i] / s).collect();
    let solution: Vec<f64> = cholesky.solve(&scaled).iter().zip(&scale).map(|(w, s)| w / s).collect();
    solution.iter().all(|w| w.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interior_minimum_is_the_ordinary_least_squares_solution() {
        // given A = [[1, 0], [1, 1], [0, 1]] and b = A (0.3, 0.7)
        let gram = vec![vec![2.0, 1.0], vec![1.0, 2.0]];
        let weights = non_negative_least_squares(&gram, &[1.3, 1.7]);
        // then those weights come back
        assert!((weights[0] - 0.3).abs() < 1e-8 && (weights[1] - 0.7).abs() < 1e-8, "{weights:?}");
    }

    #[test]
    fn a_weight_that_would_be_negative_is_zero_and_the_others_meet_the_conditions() {
        // given a system whose unconstrained solution has a negative part
        let gram = vec![vec![3.0, 2.0, 1.0], vec![2.0, 4.0, 2.5], vec![1.0, 2.5, 5.0]];
        let right = [5.0, 1.0, 4.0];
        // when it is solved
        let weights = non_negative_least_squares(&gram, &right);
        // then Karush, Kuhn and Tucker are satisfied: no gradient where there is weight, none that would add where not
        assert!(weights.contains(&0.0), "{weights:?}");
        for j in 0..3 {
            let gradient = right[j] - (0..3).map(|k| gram[j][k] * weights[k]).sum::<f64>();
            assert!(if weights[j] > 0.0 { gradient.abs() < 1e-8 } else { gradient <= 1e-8 }, "{j}: {gradient}");
        }
    }

    #[test]
    fn equal_and_empty_columns_do_not_break_it() {
        let gram = vec![vec![2.0, 2.0, 0.0], vec![2.0, 2.0, 0.0], vec![0.0, 0.0, 0.0]];
        let weights = non_negative_least_squares(&gram, &[2.0, 2.0, 0.0]);
        assert!((weights[0] + weights[1] - 1.0).abs() < 1e-6 && weights[2] == 0.0, "{weights:?}");
        assert_eq!(non_negative_least_squares(&[], &[]), Vec::<f64>::new());
    }
}
