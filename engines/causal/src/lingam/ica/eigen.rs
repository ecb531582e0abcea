//! Eigenvalues of a symmetric matrix by Jacobi's rotations (Golub and Van Loan 2013, section 8.5).

const SWEEPS_MAX: usize = 60;

/// Eigenvalues and, in the columns of the second matrix (row-major), their eigenvectors; in no particular order.
pub(super) fn symmetric(size: usize, matrix: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; size * size];
    (0..size).for_each(|k| vectors[k * size + k] = 1.0);
    for _ in 0..SWEEPS_MAX {
        let mut rotated = false;
        for p in 0..size {
            for q in p + 1..size {
                let apq = a[p * size + q];
                let (app, aqq) = (a[p * size + p], a[q * size + q]);
                // Too small to change either diagonal entry.
                if apq.abs() <= f64::EPSILON * 1e-3 * (app.abs() * aqq.abs()).sqrt() || apq == 0.0 {
                    continue;
                }
                rotated = true;
                let theta = (aqq - app) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                rotate(size, &mut a, &mut vectors, (p, q), (c, t * c));
            }
        }
        if !rotated {
            break;
        }
    }
    ((0..size).map(|k| a[k * size + k]).collect(), vectors)
}

fn rotate(size: usize, a: &mut [f64], vectors: &mut [f64], (p, q): (usize, usize), (c, s): (f64, f64)) {
    for k in 0..size {
        let (akp, akq) = (a[k * size + p], a[k * size + q]);
        a[k * size + p] = c * akp - s * akq;
        a[k * size + q] = s * akp + c * akq;
    }
    for k in 0..size {
        let (apk, aqk) = (a[p * size + k], a[q * size + k]);
        a[p * size + k] = c * apk - s * aqk;
        a[q * size + k] = s * apk + c * aqk;
        let (vkp, vkq) = (vectors[k * size + p], vectors[k * size + q]);
        vectors[k * size + p] = c * vkp - s * vkq;
        vectors[k * size + q] = s * vkp + c * vkq;
    }
    a[p * size + q] = 0.0;
    a[q * size + p] = 0.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_put_together_again() {
        let matrix = [4.0, 1.0, -2.0, 1.0, 2.0, 0.0, -2.0, 0.0, 3.0];
        let (values, vectors) = symmetric(3, &matrix);
        for i in 0..3 {
            for j in 0..3 {
                let sum: f64 = (0..3).map(|k| vectors[i * 3 + k] * values[k] * vectors[j * 3 + k]).sum();
                assert!((sum - matrix[i * 3 + j]).abs() < 1e-13);
            }
        }
    }
}
