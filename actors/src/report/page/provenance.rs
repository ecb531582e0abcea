//! How to check all of this.

use super::super::ReportData;
use super::super::text::{clock, escaped};

pub(super) fn footer(data: &ReportData) -> String {
    let rows = [
        ("Experiment", format!("{} · <code>{}</code>", data.experiment_id, escaped(&data.stream.0))),
        ("Name", escaped(&data.opened.name)),
        ("Seed", format!("<code>{}</code>", data.opened.seed.0)),
        (
            "Data",
            format!(
                "{}, version {} · SHA-256 of the file <code>{}</code>",
                escaped(&data.registered.name),
                data.registered.version,
                escaped(&data.registered.source.digest.0)
            ),
        ),
        ("Clean panel", data.plan.as_ref().map_or("–".to_owned(), |p| format!("<code>{}</code>", escaped(&p.panel.0)))),
        ("Build", escaped(&data.build)),
        ("Written", clock(data.written_at)),
        (
            "Anchor",
            format!(
                "log position {} · log hash <code>{}</code>",
                data.anchor.position,
                escaped(&data.anchor.log_hash.0)
            ),
        ),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>")).collect();
    format!(
        "<footer id=\"provenance\"><div class=\"inner\"><h2>Reproducibility</h2>\
         <p class=\"note\">Everything here comes from an append-only, hash-chained event log. <code>atsre verify</code> recomputes the \
         chain; at the anchor’s position it must show the hash below. <code>atsre history {}</code> lists the events of this experiment.</p>\
         <dl class=\"provenance\">{rows}</dl></div></footer>",
        data.experiment_id
    )
}
