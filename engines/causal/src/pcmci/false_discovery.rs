//! The false discovery rate (Benjamini and Hochberg 1995).

/// Replaces p-values by the smallest level at which they would be among the discoveries.
pub(super) fn adjust(p_values: &mut [f64]) {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut least = 1.0_f64;
    for (rank, at) in order.iter().enumerate().rev() {
        least = least.min(p_values[*at] / ((rank + 1) as f64 / count as f64));
        p_values[*at] = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_example_comes_out() {
        // given: Benjamini and Hochberg's table 1, first five p-values of fifteen
        let mut p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        // when
        adjust(&mut p);
        // then: four discoveries at 5 %
        assert_eq!(p.iter().filter(|v| **v <= 0.05).count(), 4);
        assert!((p[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-15);
    }
}
