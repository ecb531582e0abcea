//! The comparison as text for a terminal.

use std::fmt::Write as _;

use super::decisions::{NONE, phrases};
use super::{Branch, Comparison, Pair, Standing};

/// Longest cell of a table.
const WIDEST: usize = 44;
/// The measures in a leaderboard, by name and heading.
pub(super) const MEASURES: [(&str, &str); 4] =
    [("mase", "MASE"), ("smape", "sMAPE"), ("wql", "WQL"), ("coverage", "Coverage")];

/// The comparison in words and tables.
#[must_use]
pub fn text(comparison: &Comparison) -> String {
    let mut out = String::new();
    for branch in &comparison.branches {
        line(&mut out, &format!("{} ({})", branch.title(), branch.status));
        if let Some(fork) = &branch.fork {
            line(&mut out, &format!("    {}", fork_in_words(fork)));
        }
    }
    heading(&mut out, "Where they part");
    line(&mut out, &format!("  {}", comparison.parting.statement));
    for tree in &comparison.trees {
        tree.text().lines().for_each(|l| line(&mut out, &format!("  {l}")));
    }
    heading(&mut out, "In what they differ");
    out.push_str(&contrasts(comparison));
    for pair in &comparison.pairs {
        heading(&mut out, &format!("{} against {}", pair.first, pair.second));
        out.push_str(&paired(pair, comparison.branches.len() > 2));
    }
    for branch in &comparison.branches {
        heading(&mut out, &format!("Leaderboard of {}, by {}", branch.title(), comparison.criterion.to_uppercase()));
        out.push_str(&leaderboard(branch));
    }
    heading(&mut out, "What they cost");
    out.push_str(&costs(comparison));
    for branch in &comparison.branches {
        heading(&mut out, &format!("What {} decided from there", branch.title()));
        out.push_str(&decisions(branch));
    }
    out
}

fn line(out: &mut String, content: &str) {
    // Foreign text must not steer the terminal.
    out.extend(content.trim_end().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
    out.push('\n');
}

fn heading(out: &mut String, title: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out);
    line(out, title);
}

/// Where and why a fork left its parent.
pub(super) fn fork_in_words(fork: &crate::line::Fork) -> String {
    let at = fork.at_position.map_or_else(|| format!("sequence {}", fork.at_sequence), |p| format!("position {p}"));
    let set: Vec<String> = fork.overrides.iter().map(|o| format!("{}={}", o.key, o.value)).collect();
    let set = if set.is_empty() { String::new() } else { format!("; set {}", set.join(", ")) };
    format!("forked at {at}: {}{set}", fork.reason.as_deref().unwrap_or("not said yet"))
}

/// A table with two spaces before each row and between columns; the columns named are aligned to the right.
fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<String>, column: usize| {
        let text = row.get(column).map_or("", String::as_str);
        if text.chars().count() <= WIDEST {
            return text.to_owned();
        }
        text.chars().take(WIDEST - 1).chain(['…']).collect()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut drawn = String::new();
        for (column, width) in widths.iter().enumerate() {
            let text = cell(row, column);
            let padding = " ".repeat(width - text.chars().count());
            drawn.push_str("  ");
            if right.contains(&column) {
                drawn.push_str(&padding);
                drawn.push_str(&text);
            } else {
                drawn.push_str(&text);
                drawn.push_str(&padding);
            }
        }
        line(&mut out, &drawn);
    }
    out
}

fn labels(comparison: &Comparison, first: &str) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(comparison.branches.iter().map(|b| b.label.clone())).collect()
}

fn contrasts(comparison: &Comparison) -> String {
    let differing = comparison.contrasts.iter().filter(|contrast| !contrast.same);
    let rows: Vec<Vec<String>> =
        differing.map(|c| std::iter::once(c.aspect.clone()).chain(c.values.iter().cloned()).collect()).collect();
    if rows.is_empty() {
        return "  In nothing that was set, planned or run.\n".to_owned();
    }
    let rows: Vec<Vec<String>> = std::iter::once(labels(comparison, "")).chain(rows).collect();
    table(&rows, &[])
}

fn paired(pair: &Pair, tell_parting: bool) -> String {
    let mut out = String::new();
    if tell_parting {
        line(&mut out, &format!("  {}", pair.parting.statement));
    }
    match &pair.best {
        None => line(&mut out, "  One of them has no result yet."),
        Some(best) => {
            line(&mut out, &format!("  Best against best: {}", best.statement));
            if let Some(squared) = best.tests.get(1) {
                line(&mut out, &format!("  {}", squared.statement));
            }
            if !best.same_result && !best.tests.is_empty() {
                line(&mut out, &format!("  {CAVEAT}"));
            }
        }
    }
    for (price, what) in [(&pair.search_price, "All attempts counted"), (&pair.model_price, "The bests alone")] {
        if let Some(price) = price {
            line(&mut out, &format!("  {what}: {}", price.statement));
        }
    }
    if pair.same_results > 0 {
        line(&mut out, &format!("  Results that both have: {}.", pair.same_results));
    }
    for versus in &pair.models {
        line(&mut out, &format!("  {}", versus.statement));
    }
    out
}

