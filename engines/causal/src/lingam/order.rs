//! The causal order: one exogenous variable after another.

use super::entropy;
use super::prior::Rules;
use super::table::Table;
use crate::vectors::dot;

/// A residual variance below this share of the variance is rounding.
const NOTHING_LEFT: f64 = 1e-12;

/// The causal order of the columns (Shimizu et al. 2011, algorithm 1) with the pairwise likelihood ratio of Hyvärinen and
/// Smith (2013, JMLR 14, eqs. 8 and 14) as the measure of independence.
pub(super) fn search(table: &Table, rules: &Rules) -> Vec<usize> {
    let mut state = Residuals { values: table.standardised.clone(), entropy: vec![0.0; table.columns()] };
    let mut left: Vec<usize> = (0..table.columns()).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let round = rules.candidates(&left);
        let chosen = match round.candidates.as_slice() {
            [only] => *only,
            _ => state.most_independent(&left, &round.candidates, &round.settled),
        };
        order.push(chosen);
        left.retain(|v| *v != chosen);
        state.take_out(chosen, &left);
    }
    order
}

/// What is left of each column after the ones taken out, standardised.
struct Residuals {
    values: Vec<Vec<f64>>,
    entropy: Vec<f64>,
}

/// How far one candidate has been compared.
struct Race {
    candidate: usize,
    /// Others, the ones most worth comparing with first.
    others: Vec<usize>,
    compared: usize,
    /// Sum of the squared negative likelihood ratios so far: it only grows.
    dependence: f64,
}

impl Residuals {
    /// The candidate with the smallest total dependence, the first of equals.
    ///
    /// The total only grows as more pairs are compared, and one comparison serves both ends of a pair; so the candidate
    /// with the smallest total so far is always the one to go on with, and as soon as it has been compared with all, no
    /// other can fall below it (Shahbazinia, Salehkaleybar and Hashemi 2023, ParaLiNGAM). `settled` columns are known to be no causes
    /// and are not regressed on the candidate.
    fn most_independent(&mut self, left: &[usize], candidates: &[usize], settled: &[bool]) -> usize {
        for column in left {
            self.entropy[*column] = entropy::of_values(&self.values[*column]);
        }
        let slots = self.values.len();
        let mut place = vec![usize::MAX; slots];
        candidates.iter().enumerate().for_each(|(k, c)| place[*c] = k);
        let mut races: Vec<Race> = candidates
            .iter()
            .map(|candidate| Race {
                candidate: *candidate,
                others: self.by_dissimilarity(*candidate, left),
                compared: 0,
                dependence: 0.0,
            })
            .collect();
        let mut seen = vec![false; slots * slots];
        loop {
            let mut leader = 0;
            for k in 1..races.len() {
                if races[k].dependence < races[leader].dependence {
                    leader = k;
                }
            }
            let race = &mut races[leader];
            let candidate = race.candidate;
            let next = race.others[race.compared..].iter().position(|other| !seen[candidate * slots + other]);
            let Some(ahead) = next else { return candidate };
            let other = race.others[race.compared + ahead];
            race.compared += ahead + 1;
            seen[candidate * slots + other] = true;
            let ratio = self.likelihood_ratio(candidate, other, settled[other]);
            if ratio < 0.0 {
                race.dependence += ratio * ratio;
            }
            if place[other] != usize::MAX {
                // The ratio of the pair the other way round is the same number with the other sign.
                seen[other * slots + candidate] = true;
                if ratio > 0.0 {
                    races[place[other]].dependence += ratio * ratio;
                }
            }
        }
    }

    /// The others, those whose entropy is furthest above the candidate's first: a rough guess of who causes it.
    fn by_dissimilarity(&self, candidate: usize, left: &[usize]) -> Vec<usize> {
        let mut others: Vec<usize> = left.iter().copied().filter(|c| *c != candidate).collect();
        others.sort_by(|a, b| self.entropy[*a].total_cmp(&self.entropy[*b]));
        others
    }

    /// `[H(y) + H(x − r y)] − [H(x) + H(y − r x)]`, negative where the data speak for y as the cause.
    fn likelihood_ratio(&self, x: usize, y: usize, y_settled: bool) -> f64 {
        let (a, b) = (&self.values[x], &self.values[y]);
        let slope = dot(a, b) / a.len() as f64;
        let (Some(scale_a), Some(scale_b)) = (scale(a, b, slope), scale(b, a, slope)) else { return 0.0 };
        let of_a = entropy::of_combination(a, b, slope, scale_a);
        let of_b = if y_settled { self.entropy[y] } else { entropy::of_combination(b, a, slope, scale_b) };
        (self.entropy[y] + of_a) - (self.entropy[x] + of_b)
    }

    /// Replaces each remaining column by its residual on the one taken out.
    fn take_out(&mut self, chosen: usize, left: &[usize]) {
        let cause = std::mem::take(&mut self.values[chosen]);
        for column in left {
            let values = &mut self.values[*column];
            let slope = dot(values, &cause) / cause.len() as f64;
            let factor = scale(values, &cause, slope).unwrap_or(0.0);
            for (value, other) in values.iter_mut().zip(&cause) {
                *value = (*value - slope * other) * factor;
            }
        }
    }
}

/// One over the standard deviation of `x − slope · y`; `None` where nothing is left.
fn scale(x: &[f64], y: &[f64], slope: f64) -> Option<f64> {
    let rows = x.len() as f64;
    let share = 1.0 - slope * slope;
    // Near |r| = 1 the difference from one has lost its digits.
    let variance =
        if share > 1e-4 { share } else { x.iter().zip(y).map(|(a, b)| (a - slope * b).powi(2)).sum::<f64>() / rows };
    (variance > NOTHING_LEFT).then(|| 1.0 / variance.sqrt())
}
