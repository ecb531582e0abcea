//! The pure half of the language-model reasoner: what it is asked, how its answer is read, and what an answer must be
//! to become a plan.
//!
//! The order of use: [`prompt`] → (a model answers) → [`last_object`] and [`schema`] → [`read`] → [`check`], and
//! [`correction`] with the problems where one of them objects. No text that a model can write makes these panic, and
//! nothing from an answer reaches a plan unchecked.

mod answer;
mod check;
mod prompt;
mod setting;
#[cfg(test)]
mod tests;

pub use answer::{Answer, AnsweredTrial, last_object, read, read_answer, schema};
pub use check::check;
pub use prompt::{correction, prompt};

/// Trials that one plan may have.
pub const MOST_TRIALS: usize = 10;
/// Steps of reasoning that one answer may have.
pub const MOST_STEPS: usize = 10;
/// Characters of one sentence in an answer.
pub const LONGEST_SENTENCE: usize = 400;
/// Problems that are told of one answer: more would bury the first.
const MOST_PROBLEMS: usize = 20;
/// Characters shown of a name that others wrote.
const LONGEST_NAME: usize = 80;

/// A name from a file or from an answer, quoted and shortened, so that it can stand in a sentence without leaving it.
fn quoted(name: &str) -> String {
    let mut short: String = name.chars().take(LONGEST_NAME).collect();
    if name.chars().nth(LONGEST_NAME).is_some() {
        short.push('…');
    }
    serde_json::Value::String(short).to_string()
}

/// The first problems, and how many more there are.
fn first(mut problems: Vec<String>) -> Vec<String> {
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    if more > 0 {
        problems.truncate(MOST_PROBLEMS);
        problems.push(format!("and {more} more"));
    }
    problems
}
