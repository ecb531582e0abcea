//! What forks say they share with their parents, against what the parents have.

use atsre_domain::{Position, Sequence, StreamId};
use atsre_store::{Error, Store, hash};

use crate::chain::Beginnings;
use crate::verify::Difference;

type Row = (String, String, i64, Vec<u8>, i64);

/// What the first own event of each fork follows, and the forks whose parent does not have that event.
pub(crate) async fn beginnings(store: &Store) -> Result<(Beginnings, Vec<Difference>), Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT child, parent, fork_sequence, parent_hash, forked_at_position FROM atsre.stream_lineage ORDER BY child",
    )
    .fetch_all(store.pool())
    .await?;
    let (mut beginnings, mut differences) = (Beginnings::new(), Vec::new());
    for (child, parent, sequence, parent_hash, position) in rows {
        let (position, sequence) = (Position(position.unsigned_abs()), Sequence(sequence.unsigned_abs()));
        let parent_hash: hash::Hash = parent_hash.as_slice().try_into().unwrap_or_default();
        // The parent's event may itself be shared with the parent's parent, so it is looked for by its position.
        let shared = match store.log().event(position).await {
            Ok(event) => event.sequence == sequence && event.hash == parent_hash,
            Err(Error::NotFound(_)) => false,
            Err(error) => return Err(error),
        };
        if !shared {
            let detail =
                format!("it shares sequence {sequence} of stream {parent}, which has no such event with that hash");
            differences.push(Difference { position, stream: Some(StreamId(child.clone())), kind: "lineage", detail });
        }
        beginnings.insert(StreamId(child), (sequence, parent_hash));
    }
    Ok((beginnings, differences))
}
