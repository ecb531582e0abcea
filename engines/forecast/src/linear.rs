//! Small dense symmetric systems, row-major, in plain loops whose order of operations never changes.

/// The upper Cholesky factor U of a symmetric positive definite matrix A = UᵀU.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    order: usize,
    upper: Vec<f64>,
}

impl Cholesky {
    /// Factors the `order` × `order` matrix, of which only the upper triangle is read; none where it is not positive
    /// definite.
    pub(crate) fn new(mut matrix: Vec<f64>, order: usize) -> Option<Self> {
        debug_assert_eq!(matrix.len(), order * order);
        for k in 0..order {
            let (head, tail) = matrix.split_at_mut((k + 1) * order);
            let row = &mut head[k * order..];
            let pivot = row[k];
            if !(pivot.is_finite() && pivot > 0.0) {
                return None;
            }
            let root = pivot.sqrt();
            row[k..].iter_mut().for_each(|v| *v /= root);
            for i in k + 1..order {
                let factor = row[i];
                let target = &mut tail[(i - k - 1) * order + i..(i - k) * order];
                subtract_scaled(target, factor, &row[i..]);
            }
        }
        Some(Self { order, upper: matrix })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.upper[i * self.order..(i + 1) * self.order]
    }

    /// The solution x of A x = b.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = self.order;
        let mut x = right.to_vec();
        for k in 0..n {
            let row = self.row(k);
            x[k] /= row[k];
            let value = x[k];
            subtract_scaled(&mut x[k + 1..], value, &row[k + 1..]);
        }
        for k in (0..n).rev() {
            let row = self.row(k);
            let sum: f64 = row[k + 1..].iter().zip(&x[k + 1..]).map(|(u, v)| u * v).sum();
            x[k] = (x[k] - sum) / row[k];
        }
        x
    }

    /// Solves A X = B in place; B is row-major with `columns` columns.
    pub(crate) fn solve_many(&self, right: &mut [f64], columns: usize) {
        let n = self.order;
        debug_assert_eq!(right.len(), n * columns);
        for k in 0..n {
            let row = self.row(k);
            let (done, left) = right.split_at_mut((k + 1) * columns);
            let pivot = &mut done[k * columns..];
            pivot.iter_mut().for_each(|v| *v /= row[k]);
            for (i, target) in left.chunks_exact_mut(columns.max(1)).enumerate() {
                subtract_scaled(target, row[k + 1 + i], pivot);
            }
        }
        for k in (0..n).rev() {
            let row = self.row(k);
            let (head, tail) = right.split_at_mut((k + 1) * columns);
            let target = &mut head[k * columns..];
            for (i, source) in tail.chunks_exact(columns.max(1)).enumerate() {
                subtract_scaled(target, row[k + 1 + i], source);
            }
            target.iter_mut().for_each(|v| *v /= row[k]);
        }
    }

    /// The trace of A⁻¹: the squared Frobenius norm of U⁻ᵀ.
    pub(crate) fn inverse_trace(&self) -> f64 {
        let n = self.order;
        let mut inverse = vec![0.0; n * n];
        let mut trace = 0.0;
        for i in 0..n {
            let (head, tail) = inverse.split_at_mut(i * n);
            let row = &mut tail[..=i];
            row[i] = 1.0;
            for k in 0..i {
                let factor = self.upper[k * n + i];
                if factor != 0.0 {
                    subtract_scaled(&mut row[..=k], factor, &head[k * n..=k * n + k]);
                }
            }
            let pivot = self.upper[i * n + i];
            row.iter_mut().for_each(|v| *v /= pivot);
            trace += row.iter().map(|v| v * v).sum::<f64>();
        }
        trace
    }
}

fn subtract_scaled(target: &mut [f64], factor: f64, source: &[f64]) {
    target.iter_mut().zip(source).for_each(|(t, s)| *t -= factor * s);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // A = [[4, 2, 1], [2, 3, 0], [1, 0, 2]]: determinant 13; inverse by cofactors has the trace (6 + 7 + 8) / 13.
    const MATRIX: [f64; 9] = [4.0, 2.0, 1.0, 2.0, 3.0, 0.0, 1.0, 0.0, 2.0];

    #[test]
    fn a_three_by_three_system_is_solved() {
        let cholesky = Cholesky::new(MATRIX.to_vec(), 3).unwrap();
        let x = cholesky.solve(&[7.0, 5.0, 3.0]);
        for (got, expect) in x.iter().zip([1.0, 1.0, 1.0]) {
            assert!((got - expect).abs() < 1e-14);
        }
        assert!((cholesky.inverse_trace() - 21.0 / 13.0).abs() < 1e-14);
        let mut many = [7.0, 14.0, 5.0, 10.0, 3.0, 6.0];
        cholesky.solve_many(&mut many, 2);
        assert!(many.iter().zip([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        assert!(Cholesky::new(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
    }
}
