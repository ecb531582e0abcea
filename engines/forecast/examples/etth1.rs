//! The long-horizon benchmark ETTh1 with the closed-form linear maps.
//!
//! `cargo run -p atsre-forecast --example etth1 -- ETTh1.csv [LAGS]`: 12 months to learn, 4 left for validation and 4
//! for the test, all seven channels standardised by the training part, every test window of every horizon counted.
#![allow(clippy::expect_used, missing_docs)]

use atsre_forecast::direct::{Anchor, Form, Options, learn};
use ndarray::{Array2, ArrayView2};

const TRAIN: usize = 12 * 30 * 24;
const PART: usize = 4 * 30 * 24;

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|v| v.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

fn channels(path: &str) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(path).expect("the file is read");
    let mut channels = vec![Vec::new(); 7];
    for line in text.lines().skip(1).take(TRAIN + 2 * PART) {
        for (channel, field) in channels.iter_mut().zip(line.split(',').skip(1)) {
            channel.push(field.parse::<f64>().expect("a number"));
        }
    }
    for channel in &mut channels {
        let mean = channel[..TRAIN].iter().sum::<f64>() / TRAIN as f64;
        let variance = channel[..TRAIN].iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / TRAIN as f64;
        channel.iter_mut().for_each(|v| *v = (*v - mean) / variance.sqrt());
    }
    channels
}

/// Mean squared and absolute error over all test windows of all channels.
fn test(channels: &[Vec<f64>], weights: &[f64], lags: usize, horizon: usize, anchor: Anchor) -> (f64, f64) {
    let weights = ArrayView2::from_shape((lags, horizon), weights).expect("the shape fits");
    let start = TRAIN + PART;
    let (mut squares, mut sizes, mut count) = (0.0, 0.0, 0.0);
    for channel in channels {
        let windows = PART + 1 - horizon;
        let level = |w: usize| match anchor {
            Anchor::None => 0.0,
            Anchor::Last => channel[start + w - 1],
            Anchor::Mean => channel[start + w - lags..start + w].iter().sum::<f64>() / lags as f64,
        };
        let design = Array2::from_shape_fn((windows, lags), |(w, i)| channel[start + w - lags + i] - level(w));
        let forecasts = design.dot(&weights);
        for ((w, h), forecast) in forecasts.indexed_iter() {
            let error = channel[start + w + h] - level(w) - forecast;
            squares += error * error;
            sizes += error.abs();
            count += 1.0;
        }
    }
    (squares / count, sizes / count)
}

fn main() {
    let path = std::env::args().nth(1).expect("the path of ETTh1.csv is the first argument");
    let lags = std::env::args().nth(2).map_or(336, |v| v.parse().expect("a number of lags"));
    let channels = channels(&path);
    let cutoffs: Vec<Form> = [32, 64, 128, 256].map(Form::LowPass).to_vec();
    for (name, anchor, forms) in [
        ("nlinear", Anchor::Last, vec![Form::Plain]),
        ("mean-anchored", Anchor::Mean, vec![Form::Plain]),
        ("dlinear", Anchor::Last, vec![Form::Decomposed(25)]),
        ("fits", Anchor::Mean, cutoffs),
    ] {
        for horizon in [96, 192, 336, 720] {
            let series: Vec<&[f64]> = channels.iter().map(|c| &c[..TRAIN + PART]).collect();
            let train: Vec<&[f64]> = channels.iter().map(|c| &c[..TRAIN]).collect();
            for (scope, data) in [("train", &train), ("train and validation", &series)] {
                let start = cpu_seconds();
                let options = Options { lags, anchor, forms: forms.clone(), intercept: false, penalty: None };
                let map = learn(data, horizon, &options).expect("a map");
                let seconds = cpu_seconds() - start;
                let (mse, mae) = test(&channels, map.weights(), lags, horizon, anchor);
                println!(
                    "{name} {horizon} on {scope}: MSE {mse:.4} MAE {mae:.4} {:?}, fit {seconds:.2} s",
                    map.chosen()
                );
            }
        }
    }
}
