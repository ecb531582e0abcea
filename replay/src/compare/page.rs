//! The comparison as one self-contained page: no script, no network, no external font.

use super::chart::{self, escaped};
use super::decisions::NONE;
use super::text::{cost_rows, fixed, fork_in_words, measures, settled};
use super::{Branch, Comparison, Pair, Standing, page_tests, tree_chart};

const STYLE: &str = include_str!("style.css");

/// The page. All foreign text in it is escaped.
#[must_use]
pub fn page(comparison: &Comparison) -> String {
    let sections = [
        ("tree", "Where they part", tree(comparison)),
        ("tests", "Who forecasts better", page_tests::section(comparison)),
        ("forecasts", "The forecasts", forecasts(comparison)),
        ("differences", "In what they differ", contrasts(comparison)),
        ("leaderboards", "Leaderboards", leaderboards(comparison)),
        ("cost", "Time and energy", cost(comparison)),
        ("decisions", "What each decided from there", decisions(comparison)),
    ];
    let (mut links, mut body) = (String::new(), String::new());
    for (id, title, content) in &sections {
        links.push_str(&format!("<a href=\"#{id}\">{title}</a>"));
        body.push_str(&format!("<section id=\"{id}\"><h2>{title}</h2>{content}</section>\n"));
    }
    let title = format!("Comparison of {}", comparison.branches.iter().map(named).collect::<Vec<_>>().join(", "));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"generator\" content=\"atsre {}\"><title>{}</title><style>\n{STYLE}</style></head>\n<body>\n{}\n<main>\n{body}</main>\n{}\n</body></html>\n",
        env!("CARGO_PKG_VERSION"),
        escaped(&title),
        header(comparison, &links),
        footer(comparison)
    )
}

fn named(branch: &Branch) -> String {
    branch.experiment_id.map_or_else(|| branch.stream.to_string(), |id| format!("experiment {id}"))
}

/// The place that gives a branch its colour.
pub(super) fn place(comparison: &Comparison, label: &str) -> usize {
    comparison.branches.iter().position(|branch| branch.label == label).unwrap_or(0)
}

fn header(comparison: &Comparison, links: &str) -> String {
    let first = comparison.branches.first();
    let dataset = first
        .and_then(|b| b.dataset.as_ref())
        .map_or(String::new(), |(name, version)| format!(" · {} version {version}", escaped(name)));
    let cards: String =
        comparison.branches.iter().enumerate().map(|(place, branch)| card(comparison, place, branch)).collect();
    let verdicts: String = comparison.pairs.iter().take(3).map(verdict).collect();
    let names: Vec<String> = comparison.branches.iter().map(|b| escaped(&named(b))).collect();
    format!(
        "<header><div class=\"inner\"><p class=\"eyebrow\">Comparison{dataset}</p><h1>{}</h1>{verdicts}\
         <div class=\"cards\">{cards}</div><nav>{links}</nav></div></header>",
        names.join(" against ")
    )
}

/// What the windows say of a pair, and its price.
fn verdict(pair: &Pair) -> String {
    let best = pair.best.as_ref().map_or("One of them has no result yet.", |versus| versus.statement.as_str());
    let price = pair.search_price.as_ref().map_or("", |price| price.statement.as_str());
    format!("<p class=\"verdict\">{} {}</p>", escaped(best), escaped(price))
}

fn card(comparison: &Comparison, place: usize, branch: &Branch) -> String {
    let best = branch.best_standing();
    let score = best.and_then(|row| row.backtest.get(comparison.criterion));
    let score =
        score.map_or_else(|| "no result".to_owned(), |v| format!("{} {v:.4}", comparison.criterion.to_uppercase()));
    let model = best.map_or_else(|| branch.status.to_lowercase(), |row| format!("{} (trial {})", row.model, row.trial));
    let fork = branch.fork.as_ref().map(fork_in_words).unwrap_or_default();
    format!(
        "<div class=\"card b{place}\"><span class=\"who\">{}</span><b>{}</b><span>{}</span><span>{:.1} s of trials, {:.0} J</span><span>{}</span></div>",
        escaped(&branch.title()),
        escaped(&score),
        escaped(&model),
        branch.cost.trial_seconds,
        branch.cost.energy_j,
        escaped(&fork)
    )
}

fn tree(comparison: &Comparison) -> String {
    format!(
        "<p class=\"lead\">{}</p><figure>{}<figcaption>Each lane runs from an experiment's first event of its own to its last; a dashed \
         curve leads there from the event at which it left its parent. What lies before that is shared, not repeated.</figcaption></figure>",
        escaped(&comparison.parting.statement),
        tree_chart::draw(comparison)
    )
}

