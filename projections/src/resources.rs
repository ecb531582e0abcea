//! `resource_logs`: a row for each batch of samples, a partition a day; a hypertable where TimescaleDB is there. The
//! view unfolds the batches, a row a sample.

use atsre_domain::Recorded;
use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::ResourceSampled;

use crate::cell::{Columns, array, moment, scalar};
use crate::projection::{Table, optional, required};
use crate::row::{Change, RowOp};

/// The table of samples, part of the projection of experiments: its view needs their trial ids.
pub(crate) const SAMPLES: Table = Table {
    name: "samples",
    columns: &[
        required("stream", "text"),
        required("trial_no", "integer"),
        required("attempt", "integer"),
        required("pid", "bigint"),
        required("window_start", "timestamptz"),
        required("window_end", "timestamptz"),
        // From here to the energy: texts of arrays, a value for each sample.
        required("offset_ms", "text"),
        required("cpu_milli", "text"),
        required("rss_bytes", "text"),
        required("io_read_bytes", "text"),
        required("io_write_bytes", "text"),
        optional("gpu_util_milli", "text"),
        optional("gpu_mem_bytes", "text"),
        required("energy_mj", "text"),
        required("energy_source", "text"),
    ],
    key: &["stream", "trial_no", "attempt", "pid", "window_start"],
    partitioned_by: Some("window_start"),
};

/// The row of a batch.
pub(crate) fn row(recorded: &Recorded<AnyEvent>, e: &ResourceSampled) -> RowOp {
    let batch = &e.batch;
    RowOp {
        table: "samples",
        key: vec![
            scalar(&recorded.stream),
            scalar(&e.trial),
            scalar(&e.attempt),
            scalar(&batch.pid),
            moment(batch.window_start),
        ],
        change: Change::Upsert(Columns::from([
            ("window_end", moment(batch.window_end)),
            ("offset_ms", array(&batch.offset_ms)),
            ("cpu_milli", array(&batch.cpu_milli)),
            ("rss_bytes", array(&batch.rss_bytes)),
            ("io_read_bytes", array(&batch.io_read_bytes)),
            ("io_write_bytes", array(&batch.io_write_bytes)),
            ("gpu_util_milli", batch.gpu_util_milli.as_ref().and_then(array)),
            ("gpu_mem_bytes", batch.gpu_mem_bytes.as_ref().and_then(array)),
            ("energy_mj", array(&batch.energy_mj)),
            ("energy_source", scalar(&batch.energy_source)),
        ])),
    }
}
