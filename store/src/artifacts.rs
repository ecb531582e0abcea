//! Big things: bytes stored once under their SHA-256, in the clear or sealed with the key of a data set.

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::{ArtifactRef, Digest, Position, StreamId};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::cipher;
use crate::erasures::Erasures;
use crate::hash::{Hash, from_hex, hex};
use crate::keyring::{Key, Keyring};
use crate::sealed::{Keys, Sealed, Unsealed};
use crate::{Error, Result};

/// The largest artifact. Postgres takes values up to 1 GB, and their text form on the way is twice as long.
const LIMIT_BYTES: usize = 400 << 20;

/// Bytes stored once under their SHA-256, append-only. An event carries only the reference; write the artifact
/// before the event that names it.
///
/// What holds observations is put with [`Artifacts::put_for`], encrypted under the key of its data set; the digest is that of
/// the bytes as they were given, and [`Artifacts::get`] gives them back. Erasing the data set destroys the key.
#[derive(Clone, Debug)]
pub struct Artifacts {
    pool: PgPool,
    keyring: Keyring,
}

impl Artifacts {
    pub(crate) const fn new(pool: PgPool, keyring: Keyring) -> Self {
        Self { pool, keyring }
    }

    /// Stores bytes in the clear; storing them again changes nothing.
    ///
    /// # Errors
    /// [`Error::Unstorable`] when they are too many.
    pub async fn put(&self, bytes: &[u8], media_type: &str) -> Result<ArtifactRef> {
        let digest = digest_of(bytes)?;
        if !self.is_plain(&digest).await? {
            sqlx::query(
                "INSERT INTO atsre.artifacts (hash, media_type, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(digest.as_slice())
            .bind(media_type)
            .bind(bytes)
            .execute(&self.pool)
            .await?;
        }
        Ok(reference(&digest, bytes, media_type))
    }

    /// Stores bytes that hold observations of a data set, encrypted under its key; storing them again changes nothing. The
    /// key is made on first use. What is there in the clear already stays as it is: an erasure says so.
    ///
    /// # Errors
    /// [`Error::Unstorable`] when they are too many; [`Error::ErasedDataset`] when the data set was erased and not begun
    /// anew since ([`Artifacts::begin_for`]); [`Error::Key`] when its key cannot be used.
    pub async fn put_for(&self, dataset: &StreamId, bytes: &[u8], media_type: &str) -> Result<ArtifactRef> {
        let digest = digest_of(bytes)?;
        if self.is_plain(&digest).await? {
            return Ok(reference(&digest, bytes, media_type));
        }
        let key = self.key_for(dataset, WhenErased::Refuse).await?;
        let known: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM atsre.sealed_artifacts WHERE hash = $1 AND key_id = $2)")
                .bind(digest.as_slice())
                .bind(key.id)
                .fetch_one(&self.pool)
                .await?;
        if !known {
            sqlx::query(
                "INSERT INTO atsre.sealed_artifacts (hash, key_id, dataset, media_type, bytes) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(digest.as_slice())
            .bind(key.id)
            .bind(&dataset.0)
            .bind(media_type)
            .bind(cipher::seal(&key, &digest, bytes)?)
            .execute(&self.pool)
            .await?;
        }
        Ok(reference(&digest, bytes, media_type))
    }

    /// Makes sure that a data set has a key that is not erased: before a version of it is registered.
    ///
    /// # Errors
    /// [`Error::Key`] when a key cannot be made or used.
    pub async fn begin_for(&self, dataset: &StreamId) -> Result<()> {
        self.key_for(dataset, WhenErased::Begin).await.map(|_| ())
    }

    /// The oldest key of a data set that is not erased, or a new one.
    async fn key_for(&self, dataset: &StreamId, when_erased: WhenErased) -> Result<Key> {
        let erasures = Erasures::read(&self.pool).await?;
        for id in self.keyring.keys(dataset)? {
            if erasures.of_key(id).is_some() {
                continue;
            }
            if let Some(key) = self.keyring.read(dataset, id)? {
                return Ok(key);
            }
        }
        match (when_erased, erasures.of_dataset(dataset)) {
            (WhenErased::Refuse, Some(position)) => Err(Error::ErasedDataset { dataset: dataset.clone(), position }),
            _ => Ok(self.keyring.create(dataset)?),
        }
    }

    /// The bytes with a digest, checked against it.
    ///
    /// # Errors
    /// [`Error::NoArtifact`] when there are none; [`Error::Erased`] when there were, and the log says that they were
    /// erased; [`Error::Corrupt`] when the stored bytes have another digest, or their key is lost though nothing was erased.
    pub async fn get(&self, digest: &Digest) -> Result<Vec<u8>> {
        let wanted = from_hex(&digest.0).ok_or_else(|| Error::NoArtifact(digest.clone()))?;
        if let Some(bytes) = self.plain(&[wanted]).await?.remove(&wanted) {
            let found = Sha256::digest(&bytes);
            return if found.as_slice() == wanted {
                Ok(bytes)
            } else {
                Err(corrupt(digest, format!("its bytes have the digest {}", hex(&found))))
            };
        }
        let rows = Sealed::read(&self.pool, &[wanted]).await?;
        let mut keys = Keys::new(&self.keyring);
        let mut problems = Vec::new();
        for row in &rows {
            match row.unseal(&mut keys) {
                Unsealed::Bytes(bytes) => return Ok(bytes),
                problem => problems.push(problem),
            }
        }
        Err(self.why_unreadable(digest, problems).await?)
    }

    /// Why no copy of an artifact can be read.
    async fn why_unreadable(&self, digest: &Digest, problems: Vec<Unsealed>) -> Result<Error> {
        let erasures = Erasures::read(&self.pool).await?;
        // Without a row: the history came from elsewhere, after it was erased there.
        let mut erased = if problems.is_empty() { erasures.of_artifact(digest) } else { None };
        let mut lost = None;
        for problem in problems {
            match problem {
                Unsealed::Bytes(_) => {}
                Unsealed::Altered => {
                    let detail = "its bytes are not what its key sealed under this digest".to_owned();
                    return Ok(corrupt(digest, detail));
                }
                Unsealed::Unusable(error) => return Ok(error.into()),
                Unsealed::WithoutKey { key, path } => match erasures.of_key(key) {
                    Some(position) => erased = erased.or(Some(position)),
                    None => lost = lost.or(Some(path)),
                },
            }
        }
        Ok(match (lost, erased) {
            (Some(path), _) => {
                let detail = format!("its key {} is missing, and nothing in the log erased it", path.display());
                corrupt(digest, detail)
            }
            (None, Some(position)) => Error::Erased { digest: digest.clone(), position },
            (None, None) => Error::NoArtifact(digest.clone()),
        })
    }

    /// The bytes with these digests, in as few round trips as that takes. What is missing, erased or damaged is left out:
    /// [`Artifacts::get`] says which of them it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get_sound(&self, digests: &[Digest]) -> Result<BTreeMap<Digest, Vec<u8>>> {
        let wanted: BTreeSet<Hash> = digests.iter().filter_map(|digest| from_hex(&digest.0)).collect();
        let mut found = BTreeMap::new();
        let plain = self.plain(&Vec::from_iter(wanted.iter().copied())).await?;
        // A damaged copy in the clear is not made good by a sealed one: it stands first.
        let sealed: Vec<Hash> = wanted.into_iter().filter(|hash| !plain.contains_key(hash)).collect();
        for (hash, bytes) in plain {
            if Sha256::digest(&bytes).as_slice() == hash {
                found.insert(Digest(hex(&hash)), bytes);
            }
        }
        if sealed.is_empty() {
            return Ok(found);
        }
        let mut keys = Keys::new(&self.keyring);
        for row in Sealed::read(&self.pool, &sealed).await? {
            let digest = Digest(hex(&row.hash));
            if found.contains_key(&digest) {
                continue;
            }
            if let Unsealed::Bytes(bytes) = row.unseal(&mut keys) {
                found.insert(digest, bytes);
            }
        }
        Ok(found)
    }

