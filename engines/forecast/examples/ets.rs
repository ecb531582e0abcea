//! Compares AutoETS with reference forecasts, series by series.
//!
//! `cargo run -p atsre-forecast --example ets -- FILE...`: JSON files of a group each, in the format of
//! `statsforecast`'s reference forecasts (series with `train` and `test`, `models` with `mean` and `fit`). For every
//! series the form that each side chose, its corrected Akaike criterion, the criterion that this crate reaches with
//! the other side's form, and both errors (MASE).
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

use atsre_forecast::ets::{self, Component, Error, Fit, Form, Options, Pattern};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or_else(Vec::new, |a| a.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
}

fn mase(actual: &[f64], forecast: &[f64], train: &[f64], m: usize) -> f64 {
    let scale = train.iter().zip(&train[m..]).map(|(a, b)| (b - a).abs()).sum::<f64>() / (train.len() - m) as f64;
    actual.iter().zip(forecast).map(|(a, f)| (a - f).abs()).sum::<f64>() / actual.len() as f64 / scale
}

/// "MAMD": error, trend, season, damped.
fn form(components: &str) -> Form {
    let part = |at: usize| match components.as_bytes()[at] {
        b'A' => Component::Additive,
        b'M' => Component::Multiplicative,
        _ => Component::None,
    };
    let error = if components.starts_with('M') { Error::Multiplicative } else { Error::Additive };
    Form { error, trend: part(1), season: part(2), damped: components.ends_with('D') }
}

fn smape(actual: &[f64], forecast: &[f64]) -> f64 {
    let terms = actual.iter().zip(forecast).map(|(a, f)| 200.0 * (a - f).abs() / (a.abs() + f.abs()).max(1e-12));
    terms.sum::<f64>() / actual.len() as f64
}

fn weights(fit: &Fit) -> String {
    let p = &fit.parameters;
    format!("α {:.4} β {:.4} γ {:.4} φ {:.3}", p.alpha, p.beta, p.gamma, p.phi)
}

fn judge(path: &str) {
    let group: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    let m = group["m"].as_u64().expect("a season") as usize;
    let h = group["h"].as_u64().expect("a horizon") as usize;
    println!("{} (season {m}, horizon {h})", group["group"].as_str().unwrap_or("?"));
    let (mut sums, mut percent, mut count) = ([0.0; 2], [0.0; 2], 0.0);
    for (id, reference) in group["models"]["AutoETS"].as_object().expect("forecasts") {
        let series = &group["series"][id];
        let (train, test) = (numbers(&series["train"]), numbers(&series["test"]));
        let options = Options::default();
        let own = ets::select(&train, m, Pattern::ANY, &options).expect("a fit");
        let theirs = form(reference["fit"]["components"].as_str().expect("components"));
        let same = ets::fit(&train, m, theirs, &options);
        let means = [own.mean(h), numbers(&reference["mean"])];
        let errors = means.each_ref().map(|mean| mase(&test, mean, &train, m));
        percent.iter_mut().zip(&means).for_each(|(sum, mean)| *sum += smape(&test, mean));
        sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
        count += 1.0;
        println!(
            "  {id} ({} values): {} {:.3} ({}), MASE {:.3} | {} {:.3} (here {:.3}, {}; par {}), MASE {:.3}",
            train.len(),
            own.form,
            own.aicc(),
            weights(&own),
            errors[0],
            theirs,
            reference["fit"]["aicc"].as_f64().unwrap_or(f64::NAN),
            same.as_ref().map_or(f64::NAN, Fit::aicc),
            same.as_ref().map_or_else(String::new, weights),
            reference["fit"]["par"].as_array().map_or_else(String::new, |p| {
                p.iter().take(4).map(|v| v.as_f64().map_or("- ".to_owned(), |v| format!("{v:.4} "))).collect()
            }),
            errors[1]
        );
    }
    let [ours, theirs] = sums.map(|sum| sum / count);
    let [our_percent, their_percent] = percent.map(|sum| sum / count);
    println!("  MASE {ours:.4} against {theirs:.4}, sMAPE {our_percent:.3} against {their_percent:.3}");
}

fn main() {
    std::env::args().skip(1).for_each(|path| judge(&path));
}
