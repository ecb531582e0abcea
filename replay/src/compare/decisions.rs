//! What each branch decided after the branches part, and in what the branches differ.

use std::collections::BTreeSet;

use atsre_domain::experiment::{Event, ExperimentOpened};
use atsre_domain::metric::Split;
use atsre_domain::model::{Hyperparameters, ModelSpec, Setting};
use atsre_domain::plan::{Plan, ReasonerKind, TrialRole};
use atsre_domain::{Position, Recorded, Sequence};
use serde::Serialize;

use crate::line::{CRITERIA, Line};

/// One decision, or what forced one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Its event.
    pub position: Position,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// `opened`, `forked`, `planned`, `approved`, `rejected`, `queued`, `failed`, `retried`, `abandoned`, `stage_failed`,
    /// `fallback`, `ensemble`, `asked`, `answered`, `model_problem`, `completed`, `ended`.
    pub kind: &'static str,
    /// What was decided, in a sentence.
    pub what: String,
    /// Why, in the words of who decided; empty where nothing was said.
    pub why: String,
    /// Its parts, a phrase each: planned trials with their settings, what is set differently, an ensemble's members.
    pub details: Vec<String>,
}

/// One aspect of the branches, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contrast {
    /// What is compared, such as `seed` or `model n-hits`.
    pub aspect: String,
    /// Its value in each branch, in the order of the branches; a dash where there is none.
    pub values: Vec<String>,
    /// Whether all branches have the same.
    pub same: bool,
}

/// What stands where there is nothing.
pub(super) const NONE: &str = "–";

/// The decisions of a branch after a sequence, in order.
pub(super) fn decisions(line: &Line, parted: u64) -> Vec<Decision> {
    line.events.iter().filter(|event| event.sequence.0 > parted).filter_map(|event| decision(line, event)).collect()
}

