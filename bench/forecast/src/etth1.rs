//! ETTh1, the long-horizon benchmark, with the closed-form linear maps.
//!
//! Twelve months to learn, four for validation, four for the test; all seven channels standardised by the training part;
//! every test window of every horizon counted (Zeng, Chen, Zhang and Xu 2023 say why the last windows must not be dropped).

use std::path::Path;

use anyhow::{Context, Result, ensure};
use atsre_bench_peers::Table;
use atsre_bench_peers::processor::timed;
use atsre_bench_peers::table::seconds;
use atsre_forecast::direct::{Anchor, Form, Options, learn};
use ndarray::{Array2, ArrayView2};

const TRAIN: usize = 12 * 30 * 24;
const PART: usize = 4 * 30 * 24;
/// Past values that a map sees.
const LAGS: usize = 336;
/// The published errors that the linear family is held against: horizon and MSE.
const BARS: [(usize, f64); 4] = [(96, 0.370), (192, 0.403), (336, 0.426), (720, 0.430)];

/// Learns and tests every form at every horizon.
///
/// # Errors
/// The file is not ETTh1, or a map cannot be learned.
pub fn table(file: &Path) -> Result<Table> {
    let channels = channels(file)?;
    let history: Vec<&[f64]> = channels.iter().map(|c| &c[..TRAIN + PART]).collect();
    let forms = [
        ("NLinear", Anchor::Last, vec![Form::Plain]),
        ("linear, mean taken out", Anchor::Mean, vec![Form::Plain]),
        ("DLinear", Anchor::Last, vec![Form::Decomposed(25)]),
        ("FITS", Anchor::Mean, [32, 64, 128, 256].map(Form::LowPass).to_vec()),
    ];
    let titles = BARS.map(|(horizon, bar)| format!("{horizon} (bar {:.3})", 1.01 * bar));
    let mut header = vec!["MSE / MAE, processor time"];
    header.extend(titles.iter().map(String::as_str));
    let mut table = Table::new(&header);
    for (name, anchor, forms) in forms {
        let mut cells = vec![name.to_owned()];
        for (horizon, _) in BARS {
            let options = Options { lags: LAGS, anchor, forms: forms.clone(), intercept: false, penalty: None };
            let (learned, spent) = timed(|| learn(&history, horizon, &options));
            let map = learned.with_context(|| format!("{name} at horizon {horizon}"))?;
            let (mse, mae) = test(&channels, map.weights(), horizon, anchor)?;
            cells.push(format!("{mse:.3} / {mae:.3}, {}", seconds(spent.as_secs_f64())));
        }
        table.row(cells);
    }
    Ok(table)
}

fn channels(file: &Path) -> Result<Vec<Vec<f64>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut channels = vec![Vec::new(); 7];
    for line in text.lines().skip(1).take(TRAIN + 2 * PART) {
        for (channel, field) in channels.iter_mut().zip(line.split(',').skip(1)) {
            let value: f64 = field.trim().parse().with_context(|| format!("{}: {field:?}", file.display()))?;
            channel.push(value);
        }
    }
    ensure!(
        channels.iter().all(|c| c.len() == TRAIN + 2 * PART),
        "{} has not the seven channels of 20 months of hours that ETTh1 has",
        file.display()
    );
    for channel in &mut channels {
        let mean = channel[..TRAIN].iter().sum::<f64>() / TRAIN as f64;
        let variance = channel[..TRAIN].iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / TRAIN as f64;
        channel.iter_mut().for_each(|v| *v = (*v - mean) / variance.sqrt());
    }
    Ok(channels)
}

/// Mean squared and absolute error over all test windows of all channels.
fn test(channels: &[Vec<f64>], weights: &[f64], horizon: usize, anchor: Anchor) -> Result<(f64, f64)> {
    let weights = ArrayView2::from_shape((LAGS, horizon), weights).context("the map has another shape")?;
    let start = TRAIN + PART;
    let (mut squares, mut sizes, mut count) = (0.0, 0.0, 0.0);
    for channel in channels {
        let windows = PART + 1 - horizon;
        let level = |w: usize| match anchor {
            Anchor::None => 0.0,
            Anchor::Last => channel[start + w - 1],
            Anchor::Mean => channel[start + w - LAGS..start + w].iter().sum::<f64>() / LAGS as f64,
        };
        let design = Array2::from_shape_fn((windows, LAGS), |(w, i)| channel[start + w - LAGS + i] - level(w));
        for ((w, h), forecast) in design.dot(&weights).indexed_iter() {
            let error = channel[start + w + h] - level(w) - forecast;
            squares += error * error;
            sizes += error.abs();
            count += 1.0;
        }
    }
    Ok((squares / count, sizes / count))
}