/// A table. Headings and cells are HTML already; from `numbers` on the columns hold numbers.
pub(super) fn table(head: &[String], rows: &[(String, Vec<String>)], numbers: usize) -> String {
    let class = |column: usize| if column >= numbers { " class=\"n\"" } else { "" };
    let head: String = head.iter().enumerate().map(|(k, cell)| format!("<th{}>{cell}</th>", class(k))).collect();
    let body: String = rows
        .iter()
        .map(|(kind, cells)| {
            let cells: String = cells
                .iter()
                .enumerate()
                .map(|(k, cell)| {
                    if k == 0 && numbers > 0 {
                        format!("<td class=\"aspect\">{cell}</td>")
                    } else {
                        format!("<td{}>{cell}</td>", class(k))
                    }
                })
                .collect();
            format!("<tr class=\"{kind}\">{cells}</tr>")
        })
        .collect();
    format!("<div class=\"scroll\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")
}

fn branch_heads(comparison: &Comparison) -> Vec<String> {
    let head = |(place, branch): (usize, &Branch)| {
        format!("<span class=\"b{place}\"><i class=\"dot\"></i>{}</span>", escaped(&branch.label))
    };
    std::iter::once(String::new()).chain(comparison.branches.iter().enumerate().map(head)).collect()
}

fn contrasts(comparison: &Comparison) -> String {
    let row = |contrast: &super::Contrast| {
        let cells =
            std::iter::once(escaped(&contrast.aspect)).chain(contrast.values.iter().map(|v| escaped(v))).collect();
        (if contrast.same { "same" } else { "" }.to_owned(), cells)
    };
    let (same, differing): (Vec<_>, Vec<_>) = comparison.contrasts.iter().partition(|contrast| contrast.same);
    let head = branch_heads(comparison);
    let differing: Vec<_> = differing.into_iter().map(row).collect();
    let same: Vec<_> = same.into_iter().map(row).collect();
    let differing = if differing.is_empty() {
        "<p>In nothing that was set, planned or run.</p>".to_owned()
    } else {
        table(&head, &differing, usize::MAX)
    };
    format!(
        "{differing}<details><summary>What is the same ({})</summary>{}</details>",
        same.len(),
        table(&head, &same, usize::MAX)
    )
}

fn forecasts(comparison: &Comparison) -> String {
    if comparison.forecasts.is_empty() {
        return "<p>No forecast is there to be drawn yet.</p>".to_owned();
    }
    let mut html = String::from(
        "<p class=\"lead\">Each branch's best over the others, on the series on which they differ most.</p>",
    );
    for overlay in &comparison.forecasts {
        let legend: String = overlay
            .forecasts
            .iter()
            .map(|f| {
                let interval = f.interval.map_or(String::new(), |share| format!(", {:.0} % interval", 100.0 * share));
                let name = escaped(&format!("{}: {}{interval}", f.branch, f.model));
                format!("<span class=\"b{}\"><i></i>{name}</span>", place(comparison, &f.branch))
            })
            .collect();
        let actual =
            if overlay.actual.times.is_empty() { "" } else { "<span><i class=\"dashed\"></i>what happened</span>" };
        let estimated = if overlay.history_estimated { " (its times are estimated)" } else { "" };
        let item =
            if overlay.item_id.is_empty() { String::new() } else { format!("<h3>{}</h3>", escaped(&overlay.item_id)) };
        html.push_str(&format!(
            "{item}<figure>{}<div class=\"legend\"><span><i></i>history{estimated}</span>{legend}{actual}</div></figure>",
            chart::overlay(overlay, |label| place(comparison, label))
        ));
    }
    html
}

fn leaderboards(comparison: &Comparison) -> String {
    let boards: String = comparison
        .branches
        .iter()
        .enumerate()
        .map(|(place, branch)| board(place, branch, comparison.criterion))
        .collect();
    format!(
        "<p class=\"lead\">Ranked by {} on the backtest. A shared trial ended before they part.</p><div class=\"boards\">{boards}</div>",
        escaped(&comparison.criterion.to_uppercase())
    )
}

