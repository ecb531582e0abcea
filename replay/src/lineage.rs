//! What forks say they share with their parents, against what the parents have.

use atsre_domain::{Position, Sequence, StreamId};
use atsre_store::{Error, Store, hash};

use crate::chain::Beginnings;
use crate::verify::Difference;

type Row = (String, String, i64, Vec<u8>, i64, Option<Vec<u8>>);

/// What the first own event of each fork follows, and the forks whose parent does not have that event.
pub(crate) async fn beginnings(store: &Store) -> Result<(Beginnings, Vec<Difference>), Error> {
    // The parent's event may itself be shared with the parent's parent, so it is looked for by its position.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT l.child, l.parent, l.fork_sequence, l.parent_hash, l.forked_at_position, e.hash \
         FROM atsre.stream_lineage l LEFT JOIN atsre.events e \
           ON e.position = l.forked_at_position AND e.aggregate_type = l.aggregate_type AND e.sequence = l.fork_sequence \
         ORDER BY l.child",
    )
    .fetch_all(store.pool())
    .await?;
    let (mut beginnings, mut differences) = (Beginnings::new(), Vec::new());
    for (child, parent, sequence, parent_hash, position, found) in rows {
        let (position, sequence) = (Position(position.unsigned_abs()), sequence.unsigned_abs());
        if found.as_ref() != Some(&parent_hash) {
            let detail = format!("it shares sequence {sequence} of stream {parent}, which has no such event with that hash");
            differences.push(Difference { position, stream: Some(StreamId(child.clone())), kind: "lineage", detail });
        }
        let parent_hash: hash::Hash = parent_hash.as_slice().try_into().unwrap_or_default();
        beginnings.insert(StreamId(child), (Sequence(sequence), parent_hash));
    }
    Ok((beginnings, differences))
}
