//! Times pretrained models on one thread of the processor: `cargo run --release -p atsre-forecast-deep --example zero_shot
//! [-- FOLDER BATCH]`, where FOLDER is a Chronos-Bolt and BATCH its contexts a batch. Milliseconds of wall time a call,
//! the least of a few.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::time::Instant;

use atsre_forecast_deep::chronos::bolt::{Bolt, Continuation};
use atsre_forecast_deep::fracast::Network;
use burn::tensor::Device;

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let fracast = Network::pretrained().unwrap();
    for length in [132, 700, 2_048] {
        let history = history(length);
        // A series of its own periods each time would have no prefix to share; this one has from the second call on.
        report(&format!("fracast-0, 1 series of {length}, 48 steps"), || {
            std::hint::black_box(fracast.forecast(&history, 48));
        });
    }
    let Some(folder) = std::env::args().nth(1) else { return };
    let batch = std::env::args().nth(2).map_or(32, |batch| batch.parse().unwrap());
    let bolt = Bolt::open(Path::new(&folder), &Device::flex()).unwrap();
    for (series, length, horizon) in [(8, 2_048, 64), (32, 200, 64), (8, 2_048, 128)] {
        let histories = vec![history(length); series];
        report(&format!("chronos-bolt, {series} series of {length}, {horizon} steps"), || {
            bolt.forecast(&histories, horizon, Continuation::Paths, batch, &|| Ok(())).unwrap();
        });
    }
}

fn history(length: usize) -> Vec<f64> {
    (0..length).map(|t| (t as f64 * 0.3).sin() + 0.01 * ((t * 7_919) % 101) as f64).collect()
}

fn report(what: &str, mut call: impl FnMut()) {
    call();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        call();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{what}: {:.2} ms", best * 1e3);
}
