//! Healing: from the evidence of a failed attempt to a diagnosis and a changed attempt, or to giving up.

use crate::experiment::Trial;
use crate::failure::{Failure, FailureClass, FailureKind, Usage};
use crate::finite::Finite;
use crate::model::{Device, Limits, ModelSpec, Setting};

/// Attempts, weighted by class, after which a trial is given up.
const MAXIMUM_ATTEMPTS: u32 = 5;
/// Below this batch size halving it saves nothing that matters.
const SMALLEST_BATCH: i64 = 8;
/// A retry with less time than this cannot end.
const SHORTEST_USEFUL_MS: u64 = 2_000;

/// What to do with a failed trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Healing {
    /// Try again, changed.
    Retry {
        /// The cause, from the evidence.
        diagnosis: String,
        /// What is different, a phrase each.
        changes: Vec<String>,
        /// The changed model.
        spec: ModelSpec,
        /// The changed limits.
        limits: Limits,
    },
    /// Give up.
    Abandon {
        /// Why.
        reason: String,
    },
}

/// Decides on a failed trial. `remaining_ms` is what is left of the experiment's wall time.
#[must_use]
pub fn heal(trial: &Trial, remaining_ms: u64) -> Healing {
    let Some(last) = trial.failures.last() else {
        return Healing::Abandon { reason: "there is no failure on record to learn from".to_owned() };
    };
    let diagnosis = diagnose(&last.failure, last.usage, trial.limits);
    let weight: u32 =
        trial.failures.iter().map(|f| if f.failure.kind.class() == FailureClass::Bug { 2 } else { 1 }).sum();
    if weight >= MAXIMUM_ATTEMPTS {
        return Healing::Abandon { reason: format!("{diagnosis}; given up after {} attempts", trial.failures.len()) };
    }
    if remaining_ms < SHORTEST_USEFUL_MS {
        return Healing::Abandon { reason: format!("{diagnosis}; no time is left for another attempt") };
    }
    match change(&trial.spec, last.failure.kind) {
        Some((spec, changes)) => {
            let limits = Limits { deadline_ms: trial.limits.deadline_ms.min(remaining_ms), ..trial.limits };
            Healing::Retry { diagnosis, changes, spec, limits }
        }
        None => Healing::Abandon { reason: format!("{diagnosis}; nothing about this model is left to change") },
    }
}

/// The cause, in words, from the telemetry and the end of the process.
#[must_use]
pub fn diagnose(failure: &Failure, usage: Usage, limits: Limits) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let peak = usage.peak_rss_bytes as f64 / MIB;
    let limit = limits.memory_bytes as f64 / MIB;
    let seconds = usage.wall_ms as f64 / 1000.0;
    match failure.kind {
        FailureKind::OutOfMemory
            if usage.peak_rss_bytes.saturating_mul(10) >= limits.memory_bytes.saturating_mul(6) =>
        {
            format!(
                "out of memory: the resident set reached {peak:.0} MiB of the {limit:.0} MiB allowed after {seconds:.1} s"
            )
        }
        FailureKind::OutOfMemory => format!(
            "out of memory: one allocation would have passed the limit of {limit:.0} MiB while {peak:.0} MiB were resident"
        ),
        FailureKind::GpuOutOfMemory => {
            let gpu = usage.peak_gpu_mem_bytes.map_or_else(String::new, |b| format!(" at {:.0} MiB", b as f64 / MIB));
            format!("the GPU ran out of memory{gpu}")
        }
        FailureKind::DeadlineExceeded => {
            format!("too slow: not done after {seconds:.1} s, {:.0} % of them on the processor", share(usage))
        }
        FailureKind::Hung => format!(
            "hung: no sign of life, {:.0} % of {seconds:.1} s on the processor, {peak:.0} MiB resident",
            share(usage)
        ),
        FailureKind::Killed => {
            format!("killed from outside at {peak:.0} MiB of {limit:.0} MiB, so not by its own memory")
        }
        FailureKind::Crashed => format!("crashed after {seconds:.1} s: {}", failure.message),
        FailureKind::ProtocolViolation => format!("its output could not be read: {}", failure.message),
        FailureKind::NonFinite => format!("training diverged: {}", failure.message),
        FailureKind::Unfit => format!("the model does not fit these data: {}", failure.message),
        FailureKind::DeviceLost => format!("the device is gone: {}", failure.message),
        FailureKind::StartFailed => format!("the worker could not be started: {}", failure.message),
        FailureKind::Interrupted => "the node stopped while it ran".to_owned(),
    }
}

fn share(usage: Usage) -> f64 {
    if usage.wall_ms == 0 { 0.0 } else { 100.0 * usage.cpu_ms as f64 / usage.wall_ms as f64 }
}

/// The changed model and what changed, or nothing where no change is left that could help.
fn change(spec: &ModelSpec, kind: FailureKind) -> Option<(ModelSpec, Vec<String>)> {
    let mut changed = spec.clone();
    let what = match kind {
        FailureKind::OutOfMemory => shrink(&mut changed, &["batch_size", "hidden", "input_multiple", "window_cap"]),
        FailureKind::GpuOutOfMemory => shrink(&mut changed, &["batch_size"]).or_else(|| to_cpu(&mut changed)),
        FailureKind::DeviceLost => to_cpu(&mut changed).or_else(|| Some("the same again".to_owned())),
        FailureKind::DeadlineExceeded => shrink(&mut changed, &["steps", "hidden", "window_cap"]),
        // A model with nothing to shrink may have hung by accident of its machine.
        FailureKind::Hung => {
            shrink(&mut changed, &["steps", "hidden", "window_cap"]).or_else(|| Some("the same again".to_owned()))
        }
        FailureKind::NonFinite => lower_learning_rate(&mut changed),
        FailureKind::Killed | FailureKind::StartFailed | FailureKind::Interrupted => Some("the same again".to_owned()),
        FailureKind::Crashed | FailureKind::ProtocolViolation => Some("the same again, once".to_owned()),
        FailureKind::Unfit => None,
    }?;
    Some((changed, vec![what]))
}

