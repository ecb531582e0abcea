//! `resource_logs`: a row for each batch of samples, a partition a day; a hypertable where TimescaleDB is there. The
//! view unfolds the batches, a row a sample.

use atsre_domain::Recorded;
use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::ResourceSampled;
use serde_json::{Value, json};

use crate::projection::{Table, moment};
use crate::row::{Change, RowOp, columns};

/// The table of samples, part of the projection of experiments: its view needs their trial ids.
pub(crate) const SAMPLES: Table = Table {
    name: "samples",
    key: &["stream", "trial_no", "attempt", "pid", "window_start"],
    partitioned_by: Some("window_start"),
};

/// Makes the table.
pub(crate) const SAMPLES_SQL: &str = "
    CREATE TABLE {schema}.samples (
        stream text NOT NULL, trial_no integer NOT NULL, attempt integer NOT NULL, pid bigint NOT NULL,
        window_start timestamptz NOT NULL, window_end timestamptz NOT NULL, offset_ms bigint[] NOT NULL, cpu_milli bigint[] NOT NULL,
        rss_bytes bigint[] NOT NULL, io_read_bytes bigint[] NOT NULL, io_write_bytes bigint[] NOT NULL, gpu_util_milli bigint[],
        gpu_mem_bytes bigint[], energy_mj bigint[] NOT NULL, energy_source text NOT NULL,
        PRIMARY KEY (stream, trial_no, attempt, pid, window_start)){partitioned};";

/// The row of a batch.
pub(crate) fn row(recorded: &Recorded<AnyEvent>, e: &ResourceSampled) -> RowOp {
    let batch = &e.batch;
    let source: Value = serde_json::to_value(batch.energy_source).unwrap_or(Value::Null);
    RowOp {
        table: "samples",
        key: vec![
            json!(recorded.stream.0),
            json!(e.trial),
            json!(e.attempt),
            json!(batch.pid),
            moment(batch.window_start),
        ],
        change: Change::Upsert(columns(json!({
            "window_end": moment(batch.window_end), "offset_ms": batch.offset_ms, "cpu_milli": batch.cpu_milli,
            "rss_bytes": batch.rss_bytes, "io_read_bytes": batch.io_read_bytes, "io_write_bytes": batch.io_write_bytes,
            "gpu_util_milli": batch.gpu_util_milli, "gpu_mem_bytes": batch.gpu_mem_bytes, "energy_mj": batch.energy_mj,
            "energy_source": source,
        }))),
    }
}