fn board(place: usize, branch: &Branch, criterion: &str) -> String {
    // Two boards stand beside each other: of the withheld test only the measure that ranks them has room.
    let mut measures = measures(branch);
    measures.retain(|(name, _, split)| *split != "test" || *name == criterion);
    let mut head = vec!["#".to_owned(), "model".to_owned()];
    head.extend(
        measures
            .iter()
            .map(|(_, title, split)| if *split == "test" { format!("test {title}") } else { (*title).to_owned() }),
    );
    head.extend(["s".to_owned(), "J".to_owned()]);
    let best = branch.best.as_ref().map(|best| best.trial);
    let rows: Vec<(String, Vec<String>)> = branch
        .leaderboard
        .iter()
        .map(|row| {
            let kind = if row.result.is_none() {
                "none"
            } else if best == Some(row.trial) {
                "best"
            } else {
                ""
            };
            (kind.to_owned(), board_row(row, &measures))
        })
        .collect();
    let table = if rows.is_empty() { "<p>No trial yet.</p>".to_owned() } else { table(&head, &rows, 2) };
    format!("<div><h3 class=\"b{place}\"><i class=\"dot\"></i>{}</h3>{table}</div>", escaped(&branch.title()))
}

fn board_row(row: &Standing, measures: &[(&str, &str, &str)]) -> Vec<String> {
    let tag = match (row.shared, row.status) {
        (true, _) => " <span class=\"tag\">shared</span>".to_owned(),
        (false, "completed") => String::new(),
        (false, status) => format!(" <span class=\"tag warn\">{status}</span>"),
    };
    let model = format!(
        "<b>{}</b>{tag}<br><small>trial {}{}</small>",
        escaped(&row.model),
        row.trial,
        escaped(&Some(settled(row)).filter(|s| !s.is_empty()).map_or(String::new(), |s| format!(", {s}")))
    );
    let mut cells = vec![row.rank.map_or_else(|| NONE.to_owned(), |rank| rank.to_string()), model];
    cells.extend(measures.iter().map(|(name, _, split)| {
        let scores = if *split == "test" { &row.test } else { &row.backtest };
        fixed(scores.get(name).copied(), 4)
    }));
    cells.extend([fixed(row.seconds, 2), fixed(row.energy_j, 1)]);
    cells
}

fn cost(comparison: &Comparison) -> String {
    let rows: Vec<(String, Vec<String>)> = cost_rows(comparison)
        .into_iter()
        .map(|row| (String::new(), row.iter().map(|cell| escaped(cell)).collect()))
        .collect();
    let prices: String = comparison
        .pairs
        .iter()
        .filter_map(|pair| pair.search_price.as_ref())
        .map(|price| format!("<p>{}</p>", escaped(&price.statement)))
        .collect();
    format!(
        "<p class=\"lead\">From the root of each: what they share was paid once.</p>{}{prices}",
        table(&branch_heads(comparison), &rows, 1)
    )
}

fn decisions(comparison: &Comparison) -> String {
    let column = |(place, branch): (usize, &Branch)| {
        let items: String = branch.decisions.iter().map(decision).collect();
        let items = if items.is_empty() {
            "<p>Nothing yet.</p>".to_owned()
        } else {
            format!("<ol class=\"decisions b{place}\">{items}</ol>")
        };
        format!("<div><h3 class=\"b{place}\"><i class=\"dot\"></i>{}</h3>{items}</div>", escaped(&branch.title()))
    };
    format!("<div class=\"columns\">{}</div>", comparison.branches.iter().enumerate().map(column).collect::<String>())
}

fn decision(decision: &super::Decision) -> String {
    let why =
        if decision.why.is_empty() { String::new() } else { format!("<br><small>{}</small>", escaped(&decision.why)) };
    let details: String = decision.details.iter().map(|detail| format!("<li>{}</li>", escaped(detail))).collect();
    let details = if details.is_empty() { details } else { format!("<ul>{details}</ul>") };
    format!("<li><small>{}</small> {}{why}{details}</li>", decision.position, escaped(&decision.what))
}

fn footer(comparison: &Comparison) -> String {
    let streams: String = comparison
        .branches
        .iter()
        .map(|branch| {
            let last = comparison.trees.iter().flat_map(|tree| tree.nodes()).find(|node| node.stream == branch.stream);
            let last = last.map_or(String::new(), |node| format!(", read up to position {}", node.last_position));
            format!(
                "<li>{} <span class=\"mono\">{}</span>{last}</li>",
                escaped(&branch.title()),
                escaped(&branch.stream.0)
            )
        })
        .collect();
    format!(
        "<footer><div class=\"inner\"><p class=\"note\">Every number here comes from the event log and the artifacts it names; comparing again \
         gives the same page. <b>atsre verify</b> proves that neither was altered.</p><ul class=\"note\">{streams}</ul></div></footer>"
    )
}
