//! How edges run, and their marks.

use std::fmt::Write;

use atsre_domain::Finite;
use atsre_domain::graph::{CausalEdge, CausalGraph, Mark};

use super::layout::{LANE, Layout, NODE_HEIGHT, Place};
use super::{ACCENT, INK, QUIET, escaped};
use crate::node_link::kind;

type Point = (f64, f64);

/// Cubic Bézier curves, end to end.
pub(super) struct Route {
    from: Point,
    curves: Vec<[Point; 3]>,
}

impl Route {
    pub(super) fn straight(from: Point, to: Point) -> Self {
        let part = |t: f64| (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t);
        Self { from, curves: vec![[part(1.0 / 3.0), part(2.0 / 3.0), to]] }
    }

    /// The end, and the control point before it.
    fn end(&self) -> (Point, Point) {
        self.curves.last().map_or((self.from, self.from), |c| (c[2], c[1]))
    }

    /// The start, and the control point after it.
    fn start(&self) -> (Point, Point) {
        (self.from, self.curves.first().map_or(self.from, |c| c[0]))
    }
}

/// The side of a node at which an edge ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
    Top,
}

/// A route for each edge, in their order. Ends that share a side of a node are spread over it.
pub(super) fn routes(graph: &CausalGraph, layout: &Layout) -> Vec<Route> {
    let place = |v: u32| &layout.places[v as usize];
    let over_time = !layout.lanes.is_empty();
    let sides: Vec<(Side, Side)> =
        graph.edges.iter().map(|e| sides(place(e.source), place(e.target), over_time)).collect();
    let offset = |node: u32, side: Side, edge: usize| {
        let mut ends: Vec<(f64, usize)> = Vec::new();
        for (k, e) in graph.edges.iter().enumerate() {
            let passages = layout.waypoints.get(k).map(Vec::as_slice).unwrap_or_default();
            for (end, other, at) in [(e.source, e.target, sides[k].0), (e.target, e.source, sides[k].1)] {
                if end == node && at == side {
                    let next = if at == Side::Right { passages.first() } else { passages.last() };
                    ends.push((next.map_or(place(other).y, |(_, y)| *y), k));
                }
            }
        }
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let position = ends.iter().position(|(_, k)| *k == edge).unwrap_or(0) as f64;
        (position + 0.5) / ends.len().max(1) as f64 - 0.5
    };
    let ends = graph.edges.iter().enumerate().map(|(k, e)| {
        let (leaves, arrives) = sides[k];
        let from = port(place(e.source), leaves, offset(e.source, leaves, k));
        let to = port(place(e.target), arrives, offset(e.target, arrives, k));
        let (source, target) = (place(e.source), place(e.target));
        let detour = over_time && leaves == Side::Right && arrives == Side::Left && target.rank > source.rank + 1;
        let passages = layout.waypoints.get(k).filter(|points| !points.is_empty());
        if let Some(passages) = passages {
            let mut points: Vec<Point> =
                passages.iter().flat_map(|((first, last), y)| [(*first, *y), (*last, *y)]).collect();
            if source.rank > target.rank {
                points.reverse();
            }
            along(from, &points, to)
        } else if detour {
            // Across lanes right after the source, then between two lanes, so that the line runs behind no other node.
            // Arcs of a lane's own past rise into the lower half of the room above it.
            let upper = if source.y < target.y { target.y - LANE } else { target.y };
            let between = upper + NODE_HEIGHT / 2.0 + 7.0 + (to.1 - target.y) * 0.3;
            along(from, &[(layout.clear[source.rank], between), (layout.clear[target.rank - 1], between)], to)
        } else {
            curve(from, to, leaves, arrives)
        }
    });
    ends.collect()
}

fn sides(source: &Place, target: &Place, over_time: bool) -> (Side, Side) {
    if source.rank == target.rank {
        (Side::Right, Side::Right)
    } else if over_time && (source.y - target.y).abs() < 1.0 && source.rank.abs_diff(target.rank) > 1 {
        // Along a lane, over the nodes between.
        (Side::Top, Side::Top)
    } else if source.rank < target.rank {
        (Side::Right, Side::Left)
    } else {
        (Side::Left, Side::Right)
    }
}

fn port(place: &Place, side: Side, offset: f64) -> Point {
    let down = offset * (NODE_HEIGHT - 10.0);
    match side {
        Side::Left => (place.x - place.width / 2.0, place.y + down),
        Side::Right => (place.x + place.width / 2.0, place.y + down),
        Side::Top => (place.x + offset * place.width * 0.6, place.y - NODE_HEIGHT / 2.0),
    }
}

