//! What can be said of directed edges.

use std::collections::BTreeMap;

use atsre_domain::graph::Mark;

use super::paths::semi_directed_step;
use crate::fci::EdgeProperties;
use crate::fci::pag::Pag;

/// The properties of every directed edge (cause, effect). An edge is visible where something with an arrow at the cause
/// is not adjacent to the effect, or causes the cause.
pub(super) fn properties(pag: &Pag) -> BTreeMap<(usize, usize), EdgeProperties> {
    let edges: Vec<(usize, usize)> = pag.pattern().directed_edges().collect();
    edges
        .into_iter()
        .map(|(cause, effect)| {
            let other_way = |from: usize, to: usize| (from, to) != (cause, effect) && semi_directed_step(pag, from, to);
            let definitely_direct = !pag.reached(cause, other_way)[effect];
            let into = pag.with_mark_at(cause, Mark::Arrow);
            let visible = into.iter().any(|c| !pag.adjacent(*c, effect) || pag.directed(*c, cause));
            ((cause, effect), EdgeProperties { definitely_direct, visible })
        })
        .collect()
}
