//! Forks: a stream that shares another one's past. No event is copied.

use atsre_domain::{Position, Sequence, StreamId};

use crate::hash::Hash;
use crate::log::LINEAGE_DEPTH;
use crate::stored_event::signed;
use crate::{Error, Result, Store};

/// Where a fork leaves its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForkPoint {
    /// The last sequence that the two share.
    pub sequence: Sequence,
    /// The position of that event.
    pub position: Position,
    /// Its hash: the `prev_hash` of the fork's first own event.
    pub hash: Hash,
}

impl Store {
    /// Makes `child` a fork of `parent` that shares everything up to and including `at`. The child has no event
    /// of its own yet: the next command on it appends the first, at `at + 1`, chained to the parent's.
    ///
    /// Repeating the call changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the parent has no such event; [`Error::Occupied`] when the child has events or another
    /// parent; [`Error::Unstorable`] when it would be a fork of forks too deep to read.
    pub async fn fork(
        &self,
        stream_type: &str,
        parent: &StreamId,
        at: Sequence,
        child: &StreamId,
    ) -> Result<ForkPoint> {
        let last = self.log().event_of_stream(stream_type, parent, at).await?;
        if self.depth(parent).await? + 1 > i64::from(LINEAGE_DEPTH) {
            return Err(Error::Unstorable(format!("stream {parent} is already {LINEAGE_DEPTH} forks deep")));
        }
        sqlx::query(
            "INSERT INTO atsre.stream_lineage (child, aggregate_type, parent, fork_sequence, parent_hash, forked_at_position) \
             SELECT $1, $2, $3, $4, $5, $6 \
             WHERE NOT EXISTS (SELECT FROM atsre.events WHERE aggregate_type = $2 AND aggregate_id = $1) \
             ON CONFLICT (child) DO NOTHING",
        )
        .bind(&child.0)
        .bind(stream_type)
        .bind(&parent.0)
        .bind(signed(at.0))
        .bind(last.hash.as_slice())
        .bind(signed(last.position.0))
        .execute(self.pool())
        .await?;
        let same: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM atsre.stream_lineage \
             WHERE child = $1 AND aggregate_type = $2 AND parent = $3 AND fork_sequence = $4)",
        )
        .bind(&child.0)
        .bind(stream_type)
        .bind(&parent.0)
        .bind(signed(at.0))
        .fetch_one(self.pool())
        .await?;
        if !same {
            return Err(Error::Occupied(format!("stream {child}")));
        }
        Ok(ForkPoint { sequence: at, position: last.position, hash: last.hash })
    }

    /// The parent of a fork and the last sequence they share; `None` for a stream with a past of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn parent(&self, child: &StreamId) -> Result<Option<(StreamId, Sequence)>> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT parent, fork_sequence FROM atsre.stream_lineage WHERE child = $1")
                .bind(&child.0)
                .fetch_optional(self.pool())
                .await?;
        Ok(row.map(|(parent, sequence)| (StreamId(parent), Sequence(crate::stored_event::unsigned(sequence)))))
    }

    async fn depth(&self, stream: &StreamId) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "WITH RECURSIVE chain (stream) AS (SELECT $1::text UNION \
             SELECT l.parent FROM chain c JOIN atsre.stream_lineage l ON l.child = c.stream) \
             SELECT count(*) - 1 FROM chain",
        )
        .bind(&stream.0)
        .fetch_one(self.pool())
        .await?)
    }
}
