//! The answer's form, and finding it in a text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{LONGEST_SENTENCE, MOST_STEPS, MOST_TRIALS, first, quoted};
use crate::model::Setting;
use crate::plan::ReasoningStep;

/// Bytes of a text, from its end, in which an answer is looked for.
const SEARCHED_BYTES: usize = 256 * 1024;

/// A plan as a language model proposes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What the experiment expects to find.
    pub hypothesis: String,
    /// The steps of reasoning.
    pub reasoning: Vec<ReasoningStep>,
    /// The trials.
    pub trials: Vec<AnsweredTrial>,
    /// `weighted_avg` or `none`.
    pub ensemble_strategy: String,
}

/// One trial of an [`Answer`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnsweredTrial {
    /// The model's name in the catalogue.
    pub model: String,
    /// Its settings; those absent are the catalogue's defaults.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, Setting>,
    /// The covariates it is to use, by column name.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// Why.
    pub reason: String,
}

/// The JSON schema of an [`Answer`].
#[must_use]
pub fn schema() -> Value {
    let sentence = json!({ "type": "string", "minLength": 1, "maxLength": LONGEST_SENTENCE });
    let setting = json!({
        "anyOf": [
            { "type": ["boolean", "number", "string"] },
            { "type": "array", "items": { "type": "integer" } }
        ]
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["hypothesis", "reasoning", "trials", "ensemble_strategy"],
        "properties": {
            "hypothesis": sentence,
            "reasoning": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_STEPS,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["observation", "inference", "decision"],
                    "properties": { "observation": sentence, "inference": sentence, "decision": sentence }
                }
            },
            "trials": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_TRIALS,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["model", "reason"],
                    "properties": {
                        "model": { "type": "string" },
                        "hyperparameters": { "type": "object", "additionalProperties": setting },
                        "covariates": { "type": "array", "uniqueItems": true, "items": { "type": "string" } },
                        "reason": sentence
                    }
                }
            },
            "ensemble_strategy": { "enum": ["weighted_avg", "none"] }
        }
    })
}

/// Reads the last answer in a text: [`last_object`], then [`read`].
///
/// # Errors
/// What is wrong, a sentence each.
pub fn read_answer(text: &str) -> Result<Answer, Vec<String>> {
    read(last_object(text).map_err(|problem| vec![problem])?)
}

/// Takes a JSON value as an answer.
///
/// # Errors
/// What is wrong, a sentence each.
pub fn read(value: Value) -> Result<Answer, Vec<String>> {
    serde_json::from_value(value)
        .map_err(|error| first(vec![format!("the JSON object does not fit the schema: {}", short(&error))]))
}

/// The last JSON object in a text that looks like an answer, fenced or bare. Reasoning models draft several; the last
/// one counts.
///
/// # Errors
/// Where there is none: what stands in its place, with the parser's complaint about the likeliest candidate.
pub fn last_object(text: &str) -> Result<Value, String> {
    let text = tail(text);
    let mut found: Option<Map<String, Value>> = None;
    let mut complaint: Option<(usize, String)> = None;
    let mut at = 0;
    while let Some(offset) = text[at..].find('{') {
        let start = at + offset;
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Map<String, Value>>();
        match stream.next() {
            Some(Ok(object)) => {
                at = start + stream.byte_offset().max(1);
                let better = looks_like_an_answer(&object) || !found.as_ref().is_some_and(looks_like_an_answer);
                if better {
                    found = Some(object);
                }
            }
            Some(Err(error)) => {
                at = start + 1;
                // The candidate that got furthest before it broke is the one that was meant.
                let reach = error.line() * 1_000 + error.column().min(999);
                if complaint.as_ref().is_none_or(|(furthest, _)| reach > *furthest) {
                    complaint = Some((reach, short(&error)));
                }
            }
            None => at = start + 1,
        }
    }
    match (found, complaint) {
        (Some(object), _) if looks_like_an_answer(&object) => Ok(Value::Object(object)),
        (_, Some((_, complaint))) => Err(format!("the JSON of the answer cannot be parsed: {complaint}")),
        (Some(object), None) => {
            let keys: Vec<String> = object.keys().take(5).map(|k| quoted(k)).collect();
            Err(format!("the last JSON object has no `trials`, only {}", keys.join(", ")))
        }
        (None, None) if text.trim().is_empty() => Err("the answer is empty".to_owned()),
        (None, None) => Err("there is no JSON object in the answer".to_owned()),
    }
}

fn looks_like_an_answer(object: &Map<String, Value>) -> bool {
    object.contains_key("trials")
}

/// The end of the text, cut at a character.
fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(SEARCHED_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// A parser's complaint; it may quote what the answer holds, at any length.
fn short(error: &serde_json::Error) -> String {
    error.to_string().chars().take(LONGEST_SENTENCE).collect()
}
