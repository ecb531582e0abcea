//! The little linear algebra that this crate needs: symmetric positive definite systems, factored by Cholesky.

/// A pivot below this share of its diagonal means that the variable is a linear function of those before it.
const SINGULAR: f64 = 1e-11;

/// The lower Cholesky factor of the leading `size × size` part of a symmetric matrix.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    size: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors the matrix whose entries `entry` gives. `None` where it is not numerically positive definite.
    pub(crate) fn new(size: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Self> {
        let mut lower = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let dot: f64 = (0..column).map(|k| lower[row * size + k] * lower[column * size + k]).sum();
                let rest = entry(row, column) - dot;
                if row == column {
                    if rest.is_nan() || rest <= SINGULAR * entry(row, row).abs() {
                        return None;
                    }
                    lower[row * size + row] = rest.sqrt();
                } else {
                    lower[row * size + column] = rest / lower[column * size + column];
                }
            }
        }
        Some(Self { size, lower })
    }

    /// Solves `L w = right`.
    pub(crate) fn forward(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = right.to_vec();
        for row in 0..self.size {
            let dot: f64 = (0..row).map(|k| self.lower[row * self.size + k] * solution[k]).sum();
            solution[row] = (solution[row] - dot) / self.lower[row * self.size + row];
        }
        solution
    }

    /// Solves `L Lᵀ b = right`.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = self.forward(right);
        for row in (0..self.size).rev() {
            let dot: f64 = (row + 1..self.size).map(|k| self.lower[k * self.size + row] * solution[k]).sum();
            solution[row] = (solution[row] - dot) / self.lower[row * self.size + row];
        }
        solution
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let matrix = [[4.0, 2.0, 0.4], [2.0, 5.0, 1.0], [0.4, 1.0, 3.0]];
        let wanted = [1.0, -2.0, 0.5];
        let right: Vec<f64> = matrix.iter().map(|row| row.iter().zip(wanted).map(|(a, b)| a * b).sum()).collect();
        let solved = Cholesky::new(3, |i, j| matrix[i][j]).unwrap().solve(&right);
        for (got, want) in solved.iter().zip(wanted) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
    }

    #[test]
    fn a_singular_matrix_is_refused() {
        assert!(Cholesky::new(2, |_, _| 1.0).is_none());
        assert!(Cholesky::new(1, |_, _| f64::NAN).is_none());
    }
}
