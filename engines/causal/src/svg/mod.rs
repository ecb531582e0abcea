//! A causal graph as a picture: one self-contained SVG, for a light background.
//!
//! Over time, columns are lanes and time runs from left to right to the present. Without time, causes stand left of their
//! effects. The target is filled, what points at it is coloured, and a line is stronger the more certain its edge.

mod edge;
mod layers;
mod layout;

use std::fmt::Write;

use atsre_domain::graph::{CausalGraph, Mark};

use edge::Route;
use layout::Layout;

pub(crate) const ACCENT: &str = "#c2410c";
pub(crate) const INK: &str = "#334155";
pub(crate) const QUIET: &str = "#94a3b8";
/// Labels are cut after this many characters; the whole name is in the tooltip.
const LABEL_MAX: usize = 24;

/// Draws a graph. `target` is highlighted, and so is what drives it.
#[must_use]
pub fn draw(graph: &CausalGraph, target: Option<&str>) -> String {
    let layout = Layout::of(graph, target);
    let (width, height) = (layout.width, layout.height + 44.0);
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\" font-size=\"13\">\
         <title>Causal graph{}</title><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
        target.map(|t| format!(" of {}", escaped(t))).unwrap_or_default()
    );
    for (x, text) in &layout.headings {
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"24\" text-anchor=\"middle\" fill=\"{QUIET}\" font-size=\"12\">{}</text>",
            escaped(text)
        );
    }
    for y in &layout.lanes {
        let _ = write!(
            svg,
            "<line x1=\"16\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#f1f5f9\" stroke-width=\"26\" stroke-linecap=\"round\"/>",
            width - 16.0
        );
    }
    let routes = edge::routes(graph, &layout);
    // What points at the target is drawn last, above the rest.
    for emphasised in [false, true] {
        for (edge, route) in graph.edges.iter().zip(&routes) {
            if is_emphasised(graph, edge, target) == emphasised {
                svg.push_str(&edge::draw(graph, edge, route, emphasised, is_own_past(graph, edge)));
            }
        }
    }
    for (index, variable) in graph.variables.iter().enumerate() {
        draw_node(&mut svg, graph, index, &layout, target, &variable.to_string());
    }
    draw_legend(&mut svg, layout.height + 22.0);
    svg.push_str("</svg>");
    svg
}

type Edge = atsre_domain::graph::CausalEdge;

fn is_own_past(graph: &CausalGraph, edge: &Edge) -> bool {
    graph.variables[edge.source as usize].name == graph.variables[edge.target as usize].name
}

/// Whether an edge makes its other end a driver, certain or possible, of the target.
fn is_emphasised(graph: &CausalGraph, edge: &Edge, target: Option<&str>) -> bool {
    let hits = |end: u32, mark: Mark, other: Mark| {
        let variable = &graph.variables[end as usize];
        target == Some(variable.name.as_str()) && variable.lag == 0 && (mark, other) != (Mark::Tail, Mark::Arrow)
    };
    !is_own_past(graph, edge)
        && (hits(edge.target, edge.target_mark, edge.source_mark)
            || hits(edge.source, edge.source_mark, edge.target_mark))
}

fn draw_node(svg: &mut String, graph: &CausalGraph, index: usize, layout: &Layout, target: Option<&str>, name: &str) {
    let place = &layout.places[index];
    let variable = &graph.variables[index];
    let is_target = target == Some(variable.name.as_str());
    let drives = graph
        .edges
        .iter()
        .any(|e| (e.source as usize == index || e.target as usize == index) && is_emphasised(graph, e, target));
    let (fill, stroke, ink) = match (is_target, variable.lag, drives) {
        (true, 0, _) => (ACCENT, ACCENT, "#ffffff"),
        (true, _, _) => ("#ffffff", ACCENT, ACCENT),
        (false, _, true) => ("#fff7ed", ACCENT, INK),
        (false, _, false) => ("#ffffff", QUIET, INK),
    };
    let (left, top) = (place.x - place.width / 2.0, place.y - layout::NODE_HEIGHT / 2.0);
    let weight = if is_target { 600 } else { 400 };
    let _ = write!(
        svg,
        "<g><title>{}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.5\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{ink}\" font-weight=\"{weight}\">{}</text></g>",
        escaped(name),
        place.width,
        layout::NODE_HEIGHT,
        place.x,
        place.y + 4.5,
        escaped(&label(&variable.name, variable.lag))
    );
}

/// What stands in a node: the name, shortened, and the lag.
pub(crate) fn label(name: &str, lag: u32) -> String {
    let mut text: String = name.chars().take(LABEL_MAX).collect();
    if name.chars().count() > LABEL_MAX {
        text.push('…');
    }
    if lag > 0 {
        let _ = write!(text, " −{lag}");
    }
    text
}

fn draw_legend(svg: &mut String, y: f64) {
    let _ = write!(svg, "<g fill=\"{INK}\" font-size=\"11.5\">");
    let entries: [(f64, Mark, Mark, f64, &str); 4] = [
        (20.0, Mark::Tail, Mark::Arrow, 3.2, "causes"),
        (138.0, Mark::Tail, Mark::Arrow, 1.0, "less certain"),
        (284.0, Mark::Tail, Mark::Tail, 2.0, "direction open"),
        (442.0, Mark::Arrow, Mark::Arrow, 2.0, "tests contradict, or hidden cause"),
    ];
    for (x, from, to, width, text) in entries {
        let route = Route::straight((x, y), (x + 44.0, y));
        let opacity = if width < 1.5 { 0.45 } else { 0.9 };
        svg.push_str(&edge::line(&route, from, to, INK, width, opacity, false));
        let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{text}</text>", x + 52.0, y + 4.0);
    }
    svg.push_str("</g>");
}

/// Text that may stand in XML.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // XML 1.0 has no other control characters.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
