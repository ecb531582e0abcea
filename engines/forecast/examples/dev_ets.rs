#![allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
use atsre_forecast::models::ets::{Bounds, Options, Pattern, fit, select};
use serde_json::Value;
fn cpu() -> f64 {
    std::fs::read_to_string("/proc/self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-9
}
fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().map_or(vec![], |a| a.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect())
}
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let cap: f64 = std::env::args().nth(2).map_or(1.0, |s| s.parse().unwrap());
    let verbose = std::env::args().nth(3).is_some();
    for g in ["m3_yearly", "m3_quarterly", "m3_monthly", "m4_weekly", "nn5_daily", "m4_hourly"] {
        let d: Value = serde_json::from_str(&std::fs::read_to_string(format!("{dir}/{g}.json")).unwrap()).unwrap();
        let (m, h) = (d["m"].as_u64().unwrap() as usize, d["h"].as_u64().unwrap() as usize);
        for (name, pat, damped) in [
            ("AutoETS", "ZZZ", None),
            ("ETS_AAA", "AAA", Some(false)),
            ("ETS_AAdN", "AAN", Some(true)),
            ("HoltWinters_A", "AAA", None),
            ("Holt_A", "AAN", None),
        ] {
            let Some(cases) = d["models"][name].as_object() else { continue };
            let (mut better, mut time, mut worst, mut es, mut et, mut cov, mut covt, mut ratio) =
                (0, 0.0, f64::NEG_INFINITY, 0.0, 0.0, 0.0, 0.0, vec![]);
            for (id, c) in cases {
                let y = numbers(&d["series"][id]["train"]);
                let test = numbers(&d["series"][id]["test"]);
                let o = Options {
                    bounds: if cap < 1.0 {
                        Bounds::Cautious
                    } else if cap < 2.0 {
                        Bounds::Usual
                    } else {
                        Bounds::Admissible
                    },
                };
                let t = cpu();
                let p = Pattern::parse(pat).unwrap().damped(damped);
                let f = match p.single() {
                    Some(form) => fit(&y, m, form, &o).unwrap(),
                    None => select(&y, m, p, &o).unwrap(),
                };
                let mean = f.mean(h);
                let dev = f.deviation(h);
                time += cpu() - t;
                let theirs = c["fit"]["aicc"].as_f64().unwrap();
                let gap = f.aicc() - theirs;
                if gap < 0.01 {
                    better += 1
                }
                if verbose {
                    println!(
                        "  {id} ours {} {:.3} theirs {} {:.3} gap {gap:.3} a {:.3} b {:.4} g {:.4} phi {:.3} | {}",
                        f.form,
                        f.aicc(),
                        c["fit"]["method"],
                        theirs,
                        f.parameters.alpha,
                        f.parameters.beta,
                        f.parameters.gamma,
                        f.parameters.phi,
                        c["fit"]["par"].to_string().chars().take(60).collect::<String>()
                    );
                }
                worst = worst.max(gap);
                let scale: f64 = if y.len() > m {
                    y.iter().zip(&y[m..]).map(|(a, b)| (a - b).abs()).sum::<f64>() / (y.len() - m) as f64
                } else {
                    1.0
                };
                let tm = numbers(&c["mean"]);
                es += mean.iter().zip(&test).map(|(a, b)| (a - b).abs()).sum::<f64>() / h as f64 / scale;
                et += tm.iter().zip(&test).map(|(a, b)| (a - b).abs()).sum::<f64>() / h as f64 / scale;
                let (lo, hi) = (numbers(&c["lo-80"]), numbers(&c["hi-80"]));
                for i in 0..h {
                    cov += f64::from(u8::from((test[i] - mean[i]).abs() <= 1.2816 * dev[i])) / h as f64;
                    covt += f64::from(u8::from(test[i] >= lo[i] && test[i] <= hi[i])) / h as f64;
                    ratio.push(2.0 * 1.2816 * dev[i] / (hi[i] - lo[i]));
                }
            }
            ratio.sort_by(f64::total_cmp);
            let n = cases.len() as f64;
            println!(
                "{g} {name}: at least as good {better}/{n}, worst aicc gap {worst:.3}, MASE ours {:.4} theirs {:.4}, cov80 {:.3} vs {:.3}, width ratio {:.3}, ms/series {:.3}",
                es / n,
                et / n,
                cov / n,
                covt / n,
                ratio[ratio.len() / 2],
                1000.0 * time / n
            );
        }
    }
}
