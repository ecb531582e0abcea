//! What can be wrong with a folder of weights.

use std::path::{Path, PathBuf};

/// A model's folder that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing there.
    #[error("{} does not exist; name a folder with config.json and model.safetensors", path.display())]
    NotFound {
        /// The file or folder looked for.
        path: PathBuf,
    },
    /// The model's folder is neither named nor in the hub's cache.
    #[error(
        "no weights of {repository} were found in the hub's cache {}; name a folder with the setting `weights`", cache.display()
    )]
    NotCached {
        /// The repository looked for.
        repository: String,
        /// The cache looked into.
        cache: PathBuf,
    },
    /// A link of a hub's cache whose file was removed or never fetched.
    #[error("{} is a link to {}, which does not exist; fetch the model again", path.display(), target.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A pointer of Git LFS in place of the file itself.
    #[error("{} is a Git LFS pointer, not the file itself; run `git lfs pull`", path.display())]
    LfsPointer {
        /// The file.
        path: PathBuf,
    },
    /// Only weights as a Python pickle, which can run code and is never opened.
    #[error("{} is a Python pickle, which is not read; save the model as safetensors", path.display())]
    Pickled {
        /// The file.
        path: PathBuf,
    },
    /// The file ends too early.
    #[error("{} is truncated: {} needs {needed} bytes, the file has {found}; fetch it again", path.display(), what(tensor))]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The first tensor that is cut off; none where it is the header.
        tensor: Option<String>,
        /// Bytes that the file should have at least.
        needed: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// The header is not one of safetensors.
    #[error("{} is not a safetensors file: {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor that the model needs is absent.
    #[error("{} has no tensor `{tensor}`, which the model needs", path.display())]
    MissingTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("{}: tensor `{tensor}` has shape {found:?}, config.json asks for {expected:?}", path.display())]
    WrongShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// The shape by the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor's numbers are of a type that is not read.
    #[error("{}: tensor `{tensor}` is of type {found}; F32, F16 and BF16 are read", path.display())]
    UnsupportedType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
    },
    /// A weight is infinite or not a number.
    #[error("{}: tensor `{tensor}` has a value that is not finite at {place}; fetch the model again", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// The first such value's place, row-major.
        place: usize,
    },
    /// The configuration cannot be read or contradicts itself.
    #[error("{}: {problem}", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The folder holds another model.
    #[error("{} describes {found}, not {expected}", path.display())]
    WrongArchitecture {
        /// The file.
        path: PathBuf,
        /// The architecture asked for.
        expected: String,
        /// The one found.
        found: String,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Error {
    pub(crate) fn read(path: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.to_path_buf(), reason: error.to_string() }
    }
}

fn what(tensor: &Option<String>) -> String {
    tensor.as_ref().map_or_else(|| "its header".to_string(), |tensor| format!("tensor `{tensor}`"))
}
