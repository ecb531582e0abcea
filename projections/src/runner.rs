//! The one runner: batch, apply, rows and checkpoint in one transaction.

use std::time::Duration;

use atsre_domain::Position;
use atsre_store::{Checkpoints, Error as StoreError, PageOfType, Store, StoredEvent};
use sqlx::Executor as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::Error;
use crate::fold::{Folded, fold};
use crate::projection::Projection;
use crate::{schema, writer};

/// Events read at once, and at most in one transaction.
pub(crate) const BATCH: usize = 2_000;
/// How often a projection that has stopped looks whether it may go on.
const STOPPED_PAUSE: Duration = Duration::from_secs(1);

/// Runs a projection until told to stop. At an event that cannot be projected the projection stands still, and says so
/// in `projection_failures`, until a rebuild has cleared that; the others go on.
///
/// # Errors
/// When the store does not answer, or the log is not whole.
pub async fn run(store: Store, name: &str, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
    let projection = crate::find(name)?;
    let running = async {
        loop {
            match follow(&store, projection).await {
                Err(Error::Stopped { position, message, .. }) => {
                    tracing::error!(projection = projection.name, %position, message, "the read model has stopped");
                    wait_until_mended(&store, projection).await?;
                }
                Err(error) => return Err(error),
                Ok(never) => match never {},
            }
        }
    };
    // Dropped in the middle of a batch, it loses that batch, which is done again.
    tokio::select! {
        // Nobody can tell it to stop any more: that is the end as well.
        _ = stop.wait_for(|stop| *stop) => Ok(()),
        outcome = running => outcome,
    }
}

async fn follow(store: &Store, projection: &'static Projection) -> Result<std::convert::Infallible, Error> {
    schema::ensure(store, projection).await?;
    ensure_not_stopped(store, projection).await?;
    loop {
        let reached = catch_up(store, projection).await?;
        schema::show(store, projection).await?;
        store.log().follow(reached).next(1).await?;
    }
}

async fn wait_until_mended(store: &Store, projection: &Projection) -> Result<(), Error> {
    let mut looking = tokio::time::interval(STOPPED_PAUSE);
    loop {
        looking.tick().await;
        match ensure_not_stopped(store, projection).await {
            Err(Error::Stopped { .. }) => {}
            outcome => return outcome,
        }
    }
}

/// Projects all events up to the head, and gives its position.
///
/// # Errors
/// When an event cannot be projected, or the store does not answer.
pub async fn catch_up(store: &Store, projection: &'static Projection) -> Result<Position, Error> {
    catch_up_in_batches(store, projection, BATCH).await
}

