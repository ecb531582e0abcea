//! The tree of forks, drawn: a lane for each experiment, from where it leaves its parent to its last event.

use std::fmt::Write as _;

use super::chart::escaped;
use super::{Branch, Comparison};
use crate::forks::{ForkNode, ForkTree};

const WIDTH: f64 = 1040.0;
const LANE: f64 = 46.0;
const TOP: f64 = 26.0;
const LEFT: f64 = 22.0;
/// Room for the labels beside the lanes.
const LABELS: f64 = 380.0;

/// A lane.
struct Lane<'a> {
    node: &'a ForkNode,
    parent: Option<usize>,
}

/// Draws the trees below each other, over one axis of log positions. The experiments compared stand out in their colours.
pub(super) fn draw(comparison: &Comparison) -> String {
    let mut lanes = Vec::new();
    for tree in &comparison.trees {
        collect(tree, &mut lanes);
    }
    let last = lanes.iter().map(|lane| lane.node.last_position.0).max().unwrap_or(1);
    let first = lanes.iter().filter_map(|lane| lane.node.experiment_id).map(|p| p.0).min().unwrap_or(0).min(last);
    let across = |position: u64| {
        let share = position.saturating_sub(first) as f64 / (last - first).max(1) as f64;
        LEFT + share * (WIDTH - LEFT - LABELS)
    };
    let height = TOP + LANE * lanes.len() as f64 + 30.0;
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\"><title>The tree of forks, by position in the log</title>"
    );
    axis(&mut svg, first, last, &across, height - 26.0);
    for (index, lane) in lanes.iter().enumerate() {
        draw_lane(&mut svg, lane, index, &across, comparison);
    }
    svg.push_str("</svg>");
    svg
}

fn collect<'a>(tree: &'a ForkTree, lanes: &mut Vec<Lane<'a>>) {
    fn visit<'a>(node: &'a ForkNode, parent: Option<usize>, lanes: &mut Vec<Lane<'a>>) {
        let own = lanes.len();
        lanes.push(Lane { node, parent });
        node.children.iter().for_each(|child| visit(child, Some(own), lanes));
    }
    visit(&tree.root, None, lanes);
}

fn height_of(index: usize) -> f64 {
    TOP + LANE * index as f64
}

fn draw_lane(svg: &mut String, lane: &Lane<'_>, index: usize, across: &impl Fn(u64) -> f64, comparison: &Comparison) {
    let node = lane.node;
    let place = comparison.branches.iter().position(|branch| branch.stream == node.stream);
    let class = place.map_or_else(|| "other".to_owned(), |place| format!("b{place}"));
    let down = height_of(index);
    let end = across(node.last_position.0);
    let start = node.experiment_id.map_or(end, |id| across(id.0));
    if let (Some(parent), Some(fork)) = (lane.parent, &node.fork) {
        let from = across(fork.at_position.map_or(0, |p| p.0));
        let above = height_of(parent);
        let bend = (from + 16.0).min(start.max(from + 6.0));
        // Writing to a string does not fail.
        let _ = write!(
            svg,
            "<path class=\"edge {class}\" d=\"M{from:.1} {above:.1}C{from:.1} {down:.1} {from:.1} {down:.1} {bend:.1} {down:.1}L{start:.1} {down:.1}\"/>\
             <circle class=\"knot {class}\" cx=\"{from:.1}\" cy=\"{above:.1}\" r=\"4\"><title>{}</title></circle>",
            escaped(&super::text::fork_in_words(fork))
        );
    }
    let _ = write!(
        svg,
        "<line class=\"lane {class}\" x1=\"{start:.1}\" x2=\"{end:.1}\" y1=\"{down:.1}\" y2=\"{down:.1}\"/>\
         <circle class=\"tip {class}\" cx=\"{end:.1}\" cy=\"{down:.1}\" r=\"5.5\"/>"
    );
    let beside = WIDTH - LABELS + 20.0;
    let _ = write!(
        svg,
        "<line class=\"leader\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{down:.1}\" y2=\"{down:.1}\"/>",
        end + 9.0,
        beside - 6.0
    );
    let (name, told) = label(node, place.and_then(|place| comparison.branches.get(place)));
    let _ = write!(
        svg,
        "<text class=\"label strong\" x=\"{beside:.1}\" y=\"{:.1}\">{}</text><text class=\"tick\" x=\"{beside:.1}\" y=\"{:.1}\">{}</text>",
        down - 2.0,
        escaped(&short(&name, 50)),
        down + 13.0,
        escaped(&short(&told, 56))
    );
}

fn label(node: &ForkNode, branch: Option<&Branch>) -> (String, String) {
    let id = node.experiment_id.map_or_else(|| node.stream.to_string(), |id| format!("experiment {id}"));
    let name = branch.map_or_else(|| format!("{id} “{}”", node.name), Branch::title);
    let best = node.best.as_ref().map_or_else(
        || "no result".to_owned(),
        |best| match (best.metric, best.value) {
            (Some(metric), Some(value)) => format!("{} {value:.4}, {}", metric.to_uppercase(), best.model),
            _ => format!("{}, not scored", best.model),
        },
    );
    let set =
        node.fork.as_ref().map(|f| f.overrides.iter().map(|o| format!("{}={}", o.key, o.value)).collect::<Vec<_>>());
    let set = set.filter(|set| !set.is_empty()).map_or(String::new(), |set| format!(" · {}", set.join(", ")));
    (name, format!("{} · {best}{set}", node.status.to_lowercase().replace('_', " ")))
}

/// At most so many characters, the last an ellipsis where some were cut.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn axis(svg: &mut String, first: u64, last: u64, across: &impl Fn(u64) -> f64, floor: f64) {
    let (start, end) = (across(first), across(last));
    let _ = write!(svg, "<line class=\"axis\" x1=\"{start:.1}\" x2=\"{end:.1}\" y1=\"{floor:.1}\" y2=\"{floor:.1}\"/>");
    let mut drawn = Vec::new();
    for share in 0..=4 {
        let position = first + (last - first) * share / 4;
        if drawn.contains(&position) {
            continue;
        }
        drawn.push(position);
        let place = across(position);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"10\" y2=\"{floor:.1}\"/>\
             <text class=\"tick\" x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{position}</text>",
            floor + 16.0
        );
    }
    let _ = write!(
        svg,
        "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">position in the log</text>",
        WIDTH - LABELS + 20.0,
        floor + 16.0
    );
}