fn decision(line: &Line, recorded: &Recorded<Event>) -> Option<Decision> {
    let (kind, what, why, details) = match &recorded.event {
        Event::ExperimentOpened(e) => opened(e),
        Event::ExperimentForked(e) => {
            let set = e.overrides.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            ("forked", format!("left its parent after sequence {}", e.at_sequence), e.reason.clone(), set)
        }
        Event::PlanProposed(e) => {
            let what = format!("planned {} by {}", counted(e.plan.trials.len(), "trial"), reasoner(e.reasoner));
            ("planned", what, e.plan.hypothesis.clone(), plan(&e.plan))
        }
        Event::PlanApproved(e) => ("approved", format!("the plan was approved by {}", e.by), String::new(), vec![]),
        Event::PlanRejected(e) => ("rejected", format!("the plan was rejected by {}", e.by), e.reason.clone(), vec![]),
        // What the plan queues is in the plan.
        Event::TrialQueued(e) if e.role == TrialRole::Candidate => return None,
        Event::TrialQueued(e) => {
            let role = if e.role == TrialRole::Baseline { "baseline" } else { "fallback" };
            let what = format!("queued trial {}, {}, as the {role}", e.trial, e.spec.model);
            ("queued", what, e.reason.clone(), settings(&e.spec))
        }
        Event::TrialCompleted(e) => {
            let what = format!("trial {}, {}, gave a result", e.trial, line.model(e.trial));
            let score = CRITERIA.into_iter().find_map(|m| {
                let found = e.scores.iter().find(|s| s.metric == m && s.split == Split::Backtest)?;
                Some(format!("{} {:.4} on the backtest", m.name(), found.value.get()))
            });
            ("completed", what, String::new(), score.into_iter().collect())
        }
        Event::TrialFailed(e) => {
            let what = format!(
                "attempt {} at trial {}, {}, failed: {}",
                e.attempt,
                e.trial,
                line.model(e.trial),
                e.failure.kind.name()
            );
            ("failed", what, e.failure.message.clone(), vec![])
        }
        Event::TrialRetried(e) => {
            let what = format!("trial {}, {}, is tried again (attempt {})", e.trial, e.spec.model, e.attempt);
            ("retried", what, e.diagnosis.clone(), e.changes.clone())
        }
        Event::TrialAbandoned(e) => {
            let what = format!("trial {}, {}, was given up", e.trial, line.model(e.trial));
            ("abandoned", what, e.reason.clone(), vec![])
        }
        Event::StageFailed(e) => {
            let what =
                format!("the {} was set aside after {}", e.stage.name(), counted(e.attempts as usize, "attempt"));
            ("stage_failed", what, e.message.clone(), vec![])
        }
        Event::FallbackTaken(e) => {
            ("fallback", format!("{}: {} in place of {}", e.stage.name(), e.to, e.from), e.reason.clone(), vec![])
        }
        Event::EnsembleBuilt(e) => {
            let weighted = |m: &atsre_domain::experiment::Member| {
                format!("{:.0} % {} (trial {})", 100.0 * m.weight.get(), line.model(m.trial), m.trial)
            };
            let what = format!("combined {} by {}", counted(e.members.len(), "trial"), e.strategy);
            ("ensemble", what, String::new(), e.members.iter().map(weighted).collect())
        }
        Event::QuestionAsked(e) => ("asked", format!("asked: {}", e.text), String::new(), vec![]),
        Event::QuestionAnswered(e) => ("answered", format!("was answered: {}", e.answer), String::new(), vec![]),
        Event::CompletionReceived(e) if e.problems.is_empty() => return None,
        Event::CompletionReceived(e) => {
            let what = format!("answer {} of the language model was sent back", e.request);
            ("model_problem", what, String::new(), e.problems.clone())
        }
        Event::CompletionFailed(e) => {
            ("model_problem", format!("the language model did not answer: {}", e.kind), e.message.clone(), vec![])
        }
        Event::ExperimentCompleted(e) => (
            "ended",
            format!("ended with trial {}, {}, as the best", e.best, line.model(e.best)),
            String::new(),
            vec![],
        ),
        Event::ExperimentFailed(e) => ("ended", "ended without a result".to_owned(), e.reason.clone(), vec![]),
        Event::ExperimentCancelled(e) => ("ended", "was cancelled".to_owned(), e.reason.clone(), vec![]),
        Event::InputErased(e) => ("erased", "lost its data, which were erased".to_owned(), e.why.clone(), vec![]),
        Event::DiagnosisRequested(_)
        | Event::CausalMapRequested(_)
        | Event::PlanRequested(_)
        | Event::TrialLeased(_)
        | Event::TrialStarted(_)
        | Event::ResourceSampled(_)
        | Event::ReportPublished(_)
        | Event::CompletionRequested(_) => return None,
    };
    Some(Decision { position: recorded.position, sequence: recorded.sequence, kind, what, why, details })
}

