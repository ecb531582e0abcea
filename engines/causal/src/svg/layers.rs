//! A layered drawing of a graph without time (Sugiyama, Tagawa and Toda 1981): layers by longest path, a passage in every
//! layer that an edge runs through, and the order within layers by barycentres.

use atsre_domain::graph::{CausalGraph, Mark};

use crate::paths;

/// The room that a passage takes, of that of a node.
const PASSAGE: f64 = 0.42;
/// Sweeps over the layers, forwards and backwards in turn.
const SWEEPS: usize = 8;

pub(super) struct Layers {
    /// The layer of each variable, from the left.
    pub(super) layer: Vec<usize>,
    /// Its height.
    pub(super) height: Vec<f64>,
    /// For each edge, (layer, height) of its passages, from left to right.
    pub(super) waypoints: Vec<Vec<(usize, f64)>>,
    /// The height of the tallest layer.
    pub(super) tallest: f64,
}

/// Variables first, then passages.
struct Items {
    layer: Vec<usize>,
    linked: Vec<Vec<usize>>,
    passages: Vec<Vec<usize>>,
    variables: usize,
}

impl Layers {
    /// `room` is the height that a node takes.
    pub(super) fn of(graph: &CausalGraph, room: f64) -> Self {
        let layer = longest_paths(graph);
        let items = Items::of(graph, &layer);
        let size = |item: usize| if item < items.variables { room } else { room * PASSAGE };
        let count = layer.iter().max().map_or(0, |most| most + 1);
        let mut order: Vec<Vec<usize>> =
            (0..count).map(|l| (0..items.layer.len()).filter(|i| items.layer[*i] == l).collect()).collect();
        let total = |members: &[usize]| members.iter().map(|i| size(*i)).sum::<f64>();
        let tallest = order.iter().map(|members| total(members)).fold(room, f64::max);
        let mut height = vec![0.0; items.layer.len()];
        let place = |members: &[usize], height: &mut [f64]| {
            let mut top = (tallest - total(members)) / 2.0;
            for item in members {
                height[*item] = top + size(*item) / 2.0;
                top += size(*item);
            }
        };
        order.iter().for_each(|members| place(members, &mut height));
        for sweep in 0..SWEEPS {
            let forwards = sweep % 2 == 0;
            for step in 1..count {
                let (at, before) = if forwards { (step, step - 1) } else { (count - 1 - step, count - step) };
                let centre = |item: usize| {
                    let near: Vec<f64> =
                        items.linked[item].iter().filter(|o| items.layer[**o] == before).map(|o| height[*o]).collect();
                    if near.is_empty() { height[item] } else { near.iter().sum::<f64>() / near.len() as f64 }
                };
                let mut keyed: Vec<(f64, usize)> = order[at].iter().map(|item| (centre(*item), *item)).collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                order[at] = keyed.into_iter().map(|(_, item)| item).collect();
                place(&order[at], &mut height);
            }
        }
        let waypoints =
            items.passages.iter().map(|chain| chain.iter().map(|i| (items.layer[*i], height[*i])).collect()).collect();
        height.truncate(items.variables);
        Self { layer, height, waypoints, tallest }
    }
}

impl Items {
    fn of(graph: &CausalGraph, layer: &[usize]) -> Self {
        let variables = layer.len();
        let mut items =
            Self { layer: layer.to_vec(), linked: vec![Vec::new(); variables], passages: Vec::new(), variables };
        for edge in &graph.edges {
            let (source, target) = (edge.source as usize, edge.target as usize);
            let (left, right) = if layer[source] <= layer[target] { (source, target) } else { (target, source) };
            let mut chain = Vec::new();
            let mut last = left;
            for between in layer[left] + 1..layer[right] {
                let item = items.layer.len();
                items.layer.push(between);
                items.linked.push(Vec::new());
                items.link(last, item);
                chain.push(item);
                last = item;
            }
            items.link(last, right);
            items.passages.push(chain);
        }
        items
    }

    fn link(&mut self, a: usize, b: usize) {
        self.linked[a].push(b);
        self.linked[b].push(a);
    }
}

/// The longest directed path to each variable; where there is a cycle, one layer.
fn longest_paths(graph: &CausalGraph) -> Vec<usize> {
    let mut layer = vec![0; graph.variables.len()];
    let Ok(order) = petgraph::algo::toposort(&paths::directed_part(graph), None) else { return layer };
    for node in order.iter().map(|n| n.index()) {
        for edge in &graph.edges {
            let (source, target) = (edge.source as usize, edge.target as usize);
            let effect = match (edge.source_mark, edge.target_mark) {
                (Mark::Tail, Mark::Arrow) if source == node => target,
                (Mark::Arrow, Mark::Tail) if target == node => source,
                (Mark::Tail | Mark::Arrow | Mark::Circle, Mark::Tail | Mark::Arrow | Mark::Circle) => continue,
            };
            layer[effect] = layer[effect].max(layer[node] + 1);
        }
    }
    layer
}
