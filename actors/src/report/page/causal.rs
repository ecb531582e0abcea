//! The causal graph and the target's drivers.

use atsre_domain::Finite;

use super::super::ReportData;
use super::super::text::{NONE, counted, escaped, p_value, percent};
use super::{Column, list, table};

pub(super) fn section(data: &ReportData) -> String {
    let Some((position, found)) = &data.graph else {
        return "<p>No causal graph was made for this experiment: there was nothing to relate, or the stage was set aside. \
                The plan rests on the profile alone.</p>"
            .to_owned();
    };
    let mut html = format!(
        "<p class=\"lead\">Found by {} at significance level {}. Graph {position}. {}, {}.</p>",
        escaped(&found.algorithm),
        found.significance_level,
        counted(found.graph.variables.len() as u64, "variable", "variables"),
        counted(found.graph.edges.len() as u64, "edge", "edges")
    );
    if !found.interpretation.is_empty() {
        html.push_str(&format!("<p class=\"quote\">{}</p>", escaped(&found.interpretation)));
    }
    if found.graph.variables.is_empty() {
        html.push_str("<p>The graph has no variables.</p>");
    } else {
        let drawing = atsre_causal::svg::draw(&found.graph, Some(&found.target));
        html.push_str(&format!("<figure class=\"graph\">{drawing}</figure>"));
    }
    html.push_str(&drivers(found));
    if !found.reasons.is_empty() {
        html.push_str(&format!(
            "<h3>Why this algorithm and these settings</h3>{}",
            list(found.reasons.iter().cloned())
        ));
    }
    html.push_str(&knowledge(found));
    html.push_str(
        "<p class=\"note\">Causal discovery rests on assumptions (no hidden common cause, faithful data); an edge is a claim to be checked, not a proof.</p>",
    );
    html
}

fn drivers(found: &atsre_domain::dataset::GraphDiscovered) -> String {
    let heading = format!("<h3>Drivers of {}</h3>", escaped(&found.target));
    if found.drivers.is_empty() {
        return format!("{heading}<p>No driver was found.</p>");
    }
    let rows: Vec<Vec<String>> = found
        .drivers
        .iter()
        .map(|d| {
            let lag = if d.lag == 0 { "same moment".to_owned() } else { counted(u64::from(d.lag), "step", "steps") };
            let tag = if d.variable == found.target {
                "<span class=\"tag\">its own past</span>"
            } else if d.directed {
                "<span class=\"tag good\">cause</span>"
            } else {
                "<span class=\"tag\">possible cause, direction open</span>"
            };
            vec![
                escaped(&d.variable),
                lag,
                effect(d),
                p_value(d.p_value.map(Finite::get)),
                d.confidence.map_or(NONE.to_owned(), |c| percent(c.get())),
                tag.to_owned(),
            ]
        })
        .collect();
    let columns = [
        Column("Variable", false),
        Column("Lag", true),
        Column("Effect of one more (95 % interval)", true),
        Column("p-value", true),
        Column("Bootstrap confidence", true),
        Column("Reading", false),
    ];
    format!("{heading}{}", table(&columns, &rows))
}

/// The linear estimate of a driver's effect with its interval.
fn effect(driver: &atsre_domain::graph::Driver) -> String {
    let Some(effect) = &driver.effect else { return NONE.to_owned() };
    let unit = if effect.in_deviations { " standard deviations" } else { "" };
    format!("{:.3} ({:.3} to {:.3}){unit}", effect.value.get(), effect.low.get(), effect.high.get())
}

/// The background knowledge, where there is any.
fn knowledge(found: &atsre_domain::dataset::GraphDiscovered) -> String {
    let known = &found.knowledge;
    let mut sentences: Vec<String> = Vec::new();
    if !known.tiers.is_empty() {
        let tiers: Vec<String> = known.tiers.iter().map(|t| t.join(", ")).collect();
        sentences
            .push(format!("In tiers, earliest first, no later tier causing an earlier one: {}.", tiers.join(" → ")));
    }
    let pairs = |edges: &[(String, String)]| {
        edges.iter().map(|(cause, effect)| format!("{cause} → {effect}")).collect::<Vec<_>>().join(", ")
    };
    if !known.required.is_empty() {
        sentences.push(format!("Required: {}.", pairs(&known.required)));
    }
    if !known.forbidden.is_empty() {
        sentences.push(format!("Forbidden: {}.", pairs(&known.forbidden)));
    }
    if sentences.is_empty() {
        String::new()
    } else {
        format!("<details><summary>Background knowledge that the graph keeps</summary>{}</details>", list(sentences))
    }
}
