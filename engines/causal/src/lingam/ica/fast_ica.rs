//! FastICA: all components at once, contrast ln cosh (Hyvärinen 1999, "Fast and robust fixed-point algorithms").

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::table::Table;
use super::eigen;
use crate::vectors::dot;

/// The iteration ends when no component turns by more than this (one minus the cosine).
const TURN_MAX: f64 = 1e-4;

pub(super) struct Unmixed {
    /// Row-major, over the columns in their own units.
    pub(super) unmixing: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

/// Standard normal numbers (Box and Muller 1958).
pub(super) fn drawn_start(size: usize, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || {
        let (u, v): (f64, f64) = (random.random(), random.random());
        (-2.0 * (1.0 - u).ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
    };
    (0..size * size).map(|_| normal()).collect()
}

/// The unmixing matrix of the columns.
pub(super) fn unmix(table: &Table, start: Vec<f64>, max_iterations: usize) -> Unmixed {
    let (size, rows) = (table.columns(), table.rows);
    let whitening = whitening(table);
    let white: Vec<Vec<f64>> = (0..size)
        .map(|i| {
            let mut values = vec![0.0; rows];
            for (k, column) in table.standardised.iter().enumerate() {
                let factor = whitening[i * size + k] * table.deviation[k];
                values.iter_mut().zip(column).for_each(|(v, c)| *v += factor * c);
            }
            values
        })
        .collect();
    let mut rotation = decorrelated(size, &start);
    let (mut iterations, mut converged) = (0, false);
    while iterations < max_iterations && !converged {
        iterations += 1;
        let next = decorrelated(size, &fixed_point(&white, &rotation));
        let turn = (0..size)
            .map(|i| (dot(&next[i * size..][..size], &rotation[i * size..][..size]).abs() - 1.0).abs())
            .fold(0.0, f64::max);
        rotation = next;
        converged = turn < TURN_MAX;
    }
    // The sources have unit variance: the whitened columns do, and the rotation keeps it up to rounding.
    let mut unmixing = product(size, &rotation, &whitening);
    for row in rotation.chunks(size).zip(unmixing.chunks_mut(size)) {
        let length = dot(row.0, row.0).sqrt();
        row.1.iter_mut().for_each(|v| *v /= length);
    }
    Unmixed { unmixing, iterations, converged }
}

/// `D^{−1/2} Uᵀ` of the covariance `U D Uᵀ`, strongest direction first, each with a positive first entry.
fn whitening(table: &Table) -> Vec<f64> {
    let size = table.columns();
    let covariance: Vec<f64> = (0..size * size)
        .map(|k| (k / size, k % size))
        .map(|(i, j)| table.correlation(i, j) * table.deviation[i] * table.deviation[j])
        .collect();
    let (values, vectors) = eigen::symmetric(size, &covariance);
    let mut strongest: Vec<usize> = (0..size).collect();
    strongest.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let mut matrix = Vec::with_capacity(size * size);
    for k in strongest {
        let factor = vectors[k].signum() / values[k].max(f64::MIN_POSITIVE).sqrt();
        matrix.extend((0..size).map(|i| vectors[i * size + k] * factor));
    }
    matrix
}

/// One step: `E[g(w x) x] − E[g′(w x)] w` with `g = tanh`, for each row w.
fn fixed_point(white: &[Vec<f64>], rotation: &[f64]) -> Vec<f64> {
    let (size, rows) = (white.len(), white[0].len());
    let mut next = vec![0.0; size * size];
    let mut source = vec![0.0; rows];
    for i in 0..size {
        source.fill(0.0);
        for (k, values) in white.iter().enumerate() {
            let factor = rotation[i * size + k];
            source.iter_mut().zip(values).for_each(|(s, v)| *s += factor * v);
        }
        source.iter_mut().for_each(|s| *s = s.tanh());
        let slope = 1.0 - dot(&source, &source) / rows as f64;
        for (k, values) in white.iter().enumerate() {
            next[i * size + k] = dot(&source, values) / rows as f64 - slope * rotation[i * size + k];
        }
    }
    next
}

/// `(W Wᵀ)^{−1/2} W`: the nearest orthogonal matrix.
fn decorrelated(size: usize, matrix: &[f64]) -> Vec<f64> {
    let square: Vec<f64> =
        (0..size * size).map(|k| dot(&matrix[k / size * size..][..size], &matrix[k % size * size..][..size])).collect();
    let (values, vectors) = eigen::symmetric(size, &square);
    let root: Vec<f64> = (0..size * size)
        .map(|n| {
            let (i, j) = (n / size, n % size);
            (0..size)
                .map(|k| vectors[i * size + k] * vectors[j * size + k] / values[k].max(f64::MIN_POSITIVE).sqrt())
                .sum()
        })
        .collect();
    product(size, &root, matrix)
}

fn product(size: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    (0..size * size).map(|n| (0..size).map(|k| a[n / size * size + k] * b[k * size + n % size]).sum()).collect()
}
