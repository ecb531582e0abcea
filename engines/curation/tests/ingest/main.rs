//! Reading files as people write them: what is understood, what is refused and where.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod blocks;
mod properties;
mod real_files;
mod refusals;
mod understanding;

use atsre_curation::ingest::{IngestError, IngestOptions, Ingested, read};
use atsre_domain::table::{Cells, Column, ColumnRole};

pub(crate) fn options() -> IngestOptions {
    IngestOptions::for_file("a.csv")
}

pub(crate) fn load(text: &str) -> Ingested {
    read(text.as_bytes(), &options()).unwrap()
}

pub(crate) fn refuse(text: impl AsRef<[u8]>) -> IngestError {
    read(text.as_ref(), &options()).unwrap_err()
}

pub(crate) fn of_role(ingested: &Ingested, role: ColumnRole) -> Vec<&str> {
    ingested.table.columns.iter().filter(|c| c.role == role).map(|c| c.name.as_str()).collect()
}

pub(crate) fn column<'a>(ingested: &'a Ingested, name: &str) -> &'a Column {
    ingested.table.columns.iter().find(|c| c.name == name).expect("the column is there")
}

pub(crate) fn numbers<'a>(ingested: &'a Ingested, name: &str) -> &'a [f64] {
    match &column(ingested, name).cells {
        Cells::Numbers(values) => values,
        other => panic!("{name} holds {other:?}"),
    }
}

/// The times as text, to the second; steps as numbers.
pub(crate) fn times(ingested: &Ingested) -> Vec<String> {
    let Some(Cells::Times(times)) = ingested.table.with_role(ColumnRole::Time).map(|c| &c.cells) else {
        panic!("a table has a time column")
    };
    let step = ingested.frequency.unit == atsre_domain::frequency::FrequencyUnit::Step;
    let show = |t: &atsre_domain::Timestamp| {
        if step {
            return t.0.to_string();
        }
        chrono::DateTime::from_timestamp_micros(t.0).unwrap().format("%Y-%m-%dT%H:%M:%S").to_string()
    };
    times.iter().map(show).collect()
}

pub(crate) fn inferred<'a>(ingested: &'a Ingested, subject: &str) -> &'a atsre_domain::table::Inference {
    ingested.inferences.iter().find(|i| i.subject == subject).expect("the inference is there")
}
