//! The file in which anchors are kept: one JSON line each.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::key::files;
use super::{Anchor, Error};

/// The file in which anchors are kept, `anchors.jsonl`: one JSON line each, only ever appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorFile {
    path: PathBuf,
}

impl AnchorFile {
    /// The file at a path, which need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an anchor; when this returns, it is on the disk. Two processes may do so at once.
    ///
    /// # Errors
    /// [`Error::Line`] when the last line is not finished (a power cut while it was written: remove that line);
    /// [`Error::Files`] when it cannot be written.
    pub fn append(&self, anchor: &Anchor) -> Result<(), Error> {
        let wrong = |source| files("append to", &self.path, source);
        let mut line = serde_json::to_string(anchor).map_err(|error| wrong(error.into()))?;
        line.push('\n');
        let fresh = !self.path.exists();
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path).map_err(wrong)?;
        // Ends with the file's handle.
        file.lock().map_err(wrong)?;
        if file.metadata().map_err(wrong)?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(wrong)?;
            if last != *b"\n" {
                let text = std::fs::read_to_string(&self.path).map_err(wrong)?;
                let detail = "it is not finished, so nothing can follow it: remove it if it was cut off".to_owned();
                return Err(Error::Line { path: self.path.clone(), line: text.lines().count(), detail });
            }
        }
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        if fresh {
            // A file's name is the folder's content, and outlives a power cut only with that.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)?;
        }
        Ok(())
    }

    /// All anchors, in the order in which they were appended.
    ///
    /// # Errors
    /// [`Error::Line`] with the first line that is not an anchor; [`Error::Files`] when there is no such file.
    pub fn read(&self) -> Result<Vec<Anchor>, Error> {
        let text = std::fs::read_to_string(&self.path).map_err(|source| files("read", &self.path, source))?;
        self.parse(&text)
    }

    /// The last anchor; `None` when there is none yet, or no file.
    ///
    /// # Errors
    /// As [`AnchorFile::read`], but for a file that is not there.
    pub fn last(&self) -> Result<Option<Anchor>, Error> {
        match self.read() {
            Ok(mut anchors) => Ok(anchors.pop()),
            Err(Error::Files { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(&self, text: &str) -> Result<Vec<Anchor>, Error> {
        let anchor = |(line, text): (usize, &str)| {
            serde_json::from_str(text).map_err(|error| Error::Line {
                path: self.path.clone(),
                line,
                detail: if text.trim().is_empty() { "it is empty".to_owned() } else { error.to_string() },
            })
        };
        (1..).zip(text.lines()).map(anchor).collect()
    }
}
