//! Correlations that do not mind the shape of the margins.

use statrs::distribution::{ContinuousCDF, Normal};

use super::Correlation;

impl Correlation {
    /// The Pearson correlations of the columns' normal scores: each value is replaced by the normal quantile of its rank,
    /// equal values by that of their mean rank. With Fisher's z this is a robust test of partial correlation that any
    /// increasing transformation of a column leaves as it is (the nonparanormal: Liu, Lafferty and Wasserman 2009; Harris and
    /// Drton 2013). Columns have equal length and hold no NaN; a constant column correlates as NaN.
    #[must_use]
    pub fn of_normal_scores(columns: &[Vec<f64>]) -> Self {
        Self::of_columns(&columns.iter().map(|column| normal_scores(column)).collect::<Vec<_>>())
    }
}

/// The normal quantile of each value's rank.
pub(crate) fn normal_scores(values: &[f64]) -> Vec<f64> {
    let standard = Normal::standard();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut scores = vec![0.0; values.len()];
    let mut rank = 0;
    for tied in order.chunk_by(|a, b| values[*a] >= values[*b]) {
        let mean = rank as f64 + (tied.len() + 1) as f64 / 2.0;
        let score = standard.inverse_cdf(mean / (values.len() + 1) as f64);
        tied.iter().for_each(|row| scores[*row] = score);
        rank += tied.len();
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn increasing_transformations_change_nothing_and_outliers_little() {
        let column =
            |k: u32| (0..300_u32).map(|r| f64::from((r + k).wrapping_mul(2_654_435_761) >> 12)).collect::<Vec<_>>();
        let (x, y) = (column(1), column(77));
        let sum: Vec<f64> = x.iter().zip(&y).map(|(a, b)| a + b).collect();
        let plain = Correlation::of_normal_scores(&[x.clone(), sum.clone()]);
        let bent: Vec<f64> = sum.iter().map(|v| (v / 1e6).exp()).collect();
        let same = Correlation::of_normal_scores(&[x, bent]);
        assert!((plain.get(0, 1) - same.get(0, 1)).abs() < 1e-15);
        assert!(plain.get(0, 1) > 0.5);
    }

    #[test]
    fn scores_of_ties_are_equal_and_symmetric() {
        // Ranks 1.5, 1.5, 3 of 3: quantiles of 0.375 and 0.75.
        let scores = normal_scores(&[2.0, 2.0, 5.0]);
        assert!((scores[0] - scores[1]).abs() < f64::EPSILON);
        assert!((scores[0] + 0.318_639_363_964_375).abs() < 1e-9 && (scores[2] - 0.674_489_750_196_081_7).abs() < 1e-9);
        assert!(normal_scores(&[]).is_empty());
    }
}
