//! Accuracy against energy: every finished model, and the front that no other model beats on both.

use std::fmt::Write;

use super::axis::{Scale, rounded, tick_label, ticks};
use super::text::{energy, escaped};

/// A model that used too little energy to be seen by the sampler stands here: the axis is logarithmic.
const FLOOR_MJ: f64 = 1.0;
const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 400.0;
/// Rough width of a character at the font size used, generous so that no label overflows.
const CHARACTER: f64 = 7.6;

/// A model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) label: String,
    pub(super) energy_mj: u64,
    pub(super) error: f64,
    pub(super) baseline: bool,
    pub(super) best: bool,
}

/// The points that no other point beats in one measure without losing in the other, by energy.
pub(super) fn front(points: &[Point]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).filter(|k| points[*k].error.is_finite()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&points[*a], &points[*b]);
        a.energy_mj.cmp(&b.energy_mj).then(a.error.total_cmp(&b.error))
    });
    let mut lowest = f64::INFINITY;
    order.retain(|k| {
        let better = points[*k].error < lowest;
        lowest = lowest.min(points[*k].error);
        better
    });
    order
}

/// Draws the points; nothing where there are none.
pub(super) fn draw(points: &[Point], measure: &str) -> Option<String> {
    let points: Vec<Point> = points.iter().filter(|p| p.error.is_finite()).cloned().collect();
    let logarithm = |p: &Point| (p.energy_mj as f64).max(FLOOR_MJ).log10();
    let over = |value: &dyn Fn(&Point) -> f64| {
        points.iter().map(value).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
    };
    let (cheap, dear) = over(&logarithm);
    if points.is_empty() {
        return None;
    }
    let (low, high) = over(&|p: &Point| p.error);
    let room = ((high - low) * 0.08).max(high.abs() * 0.02).max(1e-9);
    let (low, high) = rounded((low - room).max(0.0), high + room, 6);
    let x = Scale::new(cheap - 0.25, dear + 0.5, 64.0, WIDTH - 20.0);
    let y = Scale::new(low, high, HEIGHT - 50.0, 16.0);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH:.0} {HEIGHT:.0}\" role=\"img\"><title>{} against energy</title>",
        escaped(measure)
    );
    draw_grid(&mut svg, &x, &y, measure);
    let places: Vec<(f64, f64)> = points.iter().map(|p| (x.at(logarithm(p)), y.at(p.error))).collect();
    let on_front = front(&points);
    draw_front(&mut svg, &on_front, &places, x.at(x.high()));
    let labels = label_places(&points, &places, front_boxes(&on_front, &places, x.at(x.high())));
    for (k, point) in points.iter().enumerate() {
        let class = if point.best {
            "point best"
        } else if point.baseline {
            "point baseline"
        } else if on_front.contains(&k) {
            "point front"
        } else {
            "point"
        };
        let (across, down) = places[k];
        let (label_x, label_y) = labels[k];
        let weight = if point.best { " strong" } else { "" };
        let _ = write!(
            svg,
            "<g><title>{}: {} {:.3}, {}</title><circle class=\"{class}\" cx=\"{across:.1}\" cy=\"{down:.1}\" r=\"{}\"/>\
             <text class=\"label{weight}\" x=\"{label_x:.1}\" y=\"{label_y:.1}\">{}</text></g>",
            escaped(&point.label),
            escaped(measure),
            point.error,
            escaped(&energy(point.energy_mj)),
            if point.best { 7 } else { 5 },
            escaped(&shown(point))
        );
    }
    svg.push_str("</svg>");
    Some(svg)
}

fn shown(point: &Point) -> String {
    let name = super::text::shortened(&point.label, 26);
    if point.baseline { format!("{name} (baseline)") } else { name }
}

fn draw_grid(svg: &mut String, x: &Scale, y: &Scale, measure: &str) {
    let (left, right, top, floor) = (x.at(x.low()), x.at(x.high()), y.at(y.high()), y.at(y.low()));
    let places = ticks(y.low(), y.high(), 6);
    let step = places.get(1).map_or(1.0, |second| second - places[0]);
    for value in places {
        let height = y.at(value);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{height:.1}\" y2=\"{height:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            height + 4.0,
            tick_label(value, step)
        );
    }
    let mut power = x.low().ceil();
    while power <= x.high() + 1e-9 {
        let place = x.at(power);
        let anchor = if place > right - 10.0 { "end" } else { "middle" };
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{top:.1}\" y2=\"{floor:.1}\"/>\
             <text class=\"tick\" x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            floor + 18.0,
            decade(power)
        );
        power += 1.0;
    }
    let _ = write!(
        svg,
        "<text class=\"tick title\" x=\"{right:.1}\" y=\"{:.1}\" text-anchor=\"end\">energy, logarithmic →</text>\
         <text class=\"tick title\" x=\"{:.1}\" y=\"{:.1}\">↑ {} (lower is better)</text>",
        floor + 38.0,
        left + 6.0,
        top + 12.0,
        escaped(measure)
    );
}

