//! The key that signs anchors.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use atsre_domain::{Position, Timestamp};
use atsre_store::hash::{self, Hash};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use rand::TryRngCore as _;

use super::{Anchor, Error, Signed, message, public_key_text};

/// Longer than any key file of ours: what is longer is not read to its end.
const MOST_BYTES: u64 = 4096;

/// The secret key that signs anchors, in a file that only its owner may read: comment lines that begin with `#`, and one
/// line of 64 hexadecimal digits (the seed of RFC 8032).
#[derive(Clone)]
pub struct AnchorKey {
    key: SigningKey,
}

/// Without the secret.
impl std::fmt::Debug for AnchorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnchorKey").field("public", &public_key_text(&self.public())).finish_non_exhaustive()
    }
}

impl AnchorKey {
    /// The key in a file, which is made where there is none: mode 0600, in folders of mode 0700 where they are made too.
    ///
    /// # Errors
    /// [`Error::Exposed`] when the group or others may read or write the file; [`Error::NotAKey`] when it holds something
    /// else; [`Error::Files`] when it cannot be read or made.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        match Self::open(path) {
            Err(Error::Files { source, .. }) if source.kind() == ErrorKind::NotFound => {
                create(path)?;
                Self::open(path)
            }
            opened => opened,
        }
    }

    /// The key in a file that exists.
    ///
    /// # Errors
    /// As [`AnchorKey::open_or_create`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(|source| files("open", path, source))?;
        // Of the open file, so that nobody can put another one in its place between the two looks.
        let metadata = file.metadata().map_err(|source| files("read", path, source))?;
        let not_a_key = |detail: &str| Error::NotAKey { path: path.to_owned(), detail: detail.to_owned() };
        if !metadata.is_file() {
            return Err(not_a_key("it is not a file"));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::Exposed { path: path.to_owned(), mode });
        }
        let mut bytes = Vec::new();
        (&mut file).take(MOST_BYTES).read_to_end(&mut bytes).map_err(|source| files("read", path, source))?;
        let text = String::from_utf8(bytes).map_err(|_| not_a_key("it is not text"))?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(not_a_key("besides comments it should have one line"));
        };
        let seed = hash::from_hex(line).ok_or_else(|| not_a_key("its line is not 64 hexadecimal digits"))?;
        Ok(Self { key: SigningKey::from_bytes(&seed) })
    }

    /// The public half, which others check with.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// Signs that the log's running hash at a position is this.
    #[must_use]
    pub fn sign(&self, position: Position, log_hash: Hash, anchored_at: Timestamp) -> Anchor {
        let signature = self.key.sign(&message(position, &log_hash, anchored_at));
        Anchor { position, log_hash, signed: Some(Signed { anchored_at, public_key: self.public(), signature }) }
    }
}

/// Draws a key and puts it there whole, unless somebody else was quicker.
fn create(path: &Path) -> Result<(), Error> {
    let mut seed = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut seed).map_err(Error::Randomness)?;
    let key = SigningKey::from_bytes(&seed);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| files("make the folder", folder, source))?;
    // Under another name first: no reader ever sees half a key, and a link takes nobody's place.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.{}", std::process::id(), &public_key_text(&key.verifying_key())[..16]));
    let written = write(&draft, &key).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => Err(files("make", path, source)),
        _ => Ok(()),
    });
    let removed = std::fs::remove_file(&draft).map_err(|source| files("remove", &draft, source));
    written.and(removed)?;
    // The name must outlive a power cut as well: anchors signed with a lost key would be of nobody.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| files("write", folder, source))
}

fn write(path: &Path, key: &SigningKey) -> Result<(), Error> {
    let text = format!(
        "# The secret key (ed25519) that signs the anchors of an ATSRE log. Whoever has it can sign in your name: keep it out\n\
         # of the database, of its backups and of version control. Its public half:\n# {}\n{}\n",
        public_key_text(&key.verifying_key()),
        hash::hex(key.as_bytes())
    );
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| files("make", path, source))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| files("write", path, source))
}

pub(super) fn files(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Files { action, path: path.to_owned(), source }
}
