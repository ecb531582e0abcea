//! The dialogue: prompt, answer, checks, and at most two corrections.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use atsre_domain::plan::Plan;
use atsre_domain::policy::llm;
use atsre_domain::policy::reasoner::Context;
use atsre_forecast::Registry;
use jsonschema::Validator;
use serde_json::Value;

use super::model::{Completion, CompletionError, CompletionErrorKind, LanguageModel, Message, Speaker};

/// One answer and two corrections.
const ATTEMPTS: u32 = 3;
/// The share of the remaining wall time that the whole dialogue may take: the trials need the rest.
const PLANNING_SHARE: f64 = 0.25;
/// With less time than this it is not worth asking.
const SHORTEST_CALL: Duration = Duration::from_secs(1);
/// Longer than this a provider's "later" is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Characters of a rejected answer that are sent back, from its end, where the JSON is.
const LONGEST_REPEATED: usize = 20_000;
/// Characters of one complaint of the schema; it quotes what it complains about.
const LONGEST_COMPLAINT: usize = 300;
/// Complaints of the schema that are told.
const MOST_COMPLAINTS: usize = 20;

/// A request that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The model's name.
    pub model: &'a str,
    /// Everything that is sent: the prompt alone at first, then the whole dialogue with its speakers.
    pub prompt: &'a str,
    /// Which attempt at a usable answer, from 1.
    pub attempt: u32,
}

/// Records the dialogue: each request before it is made, its outcome after it.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Why something could not be recorded.
    type Error: Send;

    /// A request is about to be made. Unless it is recorded, it is not made.
    ///
    /// # Errors
    /// Where it could not be recorded; the dialogue ends.
    async fn requested(&self, request: Request<'_>) -> Result<(), Self::Error>;

    /// The model answered; `problems` is empty where the answer became a plan.
    ///
    /// # Errors
    /// Where it could not be recorded; the answer is then not used.
    async fn received(&self, completion: &Completion, latency_ms: u64, problems: &[String]) -> Result<(), Self::Error>;

    /// The model did not answer.
    ///
    /// # Errors
    /// Where it could not be recorded; the dialogue ends.
    async fn failed(&self, error: &CompletionError, latency_ms: u64) -> Result<(), Self::Error>;
}

/// A plan, and the reading on which its answer was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreed {
    /// The plan.
    pub plan: Plan,
    /// What was left of the experiment's wall time when the answer was judged, in milliseconds.
    pub judged_with_ms: u64,
}

/// There is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConverseError<E> {
    /// The model gave no usable plan.
    #[error("the language model gave no usable plan: {}", problems.join("; "))]
    GaveUp {
        /// What was wrong with the last attempt.
        problems: Vec<String>,
    },
    /// The dialogue could not be recorded.
    #[error("the dialogue with the language model could not be recorded")]
    Recorder(#[source] E),
}

/// A dialogue that is about to be held.
pub struct Conversation<'a> {
    model: &'a dyn LanguageModel,
    context: &'a Context<'a>,
    registry: Registry,
    clock: &'a (dyn Fn() -> Instant + Sync),
}

impl std::fmt::Debug for Conversation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation").field("model", &self.model.model()).finish_non_exhaustive()
    }
}

/// Holds a [`Conversation`] about `context` with the machine's clock.
///
/// # Errors
/// [`ConverseError`] where there is no plan.
pub async fn converse<R: Recorder>(
    model: &dyn LanguageModel,
    context: &Context<'_>,
    recorder: &R,
) -> Result<Agreed, ConverseError<R::Error>> {
    Conversation::new(model, context, &Instant::now).hold(recorder).await
}

impl<'a> Conversation<'a> {
    /// A dialogue with `model` about `context`; elapsed times are differences of `clock`.
    #[must_use]
    pub fn new(
        model: &'a dyn LanguageModel,
        context: &'a Context<'a>,
        clock: &'a (dyn Fn() -> Instant + Sync),
    ) -> Self {
        let mut registry = Registry::classical();
        atsre_forecast_deep::register(&mut registry);
        Self { model, context, registry, clock }
    }

