//! Clipping of gradients by their global norm. burn's own clipping takes the norm of each tensor alone.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients so that their common Euclidean norm is at most `limit` (Pascanu, Mikolov and Bengio 2013).
///
/// It is computed on the device, in the module's order, so that nothing is read back.
pub(crate) fn clip_global_norm<M: Module>(module: &M, mut gradients: GradientsParams, limit: f64) -> GradientsParams {
    let mut squares = Squares { gradients: &gradients, sum: None };
    module.visit(&mut squares);
    let Some(sum) = squares.sum else {
        return gradients;
    };
    let factor = sum.sqrt().add_scalar(1e-6).recip().mul_scalar(limit).clamp_max(1.0);
    module.visit(&mut Scaling { gradients: &mut gradients, factor });
    gradients
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scaling<'a> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scaling<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let scaled = gradient * self.factor.clone().reshape([1; D]);
            self.gradients.register(param.id, scaled);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::nn::Linear;
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn clipped(limit: f64) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex().autodiff();
        let param =
            |values: Vec<f32>, width| Param::<Tensor<2>>::from_data(TensorData::new(values, [1, width]), &device);
        let bias = Param::<Tensor<1>>::from_data(TensorData::new(vec![0.0_f32], [1]), &device);
        let module = Linear { weight: param(vec![0.0], 1), bias: Some(bias) };
        // d(3 w + 4 b) = (3, 4): norm 5.
        let loss =
            module.weight.val().reshape([1]).mul_scalar(3.0) + module.bias.as_ref().unwrap().val().mul_scalar(4.0);
        let gradients = GradientsParams::from_grads(loss.backward(), &module);
        let mut gradients = clip_global_norm(&module, gradients, limit);
        let weight = gradients.remove::<2>(module.weight.id).unwrap();
        let bias = gradients.remove::<1>(module.bias.as_ref().unwrap().id).unwrap();
        (weight.into_data().as_slice().unwrap().to_vec(), bias.into_data().as_slice().unwrap().to_vec())
    }

    #[test]
    fn the_norm_is_taken_over_all_tensors_together() {
        let (weight, bias) = clipped(1.0);
        assert!((weight[0] - 0.6).abs() < 1e-5 && (bias[0] - 0.8).abs() < 1e-5, "{weight:?} {bias:?}");
    }

    #[test]
    fn small_gradients_stay_as_they_are() {
        assert_eq!(clipped(6.0), (vec![3.0], vec![4.0]));
    }
}
