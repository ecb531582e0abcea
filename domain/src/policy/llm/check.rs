//! An answer against catalogue, covariates and budget.

use std::collections::BTreeMap;

use super::answer::{Answer, AnsweredTrial};
use super::{LONGEST_SENTENCE, MOST_STEPS, MOST_TRIALS, first, quoted, setting};
use crate::catalogue::CatalogueEntry;
use crate::model::{Hyperparameters, ModelSpec, Setting};
use crate::plan::{Plan, PlannedTrial, ReasoningStep};
use crate::policy::feasibility::{
    affordable_seconds, backtest_plan, backtest_step, cost_bytes, cost_seconds, device, limits, shortest, uses,
};
use crate::policy::reasoner::Context;

/// Settings whose value is a number of observations, so no longer than the data.
const PERIODS: [&str; 2] = ["season_length", "seasonal_periods"];

/// Makes a plan of an answer, the cheapest trial first. The backtest follows the rules' own rule, and says so as the
/// last step of the reasoning; devices and limits come from the budget.
///
/// # Errors
/// Everything that is wrong with the answer, a sentence each, written for the model that has to correct it.
pub fn check(answer: &Answer, context: &Context<'_>) -> Result<Plan, Vec<String>> {
    let mut problems = Vec::new();
    words(answer, &mut problems);
    let backtest = backtest_plan(context);
    let mut trials: Vec<(f64, PlannedTrial)> = Vec::new();
    for (index, proposed) in answer.trials.iter().enumerate().take(MOST_TRIALS) {
        match trial(proposed, context, backtest.windows) {
            Ok((_, trial)) if trials.iter().any(|(_, earlier)| earlier.spec == trial.spec) => {
                problems.push(format!("trial {}: it repeats an earlier trial; leave one out", index + 1));
            }
            Ok(checked) => trials.push(checked),
            Err(found) => problems.extend(found.into_iter().map(|p| format!("trial {}: {p}", index + 1))),
        }
    }
    together(&trials, context, &mut problems);
    if !problems.is_empty() {
        return Err(first(problems));
    }
    trials.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.spec.covariates.len().cmp(&b.1.spec.covariates.len())));
    let mut reasoning: Vec<ReasoningStep> = answer
        .reasoning
        .iter()
        .map(|step| ReasoningStep {
            observation: plain(&step.observation),
            inference: plain(&step.inference),
            decision: plain(&step.decision),
        })
        .collect();
    reasoning.push(backtest_step(context, backtest));
    Ok(Plan {
        hypothesis: plain(&answer.hypothesis),
        reasoning,
        backtest,
        trials: trials.into_iter().map(|(_, trial)| trial).collect(),
        ensemble_strategy: answer.ensemble_strategy.clone(),
    })
}

/// Counts and lengths: what the schema says, for callers that did not ask it.
fn words(answer: &Answer, problems: &mut Vec<String>) {
    if answer.trials.is_empty() || answer.trials.len() > MOST_TRIALS {
        problems.push(format!("there are {} trials but must be 1 to {MOST_TRIALS}", answer.trials.len()));
    }
    if answer.reasoning.is_empty() || answer.reasoning.len() > MOST_STEPS {
        problems.push(format!("there are {} steps of reasoning but must be 1 to {MOST_STEPS}", answer.reasoning.len()));
    }
    if !matches!(answer.ensemble_strategy.as_str(), "weighted_avg" | "none") {
        problems.push(format!(
            "ensemble_strategy is {} but must be weighted_avg or none",
            quoted(&answer.ensemble_strategy)
        ));
    }
    let steps = answer.reasoning.iter().flat_map(|s| [&s.observation, &s.inference, &s.decision]);
    let reasons = answer.trials.iter().map(|t| &t.reason);
    for sentence in std::iter::once(&answer.hypothesis).chain(steps).chain(reasons) {
        if plain(sentence).is_empty() {
            problems.push("a hypothesis, a step of the reasoning or a reason is empty".to_owned());
        } else if sentence.chars().nth(LONGEST_SENTENCE).is_some() {
            problems.push(format!("{} is longer than {LONGEST_SENTENCE} characters", quoted(sentence)));
        }
    }
}

