//! The sampler at ten samples a second, in processor time of its own thread's work.

use std::time::{Duration, Instant};

use atsre_domain::Timestamp;
use atsre_monitor::{Batch, Sampler, SamplerOptions};

use crate::outcome::{Bar, Outcome};

/// Watches this process for so many samples, and counts what the thread that does so has used meanwhile.
///
/// # Errors
/// Where the system says nothing about processes.
pub fn run(samples: u64) -> anyhow::Result<Outcome> {
    let interval = SamplerOptions::SHORTEST_INTERVAL;
    let mut sampler = Sampler::new(std::process::id(), SamplerOptions { interval, ..SamplerOptions::default() })?;
    let mut batch = Batch::new(sampler.pid());
    sampler.sample(now())?;
    let (began, before) = (Instant::now(), used()?);
    for count in 1..=samples {
        let due = interval * u32::try_from(count)?;
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        if let Some(full) = batch.push(sampler.sample(now())?) {
            std::hint::black_box(full);
        }
    }
    let (elapsed, used) = (began.elapsed(), used()? - before);
    let percent = used.as_secs_f64() / elapsed.as_secs_f64() * 100.0;
    Ok(Outcome {
        measured: vec![
            ("samples".into(), samples.to_string()),
            ("processor time a sample".into(), format!("{:.1} µs", used.as_secs_f64() * 1e6 / samples as f64)),
        ],
        what: "percent of a core",
        value: percent,
        bar: Bar::Below(1.0),
    })
}

fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_micros())
}

/// Processor time of this thread, which does nothing but sample, in nanoseconds as the scheduler counts it: the clock
/// ticks of `stat` are too coarse.
fn used() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(text.split_whitespace().next().unwrap_or_default().parse()?))
}
