#![allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
use atsre_forecast::models::theta::{Adjusted, Variant};
use serde_json::Value;
fn cpu() -> f64 {
    std::fs::read_to_string("/proc/self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-9
}
fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().map_or(vec![], |a| a.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect())
}
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    for g in ["m3_yearly", "m3_quarterly", "m3_monthly", "m4_weekly", "nn5_daily", "m4_hourly"] {
        let d: Value = serde_json::from_str(&std::fs::read_to_string(format!("{dir}/{g}.json")).unwrap()).unwrap();
        let (m, h) = (d["m"].as_u64().unwrap() as usize, d["h"].as_u64().unwrap() as usize);
        for (name, v) in [
            ("Theta", &[Variant::Standard][..]),
            ("OptimizedTheta", &[Variant::Optimized]),
            ("DynamicTheta", &[Variant::Dynamic]),
            ("DynamicOptimizedTheta", &[Variant::DynamicOptimized]),
            ("AutoTheta", &Variant::ALL),
        ] {
            let Some(cases) = d["models"][name].as_object() else { continue };
            let (mut close, mut time, mut worst, mut es, mut et, mut mse) = (0, 0.0, 0.0_f64, 0.0, 0.0, 0.0_f64);
            for (id, c) in cases {
                let y = numbers(&d["series"][id]["train"]);
                let test = numbers(&d["series"][id]["test"]);
                let t = cpu();
                let f = Adjusted::best(&y, m, v).unwrap();
                let mean = f.mean(h);
                time += cpu() - t;
                let tm = numbers(&c["mean"]);
                let diff = mean.iter().zip(&tm).map(|(a, b)| (a - b).abs() / b.abs()).fold(0.0, f64::max);
                worst = worst.max(diff);
                let n = y.len() as f64;
                let ours = f.fit.sum_of_squares();
                let r = c["fit"]["mse"].as_f64().unwrap();
                let _ = n;
                let adjm: f64 = y.iter().map(|v| v.abs()).sum::<f64>() / n;
                let rat = ours / adjm / r;
                if diff < 0.01 {
                    close += 1
                } else if std::env::args().nth(2).is_some() {
                    println!(
                        "   {id} diff {diff:.4} sse/mean/mse {rat:.4} alpha {:.4} w {:.4} {}",
                        f.fit.alpha, f.fit.weight, c["fit"]
                    )
                }
                mse = mse.max(rat);
                let scale: f64 = if y.len() > m {
                    y.iter().zip(&y[m..]).map(|(a, b)| (a - b).abs()).sum::<f64>() / (y.len() - m) as f64
                } else {
                    1.0
                };
                es += mean.iter().zip(&test).map(|(a, b)| (a - b).abs()).sum::<f64>() / h as f64 / scale;
                et += tm.iter().zip(&test).map(|(a, b)| (a - b).abs()).sum::<f64>() / h as f64 / scale;
            }
            let n = cases.len() as f64;
            println!(
                "{g} {name}: within 1% {close}/{n} worst {worst:.4} MASE ours {:.4} theirs {:.4} ms {:.4}; max sse ratio {mse:.5}",
                es / n,
                et / n,
                1000.0 * time / n
            );
        }
    }
}
