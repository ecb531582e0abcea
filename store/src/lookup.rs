//! Questions to the log and the read models that agents ask again and again.

use std::time::Duration;

use atsre_domain::{Digest, Position, StreamId, Timestamp};
use serde_json::Value;

use crate::stored_event::unsigned;
use crate::{Result, Store};

/// A finished trial of an earlier experiment: data set, model, its backtest MASE, and the best of its experiment.
pub type PastScore = (String, String, f64, f64);

impl Store {
    /// Whether this is the stream of a data set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_dataset(&self, stream: &StreamId) -> Result<bool> {
        Ok(self.log().summary("dataset", stream).await?.is_some())
    }

    /// The experiments on a data set, forks included, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn experiments_on(&self, dataset: &StreamId) -> Result<Vec<StreamId>> {
        let streams: Vec<String> = sqlx::query_scalar(
            "WITH RECURSIVE experiments (stream) AS ( \
               SELECT aggregate_id FROM atsre.events \
               WHERE event_type = 'ExperimentOpened' AND payload #>> '{dataset,stream}' = $1 \
               UNION SELECT l.child FROM experiments e JOIN atsre.stream_lineage l ON l.parent = e.stream) \
             SELECT e.stream FROM experiments e \
             JOIN LATERAL (SELECT min(position) AS first FROM atsre.events o \
                           WHERE o.aggregate_type = 'experiment' AND o.aggregate_id = e.stream) f ON true \
             WHERE f.first IS NOT NULL ORDER BY f.first",
        )
        .bind(&dataset.0)
        .fetch_all(self.pool())
        .await?;
        Ok(streams.into_iter().map(StreamId).collect())
    }

    /// The position of the newest event of this type in a stream.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn position_of_newest(&self, stream: &StreamId, event_type: &str) -> Result<Option<Position>> {
        let position: Option<i64> =
            sqlx::query_scalar("SELECT max(position) FROM atsre.events WHERE aggregate_id = $1 AND event_type = $2")
                .bind(&stream.0)
                .bind(event_type)
                .fetch_one(self.pool())
                .await?;
        Ok(position.map(|p| Position(unsigned(p))))
    }

    /// The position of the event that gave a data set this graph: the id that people know it by.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn graph_position(&self, dataset: &StreamId, node_link: &Digest) -> Result<Option<Position>> {
        let position: Option<i64> = sqlx::query_scalar(
            "SELECT max(position) FROM atsre.events WHERE aggregate_type = 'dataset' AND aggregate_id = $1 \
             AND event_type = 'GraphDiscovered' AND payload #>> '{node_link,digest}' = $2",
        )
        .bind(&dataset.0)
        .bind(&node_link.0)
        .fetch_one(self.pool())
        .await?;
        Ok(position.map(|p| Position(unsigned(p))))
    }

    /// How long no node ran since a moment: before each start of a node, the time since the event before it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn downtime_since(&self, moment: Timestamp) -> Result<Duration> {
        let micros: Option<i64> = sqlx::query_scalar(
            "SELECT sum(extract(epoch FROM started.recorded_at - greatest(before.recorded_at, $1)) * 1000000)::bigint \
             FROM atsre.events started JOIN atsre.events before ON before.position = started.position - 1 \
             WHERE started.event_type = 'NodeStarted' AND started.recorded_at > $1",
        )
        .bind(chrono::DateTime::from_timestamp_micros(moment.0).unwrap_or_default())
        .fetch_one(self.pool())
        .await?;
        Ok(Duration::from_micros(micros.map_or(0, unsigned)))
    }

    /// The newest finished trials on data of the same frequency and season, with the best backtest MASE of their
    /// experiments. Empty while the read models do not exist yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn similar_trials(
        &self,
        dataset: &str,
        frequency: &Value,
        season: i64,
        limit: i64,
    ) -> Result<Vec<PastScore>> {
        let there: bool = sqlx::query_scalar(
            "SELECT to_regclass('model_metrics') IS NOT NULL AND to_regclass('trials') IS NOT NULL \
                AND to_regclass('experiments') IS NOT NULL AND to_regclass('datasets') IS NOT NULL",
        )
        .fetch_one(self.pool())
        .await?;
        if !there {
            return Ok(Vec::new());
        }
        Ok(sqlx::query_as(
            "WITH scored AS ( \
               SELECT e.dataset_name, e.experiment_id, t.trial_id, t.model_name, m.value, \
                      min(m.value) OVER (PARTITION BY e.experiment_id) AS best \
               FROM trials t \
               JOIN experiments e ON e.experiment_id = t.experiment_id \
               JOIN model_metrics m ON m.trial_id = t.trial_id AND m.metric = 'mase' AND m.split = 'backtest' \
               WHERE e.status = 'COMPLETED' AND (e.dataset_name = $1 OR e.dataset_name IN ( \
                 SELECT d.name FROM datasets d WHERE d.statistics -> 'frequency' = $2 \
                 AND coalesce((d.statistics #>> '{seasonal_periods,0,period}')::bigint, 1) = $3))) \
             SELECT dataset_name, model_name, value, best FROM scored ORDER BY trial_id DESC LIMIT $4",
        )
        .bind(dataset)
        .bind(frequency)
        .bind(season)
        .bind(limit)
        .fetch_all(self.pool())
        .await?)
    }
}