type Told = (&'static str, String, String, Vec<String>);

fn opened(e: &ExperimentOpened) -> Told {
    let what = format!(
        "opened “{}” on {} version {}: {} steps of {}",
        e.name, e.dataset.name, e.dataset.version, e.horizon, e.target
    );
    (
        "opened",
        what,
        String::new(),
        vec![format!("seed = {}", e.seed.0), format!("reasoner = {}", reasoner(e.reasoner))],
    )
}

fn plan(plan: &Plan) -> Vec<String> {
    let trial = |spec: &ModelSpec| {
        let settings = settings(spec).join(", ");
        if settings.is_empty() { spec.model.clone() } else { format!("{} ({settings})", spec.model) }
    };
    plan.trials.iter().map(|planned| format!("{}: {}", trial(&planned.spec), planned.reason)).collect()
}

const fn reasoner(kind: ReasonerKind) -> &'static str {
    match kind {
        ReasonerKind::Rules => "rules",
        ReasonerKind::Llm => "a language model",
    }
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// A model's settings and covariates, a phrase each.
fn settings(spec: &ModelSpec) -> Vec<String> {
    let mut phrases = phrases(&spec.hyperparameters);
    if !spec.covariates.is_empty() {
        phrases.push(format!("covariates {}", spec.covariates.join(", ")));
    }
    phrases
}

/// Settings by name, a phrase each.
pub(super) fn phrases(settings: &Hyperparameters) -> Vec<String> {
    settings.iter().map(|(name, value)| format!("{name} = {}", setting(value))).collect()
}

fn setting(value: &Setting) -> String {
    match value {
        Setting::Flag(flag) => flag.to_string(),
        Setting::Integer(number) => number.to_string(),
        Setting::Number(number) => number.to_string(),
        Setting::Text(text) => text.clone(),
        Setting::Integers(numbers) => numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}

/// In what the branches agree and differ: how they were opened, what the forks set, what was planned and run.
pub(super) fn contrasts(lines: &[Line]) -> Vec<Contrast> {
    let mut all = Vec::new();
    let mut add = |aspect: &str, value: &dyn Fn(&Line) -> Option<String>| {
        let values: Vec<Option<String>> = lines.iter().map(value).collect();
        if values.iter().any(Option::is_some) {
            let same = values.windows(2).all(|pair| pair[0] == pair[1]);
            let values = values.into_iter().map(|v| v.unwrap_or_else(|| NONE.to_owned())).collect();
            all.push(Contrast { aspect: aspect.to_owned(), values, same });
        }
    };
    let opened = |line: &Line| line.state.opened.clone();
    add("data set", &|l| opened(l).map(|o| format!("{} version {}", o.dataset.name, o.dataset.version)));
    add("target", &|l| opened(l).map(|o| o.target));
    add("horizon", &|l| opened(l).map(|o| o.horizon.to_string()));
    add("withheld test", &|l| opened(l).map(|o| if o.holdout { "yes" } else { "no" }.to_owned()));
    add("quantiles", &|l| {
        opened(l).map(|o| o.quantile_levels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    });
    add("seed", &|l| opened(l).map(|o| o.seed.0.to_string()));
    add("budget", &|l| {
        let budget = opened(l)?.budget;
        let gib = budget.trial_memory_bytes as f64 / f64::from(1 << 30);
        let seconds = budget.wall_ms / 1000;
        Some(format!(
            "{seconds} s, {} cores, {} trials at once, {gib:.1} GiB each",
            budget.cpu_cores, budget.parallel_trials
        ))
    });
    add("reasoner", &|l| opened(l).map(|o| reasoner(o.reasoner).to_owned()));
    let keys: BTreeSet<String> = lines
        .iter()
        .filter_map(Line::forked)
        .flat_map(|forked| forked.overrides.iter().map(|(key, _)| key.clone()))
        .collect();
    for key in keys {
        add(&format!("set: {key}"), &|l| {
            let overrides = &l.forked()?.overrides;
            overrides.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
        });
    }
    let planned = |line: &Line| line.state.proposed.as_ref().map(|proposed| proposed.plan.clone());
    add("hypothesis", &|l| planned(l).map(|p| p.hypothesis));
    add("plan made by", &|l| l.state.proposed.as_ref().map(|p| reasoner(p.reasoner).to_owned()));
    add("clean data", &|l| l.state.proposed.as_ref().map(|p| p.panel.0.chars().take(12).collect()));
    add("causal graph", &|l| {
        l.state.proposed.as_ref().map(|p| p.graph.map_or_else(|| "none".to_owned(), |position| position.to_string()))
    });
    add("backtest", &|l| {
        let backtest = planned(l)?.backtest;
        Some(format!("{} windows, {} steps apart, season {}", backtest.windows, backtest.step, backtest.season_length))
    });
    add("ensemble", &|l| {
        let built = l.state.ensemble.as_ref()?;
        let names: Vec<String> =
            built.members.iter().map(|m| format!("{:.0} % {}", 100.0 * m.weight.get(), l.model(m.trial))).collect();
        Some(names.join(", "))
    });
    let models: BTreeSet<String> =
        lines.iter().flat_map(|line| line.state.trials.values().map(|trial| trial.spec.model.clone())).collect();
    for model in models {
        add(&format!("model {model}"), &|l| {
            let run = l.state.trials.values().filter(|trial| trial.spec.model == model);
            let told: Vec<String> = run
                .map(|trial| {
                    let settings = settings(&trial.spec).join(", ");
                    if settings.is_empty() { "default settings".to_owned() } else { settings }
                })
                .collect();
            (!told.is_empty()).then(|| told.join("; "))
        });
    }
    add("fallbacks", &|l| {
        let taken = l.state.fallbacks.iter().map(|f| format!("{}: {}", f.stage.name(), f.to)).collect::<Vec<_>>();
        (!taken.is_empty()).then(|| taken.join("; "))
    });
    add("status", &|l| Some(l.state.status().to_owned()));
    all
}
