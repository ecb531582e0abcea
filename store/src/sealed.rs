//! The rows of `sealed_artifacts`: what they hold, and what is wrong with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use atsre_domain::{Digest, StreamId};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::error::KeyError;
use crate::hash::{Hash, from_hex, hex};
use crate::keyring::{Key, Keyring};
use crate::{Artifacts, Result, cipher};

/// One sealed copy of an artifact.
pub(crate) struct Sealed {
    pub(crate) hash: Hash,
    dataset: StreamId,
    key: Uuid,
    bytes: Vec<u8>,
}

/// What came of opening one.
pub(crate) enum Unsealed {
    /// The bytes, which have the digest.
    Bytes(Vec<u8>),
    /// Its key is not there.
    WithoutKey {
        /// The key.
        key: Uuid,
        /// Where it should lie.
        path: PathBuf,
    },
    /// Its key is there and cannot be used.
    Unusable(KeyError),
    /// The key does not open it: somebody has altered it.
    Altered,
}

/// The keys that one question needs, each read once.
pub(crate) struct Keys<'a> {
    keyring: &'a Keyring,
    read: BTreeMap<Uuid, Key>,
}

impl<'a> Keys<'a> {
    pub(crate) const fn new(keyring: &'a Keyring) -> Self {
        Self { keyring, read: BTreeMap::new() }
    }

    fn key(&mut self, dataset: &StreamId, id: Uuid) -> Result<Option<&Key>, KeyError> {
        if !self.read.contains_key(&id)
            && let Some(key) = self.keyring.read(dataset, id)?
        {
            self.read.insert(id, key);
        }
        Ok(self.read.get(&id))
    }
}

impl Sealed {
    /// All copies of these artifacts.
    pub(crate) async fn read(pool: &PgPool, wanted: &[Hash]) -> Result<Vec<Self>> {
        let wanted: Vec<&[u8]> = wanted.iter().map(Hash::as_slice).collect();
        let rows = sqlx::query(
            "SELECT hash, key_id, dataset, bytes FROM atsre.sealed_artifacts WHERE hash = ANY($1) ORDER BY hash, key_id",
        )
        .bind(wanted)
        .fetch_all(pool)
        .await?;
        rows.iter()
            .map(|row| {
                let hash: &[u8] = row.try_get("hash")?;
                Ok(Self {
                    hash: hash.try_into().unwrap_or_default(),
                    dataset: StreamId(row.try_get("dataset")?),
                    key: row.try_get("key_id")?,
                    bytes: row.try_get("bytes")?,
                })
            })
            .collect()
    }

    pub(crate) fn unseal(&self, keys: &mut Keys<'_>) -> Unsealed {
        let path = keys.keyring.path(&self.dataset, self.key);
        match keys.key(&self.dataset, self.key) {
            Ok(None) => Unsealed::WithoutKey { key: self.key, path },
            Err(error) => Unsealed::Unusable(error),
            // The digest is authenticated with the bytes; that it is theirs is checked as for any artifact.
            Ok(Some(key)) => match cipher::open(key, &self.hash, &self.bytes) {
                Some(bytes) if Sha256::digest(&bytes).as_slice() == self.hash => Unsealed::Bytes(bytes),
                _ => Unsealed::Altered,
            },
        }
    }
}

/// A key that sealed something, and whether it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingKey {
    /// The data set.
    pub dataset: StreamId,
    /// The key.
    pub key: Uuid,
    /// How many artifacts it sealed.
    pub artifacts: u64,
    /// Where its file lies, or should lie.
    pub path: PathBuf,
    /// Whether the file is there.
    pub there: bool,
}

impl Artifacts {
    /// The keys that sealed something.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealing_keys(&self) -> Result<Vec<SealingKey>> {
        let rows: Vec<(String, Uuid, i64)> = sqlx::query_as(
            "SELECT dataset, key_id, count(*) FROM atsre.sealed_artifacts GROUP BY dataset, key_id ORDER BY dataset, key_id",
        )
        .fetch_all(self.pool())
        .await?;
        let key = |(dataset, key, artifacts): (String, Uuid, i64)| {
            let dataset = StreamId(dataset);
            let path = self.keyring().path(&dataset, key);
            let there = path.exists();
            SealingKey { dataset, key, artifacts: artifacts.unsigned_abs(), path, there }
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Which of these artifacts are sealed with a key of this data set, and which are in the clear.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealed_or_plain(&self, dataset: &StreamId, digests: &[Digest]) -> Result<(Vec<Digest>, Vec<Digest>)> {
        let wanted: Vec<Vec<u8>> = digests.iter().filter_map(|digest| Some(from_hex(&digest.0)?.to_vec())).collect();
        let sealed: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT DISTINCT s.hash FROM atsre.sealed_artifacts s WHERE s.hash = ANY($1) AND s.dataset = $2 \
             AND NOT EXISTS (SELECT FROM atsre.artifacts a WHERE a.hash = s.hash) ORDER BY s.hash",
        )
        .bind(&wanted)
        .bind(&dataset.0)
        .fetch_all(self.pool())
        .await?;
        let plain: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT hash FROM atsre.artifacts WHERE hash = ANY($1) ORDER BY hash")
                .bind(&wanted)
                .fetch_all(self.pool())
                .await?;
        let digests = |hashes: Vec<Vec<u8>>| hashes.iter().map(|hash| Digest(hex(hash))).collect();
        Ok((digests(sealed), digests(plain)))
    }

    /// Sealed copies whose key is there and does not open them, of artifacts that have another copy as well: the other one is
    /// what [`Artifacts::get`] gives, so it would not tell.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn altered_copies(&self) -> Result<Vec<Digest>> {
        let hashes: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT s.hash FROM atsre.sealed_artifacts s GROUP BY s.hash HAVING count(*) > 1 \
             OR EXISTS (SELECT FROM atsre.artifacts a WHERE a.hash = s.hash) ORDER BY s.hash",
        )
        .fetch_all(self.pool())
        .await?;
        let mut keys = Keys::new(self.keyring());
        let mut altered = Vec::new();
        for hash in hashes {
            let wanted: Hash = hash.try_into().unwrap_or_default();
            for copy in Self::copies(self, wanted).await? {
                if matches!(copy.unseal(&mut keys), Unsealed::Altered) {
                    altered.push(Digest(hex(&wanted)));
                }
            }
        }
        Ok(altered)
    }

    async fn copies(&self, wanted: Hash) -> Result<Vec<Sealed>> {
        Sealed::read(self.pool(), &[wanted]).await
    }
}
