//! The forward phase: insertions.

use super::score::GaussianBic;
use super::state::{NodeSet, State};
use super::{Mode, SETS_MAX, Settings, Step, beats};
use crate::pattern::Pattern;
use crate::subsets::visit_subsets;

/// The insertions of one edge that pass the first test, in the order in which they are tried.
#[derive(Clone, Default)]
struct Candidates {
    sets: Vec<(Vec<usize>, f64)>,
    best: f64,
}

/// Makes the insertion with the largest gain until none has a positive one.
pub(super) fn search(state: &mut State<'_>, score: &GaussianBic, settings: &Settings) -> Vec<Step> {
    let nodes = state.nodes();
    let mut candidates: Vec<Candidates> = vec![Candidates::default(); nodes * nodes];
    let mut changed = NodeSet::new(nodes);
    (0..nodes).for_each(|n| changed.insert(n));
    let mut steps = Vec::new();
    loop {
        refresh(state, score, settings, &changed, &mut candidates);
        let Some((step, graph)) = best(state, &candidates) else { return steps };
        let Some(next) = state.class_of(&graph) else { return steps };
        changed = state.enter(next);
        steps.push(step);
    }
}

/// Finds the candidates anew where something that they depend on changed.
fn refresh(
    state: &State<'_>,
    score: &GaussianBic,
    settings: &Settings,
    changed: &NodeSet,
    candidates: &mut [Candidates],
) {
    let nodes = state.nodes();
    for j in 0..nodes {
        let near = &state.around()[j].neighbours;
        let all = changed.contains(j) || near.intersects(changed);
        for i in 0..nodes {
            if i != j && (all || changed.contains(i)) {
                candidates[i * nodes + j] = find(state, score, settings, i, j);
            }
        }
    }
}

/// Every set T of neighbours of j not adjacent to i that forms a clique with the neighbours adjacent to i, with the gain of
/// `i → j` (Chickering 2002, theorem 15 and corollary 16).
fn find(state: &State<'_>, score: &GaussianBic, settings: &Settings, i: usize, j: usize) -> Candidates {
    let mut found = Candidates { sets: Vec::new(), best: 0.0 };
    let (of_i, of_j) = (&state.around()[i], &state.around()[j]);
    if of_i.adjacent.contains(j) || state.excluded(i, j) {
        return found;
    }
    let parents: Vec<usize> = of_j.parents.iter().collect();
    let most = settings.max_parents.unwrap_or(usize::MAX);
    if parents.len() > most {
        return found;
    }
    let (common, free): (Vec<usize>, Vec<usize>) = of_j.neighbours.iter().partition(|n| of_i.adjacent.contains(*n));
    let mut regressors = Vec::new();
    let mut tried = 0;
    for size in 0..=free.len() {
        let before = found.sets.len();
        visit_subsets(&free, size, |chosen| {
            regressors.clear();
            regressors.extend(common.iter().chain(chosen));
            let fits = settings.mode == Mode::Compatible || regressors.len() + parents.len() < most;
            if fits && state.clique(&regressors) {
                regressors.extend(&parents);
                // One order of the regressors whatever the way here, so that equal sets give equal bits.
                regressors.sort_unstable();
                regressors.push(i);
                let gain = score.gain(j, &regressors);
                found.best = found.best.max(gain);
                found.sets.push((chosen.to_vec(), gain));
            }
            tried += 1;
            tried < SETS_MAX
        });
        // A set whose subsets form no clique forms none.
        if found.sets.len() == before || tried >= SETS_MAX {
            break;
        }
    }
    found
}

/// The first insertion with the largest positive gain past which no semi-directed path leads from j to i, and the graph that
/// it makes.
fn best(state: &State<'_>, candidates: &[Candidates]) -> Option<(Step, Pattern)> {
    let nodes = state.nodes();
    let mut found: Option<Step> = None;
    let mut limit = 0.0;
    for from in 0..nodes {
        for to in 0..nodes {
            let here = &candidates[from * nodes + to];
            if !beats(here.best, limit) {
                continue;
            }
            for (with, gain) in here.sets.iter().filter(|(_, gain)| gain.is_finite()) {
                if beats(*gain, limit) && valid(state, from, to, with) {
                    limit = *gain;
                    found = Some(Step { from, to, with: with.clone(), gain: *gain });
                }
            }
        }
    }
    found.map(|step| {
        let graph = apply(state, step.from, step.to, &step.with);
        (step, graph)
    })
}

fn valid(state: &State<'_>, i: usize, j: usize, with: &[usize]) -> bool {
    let mut barred = NodeSet::new(state.nodes());
    with.iter().for_each(|n| barred.insert(*n));
    let common = state.around()[j].neighbours.iter().filter(|n| state.around()[i].adjacent.contains(*n));
    common.for_each(|n| barred.insert(n));
    !state.leads(j, i, &barred) && (!state.is_bound() || state.class_of(&apply(state, i, j, with)).is_some())
}

fn apply(state: &State<'_>, i: usize, j: usize, with: &[usize]) -> Pattern {
    let mut graph = state.class().clone();
    graph.orient(i, j);
    with.iter().for_each(|t| graph.orient(*t, j));
    graph
}
