//! What a training takes in memory, against what was declared.

use atsre_forecast::TrialJob;
use atsre_forecast::catalogue::{DEEPAR, DLINEAR_NET, NBEATS, NBEATS_INTERPRETABLE, NHITS, PATCHTST, TFT, TIDE};
use atsre_forecast_deep::{Configuration, WindowShape, declared_bytes};

use crate::child;
use crate::fixture::{HORIZON, SEASON, forecast, integer, noisy_sine};
use crate::nets::job_of;

const NAME: &str = "memory::declared_memory_covers_the_measured_peak";
const LENGTH: usize = 600;

/// Peak resident memory of this process in bytes, where the system tells it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Three steps of a network on one series, and bytes declared for them.
fn sized(model: &str, batch_size: usize) -> (TrialJob, u64) {
    let mut settings = vec![("steps", integer(3)), ("batch_size", integer(batch_size as i64))];
    match model {
        NHITS => settings.push(("hidden", integer(128))),
        NBEATS | NBEATS_INTERPRETABLE | TIDE => settings.push(("hidden", integer(64))),
        _ => {}
    }
    let job = job_of(model, vec![noisy_sine(LENGTH, 0.5, 50)], &settings);
    let configuration = Configuration::from_spec(&job.spec).unwrap();
    let input_size = configuration.input_size(HORIZON, SEASON, LENGTH);
    // Sine and cosine of the day and the week.
    let calendar = if configuration.takes_covariates() { 4 } else { 0 };
    let (known, phases) = if configuration.moment_by_moment() { (calendar, 0) } else { (0, calendar) };
    let shape = WindowShape {
        input_size,
        horizon: HORIZON,
        covariate_context: configuration.covariate_context(input_size, HORIZON),
        known,
        past: 0,
        constant: 0,
        phases,
        mask: false,
    };
    let architecture = configuration.architecture(&shape, 5);
    (job, declared_bytes(&architecture, batch_size, LENGTH, calendar))
}

#[test]
fn declared_memory_covers_the_measured_peak() {
    if child::is_child(NAME) {
        let variable = |name: &str| std::env::var(name).unwrap();
        forecast(&sized(&variable("MODEL"), variable("BATCH_SIZE").parse().unwrap()).0).unwrap();
        match peak_bytes() {
            Some(bytes) => println!("peak={bytes}"),
            None => println!("unknown=true"),
        }
        return;
    }
    let measured = |model: &str, batch_size: usize| {
        let batch_size = batch_size.to_string();
        let variables = [("MODEL", model), ("BATCH_SIZE", &batch_size), ("RAYON_NUM_THREADS", "1")];
        let output = child::run(NAME, &variables);
        if child::value(&output, "unknown").is_some() {
            return None;
        }
        Some(child::value(&output, "peak").expect("the child died").parse::<u64>().unwrap())
    };
    for (model, batches) in [
        (NHITS, [1_024, 16_384]),
        (DLINEAR_NET, [1_024, 65_536]),
        (NBEATS, [1_024, 16_384]),
        (NBEATS_INTERPRETABLE, [1_024, 16_384]),
        (TIDE, [1_024, 16_384]),
        (PATCHTST, [256, 8_192]),
        (DEEPAR, [256, 4_096]),
        (TFT, [256, 4_096]),
    ] {
        let found: Vec<_> = batches.iter().filter_map(|batch| measured(model, *batch)).collect();
        let [small, large] = found[..] else {
            println!("skipped: this system does not tell a process's peak memory");
            return;
        };
        for (batch_size, measured) in batches.into_iter().zip([small, large]) {
            let declared = sized(model, batch_size).1;
            println!("{model}, batches of {batch_size}: declared {declared} bytes, measured {measured}");
            assert!(declared >= measured, "{model}, {batch_size}: declared {declared} bytes, measured {measured}");
            assert!(declared <= 2 * measured, "{model}, {batch_size}: declared {declared} bytes, measured {measured}");
        }
        // A batch that is sixteen times as large really takes more: this is what halving it heals.
        assert!(large > 3 * small, "{model}: {small} bytes in small batches, {large} in large ones");
    }
}
