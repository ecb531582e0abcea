#![allow(clippy::all, missing_docs, clippy::disallowed_methods, clippy::unwrap_used)]
use std::collections::BTreeMap;
use std::time::Instant;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec, Setting};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{Registry, Silent, TrialJob, run, time_axis};
use serde_json::{Value, json};

fn numbers(v: &Value) -> Vec<f64> { v.as_array().map_or_else(Vec::new, |a| a.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()) }

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let group: Value = serde_json::from_str(&text).unwrap();
    let only: Vec<&str> = if args.len() > 3 { args[3].split('/').collect() } else { vec![] };
    let m = group["m"].as_u64().unwrap() as u32; let h = group["h"].as_u64().unwrap() as u32;
    let name = group["group"].as_str().unwrap();
    let frequency = Frequency::every(match m { 24 => FrequencyUnit::Hour, 12 => FrequencyUnit::Month, 7 => FrequencyUnit::Day, 4 => FrequencyUnit::Quarter, _ => FrequencyUnit::Step });
    let panel = Panel { target: "y".into(), frequency, covariates: vec![], series: group["series"].as_object().unwrap().iter().map(|(id, s)| {
        let target = numbers(&s["train"]);
        let mut times = vec![Timestamp(0)];
        times.extend(time_axis::continue_after(frequency, &times, target.len() - 1).unwrap());
        Series { item_id: id.clone(), times, target, covariates: vec![] }
    }).collect() };
    let step = if h >= 13 && m != 12 { h } else { h.div_ceil(3) };
    let registry = Registry::classical();
    let mut variants: Vec<(String, &str, Vec<(&str, Setting)>)> = vec![];
    for n in registry.names() { if !["ets", "arima", "auto"].contains(&n) { variants.push((n.into(), n, vec![])); } }
    let txt = |s: &str| Setting::Text(s.into());
    variants.push(("ridge-local".into(), "ridge", vec![("pooled", txt("no"))]));
    variants.push(("ridge-pool".into(), "ridge", vec![("pooled", txt("yes"))]));
    variants.push(("arima-111".into(), "arima", vec![]));
    variants.push(("ets-AAdN".into(), "ets", vec![("form", txt("AAdN"))]));
    variants.push(("ets-ANN".into(), "ets", vec![("form", txt("ANN"))]));
    if m > 1 { variants.push(("ets-AAdA".into(), "ets", vec![]));
      variants.push(("ets-ANA".into(), "ets", vec![("form", txt("ANA"))])); }
    if m == 1 && h == 13 {
        for n in ["seasonal-naive", "theta", "auto-theta", "ridge"] { 
            let s = if n == "ridge" { ("seasonal_periods", Setting::Integers(vec![52])) } else { ("season_length", Setting::Integer(52)) };
            variants.push((format!("{n}-52"), n, vec![s])); }
    }
    if m == 24 { for n in ["seasonal-naive", "theta"] { variants.push((format!("{n}-168"), n, vec![("season_length", Setting::Integer(168))])); }
       variants.push(("ridge-24-168".into(), "ridge", vec![("seasonal_periods", Setting::Integers(vec![24,168])), ("lags", Setting::Integer(168)), ("pooled", txt("yes"))])); }
    let mut models = serde_json::Map::new();
    for (label, model, settings) in variants {
        if !only.is_empty() && !only.contains(&label.as_str()) { continue; }
        let job = TrialJob { panel: panel.clone(), spec: ModelSpec { framework: "atsre".into(), model: model.into(), hyperparameters: settings.into_iter().map(|(k, v)| (k.to_string(), v)).collect::<BTreeMap<_, _>>(), covariates: vec![], device: Device::Cpu },
            horizon: h, quantile_levels: vec![0.5], backtest: BacktestPlan { windows: 4, step, season_length: m }, holdout: 0, seed: 1, threads: 1 };
        let start = Instant::now();
        match run(&job, &registry, &Silent) {
            Ok(r) => {
                let fin: BTreeMap<_, _> = r.forecasts.iter().map(|f| (f.item_id.clone(), f.mean.clone())).collect();
                let win: Vec<_> = r.windows.iter().map(|w| json!([w.item_id, w.origin, w.mean])).collect();
                eprintln!("{name} {label} {:.2}s", start.elapsed().as_secs_f64());
                models.insert(label, json!({"final": fin, "windows": win, "seconds": start.elapsed().as_secs_f64()}));
            }
            Err(e) => eprintln!("{name} {label}: {e}"),
        }
    }
    std::fs::write(format!("{}/{}.json", args[2], name), serde_json::to_string(&json!({"step": step, "models": models})).unwrap()).unwrap();
}
