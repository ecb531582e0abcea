//! A test that remembers its answers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};

use super::{IndependenceTest, Outcome};

/// The smaller variable, the larger one, and the conditioning set in ascending order.
type Question = (usize, usize, Vec<usize>);
/// Variables that fit into a packed question, of which each takes one part in seven of 126 bits.
const PACKED_MEMBERS: usize = 7;
const PACKED_BITS: usize = 18;

/// The questions of up to five conditions as one number each, which is most of them; the others in full.
#[derive(Debug, Default)]
struct Answers {
    packed: HashMap<u128, Outcome, BuildHasherDefault<Mixer>>,
    whole: HashMap<Question, Outcome>,
}

/// A hash of one number: multiplied and folded. The keys come from no stranger who could choose them to collide.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u128(u128::from(*byte)));
    }

    fn write_u128(&mut self, value: u128) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let folded = (value as u64 ^ self.0) ^ ((value >> 64) as u64).wrapping_mul(ODD);
        let product = u128::from(folded) * u128::from(ODD);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

/// x, y and the conditions, each one more than its number so that an absent one is zero. `None` where they do not fit.
fn pack(x: usize, y: usize, given: &[usize]) -> Option<u128> {
    if given.len() + 2 > PACKED_MEMBERS || given.iter().chain([&x, &y]).any(|v| v + 1 >= 1 << PACKED_BITS) {
        return None;
    }
    let part = |v: &usize| (v + 1) as u128;
    Some(given.iter().chain([&y, &x]).fold(0, |packed, v| packed << PACKED_BITS | part(v)))
}

fn unpack(packed: u128) -> (usize, usize) {
    let part = |packed: u128| (packed & ((1 << PACKED_BITS) - 1)) as usize - 1;
    (part(packed), part(packed >> PACKED_BITS))
}

/// Answers each question once. Arguments are put in order first, so that `x ⊥ y | {a, b}` and `y ⊥ x | {b, a}` are
/// one question with one answer.
#[derive(Debug)]
pub struct Memo<'a, T: ?Sized> {
    test: &'a T,
    answers: Mutex<Answers>,
}

impl<'a, T: IndependenceTest + ?Sized> Memo<'a, T> {
    /// Remembers the answers of `test`.
    pub fn new(test: &'a T) -> Self {
        Self { test, answers: Mutex::default() }
    }

    /// How many different questions have been answered.
    #[must_use]
    pub fn distinct(&self) -> usize {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.packed.len() + answers.whole.len()
    }

    /// For every pair that was tested, its outcome nearest to independence, at `smaller * variables + larger`.
    #[must_use]
    pub fn nearest(&self) -> Vec<Option<Outcome>> {
        let size = self.test.variables();
        let mut nearest: Vec<Option<Outcome>> = vec![None; size * size];
        // The order of the map does not show: the nearest outcome is a maximum.
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let packed = answers.packed.iter().map(|(question, outcome)| (unpack(*question), outcome));
        for ((x, y), outcome) in packed.chain(answers.whole.iter().map(|((x, y, _), outcome)| ((*x, *y), outcome))) {
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
        let (x, y) = (x.min(y), x.max(y));
        if !given.is_sorted_by(|a, b| a < b) {
            let mut ascending = given.to_vec();
            ascending.sort_unstable();
            ascending.dedup();
            return self.test(x, y, &ascending);
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match pack(x, y, given) {
            Some(question) => *answers.packed.entry(question).or_insert_with(|| self.test.test(x, y, given)),
            None => {
                let question = (x, y, given.to_vec());
                *answers.whole.entry(question).or_insert_with(|| self.test.test(x, y, given))
            }
        }
    }
}
