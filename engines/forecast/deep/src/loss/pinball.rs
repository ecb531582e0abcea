//! The pinball loss.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

/// The quantile levels as a tensor that broadcasts over forecasts, `[1, levels, 1]`.
pub(super) fn levels_tensor(levels: &[f64], device: &Device) -> Tensor<3> {
    let values: Vec<f32> = levels.iter().map(|l| *l as f32).collect();
    Tensor::from_data(TensorData::new(values, [1, levels.len(), 1]), device)
}

/// The weighted sum of the pinball loss, each step's the mean over the levels (Koenker and Bassett 1978): `q·e` for `e = actual − forecast ≥ 0`, else `(q − 1)·e`,
/// written as `q·e + max(−e, 0)`.
///
/// - `forecast`: `[batch, levels, horizon]`;
/// - `actual`, `weight`: `[batch, horizon]`; weight 0 where the target is missing;
/// - `levels`: from [`levels_tensor`].
pub(super) fn pinball(forecast: Tensor<3>, actual: Tensor<2>, weight: Tensor<2>, levels: Tensor<3>) -> Tensor<1> {
    let [_, level_count, _] = forecast.dims();
    let error = actual.unsqueeze_dim::<3>(1) - forecast;
    let loss = error.clone() * levels + relu(error.neg());
    (loss * weight.unsqueeze_dim::<3>(1)).sum().div_scalar(level_count as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(actual: f32, forecasts: [f32; 2], weight: f32, expect: f64) {
        let device = Device::flex();
        let tensor = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [1, 1]), &device);
        let forecast = Tensor::<3>::from_data(TensorData::new(forecasts.to_vec(), [1, 2, 1]), &device);
        let loss = pinball(forecast, tensor(vec![actual]), tensor(vec![weight]), levels_tensor(&[0.1, 0.9], &device));
        let loss = f64::from(loss.into_scalar::<f32>());
        assert!((loss - expect).abs() < 1e-6, "{loss} instead of {expect}");
    }

    #[test]
    fn each_level_pays_for_its_own_side() {
        // Level 0.1 below the actual pays 0.1 a unit, above 0.9; level 0.9 the other way round; then the mean of both.
        check(10.0, [8.0, 13.0], 1.0, (0.1 * 2.0 + 0.1 * 3.0) / 2.0);
        check(10.0, [12.0, 7.0], 1.0, (0.9 * 2.0 + 0.9 * 3.0) / 2.0);
        check(10.0, [10.0, 10.0], 1.0, 0.0);
    }

    #[test]
    fn a_missing_target_costs_nothing() {
        check(0.0, [100.0, -100.0], 0.0, 0.0);
    }
}
