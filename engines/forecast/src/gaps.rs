//! Missing values inside a history.

/// The index of the first observed value.
pub(crate) fn first_observed(values: &[f64]) -> Option<usize> {
    values.iter().position(|v| v.is_finite())
}

/// The index of the last observed value.
pub(crate) fn last_observed(values: &[f64]) -> Option<usize> {
    values.iter().rposition(|v| v.is_finite())
}

/// The length of the history from its first observed value on: what a model can learn from.
pub(crate) fn usable_length(values: &[f64]) -> usize {
    first_observed(values).map_or(0, |first| values.len() - first)
}

/// Straight lines across the gaps; before the first and after the last observed value, that value.
/// A history without any observed value becomes zeros.
pub(crate) fn filled(values: &[f64]) -> Vec<f64> {
    let mut filled = values.to_vec();
    let (Some(first), Some(last)) = (first_observed(values), last_observed(values)) else {
        filled.fill(0.0);
        return filled;
    };
    filled[..first].fill(values[first]);
    filled[last..].fill(values[last]);
    let mut left = first;
    for right in first + 1..=last {
        if !values[right].is_finite() {
            continue;
        }
        let span = (right - left) as f64;
        for (k, value) in filled[left + 1..right].iter_mut().enumerate() {
            let share = (k + 1) as f64 / span;
            *value = values[left] * (1.0 - share) + values[right] * share;
        }
        left = right;
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_become_straight_lines_and_ends_are_held() {
        let nan = f64::NAN;
        assert_eq!(filled(&[nan, 1.0, nan, nan, 4.0, nan]), vec![1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(filled(&[nan, nan]), vec![0.0, 0.0]);
        assert_eq!(usable_length(&[nan, 1.0, nan]), 2);
        assert_eq!(usable_length(&[nan]), 0);
    }
}