    /// Holds it: a plan that fits schema, catalogue, budget and engines, or the problems of the last attempt. Rubbish
    /// is asked again as if it had not come; a timeout, a lost connection and a refusal end it, except a refusal that
    /// says when to come back, soon.
    ///
    /// # Errors
    /// [`ConverseError`] where there is no plan.
    pub async fn hold<R: Recorder>(&self, recorder: &R) -> Result<Agreed, ConverseError<R::Error>> {
        let begun = (self.clock)();
        let share = Duration::from_millis(self.context.remaining_ms).mul_f64(PLANNING_SHARE);
        let mut dialogue = vec![Message { speaker: Speaker::User, text: llm::prompt(self.context) }];
        let mut problems = Vec::new();
        for attempt in 1..=ATTEMPTS {
            let left = share.saturating_sub(self.since(begun));
            if left < SHORTEST_CALL {
                problems.push(format!("the {:.0} s that planning may take are spent", share.as_secs_f64()));
                break;
            }
            let prompt = transcript(&dialogue);
            let request =
                Request { provider: self.model.provider(), model: self.model.model(), prompt: &prompt, attempt };
            recorder.requested(request).await.map_err(ConverseError::Recorder)?;
            let asked = (self.clock)();
            let outcome = self.model.complete(&dialogue, left).await;
            let latency_ms = u64::try_from(self.since(asked).as_millis()).unwrap_or(u64::MAX);
            match outcome {
                Ok(completion) => {
                    let spent_ms = u64::try_from(self.since(begun).as_millis()).unwrap_or(u64::MAX);
                    let judged_with_ms = self.context.remaining_ms.saturating_sub(spent_ms);
                    let judged = self.judge(&completion, judged_with_ms);
                    let found = judged.as_ref().err().map_or(&[][..], Vec::as_slice);
                    recorder.received(&completion, latency_ms, found).await.map_err(ConverseError::Recorder)?;
                    match judged {
                        Ok(plan) => return Ok(Agreed { plan, judged_with_ms }),
                        Err(found) => {
                            dialogue.push(Message { speaker: Speaker::Assistant, text: end(&completion.text) });
                            dialogue.push(Message { speaker: Speaker::User, text: llm::correction(&found) });
                            problems = found;
                        }
                    }
                }
                Err(error) => {
                    recorder.failed(&error, latency_ms).await.map_err(ConverseError::Recorder)?;
                    problems = vec![error.to_string()];
                    match pause(&error) {
                        Some(wait) if attempt < ATTEMPTS && wait < left => tokio::time::sleep(wait).await,
                        _ => break,
                    }
                }
            }
        }
        Err(ConverseError::GaveUp { problems })
    }

    fn since(&self, earlier: Instant) -> Duration {
        (self.clock)().saturating_duration_since(earlier)
    }

    /// The plan in an answer, given what the dialogue has left of the wall time.
    fn judge(&self, completion: &Completion, remaining_ms: u64) -> Result<Plan, Vec<String>> {
        let value = llm::last_object(&completion.text).map_err(|problem| {
            let cut = "the answer was cut off at the limit of output tokens: keep it shorter".to_owned();
            if completion.truncated { vec![cut, problem] } else { vec![problem] }
        })?;
        against_schema(&value)?;
        let answer = llm::read(value)?;
        let plan = llm::check(&answer, &Context { remaining_ms, ..self.context.clone() })?;
        // The engines know best which words and combinations they take.
        let refused: Vec<String> = plan
            .trials
            .iter()
            .filter_map(|trial| self.registry.build(&trial.spec).err())
            .map(|error| error.to_string())
            .collect();
        if refused.is_empty() { Ok(plan) } else { Err(refused) }
    }
}

/// Whether and after which wait it is worth asking the same again.
fn pause(error: &CompletionError) -> Option<Duration> {
    match error.kind {
        CompletionErrorKind::Rubbish => Some(Duration::ZERO),
        CompletionErrorKind::Refused => error.retry_after.filter(|wait| *wait <= LONGEST_WAIT),
        CompletionErrorKind::Timeout | CompletionErrorKind::Unreachable => None,
    }
}

fn against_schema(value: &Value) -> Result<(), Vec<String>> {
    let validator: Validator = match jsonschema::validator_for(&llm::schema()) {
        Ok(validator) => validator,
        Err(error) => return Err(vec![format!("the schema itself is broken: {error}")]),
    };
    let complaints: Vec<String> = validator
        .iter_errors(value)
        .take(MOST_COMPLAINTS)
        .map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the object".to_owned() } else { place };
            format!("{place}: {error}").chars().take(LONGEST_COMPLAINT).collect()
        })
        .collect();
    if complaints.is_empty() { Ok(()) } else { Err(complaints) }
}

/// The dialogue as text: the prompt alone as it is, more turns under the name of their speaker.
fn transcript(dialogue: &[Message]) -> String {
    if let [only] = dialogue {
        return only.text.clone();
    }
    let mut text = String::new();
    for message in dialogue {
        let speaker = match message.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        let _ = write!(text, "=== {speaker} ===\n{}\n\n", message.text);
    }
    text
}

/// The end of a rejected answer.
fn end(text: &str) -> String {
    let surplus = text.chars().count().saturating_sub(LONGEST_REPEATED);
    text.chars().skip(surplus).collect()
}
