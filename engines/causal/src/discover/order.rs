//! Are rows of which nothing is said in order of time?

/// Rows that are looked at together: what differs from one stretch to the next, as where several samples were put one after another,
/// does not count.
const STRETCH: usize = 50;
const LAGS: usize = 3;
/// Weaker autocorrelation than this is no sign of time, however many rows show it.
const WEAK: f64 = 0.1;
/// Standard errors beyond which an autocorrelation is no chance.
const ERRORS: f64 = 4.0;
/// Rows below which nothing can be told.
const ROWS_MIN: usize = 30;

/// How many of the columns are autocorrelated within stretches of 50 rows, and the strongest such autocorrelation.
pub(super) fn autocorrelated(data: &[Vec<f64>]) -> (usize, f64) {
    let strengths: Vec<f64> = data.iter().filter(|c| c.len() >= ROWS_MIN).map(|column| strength(column)).collect();
    (strengths.iter().filter(|s| **s > 0.0).count(), strengths.iter().fold(0.0, |m, s| m.max(*s)))
}

/// The strongest autocorrelation at lags 1 to 3, each corrected for the mean taken out of each stretch (Marriott and Pope 1954);
/// 0 where none is beyond chance.
fn strength(column: &[f64]) -> f64 {
    let (mut square, mut count) = (0.0, 0.0);
    let mut products = [0.0; LAGS];
    let largest = column.iter().filter(|v| v.is_finite()).fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest <= 0.0 {
        return 0.0;
    }
    for stretch in column.chunks(STRETCH) {
        let there: Vec<f64> = stretch.iter().filter(|v| v.is_finite()).map(|v| v / largest).collect();
        let mean = there.iter().sum::<f64>() / there.len().max(1) as f64;
        let left: Vec<f64> = stretch.iter().map(|v| if v.is_finite() { v / largest - mean } else { 0.0 }).collect();
        square += left.iter().map(|v| v * v).sum::<f64>();
        count += there.len() as f64;
        for (lag, product) in products.iter_mut().enumerate() {
            *product += left.iter().zip(left.iter().skip(lag + 1)).map(|(a, b)| a * b).sum::<f64>();
        }
    }
    if square <= 0.0 {
        return 0.0;
    }
    let strongest = products.iter().fold(0.0_f64, |m, p| m.max((p / square + 1.0 / STRETCH as f64).abs()));
    if strongest > WEAK.max(ERRORS / count.sqrt()) { strongest } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_told_from_rows_and_from_samples_put_one_after_another() {
        let mut state = 3_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1 << 30) - 1.0
        };
        let rows: Vec<f64> = (0..600).map(|_| noise()).collect();
        let samples: Vec<f64> = rows.iter().enumerate().map(|(k, v)| v + (k / 200) as f64 * 5.0).collect();
        let mut level = 0.0;
        let series: Vec<f64> = rows
            .iter()
            .map(|v| {
                level = 0.5 * level + v;
                level
            })
            .collect();
        assert_eq!(autocorrelated(&[rows, samples]).0, 0);
        assert!(autocorrelated(&[series]).1 > 0.35);
        assert_eq!(autocorrelated(&[vec![1.0; 40], vec![f64::NAN; 40], vec![]]), (0, 0.0));
    }
}
