//! The search for the parameters: least squares by Levenberg and Marquardt (Marquardt 1963) inside the box, with exact
//! derivatives, the damping by how well the quadratic model foretold the fall (Nielsen 1999).

use super::sensitivity::{MOST, Squares};

/// Evaluations from one start, at most.
const EVALUATIONS: usize = 60;
/// The damping to begin with, and where the search gives up.
const FIRST_DAMPING: f64 = 1e-2;
const LARGEST_DAMPING: f64 = 1e8;
const SMALLEST_DAMPING: f64 = 1e-12;

/// A point of the box with what the search knows there.
type Point = [f64; MOST];

/// A descent from one start, which may be left and taken up again.
#[derive(Clone, Debug)]
pub(super) struct Descent {
    /// The best point so far.
    pub(super) x: Point,
    /// The sum of squares there.
    pub(super) sum: f64,
    /// Whether it has come to its end.
    pub(super) ended: bool,
    here: Squares,
    parameters: usize,
    evaluations: usize,
    damping: f64,
    /// What the damping is multiplied by at the next failure.
    growth: f64,
}

impl Descent {
    /// Begins at a point of the box; none where the sum of squares is not finite there.
    pub(super) fn begin(start: &[f64], squares: &mut impl FnMut(&[f64]) -> Squares) -> Option<Self> {
        let parameters = start.len();
        let mut x = [0.0; MOST];
        x[..parameters].copy_from_slice(start);
        let here = squares(start);
        let sum = here.sum;
        let new =
            Self { x, sum, ended: sum <= 0.0, here, parameters, evaluations: 1, damping: FIRST_DAMPING, growth: 4.0 };
        finite(&here, parameters).then_some(new)
    }

    /// Goes on for up to `evaluations` more. The descent ends once the logarithm of the sum falls by less than `tolerance`.
    pub(super) fn go_on(
        &mut self,
        (low, high): (&[f64], &[f64]),
        tolerance: f64,
        evaluations: usize,
        squares: &mut impl FnMut(&[f64]) -> Squares,
    ) {
        let most = (self.evaluations + evaluations).min(EVALUATIONS);
        while !self.ended && self.evaluations < most {
            let Some((next, fall)) = self.step(low, high) else {
                self.damp();
                continue;
            };
            // A strongly damped step gains little however far the end is.
            if next == self.x || fall <= tolerance * self.here.sum && self.damping <= 1.0 {
                self.ended = true;
                break;
            }
            let there = squares(&next[..self.parameters]);
            self.evaluations += 1;
            if finite(&there, self.parameters) && there.sum < self.here.sum {
                let gain = self.here.sum - there.sum;
                let quality = gain / fall;
                self.ended = gain <= tolerance * there.sum && self.damping <= 1.0 || there.sum <= 0.0;
                (self.x, self.here, self.sum) = (next, there, there.sum);
                let shrink = (1.0 - (2.0 * quality - 1.0).powi(3)).max(0.2);
                self.damping = (self.damping * shrink.min(2.0)).max(SMALLEST_DAMPING);
                self.growth = 4.0;
            } else {
                self.damp();
            }
        }
        self.ended |= self.evaluations >= EVALUATIONS;
    }

    fn damp(&mut self) {
        self.damping *= self.growth;
        self.growth *= 2.0;
        self.ended |= self.damping > LARGEST_DAMPING;
    }

    /// The damped step inside the box, and by how much the quadratic model says that the sum falls; none where the normal
    /// equations have no solution. A parameter whose step leaves the box goes to the limit, and the others are found anew.
    fn step(&self, low: &[f64], high: &[f64]) -> Option<(Point, f64)> {
        let k = self.parameters;
        let mut moved = [0.0; MOST];
        let mut free: [bool; MOST] = std::array::from_fn(|i| {
            i < k
                && !(self.x[i] <= low[i] && self.here.gradient[i] > 0.0
                    || self.x[i] >= high[i] && self.here.gradient[i] < 0.0)
        });
        loop {
            let found = self.solve(&free, &moved)?;
            let mut inside = true;
            let tried = free;
            for i in (0..k).filter(|i| tried[*i]) {
                let to = self.x[i] + found[i];
                if to < low[i] || to > high[i] {
                    inside = false;
                    free[i] = false;
                    moved[i] = to.clamp(low[i], high[i]) - self.x[i];
                }
            }
            if inside {
                (0..k).filter(|i| free[*i]).for_each(|i| moved[i] = found[i]);
                break;
            }
        }
        let mut fall = 0.0;
        for i in 0..k {
            let row: f64 = (0..k).map(|j| self.curvature(i, j) * moved[j]).sum();
            fall -= moved[i] * (2.0 * self.here.gradient[i] + row);
        }
        let next = std::array::from_fn(|i| if i < k { (self.x[i] + moved[i]).clamp(low[i], high[i]) } else { 0.0 });
        Some((next, fall))
    }

    fn curvature(&self, i: usize, j: usize) -> f64 {
        self.here.curvature[i.max(j)][i.min(j)]
    }

    /// Solves the damped normal equations of the free parameters, the others moved as they are, by Cholesky; none where they
    /// are not positive definite.
    fn solve(&self, free: &[bool; MOST], moved: &Point) -> Option<Point> {
        let k = self.parameters;
        let mut l = [[0.0; MOST]; MOST];
        let mut x = [0.0; MOST];
        for i in (0..k).filter(|i| free[*i]) {
            for j in (0..=i).filter(|j| free[*j]) {
                let damped = if i == j { 1.0 + self.damping } else { 1.0 };
                let inner: f64 = (0..j).map(|t| l[i][t] * l[j][t]).sum();
                let value = self.curvature(i, j) * damped - inner;
                l[i][j] = if i == j {
                    if value <= 0.0 || !value.is_finite() {
                        return None;
                    }
                    value.sqrt()
                } else {
                    value / l[j][j]
                };
            }
            let fixed: f64 = (0..k).filter(|j| !free[*j]).map(|j| self.curvature(i, j) * moved[j]).sum();
            let inner: f64 = (0..i).map(|t| l[i][t] * x[t]).sum();
            x[i] = (-self.here.gradient[i] - fixed - inner) / l[i][i];
        }
        for i in (0..k).rev().filter(|i| free[*i]) {
            let inner: f64 = (i + 1..k).map(|t| l[t][i] * x[t]).sum();
            x[i] = (x[i] - inner) / l[i][i];
        }
        x.iter().all(|v| v.is_finite()).then_some(x)
    }
}

fn finite(squares: &Squares, parameters: usize) -> bool {
    let numbers = squares.gradient[..parameters].iter().chain(squares.curvature[..parameters].iter().flatten());
    squares.sum.is_finite() && numbers.copied().all(f64::is_finite)
}
