//! How to check all of this.

use super::super::text::{clock, escaped};
use super::super::{Anchor, ReportData};

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
        ("Signed", signed(&data.anchor)),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>")).collect();
    format!(
        "<footer id=\"provenance\"><div class=\"inner\"><h2>Reproducibility</h2>\
         <p class=\"note\">Everything here comes from an append-only, hash-chained event log. <code>atsre verify</code> recomputes the \
         chain; at the anchor’s position it must show the hash below. The signed anchor, saved as a line of a file, is checked by \
         <code>atsre verify --anchor FILE</code>. <code>atsre history {}</code> lists the events of this experiment.</p>\
         <dl class=\"provenance\">{rows}</dl></div></footer>",
        data.experiment_id
    )
}

/// The anchor as a line of a file of anchors; where nobody signed it, why.
fn signed(anchor: &Anchor) -> String {
    match &anchor.signature {
        Ok(signature) => {
            let line = serde_json::json!({
                "position": anchor.position,
                "log_hash": anchor.log_hash,
                "anchored_at": signature.anchored_at,
                "public_key": signature.public_key,
                "signature": signature.signature,
            });
            format!("<code>{}</code>", escaped(&line.to_string()))
        }
        Err(why) => format!("not signed: {}", escaped(why)),
    }
}
