//! `atsre worker`: a trial's child process. It reads one job, computes, and writes what it found.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use atsre_actors::trial::protocol::{self, Job, Message};
use atsre_domain::failure::{FailureKind, Usage};
use atsre_domain::model::Device;
use atsre_forecast::{ForecastError, Progress, Registry};
use atsre_monitor::{Sampler, SamplerOptions};
use atsre_store::told;

/// Every model that this build can run.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::classical();
    atsre_forecast_deep::register(&mut registry);
    registry
}

/// Runs the worker. Its standard output speaks the protocol and nothing else.
#[must_use]
pub fn run() -> ExitCode {
    let job = match protocol::read_job(std::io::stdin().lock()) {
        Ok(job) => job,
        Err(error) => {
            crate::output::note(format!("the job cannot be read: {error}"));
            return ExitCode::from(2);
        }
    };
    if let Err(error) = limit_memory(&job) {
        crate::output::note(format!("the memory limit cannot be set: {error}"));
        return ExitCode::FAILURE;
    }
    let outlet = Outlet::default();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let heart = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                outlet.send(&Message::Heartbeat);
                std::thread::park_timeout(Duration::from_millis(job.heartbeat_ms));
            }
        });
        fault::cause();
        let message = compute(&job, &outlet);
        done.store(true, Ordering::Relaxed);
        heart.thread().unpark();
        outlet.send(&message);
    });
    ExitCode::SUCCESS
}

fn compute(job: &Job, outlet: &Outlet) -> Message {
    match atsre_forecast::run(&job.trial, &registry(), outlet) {
        Ok(result) => match serde_json::to_vec(&result) {
            Ok(json) => Message::Result { json, usage: own_usage(job) },
            Err(error) => Message::Failed { kind: FailureKind::Crashed, message: error.to_string() },
        },
        Err(error) => Message::Failed { kind: kind(&error), message: told(&error) },
    }
}

/// What this process has used so far.
fn own_usage(job: &Job) -> Usage {
    let options = SamplerOptions { core_milliwatts: job.core_milliwatts, ..SamplerOptions::default() };
    let seen = Sampler::new(std::process::id(), options).and_then(|mut sampler| {
        sampler.sample(crate::node::clock())?;
        Ok(sampler.usage())
    });
    // Without figures of its own, what the parent saw stands.
    seen.unwrap_or_default()
}

fn kind(error: &ForecastError) -> FailureKind {
    match error {
        ForecastError::Numerical { .. } => FailureKind::NonFinite,
        ForecastError::Backend { problem, .. } if problem.contains("ran out of memory") => FailureKind::GpuOutOfMemory,
        ForecastError::Backend { .. } => FailureKind::DeviceLost,
        ForecastError::Cancelled => FailureKind::DeadlineExceeded,
        ForecastError::UnknownModel { .. }
        | ForecastError::Setting { .. }
        | ForecastError::Job(_)
        | ForecastError::TooShort { .. }
        | ForecastError::NotFitted(_)
        | ForecastError::TimeAxis { .. } => FailureKind::Unfit,
    }
}

/// The data segment is what the limit bounds: heap and private mappings. A refused allocation then ends the process
/// with a message that names its size. A GPU driver maps far more than it uses, so there the parent's watchdog
/// on the resident set is the limit.
fn limit_memory(job: &Job) -> std::io::Result<()> {
    if job.trial.spec.device == Device::Gpu {
        return Ok(());
    }
    #[cfg(unix)]
    rlimit::setrlimit(rlimit::Resource::DATA, job.limits.memory_bytes, job.limits.memory_bytes)?;
    Ok(())
}

/// Standard output, shared by the heartbeat and the computation.
#[derive(Debug, Default)]
struct Outlet {
    lock: Mutex<()>,
}

impl Outlet {
    fn send(&self, message: &Message) {
        let held = self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut out = std::io::stdout().lock();
        if protocol::write_message(&mut out, message).and_then(|()| Ok(out.flush()?)).is_err() {
            // The parent is gone: nobody wants the result any more.
            std::process::exit(1);
        }
        drop(held);
    }
}

impl Progress for Outlet {
    fn report(&self, fraction: f64, message: &str) {
        self.send(&Message::Progress { fraction, message: message.to_owned() });
    }

    fn cancelled(&self) -> bool {
        false
    }
}

/// Faults that tests ask a worker for by `ATSRE_WORKER_FAULT`, so that healing is tested on real processes: the
/// parent cannot tell them from the real thing, because they are.
mod fault {
    use std::io::Write as _;

    pub(super) fn cause() {
        let Ok(fault) = std::env::var("ATSRE_WORKER_FAULT") else { return };
        // `once:PATH:FAULT` happens the first time only: PATH marks that it has happened, and in which process.
        let fault = match fault.strip_prefix("once:").and_then(|rest| rest.rsplit_once(':')) {
            Some((marker, fault)) => match std::fs::OpenOptions::new().write(true).create_new(true).open(marker) {
                Ok(mut marker) => {
                    let _ = write!(marker, "{}", std::process::id());
                    fault.to_owned()
                }
                Err(_) => return,
            },
            None => fault,
        };
        match fault.as_str() {
            "exit" => std::process::exit(7),
            "abort" => std::process::abort(),
            "rubbish" => {
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(b"Segmentation fault (core dumped)\n\n\n\n");
                let _ = out.flush();
                std::process::exit(0);
            }
            // Holds the lock on standard output, so that the heartbeat falls silent as it does in a hung process.
            "hang" => {
                let _held = std::io::stdout().lock();
                loop {
                    std::thread::park();
                }
            }
            // Alive, but it never gets done.
            "wait" => loop {
                std::thread::park();
            },
            _ => {}
        }
    }
}
