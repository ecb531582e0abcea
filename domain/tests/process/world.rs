//! A world in which one experiment runs: the aggregates, the orchestrator and the subscriptions as they are, agents
//! and workers that do their work or fail at it, and an unreliable post between them. One seed, one history.
//!
//! The post promises what log and work items promise: everything comes at least once, at some time, in any order.
//! What is dropped comes again when its agent, built anew, reads the log from its checkpoint.

use std::collections::BTreeSet;

use atsre_domain::dataset::{self, Dataset};
use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::{self, Command, Experiment, ExperimentOpened, Stage, TrialState};
use atsre_domain::failure::FailureKind;
use atsre_domain::identity::{Attempt, Epoch, Position, Sequence, Timestamp, TrialNumber};
use atsre_domain::plan::TrialRole;
use atsre_domain::policy::healing::{Healing, heal};
use atsre_domain::process::{Agent, Intent, Work, WorkKind, orchestrator, subscription};
use atsre_domain::{Decider, Recorded, StreamId};

use crate::fixtures::{MORNING, dataset as d, experiment as x, stream};

/// As the orchestrator's runner: the state must come to rest within so many steps.
const MOST_STEPS: usize = 16;
/// A lease that nobody renews lapses after so long.
const LEASE_MS: u64 = 30_000;

const KINDS: [FailureKind; 12] = [
    FailureKind::OutOfMemory,
    FailureKind::GpuOutOfMemory,
    FailureKind::DeadlineExceeded,
    FailureKind::Hung,
    FailureKind::Killed,
    FailureKind::Crashed,
    FailureKind::ProtocolViolation,
    FailureKind::NonFinite,
    FailureKind::Unfit,
    FailureKind::DeviceLost,
    FailureKind::StartFailed,
    FailureKind::Interrupted,
];

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// How the baseline, and the fallback like it, ends wherever it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Yardstick {
    Completes,
    Flaky,
    Fails,
}

/// What is fixed of a world before it starts.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// The stages whose agents give up in the end.
    pub(crate) broken: BTreeSet<Stage>,
    pub(crate) yardstick: Yardstick,
    /// Per cent of the candidates' attempts that fail, and that are never answered.
    pub(crate) failing: u64,
    pub(crate) silent: u64,
    /// What a person says to the plan, where one is asked.
    pub(crate) person_approves: Option<bool>,
    /// The longest that an agent takes over its work.
    pub(crate) slowest_ms: u64,
}

enum Task {
    Work(Work),
    /// An agent is done with its work, or at the end of its attempts.
    Done(WorkKind),
    /// A worker reports, perhaps under a lease that it lost meanwhile.
    Report {
        trial: TrialNumber,
        attempt: Attempt,
        epoch: Epoch,
        failure: Option<FailureKind>,
    },
    /// A person decides on the plan.
    Decide(bool),
}

pub(crate) struct World {
    dice: Dice,
    pub(crate) fate: Fate,
    pub(crate) now: Timestamp,
    pub(crate) experiment: Experiment,
    pub(crate) dataset: Dataset,
    pub(crate) log: Vec<Recorded<AnyEvent>>,
    post: Vec<(Timestamp, u64, Task)>,
    handed_out: BTreeSet<(&'static str, u64)>,
    pub(crate) zombies_refused: u32,
    pub(crate) deliveries: u32,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let stages = [Stage::Diagnosis, Stage::CausalMap, Stage::Planning, Stage::Ensemble, Stage::Report];
        let broken = stages.into_iter().filter(|stage| dice.percent(if *stage == Stage::Diagnosis { 4 } else { 15 }));
        let broken = broken.collect();
        let yardstick = match dice.below(10) {
            0 => Yardstick::Fails,
            1 | 2 => Yardstick::Flaky,
            _ => Yardstick::Completes,
        };
        let fate = Fate {
            broken,
            yardstick,
            failing: [0, 30, 60, 100][dice.below(4) as usize],
            silent: [0, 0, 20, 100][dice.below(4) as usize],
            person_approves: if dice.percent(20) { Some(dice.percent(70)) } else { None },
            slowest_ms: [2_000, 20_000, 100_000, 400_000][dice.below(4) as usize],
        };
        let mut world = Self {
            dice,
            now: MORNING,
            experiment: Experiment::default(),
            dataset: Dataset::fold(&[dataset::Event::DatasetRegistered(d::registered(1))]),
            log: Vec::new(),
            post: Vec::new(),
            handed_out: BTreeSet::new(),
            zombies_refused: 0,
            deliveries: 0,
            fate,
        };
        let opened = ExperimentOpened { approval_required: world.fate.person_approves.is_some(), ..x::opened() };
        world.command(Command::Open(Box::new(opened)));
        // What happens to other experiments on the same data wakes this one too, at any time.
        for _ in 0..world.dice.below(8) {
            let after = world.dice.below(500_000);
            let work = Work { kind: WorkKind::Advance, stream: dataset_stream(), trial: None };
            world.send(after, Task::Work(work));
        }
        world
    }

