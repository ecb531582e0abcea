#![allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
use atsre_forecast::models::ets::{Options, Pattern, select};
use serde_json::Value;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let v: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    v[11].parse::<f64>().unwrap() * 10.0
}
fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().map_or(vec![], |a| a.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect())
}
fn main() {
    for (g, rep) in [("yearly", 40), ("quarterly", 10), ("monthly", 5), ("weekly", 5), ("hourly", 2)] {
        let d: Value =
            serde_json::from_str(&std::fs::read_to_string(format!("/tmp/ets-ref/{g}.json")).unwrap()).unwrap();
        let m = d["m"].as_u64().unwrap() as usize;
        let ys: Vec<Vec<f64>> = d["series"].as_object().unwrap().values().map(|s| numbers(&s["train"])).collect();
        let t = cpu();
        for _ in 0..rep {
            for y in &ys {
                std::hint::black_box(select(y, m, Pattern::ANY, &Options::default()));
            }
        }
        let ms = (cpu() - t) / rep as f64 / ys.len() as f64;
        println!("{g} AutoETS {ms:.4} ms, {:.1}x", d["ms"]["AutoETS"].as_f64().unwrap() / ms);
    }
}