    /// Which of these artifacts were erased, and where the log has that: those of which no copy can be read, and the log says
    /// of each copy's key, or where there is none of the artifact itself, that it was erased.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erased(&self, digests: &[Digest]) -> Result<BTreeMap<Digest, Position>> {
        let erasures = Erasures::read(&self.pool).await?;
        if erasures == Erasures::default() || digests.is_empty() {
            return Ok(BTreeMap::new());
        }
        let wanted: Vec<Vec<u8>> = digests.iter().filter_map(|digest| Some(from_hex(&digest.0)?.to_vec())).collect();
        let plain: BTreeSet<Vec<u8>> =
            sqlx::query_scalar::<_, Vec<u8>>("SELECT hash FROM atsre.artifacts WHERE hash = ANY($1)")
                .bind(&wanted)
                .fetch_all(&self.pool)
                .await?
                .into_iter()
                .collect();
        let rows: Vec<(Vec<u8>, String, Uuid)> =
            sqlx::query_as("SELECT hash, dataset, key_id FROM atsre.sealed_artifacts WHERE hash = ANY($1)")
                .bind(&wanted)
                .fetch_all(&self.pool)
                .await?;
        let mut copies: BTreeMap<Vec<u8>, Vec<Option<Position>>> = BTreeMap::new();
        for (hash, dataset, key) in rows {
            let gone = if self.has_key(&StreamId(dataset), key) { None } else { erasures.of_key(key) };
            copies.entry(hash).or_default().push(gone);
        }
        let mut erased = BTreeMap::new();
        for hash in wanted.into_iter().filter(|hash| !plain.contains(hash)) {
            let digest = Digest(hex(&hash));
            let position = match copies.get(&hash) {
                None => erasures.of_artifact(&digest),
                Some(copies) => {
                    copies.iter().copied().collect::<Option<Vec<_>>>().and_then(|gone| gone.first().copied())
                }
            };
            erased.extend(position.map(|position| (digest, position)));
        }
        Ok(erased)
    }

    /// Whether there are bytes with a digest, and the key with which they can be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contains(&self, digest: &Digest) -> Result<bool> {
        let Some(wanted) = from_hex(&digest.0) else { return Ok(false) };
        if self.is_plain(&wanted).await? {
            return Ok(true);
        }
        let rows: Vec<(String, Uuid)> =
            sqlx::query_as("SELECT dataset, key_id FROM atsre.sealed_artifacts WHERE hash = $1")
                .bind(wanted.as_slice())
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().any(|(dataset, key)| self.has_key(&StreamId(dataset), key)))
    }

    /// The digest of everything that can be read, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn digests(&self) -> Result<Vec<Digest>> {
        let plain: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM atsre.artifacts").fetch_all(&self.pool).await?;
        let mut hashes: BTreeSet<Vec<u8>> = plain.into_iter().collect();
        let sealed: Vec<(Vec<u8>, String, Uuid)> =
            sqlx::query_as("SELECT hash, dataset, key_id FROM atsre.sealed_artifacts").fetch_all(&self.pool).await?;
        let mut there = BTreeMap::new();
        for (hash, dataset, key) in sealed {
            if *there.entry(key).or_insert_with(|| self.has_key(&StreamId(dataset), key)) {
                hashes.insert(hash);
            }
        }
        Ok(hashes.iter().map(|hash| Digest(hex(hash))).collect())
    }

    /// The keys of data sets.
    #[must_use]
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    fn has_key(&self, dataset: &StreamId, key: Uuid) -> bool {
        self.keyring.path(dataset, key).exists()
    }

    async fn is_plain(&self, digest: &Hash) -> Result<bool> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM atsre.artifacts WHERE hash = $1)")
            .bind(digest.as_slice())
            .fetch_one(&self.pool)
            .await?)
    }

    async fn plain(&self, wanted: &[Hash]) -> Result<BTreeMap<Hash, Vec<u8>>> {
        let wanted: Vec<&[u8]> = wanted.iter().map(Hash::as_slice).collect();
        let rows = sqlx::query("SELECT hash, bytes FROM atsre.artifacts WHERE hash = ANY($1)")
            .bind(wanted)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let (hash, bytes): (&[u8], Vec<u8>) = (row.try_get("hash")?, row.try_get("bytes")?);
                Ok((hash.try_into().unwrap_or_default(), bytes))
            })
            .collect()
    }
}

/// What to do where all keys of a data set are erased.
#[derive(Clone, Copy)]
enum WhenErased {
    /// Nothing is to be stored for it any more.
    Refuse,
    /// A new version begins, with a new key.
    Begin,
}

fn digest_of(bytes: &[u8]) -> Result<Hash> {
    if bytes.len() > LIMIT_BYTES {
        return Err(Error::Unstorable(format!(
            "an artifact of {} bytes is larger than the limit of {LIMIT_BYTES} bytes",
            bytes.len()
        )));
    }
    Ok(Sha256::digest(bytes).into())
}

fn reference(digest: &Hash, bytes: &[u8], media_type: &str) -> ArtifactRef {
    ArtifactRef { digest: Digest(hex(digest)), length_bytes: bytes.len() as u64, media_type: media_type.to_owned() }
}

fn corrupt(digest: &Digest, detail: String) -> Error {
    Error::Corrupt { what: format!("artifact {digest}"), detail }
}
