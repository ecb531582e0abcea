//! The report in short, as Markdown.

use std::fmt::Write;

use atsre_domain::Finite;
use atsre_domain::metric::{Metric, Split};

use super::ReportData;
use super::leaderboard::{Leaderboard, Row, metric_name};
use super::page::{change_name, failure_outcome, stationarity};
use super::text::{
    NONE, bytes, clock, count, counted, duration, energy, failure_title, fixed, moment, number, p_value, percent, span,
};

/// Steps of the forecast that are listed.
const STEPS: usize = 24;

/// Renders the Markdown form.
pub(super) fn render(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let opened = &data.opened;
    let mut text = format!(
        "# {}: {} over {} ({})\n\nExperiment {}, {}. The best model is **{}**: {}.\n",
        inline(&opened.dataset.name),
        inline(&opened.target),
        counted(u64::from(opened.horizon), "step", "steps"),
        span(u64::from(opened.horizon), data.panel.frequency),
        data.experiment_id,
        clock(data.written_at),
        inline(&board.best().label),
        inline(&board.verdict())
    );
    text.push_str(&leaderboard(board));
    text.push_str(&forecast(data, board));
    text.push_str(&dataset(data));
    text.push_str(&causes(data));
    text.push_str(&plan(data));
    text.push_str(&failures(data, board));
    let _ = write!(
        text,
        "\n## Reproducibility\n\n- Experiment {}, stream `{}`\n- Seed `{}`\n- Build {}\n- File SHA-256 `{}`\n- Anchor: log position {}, log hash `{}`\n",
        data.experiment_id,
        inline(&data.stream.0),
        opened.seed.0,
        inline(&data.build),
        inline(&data.registered.source.digest.0),
        data.anchor.position,
        inline(&data.anchor.log_hash.0)
    );
    text
}

