//! The network DeepAR: recurrent layers that say the distribution of each value from those before it.
//!
//! Source: D. Salinas, V. Flunkert, J. Gasthaus, T. Januschowski, *DeepAR: Probabilistic forecasting with autoregressive
//! recurrent networks*, International Journal of Forecasting 2020: the recurrent network of equation 1 over the value
//! before and the covariates of the moment (§3), likelihoods as losses over the window and the horizon alike (§3.2),
//! windows divided by their mean absolute value (§3.3, which adds one to it), and paths drawn value by value (figure 2).
//! Static covariates enter at each moment as they are, without an embedding; the calendar's phases are known covariates.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::layers::{linear, linear_weights};
use super::lstm::{Lstm, State};
use super::{Lesson, Network};
use crate::dropout::Dropout;
use crate::error::Error;
use crate::loss::negative_binomial;
use crate::windows::WindowShape;

/// The sizes that make a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// The inputs.
    pub shape: WindowShape,
    /// Outputs a step: the parameters of the distribution.
    pub channels: usize,
    /// Width of the recurrent layers.
    pub hidden: usize,
    /// Recurrent layers.
    pub layers: usize,
    /// Whether the distribution is one of counts, whose mean is the first output after a softplus.
    pub counts: bool,
}

impl Architecture {
    /// Inputs a moment: the value before, whether it was observed where that is told, the moment's known covariates and
    /// the static ones.
    fn inputs(&self) -> usize {
        1 + usize::from(self.shape.mask) + self.shape.known + self.shape.constant
    }

    /// The width of each layer's input.
    fn widths(&self) -> impl Iterator<Item = usize> {
        (0..self.layers).map(|layer| if layer == 0 { self.inputs() } else { self.hidden })
    }

