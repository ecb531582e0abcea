//! Where the nodes stand.

use atsre_domain::graph::CausalGraph;

use super::label;
use super::layers::Layers;

pub(super) const NODE_HEIGHT: f64 = 32.0;
/// Rough width of a character at the font size used, generous so that no label overflows.
const CHARACTER: f64 = 7.8;
pub(super) const LANE: f64 = 68.0;
const GAP: f64 = 96.0;
/// Distance from the nodes of a rank at which a line is level with its passage.
const CLEARANCE: f64 = 30.0;
const MARGIN: f64 = 32.0;
/// Room right of the present for edges within it.
const BULGE: f64 = 96.0;

pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    /// Which column of the picture it stands in, from the left.
    pub(super) rank: usize,
}

pub(super) struct Layout {
    pub(super) places: Vec<Place>,
    pub(super) headings: Vec<(f64, String)>,
    /// Heights of lanes to shade.
    pub(super) lanes: Vec<f64>,
    /// For each rank, where the room right of it ends: no node is between its right edge and here.
    pub(super) clear: Vec<f64>,
    /// For each edge, the passages between nodes that it takes, from left to right: (from x, to x) and y. Empty where it
    /// needs none.
    pub(super) waypoints: Vec<Vec<((f64, f64), f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Layout {
    pub(super) fn of(graph: &CausalGraph, target: Option<&str>) -> Self {
        if graph.variables.iter().any(|v| v.lag > 0) { Self::over_time(graph, target) } else { Self::in_layers(graph) }
    }

    /// Lags from left to right, a lane for each column, the target's in the middle and its neighbours next to it.
    fn over_time(graph: &CausalGraph, target: Option<&str>) -> Self {
        let mut lags: Vec<u32> = graph.variables.iter().map(|v| v.lag).collect();
        lags.sort_unstable_by(|a, b| b.cmp(a));
        lags.dedup();
        let lanes = lane_order(graph, target);
        let rank = |lag: u32| lags.iter().position(|l| *l == lag).unwrap_or(0);
        let lane = |name: &str| lanes.iter().position(|n| n == name).unwrap_or(0);
        let cells: Vec<(usize, usize)> = graph.variables.iter().map(|v| (rank(v.lag), lane(&v.name))).collect();
        let mut layout = Self::of_cells(graph, &cells, lanes.len(), 48.0);
        layout.width += BULGE;
        layout.headings = lags
            .iter()
            .enumerate()
            .map(|(rank, lag)| {
                let x = layout.places.iter().find(|p| p.rank == rank).map_or(0.0, |p| p.x);
                let text = match lag {
                    0 => "now".to_owned(),
                    1 => "1 step back".to_owned(),
                    lag => format!("{lag} steps back"),
                };
                (x, text)
            })
            .collect();
        layout.lanes = (0..lanes.len()).map(|lane| lane_height(lane, 48.0)).collect();
        layout
    }

    /// Causes left of effects.
    fn in_layers(graph: &CausalGraph) -> Self {
        let layers = Layers::of(graph, LANE);
        let cells: Vec<(usize, usize)> = layers.layer.iter().map(|layer| (*layer, 0)).collect();
        let mut layout = Self::of_cells(graph, &cells, 1, 16.0);
        layout.places.iter_mut().zip(&layers.height).for_each(|(place, y)| place.y = 16.0 + y);
        layout.height = 24.0 + layers.tallest;
        let room = GAP - 2.0 * CLEARANCE;
        layout.waypoints = layers
            .waypoints
            .iter()
            .map(|points| {
                points
                    .iter()
                    .map(|(layer, y)| ((layout.clear[*layer - 1], layout.clear[*layer] - room), 16.0 + y))
                    .collect()
            })
            .collect();
        let level = graph.edges.iter().any(|e| layers.layer[e.source as usize] == layers.layer[e.target as usize]);
        layout.width += if level { BULGE } else { 0.0 };
        layout
    }

    fn of_cells(graph: &CausalGraph, cells: &[(usize, usize)], lanes: usize, top: f64) -> Self {
        let widths: Vec<f64> = graph
            .variables
            .iter()
            .map(|v| (label(&v.name, v.lag).chars().count() as f64 * CHARACTER + 24.0).max(56.0))
            .collect();
        let ranks = cells.iter().map(|(rank, _)| rank + 1).max().unwrap_or(1);
        let mut x = MARGIN;
        let (mut centres, mut clear) = (Vec::with_capacity(ranks), Vec::with_capacity(ranks));
        for rank in 0..ranks {
            let widest =
                cells.iter().zip(&widths).filter(|((r, _), _)| *r == rank).map(|(_, w)| *w).fold(56.0, f64::max);
            centres.push(x + widest / 2.0);
            x += widest + GAP;
            clear.push(x - CLEARANCE);
        }
        let places = cells
            .iter()
            .zip(&widths)
            .map(|((rank, lane), width)| Place {
                x: centres[*rank],
                y: lane_height(*lane, top),
                width: *width,
                rank: *rank,
            })
            .collect();
        // The legend sets the least width.
        Self {
            places,
            headings: Vec::new(),
            lanes: Vec::new(),
            clear,
            waypoints: Vec::new(),
            width: (x - GAP + MARGIN).max(700.0),
            height: top + lanes.max(1) as f64 * LANE + 8.0,
        }
    }
}

fn lane_height(lane: usize, top: f64) -> f64 {
    top + (lane as f64 + 0.5) * LANE
}

/// Column names, the target in the middle, those with the most edges to it nearest.
fn lane_order(graph: &CausalGraph, target: Option<&str>) -> Vec<String> {
    let name = |v: u32| graph.variables[v as usize].name.as_str();
    let mut others: Vec<(usize, &str)> = Vec::new();
    for variable in graph.variables.iter().filter(|v| v.lag == 0 && target != Some(v.name.as_str())) {
        let touching = |other: Option<&str>| {
            graph
                .edges
                .iter()
                .filter(|e| name(e.source) != name(e.target))
                .filter(|e| [name(e.source), name(e.target)].contains(&variable.name.as_str()))
                .filter(|e| other.is_none_or(|o| [name(e.source), name(e.target)].contains(&o)))
                .count()
        };
        others.push((
            if target.is_some() { 100 * touching(target) + touching(None) } else { touching(None) },
            &variable.name,
        ));
    }
    others.sort_by_key(|(edges, _)| std::cmp::Reverse(*edges));
    let mut order: std::collections::VecDeque<String> =
        target.map(str::to_owned).filter(|t| graph.variables.iter().any(|v| &v.name == t)).into_iter().collect();
    for (turn, (_, name)) in others.into_iter().enumerate() {
        if turn % 2 == 0 { order.push_back(name.to_owned()) } else { order.push_front(name.to_owned()) }
    }
    order.into()
}