/// Foreign text that stays one inert phrase.
fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '#' | '!' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                safe.push('\u{fffd}')
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A table; the first heading names text, and so on by `numeric`. The cells are Markdown already.
fn table(headings: &[(&str, bool)], rows: &[Vec<String>]) -> String {
    let names: Vec<&str> = headings.iter().map(|h| h.0).collect();
    let rules: Vec<&str> = headings.iter().map(|h| if h.1 { "---:" } else { "---" }).collect();
    let mut text = format!("| {} |\n| {} |\n", names.join(" | "), rules.join(" | "));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

fn leaderboard(board: &Leaderboard<'_>) -> String {
    let criterion = metric_name(board.criterion);
    let mut headings = vec![("#", true), ("Model", false), ("Role", false), (criterion, true)];
    let others: Vec<Metric> = [Metric::Mase, Metric::Smape, Metric::Rmsse, Metric::Wql]
        .into_iter()
        .filter(|m| *m != board.criterion)
        .collect();
    headings.extend(others.iter().map(|m| (metric_name(*m), true)));
    headings.push(("Coverage", true));
    if board.has_test {
        headings.push(("Test", true));
    }
    headings.extend([("Time", true), ("Peak memory", true), ("Energy", true), ("Attempts", true)]);
    let rows: Vec<Vec<String>> = board.rows.iter().map(|row| line(board, row, &others)).collect();
    let mut text = format!("\n## Leaderboard\n\nRanked by {criterion} on the backtest.\n\n{}", table(&headings, &rows));
    for row in board.rows.iter().filter(|r| !r.members.is_empty()) {
        let members: Vec<String> = row
            .members
            .iter()
            .map(|m| format!("{} {}", percent(m.weight.get()), inline(&board.label(m.trial))))
            .collect();
        let _ = write!(text, "\nThe ensemble is {}.\n", members.join(" + "));
    }
    text.push_str("\nEnergy comes from the machine's counters where it has them, and is otherwise an estimate from processor time.\n");
    text
}

fn line(board: &Leaderboard<'_>, row: &Row<'_>, others: &[Metric]) -> Vec<String> {
    let with_width = |metric, split| {
        row.score(metric, split).map_or(NONE.to_owned(), |s| {
            let width = s.half_width.map_or(String::new(), |w| format!(" ± {:.3}", w.get()));
            format!("{:.3}{width}", s.value.get())
        })
    };
    let mut cells = vec![
        row.rank.map_or(NONE.to_owned(), |r| r.to_string()),
        inline(&row.label),
        row.role.to_owned(),
        with_width(board.criterion, Split::Backtest),
    ];
    cells.extend(others.iter().map(|m| fixed(row.value(*m, Split::Backtest), if *m == Metric::Smape { 1 } else { 3 })));
    cells.push(row.value(Metric::Coverage, Split::Backtest).map_or(NONE.to_owned(), percent));
    if board.has_test {
        cells.push(with_width(board.criterion, Split::Test));
    }
    match row.usage {
        Some(u) => {
            cells.extend([duration(u.wall_ms), bytes(u.peak_rss_bytes), energy(u.energy_mj).replace('<', "&lt;")])
        }
        None => cells.extend([NONE, NONE, NONE].map(str::to_owned)),
    }
    cells.push(row.attempts.to_string());
    cells
}

fn forecast(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let Some(result) = board.best().result else { return String::new() };
    let Some(first) = result.forecasts.first() else { return String::new() };
    let bounds = (first.quantiles.first(), first.quantiles.last());
    let rows: Vec<Vec<String>> = first
        .times
        .iter()
        .enumerate()
        .take(STEPS)
        .map(|(step, time)| {
            let value = |row: Option<&Vec<f64>>| row.and_then(|r| r.get(step)).map_or(NONE.to_owned(), |v| number(*v));
            vec![moment(*time, data.panel.frequency), value(Some(&first.mean)), value(bounds.0), value(bounds.1)]
        })
        .collect();
    let name = if first.item_id.is_empty() { String::new() } else { format!(" of {}", inline(&first.item_id)) };
    let others = match result.forecasts.len() {
        0 | 1 => String::new(),
        n => format!(" The JSON form has all {} series.", count(n as u64)),
    };
    let headings = [("Time", false), ("Mean", true), ("Lower", true), ("Upper", true)];
    format!("\n## Forecast\n\nThe first steps{name}.{others}\n\n{}", table(&headings, &rows))
}

fn dataset(data: &ReportData) -> String {
    let mut text = format!(
        "\n## Data\n\n{}: {}, {}, {}.\n\n",
        inline(&data.registered.source.file_name),
        counted(data.panel.series.len() as u64, "series", "series"),
        counted(data.panel.observations() as u64, "observation", "observations"),
        data.panel.frequency
    );
    for (kind, changes) in data.cleaned.changes.iter().filter(|(_, n)| **n > 0) {
        let _ = writeln!(text, "- {}: {}", change_name(*kind), count(*changes));
    }
    for sentence in data.registered.warnings.iter().chain(&data.cleaned.notes) {
        let _ = writeln!(text, "- {}", inline(sentence));
    }
    text.push_str("\n## Profile\n\n");
    for finding in &data.profile.findings {
        let _ = writeln!(text, "- {}", inline(finding));
    }
    for season in &data.profile.seasonal_periods {
        let words = span(u64::from(season.period), data.profile.frequency);
        let _ = writeln!(
            text,
            "- Season of {} observations ({words}), strength {:.2}",
            season.period,
            season.strength.get()
        );
    }
    let _ = writeln!(text, "- Stationarity: {}", stationarity(data.profile.stationarity));
    text
}

fn causes(data: &ReportData) -> String {
    let Some((position, found)) = &data.graph else { return "\n## Causes\n\nNo causal graph was made.\n".to_owned() };
    let mut text =
        format!("\n## Causes\n\nGraph {position}, {}. {}\n\n", inline(&found.algorithm), inline(&found.interpretation));
    let rows: Vec<Vec<String>> = found
        .drivers
        .iter()
        .map(|d| {
            let confidence = d.confidence.map_or(NONE.to_owned(), |c| percent(c.get()));
            let reading = if d.directed { "cause" } else { "possible cause" };
            vec![
                inline(&d.variable),
                d.lag.to_string(),
                p_value(d.p_value.map(Finite::get)).replace('<', "&lt;"),
                confidence,
                reading.to_owned(),
            ]
        })
        .collect();
    let headings = [("Driver", false), ("Lag", true), ("p-value", true), ("Confidence", true), ("Reading", false)];
    text.push_str(&if rows.is_empty() { "No driver was found.\n".to_owned() } else { table(&headings, &rows) });
    text
}

fn plan(data: &ReportData) -> String {
    let Some(proposed) = &data.plan else { return String::new() };
    let mut text = format!("\n## Plan\n\n{}\n\n", inline(&proposed.plan.hypothesis));
    for (turn, step) in proposed.plan.reasoning.iter().enumerate() {
        let _ = writeln!(
            text,
            "{}. {} → {} → **{}**",
            turn + 1,
            inline(&step.observation),
            inline(&step.inference),
            inline(&step.decision)
        );
    }
    text
}

fn failures(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let mut text = String::from("\n## Failures and healing\n\n");
    let mut any = false;
    for entry in &data.trials {
        for (index, failed) in entry.trial.failures.iter().enumerate() {
            any = true;
            let label = inline(&board.label(entry.number));
            let _ = write!(
                text,
                "- **{}**, {label}, attempt {}: {}.",
                failure_title(failed.failure.kind),
                failed.attempt,
                inline(&failed.failure.message)
            );
            if let Some((diagnosis, changes)) = &failed.healed {
                let _ = write!(text, " Diagnosis: {}. Change: {}.", inline(diagnosis), inline(&changes.join("; ")));
            }
            let _ = writeln!(text, " Outcome: {}.", inline(&failure_outcome(entry, index).0));
        }
    }
    for fallback in &data.fallbacks {
        any = true;
        let _ = writeln!(
            text,
            "- Fallback in {}: {} instead of {}: {}",
            fallback.stage.name(),
            inline(&fallback.to),
            inline(&fallback.from),
            inline(&fallback.reason)
        );
    }
    if !any {
        text.push_str("No attempt failed.\n");
    }
    text
}