    fn opened(&self) -> &ExperimentOpened {
        self.experiment.opened.as_ref().expect("the world opens its experiment first")
    }

    fn send(&mut self, after_ms: u64, task: Task) {
        let tie = self.dice.roll();
        self.post.push((self.now.plus_millis(after_ms), tie, task));
    }

    /// Delivers the next thing; `false` when there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Some(next) = (0..self.post.len()).min_by_key(|i| (self.post[*i].0, self.post[*i].1)) else { return false };
        let (due, _, task) = self.post.swap_remove(next);
        self.now = self.now.max(due);
        self.deliveries += 1;
        match task {
            Task::Work(work) => self.work(&work),
            Task::Done(kind) => self.done(kind),
            Task::Report { trial, attempt, epoch, failure } => self.report(trial, attempt, epoch, failure),
            Task::Decide(approves) => self.decide(approves),
        }
        true
    }

    /// Has the experiment obey; gives whether it did.
    fn command(&mut self, command: Command) -> bool {
        let Ok(events) = self.experiment.decide(command) else { return false };
        for event in events {
            self.experiment.evolve(&event);
            self.append(stream("the-experiment"), AnyEvent::Experiment(event));
        }
        true
    }

    fn record(&mut self, command: dataset::Command) {
        let events = self.dataset.decide(command).expect("the curator and the analyst keep the order of their steps");
        for event in events {
            self.dataset.evolve(&event);
            self.append(dataset_stream(), AnyEvent::Dataset(event));
        }
    }

    fn append(&mut self, stream: StreamId, event: AnyEvent) {
        let place = self.log.len() as u64 + 1;
        let recorded =
            Recorded { position: Position(place), stream, sequence: Sequence(place), recorded_at: self.now, event };
        for work in Agent::ALL.into_iter().flat_map(|agent| subscription::react(agent, &recorded)) {
            self.deliver(&work);
        }
        let proposed = matches!(recorded.event, AnyEvent::Experiment(experiment::Event::PlanProposed(_)));
        self.log.push(recorded);
        if let (true, Some(approves)) = (proposed, self.fate.person_approves) {
            let after = self.dice.below(400_000);
            self.send(after, Task::Decide(approves));
        }
    }

    /// Once soon, as a rule; sometimes late, sometimes again and again.
    fn deliver(&mut self, work: &Work) {
        let soon = if self.dice.percent(10) { 5_000 + self.dice.below(60_000) } else { self.dice.below(1_500) };
        self.send(soon, Task::Work(work.clone()));
        while self.dice.percent(15) {
            let again = self.dice.below(90_000);
            self.send(again, Task::Work(work.clone()));
        }
    }

    fn work(&mut self, work: &Work) {
        match (work.kind, work.trial) {
            (WorkKind::Advance, _) => self.advance(work),
            (WorkKind::Heal, Some((trial, attempt))) => self.heal(TrialNumber(trial), Attempt(attempt)),
            (WorkKind::RunTrial, Some((trial, attempt))) => self.run_trial(work, TrialNumber(trial), Attempt(attempt)),
            (kind, _) => {
                let takes = self.dice.below(self.fate.slowest_ms);
                self.send(takes, Task::Done(kind));
            }
        }
    }

    /// As `advance` of the orchestrator's actor, which may also be killed between two commands.
    fn advance(&mut self, work: &Work) {
        for _ in 0..MOST_STEPS {
            let intents = orchestrator::next(&self.experiment, self.dataset.version(1), self.now);
            let mut changed = false;
            for intent in intents {
                if self.dice.percent(3) {
                    return self.deliver(work);
                }
                match intent {
                    Intent::Command(command) => {
                        let told = format!("{command:?}");
                        assert!(self.command(*command), "the orchestrator asked for what is refused: {told}");
                        changed = true;
                        if !self.experiment.is_open() {
                            return;
                        }
                    }
                    Intent::Effect(kind) => self.hand_out(kind, self.now, 0),
                    Intent::Timer(at) => self.hand_out(WorkKind::Advance, at, at.millis_since(MORNING)),
                }
            }
            if !changed {
                return;
            }
        }
        panic!("the experiment does not come to rest");
    }

    fn hand_out(&mut self, kind: WorkKind, at: Timestamp, ordinal: u64) {
        if self.handed_out.insert((kind.name(), ordinal)) {
            let late = self.dice.below(3_000);
            let work = Work { kind, stream: stream("the-experiment"), trial: None };
            self.send(at.millis_since(self.now) + late, Task::Work(work));
        }
    }

    /// As `heal` of the planner's actor.
    fn heal(&mut self, number: TrialNumber, attempt: Attempt) {
        let remaining = self.opened().budget.wall_ms.saturating_sub(self.now.millis_since(MORNING));
        let Some(trial) = self.experiment.trials.get(&number) else { return };
        if trial.ended() || trial.attempt != attempt {
            return;
        }
        let command = match heal(trial, remaining) {
            Healing::Retry { diagnosis, changes, spec, limits } => {
                let (trial, attempt) = (number, Attempt(attempt.0 + 1));
                let retried = experiment::TrialRetried { trial, attempt, diagnosis, changes, spec, limits };
                Command::RetryTrial(Box::new(retried))
            }
            Healing::Abandon { reason } => Command::AbandonTrial { trial: number, attempt, reason },
        };
        self.command(command);
    }

    /// As `run_trial` of the forecaster's actor, with a worker whose end the dice tell.
    fn run_trial(&mut self, work: &Work, number: TrialNumber, attempt: Attempt) {
        let Some(trial) = self.experiment.trials.get(&number) else { return };
        if trial.ended() || trial.attempt != attempt || trial.state == TrialState::Failed {
            return;
        }
        let (role, epoch) = (trial.role, Epoch(trial.epoch.0 + 1));
        let deadline = trial.limits.deadline_ms;
        if !self.command(Command::LeaseTrial { trial: number, epoch, node: stream("a-node") }) {
            return;
        }
        if self.dice.percent(8) {
            // The node dies: the lease lapses and the work comes again, and so may the dead node's worker.
            let (lapses, wakes) = (LEASE_MS + self.dice.below(5_000), self.dice.below(90_000));
            self.send(lapses, Task::Work(work.clone()));
            self.send(wakes, Task::Report { trial: number, attempt, epoch, failure: None });
            return;
        }
        self.command(Command::StartTrial(Box::new(x::started(number.0, attempt.0, epoch.0))));
        let failure = match (role, self.fate.yardstick) {
            (TrialRole::Candidate, _) if self.dice.percent(self.fate.silent) => return,
            (TrialRole::Candidate, _) => {
                let fails = self.dice.percent(self.fate.failing);
                fails.then(|| KINDS[self.dice.below(KINDS.len() as u64) as usize])
            }
            (_, Yardstick::Completes) => None,
            (_, Yardstick::Flaky) => self.dice.percent(50).then_some(FailureKind::Killed),
            (_, Yardstick::Fails) => Some(KINDS[self.dice.below(KINDS.len() as u64) as usize]),
        };
        let takes = self.dice.below(deadline.min(self.fate.slowest_ms)).max(1);
        self.send(takes, Task::Report { trial: number, attempt, epoch, failure });
    }

    fn report(&mut self, trial: TrialNumber, attempt: Attempt, epoch: Epoch, failure: Option<FailureKind>) {
        let lost = self.experiment.trials.get(&trial).is_some_and(|t| t.epoch != epoch);
        let mase = 0.5 + self.dice.below(1_000) as f64 / 500.0;
        let command = match failure {
            Some(kind) => Command::FailTrial(Box::new(x::failed(trial.0, attempt.0, epoch.0, kind))),
            None => Command::CompleteTrial(Box::new(x::completed(trial.0, attempt.0, epoch.0, mase))),
        };
        let obeyed = self.command(command);
        assert!(!(lost && obeyed), "trial {trial} took an outcome from epoch {epoch}, which was over");
        self.zombies_refused += u32::from(lost);
    }

    fn decide(&mut self, approves: bool) {
        let by = "ada".to_owned();
        let reject = |by| Command::RejectPlan { by, reason: "too slow".to_owned() };
        self.command(if approves { Command::ApprovePlan { by } } else { reject(by) });
    }

    fn done(&mut self, kind: WorkKind) {
        let stage = match kind {
            WorkKind::Diagnose => Stage::Diagnosis,
            WorkKind::MapCauses => Stage::CausalMap,
            WorkKind::Plan => Stage::Planning,
            WorkKind::Combine => Stage::Ensemble,
            WorkKind::Report => Stage::Report,
            WorkKind::Advance | WorkKind::Heal | WorkKind::RunTrial => unreachable!("done at once"),
        };
        let done = !self.fate.broken.contains(&stage) && self.perform(kind);
        if !done {
            self.command(Command::FailStage(Box::new(x::stage_failed(stage))));
        }
    }

    fn perform(&mut self, kind: WorkKind) -> bool {
        match kind {
            WorkKind::Diagnose => {
                let steps = [
                    dataset::Command::RecordProfile(Box::new(d::profiled(1))),
                    dataset::Command::RecordRules(Box::new(d::rules(1))),
                    dataset::Command::RecordCleaning(Box::new(d::cleaned(1))),
                ];
                for step in steps {
                    self.record(step);
                    if self.dice.percent(8) {
                        // Killed between two steps; the work comes again.
                        self.send(LEASE_MS, Task::Done(kind));
                        return true;
                    }
                }
                true
            }
            WorkKind::MapCauses => {
                self.record(dataset::Command::RecordGraph(Box::new(d::graph(1, d::TARGET))));
                true
            }
            WorkKind::Plan => {
                let models = ["drift", "theta", "ridge", "nhits"];
                let count = 1 + self.dice.below(4) as usize;
                self.experiment.proposed.is_some()
                    || !self.experiment.is_open()
                    || self.command(Command::ProposePlan(Box::new(x::proposed(&models[..count]))))
            }
            WorkKind::Combine => {
                let finished: Vec<u32> =
                    self.experiment.trials.iter().filter(|(_, t)| t.completed()).map(|(n, _)| n.0).collect();
                let weight = 1.0 / finished.len() as f64;
                let members: Vec<(u32, f64)> = finished.into_iter().map(|number| (number, weight)).collect();
                let built = x::ensemble(self.experiment.next_trial().0, &members);
                self.command(Command::BuildEnsemble(Box::new(built)))
            }
            WorkKind::Report => self.command(Command::PublishReport(Box::new(x::report()))),
            WorkKind::Advance | WorkKind::Heal | WorkKind::RunTrial => unreachable!("not a stage"),
        }
    }
}

fn dataset_stream() -> StreamId {
    stream("bike-sharing-stream")
}
