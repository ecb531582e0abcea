//! A test that remembers its answers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{IndependenceTest, Outcome};

/// The smaller variable, the larger one, and the conditioning set in ascending order.
type Question = (usize, usize, Vec<usize>);

/// Answers each question once. Arguments are put in order first, so that `x ⊥ y | {a, b}` and `y ⊥ x | {b, a}` are
/// one question with one answer.
#[derive(Debug)]
pub struct Memo<'a, T: ?Sized> {
    test: &'a T,
    answers: Mutex<HashMap<Question, Outcome>>,
}

impl<'a, T: IndependenceTest + ?Sized> Memo<'a, T> {
    /// Remembers the answers of `test`.
    pub fn new(test: &'a T) -> Self {
        Self { test, answers: Mutex::new(HashMap::new()) }
    }

    /// How many different questions have been answered.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// For every pair that was tested, its outcome nearest to independence, at `smaller * variables + larger`.
    #[must_use]
    pub fn nearest(&self) -> Vec<Option<Outcome>> {
        let size = self.test.variables();
        let mut nearest: Vec<Option<Outcome>> = vec![None; size * size];
        // The order of the map does not show: the nearest outcome is a maximum.
        for ((x, y, _), outcome) in self.answers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let slot = &mut nearest[x * size + y];
            if slot.is_none_or(|best| outcome.nearer_to_independence(&best)) {
                *slot = Some(*outcome);
            }
        }
        nearest
    }
}

impl<T: IndependenceTest + ?Sized> IndependenceTest for Memo<'_, T> {
    fn variables(&self) -> usize {
        self.test.variables()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        let mut given = given.to_vec();
        given.sort_unstable();
        given.dedup();
        let question = (x.min(y), x.max(y), given);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get(&question) {
            return *known;
        }
        let outcome = self.test.test(question.0, question.1, &question.2);
        answers.insert(question, outcome);
        outcome
    }
}
