//! Forecasts of very many series, streamed from a file.
//!
//! `cargo run --release -p atsre-forecast --example many -- write SERIES FILE` makes monthly series of 48 to 96 values, and
//! `… -- forecast FILE MODEL THREADS` streams them through a model and prints series, seconds, the highest memory and a
//! checksum of all forecasts, which is the same on any number of threads.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use atsre_curation::ingest::IngestOptions;
use atsre_curation::stream::SeriesStream;
use atsre_domain::Finite;
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};
use atsre_forecast::{BATCH, Progress, Registry, StreamRequest, forecast_stream};

/// Declared seconds that `auto` may spend on a batch of 512 series.
const BUDGET: f64 = 30.0;

/// A number between −0.5 and 0.5 that depends on the two given ones.
fn noise(series: usize, t: usize) -> f64 {
    let mut z = ((series as u64) << 20 | t as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn write(series: usize, path: &str) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "item,month,value")?;
    for s in 0..series {
        let mut level = 50.0 + 400.0 * (noise(s, 0) + 0.5);
        for t in 0..48 + s % 49 {
            level *= 1.0 + 0.02 * noise(s, t + 1);
            let season = 1.0 + 0.2 * (std::f64::consts::TAU * (t + s % 12) as f64 / 12.0).sin();
            let value = level * season * (1.0 + 0.1 * noise(s, t + 1_000));
            writeln!(file, "item {s:06},{}-{:02}-01,{value:.2}", 2015 + t / 12, t % 12 + 1)?;
        }
    }
    file.flush()
}

/// The highest memory that this process ever had, in MiB.
fn peak_mebibytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
}

/// Tells on standard error how far it is, every 20 batches.
struct Told;

impl Progress for Told {
    fn report(&self, _fraction: f64, message: &str) {
        let done: usize = message.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        if done.is_multiple_of(20 * BATCH) {
            eprintln!("{message}, {:.0} MiB", peak_mebibytes());
        }
    }

    fn cancelled(&self) -> bool {
        false
    }
}

fn forecast(path: &str, model: &str, threads: u32) {
    let start = Instant::now();
    let file = File::open(path).expect("the file is there");
    let stream = SeriesStream::open(file, &IngestOptions::for_file(path), BATCH).expect("the file has many series");
    let mut hyperparameters = Hyperparameters::new();
    if model == "auto" {
        hyperparameters
            .insert("budget_seconds".to_owned(), Setting::Number(Finite::of(BUDGET).expect("a finite number")));
    }
    let request = StreamRequest {
        frequency: stream.frequency(),
        covariates: Vec::new(),
        spec: ModelSpec {
            framework: "atsre".to_owned(),
            model: model.to_owned(),
            hyperparameters,
            covariates: Vec::new(),
            device: Device::Cpu,
        },
        horizon: 12,
        quantile_levels: vec![0.1, 0.5, 0.9],
        season_length: stream.seasons().first().copied().unwrap_or(1),
        calibration_windows: 0,
        seed: 1,
        threads,
    };
    println!("season {}, {model}, {threads} threads", request.season_length);
    let registry = Registry::classical();
    let series = stream.map(|s| s.expect("the file is sound"));
    let (mut count, mut failed, mut checksum) = (0_usize, 0_usize, 0_u64);
    for result in forecast_stream(series, request, &registry, &Told) {
        count += 1;
        match result {
            Ok(f) => {
                for value in f.mean.iter().chain(f.quantiles.iter().flatten()) {
                    checksum = checksum.rotate_left(5) ^ value.to_bits();
                }
            }
            Err(_) => failed += 1,
        }
    }
    println!(
        "{count} series, {failed} failed, {:.1} s, at most {:.0} MiB, checksum {checksum:016x}",
        start.elapsed().as_secs_f64(),
        peak_mebibytes()
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", series, path] => {
            write(series.parse().expect("a number of series"), path).expect("the file is written")
        }
        ["forecast", path, model, threads] => forecast(path, model, threads.parse().expect("a number of threads")),
        _ => eprintln!("write SERIES FILE, or forecast FILE MODEL THREADS"),
    }
}