/// Halves the first of these settings that can still be halved.
fn shrink(spec: &mut ModelSpec, settings: &[&str]) -> Option<String> {
    for name in settings {
        let Some(Setting::Integer(value)) = spec.hyperparameters.get_mut(*name) else { continue };
        let smallest = match *name {
            "batch_size" => SMALLEST_BATCH,
            "hidden" | "steps" | "window_cap" => 16,
            _ => 1,
        };
        if *value / 2 >= smallest {
            let before = *value;
            *value /= 2;
            return Some(format!("{name} {before} → {value}"));
        }
    }
    None
}

fn to_cpu(spec: &mut ModelSpec) -> Option<String> {
    if spec.device == Device::Cpu {
        return None;
    }
    spec.device = Device::Cpu;
    Some("device GPU → CPU".to_owned())
}

fn lower_learning_rate(spec: &mut ModelSpec) -> Option<String> {
    let before = spec.number("learning_rate", 0.001);
    let after = Finite::of(before / 10.0).filter(|v| v.get() >= 1e-6)?;
    spec.hyperparameters.insert("learning_rate".to_owned(), Setting::Number(after));
    Some(format!("learning_rate {before} → {after}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::experiment::{Attempted, TrialState};
    use crate::identity::{Attempt, Epoch};
    use crate::plan::TrialRole;

    const MIB: u64 = 1024 * 1024;

    fn failed(kind: FailureKind, settings: &[(&str, i64)], times: u32) -> Trial {
        let failure =
            Failure { kind, message: "said so".to_owned(), trace: String::new(), exit_code: None, signal: None };
        let usage = Usage { wall_ms: 4_000, cpu_ms: 3_900, peak_rss_bytes: 490 * MIB, ..Usage::default() };
        let attempted = |n| Attempted { attempt: Attempt(n), failure: failure.clone(), usage, healed: None };
        Trial {
            role: TrialRole::Candidate,
            spec: ModelSpec {
                framework: "atsre".to_owned(),
                model: "nhits".to_owned(),
                hyperparameters: settings.iter().map(|(n, v)| ((*n).to_owned(), Setting::Integer(*v))).collect(),
                covariates: Vec::new(),
                device: Device::Cpu,
            },
            limits: Limits { memory_bytes: 512 * MIB, deadline_ms: 30_000, threads: 1 },
            attempt: Attempt(times),
            epoch: Epoch(1),
            state: TrialState::Failed,
            failures: (1..=times).map(attempted).collect(),
        }
    }

    #[test]
    fn out_of_memory_halves_the_batch_and_names_the_peak() {
        let Healing::Retry { diagnosis, changes, spec, .. } =
            heal(&failed(FailureKind::OutOfMemory, &[("batch_size", 4096), ("hidden", 256)], 1), 60_000)
        else {
            panic!("a retry was due")
        };
        assert_eq!(changes, ["batch_size 4096 → 2048"]);
        assert_eq!(spec.integer("batch_size", 0), 2048);
        assert_eq!(spec.integer("hidden", 0), 256);
        assert!(diagnosis.contains("490 MiB of the 512 MiB"), "{diagnosis}");
    }

    #[test]
    fn the_smallest_batch_shrinks_the_net_instead() {
        let Healing::Retry { changes, .. } =
            heal(&failed(FailureKind::OutOfMemory, &[("batch_size", 8), ("hidden", 256)], 1), 60_000)
        else {
            panic!("a retry was due")
        };
        assert_eq!(changes, ["hidden 256 → 128"]);
    }

    #[test]
    fn a_defect_of_ours_counts_double_towards_giving_up() {
        assert!(matches!(heal(&failed(FailureKind::Crashed, &[], 2), 60_000), Healing::Retry { .. }));
        assert!(matches!(heal(&failed(FailureKind::Crashed, &[], 3), 60_000), Healing::Abandon { .. }));
        assert!(matches!(heal(&failed(FailureKind::Killed, &[], 4), 60_000), Healing::Retry { .. }));
        assert!(matches!(heal(&failed(FailureKind::Killed, &[], 5), 60_000), Healing::Abandon { .. }));
    }

    #[test]
    fn data_that_do_not_fit_are_not_tried_again() {
        assert!(matches!(heal(&failed(FailureKind::Unfit, &[("batch_size", 64)], 1), 60_000), Healing::Abandon { .. }));
    }

    #[test]
    fn without_time_there_is_no_retry() {
        assert!(matches!(
            heal(&failed(FailureKind::OutOfMemory, &[("batch_size", 64)], 1), 500),
            Healing::Abandon { .. }
        ));
    }

    #[test]
    fn divergence_lowers_the_learning_rate() {
        let Healing::Retry { spec, .. } = heal(&failed(FailureKind::NonFinite, &[], 1), 60_000) else {
            panic!("a retry was due")
        };
        assert!((spec.number("learning_rate", 0.0) - 0.0001).abs() < 1e-12);
    }
}
