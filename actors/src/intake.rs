//! Takes a file in: reads it, stores its bytes and its raw table, registers the data set.

use std::path::Path;

use atsre_curation::ingest::{self, IngestOptions, Ingested};
use atsre_domain::Finite;
use atsre_domain::dataset::{Command, Dataset, DatasetRegistered, RegisteredColumn, Sentinel, SourceFile};
use atsre_domain::experiment::DatasetRef;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::table::Cells;
use atsre_store::data::TimeAxis;

use crate::error::AgentError;
use crate::services::{Services, compute};

/// A file that was taken in.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The data set and its version.
    pub dataset: DatasetRef,
    /// How it was registered: by this file now, or by the same file before.
    pub registered: DatasetRegistered,
}

/// Reads a file without storing anything.
///
/// # Errors
/// When the file cannot be read as a time series; the error names file, row and column.
pub async fn read(path: &Path, options: IngestOptions) -> Result<(Vec<u8>, Ingested), AgentError> {
    let path = path.to_owned();
    compute(move || {
        let failed = |source| AgentError::File { path: path.display().to_string(), source };
        if std::fs::metadata(&path).map_or(true, |metadata| metadata.len() > options.limits.bytes) {
            // Refused because it is not there or by its size, before a byte of it is read.
            let ingested = ingest::read_path(&path, &options)?;
            return Ok((Vec::new(), ingested));
        }
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => {
                // The same refusal as from every other command, a folder for example.
                ingest::read_path(&path, &options)?;
                return Err(failed(source));
            }
        };
        let ingested = ingest::read(&bytes, &options)?;
        Ok((bytes, ingested))
    })
    .await
}

/// Stores what was read, encrypted under the key of the data set. The same file under the same name, read the same way, is
/// the same version, unless that was erased: then it begins a new one. Hold the data set meanwhile
/// ([`atsre_store::Store::keep_dataset`]).
///
/// # Errors
/// When the store does not answer.
pub async fn store(
    services: &Services,
    actor: &str,
    name: &str,
    file_name: &str,
    bytes: &[u8],
    ingested: Ingested,
) -> Result<Intake, AgentError> {
    let stream = atsre_store::Store::dataset_stream(name);
    let artifacts = services.store.artifacts();
    artifacts.begin_for(&stream).await?;
    let source = artifacts.put_for(&stream, bytes, "text/csv").await?;
    let dataset = services.store.load::<Dataset>(&stream).await?.state;
    let (frequency, known) = (ingested.frequency, ingested.known());
    let columns = columns(&ingested);
    let same = |r: &DatasetRegistered| {
        r.source.digest == source.digest && r.columns == columns && r.frequency == frequency && r.known == known
    };
    if let Some(version) = dataset.versions.iter().rev().find(|v| v.erased.is_none() && same(&v.registered)) {
        let registered = version.registered.clone();
        let dataset = DatasetRef { stream, name: name.to_owned(), version: registered.version };
        return Ok(Intake { dataset, registered });
    }
    let axis = if frequency.unit == FrequencyUnit::Step { TimeAxis::Steps } else { TimeAxis::Calendar };
    let version = dataset.newest().map_or(1, |v| v.registered.version + 1);
    let raw_table = services.store.data().write_raw(&stream, version, &ingested.table, axis).await?;
    let registered = DatasetRegistered {
        name: name.to_owned(),
        version,
        source: SourceFile {
            file_name: file_name.to_owned(),
            digest: source.digest,
            length_bytes: source.length_bytes,
            encoding: ingested.format.encoding.clone(),
            delimiter: ingested.format.delimiter.to_string(),
        },
        raw_table,
        rows: ingested.table.rows() as u64,
        columns,
        frequency,
        inferences: ingested.inferences,
        warnings: ingested.warnings,
        known,
        sentinels: ingested
            .sentinels
            .iter()
            .filter_map(|s| Some(Sentinel { column: s.column.clone(), value: Finite::of(s.value)? }))
            .collect(),
    };
    let envelope = services.envelope(actor, &stream, None);
    services.store.execute::<Dataset>(&stream, Command::Register(Box::new(registered.clone())), &envelope).await?;
    Ok(Intake { dataset: DatasetRef { stream, name: name.to_owned(), version }, registered })
}

fn columns(ingested: &Ingested) -> Vec<RegisteredColumn> {
    let describe = |column: &atsre_domain::table::Column| {
        let (kind, missing) = match &column.cells {
            Cells::Times(times) => ("time", times.iter().filter(|t| t.0 == i64::MIN).count()),
            Cells::Numbers(numbers) => ("number", numbers.iter().filter(|n| n.is_nan()).count()),
            Cells::Categories { codes, .. } => ("category", codes.iter().filter(|c| **c == u32::MAX).count()),
        };
        RegisteredColumn {
            name: column.name.clone(),
            role: column.role,
            kind: kind.to_owned(),
            missing: missing as u64,
        }
    };
    ingested.table.columns.iter().map(describe).collect()
}

/// The target column of a registered data set.
#[must_use]
pub fn target(registered: &DatasetRegistered) -> Option<&str> {
    registered.columns.iter().find(|c| c.role == atsre_domain::table::ColumnRole::Target).map(|c| c.name.as_str())
}
