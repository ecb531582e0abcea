#![allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
use atsre_forecast::models::ces;
use atsre_forecast::models::ets::{Bounds, Options, Pattern, select};
use atsre_forecast::models::theta::{Adjusted, Variant};
use serde_json::Value;
fn cpu() -> f64 {
    std::fs::read_to_string("/proc/self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-9
}
fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().map_or(vec![], |a| a.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect())
}
type F = fn(&[f64], usize, usize) -> (Vec<f64>, Vec<f64>);
fn ets(y: &[f64], m: usize, h: usize, b: Bounds) -> (Vec<f64>, Vec<f64>) {
    let f = select(y, m, Pattern::ANY, &Options { bounds: b }).unwrap();
    (f.mean(h), f.deviation(h))
}
fn theta(y: &[f64], m: usize, h: usize, v: &[Variant]) -> (Vec<f64>, Vec<f64>) {
    let f = Adjusted::best(y, m, v).unwrap();
    (f.mean(h), f.fit.deviation(h))
}
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let models: Vec<(&str, &str, F)> = vec![
        ("AutoETS", "cautious", |y, m, h| ets(y, m, h, Bounds::Cautious)),
        ("AutoCES", "all", |y, m, h| {
            let f = ces::Fit::best(y, m, &ces::Season::ALL).unwrap();
            (f.mean(h), f.deviation(h))
        }),
        ("AutoETS", "usual", |y, m, h| ets(y, m, h, Bounds::Usual)),
        ("AutoTheta", "all", |y, m, h| theta(y, m, h, &Variant::ALL)),
        ("AutoTheta", "dotm", |y, m, h| theta(y, m, h, &[Variant::DynamicOptimized])),
        ("AutoTheta", "standard+dotm", |y, m, h| theta(y, m, h, &[Variant::Standard, Variant::DynamicOptimized])),
        ("AutoTheta", "stm dstm dotm", |y, m, h| {
            theta(y, m, h, &[Variant::Standard, Variant::Dynamic, Variant::DynamicOptimized])
        }),
        ("DynamicOptimizedTheta", "", |y, m, h| theta(y, m, h, &[Variant::DynamicOptimized])),
    ];
    for g in std::env::args().nth(2).unwrap().split(',') {
        let d: Value = serde_json::from_str(&std::fs::read_to_string(format!("{dir}/{g}.json")).unwrap()).unwrap();
        let (m, h) = (d["m"].as_u64().unwrap() as usize, d["h"].as_u64().unwrap() as usize);
        for (name, label, f) in &models {
            let Some(cases) = d["models"][*name].as_object() else { continue };
            let (mut so, mut st, mut mo, mut mt, mut time, mut c8, mut c9, mut t8, mut t9, mut n) =
                (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
            for (id, c) in cases {
                let y = numbers(&d["series"][id]["train"]);
                let test = numbers(&d["series"][id]["test"]);
                let t = cpu();
                let (mean, dev) = f(&y, m, h);
                time += cpu() - t;
                let tm = numbers(&c["mean"]);
                if tm.len() != h {
                    continue;
                }
                n += 1.0;
                let scale: f64 = y.iter().zip(&y[m..]).map(|(a, b)| (a - b).abs()).sum::<f64>() / (y.len() - m) as f64;
                let mae = |p: &[f64]| p.iter().zip(&test).map(|(a, b)| (a - b).abs()).sum::<f64>() / h as f64 / scale;
                let smape = |p: &[f64]| {
                    p.iter().zip(&test).map(|(a, b)| 200.0 * (a - b).abs() / (a.abs() + b.abs())).sum::<f64>()
                        / h as f64
                };
                so += smape(&mean);
                st += smape(&tm);
                mo += mae(&mean);
                mt += mae(&tm);
                let q = |k: &str| numbers(&c[k]);
                let (l8, h8, l9, h9) = (q("lo-80"), q("hi-80"), q("lo-95"), q("hi-95"));
                for i in 0..h {
                    let e = (test[i] - mean[i]).abs();
                    c8 += f64::from(u8::from(e <= 1.2816 * dev[i])) / h as f64;
                    c9 += f64::from(u8::from(e <= 1.96 * dev[i])) / h as f64;
                    t8 += f64::from(u8::from(test[i] >= l8[i] && test[i] <= h8[i])) / h as f64;
                    t9 += f64::from(u8::from(test[i] >= l9[i] && test[i] <= h9[i])) / h as f64;
                }
            }
            println!(
                "{g} {name} {label}: sMAPE {:.3} vs {:.3}, MASE {:.4} vs {:.4}, relative {:.4}; cov {:.3} {:.3} vs {:.3} {:.3}; cpu {:.3} vs {:.1} ms = {:.0}x",
                so / n,
                st / n,
                mo / n,
                mt / n,
                0.5 * (so / st + mo / mt),
                c8 / n,
                c9 / n,
                t8 / n,
                t9 / n,
                time / n * 1000.0,
                d["ms"][*name].as_f64().unwrap_or(0.0),
                d["ms"][*name].as_f64().unwrap_or(0.0) / (time / n * 1000.0)
            );
        }
    }
}