/// A power of ten millijoules, in the unit that fits.
fn decade(power: f64) -> String {
    let (power, unit) = match power as i32 {
        ..3 => (power, "mJ"),
        3..6 => (power - 3.0, "J"),
        6..9 => (power - 6.0, "kJ"),
        _ => (power - 9.0, "MJ"),
    };
    format!("{} {unit}", super::text::number(10_f64.powf(power)))
}

/// The front's lines as thin boxes, for labels to keep clear of.
fn front_boxes(front: &[usize], places: &[(f64, f64)], right: f64) -> Vec<[f64; 4]> {
    let mut boxes = Vec::new();
    for (turn, k) in front.iter().enumerate() {
        let (x, y) = places[*k];
        let (next_x, next_y) = front.get(turn + 1).map_or((right, y), |next| places[*next]);
        boxes.push([x, y - 2.0, next_x, y + 2.0]);
        boxes.push([next_x - 2.0, y.min(next_y), next_x + 2.0, y.max(next_y)]);
    }
    boxes
}

/// Steps: until the next member of the front is paid for, the last one's accuracy is what the energy buys.
fn draw_front(svg: &mut String, front: &[usize], places: &[(f64, f64)], right: f64) {
    let mut line = String::new();
    for (turn, k) in front.iter().enumerate() {
        let (x, y) = places[*k];
        let _ = if turn == 0 { write!(line, "M{x:.1} {y:.1}") } else { write!(line, "H{x:.1}V{y:.1}") };
    }
    if !front.is_empty() {
        let _ = write!(svg, "<path class=\"pareto\" d=\"{line}H{right:.1}\"/>");
    }
}

/// Where each label starts: the nearest of several places beside its point that covers no point, no label and no line.
fn label_places(points: &[Point], places: &[(f64, f64)], lines: Vec<[f64; 4]>) -> Vec<(f64, f64)> {
    let mut taken: Vec<[f64; 4]> = places.iter().map(|(x, y)| [x - 7.0, y - 7.0, x + 7.0, y + 7.0]).collect();
    taken.extend(lines);
    let mut labels = vec![(0.0, 0.0); points.len()];
    // The best is labelled first, so that it gets the place nearest to it.
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|k| (!points[*k].best, *k));
    for k in order {
        let ((x, y), width) = (places[k], shown(&points[k]).chars().count() as f64 * CHARACTER);
        let mut candidates = vec![(x + 11.0, y + 4.0), (x - 11.0 - width, y + 4.0)];
        for distance in 0..9 {
            let down = f64::from(distance) * 14.0;
            for start in [x + 8.0, x - width / 2.0, x - width - 8.0] {
                candidates.push((start, y - 12.0 - down));
                candidates.push((start, y + 22.0 + down));
            }
        }
        let box_of = |(left, base): (f64, f64)| [left, base - 11.0, left + width, base + 3.0];
        let inside = |b: &[f64; 4]| b[0] >= 66.0 && b[2] <= WIDTH - 16.0 && b[1] >= 4.0 && b[3] <= HEIGHT - 52.0;
        let free = |b: &[f64; 4], taken: &[[f64; 4]]| {
            taken.iter().all(|t| b[2] <= t[0] || b[0] >= t[2] || b[3] <= t[1] || b[1] >= t[3])
        };
        let chosen = candidates
            .iter()
            .copied()
            .find(|c| inside(&box_of(*c)) && free(&box_of(*c), &taken))
            .unwrap_or_else(|| (x.min(WIDTH - width - 6.0), y - 12.0));
        taken.push(box_of(chosen));
        labels[k] = chosen;
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(label: &str, energy_mj: u64, error: f64) -> Point {
        Point { label: label.into(), energy_mj, error, baseline: false, best: false }
    }

    #[test]
    fn the_front_holds_what_nothing_beats_on_both() {
        let points =
            [point("a", 10, 1.0), point("b", 100, 0.5), point("c", 1000, 0.7), point("d", 0, 2.0), point("e", 10, 1.5)];
        assert_eq!(front(&points), vec![3, 0, 1]);
        assert!(front(&[point("n", 1, f64::NAN)]).is_empty());
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let points: Vec<Point> =
            (0..9).map(|k| point(&format!("a-long-model-name-{k}"), 100 + k, 1.0 + 0.001 * k as f64)).collect();
        let places: Vec<(f64, f64)> = (0..9).map(|k| (500.0 + f64::from(k), 200.0)).collect();
        let labels = label_places(&points, &places, Vec::new());
        for (k, a) in labels.iter().enumerate() {
            for b in &labels[k + 1..] {
                assert!(
                    (a.0 - b.0).abs() >= 19.0 * CHARACTER - 1e-6 || (a.1 - b.1).abs() >= 14.0 - 1e-6,
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn one_point_without_energy_is_drawn() {
        let svg = draw(&[point("only", 0, 0.0)], "MASE").unwrap_or_default();
        assert!(svg.contains("only") && !svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(draw(&[], "MASE"), None);
    }
}
