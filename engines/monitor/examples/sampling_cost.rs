//! What a sample costs: `cargo run --release -p atsre-monitor --example sampling_cost`.
//!
//! Samples this very process a thousand times and prints the processor time used for each, and the part of one
//! core that ten samples a second take.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use atsre_domain::Timestamp;
use atsre_monitor::{Sampler, SamplerOptions, host};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const SAMPLES: u32 = 1_000;
    let mut sampler = Sampler::new(std::process::id(), SamplerOptions::default())?;
    println!("{:#?}", host()?);
    let before = sampler.usage().cpu_ms;
    let started = Instant::now();
    for _ in 0..SAMPLES {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        sampler.sample(Timestamp(i64::try_from(now.as_micros())?))?;
    }
    let (wall, usage) = (started.elapsed(), sampler.usage());
    println!("wall time a sample: {:?}", wall / SAMPLES);
    println!(
        "processor time of all: {} ms, so 10 Hz takes {:.3} % of a core",
        usage.cpu_ms - before,
        (usage.cpu_ms - before) as f64 * 10.0 / f64::from(SAMPLES) / 10.0
    );
    println!("{:?}", sampler.sample(Timestamp(0))?);
    Ok(())
}