/// What a reader of the test between the bests has to know.
pub(super) const CAVEAT: &str =
    "Each best was chosen by these same windows, which makes differences look a little surer than they are.";

fn leaderboard(branch: &Branch) -> String {
    if branch.leaderboard.is_empty() {
        return "  No trial yet.\n".to_owned();
    }
    let measures = measures(branch);
    let mut head: Vec<String> = ["#", "trial", "model", "status"].map(str::to_owned).to_vec();
    head.extend(
        measures
            .iter()
            .map(|(_, title, split)| if *split == "test" { format!("test {title}") } else { (*title).to_owned() }),
    );
    head.extend(["seconds", "joules", "settings"].map(str::to_owned));
    let right: Vec<usize> = (0..2).chain(4..head.len() - 1).collect();
    let rows = branch.leaderboard.iter().map(|row| {
        let mut cells = vec![
            row.rank.map_or_else(|| NONE.to_owned(), |rank| rank.to_string()),
            row.trial.to_string(),
            row.model.clone(),
            if row.shared { format!("{}, shared", row.status) } else { row.status.to_owned() },
        ];
        cells.extend(measures.iter().map(|(name, _, split)| {
            let scores = if *split == "test" { &row.test } else { &row.backtest };
            scores.get(name).map_or_else(|| NONE.to_owned(), |value| format!("{value:.4}"))
        }));
        cells.extend([fixed(row.seconds, 2), fixed(row.energy_j, 1), settled(row)]);
        cells
    });
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), &right)
}

/// The measures that any row has, by name, heading and split.
pub(super) fn measures(branch: &Branch) -> Vec<(&'static str, &'static str, &'static str)> {
    let rows = &branch.leaderboard;
    let backtest = MEASURES.iter().filter(|(name, _)| rows.iter().any(|r| r.backtest.contains_key(name)));
    let test = MEASURES.iter().filter(|(name, _)| rows.iter().any(|r| r.test.contains_key(name)));
    backtest
        .map(|(name, title)| (*name, *title, "backtest"))
        .chain(test.map(|(name, title)| (*name, *title, "test")))
        .collect()
}

/// What a row ran with, or why it ran no further.
pub(super) fn settled(row: &Standing) -> String {
    if let Some(reason) = &row.abandoned {
        return reason.clone();
    }
    let members = row.members.iter().map(|m| format!("{:.0} % trial {}", 100.0 * m.weight, m.trial));
    phrases(&row.settings).into_iter().chain(members).collect::<Vec<_>>().join(", ")
}

/// A number with so many decimals, or a dash.
pub(super) fn fixed(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{value:.decimals$}"))
}

/// What each branch cost, as rows of a heading and a value for each branch.
pub(super) fn cost_rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let costs: Vec<_> = comparison.branches.iter().map(|branch| branch.cost).collect();
    let row = |name: &str, value: &dyn Fn(&super::Cost) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(costs.iter().map(value)).collect()
    };
    let mut rows = vec![
        row("trials, seconds", &|c| format!("{:.2}", c.trial_seconds)),
        row("of them shared", &|c| format!("{:.2}", c.shared_trial_seconds)),
        row("processor, seconds", &|c| format!("{:.2}", c.cpu_seconds)),
        row("energy, joules", &|c| format!("{:.1}", c.energy_j)),
        row("of them shared", &|c| format!("{:.1}", c.shared_energy_j)),
        row("attempts (failed)", &|c| format!("{} ({})", c.attempts, c.failed_attempts)),
        row("from first to last own event, seconds", &|c| format!("{:.1}", c.elapsed_seconds)),
    ];
    if costs.iter().any(|c| c.completions > 0) {
        rows.push(row("answers of a language model", &|c| c.completions.to_string()));
        rows.push(row("tokens read / written", &|c| format!("{} / {}", c.input_tokens, c.output_tokens)));
        rows.push(row("waited for them, seconds", &|c| format!("{:.1}", c.completion_seconds)));
    }
    rows
}

fn costs(comparison: &Comparison) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(labels(comparison, "")).chain(cost_rows(comparison)).collect();
    table(&rows, &(1..=comparison.branches.len()).collect::<Vec<_>>())
}

fn decisions(branch: &Branch) -> String {
    if branch.decisions.is_empty() {
        return "  Nothing yet.\n".to_owned();
    }
    let mut out = String::new();
    for decision in &branch.decisions {
        let why = if decision.why.is_empty() { String::new() } else { format!(": {}", decision.why) };
        line(&mut out, &format!("  {:>6}  {}{why}", decision.position.0, decision.what));
        decision.details.iter().for_each(|detail| line(&mut out, &format!("          - {detail}")));
    }
    out
}
