//! Reading time series from CSV files: fast, kind to the ways in which people write files, strict about
//! everything that cannot be read in one way only.
//!
//! [`read`] takes the bytes of a file and finds out how they are encoded, which delimiter and decimal mark
//! they use, where the header is, which columns hold the time, the item and the target, and how often the
//! series are observed. Each of these is an [`Inference`](atsre_domain::table::Inference) with its reason,
//! and each can be told instead through [`IngestOptions`]. What has no single reading is refused with an
//! [`IngestError`] that names the file, the row, the column and the remedy.
//!
//! Nothing is cleaned here: rows stay in the order of the file, sentinels stay numbers, gaps stay gaps. The
//! counts of such things are reported for the cleaning that follows.

mod assemble;
mod axis;
mod blocks;
mod cells;
mod covariate;
mod day_order;
mod dialect;
mod encoding;
mod error;
mod frame;
mod frequency;
mod frequency_name;
mod ingested;
mod moment;
mod month_name;
mod name;
mod nearest;
mod number;
mod options;
mod pipeline;
mod record;
mod report;
mod sample;
mod scan;
mod sentinel;
mod shape;
mod table_draft;
mod target;
mod time_format;
mod time_source;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use blocks::Blocks;
pub use error::{IngestError, Problem};
pub use frequency_name::frequency_from;
pub use ingested::{FileFormat, Ingested, Sentinel, TimeAxis, replace_sentinels};
pub use name::dataset_name_from;
pub use options::{DecimalMark, IngestOptions, Limits, TargetPolicy};

/// Reads a file's bytes.
///
/// # Errors
/// When the bytes are no CSV file, when they break a limit, or when something in them has no single reading:
/// see [`Problem`].
pub fn read(input: &[u8], options: &IngestOptions) -> Result<Ingested, IngestError> {
    options.limits.check_bytes(&options.file_name, input.len() as u64)?;
    pipeline::run(input, options)
}

/// Reads the file at `path`. Its size is checked before it is read. Where the options name no file, the
/// path's last part does.
///
/// # Errors
/// As [`read`], and when the file cannot be read.
pub fn read_path(path: &Path, options: &IngestOptions) -> Result<Ingested, IngestError> {
    let options = if options.file_name.is_empty() {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        &IngestOptions { file_name: name, ..options.clone() }
    } else {
        options
    };
    let unreadable = |e| IngestError::at(&options.file_name, None, None, Problem::Unreadable(e));
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    options.limits.check_bytes(&options.file_name, size)?;
    read_into(Vec::with_capacity(size as usize + 1), file, options)
}

/// Reads from a stream, of which no more is taken than the limit allows.
///
/// # Errors
/// As [`read`], and when the stream fails.
pub fn read_from(reader: impl Read, options: &IngestOptions) -> Result<Ingested, IngestError> {
    read_into(Vec::new(), reader, options)
}

fn read_into(mut input: Vec<u8>, reader: impl Read, options: &IngestOptions) -> Result<Ingested, IngestError> {
    reader
        .take(options.limits.bytes.saturating_add(1))
        .read_to_end(&mut input)
        .map_err(|e| IngestError::at(&options.file_name, None, None, Problem::Unreadable(e)))?;
    read(&input, options)
}