    /// The number of weights of the network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let recurrent: usize = self.widths().map(|inputs| Lstm::weights(inputs, self.hidden)).sum();
        recurrent + linear_weights(self.hidden, self.channels)
    }

    pub(super) fn numbers_per_window(&self) -> u64 {
        let moments = self.shape.input_size + self.shape.horizon;
        let recurrent: usize = self.widths().map(|inputs| Lstm::numbers_per_moment(inputs, self.hidden)).sum();
        (moments * (recurrent + 3 * self.inputs() + 12 * self.channels) + 2 * self.shape.features()) as u64
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct DeepAr {
    layers: Vec<Lstm>,
    head: Linear,
    #[module(skip)]
    architecture: Architecture,
}

/// What is known of every moment beside the values, oldest first; each `[batch, inputs − 1]`.
struct Context(Vec<Tensor<2>>);

impl DeepAr {
    /// A network with weights drawn from `random`.
    #[must_use]
    pub fn new(a: &Architecture, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let layers = a.widths().map(|inputs| Lstm::new(inputs, a.hidden, random, device)).collect();
        Self { layers, head: linear(a.hidden, a.channels, random, device), architecture: a.clone() }
    }

    /// Paths drawn value by value from the distributions that the network says.
    ///
    /// - `window`: `[batch, input_size]`; `features`: `[batch, features]`;
    /// - `paths`: how many for each window;
    /// - `draw`: the next value of a path from the window's place in the batch and the parameters of its distribution.
    ///
    /// Returns `[batch, paths, horizon]`, flattened.
    ///
    /// # Errors
    /// What the device says where it fails.
    pub(crate) fn sample(
        &self,
        window: Tensor<2>,
        features: Option<Tensor<2>>,
        paths: usize,
        mut draw: impl FnMut(usize, &[f32]) -> f32,
    ) -> Result<Vec<f32>, Error> {
        let a = &self.architecture;
        let (device, [batch, _]) = (window.device(), window.dims());
        let context = self.context(batch, features.as_ref(), &device);
        let mut states = self.read_window(&window, &context);
        // The first step's distribution is the same for all paths of a window; from the second on each has its own.
        let mut parameters = self.read_out(&states)?;
        let mut drawn = Vec::with_capacity(batch * paths * a.shape.horizon);
        let mut own = 1;
        for step in 0..a.shape.horizon {
            let rows = parameters.chunks_exact(a.channels);
            let each = rows.enumerate().flat_map(|(row, values)| {
                let times = paths / own;
                std::iter::repeat_n((row / own, values), times)
            });
            let values: Vec<f32> = each.map(|(window, values)| draw(window, values)).collect();
            drawn.extend_from_slice(&values);
            if step + 1 == a.shape.horizon {
                break;
            }
            if step == 0 {
                states = states.iter().map(|state| state.repeated(paths)).collect();
                own = paths;
            }
            let values = Tensor::from_data(TensorData::new(values, [batch * paths, 1]), &device);
            let known = context.at(a.shape.input_size + step, paths);
            states = self.step(values, known, states);
            parameters = self.read_out(&states)?;
        }
        // From `[horizon, batch · paths]`.
        let rows = batch * paths;
        Ok((0..rows).flat_map(|row| drawn[row..].iter().step_by(rows).copied().collect::<Vec<_>>()).collect())
    }

    fn read_out(&self, states: &[State]) -> Result<Vec<f32>, Error> {
        self.head.forward(top(states)).try_into_vec_as().map_err(Error::device)
    }

    /// The states after the window's last value.
    fn read_window(&self, window: &Tensor<2>, context: &Context) -> Vec<State> {
        let [batch, input_size] = window.dims();
        let start = self.start(batch, &window.device());
        (0..input_size)
            .fold(start, |states, moment| self.step(window.clone().narrow(1, moment, 1), context.at(moment, 1), states))
    }

    fn start(&self, batch: usize, device: &Device) -> Vec<State> {
        self.layers.iter().map(|_| State::zero(batch, self.architecture.hidden, device)).collect()
    }

    /// All layers over one moment, which takes in a value and says the next one's distribution.
    fn step(&self, value: Tensor<2>, known: Option<Tensor<2>>, states: Vec<State>) -> Vec<State> {
        let mut input = match known {
            Some(known) => Tensor::cat(vec![value, known], 1),
            None => value,
        };
        let mut after = Vec::with_capacity(states.len());
        for (layer, state) in self.layers.iter().zip(states) {
            let state = layer.step(input, state);
            input = state.output.clone();
            after.push(state);
        }
        after
    }

    /// What is known beside the values at the moments of the window and of the horizon but its last.
    fn context(&self, batch: usize, features: Option<&Tensor<2>>, device: &Device) -> Context {
        let a = &self.architecture;
        let shape = &a.shape;
        let moments = shape.input_size + shape.horizon - 1;
        let Some(features) = features.filter(|_| a.inputs() > 1) else {
            return Context(Vec::new());
        };
        let part = |from: usize, width: usize| features.clone().narrow(1, from, width);
        let known = shape.known * (shape.input_size + shape.horizon);
        let mask = shape.features() - shape.input_size;
        let constant = known + shape.past * shape.covariate_context;
        let ones = Tensor::<2>::ones([batch, 1], device);
        let at = |moment: usize| {
            let mut parts = Vec::with_capacity(3);
            if shape.mask {
                let observed = moment < shape.input_size;
                parts.push(if observed { part(mask + moment, 1) } else { ones.clone() });
            }
            if shape.known > 0 {
                // The covariates of the moment that is said, not of the one before.
                parts.push(part((moment + 1) * shape.known, shape.known));
            }
            if shape.constant > 0 {
                parts.push(part(constant, shape.constant));
            }
            Tensor::cat(parts, 1)
        };
        Context((0..moments).map(at).collect())
    }
}

impl Network for DeepAr {
    /// Each step takes in the mean that the one before said.
    fn forward(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> Tensor<3> {
        let a = &self.architecture;
        let [batch, _] = window.dims();
        let context = self.context(batch, features.as_ref(), &window.device());
        let mut states = self.read_window(&window, &context);
        let mut said = vec![self.head.forward(top(&states))];
        for step in 1..a.shape.horizon {
            let mean = said[step - 1].clone().narrow(1, 0, 1);
            let mean = if a.counts { negative_binomial::mean(mean) } else { mean };
            states = self.step(mean, context.at(a.shape.input_size + step - 1, 1), states);
            said.push(self.head.forward(top(&states)));
        }
        Tensor::stack(said, 2)
    }

    /// Each moment takes in the true value before it; all values after the window's first are said.
    fn learn(&self, lesson: Lesson, _dropout: &mut Dropout) -> Tensor<3> {
        let a = &self.architecture;
        let [batch, _] = lesson.window.dims();
        let device = lesson.window.device();
        let context = self.context(batch, lesson.features.as_ref(), &device);
        let values = Tensor::cat(vec![lesson.window, lesson.target], 1);
        let moments = a.shape.input_size + a.shape.horizon - 1;
        let mut states = self.start(batch, &device);
        let mut tops = Vec::with_capacity(moments);
        for moment in 0..moments {
            states = self.step(values.clone().narrow(1, moment, 1), context.at(moment, 1), states);
            tops.push(top(&states));
        }
        let said = self.head.forward(Tensor::cat(tops, 0));
        said.reshape([moments, batch, a.channels]).permute([1, 2, 0])
    }
}

impl Context {
    /// That of one moment, each window's so many times; none where nothing is known.
    fn at(&self, moment: usize, times: usize) -> Option<Tensor<2>> {
        let known = self.0.get(moment)?;
        if times == 1 {
            return Some(known.clone());
        }
        let [batch, width] = known.dims();
        let repeated = known.clone().unsqueeze_dim::<3>(1).repeat_dim(1, times);
        Some(repeated.reshape([batch * times, width]))
    }
}

/// The output of the last layer.
fn top(states: &[State]) -> Tensor<2> {
    #[allow(clippy::expect_used)]
    states.last().expect("a network has a layer").output.clone()
}