fn curve(from: Point, to: Point, leaves: Side, arrives: Side) -> Route {
    let (across, down) = ((to.0 - from.0).abs(), (to.1 - from.1).abs());
    let reach = match (leaves, arrives) {
        (Side::Top, Side::Top) => (across / 22.0).clamp(14.0, 30.0),
        (Side::Right, Side::Right) | (Side::Left, Side::Left) => (24.0 + down * 0.22).min(120.0),
        _ => (across * 0.45).max(24.0),
    };
    let pull = |point: Point, side: Side| match side {
        Side::Left => (point.0 - reach, point.1),
        Side::Right => (point.0 + reach, point.1),
        Side::Top => {
            (point.0 + if point.0 < (from.0 + to.0) / 2.0 { across * 0.2 } else { -across * 0.2 }, point.1 - reach)
        }
    };
    Route { from, curves: vec![[pull(from, leaves), pull(to, arrives), to]] }
}

/// Through points, level at each.
fn along(from: Point, points: &[Point], to: Point) -> Route {
    let mut curves = Vec::with_capacity(points.len() + 1);
    let mut last = from;
    for point in points.iter().chain(std::iter::once(&to)) {
        let middle = f64::midpoint(last.0, point.0);
        curves.push([(middle, last.1), (middle, point.1), *point]);
        last = *point;
    }
    Route { from, curves }
}

/// One edge with its marks and a tooltip.
pub(super) fn draw(graph: &CausalGraph, edge: &CausalEdge, route: &Route, emphasised: bool, own_past: bool) -> String {
    let certainty = edge.confidence.map_or(0.6, Finite::get);
    let colour = if emphasised {
        ACCENT
    } else if own_past {
        QUIET
    } else {
        INK
    };
    let (width, opacity) = (1.0 + 2.2 * certainty, 0.25 + 0.7 * certainty);
    let name = |v: u32| graph.variables[v as usize].to_string();
    let mut about = format!("{} {} {}", name(edge.source), kind(edge.source_mark, edge.target_mark), name(edge.target));
    if let Some(p) = edge.p_value {
        let _ = write!(about, ", p = {:.2e}", p.get());
    }
    if let Some(confidence) = edge.confidence {
        let _ = write!(about, ", confidence {:.0} %", 100.0 * confidence.get());
    }
    let drawn = line(route, edge.source_mark, edge.target_mark, colour, width, opacity, own_past);
    format!("<g><title>{}</title>{drawn}</g>", escaped(&about))
}

/// A curve with marks at its ends.
pub(super) fn line(
    route: &Route,
    source: Mark,
    target: Mark,
    colour: &str,
    width: f64,
    opacity: f64,
    dashed: bool,
) -> String {
    let size = 6.0 + 1.6 * width;
    // The line stops where the mark begins.
    let ((start, after), (end, before)) = (route.start(), route.end());
    let from = toward(start, after, inset(source, size));
    let to = toward(end, before, inset(target, size));
    let dash = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
    let mut text = format!("<g opacity=\"{opacity:.2}\"><path d=\"M{:.1} {:.1}", from.0, from.1);
    for (k, [first, second, point]) in route.curves.iter().enumerate() {
        let point = if k + 1 == route.curves.len() { to } else { *point };
        let _ = write!(
            text,
            "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            first.0, first.1, second.0, second.1, point.0, point.1
        );
    }
    let _ = write!(text, "\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width:.2}\"{dash}/>");
    for (mark, tip, behind) in [(source, start, after), (target, end, before)] {
        match mark {
            Mark::Tail => {}
            Mark::Arrow => {
                let base = toward(tip, behind, size);
                let across = ((base.1 - tip.1) * 0.42, (tip.0 - base.0) * 0.42);
                let _ = write!(
                    text,
                    "<path d=\"M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z\" fill=\"{colour}\"/>",
                    tip.0,
                    tip.1,
                    base.0 + across.0,
                    base.1 + across.1,
                    base.0 - across.0,
                    base.1 - across.1
                );
            }
            Mark::Circle => {
                let centre = toward(tip, behind, 4.5);
                let _ = write!(
                    text,
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#ffffff\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
                    centre.0, centre.1
                );
            }
        }
    }
    text.push_str("</g>");
    text
}

fn inset(mark: Mark, size: f64) -> f64 {
    match mark {
        Mark::Tail => 0.0,
        Mark::Arrow => size * 0.8,
        Mark::Circle => 8.5,
    }
}

/// The point so far from `start` in the direction of `other`.
fn toward(start: Point, other: Point, distance: f64) -> Point {
    let (x, y) = (other.0 - start.0, other.1 - start.1);
    let length = x.hypot(y).max(1e-9);
    (start.0 + x / length * distance, start.1 + y / length * distance)
}