/// One trial with its declared cost in seconds.
fn trial(proposed: &AnsweredTrial, context: &Context<'_>, windows: u32) -> Result<(f64, PlannedTrial), Vec<String>> {
    let Some(entry) = context.catalogue.iter().find(|e| e.name == proposed.model) else {
        let known: Vec<&str> = context.catalogue.iter().map(|e| e.name).collect();
        return Err(vec![format!(
            "there is no model {}; the catalogue has {}",
            quoted(&proposed.model),
            known.join(", ")
        )]);
    };
    let mut problems = Vec::new();
    let hyperparameters = settings(entry, &proposed.hyperparameters, context, &mut problems);
    let covariates = covariates(entry, &proposed.covariates, context, &mut problems);
    let observations = context.profile.observations;
    let seconds = cost_seconds(entry, observations, windows) * work(entry, &hyperparameters);
    let affordable = affordable_seconds(context);
    if seconds > affordable {
        problems.push(format!(
            "{} would need about {seconds:.0} s with these settings, but only {affordable:.0} s can be spent",
            entry.name
        ));
    }
    let (bytes, memory) = (cost_bytes(entry, observations), context.budget.trial_memory_bytes);
    if bytes > memory {
        problems.push(format!(
            "{} needs about {} MiB of memory, but a trial has {} MiB",
            entry.name,
            bytes >> 20,
            memory >> 20
        ));
    }
    let length = shortest(context);
    if entry.minimum_length > length {
        problems.push(format!(
            "{} needs series of at least {} observations, but the shortest has {length}",
            entry.name, entry.minimum_length
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let spec = ModelSpec {
        framework: entry.framework.to_owned(),
        model: entry.name.to_owned(),
        hyperparameters,
        covariates,
        device: device(entry, observations, context.budget),
    };
    Ok((seconds, PlannedTrial { spec, limits: limits(context, seconds), reason: plain(&proposed.reason) }))
}

/// The catalogue's defaults with the answer's settings over them.
fn settings(
    entry: &CatalogueEntry,
    given: &BTreeMap<String, Setting>,
    context: &Context<'_>,
    problems: &mut Vec<String>,
) -> Hyperparameters {
    let mut settings = entry.defaults.clone();
    let longest = i64::from(shortest(context));
    for (name, value) in given {
        let Some(slot) = settings.get_mut(name) else {
            let known: Vec<&str> = entry.defaults.keys().map(String::as_str).collect();
            problems.push(format!("{} has no setting {}; it has {}", entry.name, quoted(name), known.join(", ")));
            continue;
        };
        match setting::adopt(name, slot, value) {
            Ok(value) => {
                let periods: &[i64] = match &value {
                    Setting::Integers(list) => list,
                    Setting::Integer(one) => std::slice::from_ref(one),
                    Setting::Flag(_) | Setting::Number(_) | Setting::Text(_) => &[],
                };
                if PERIODS.contains(&name.as_str()) && periods.iter().any(|p| *p > longest) {
                    problems
                        .push(format!("{name} is longer than the shortest series, which has {longest} observations"));
                }
                *slot = value;
            }
            Err(problem) => problems.push(format!("{name} {problem}")),
        }
    }
    settings
}

/// The covariates, ascending, each once; every one exists and the model can use it.
fn covariates(
    entry: &CatalogueEntry,
    given: &[String],
    context: &Context<'_>,
    problems: &mut Vec<String>,
) -> Vec<String> {
    let mut chosen = Vec::new();
    for name in given {
        match context.covariates.iter().find(|c| c.name == *name) {
            None => problems.push(format!("there is no covariate {}", quoted(name))),
            Some(covariate) if !uses(entry, covariate.kind) => {
                problems.push(format!("{} cannot use the covariate {}", entry.name, quoted(name)));
            }
            Some(_) => chosen.push(name.clone()),
        }
    }
    chosen.sort();
    chosen.dedup();
    chosen
}

/// The trials' sum against the time of all lanes.
fn together(trials: &[(f64, PlannedTrial)], context: &Context<'_>, problems: &mut Vec<String>) {
    let lanes = f64::from(context.budget.parallel_trials.max(1));
    let affordable = affordable_seconds(context) * lanes;
    let needed: f64 = trials.iter().map(|(seconds, _)| seconds).sum();
    if needed > affordable {
        problems.push(format!(
            "the trials need about {needed:.0} s together, but only {affordable:.0} s can be spent; leave some out"
        ));
    }
}

/// How many times the declared cost these settings make: training takes steps × batch × width², and the declared cost
/// is that of the defaults. Never below one, because other costs stay.
fn work(entry: &CatalogueEntry, settings: &Hyperparameters) -> f64 {
    let ratio = |name: &str| match (settings.get(name), entry.defaults.get(name)) {
        (Some(Setting::Integer(given)), Some(Setting::Integer(default))) if *default > 0 => {
            *given as f64 / *default as f64
        }
        _ => 1.0,
    };
    (ratio("steps") * ratio("batch_size") * ratio("hidden").powi(2)).max(1.0)
}

/// One line without control characters: the text ends up on terminals and in reports.
fn plain(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
