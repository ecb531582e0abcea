//! One attempt in one child process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use atsre_domain::failure::{Failure, FailureKind, Usage};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::Limits;
use atsre_domain::telemetry::ResourceBatch;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::classify::{EndedBy, Evidence, classify};
use super::protocol::{Message, ProtocolError, read_message};
use crate::telemetry::Telemetry;

/// How often the watchdog looks at the worker's memory.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);
/// How long a worker that has given its result may take to end.
const EXIT_GRACE: Duration = Duration::from_secs(5);
/// The end of standard error that is kept.
const STDERR_BYTES: usize = 64 * 1024;
/// What a worker may see of the environment. Keys and database addresses are none of its business.
const ENVIRONMENT: [&str; 12] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "XDG_RUNTIME_DIR",
    "VK_ICD_FILENAMES",
    "VK_DRIVER_FILES",
    "WGPU_BACKEND",
    "LD_LIBRARY_PATH",
    "RUST_BACKTRACE",
    "CUBECL_DEBUG_LOG",
    "ATSRE_WORKER_FAULT",
];

/// How workers are started and watched.
#[derive(Clone, Debug)]
pub struct AttemptOptions {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long a worker may be silent.
    pub heartbeat_timeout: Duration,
    /// The time between two kept samples.
    pub sample_interval: Duration,
    /// The power assumed for one busy core where nothing measures it, in milliwatts.
    pub core_milliwatts: u32,
    /// The clock that samples are stamped with.
    pub clock: fn() -> Timestamp,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The encoded [`super::protocol::Job`].
    pub job: Vec<u8>,
    /// What it may use.
    pub limits: Limits,
}

/// What is seen while an attempt runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The process runs.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// It has come so far.
    Progress {
        /// The share done, 0 to 1.
        fraction: f64,
        /// What it is doing.
        message: String,
    },
    /// Samples.
    Sampled(ResourceBatch),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a result, as JSON.
    Completed {
        /// The [`atsre_forecast::job::TrialResult`].
        json: Vec<u8>,
        /// What it used.
        usage: Usage,
    },
    /// With a failure.
    Failed {
        /// What happened.
        failure: Failure,
        /// What it had used.
        usage: Usage,
    },
}

/// Runs an attempt to its end. The process is killed when the future is dropped.
pub async fn run(attempt: Attempt, options: &AttemptOptions, observations: &mpsc::Sender<Observation>) -> Outcome {
    let began = Instant::now();
    let mut child = match spawn(&attempt, options) {
        Ok(child) => child,
        Err(error) => return start_failed(options, &error),
    };
    let pid = child.id().unwrap_or_default();
    observe(observations, Observation::Started { pid }).await;
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return start_failed(options, &std::io::Error::other("the worker's streams were not connected"));
    };
    let feeding = tokio::spawn(feed(stdin, attempt.job));
    let listening = tokio::spawn(keep_tail(stderr));
    let mut telemetry = Telemetry::new(pid, options.sample_interval, options.core_milliwatts, (options.clock)());
    let mut reader = BufReader::new(stdout);
    let mut watch = Watch { limits: attempt.limits, options, began, heard: Instant::now() };
    let spoken = watch.until_spoken(&mut reader, &mut telemetry, observations).await;
    let (ended_by, said, protocol_error, result) = spoken.into_parts();
    let status = reap(&mut child, ended_by).await;
    feeding.abort();
    let stderr = listening.await.unwrap_or_default();
    let (usage, last) = telemetry.finish(began.elapsed());
    if let Some(batch) = last {
        observe(observations, Observation::Sampled(batch)).await;
    }
    if let Some(json) = result {
        return Outcome::Completed { json, usage };
    }
    let evidence = Evidence { ended_by, status, said, protocol_error, stderr: &stderr, usage, limits: attempt.limits };
    Outcome::Failed { failure: classify(&evidence), usage }
}

/// How the conversation ended.
enum Spoken {
    Result(Vec<u8>),
    Failed(FailureKind, String),
    Silence,
    Rubbish(ProtocolError),
    Stopped(EndedBy),
}

type Parts = (EndedBy, Option<(FailureKind, String)>, Option<String>, Option<Vec<u8>>);

impl Spoken {
    fn into_parts(self) -> Parts {
        match self {
            Self::Result(json) => (EndedBy::Itself, None, None, Some(json)),
            Self::Failed(kind, message) => (EndedBy::Itself, Some((kind, message)), None, None),
            Self::Silence => (EndedBy::Itself, None, None, None),
            // A stream that breaks off inside a frame is the trace of a process that died while it wrote.
            Self::Rubbish(ProtocolError::Stream(_)) => (EndedBy::Itself, None, None, None),
            Self::Rubbish(error) => (EndedBy::Protocol, None, Some(error.to_string()), None),
            Self::Stopped(by) => (by, None, None, None),
        }
    }
}

struct Watch<'a> {
    limits: Limits,
    options: &'a AttemptOptions,
    began: Instant,
    heard: Instant,
}

