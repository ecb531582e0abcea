//! The header of a safetensors file, and the list of a model's shards.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::error::Error;
use super::open_file;

/// Longer headers are refused, as the format's own library does.
const LONGEST_HEADER: u64 = 100_000_000;
/// How a pointer of Git LFS begins.
const LFS: &[u8] = b"version https://git-lfs";
/// Bytes of the header's length, before the header.
const PREFIX: u64 = 8;

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) shape: Vec<usize>,
    /// The first byte, from the file's start.
    pub(super) start: u64,
    /// Bytes.
    pub(super) length: u64,
}

impl Entry {
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The type of a tensor's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Readable(Float),
    Other(String),
}

impl Kind {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Readable(Float::F32) => "F32",
            Self::Readable(Float::F16) => "F16",
            Self::Readable(Float::Bf16) => "BF16",
            Self::Other(name) => name,
        }
    }
}

/// The types of floating-point numbers that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F32,
    F16,
    Bf16,
}

impl Float {
    const fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::F16 => bytes.as_chunks::<2>().0.iter().map(|b| half(u16::from_le_bytes(*b))).collect(),
            // The upper half of an f32.
            Self::Bf16 => {
                let wide = |b: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16);
                bytes.as_chunks::<2>().0.iter().map(wide).collect()
            }
        }
    }
}

/// A number of IEEE 754's binary16: a sign, five bits of exponent and ten of fraction. Every one is an f32.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0_f32 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2.0_f32.powi(exponent - 25),
    }
}

/// The entries of a file of `length` bytes, of which `read` gives the first so many.
pub(super) fn parse(
    path: &Path,
    length: u64,
    mut read: impl FnMut(usize) -> Result<Vec<u8>, Error>,
) -> Result<BTreeMap<String, Entry>, Error> {
    let refuse = |problem: String| Error::Header { path: path.to_path_buf(), problem };
    let cut = |needed, tensor| Error::Truncated { path: path.to_path_buf(), tensor, needed, found: length };
    let start = read(length.min(LFS.len() as u64) as usize)?;
    if start == LFS {
        return Err(Error::LfsPointer { path: path.to_path_buf() });
    }
    let Some(prefix) = start.first_chunk::<8>() else {
        return Err(cut(PREFIX, None));
    };
    let header = u64::from_le_bytes(*prefix);
    if header > LONGEST_HEADER {
        return Err(refuse(format!("its header would be {header} bytes long")));
    }
    let data = PREFIX + header;
    if data > length {
        return Err(cut(data, None));
    }
    let bytes = read(data as usize)?;
    let json: BTreeMap<String, Value> = serde_json::from_slice(&bytes[PREFIX as usize..])
        .map_err(|e| refuse(format!("its header is not JSON: {e}")))?;
    let mut entries = BTreeMap::new();
    for (name, value) in json {
        if name == "__metadata__" {
            continue;
        }
        let entry = entry(&value, data).ok_or_else(|| refuse(format!("its header describes `{name}` as {value}")))?;
        if let Kind::Readable(kind) = entry.kind {
            let count = entry.shape.iter().try_fold(1_u64, |product, side| product.checked_mul(*side as u64));
            if count.and_then(|count| count.checked_mul(kind.bytes())) != Some(entry.length) {
                let (shape, found) = (&entry.shape, entry.length);
                return Err(refuse(format!("its header gives tensor `{name}` of shape {shape:?} {found} bytes")));
            }
        }
        let end = entry.start.checked_add(entry.length).ok_or_else(|| refuse(format!("`{name}` ends nowhere")))?;
        if end > length {
            return Err(cut(end, Some(name)));
        }
        entries.insert(name, entry);
    }
    Ok(entries)
}

fn entry(value: &Value, data: u64) -> Option<Entry> {
    let kind = match value.get("dtype")?.as_str()? {
        "F32" => Kind::Readable(Float::F32),
        "F16" => Kind::Readable(Float::F16),
        "BF16" => Kind::Readable(Float::Bf16),
        other => Kind::Other(other.to_string()),
    };
    let side = |v: &Value| v.as_u64().and_then(|v| usize::try_from(v).ok());
    let shape = value.get("shape")?.as_array()?.iter().map(side).collect::<Option<Vec<_>>>()?;
    let [from, to] = value.get("data_offsets")?.as_array()?.as_slice() else {
        return None;
    };
    let (from, to) = (from.as_u64()?, to.as_u64()?);
    Some(Entry { kind, shape, start: data.checked_add(from)?, length: to.checked_sub(from)? })
}

/// Which file each tensor lies in.
pub(super) fn read_index(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let refuse = |problem: String| Error::Configuration { path: path.to_path_buf(), problem };
    let file = std::io::BufReader::new(open_file(path)?);
    let json: Value = serde_json::from_reader(file).map_err(|e| refuse(format!("it is not JSON: {e}")))?;
    let placed = json.get("weight_map").and_then(Value::as_object);
    let placed = placed.ok_or_else(|| refuse("it has no `weight_map`".to_string()))?;
    let plain = |file: &str| !file.contains(['/', '\\']) && file != "..";
    placed
        .iter()
        .map(|(tensor, file)| match file.as_str().filter(|file| plain(file)) {
            Some(file) => Ok((tensor.clone(), file.to_string())),
            None => Err(refuse(format!("it places tensor `{tensor}` in {file}, which is no file of this folder"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read_exactly() {
        assert_eq!(
            Float::F16.decode(&[0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b]),
            [1.0, -2.0, 2f32.powi(-24), 65504.0]
        );
        assert_eq!(half(0x3555), 0.333_251_95);
        assert_eq!(half(0xfc00), f32::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
        assert_eq!(Float::Bf16.decode(&[0x80, 0x3f, 0x49, 0xc0]), [1.0, -3.140_625]);
    }
}
