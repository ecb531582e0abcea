//! Watching real processes. Nothing here waits for luck: the tests loop until a fact is seen.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use atsre_domain::Timestamp;
use atsre_domain::telemetry::EnergySource;
use atsre_monitor::{Batch, MonitorError, Sampler, SamplerOptions, host};

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64)
}

fn burning() -> Child {
    Command::new("sh").args(["-c", "while :; do :; done"]).stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_busy_child_is_seen_at_work() {
    let mut child = burning();
    let mut sampler = Sampler::new(child.id(), SamplerOptions::default()).unwrap();
    let mut batch = Batch::new(child.id());
    let mut earlier = sampler.usage();
    let mut busiest = 0;
    // It burns until it is killed, so the counter must pass any mark.
    while sampler.usage().cpu_ms < 300 {
        let sample = sampler.sample(now()).unwrap();
        assert!(sample.rss_bytes > 0);
        busiest = busiest.max(sample.cpu_milli);
        let usage = sampler.usage();
        assert!(usage.cpu_ms >= earlier.cpu_ms && usage.energy_mj >= earlier.energy_mj, "counters never fall");
        assert!(usage.peak_rss_bytes >= sample.rss_bytes);
        if sample.energy_source == EnergySource::Estimate {
            assert_eq!(sample.assumed_core_milliwatts, Some(10_000));
            // 10 W for every millisecond of work, up to one millijoule of rounding.
            assert!(usage.energy_mj.abs_diff(usage.cpu_ms * 10) <= 1, "{usage:?}");
        }
        earlier = usage;
        if let Some(full) = batch.push(sample) {
            assert!(full.offset_ms.is_sorted());
        }
    }
    assert!(busiest > 0);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_end_of_a_process_is_told_by_its_type_whether_it_was_reaped_or_not() {
    let mut child = burning();
    let mut sampler = Sampler::new(child.id(), SamplerOptions::default()).unwrap();
    sampler.sample(now()).unwrap();
    let seen = sampler.usage();
    child.kill().unwrap();
    // Until it is waited for, it is a zombie: the signal may take a moment to arrive.
    let end = loop {
        if let Err(end) = sampler.sample(now()) {
            break end;
        }
    };
    assert!(matches!(end, MonitorError::Ended(pid) if pid == child.id()), "{end}");
    child.wait().unwrap();
    assert!(matches!(sampler.sample(now()), Err(MonitorError::Ended(_))));
    assert!(sampler.usage().peak_rss_bytes >= seen.peak_rss_bytes, "what was seen stays known");
    assert!(matches!(Sampler::new(child.id(), SamplerOptions::default()), Err(MonitorError::NoSuchProcess(_))));
}

#[cfg(target_os = "linux")]
#[test]
fn a_peak_between_two_samples_is_seen() {
    const BYTES: usize = 96 << 20;
    let mut sampler = Sampler::new(std::process::id(), SamplerOptions::default()).unwrap();
    let before = sampler.sample(now()).unwrap();
    let mut block = vec![0_u8; BYTES];
    block.iter_mut().step_by(4_096).for_each(|byte| *byte = 1);
    black_box(&block);
    drop(block);
    sampler.sample(now()).unwrap();
    assert!(sampler.usage().peak_rss_bytes >= BYTES as u64 && sampler.usage().peak_rss_bytes >= before.rss_bytes);
}

#[test]
fn threads_count_as_their_process() {
    let mut sampler = Sampler::new(std::process::id(), SamplerOptions::default()).unwrap();
    sampler.sample(now()).unwrap();
    let before = sampler.usage().cpu_ms;
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                black_box(0);
            }
        });
        // Only the other thread works; this one asks now and then.
        while sampler.usage().cpu_ms < before + 100 {
            std::thread::yield_now();
            sampler.sample(now()).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn the_machine_has_cores_and_memory() {
    let host = host().unwrap();
    assert!(host.cores >= 1);
    assert!(host.memory_bytes >= host.available_memory_bytes && host.available_memory_bytes > 0);
    #[cfg(target_arch = "x86_64")]
    assert!(host.cpu_features.split(' ').any(|f| f == "sse2"), "{}", host.cpu_features);
    for gpu in host.gpus {
        assert!(gpu.memory_bytes >= gpu.free_memory_bytes && !gpu.name.is_empty());
    }
}
