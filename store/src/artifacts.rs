//! Big things: bytes stored once under their SHA-256.

use std::collections::BTreeMap;

use atsre_domain::{ArtifactRef, Digest};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::postgres::PgPool;

use crate::hash::{from_hex, hex};
use crate::{Error, Result};

/// The largest artifact. Postgres takes values up to 1 GB, and their text form on the way is twice as long.
const LIMIT_BYTES: usize = 400 << 20;

/// Bytes stored once under their SHA-256, append-only. An event carries only the reference; write the artifact
/// before the event that names it.
#[derive(Clone, Debug)]
pub struct Artifacts {
    pool: PgPool,
}

impl Artifacts {
    pub(crate) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Stores bytes; storing them again changes nothing.
    ///
    /// # Errors
    /// [`Error::Unstorable`] when they are too many.
    pub async fn put(&self, bytes: &[u8], media_type: &str) -> Result<ArtifactRef> {
        if bytes.len() > LIMIT_BYTES {
            return Err(Error::Unstorable(format!(
                "an artifact of {} bytes is larger than the limit of {LIMIT_BYTES} bytes",
                bytes.len()
            )));
        }
        let digest = Sha256::digest(bytes);
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM atsre.artifacts WHERE hash = $1)")
            .bind(digest.as_slice())
            .fetch_one(&self.pool)
            .await?;
        if !known {
            sqlx::query(
                "INSERT INTO atsre.artifacts (hash, media_type, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(digest.as_slice())
            .bind(media_type)
            .bind(bytes)
            .execute(&self.pool)
            .await?;
        }
        Ok(ArtifactRef {
            digest: Digest(hex(&digest)),
            length_bytes: bytes.len() as u64,
            media_type: media_type.to_owned(),
        })
    }

    /// The bytes with a digest, checked against it.
    ///
    /// # Errors
    /// [`Error::NoArtifact`] when there are none; [`Error::Corrupt`] when the stored bytes have another digest.
    pub async fn get(&self, digest: &Digest) -> Result<Vec<u8>> {
        let wanted = from_hex(&digest.0).ok_or_else(|| Error::NoArtifact(digest.clone()))?;
        let row = sqlx::query("SELECT bytes FROM atsre.artifacts WHERE hash = $1")
            .bind(wanted.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        let bytes: Vec<u8> = row.ok_or_else(|| Error::NoArtifact(digest.clone()))?.try_get("bytes")?;
        let found = Sha256::digest(&bytes);
        if found.as_slice() != wanted {
            return Err(Error::Corrupt {
                what: format!("artifact {digest}"),
                detail: format!("its bytes have the digest {}", hex(&found)),
            });
        }
        Ok(bytes)
    }

    /// The bytes with these digests, in one round trip. What is missing or damaged is left out: [`Artifacts::get`] says
    /// which of the two it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get_sound(&self, digests: &[Digest]) -> Result<BTreeMap<Digest, Vec<u8>>> {
        let wanted: Vec<Vec<u8>> = digests.iter().filter_map(|digest| Some(from_hex(&digest.0)?.to_vec())).collect();
        let rows = sqlx::query("SELECT hash, bytes FROM atsre.artifacts WHERE hash = ANY($1)")
            .bind(wanted)
            .fetch_all(&self.pool)
            .await?;
        let mut found = BTreeMap::new();
        for row in rows {
            let (hash, bytes): (&[u8], Vec<u8>) = (row.try_get("hash")?, row.try_get("bytes")?);
            if Sha256::digest(&bytes).as_slice() == hash {
                found.insert(Digest(hex(hash)), bytes);
            }
        }
        Ok(found)
    }

    /// Whether there are bytes with a digest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contains(&self, digest: &Digest) -> Result<bool> {
        let Some(wanted) = from_hex(&digest.0) else { return Ok(false) };
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM atsre.artifacts WHERE hash = $1)")
            .bind(wanted.as_slice())
            .fetch_one(&self.pool)
            .await?)
    }

    /// Every digest, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn digests(&self) -> Result<Vec<Digest>> {
        let hashes: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT hash FROM atsre.artifacts ORDER BY hash").fetch_all(&self.pool).await?;
        Ok(hashes.iter().map(|hash| Digest(hex(hash))).collect())
    }
}
