//! Follow and project: the whole log of whole experiments into the read models.

use std::time::Instant;

use atsre_projections::PROJECTIONS;
use atsre_projections::runner::catch_up;

use crate::log::{Database, fill};
use crate::outcome::{Bar, Outcome, per_second};

/// Both projections at the same time, as a service runs them.
///
/// # Errors
/// When the store fails.
pub async fn run(events: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let events = fill(store, events).await?;
    let began = Instant::now();
    let running: Vec<_> = PROJECTIONS
        .iter()
        .map(|projection| {
            let store = store.clone();
            tokio::spawn(async move { catch_up(&store, projection).await })
        })
        .collect();
    for projection in running {
        projection.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let rows: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM trials) + (SELECT count(*) FROM model_metrics) + (SELECT count(*) FROM forecasts) \
              + (SELECT count(*) FROM resource_logs)",
    )
    .fetch_one(store.pool())
    .await?;
    Ok(Outcome {
        measured: vec![
            ("events".into(), events.to_string()),
            ("rows in the views".into(), rows.to_string()),
            ("read and projected".into(), per_second(events, seconds, "events")),
        ],
        what: "events a second",
        value: events as f64 / seconds,
        bar: Bar::AtLeast(20_000.0),
    })
}
