//! What holds for every network.
#![allow(clippy::unwrap_used)]

use burn::optim::GradientsParams;
use burn::tensor::TensorData;
use rand::SeedableRng;

use super::*;
use crate::windows::WindowShape;

const INPUT_SIZE: usize = 21;
const HORIZON: usize = 7;
const CHANNELS: usize = 2;

fn linear_net(form: linear::Form) -> Architecture {
    let (input_size, horizon) = (INPUT_SIZE, HORIZON);
    Architecture::Linear(linear::Architecture { input_size, horizon, channels: CHANNELS, locations: CHANNELS, form })
}

fn nbeats(stacks: Vec<nbeats::Basis>, blocks: usize) -> Architecture {
    let (input_size, horizon) = (INPUT_SIZE, HORIZON);
    Architecture::NBeats(nbeats::Architecture {
        input_size,
        horizon,
        channels: CHANNELS,
        hidden: 5,
        layers: 2,
        blocks,
        stacks,
    })
}

fn tide(known: usize, past: usize, mask: bool, layer_norm: bool) -> Architecture {
    let shape = WindowShape {
        input_size: INPUT_SIZE,
        horizon: HORIZON,
        covariate_context: INPUT_SIZE,
        known,
        past,
        constant: 1,
        phases: 2,
        mask,
    };
    Architecture::Tide(tide::Architecture {
        shape,
        channels: CHANNELS,
        hidden: 6,
        layers: 2,
        temporal_width: 3,
        decoder_output: 4,
        temporal_hidden: 5,
        layer_norm,
    })
}

fn patchtst(norm: patchtst::Norm) -> Architecture {
    Architecture::PatchTst(patchtst::Architecture {
        input_size: INPUT_SIZE,
        horizon: HORIZON,
        channels: CHANNELS,
        patch: 8,
        stride: 4,
        hidden: 6,
        heads: 3,
        feed_forward: 9,
        layers: 2,
        norm,
    })
}

/// Every kind of network with the number of its tensors that learn.
fn all() -> Vec<(Architecture, usize)> {
    vec![
        (linear_net(linear::Form::Last), 2),
        (linear_net(linear::Form::Decomposed { moving_average: 5 }), 4),
        // Two hidden layers, coefficients and basis; the last block has no backcast.
        (nbeats(vec![nbeats::Basis::Generic(4); 2], 2), 4 * (4 + 3) + 3 * 3),
        // Shared weights: two hidden layers and two sets of coefficients a stack.
        (nbeats(vec![nbeats::Basis::Trend(2), nbeats::Basis::Season], 3), 2 * (4 + 2)),
        (nbeats(vec![nbeats::Basis::Trend(2)], 1), 4 + 1),
        // Seven blocks of three layers and six norms, and the map of the window.
        (tide(2, 3, true, true), 7 * 6 + 6 * 2 + 2),
        (tide(0, 0, false, false), 5 * 6 + 2),
        // Embedding, positions, head, and four layers and two norms in each of two encoder layers.
        (patchtst(patchtst::Norm::Batch), 5 + 2 * (8 + 4)),
        (patchtst(patchtst::Norm::Layer), 5 + 2 * (8 + 4)),
    ]
}

fn inputs(architecture: &Architecture, device: &Device) -> (Tensor<2>, Option<Tensor<2>>) {
    let ramp = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin() + (i as f32 * 0.13).cos()).collect::<Vec<_>>();
    let matrix = |width: usize| Tensor::<2>::from_data(TensorData::new(ramp(8 * width), [8, width]), device);
    let features = match architecture {
        Architecture::Tide(a) => a.shape.features(),
        _ => 0,
    };
    (matrix(INPUT_SIZE), (features > 0).then(|| matrix(features)))
}

#[test]
fn the_declared_number_of_weights_is_the_true_one() {
    for (architecture, _) in all() {
        let net = architecture.build(&mut ChaCha8Rng::seed_from_u64(1), &Device::flex());
        assert_eq!(net.num_params(), architecture.parameters(), "{architecture:?}");
    }
}

#[test]
fn every_weight_learns_and_every_output_depends_on_the_window() {
    let device = Device::flex().autodiff();
    for (architecture, tensors) in all() {
        let net = architecture.build(&mut ChaCha8Rng::seed_from_u64(1), &device);
        let (window, features) = inputs(&architecture, &device);
        let forecast = net.forward(window.clone(), features.clone());
        assert_eq!(forecast.dims(), [8, CHANNELS, HORIZON]);
        let moved = net.forward(window.clone() + window.clone().square().mul_scalar(0.3), features);
        let least: f32 = (moved - forecast.clone()).abs().min().into_scalar();
        assert!(least > 0.0, "{architecture:?}");
        let gradients = GradientsParams::from_grads(forecast.square().sum().backward(), &net);
        assert_eq!(gradients.len(), tensors, "{architecture:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_seed_others() {
    let device = Device::flex();
    for (architecture, _) in all() {
        let forecast = |seed: u64| {
            let net = architecture.build(&mut ChaCha8Rng::seed_from_u64(seed), &device);
            let (window, features) = inputs(&architecture, &device);
            net.forward(window, features).into_data().as_slice::<f32>().unwrap().to_vec()
        };
        assert_eq!(forecast(3), forecast(3), "{architecture:?}");
        assert_ne!(forecast(3), forecast(4), "{architecture:?}");
    }
}

#[test]
fn nlinear_follows_a_shift_of_its_window_in_the_channels_that_are_values() {
    let device = Device::flex();
    let architecture = linear::Architecture {
        input_size: INPUT_SIZE,
        horizon: HORIZON,
        channels: 2,
        locations: 1,
        form: linear::Form::Last,
    };
    let net = linear::LinearNet::new(&architecture, &mut ChaCha8Rng::seed_from_u64(1), &device);
    let (window, _) = inputs(&Architecture::Linear(architecture), &device);
    let difference = net.forward(window.clone().add_scalar(2.0), None) - net.forward(window, None);
    let (values, others) = (difference.clone().narrow(1, 0, 1), difference.narrow(1, 1, 1));
    let off: f32 = values.sub_scalar(2.0).abs().max().into_scalar();
    let moved: f32 = others.abs().max().into_scalar();
    assert!(off < 1e-5 && moved < 1e-5, "{off} {moved}");
}
