//! The leaderboard, and accuracy against energy.

use atsre_domain::metric::{Metric, Split};

use super::super::ReportData;
use super::super::leaderboard::{Leaderboard, Row, metric_name};
use super::super::pareto_chart::{self, Point};
use super::super::text::{NONE, bytes, duration, energy, escaped, fixed, percent};

pub(super) fn section(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let criterion = metric_name(board.criterion);
    let worst = board.rows.iter().filter_map(|r| r.value(board.criterion, Split::Backtest)).fold(0.0, f64::max);
    let nominal = super::headline::nominal(data).map_or(String::new(), |n| format!(" of {}", percent(n)));
    let mut html = format!(
        "<p class=\"lead\">Ranked by {criterion} on the rolling-origin backtest{}. {}</p>",
        backtest(data),
        if board.has_test {
            "The withheld test never decides the rank."
        } else {
            "Nothing was withheld, so there is no test column."
        }
    );
    html.push_str("<div class=\"scroll\"><table><thead><tr><th class=\"n\">#</th><th>Model</th>");
    let mut headings = vec![criterion.to_owned()];
    headings.extend(others(board).into_iter().map(|m| metric_name(m).to_owned()));
    headings.push(format!("Coverage{nominal}"));
    if board.has_test {
        headings.push(format!("Test {criterion}"));
    }
    headings.extend(["Time", "Peak memory", "Energy", "Attempts"].map(str::to_owned));
    for heading in &headings {
        html.push_str(&format!("<th class=\"n\">{}</th>", escaped(heading)));
    }
    html.push_str("</tr></thead><tbody>");
    for row in &board.rows {
        html.push_str(&line(board, row, worst, headings.len()));
    }
    html.push_str("</tbody></table></div>");
    html.push_str(
        "<p class=\"note\">MASE and RMSSE compare the error with that of repeating the last season inside the history: below 1 is better. \
         sMAPE is in percent. WQL is the weighted quantile loss over all quantile levels. Coverage is the share of actual values \
         inside the outermost quantiles. ± is half of a 95 % confidence interval. Time, memory and energy are those of the successful attempt.</p>",
    );
    html
}

fn backtest(data: &ReportData) -> String {
    data.plan.as_ref().map_or(String::new(), |p| {
        let b = p.plan.backtest;
        format!(
            " ({}, {} apart)",
            super::super::text::counted(u64::from(b.windows), "window", "windows"),
            super::super::text::counted(u64::from(b.step), "step", "steps")
        )
    })
}

/// The measures beside the one that ranks.
fn others(board: &Leaderboard<'_>) -> Vec<Metric> {
    [Metric::Mase, Metric::Smape, Metric::Rmsse, Metric::Wql].into_iter().filter(|m| *m != board.criterion).collect()
}

fn line(board: &Leaderboard<'_>, row: &Row<'_>, worst: f64, columns: usize) -> String {
    let is_best = row.number == board.best().number;
    let tag = match (is_best, row.role) {
        (true, _) => " <span class=\"tag accent\">best</span>".to_owned(),
        (false, "candidate" | "ensemble") => String::new(),
        (false, role) => format!(" <span class=\"tag warn\">{role}</span>"),
    };
    let rank = row.rank.map_or(NONE.to_owned(), |r| r.to_string());
    let name = format!(
        "<td class=\"model\">{}{tag}<small>trial {}{}</small></td>",
        escaped(&row.label),
        row.trial_id,
        members(board, row)
    );
    let Some(_) = row.result else {
        let reason = row.abandoned.unwrap_or("no result");
        return format!(
            "<tr class=\"none\"><td class=\"n\">{rank}</td>{name}<td colspan=\"{columns}\"><span class=\"tag bad\">no result</span> {}</td></tr>",
            escaped(reason)
        );
    };
    let value = |metric, split| row.value(metric, split);
    let mut cells = vec![measured(row, board.criterion, Split::Backtest, Some(worst))];
    for metric in others(board) {
        cells.push(fixed(value(metric, Split::Backtest), if metric == Metric::Smape { 1 } else { 3 }));
    }
    cells.push(value(Metric::Coverage, Split::Backtest).map_or(NONE.to_owned(), percent));
    if board.has_test {
        cells.push(measured(row, board.criterion, Split::Test, None));
    }
    match row.usage {
        Some(usage) => {
            let gpu = usage
                .peak_gpu_mem_bytes
                .filter(|b| *b > 0)
                .map_or(String::new(), |b| format!("<br><small>+ {} GPU</small>", bytes(b)));
            cells.extend([
                duration(usage.wall_ms),
                format!("{}{gpu}", bytes(usage.peak_rss_bytes)),
                energy(usage.energy_mj).replace('<', "&lt;"),
            ]);
        }
        None => cells.extend([NONE, NONE, NONE].map(str::to_owned)),
    }
    cells.push(if row.members.is_empty() { row.attempts.to_string() } else { NONE.to_owned() });
    let cells: String = cells.iter().map(|cell| format!("<td class=\"n\">{cell}</td>")).collect();
    format!("<tr{}><td class=\"n\">{rank}</td>{name}{cells}</tr>", if is_best { " class=\"best\"" } else { "" })
}

