//! AdamW, with a state that can be written down and taken up again.
//!
//! burn's own optimizer keys its moments by identities that a process draws, and brings them back on the default device;
//! here they are kept in the module's order. The operations are the same, one by one.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::error::Error;
use crate::saved::{Reading, Writing};

/// The decay of the gradients' running mean and that of their squares'.
const BETAS: (f32, f32) = (0.9, 0.999);
/// Added to the root of the second moment.
const EPSILON: f32 = 1e-8;
/// Decoupled weight decay (Loshchilov and Hutter 2019).
const WEIGHT_DECAY: f32 = 1e-4;

/// The optimizer (Loshchilov and Hutter 2019, algorithm 2) with its state.
#[derive(Debug, Default)]
pub(crate) struct AdamW {
    steps: i32,
    /// The two moments of each parameter, flattened; none where it has had no gradient.
    moments: Vec<Option<(Tensor<1>, Tensor<1>)>>,
}

impl AdamW {
    /// One step of all parameters of `module` that have a gradient.
    pub(crate) fn step<M: Module>(&mut self, rate: f64, module: M, gradients: GradientsParams) -> M {
        self.steps += 1;
        let steps = self.steps;
        module.map(&mut Step { rate, steps, gradients, place: 0, moments: &mut self.moments })
    }

    /// Adds the state to a file.
    pub(crate) fn write(&self, writing: &mut Writing) -> Result<(), Error> {
        let known: Vec<bool> = self.moments.iter().map(Option::is_some).collect();
        writing.describe("optimizer", &(self.steps, known))?;
        for (place, moments) in self.moments.iter().enumerate() {
            if let Some((first, second)) = moments {
                writing.tensor(format!("first.{place}"), first.clone())?;
                writing.tensor(format!("second.{place}"), second.clone())?;
            }
        }
        Ok(())
    }

    /// The state that a file holds.
    pub(crate) fn read(reading: &Reading, device: &Device) -> Result<Self, Error> {
        let (steps, known): (i32, Vec<bool>) = reading.described("optimizer")?;
        let vector = |name: String| {
            let values = reading.vector(&name)?;
            let length = values.len();
            Ok::<_, Error>(Tensor::<1>::from_data(TensorData::new(values, [length]), device))
        };
        let moments = known.iter().enumerate().map(|(place, known)| match known {
            true => Ok(Some((vector(format!("first.{place}"))?, vector(format!("second.{place}"))?))),
            false => Ok(None),
        });
        Ok(Self { steps, moments: moments.collect::<Result<_, Error>>()? })
    }
}

struct Step<'a> {
    rate: f64,
    steps: i32,
    gradients: GradientsParams,
    place: usize,
    moments: &'a mut Vec<Option<(Tensor<1>, Tensor<1>)>>,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let place = self.place;
        self.place += 1;
        if self.moments.len() <= place {
            self.moments.push(None);
        }
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let learns = tensor.is_require_grad();
        let weights = tensor.inner();
        let shape = weights.dims();
        let gradient = gradient.reshape([shape.iter().product::<usize>()]);
        let new = (gradient.clone().mul_scalar(1.0 - BETAS.0), gradient.square().mul_scalar(1.0 - BETAS.1));
        let (first, second) = match self.moments[place].take() {
            Some((first, second)) => (first.mul_scalar(BETAS.0).add(new.0), second.mul_scalar(BETAS.1).add(new.1)),
            None => new,
        };
        let direction = first.clone().div_scalar(1.0 - BETAS.0.powi(self.steps));
        let size = second.clone().div_scalar(1.0 - BETAS.1.powi(self.steps));
        let change = direction.div(size.sqrt().add_scalar(EPSILON)).reshape(shape);
        self.moments[place] = Some((first, second));
        let kept = weights.mul_scalar(1.0 - self.rate * f64::from(WEIGHT_DECAY));
        let updated = Tensor::from_inner(kept - change.mul_scalar(self.rate));
        Param::from_mapped_value(id, if learns { updated.require_grad() } else { updated }, mapper)
    }
}
