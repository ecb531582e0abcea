//! The page: the answer first, then the evidence, then how it came about, then how to check it.

mod causal;
mod dataset;
mod failures;
mod forecasts;
mod headline;
mod plan;
mod profile;
mod provenance;
mod standings;

use super::ReportData;
use super::leaderboard::Leaderboard;
use super::text::escaped;

pub(super) use dataset::change_name;
pub(super) use failures::outcome as failure_outcome;
pub(super) use profile::stationarity;

const STYLE: &str = include_str!("style.css");

/// Renders the page.
pub(super) fn render(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let sections = [
        ("forecast", "Forecast", forecasts::section(data, board)),
        ("leaderboard", "Leaderboard", standings::section(data, board)),
        ("energy", "Accuracy and energy", standings::energy_section(board)),
        ("data", "Data", dataset::section(data)),
        ("profile", "Profile", profile::section(data)),
        ("causes", "Causes", causal::section(data)),
        ("plan", "Plan", plan::section(data)),
        ("failures", "Failures and healing", failures::section(data, board)),
    ];
    let mut links = String::new();
    let mut body = String::new();
    for (id, title, content) in &sections {
        links.push_str(&format!("<a href=\"#{id}\">{title}</a>"));
        body.push_str(&format!("<section id=\"{id}\"><h2>{title}</h2>{content}</section>\n"));
    }
    links.push_str("<a href=\"#provenance\">Reproducibility</a>");
    let title = format!("{}: {} · experiment {}", data.opened.dataset.name, data.opened.target, data.experiment_id);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"generator\" content=\"{}\"><title>{}</title><style>\n{STYLE}</style></head>\n<body>\n{}\n<main>\n{body}</main>\n{}\n</body></html>\n",
        escaped(&format!("atsre {}", data.build)),
        escaped(&title),
        headline::header(data, board, &links),
        provenance::footer(data)
    )
}

/// A column of a table: its heading, and whether it holds numbers.
struct Column(&'static str, bool);

/// A table. The cells are HTML already.
fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let mut html = String::from("<div class=\"scroll\"><table><thead><tr>");
    let class = |column: Option<&Column>| if column.is_some_and(|c| c.1) { " class=\"n\"" } else { "" };
    for column in columns {
        html.push_str(&format!("<th{}>{}</th>", class(Some(column)), column.0));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            html.push_str(&format!("<td{}>{cell}</td>", class(columns.get(place))));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    html
}

/// A list of sentences; nothing where there are none.
fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: String = items.into_iter().map(|item| format!("<li>{}</li>", escaped(&item))).collect();
    if items.is_empty() { items } else { format!("<ul>{items}</ul>") }
}

/// Key numbers beside each other. The values are HTML already.
fn facts(entries: &[(&str, String)]) -> String {
    let entries: String =
        entries.iter().map(|(name, value)| format!("<div><span>{name}</span><b>{value}</b></div>")).collect();
    format!("<div class=\"facts\">{entries}</div>")
}
