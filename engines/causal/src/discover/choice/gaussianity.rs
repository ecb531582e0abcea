//! Is a column normally distributed?

/// The Jarque–Bera statistic of skewness and kurtosis (Jarque and Bera 1987) and its p-value, χ² with two degrees of freedom.
pub(super) fn jarque_bera(values: &[f64]) -> (f64, f64) {
    let rows = values.len() as f64;
    let mean = values.iter().sum::<f64>() / rows;
    let moment = |power: i32| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / rows;
    let variance = moment(2);
    if variance.is_nan() || variance <= 0.0 {
        return (0.0, 1.0);
    }
    let (skewness, excess) = (moment(3) / variance.powf(1.5), moment(4) / (variance * variance) - 3.0);
    let statistic = rows / 6.0 * (skewness * skewness + 0.25 * excess * excess);
    (statistic, (-0.5 * statistic).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_numbers_are_not_normal_and_sums_of_many_are() {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let flat: Vec<f64> = (0..1000).map(|_| uniform()).collect();
        let summed: Vec<f64> = (0..1000).map(|_| (0..30).map(|_| uniform()).sum()).collect();
        assert!(jarque_bera(&flat).1 < 1e-6 && jarque_bera(&summed).1 > 1e-3);
        assert!((jarque_bera(&[1.0; 5]).1 - 1.0).abs() < f64::EPSILON);
    }
}
