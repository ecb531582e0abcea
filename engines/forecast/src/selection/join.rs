//! Members' forecasts joined into one.

/// The weighted mean of members at each step, or that and their weighted median in equal parts: a mean follows a member
/// that strays, which the few and short windows of yearly series cannot warn of; a median follows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// The weighted mean.
    Mean,
    /// Half the weighted mean, half the weighted median.
    Robust,
}

impl Join {
    /// Joins one row of values a member; weights need not sum to one. Empty without members.
    pub(super) fn rows(self, members: &[(f64, &[f64])]) -> Vec<f64> {
        let total: f64 = members.iter().map(|(w, _)| w).sum();
        let steps = members.iter().map(|(_, row)| row.len()).min().unwrap_or(0);
        let mut column = Vec::with_capacity(members.len());
        (0..steps)
            .map(|h| {
                let mean: f64 = members.iter().map(|(w, row)| w / total * row[h]).sum();
                match self {
                    Self::Mean => mean,
                    Self::Robust => {
                        column.clear();
                        column.extend(members.iter().map(|(w, row)| (row[h], w / total)));
                        0.5 * mean + 0.5 * weighted_median(&mut column)
                    }
                }
            })
            .collect()
    }
}

/// The value at which half the weight lies on either side; between the two neighbours where that falls between them.
fn weighted_median(column: &mut [(f64, f64)]) -> f64 {
    column.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    for i in 0..column.len() {
        sum += column[i].1;
        if sum > 0.5 + 1e-12 {
            return column[i].0;
        }
        if sum >= 0.5 - 1e-12 {
            let next = column.get(i + 1).map_or(column[i].0, |c| c.0);
            return 0.5 * column[i].0 + 0.5 * next;
        }
    }
    column.last().map_or(0.0, |c| c.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_goes_by_weight() {
        assert!((weighted_median(&mut [(9.0, 0.2), (1.0, 0.5), (3.0, 0.3)]) - 2.0).abs() < 1e-12);
        assert!((weighted_median(&mut [(9.0, 0.2), (1.0, 0.6), (3.0, 0.2)]) - 1.0).abs() < 1e-12);
        assert!((weighted_median(&mut [(4.0, 1.0)]) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_stray_member_moves_the_robust_join_half_as_far() {
        // given two members that agree and a third far off
        let rows = [[1.0], [1.0], [1_000.0]];
        let members: Vec<(f64, &[f64])> = rows.iter().map(|r| (1.0, r.as_slice())).collect();
        // when they are joined, then the mean is 334, and the robust join lies between it and 1
        assert!((Join::Mean.rows(&members)[0] - 334.0).abs() < 1e-9);
        assert!((Join::Robust.rows(&members)[0] - 167.5).abs() < 1e-9);
        assert!(Join::Mean.rows(&[]).is_empty());
    }
}
