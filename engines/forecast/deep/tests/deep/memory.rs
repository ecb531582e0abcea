//! What a training takes in memory, against what was declared.

use atsre_forecast_deep::{Configuration, declared_bytes};

use crate::child;
use crate::fixture::{HORIZON, SEASON, forecast, integer, job, noisy_sine, panel};

const NAME: &str = "memory::declared_memory_covers_the_measured_peak";
const LENGTH: usize = 600;

/// Peak resident memory of this process in bytes, where the system tells it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[test]
fn declared_memory_covers_the_measured_peak() {
    let sized = |batch_size: i64| {
        job(
            panel(vec![noisy_sine(LENGTH, 0.5, 50)]),
            &[("steps", integer(3)), ("hidden", integer(128)), ("batch_size", integer(batch_size))],
        )
    };
    if child::is_child(NAME) {
        let batch_size = std::env::var("BATCH_SIZE").unwrap().parse().unwrap();
        forecast(&sized(batch_size)).unwrap();
        match peak_bytes() {
            Some(bytes) => println!("peak={bytes}"),
            None => println!("unknown=true"),
        }
        return;
    }
    let measured = |batch_size: &str| {
        let output = child::run(NAME, &[("BATCH_SIZE", batch_size), ("RAYON_NUM_THREADS", "1")]);
        if child::value(&output, "unknown").is_some() {
            return None;
        }
        Some(child::value(&output, "peak").expect("the child died").parse::<u64>().unwrap())
    };
    let (Some(small), Some(large)) = (measured("1024"), measured("16384")) else {
        println!("skipped: this system does not tell a process's peak memory");
        return;
    };
    let declared = |batch_size: usize| {
        let configuration = Configuration::from_spec(&sized(batch_size as i64).spec).unwrap();
        let input_size = configuration.input_size(HORIZON, SEASON, LENGTH);
        // Sine and cosine of the day and the week.
        let architecture = configuration.architecture(input_size, 4, HORIZON, 5);
        declared_bytes(&architecture, batch_size, LENGTH, 4)
    };
    println!(
        "1024: declared {}, measured {small}; 16384: declared {}, measured {large}",
        declared(1_024),
        declared(16_384)
    );
    for (declared, measured) in [(declared(1_024), small), (declared(16_384), large)] {
        assert!(declared >= measured, "declared {declared} bytes, measured {measured}");
        assert!(declared <= 2 * measured, "declared {declared} bytes, measured {measured}");
    }
    // A batch that is sixteen times as large really takes more: this is what halving it heals.
    assert!(large > 4 * small, "{small} bytes at 1024, {large} at 16384");
}
