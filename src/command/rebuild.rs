//! `atsre rebuild`: read models anew from the events.

use std::process::ExitCode;

use atsre_projections::{Comparison, PROJECTIONS};

use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, named: &[String], check: bool, json: bool) -> Result<ExitCode, Failure> {
    let chosen = if named.is_empty() {
        PROJECTIONS.to_vec()
    } else {
        named.iter().map(|name| atsre_projections::find(name).map_err(Failure::usage)).collect::<Result<_, _>>()?
    };
    let store = node::open_store(config).await?;
    let mut comparisons: Vec<Comparison> = Vec::new();
    for projection in chosen {
        comparisons.push(if check {
            atsre_projections::compare(&store, projection).await?
        } else {
            atsre_projections::rebuild(&store, projection).await?
        });
    }
    store.close().await;
    let ok = comparisons.iter().all(|comparison| !comparison.differs);
    if json {
        output::json(&serde_json::json!({ "ok": ok, "projections": comparisons }))?;
    } else {
        let rows = comparisons.iter().map(|c| {
            let verdict = match (c.differs, check) {
                (false, _) => "same",
                (true, true) => "differs",
                (true, false) => "differed, now replaced",
            };
            vec![c.name.clone(), c.rows.to_string(), c.position.to_string(), verdict.to_owned()]
        });
        output::say(output::table(
            &["read model", "rows", "up to event", "against the live one"],
            &[1, 2],
            rows.collect(),
        ));
        for difference in comparisons.iter().flat_map(|c| &c.differences) {
            output::say(format!("✗ {} {}: {}", difference.table, difference.key, difference.kind));
        }
    }
    Ok(if check && !ok { ExitCode::from(super::verify::DIFFERS) } else { ExitCode::SUCCESS })
}
