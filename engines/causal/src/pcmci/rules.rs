//! Rules that direct what colliders left open (Meek 1995, in the form of Runge 2020, algorithm S3).

use super::collider::{Orienter, unshielded};
use super::links::{LaggedLinks, Link};
use super::plus::Triple;

/// Applies the three rules until none changes anything. Ambiguous triples are passed over.
pub(super) fn close(links: &mut LaggedLinks, ambiguous: &[Triple], orienter: Orienter<'_>) {
    loop {
        let before = links.clone();
        for (cause, effect) in away_from_colliders(links, ambiguous) {
            orienter.orient(links, cause, effect);
        }
        for (cause, effect) in against_cycles(links) {
            orienter.orient(links, cause, effect);
        }
        for (cause, effect) in between_two_chains(links, ambiguous) {
            orienter.orient(links, cause, effect);
        }
        if *links == before {
            return;
        }
    }
}

/// `i → k — j` with i, j apart: `k → j`.
fn away_from_colliders(links: &LaggedLinks, ambiguous: &[Triple]) -> Vec<(usize, usize)> {
    unshielded(links)
        .into_iter()
        .filter(|t| links.get(t.source, t.middle, t.lag) == Link::Forward && !ambiguous.contains(t))
        .map(|t| (t.middle, t.target))
        .collect()
}

/// `i → k → j` with `i — j`: `i → j`.
fn against_cycles(links: &LaggedLinks) -> Vec<(usize, usize)> {
    let columns = links.columns();
    let arrow = |a: usize, b: usize| links.get(a, b, 0) == Link::Forward;
    open_pairs(links).filter(|(i, j)| (0..columns).any(|k| arrow(*i, k) && arrow(k, *j))).collect()
}

/// `i — k → j` and `i — l → j` with k, l apart and `i — j`: `i → j`.
fn between_two_chains(links: &LaggedLinks, ambiguous: &[Triple]) -> Vec<(usize, usize)> {
    let columns = links.columns();
    let decided =
        |source: usize, middle: usize, target: usize| !ambiguous.contains(&Triple { source, lag: 0, middle, target });
    open_pairs(links)
        .filter(|(i, j)| {
            let through: Vec<usize> = (0..columns)
                .filter(|k| links.get(*i, *k, 0) == Link::Open && links.get(*k, *j, 0) == Link::Forward)
                .collect();
            through.iter().enumerate().any(|(n, k)| {
                through[n + 1..]
                    .iter()
                    .any(|l| !links.adjacent(*k, *l, 0) && decided(*k, *i, *l) && decided(*l, *i, *k))
            })
        })
        .collect()
}

fn open_pairs(links: &LaggedLinks) -> impl Iterator<Item = (usize, usize)> + '_ {
    let columns = links.columns();
    (0..columns)
        .flat_map(move |i| (0..columns).map(move |j| (i, j)))
        .filter(|(i, j)| links.get(*i, *j, 0) == Link::Open)
}
