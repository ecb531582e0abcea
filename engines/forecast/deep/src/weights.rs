//! Pretrained weights in safetensors files: a folder's single file, its shards, or bytes inside this program.
//!
//! A file is read tensor by tensor, so that a model never lies in memory twice. Every error names the file and, where
//! there is one, the tensor. Nothing here opens a connection.
//!
//! Source: the safetensors format, <https://huggingface.co/docs/safetensors>: eight bytes of header length, the header
//! in JSON, then the tensors' bytes, little-endian and row-major.

mod configuration;
mod error;
pub mod folder;
mod header;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub use configuration::Configuration;
pub use error::Error;
use header::{Entry, Kind};

/// The name of the one file of a model that is not sharded.
const SINGLE: &str = "model.safetensors";
/// The name of the list that says which tensor lies in which shard.
const INDEX: &str = "model.safetensors.index.json";

/// The named tensors of a model.
#[derive(Debug)]
pub struct Weights {
    parts: Vec<Part>,
    /// Tensors by name: the part and where in it.
    tensors: BTreeMap<String, (usize, Entry)>,
}

#[derive(Debug)]
enum Part {
    File(PathBuf),
    Embedded { name: &'static str, data: &'static [u8] },
    Memory { name: &'static str, data: Vec<u8> },
}

impl Weights {
    /// The weights in `folder`: `model.safetensors`, or the shards that `model.safetensors.index.json` lists. Headers are
    /// read and checked; tensors are read when they are asked for.
    ///
    /// # Errors
    /// [`Error`], which names the file and what to do.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let single = folder.join(SINGLE);
        if single.symlink_metadata().is_ok() {
            let mut weights = Self { parts: Vec::new(), tensors: BTreeMap::new() };
            weights.add_file(single)?;
            return Ok(weights);
        }
        let index = folder.join(INDEX);
        if index.symlink_metadata().is_ok() {
            return Self::open_shards(folder, &index);
        }
        let pickled = folder.join("pytorch_model.bin");
        if pickled.exists() {
            return Err(Error::Pickled { path: pickled });
        }
        Err(Error::NotFound { path: single })
    }

    fn open_shards(folder: &Path, index: &Path) -> Result<Self, Error> {
        let placed = header::read_index(index)?;
        let mut weights = Self { parts: Vec::new(), tensors: BTreeMap::new() };
        let mut files: Vec<&String> = placed.values().collect();
        files.sort();
        files.dedup();
        for file in files {
            weights.add_file(folder.join(file))?;
        }
        for (tensor, file) in &placed {
            if !weights.tensors.contains_key(tensor) {
                return Err(Error::MissingTensor { path: folder.join(file), tensor: tensor.clone() });
            }
        }
        Ok(weights)
    }

    /// Weights that are part of the program. `name` stands for the path in errors.
    ///
    /// # Errors
    /// [`Error`] where the bytes are not a safetensors file.
    pub fn embedded(name: &'static str, data: &'static [u8]) -> Result<Self, Error> {
        let length = data.len() as u64;
        let entries = header::parse(Path::new(name), length, |count| Ok(data[..count.min(data.len())].to_vec()))?;
        let tensors = entries.into_iter().map(|(tensor, entry)| (tensor, (0, entry))).collect();
        Ok(Self { parts: vec![Part::Embedded { name, data }], tensors })
    }

    /// Weights in memory. `name` stands for the path in errors.
    ///
    /// # Errors
    /// [`Error`] where the bytes are not a safetensors file.
    pub fn from_bytes(name: &'static str, data: Vec<u8>) -> Result<Self, Error> {
        let length = data.len() as u64;
        let entries = header::parse(Path::new(name), length, |count| Ok(data[..count.min(data.len())].to_vec()))?;
        let tensors = entries.into_iter().map(|(tensor, entry)| (tensor, (0, entry))).collect();
        Ok(Self { parts: vec![Part::Memory { name, data }], tensors })
    }

    fn add_file(&mut self, path: PathBuf) -> Result<(), Error> {
        let mut file = open_file(&path)?;
        let length = file.metadata().map_err(|e| Error::read(&path, &e))?.len();
        let entries = header::parse(&path, length, |count| {
            let mut bytes = vec![0; count];
            file.seek(SeekFrom::Start(0))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|e| Error::read(&path, &e))?;
            Ok(bytes)
        })?;
        let part = self.parts.len();
        self.tensors.extend(entries.into_iter().map(|(name, entry)| (name, (part, entry))));
        self.parts.push(Part::File(path));
        Ok(())
    }

    /// The names of all tensors, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, where it is there.
    #[must_use]
    pub fn shape(&self, tensor: &str) -> Option<&[usize]> {
        self.tensors.get(tensor).map(|(_, entry)| entry.shape.as_slice())
    }

    /// The number of weights, of all tensors together.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tensors.values().map(|(_, entry)| entry.count()).sum()
    }

    /// The values of a tensor, row-major, as f32. The types F32, F16 and BF16 are read.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::WrongShape`], [`Error::UnsupportedType`], [`Error::NotFinite`], or that the
    /// file cannot be read.
    pub fn read(&self, tensor: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let missing = || Error::MissingTensor { path: self.path(0), tensor: tensor.to_string() };
        let (part, entry) = self.tensors.get(tensor).ok_or_else(missing)?;
        let path = self.path(*part);
        if entry.shape != shape {
            let (expected, found) = (shape.to_vec(), entry.shape.clone());
            return Err(Error::WrongShape { path, tensor: tensor.to_string(), expected, found });
        }
        let Kind::Readable(kind) = &entry.kind else {
            return Err(Error::UnsupportedType {
                path,
                tensor: tensor.to_string(),
                found: entry.kind.name().to_string(),
            });
        };
        let values = match &self.parts[*part] {
            // The header's check has shown that the tensor lies inside the bytes.
            Part::Embedded { data, .. } => kind.decode(&data[entry.start as usize..][..entry.length as usize]),
            Part::Memory { data, .. } => kind.decode(&data[entry.start as usize..][..entry.length as usize]),
            Part::File(path) => {
                let mut file = open_file(path)?;
                let mut bytes = vec![0; entry.length as usize];
                file.seek(SeekFrom::Start(entry.start))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|e| Error::read(path, &e))?;
                kind.decode(&bytes)
            }
        };
        if let Some(place) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite { path, tensor: tensor.to_string(), place });
        }
        Ok(values)
    }

    fn path(&self, part: usize) -> PathBuf {
        match self.parts.get(part) {
            Some(Part::File(path)) => path.clone(),
            Some(Part::Embedded { name, .. } | Part::Memory { name, .. }) => PathBuf::from(name),
            None => PathBuf::new(),
        }
    }
}

/// Opens a file; a link that leads nowhere is told apart from a file that is not there.
pub(crate) fn open_file(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|e| match (path.read_link(), e.kind()) {
        (Ok(target), std::io::ErrorKind::NotFound) => Error::DanglingLink { path: path.to_path_buf(), target },
        (Err(_), std::io::ErrorKind::NotFound) => Error::NotFound { path: path.to_path_buf() },
        _ => Error::read(path, &e),
    })
}