/// An error with its half width and, where `worst` is given, a bar of its size.
fn measured(row: &Row<'_>, metric: Metric, split: Split, worst: Option<f64>) -> String {
    let Some(score) = row.score(metric, split) else { return NONE.to_owned() };
    let width = score.half_width.map_or(String::new(), |w| format!(" <small>± {:.3}</small>", w.get()));
    let meter = worst.filter(|w| *w > 0.0).map_or(String::new(), |worst| {
        format!(
            "<span class=\"meter\"><i style=\"width:{:.0}%\"></i></span>",
            (100.0 * score.value.get() / worst).clamp(0.0, 100.0)
        )
    });
    format!("{:.3}{width}{meter}", score.value.get())
}

/// The ensemble's members with their weights, the heaviest first.
fn members(board: &Leaderboard<'_>, row: &Row<'_>) -> String {
    if row.members.is_empty() {
        return String::new();
    }
    let mut members = row.members.to_vec();
    members.sort_by(|a, b| b.weight.get().total_cmp(&a.weight.get()).then(a.trial.cmp(&b.trial)));
    let part = |m: &atsre_domain::experiment::Member| {
        format!("{}\u{a0}% {}", (100.0 * m.weight.get()).round(), escaped(&board.label(m.trial)))
    };
    let parts: Vec<String> = members.iter().map(part).collect();
    format!("<br>{}", parts.join(" + "))
}

pub(super) fn energy_section(board: &Leaderboard<'_>) -> String {
    let measure = metric_name(board.criterion);
    let baseline = board.baseline().map(|b| b.number);
    let points: Vec<Point> = board
        .rows
        .iter()
        .filter_map(|row| {
            Some(Point {
                label: row.label.clone(),
                energy_mj: row.usage?.energy_mj,
                error: row.value(board.criterion, Split::Backtest)?,
                baseline: Some(row.number) == baseline,
                best: row.number == board.best().number,
            })
        })
        .collect();
    let Some(drawing) = pareto_chart::draw(&points, measure) else {
        return "<p>No finished model has both an accuracy and a measured energy.</p>".to_owned();
    };
    let names: Vec<String> = pareto_chart::front(&points).into_iter().map(|k| escaped(&points[k].label)).collect();
    let ensemble = if board.rows.iter().any(|r| !r.members.is_empty()) {
        " The ensemble costs what its members cost together."
    } else {
        ""
    };
    format!(
        "<p class=\"lead\">What accuracy costs. The stepped line is the Pareto front: no model there is beaten on both accuracy and energy \
         ({}).</p><figure>{drawing}</figure>\
         <p class=\"note\">Energy is read from the machine’s own counters where it has them (RAPL for the processor, NVML for a GPU). \
         Where it has none, it is an estimate: processor time multiplied by an assumed power per busy core; the samples in the log \
         say which. A run too short to be sampled counts as 1 mJ here.{ensemble}</p>",
        names.join(", ")
    )
}
