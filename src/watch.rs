//! Watches an experiment from the log and tells, stage by stage, what happens.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use atsre_actors::progress::{Progress, ProgressSink};
use atsre_domain::dataset;
use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::{Event, Experiment};
use atsre_domain::metric::{Metric, Split};
use atsre_domain::plan::TrialRole;
use atsre_domain::policy::best::score;
use atsre_domain::{Decider as _, Position, StreamId, TrialNumber};
use atsre_store::Store;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::error::Failure;

/// Events read at once.
const BATCH: usize = 500;

/// Tells what happens on standard error: lines for what is decided, bars for what is under way on a terminal.
#[derive(Debug)]
pub struct Narrator {
    bars: MultiProgress,
    running: Mutex<BTreeMap<TrialNumber, ProgressBar>>,
    began: Instant,
    quiet: bool,
    terminal: bool,
}

impl Narrator {
    /// A narrator that counts its time from now; a quiet one says nothing.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { bars: MultiProgress::new(), running: Mutex::default(), began: Instant::now(), quiet, terminal }
    }

    /// Tells one thing, with the seconds since the start.
    pub fn tell(&self, mark: &str, text: impl std::fmt::Display) {
        if self.quiet {
            return;
        }
        let line = format!("{:>7.1}s  {mark} {text}", self.began.elapsed().as_secs_f64());
        if self.terminal {
            // A terminal that is gone has nobody to tell.
            if self.bars.println(line).is_err() {
                tracing::debug!("the terminal is gone");
            }
        } else {
            crate::output::note(line);
        }
    }

    fn begin_bar(&self, trial: TrialNumber, title: String) {
        if self.quiet || !self.terminal {
            return;
        }
        let style = ProgressStyle::with_template("          {spinner} {msg:<44} {bar:24} {percent:>3}%  {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.bars.add(ProgressBar::new(1000).with_style(style).with_message(title));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.lock().insert(trial, bar);
    }

    fn end_bar(&self, trial: TrialNumber) {
        if let Some(bar) = self.lock().remove(&trial) {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<TrialNumber, ProgressBar>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl ProgressSink for Narrator {
    fn report(&self, progress: Progress) {
        if let Some(bar) = self.lock().get(&progress.trial) {
            bar.set_position((progress.fraction.clamp(0.0, 1.0) * 1000.0) as u64);
            bar.set_message(format!("trial {} {}: {}", progress.trial, progress.model, progress.message));
        }
    }
}

/// Follows the log after `from` until the experiment has ended or waits for a person, telling what happens in it and to its data.
///
/// # Errors
/// When the store does not answer, or an event cannot be read.
pub async fn until_ended(
    store: &Store,
    stream: &StreamId,
    from: Position,
    narrator: &Narrator,
) -> Result<Experiment, Failure> {
    let mut experiment = store.load::<Experiment>(stream).await?.state;
    if !experiment.is_open() {
        return Ok(experiment);
    }
    let dataset = experiment.opened.as_ref().map(|o| o.dataset.stream.clone());
    // What has happened already is folded, not told again.
    experiment = Experiment::default();
    for past in store.log().read_stream(Experiment::TYPE, stream).await? {
        if past.position <= from {
            experiment.evolve(&past.recorded::<Event>()?.event);
        }
    }
    let mut follower = store.log().follow(from);
    let mut catching_up = true;
    loop {
        let events = if catching_up { follower.poll(BATCH).await? } else { follower.next(BATCH).await? };
        catching_up &= !events.is_empty();
        for stored in events {
            let own = stored.stream == *stream;
            if !own && Some(&stored.stream) != dataset.as_ref() {
                continue;
            }
            match stored.decode()? {
                AnyEvent::Experiment(event) => {
                    experiment.evolve(&event);
                    narrator.experiment_event(&event, &experiment);
                }
                AnyEvent::Dataset(event) => narrator.dataset_event(&event),
                AnyEvent::Node(_) => {}
            }
        }
        // A plan that waits for a person waits beyond this program's life.
        if experiment.opened.is_some() && (!experiment.is_open() || experiment.awaits_approval()) {
            return Ok(experiment);
        }
    }
}

impl Narrator {
    fn dataset_event(&self, event: &dataset::Event) {
        use dataset::Event as E;
        match event {
            E::DatasetRegistered(_) => {}
            E::DatasetProfiled(e) => {
                let seasons: Vec<String> =
                    e.seasonal_periods.iter().map(|s| format!("{} ({:.2})", s.period, s.strength.get())).collect();
                let seasons = if seasons.is_empty() { "none".to_owned() } else { seasons.join(", ") };
                self.tell(
                    "✓",
                    format!("profile: {} series, {} observations, seasons {seasons}", e.series_count, e.observations),
                );
                for finding in e.findings.iter().take(3) {
                    self.tell(" ", format!("  {finding}"));
                }
            }
            E::AnomalyRulesDerived(e) => {
                let accepted = e.rules.iter().filter(|r| r.accepted).count();
                self.tell("✓", format!("anomaly rules: {accepted} of {} stood their test on the data", e.rules.len()));
            }
            E::DatasetCleaned(e) => {
                let changes: u64 = e.summary.changes.values().sum();
                self.tell("✓", format!("cleaning: {changes} cells changed, each on record"));
            }
            E::GraphDiscovered(e) => {
                let drivers: Vec<String> = e
                    .drivers
                    .iter()
                    .map(|d| if d.lag == 0 { d.variable.clone() } else { format!("{}[t-{}]", d.variable, d.lag) })
                    .collect();
                let drivers = if drivers.is_empty() { "none".to_owned() } else { drivers.join(", ") };
                self.tell(
                    "✓",
                    format!(
                        "causal graph ({}): {} edges, drivers of {}: {drivers}",
                        e.algorithm,
                        e.graph.edges.len(),
                        e.target
                    ),
                );
            }
            E::DatasetErased(e) => self.tell("✗", format!("the data were erased: {}", e.why)),
        }
    }

    fn experiment_event(&self, event: &Event, experiment: &Experiment) {
        match event {
            Event::ExperimentOpened(e) => self.tell(
                "•",
                format!("experiment {} opened: {} of {} steps of {}", e.name, e.objective.name(), e.horizon, e.target),
            ),
            Event::ExperimentForked(e) => self.tell("•", format!("forked: {}", e.reason)),
            Event::DiagnosisRequested(_) => self.tell("…", "diagnosis"),
            Event::CausalMapRequested(_) => self.tell("…", "causal map"),
            Event::PlanRequested(_) => self.tell("…", "planning"),
            Event::PlanProposed(e) => {
                self.tell(
                    "✓",
                    format!("plan: {} trials, {} backtest windows", e.plan.trials.len(), e.plan.backtest.windows),
                );
                for step in &e.plan.reasoning {
                    self.tell(" ", format!("  {} → {}", step.observation, step.decision));
                }
            }
            Event::PlanApproved(e) => self.tell("✓", format!("plan approved by {}", e.by)),
            Event::PlanRejected(e) => self.tell("✗", format!("plan rejected by {}: {}", e.by, e.reason)),
            Event::EnsembleBuilt(e) => {
                let members: Vec<String> =
                    e.members.iter().map(|m| format!("trial {} × {:.2}", m.trial, m.weight.get())).collect();
                let value = score(&e.scores, Metric::Mase, Split::Backtest)
                    .map_or_else(String::new, |v| format!(", MASE {v:.3}"));
                self.tell("✓", format!("ensemble: {}{value}", members.join(" + ")));
            }
            Event::ReportPublished(_) => self.tell("✓", "report written"),
            Event::ExperimentCompleted(e) => self.tell("✓", format!("completed: the best is trial {}", e.best)),
            Event::ExperimentFailed(e) => self.tell("✗", format!("failed: {}", e.reason)),
            Event::ExperimentCancelled(e) => self.tell("✗", format!("cancelled: {}", e.reason)),
            Event::CompletionRequested(e) => {
                self.tell("…", format!("asking {} at {} (attempt {})", e.model, e.provider, e.attempt))
            }
            Event::CompletionReceived(e) if e.problems.is_empty() => {
                self.tell("✓", "the language model gave a usable plan")
            }
            Event::CompletionReceived(e) => {
                self.tell("✗", format!("the answer cannot be used: {}", e.problems.join("; ")))
            }
            Event::CompletionFailed(e) => self.tell("✗", format!("no answer ({}): {}", e.kind, e.message)),
            Event::QuestionAsked(e) => self.tell("?", &e.text),
            Event::QuestionAnswered(e) => self.tell("✓", format!("answered: {}", e.answer)),
            Event::StageFailed(e) => self.tell("✗", format!("stage {} failed: {}", e.stage.name(), e.message)),
            Event::FallbackTaken(e) => self.tell("↪", format!("{} in place of {}: {}", e.to, e.from, e.reason)),
            Event::InputErased(e) => self.tell("✗", format!("its data were erased: {}", e.why)),
            other => self.trial_event(other, experiment),
        }
    }

    fn trial_event(&self, event: &Event, experiment: &Experiment) {
        let model = |number: TrialNumber| {
            experiment.trials.get(&number).map_or_else(String::new, |t| {
                let with = if t.spec.covariates.is_empty() {
                    String::new()
                } else {
                    format!(" with {}", t.spec.covariates.join(", "))
                };
                format!("trial {number} {}{with}", t.spec.model)
            })
        };
        match event {
            Event::TrialStarted(e) => {
                self.tell("…", format!("{} runs (attempt {})", model(e.trial), e.attempt));
                self.begin_bar(e.trial, model(e.trial));
            }
            Event::TrialCompleted(e) => {
                self.end_bar(e.trial);
                let value = score(&e.scores, Metric::Mase, Split::Backtest)
                    .map_or_else(String::new, |v| format!(": MASE {v:.3}"));
                let role = experiment.trials.get(&e.trial).map(|t| t.role);
                let first =
                    if role == Some(TrialRole::Baseline) { "  ← first usable forecast (baseline)" } else { "" };
                let seconds = e.usage.wall_ms as f64 / 1000.0;
                self.tell(
                    "✓",
                    format!("{}{value} in {seconds:.1} s, {} MiB{first}", model(e.trial), e.usage.peak_rss_bytes >> 20),
                );
            }
            Event::TrialFailed(e) => {
                self.end_bar(e.trial);
                self.tell("✗", format!("{} failed ({}): {}", model(e.trial), e.failure.kind.name(), e.failure.message));
            }
            Event::TrialRetried(e) => self.tell("↻", format!("healed: {} → {}", e.diagnosis, e.changes.join(", "))),
            Event::TrialAbandoned(e) => {
                self.end_bar(e.trial);
                self.tell("✗", format!("{} given up: {}", model(e.trial), e.reason));
            }
            _ => {}
        }
    }
}