/// As [`catch_up`], with at most so many events in one transaction.
///
/// # Errors
/// As [`catch_up`].
pub async fn catch_up_in_batches(
    store: &Store,
    projection: &'static Projection,
    batch: usize,
) -> Result<Position, Error> {
    schema::ensure(store, projection).await?;
    let position = || async move { store.checkpoints().position(projection.child, projection.version).await };
    let mut at = position().await?;
    let mut ahead: Option<Ahead> = None;
    loop {
        let (page, folded) = match ahead.take() {
            Some(preparing) => preparing.finish().await?,
            None => prepare(store, projection, at, batch).await?,
        };
        if page.reached == at {
            return Ok(at);
        }
        if page.reached.0 - at.0 == batch as u64 {
            ahead = Some(Ahead::begin(store, projection, page.reached, batch));
        }
        match step(store, projection, at, &page, folded).await {
            Ok(()) => at = page.reached,
            // Another runner of the same projection was first; its rows are the same.
            Err(Error::Store(StoreError::CheckpointMoved { .. })) => {
                ahead = None;
                at = position().await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads a batch and folds it. Nothing in it depends on the rows that are there, so it can be done ahead.
async fn prepare(
    store: &Store,
    projection: &Projection,
    after: Position,
    batch: usize,
) -> Result<(PageOfType, Folded), Error> {
    let page = store.log().read_type(after, batch, projection.stream_type).await?;
    let folded = fold(store, projection, &page.events).await?;
    Ok((page, folded))
}

/// While a batch is written, the next is read and folded.
struct Ahead(JoinHandle<Result<(PageOfType, Folded), Error>>);

impl Ahead {
    fn begin(store: &Store, projection: &'static Projection, after: Position, batch: usize) -> Self {
        let store = store.clone();
        Self(tokio::spawn(async move { prepare(&store, projection, after, batch).await }))
    }

    async fn finish(mut self) -> Result<(PageOfType, Folded), Error> {
        (&mut self.0).await.unwrap_or_else(|error| {
            let what = "reading the log".to_owned();
            Err(StoreError::Corrupt { what, detail: error.to_string() }.into())
        })
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Projects a batch, in as many transactions as its rows ask for.
async fn step(
    store: &Store,
    projection: &Projection,
    from: Position,
    page: &PageOfType,
    folded: Folded,
) -> Result<(), Error> {
    let (mut at, mut rest, mut first) = (from, page.events.as_slice(), Some(folded));
    loop {
        let folded = match first.take() {
            Some(folded) => folded,
            None => fold(store, projection, rest).await?,
        };
        let (done, later) = rest.split_at(folded.events);
        let poison = folded.poison.clone();
        // What lies before the next event, or before the end of the batch, is of other streams.
        let to = later.first().map_or(page.reached, |next| Position(next.position.0 - 1));
        if to > at {
            match commit(store, projection, at, to, folded).await {
                // The database does not take a value: go on one by one, up to the event that it belongs to.
                Err(Error::Database(sqlx::Error::Database(error))) if refuses_data(error.as_ref()) => {
                    let done_to = one_by_one(store, projection, at, done).await?;
                    if done_to < to {
                        commit(store, projection, done_to, to, Folded::default()).await?;
                    }
                }
                outcome => outcome?,
            }
            at = to;
        }
        match (poison, later.first()) {
            (Some(message), Some(event)) => return stopped(store, projection, event.position, message).await,
            (_, None) => return Ok(()),
            (None, Some(_)) => rest = later,
        }
    }
}

async fn one_by_one(
    store: &Store,
    projection: &Projection,
    from: Position,
    events: &[StoredEvent],
) -> Result<Position, Error> {
    let mut at = from;
    for event in events {
        let folded = fold(store, projection, std::slice::from_ref(event)).await?;
        match commit(store, projection, at, event.position, folded).await {
            Ok(()) => at = event.position,
            Err(Error::Database(sqlx::Error::Database(error))) if refuses_data(error.as_ref()) => {
                let before = Position(event.position.0 - 1);
                if at < before {
                    commit(store, projection, at, before, Folded::default()).await?;
                }
                stopped(store, projection, event.position, error.to_string()).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// Rows and checkpoint commit together. They are lost together as well, so the commit need not wait for the disk: a
/// crash means only that the batch is done again.
async fn commit(
    store: &Store,
    projection: &Projection,
    from: Position,
    to: Position,
    folded: Folded,
) -> Result<(), Error> {
    let mut transaction = store.pool().begin().await?;
    // A rebuild holds the checkpoint while it takes the last events and swaps.
    transaction.execute("SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '60s'").await?;
    // The checkpoint first: of two runners the second waits here and then finds it moved.
    Checkpoints::advance_in(&mut transaction, projection.child, projection.version, from, to).await?;
    writer::write(&mut transaction, projection, &projection.schema(), folded.merged).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether Postgres refused a value rather than a statement: the classes of data exceptions and of broken constraints.
fn refuses_data(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Whether a projection has stopped at an event.
///
/// # Errors
/// [`Error::Stopped`] when it has: nothing is skipped, until somebody has looked and a rebuild has cleared it.
pub(crate) async fn ensure_not_stopped(store: &Store, projection: &Projection) -> Result<(), Error> {
    let failure: Option<(i64, String)> = sqlx::query_as(
        "SELECT f.position, f.error FROM atsre.projection_failures f \
         LEFT JOIN atsre.checkpoints c ON c.name = f.name AND c.version = f.version \
         WHERE f.name = $1 AND f.version = $2 AND f.position > coalesce(c.position, 0) ORDER BY f.position LIMIT 1",
    )
    .bind(projection.child)
    .bind(i64::from(projection.version))
    .fetch_optional(store.pool())
    .await?;
    match failure {
        None => Ok(()),
        Some((position, message)) => Err(Error::Stopped {
            name: projection.name.to_owned(),
            position: Position(position.unsigned_abs()),
            message,
        }),
    }
}

/// Records where and why a projection has stopped.
async fn stopped(store: &Store, projection: &Projection, position: Position, message: String) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO atsre.projection_failures (name, version, position, error) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name, version, position) DO UPDATE SET error = EXCLUDED.error, failed_at = clock_timestamp()",
    )
    .bind(projection.child)
    .bind(i64::from(projection.version))
    .bind(i64::try_from(position.0).unwrap_or(i64::MAX))
    .bind(&message)
    .execute(store.pool())
    .await?;
    Err(Error::Stopped { name: projection.name.to_owned(), position, message })
}
