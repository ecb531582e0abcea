//! The keys of data sets: files outside the database, one folder for each data set.
//!
//! A key is a file `HOME/keys/datasets/STREAM/KEY.key` of mode 0600: comment lines that begin with `#`, and one line of 64
//! hexadecimal digits. Whoever has the file can read what it sealed; whoever has not, cannot. Keys are read anew for each
//! use and never kept in memory, so that a key that one process destroys is gone for all others at once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use atsre_domain::StreamId;
use rand::TryRngCore as _;
use uuid::Uuid;

use crate::error::KeyError;
use crate::hash::{from_hex, hex};

/// Longer than any key file of ours: what is longer is not read to its end.
const MOST_BYTES: u64 = 4096;
/// How a key file's name ends.
const EXTENSION: &str = "key";

/// The folder of all data sets' keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
}

/// A key.
pub(crate) struct Key {
    pub(crate) id: Uuid,
    pub(crate) secret: [u8; 32],
}

/// Without the secret.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Keyring {
    pub(crate) fn new(home: &Path) -> Self {
        Self { folder: home.join("keys").join("datasets") }
    }

    /// Where a key of a data set lies, or lay.
    #[must_use]
    pub fn path(&self, dataset: &StreamId, key: Uuid) -> PathBuf {
        self.folder_of(dataset).join(format!("{key}.{EXTENSION}"))
    }

    /// The keys of a data set that are there, the oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn keys(&self, dataset: &StreamId) -> Result<Vec<Uuid>, KeyError> {
        let folder = self.folder_of(dataset);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(files("read", &folder, source)),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| files("read", &folder, source))?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                keys.extend(name.and_then(|name| Uuid::parse_str(name).ok()));
            }
        }
        // Names are UUIDv7: their order is that in which they were made.
        keys.sort_unstable();
        Ok(keys)
    }

    /// A key; `None` when its file is not there.
    ///
    /// # Errors
    /// When the file can be read by others than its owner, or holds something else.
    pub(crate) fn read(&self, dataset: &StreamId, id: Uuid) -> Result<Option<Key>, KeyError> {
        let path = self.path(dataset, id);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(files("open", &path, source)),
        };
        let metadata = file.metadata().map_err(|source| files("read", &path, source))?;
        let not_a_key = |detail: &str| KeyError::NotAKey { path: path.clone(), detail: detail.to_owned() };
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path, mode });
        }
        let mut text = String::new();
        (&mut file).take(MOST_BYTES).read_to_string(&mut text).map_err(|source| files("read", &path, source))?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(not_a_key("besides comments it should have one line"));
        };
        let secret = from_hex(line).ok_or_else(|| not_a_key("its line is not 64 hexadecimal digits"))?;
        Ok(Some(Key { id, secret }))
    }

    /// Draws a key and stores it: mode 0600, in folders of mode 0700 where they are made too.
    pub(crate) fn create(&self, dataset: &StreamId) -> Result<Key, KeyError> {
        let mut secret = [0; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut secret).map_err(KeyError::Randomness)?;
        let key = Key { id: Uuid::now_v7(), secret };
        let (folder, path) = (self.folder_of(dataset), self.path(dataset, key.id));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|source| files("make the folder", &folder, source))?;
        // Under another name first: no reader ever sees half a key.
        let draft = folder.join(format!(".{}.draft", key.id));
        write_new(&draft, dataset, &key)?;
        std::fs::rename(&draft, &path).map_err(|source| files("make", &path, source))?;
        // The name must outlive a power cut as well: what a lost key sealed would be lost.
        for folder in [Some(folder.as_path()), folder.parent()].into_iter().flatten() {
            sync_folder(folder)?;
        }
        Ok(key)
    }

    /// Destroys a key: its file is overwritten, flushed, and removed. Says whether it was there.
    ///
    /// # Errors
    /// When the file cannot be written or removed.
    pub fn destroy(&self, dataset: &StreamId, id: Uuid) -> Result<bool, KeyError> {
        let path = self.path(dataset, id);
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(files("open", &path, source)),
        };
        let overwritten = file.metadata().and_then(|metadata| {
            let zeros = vec![0; usize::try_from(metadata.len()).unwrap_or(0)];
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&zeros)?;
            file.sync_all()
        });
        overwritten.map_err(|source| files("overwrite", &path, source))?;
        std::fs::remove_file(&path).map_err(|source| files("remove", &path, source))?;
        let folder = self.folder_of(dataset);
        sync_folder(&folder)?;
        // The last one takes the folder with it; one that is not empty stays.
        if let Err(error) = std::fs::remove_dir(&folder) {
            tracing::debug!(folder = %folder.display(), %error, "the folder of keys stays");
        }
        Ok(true)
    }

    /// A stream's name as a folder's: names that came from elsewhere never become paths.
    fn folder_of(&self, dataset: &StreamId) -> PathBuf {
        let plain = Uuid::parse_str(&dataset.0).map(|uuid| uuid.to_string());
        self.folder.join(plain.unwrap_or_else(|_| blake3::hash(dataset.0.as_bytes()).to_hex()[..32].to_owned()))
    }
}

fn write_new(path: &Path, dataset: &StreamId, key: &Key) -> Result<(), KeyError> {
    let text = format!(
        "# The key of the data set {dataset} of an ATSRE store. Whoever has it can read the data set; without it nobody can.\n\
         # Back it up apart from the database, and remember the copies when you erase the data set.\n{}\n",
        hex(&key.secret)
    );
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| files("make", path, source))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| files("write", path, source))
}

fn sync_folder(folder: &Path) -> Result<(), KeyError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| files("write", folder, source))
}

fn files(action: &'static str, path: &Path, source: std::io::Error) -> KeyError {
    KeyError::Files { action, path: path.to_owned(), source }
}
