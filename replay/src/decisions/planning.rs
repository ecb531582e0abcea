//! Plans, made again from the profile, the graph and the readings on record.

use std::borrow::Cow;

use atsre_domain::Digest;
use atsre_domain::dataset;
use atsre_domain::experiment::{CompletionRequested, Event, Experiment, PlanProposed};
use atsre_domain::panel::Panel;
use atsre_domain::plan::{Plan, ReasonerKind};
use atsre_domain::policy::llm;
use atsre_domain::policy::planning::{Planning, PlanningInputs};
use atsre_domain::profile::Profile;
use serde::de::DeserializeOwned;

use super::difference::Departure;
use super::situation::{Moment, Situation};
use super::{Finding, Standing};

const RULES: &str = "the rule-based plan (policy::reasoner::plan)";
const ANSWER: &str = "the plan in a language model's answer (policy::llm::check)";
const PROMPT: &str = "the prompt for a language model (policy::llm::prompt)";

/// Whether the same plan would be made, or the same question asked, today.
pub(super) fn check(situation: &Situation<'_>, index: usize, event: &Event) -> Option<Finding> {
    match event {
        Event::PlanProposed(proposed) => Some(plan(situation, proposed)),
        Event::CompletionRequested(request) if request.attempt == 1 => Some(prompt(situation, index, request)),
        _ => None,
    }
}

fn plan(situation: &Situation<'_>, proposed: &PlanProposed) -> Finding {
    let rule = if proposed.reasoner == ReasonerKind::Llm { ANSWER } else { RULES };
    let ground = match Ground::of(situation, proposed) {
        Ok(ground) => ground,
        Err(missing) => return Finding::unchecked(rule, missing),
    };
    let recorded = spelt_out(&proposed.plan);
    let mut nearest = None;
    for moment in situation.moments() {
        let Some(today) = ground.planned(situation, moment, proposed) else { continue };
        match today {
            Ok(today) if today == recorded => return Finding::of(Standing::Decided, rule),
            Ok(today) => {
                nearest.get_or_insert_with(|| Departure::between(&json(&recorded), &json(&today)));
            }
            Err(missing) => return Finding::unchecked(rule, missing),
        }
    }
    let unknown = || Departure::told("today nothing asks for a plan here");
    Finding::differs(rule, nearest.unwrap_or_else(unknown))
}

