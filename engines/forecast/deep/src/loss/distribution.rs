//! Distributions as losses: the surprise (negative log density) of what happened, and their quantiles.

use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, softplus};

/// The least scale, in the normalised units of a window: below it a likelihood could grow without bound.
const LEAST_SCALE: f64 = 1e-3;
/// The degrees of freedom of Student's t lie between these: the variance is finite, and above a hundred it is normal.
const FREEDOM: (f64, f64) = (2.0, 100.0);
/// Half the logarithm of 2π.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

pub(super) fn channel(outputs: &Tensor<3>, place: usize) -> Tensor<2> {
    let [batch, _, horizon] = outputs.dims();
    outputs.clone().narrow(1, place, 1).reshape([batch, horizon])
}

fn scale_tensor(raw: Tensor<2>) -> Tensor<2> {
    softplus(raw, 1.0).add_scalar(LEAST_SCALE)
}

pub(crate) fn scale(raw: f64) -> f64 {
    raw.max(0.0) + (-raw.abs()).exp().ln_1p() + LEAST_SCALE
}

/// The normal distribution: channels are the mean and the scale before its softplus.
pub(super) mod gaussian {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::{HALF_LN_TAU, Tensor, channel, scale, scale_tensor};

    pub(in super::super) fn surprise(outputs: Tensor<3>, actual: Tensor<2>) -> Tensor<2> {
        let scale = scale_tensor(channel(&outputs, 1));
        let error = (actual - channel(&outputs, 0)) / scale.clone();
        error.square().mul_scalar(0.5) + scale.log().add_scalar(HALF_LN_TAU)
    }

    pub(in super::super) fn quantiles(mean: f64, raw_scale: f64, levels: &[f64]) -> Vec<f64> {
        let standard = Normal::standard();
        levels.iter().map(|l| mean + scale(raw_scale) * standard.inverse_cdf(*l)).collect()
    }
}

/// Student's t distribution: channels are the centre, the scale before its softplus, and the degrees of freedom before
/// their sigmoid.
pub(crate) mod student_t {
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::{FREEDOM, HALF_LN_TAU, Tensor, channel, scale, scale_tensor, sigmoid};

    pub(in super::super) fn surprise(outputs: Tensor<3>, actual: Tensor<2>) -> Tensor<2> {
        let scale = scale_tensor(channel(&outputs, 1));
        let freedom = sigmoid(channel(&outputs, 2)).mul_scalar(FREEDOM.1 - FREEDOM.0).add_scalar(FREEDOM.0);
        let error = (actual - channel(&outputs, 0)) / scale.clone();
        let half = freedom.clone().mul_scalar(0.5);
        let power = half.clone().add_scalar(0.5);
        // ln π ν / 2 = ln 2π / 2 + ln(ν / 2) / 2.
        let constant = ln_gamma(half.clone()) - ln_gamma(power.clone()) + half.log().mul_scalar(0.5);
        constant.add_scalar(HALF_LN_TAU) + scale.log() + power * (error.square() / freedom).log1p()
    }

    /// The degrees of freedom before their sigmoid.
    pub(crate) fn freedom(raw: f64) -> f64 {
        FREEDOM.0 + (FREEDOM.1 - FREEDOM.0) / (1.0 + (-raw).exp())
    }

    pub(in super::super) fn quantiles(centre: f64, raw_scale: f64, raw_freedom: f64, levels: &[f64]) -> Vec<f64> {
        match StudentsT::new(centre, scale(raw_scale), freedom(raw_freedom)) {
            Ok(distribution) => levels.iter().map(|l| distribution.inverse_cdf(*l)).collect(),
            Err(_) => vec![f64::NAN; levels.len()],
        }
    }

    /// The logarithm of the gamma function for arguments from 1 on: Stirling's series at the argument plus three, to
    /// about 4e-8, and the recurrence back.
    pub(super) fn ln_gamma(x: Tensor<2>) -> Tensor<2> {
        let far = x.clone().add_scalar(3.0);
        let inverse = far.clone().recip();
        let square = inverse.clone().square();
        let series = square.clone().mul_scalar(1.0 / 1260.0).sub_scalar(1.0 / 360.0) * square;
        let series = series.add_scalar(1.0 / 12.0) * inverse;
        let stirling = far.clone().sub_scalar(0.5) * far.clone().log() - far + series;
        let product = x.clone() * x.clone().add_scalar(1.0) * x.add_scalar(2.0);
        stirling.add_scalar(HALF_LN_TAU) - product.log()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

    use super::*;

    fn outputs(values: &[f32]) -> Tensor<3> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len(), 1]), &Device::flex())
    }

    fn actual(value: f32) -> Tensor<2> {
        Tensor::from_data(TensorData::new(vec![value], [1, 1]), &Device::flex())
    }

    #[test]
    fn the_surprise_is_the_logarithm_of_the_density() {
        for (centre, raw, freedom, value) in
            [(0.3, 0.5, -2.0, 1.2), (-1.0, -3.0, 0.0, -1.1), (0.0, 2.0, 4.0, 30.0), (0.5, 0.0, -30.0, -7.0_f32)]
        {
            let scale = scale(f64::from(raw));
            let normal = Normal::new(f64::from(centre), scale).unwrap();
            let found: f32 = gaussian::surprise(outputs(&[centre, raw]), actual(value)).into_scalar();
            let right = -normal.ln_pdf(f64::from(value));
            assert!((f64::from(found) - right).abs() < 1e-5 * right.abs().max(1.0), "{found} {right}");
            let nu = FREEDOM.0 + (FREEDOM.1 - FREEDOM.0) / (1.0 + (-f64::from(freedom)).exp());
            let t = StudentsT::new(f64::from(centre), scale, nu).unwrap();
            let found: f32 = student_t::surprise(outputs(&[centre, raw, freedom]), actual(value)).into_scalar();
            let right = -t.ln_pdf(f64::from(value));
            assert!((f64::from(found) - right).abs() < 5e-5 * right.abs().max(1.0), "{found} {right}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_distribution() {
        let levels = [0.05, 0.5, 0.9];
        let t = StudentsT::new(2.0, scale(0.7), 51.0).unwrap();
        for (level, quantile) in levels.iter().zip(student_t::quantiles(2.0, 0.7, 0.0, &levels)) {
            assert!((t.cdf(quantile) - level).abs() < 1e-6, "{level} {quantile}");
        }
        let normal = gaussian::quantiles(2.0, 0.7, &levels);
        assert!((normal[1] - 2.0).abs() < 1e-9 && (normal[2] - 2.0 - 1.281_551_6 * scale(0.7)).abs() < 1e-6);
    }
}
