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

fn deepar(known: usize, constant: usize, mask: bool, layers: usize) -> Architecture {
    let shape = WindowShape {
        input_size: INPUT_SIZE,
        horizon: HORIZON,
        covariate_context: INPUT_SIZE,
        known,
        past: 0,
        constant,
        phases: 0,
        mask,
    };
    Architecture::DeepAr(deepar::Architecture { shape, channels: CHANNELS, hidden: 5, layers, counts: false })
}

fn tft(known: usize, past: usize, constant: usize, mask: bool) -> Architecture {
    let shape = WindowShape {
        input_size: INPUT_SIZE,
        horizon: HORIZON,
        covariate_context: INPUT_SIZE,
        known,
        past,
        constant,
        phases: 0,
        mask,
    };
    Architecture::Tft(tft::Architecture { shape, channels: CHANNELS, hidden: 6, heads: 3 })
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
        // Gates of each layer, and the head.
        (deepar(3, 2, true, 2), 2 * 2 + 2),
        (deepar(0, 0, false, 1), 2 + 2),
        // Two recurrent layers, three gates, two residual networks, attention and head; two selections of ten tensors and
        // a network that weighs them. With static covariates a third selection, four residual networks, and a context for
        // each of the two selections and the enrichment.
        (tft(0, 0, 0, false), 2 * 2 + 3 * 4 + 2 * 8 + 7 + 2 + 2 * (10 + 10)),
        (tft(2, 1, 3, true), 2 * 2 + 3 * 4 + 2 * 8 + 7 + 2 + 3 * (10 + 10) + 4 * 8 + 3),
    ]
}

fn inputs(architecture: &Architecture, device: &Device) -> (Tensor<2>, Option<Tensor<2>>) {
    let ramp = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin() + (i as f32 * 0.13).cos()).collect::<Vec<_>>();
    let matrix = |width: usize| Tensor::<2>::from_data(TensorData::new(ramp(8 * width), [8, width]), device);
    let features = match architecture {
        Architecture::Tide(a) => a.shape.features(),
        Architecture::DeepAr(a) => a.shape.features(),
        Architecture::Tft(a) => a.shape.features(),
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

#[test]
fn deepar_says_the_same_of_a_step_whether_its_past_is_given_at_once_or_lies_in_the_window() {
    let device = Device::flex();
    let architecture = deepar(3, 2, false, 2);
    let net = architecture.build(&mut ChaCha8Rng::seed_from_u64(1), &device);
    let (window, features) = inputs(&architecture, &device);
    let target = window.clone().narrow(1, 0, HORIZON).square();
    let lesson = Lesson { window: window.clone(), features: features.clone(), target: target.clone() };
    let said = net.learn(lesson, &mut Dropout::none());
    assert_eq!(said.dims(), [8, CHANNELS, INPUT_SIZE + HORIZON - 1]);
    // The first step of the horizon depends on the window alone, and the next on the first target too.
    let free = net.forward(window.clone(), features.clone());
    let at = |tensor: &Tensor<3>, step: usize| tensor.clone().narrow(2, step, 1);
    let off: f32 = (at(&said, INPUT_SIZE - 1) - at(&free, 0)).abs().max().into_scalar();
    assert!(off < 1e-6, "{off}");
    let mean = at(&free, 0).narrow(1, 0, 1).reshape([8, 1]);
    let fed = Tensor::cat(vec![mean, target.narrow(1, 1, HORIZON - 1)], 1);
    let fed = net.learn(Lesson { window, features, target: fed }, &mut Dropout::none());
    let off: f32 = (at(&fed, INPUT_SIZE) - at(&free, 1)).abs().max().into_scalar();
    let moved: f32 = (at(&said, INPUT_SIZE) - at(&free, 1)).abs().max().into_scalar();
    assert!(off < 1e-6 && moved > 1e-4, "{off} {moved}");
}

#[test]
fn tft_sees_no_covariate_of_a_later_step_of_the_horizon() {
    let device = Device::flex();
    let architecture = tft(2, 1, 0, false);
    let net = architecture.build(&mut ChaCha8Rng::seed_from_u64(1), &device);
    let (window, features) = inputs(&architecture, &device);
    let features = features.unwrap();
    // The known covariates of the horizon's last step but one.
    let place = 2 * (INPUT_SIZE + HORIZON - 2);
    let [_, width] = features.dims();
    let rest = features.clone().narrow(1, place + 2, width - place - 2);
    let parts = vec![features.clone().narrow(1, 0, place), features.clone().narrow(1, place, 2).add_scalar(1.0), rest];
    let other = net.forward(window.clone(), Some(Tensor::cat(parts, 1)));
    let moved = (net.forward(window, Some(features)) - other).abs();
    let before: f32 = moved.clone().narrow(2, 0, HORIZON - 2).max().into_scalar();
    let from: f32 = moved.narrow(2, HORIZON - 2, 2).min().into_scalar();
    assert!(before == 0.0 && from > 0.0, "{before} {from}");
}

#[test]
fn dropout_changes_what_is_learnt_from_and_not_what_is_forecast() {
    let device = Device::flex();
    for architecture in [patchtst(patchtst::Norm::Layer), tft(2, 1, 3, false)] {
        let net = architecture.build(&mut ChaCha8Rng::seed_from_u64(1), &device);
        let (window, features) = inputs(&architecture, &device);
        let target = window.clone().narrow(1, 0, HORIZON);
        let lesson = Lesson { window: window.clone(), features: features.clone(), target };
        let learnt = |mut dropout: Dropout| {
            net.learn(lesson.clone(), &mut dropout).into_data().as_slice::<f32>().unwrap().to_vec()
        };
        let forecast = net.forward(window, features).into_data().as_slice::<f32>().unwrap().to_vec();
        assert_eq!(learnt(Dropout::none()), forecast);
        assert_eq!(learnt(Dropout::new(0.3, 4)), learnt(Dropout::new(0.3, 4)));
        assert_ne!(learnt(Dropout::new(0.3, 4)), learnt(Dropout::new(0.3, 5)));
    }
}
