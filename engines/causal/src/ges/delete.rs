//! The backward phase: deletions.

use super::score::GaussianBic;
use super::state::State;
use super::{SETS_MAX, Step, beats};
use crate::pattern::Pattern;
use crate::subsets::visit_subsets;

/// Makes the deletion with the largest gain until none has a positive one.
pub(super) fn search(state: &mut State<'_>, score: &GaussianBic) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = best(state, score) {
        let Some(next) = state.class_of(&apply(state, step.from, step.to, &step.with)) else { return steps };
        state.enter(next);
        steps.push(step);
    }
    steps
}

/// The first deletion of `i → j` or `i — j` with the largest positive gain: H is a set of neighbours of j adjacent to i such
/// that the others of these form a clique (Chickering 2002, theorem 17 and corollary 18).
fn best(state: &State<'_>, score: &GaussianBic) -> Option<Step> {
    let mut found: Option<Step> = None;
    let mut limit = 0.0;
    for from in 0..state.nodes() {
        for to in state.around()[from].adjacent.iter() {
            if state.class().directed(to, from) || state.required(from, to) {
                continue;
            }
            let of_to = &state.around()[to];
            let common: Vec<usize> =
                of_to.neighbours.iter().filter(|n| state.around()[from].adjacent.contains(*n)).collect();
            let mut tried = 0;
            for size in 0..=common.len() {
                visit_subsets(&common, size, |with| {
                    tried += 1;
                    let more = tried < SETS_MAX;
                    let mut regressors: Vec<usize> = common.iter().copied().filter(|n| !with.contains(n)).collect();
                    if !state.clique(&regressors) {
                        return more;
                    }
                    regressors.extend(of_to.parents.iter().filter(|n| *n != from));
                    regressors.sort_unstable();
                    regressors.push(from);
                    let gain = -score.gain(to, &regressors);
                    let possible = || !state.is_bound() || state.class_of(&apply(state, from, to, with)).is_some();
                    if gain.is_finite() && beats(gain, limit) && possible() {
                        limit = gain;
                        found = Some(Step { from, to, with: with.to_vec(), gain });
                    }
                    more
                });
                if tried >= SETS_MAX {
                    break;
                }
            }
        }
    }
    found
}

fn apply(state: &State<'_>, i: usize, j: usize, with: &[usize]) -> Pattern {
    let mut graph = state.class().clone();
    graph.separate(i, j);
    for h in with {
        graph.orient(j, *h);
        if graph.undirected(i, *h) {
            graph.orient(i, *h);
        }
    }
    graph
}
