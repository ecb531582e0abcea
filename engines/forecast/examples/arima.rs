//! Compares the ARIMA models with reference forecasts, group by group.
//!
//! `cargo run -p atsre-forecast --example arima -- FOLDER [details]`: the folder has one JSON file a group, in the
//! format of `statsforecast`'s reference forecasts (series with `train` and `test`, `models` with `mean` and `fit`).
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

use std::path::PathBuf;

use atsre_forecast::arima::{self, Fit, Order};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or_else(Vec::new, |a| a.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
}

/// Milliseconds of this thread on a processor.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|v| v.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

fn smape(actual: &[f64], forecast: &[f64]) -> f64 {
    let terms = actual.iter().zip(forecast).map(|(a, f)| 200.0 * (a - f).abs() / (a.abs() + f.abs()).max(1e-12));
    terms.sum::<f64>() / actual.len() as f64
}

fn mase(actual: &[f64], forecast: &[f64], train: &[f64], m: usize) -> f64 {
    let scale = train.iter().zip(&train[m..]).map(|(a, b)| (b - a).abs()).sum::<f64>() / (train.len() - m) as f64;
    actual.iter().zip(forecast).map(|(a, f)| (a - f).abs()).sum::<f64>() / actual.len() as f64 / scale
}

fn report(id: &str, fit: &Fit, reference: &Value, difference: f64, ms: f64) {
    println!(
        "    {id} {} ll {:.3} aicc {:.3} | {} {} ll {} aicc {} | difference {difference:.2e}, {ms:.1} ms",
        fit.order(),
        fit.log_likelihood(),
        fit.criterion(),
        reference["fit"]["order"],
        reference["fit"]["coef"],
        reference["fit"]["loglik"],
        reference["fit"]["aicc"],
    );
}

fn judge(path: &PathBuf, details: bool) {
    let group: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    let m = group["m"].as_u64().expect("a season") as usize;
    let h = group["h"].as_u64().expect("a horizon") as usize;
    println!("{} (season {m}, horizon {h})", group["group"].as_str().unwrap_or("?"));
    for model in ["ARIMA_111", "AutoARIMA"] {
        let Some(references) = group["models"][model].as_object() else { continue };
        let (mut count, mut near, mut likely, mut milliseconds) = (0, 0, 0, 0.0);
        let mut errors = [[0.0; 2]; 2];
        for (id, reference) in references {
            let series = &group["series"][id];
            let (train, test) = (numbers(&series["train"]), numbers(&series["test"]));
            let start = cpu_ms();
            let fit = if model == "ARIMA_111" {
                arima::fit(&train, &[], Order::new(1, 1, 1))
            } else {
                arima::auto(&train, &[], m)
            };
            let fit = fit.expect("a fit");
            let forecast = fit.forecast(h, &[]).expect("a forecast");
            let ms = cpu_ms() - start;
            milliseconds += ms;
            let expect = numbers(&reference["mean"]);
            if expect.is_empty() {
                continue;
            }
            count += 1;
            let size = expect.iter().map(|v| v.abs()).sum::<f64>() / h as f64;
            let difference = forecast
                .mean
                .iter()
                .zip(&expect)
                .map(|(a, b)| (a - b).abs() / b.abs().max(0.01 * size))
                .fold(0.0, f64::max);
            let better = fit.log_likelihood() - reference["fit"]["loglik"].as_f64().unwrap_or(f64::NAN);
            near += usize::from(difference < 0.01);
            likely += usize::from(difference < 0.01 || better > -1e-3);
            if details || (model == "ARIMA_111" && difference >= 0.01 && better < -1e-3) {
                report(id, &fit, reference, difference, ms);
            }
            for (sums, mean) in errors.iter_mut().zip([&forecast.mean, &expect]) {
                sums[0] += mase(&test, mean, &train, m);
                sums[1] += smape(&test, mean);
            }
        }
        let n = f64::from(count);
        println!(
            "  {model}: {near} of {count} within 1 %, {likely} so or as likely; MASE {:.4} (reference {:.4}), sMAPE {:.3} ({:.3}); {:.1} ms a series",
            errors[0][0] / n,
            errors[1][0] / n,
            errors[0][1] / n,
            errors[1][1] / n,
            milliseconds / references.len() as f64
        );
    }
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of the reference files");
    let details = std::env::args().nth(2).is_some();
    let files = std::fs::read_dir(folder).expect("a folder").filter_map(|e| e.ok().map(|e| e.path()));
    let mut files: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files.iter().for_each(|f| judge(f, details));
}