impl Watch<'_> {
    async fn until_spoken(
        &mut self,
        reader: &mut (impl tokio::io::AsyncRead + Unpin + Send),
        telemetry: &mut Telemetry,
        observations: &mpsc::Sender<Observation>,
    ) -> Spoken {
        let deadline = self.began + Duration::from_millis(self.limits.deadline_ms);
        let mut tick = tokio::time::interval(WATCH_INTERVAL.min(self.options.sample_interval));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (sender, mut frames) = mpsc::channel(16);
        let reading = async {
            loop {
                let frame = read_message(reader).await;
                let last = !matches!(frame, Ok(Some(Message::Heartbeat | Message::Progress { .. })));
                if sender.send(frame).await.is_err() || last {
                    // The frame that ends the conversation was sent; stay pending so that the loop below decides.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::pin!(reading);
        loop {
            tokio::select! {
                biased;
                Some(frame) = frames.recv() => {
                    self.heard = Instant::now();
                    match frame {
                        Ok(Some(Message::Heartbeat)) => {}
                        Ok(Some(Message::Progress { fraction, message })) => {
                            observe(observations, Observation::Progress { fraction, message }).await;
                        }
                        Ok(Some(Message::Failed { kind, message })) => return Spoken::Failed(kind, message),
                        Ok(Some(Message::Result { json, usage })) => {
                            telemetry.told(usage, (self.options.clock)());
                            return Spoken::Result(json);
                        }
                        Ok(None) => return Spoken::Silence,
                        Err(error) => return Spoken::Rubbish(error),
                    }
                }
                () = &mut reading => {}
                _ = tick.tick() => {
                    if let Some(batch) = telemetry.tick((self.options.clock)()) {
                        observe(observations, Observation::Sampled(batch)).await;
                    }
                    if telemetry.usage().peak_rss_bytes > self.limits.memory_bytes {
                        return Spoken::Stopped(EndedBy::MemoryWatchdog);
                    }
                    if self.heard.elapsed() > self.options.heartbeat_timeout {
                        return Spoken::Stopped(EndedBy::Heartbeat);
                    }
                }
                () = tokio::time::sleep_until(deadline) => return Spoken::Stopped(EndedBy::Deadline),
            }
        }
    }
}

async fn observe(observations: &mpsc::Sender<Observation>, observation: Observation) {
    // The observer is gone only when the trial itself is being given up.
    if observations.send(observation).await.is_err() {
        tracing::debug!("nobody observes the attempt any more");
    }
}

/// What a worker's allocator holds counts against its memory limit, so it gives back at once what is not used: no address
/// space is kept, one arena for all threads, and freed pages go back after 50 ms.
const ALLOCATOR: &str = "retain:false,narenas:1,dirty_decay_ms:50,muzzy_decay_ms:0";

fn spawn(attempt: &Attempt, options: &AttemptOptions) -> std::io::Result<Child> {
    let kept = ENVIRONMENT.iter().filter_map(|name| Some((OsString::from(name), crate::environment(name)?)));
    Command::new(&options.program)
        .args(&options.arguments)
        .env_clear()
        .envs(kept)
        .env("RAYON_NUM_THREADS", attempt.limits.threads.to_string())
        .env("_RJEM_MALLOC_CONF", ALLOCATOR)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

fn start_failed(options: &AttemptOptions, error: &std::io::Error) -> Outcome {
    let message = format!("{} could not be started: {error}", options.program.display());
    let failure =
        Failure { kind: FailureKind::StartFailed, message, trace: String::new(), exit_code: None, signal: None };
    Outcome::Failed { failure, usage: Usage::default() }
}

async fn feed(mut stdin: ChildStdin, job: Vec<u8>) {
    // A worker that dies before it has read its job is judged by its exit, not by this broken pipe.
    if stdin.write_all(&job).await.is_ok() && stdin.shutdown().await.is_err() {
        tracing::debug!("the worker closed its input early");
    }
}

async fn keep_tail(mut stderr: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut tail: Vec<u8> = Vec::new();
    let mut buffer = [0_u8; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
        tail.extend_from_slice(&buffer[..read]);
        if tail.len() > 2 * STDERR_BYTES {
            tail.drain(..tail.len() - STDERR_BYTES);
        }
    }
    String::from_utf8_lossy(&tail).into_owned()
}

/// Waits for the end; kills a worker that was stopped, or that does not end by itself.
async fn reap(child: &mut Child, ended_by: EndedBy) -> Option<std::process::ExitStatus> {
    if ended_by == EndedBy::Itself
        && let Ok(Ok(status)) = tokio::time::timeout(EXIT_GRACE, child.wait()).await
    {
        return Some(status);
    }
    // Killing what is already dead is no failure; `wait` below tells how it ended.
    if let Err(error) = child.start_kill() {
        tracing::debug!(%error, "the worker was gone before it was killed");
    }
    child.wait().await.ok()
}
