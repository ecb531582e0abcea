//! Fisher's z where values are missing: each test uses the rows that are complete in its own variables (test-wise
//! deletion; Tu, Zhang, Ackermann, Mohan, Kjellström and Zhang 2019).

use super::{Correlation, FisherZ, IndependenceTest, Outcome, Tail};

/// Fisher's z over columns in which NaN stands for a missing value.
///
/// Valid where values are missing completely at random, or where what decides on their being missing is conditioned on.
#[derive(Clone, Debug)]
pub struct MissingFisherZ {
    columns: Vec<Vec<f64>>,
    /// Per column and word of 64 rows, which values are there.
    present: Vec<Vec<u64>>,
    /// The test over all rows, for variables of which nothing is missing.
    complete: FisherZ,
    tail: Tail,
}

impl MissingFisherZ {
    /// The test over columns of equal length. Infinite values count as missing.
    #[must_use]
    pub fn new(columns: Vec<Vec<f64>>, tail: Tail) -> Self {
        let rows = columns.first().map_or(0, Vec::len);
        let present: Vec<Vec<u64>> = columns
            .iter()
            .map(|column| {
                let word = |rows: &[f64]| {
                    rows.iter().enumerate().fold(0, |word, (bit, v)| word | (u64::from(v.is_finite()) << bit))
                };
                column.chunks(64).map(word).collect()
            })
            .collect();
        // Columns with gaps correlate as NaN here and are never looked up.
        let complete = FisherZ::new(Correlation::of_columns(&columns), rows).with_tail(tail);
        Self { columns, present, complete, tail }
    }

    fn whole(&self, variable: usize) -> bool {
        let present: u32 = self.present[variable].iter().map(|w| w.count_ones()).sum();
        present as usize == self.columns[variable].len()
    }
}

impl IndependenceTest for MissingFisherZ {
    fn variables(&self) -> usize {
        self.columns.len()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        let variables: Vec<usize> = [x, y].iter().chain(given).copied().collect();
        if variables.iter().all(|v| self.whole(*v)) {
            return self.complete.test(x, y, given);
        }
        let words = self.present[x].len();
        let together = |word: usize| variables.iter().fold(u64::MAX, |all, v| all & self.present[*v][word]);
        let rows: Vec<usize> = (0..words)
            .flat_map(|word| {
                let all = together(word);
                (0..64).filter(move |bit| all >> bit & 1 == 1).map(move |bit| word * 64 + bit)
            })
            .collect();
        let table: Vec<Vec<f64>> =
            variables.iter().map(|v| rows.iter().map(|row| self.columns[*v][*row]).collect()).collect();
        let local: Vec<usize> = (2..variables.len()).collect();
        FisherZ::new(Correlation::of_columns(&table), rows.len()).with_tail(self.tail).test(0, 1, &local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(seed: u32, rows: u32) -> Vec<f64> {
        (0..rows).map(|r| f64::from((r + seed).wrapping_mul(2_654_435_761 ^ seed) >> 8)).collect()
    }

    #[test]
    fn complete_rows_of_the_tests_own_variables_are_used() {
        let mut columns: Vec<Vec<f64>> = (1..5).map(|seed| column(seed, 200)).collect();
        for row in 0..40 {
            columns[0][row * 5] = f64::NAN;
            columns[3][row] = f64::INFINITY;
        }
        let test = MissingFisherZ::new(columns.clone(), Tail::Exact);
        let kept: Vec<usize> = (0..200).filter(|r| r % 5 != 0).collect();
        let table: Vec<Vec<f64>> = columns.iter().map(|c| kept.iter().map(|r| c[*r]).collect()).collect();
        let expected = FisherZ::new(Correlation::of_columns(&table), kept.len()).test(0, 1, &[2]);
        let found = test.test(0, 1, &[2]);
        assert!((found.p_value - expected.p_value).abs() < 1e-15);
        let whole = FisherZ::new(Correlation::of_columns(&columns[1..3]), 200).test(0, 1, &[]);
        assert!((test.test(1, 2, &[]).p_value - whole.p_value).abs() < 1e-15);
    }

    #[test]
    fn nothing_left_is_no_independence() {
        let test = MissingFisherZ::new(vec![vec![1.0, f64::NAN, 2.0], vec![f64::NAN, 3.0, f64::NAN]], Tail::Exact);
        assert!(!test.test(0, 1, &[]).independent(0.05));
        assert!(!MissingFisherZ::new(vec![vec![], vec![]], Tail::Exact).test(0, 1, &[]).independent(0.05));
    }
}