/// The plan with every setting that its models take: one that a plan does not name has the catalogue's default, and was not
/// there to be named when the model did not take it yet.
fn spelt_out(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for trial in &mut plan.trials {
        let entry = atsre_forecast::catalogue::entry(&trial.spec.model).ok();
        for (name, default) in entry.iter().flat_map(|entry| &entry.defaults) {
            trial.spec.hyperparameters.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
    plan
}

/// The first question of a dialogue, against what today's code would ask. The readings are in the plan that ended it.
fn prompt(situation: &Situation<'_>, index: usize, request: &CompletionRequested) -> Finding {
    let later = situation.evidence.events[index..].iter().filter_map(|stored| stored.recorded::<Event>().ok());
    let Some(proposed) = later.map(|recorded| recorded.event).find_map(|event| match event {
        Event::PlanProposed(proposed) => Some(proposed),
        _ => None,
    }) else {
        return Finding::unchecked(PROMPT, "no plan followed, so what was read before the question is not on record");
    };
    let asked = match text(situation, &request.prompt.digest) {
        Ok(asked) => asked,
        Err(missing) => return Finding::unchecked(PROMPT, missing),
    };
    let ground = match Ground::of(situation, &proposed) {
        Ok(ground) => ground,
        Err(missing) => return Finding::unchecked(PROMPT, missing),
    };
    let moment = situation.now();
    let Some((experiment, version)) = planned_on(moment) else {
        return Finding::differs(PROMPT, Departure::told("today nothing would be asked before the data are diagnosed"));
    };
    let Some(planning) = ground.planning(experiment, &version) else {
        return Finding::unchecked(PROMPT, "the experiment was not opened");
    };
    let today = llm::prompt(&planning.context());
    if today == asked {
        return Finding::of(Standing::Decided, PROMPT);
    }
    let line = asked.lines().zip(today.lines()).position(|(asked, today)| asked != today);
    let line = line.unwrap_or_else(|| asked.lines().count().min(today.lines().count()));
    Finding::differs(
        PROMPT,
        Departure {
            path: format!("line {}", line + 1),
            recorded: asked.lines().nth(line).map(str::to_owned),
            today: today.lines().nth(line).map(str::to_owned),
            detail: String::new(),
        },
    )
}

/// What a plan was made from, besides the events.
struct Ground {
    profile: Profile,
    panel: Panel,
    inputs: PlanningInputs,
}

impl Ground {
    /// Reads it from the evidence; or what is missing.
    fn of(situation: &Situation<'_>, proposed: &PlanProposed) -> Result<Self, String> {
        let Some(inputs) = &proposed.inputs else {
            return Err("it was recorded before a plan's readings (time left, similar trials) were".to_owned());
        };
        let panel = bytes(situation, &proposed.panel, "the clean panel")?;
        Ok(Self {
            profile: decoded(bytes(situation, &proposed.profile, "the profile")?, "the profile")?,
            panel: rmp_serde::from_slice(panel).map_err(|error| format!("the clean panel cannot be read: {error}"))?,
            inputs: decoded(bytes(situation, &inputs.digest, "the planner's readings")?, "the planner's readings")?,
        })
    }

    fn planning<'a>(&'a self, experiment: &'a Experiment, version: &'a dataset::Version) -> Option<Planning<'a>> {
        let (covariates, catalogue) = (self.panel.covariates.clone(), atsre_forecast::catalogue::catalogue());
        let opened = experiment.opened.as_ref()?;
        Some(Planning::new(experiment, opened, version, &self.profile, covariates, catalogue, &self.inputs))
    }

    /// The plan that today's code makes on what was known at a moment; none where nothing was asked for.
    fn planned(
        &self,
        situation: &Situation<'_>,
        moment: &Moment,
        proposed: &PlanProposed,
    ) -> Option<Result<Plan, String>> {
        let (experiment, version) = planned_on(moment)?;
        let planning = self.planning(experiment, &version)?;
        if proposed.reasoner == ReasonerKind::Rules {
            return Some(Ok(planning.by_rules()));
        }
        let Some(judged_with_ms) = self.inputs.judged_with_ms else {
            return Some(Err("the time at which the answer was judged is not on record".to_owned()));
        };
        let Some(answer) = accepted_answer(situation) else {
            return Some(Err("no answer of a language model is on record".to_owned()));
        };
        let answer = match text(situation, &answer) {
            Ok(answer) => answer,
            Err(missing) => return Some(Err(missing)),
        };
        Some(planning.by_answer(&answer, judged_with_ms).map_err(|problems| problems.join("; ")))
    }
}

/// The experiment and its data, where a plan was asked for and could be made.
fn planned_on(moment: &Moment) -> Option<(&Experiment, Cow<'_, dataset::Version>)> {
    let version = moment.version().filter(|version| version.cleaned.is_some())?;
    Some((&*moment.experiment, version))
}

/// The newest answer without problems before now.
fn accepted_answer(situation: &Situation<'_>) -> Option<Digest> {
    let now = situation.now().position;
    let before = situation.evidence.events.iter().take_while(|stored| stored.position <= now);
    let accepted = before.filter_map(|stored| match stored.recorded::<Event>().ok()?.event {
        Event::CompletionReceived(received) if received.problems.is_empty() => Some(received.answer.digest),
        _ => None,
    });
    accepted.last()
}

fn bytes<'a>(situation: &Situation<'a>, digest: &Digest, what: &str) -> Result<&'a [u8], String> {
    let found = situation.evidence.artifacts.get(digest).map(Vec::as_slice);
    found.ok_or_else(|| format!("{what} ({digest}) is gone"))
}

fn text(situation: &Situation<'_>, digest: &Digest) -> Result<String, String> {
    let bytes = bytes(situation, digest, "a text of the dialogue")?;
    String::from_utf8(bytes.to_vec()).map_err(|_| format!("the text {digest} is not UTF-8"))
}

fn decoded<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{what} cannot be read: {error}"))
}

fn json(plan: &Plan) -> serde_json::Value {
    serde_json::json!({ "plan": plan })
}
