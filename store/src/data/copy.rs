//! The binary format of `COPY` ("Binary Format" in the reference page of COPY), out and in.

use atsre_domain::Timestamp;
use futures::TryStreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Data, Registered, names};
use crate::hash::Hash;
use crate::{Error, Result};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const CHUNK_BYTES: usize = 1 << 20;
/// Postgres counts from 2000-01-01.
const EPOCH_2000_US: i64 = 946_684_800_000_000;
/// The first and the last moment that `timestamptz` takes, in microseconds from 2000-01-01.
const MOMENTS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

/// Rows to encode, one by one.
pub(super) trait Source: Sync {
    /// How many.
    fn rows(&self) -> usize;
    /// How many columns.
    fn columns(&self) -> usize;
    /// Writes one.
    ///
    /// # Errors
    /// When a value cannot be stored.
    fn encode(&self, row: usize, out: &mut Fields) -> Result<()>;
}

/// The fields of a row, written.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
}

impl Fields {
    pub(super) fn null(&mut self) {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    pub(super) fn integer(&mut self, value: i64) {
        self.fixed(&value.to_be_bytes());
    }

    /// A number; NaN stands for a missing one.
    pub(super) fn number(&mut self, value: f64) {
        if value.is_nan() {
            self.null();
        } else {
            self.fixed(&value.to_be_bytes());
        }
    }

    /// A moment; says whether the database has it.
    #[must_use]
    pub(super) fn moment(&mut self, value: Timestamp) -> bool {
        match value.0.checked_sub(EPOCH_2000_US).filter(|micros| MOMENTS.contains(micros)) {
            Some(micros) => {
                self.integer(micros);
                true
            }
            None => false,
        }
    }

    /// A text; says whether the database can hold it: neither the character zero nor 1 GB.
    #[must_use]
    pub(super) fn text(&mut self, value: &str) -> bool {
        let Ok(length) = i32::try_from(value.len()) else { return false };
        if value.contains('\0') || value.len() > 1 << 29 {
            return false;
        }
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value.as_bytes());
        true
    }

    fn fixed(&mut self, value: &[u8; 8]) {
        self.bytes.extend_from_slice(&8_i32.to_be_bytes());
        self.bytes.extend_from_slice(value);
    }
}

/// Encodes rows into chunks of a mebibyte, and takes their digest on the way.
pub(super) struct Encoder<'a> {
    source: &'a dyn Source,
    row: usize,
    fields: Fields,
    digest: Sha256,
    ended: bool,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(source: &'a dyn Source, description: &Value) -> Self {
        let mut fields = Fields { bytes: Vec::with_capacity(CHUNK_BYTES + 4096) };
        fields.bytes.extend_from_slice(SIGNATURE);
        fields.bytes.extend_from_slice(&[0; 8]);
        let mut digest = Sha256::new();
        digest.update(description.to_string());
        Self { source, row: 0, fields, digest, ended: false }
    }

    /// The next bytes to send; nothing when all have been.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let columns = i16::try_from(self.source.columns())
            .map_err(|_| Error::Unstorable(format!("a table cannot have {} columns", self.source.columns())))?;
        while self.row < self.source.rows() && self.fields.bytes.len() < CHUNK_BYTES {
            self.fields.bytes.extend_from_slice(&columns.to_be_bytes());
            self.source.encode(self.row, &mut self.fields)?;
            self.row += 1;
        }
        if self.row == self.source.rows() {
            self.fields.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
            self.ended = true;
        }
        let chunk = std::mem::replace(&mut self.fields.bytes, Vec::with_capacity(CHUNK_BYTES + 4096));
        self.digest.update(&chunk);
        Ok(Some(chunk))
    }

    /// The digest of what was encoded, the description included.
    pub(super) fn finish(self) -> Hash {
        self.digest.finalize().into()
    }

    /// The digest alone.
    pub(super) fn digest(source: &'a dyn Source, description: &Value) -> Result<Hash> {
        let mut encoder = Self::new(source, description);
        while encoder.next_chunk()?.is_some() {}
        Ok(encoder.finish())
    }
}

/// The fields of a row, being read.
#[derive(Debug)]
pub(super) struct Row<'a> {
    bytes: &'a [u8],
}

impl<'a> Row<'a> {
    /// The next field's bytes; `Some(None)` for NULL, `None` when the bytes end in the middle.
    fn field(&mut self) -> Option<Option<&'a [u8]>> {
        let (length, rest) = self.bytes.split_first_chunk::<4>()?;
        match usize::try_from(i32::from_be_bytes(*length)) {
            Err(_) => {
                self.bytes = rest;
                Some(None)
            }
            Ok(length) => {
                let (value, rest) = rest.split_at_checked(length)?;
                self.bytes = rest;
                Some(Some(value))
            }
        }
    }

    pub(super) fn integer(&mut self) -> Option<i64> {
        self.field()??.try_into().ok().map(i64::from_be_bytes)
    }

    pub(super) fn moment(&mut self) -> Option<Timestamp> {
        self.integer().map(|micros| Timestamp(micros + EPOCH_2000_US))
    }

    pub(super) fn number(&mut self) -> Option<f64> {
        match self.field()? {
            None => Some(f64::NAN),
            Some(value) => value.try_into().ok().map(f64::from_be_bytes),
        }
    }

    pub(super) fn text(&mut self) -> Option<Option<&'a str>> {
        self.field()?.map(std::str::from_utf8).transpose().ok()
    }
}

impl Data {
    /// Reads a registered table in the order of its rows and gives each to `each`, which answers `None` when a row
    /// does not have the shape that the register says. Fails unless all rows came.
    pub(super) async fn download(
        &self,
        table: &Registered,
        mut each: impl FnMut(&mut Row<'_>) -> Option<()>,
    ) -> Result<()> {
        // Two scans of one table may begin in different places, so the order is asked for.
        let statement = format!(
            "COPY (SELECT * FROM {}.{} ORDER BY row_number) TO STDOUT WITH (FORMAT binary)",
            table.schema,
            names::quote(&table.name)
        );
        let mut connection = self.pool.acquire().await?;
        // The driver loses count of the answers when a copy is refused or left early; nobody is to use it after that.
        connection.close_on_drop();
        let mut stream = connection.copy_out_raw(&statement).await?;
        let mut pending: Vec<u8> = Vec::new();
        let mut begun = false;
        let mut ended = false;
        let mut rows = 0;
        while let Some(bytes) = stream.try_next().await? {
            pending.extend_from_slice(&bytes);
            let mut rest = pending.as_slice();
            if !begun {
                let header = SIGNATURE.len() + 8;
                if rest.len() < header {
                    continue;
                }
                begun = true;
                rest = &rest[header..];
            }
            while let Some((columns, after)) = rest.split_first_chunk::<2>() {
                let Ok(columns) = usize::try_from(i16::from_be_bytes(*columns)) else {
                    ended = true;
                    rest = after;
                    break;
                };
                let mut row = Row { bytes: after };
                if (0..columns).any(|_| row.field().is_none()) {
                    break;
                }
                let length = after.len() - row.bytes.len();
                let mut row = Row { bytes: &after[..length] };
                let number = row.integer();
                if number != i64::try_from(rows).ok() || each(&mut row).is_none() {
                    return Err(table.corrupt(format!("row {rows} does not have the registered shape")));
                }
                rows += 1;
                rest = &after[length..];
            }
            let consumed = pending.len() - rest.len();
            pending.drain(..consumed);
        }
        if !ended || rows != table.rows {
            return Err(table.corrupt(format!("{rows} of {} rows came", table.rows)));
        }
        Ok(())
    }
}
