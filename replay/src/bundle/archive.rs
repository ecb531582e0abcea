//! Reading the zip file: with bounded memory, whatever it says of itself.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Seek, SeekFrom};

use atsre_domain::Digest;
use atsre_store::{hash, told};
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use super::BundleError;

/// The longest line.
const LINE_BYTES: u64 = 64 << 20;
/// What is read at once.
const BUFFER: usize = 256 << 10;
/// The end of a zip file without a comment, and where in it the number of members stands.
const END_BYTES: i64 = 22;
const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const END_COUNT: usize = 10;

/// What a member turned out to be.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) length: u64,
    pub(super) sha256: Digest,
}

impl Sum {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, sha256: Digest(hash::hex(&Sha256::digest(bytes))) }
    }
}

/// The zip file of a bundle. No member is ever unpacked to a file, so names cannot lead anywhere.
#[derive(Debug)]
pub(super) struct Archive<R> {
    zip: ZipArchive<R>,
    indices: BTreeMap<String, usize>,
    /// What of the file belongs to no member, in words.
    oddities: Vec<String>,
}

impl<R: Read + Seek> Archive<R> {
    pub(super) fn open(mut reader: R) -> Result<Self, BundleError> {
        let stated = stated_members(&mut reader)?;
        let zip = ZipArchive::new(reader).map_err(BundleError::NotABundle)?;
        let mut archive = Self { indices: BTreeMap::new(), oddities: Vec::new(), zip };
        if stated.is_some_and(|stated| usize::from(stated) != archive.zip.len()) {
            archive.oddities.push("two members have the same name".to_owned());
        }
        archive.survey()?;
        Ok(archive)
    }

    /// Notes every member, and every byte that belongs to none: a place where something could be hidden from one reader
    /// and shown to another.
    fn survey(&mut self) -> Result<(), BundleError> {
        let mut spans = Vec::with_capacity(self.zip.len());
        for index in 0..self.zip.len() {
            let member = self.zip.by_index_raw(index).map_err(BundleError::NotABundle)?;
            spans.push((member.header_start(), member.data_start().saturating_add(member.compressed_size())));
            self.indices.insert(member.name().to_owned(), index);
        }
        spans.sort_unstable();
        // Of two members of one name, one is not told of: where it lies would look like nobody's bytes.
        if !self.oddities.is_empty() {
            spans.clear();
        }
        let mut reached = spans.first().map_or(self.zip.central_directory_start(), |_| 0);
        for (start, end) in spans.into_iter().chain([(self.zip.central_directory_start(), 0)]) {
            if start != reached {
                self.oddities.push(format!("a member begins at byte {start} and was due at byte {reached}"));
            }
            reached = end;
        }
        if !self.zip.comment().is_empty() {
            self.oddities.push("the zip file has a comment".to_owned());
        }
        Ok(())
    }

    pub(super) fn oddities(&self) -> &[String] {
        &self.oddities
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.indices.keys().map(String::as_str)
    }

    /// The zip file itself.
    pub(super) fn into_zip(self) -> ZipArchive<R> {
        self.zip
    }

    /// A member's bytes, if there are at most `limit` of them.
    pub(super) fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let member = self.member(name)?;
        member.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > limit { Err(format!("it has more than {limit} bytes")) } else { Ok(bytes) }
    }

    /// Length and digest of a member; of one that is longer than `limit`, not more than one byte more is read.
    pub(super) fn sum(&mut self, name: &str, limit: u64) -> Result<Sum, String> {
        let mut summing = Summing::new(self.member(name)?, limit);
        let mut buffer = vec![0; BUFFER];
        while summing.read(&mut buffer).map_err(unreadable)? > 0 {}
        Ok(summing.finish())
    }

    /// Gives each line of a member to `each`, with its number from 1 and without its end, and sums the member up on the
    /// way.
    pub(super) fn lines(&mut self, name: &str, limit: u64, mut each: impl FnMut(usize, &[u8])) -> Result<Sum, String> {
        let mut reader = BufReader::with_capacity(BUFFER, Summing::new(self.member(name)?, limit));
        let mut line = Vec::new();
        for number in 1_usize.. {
            line.clear();
            if (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
                break;
            }
            match line.strip_suffix(b"\n") {
                Some(line) => each(number, line),
                None if line.len() as u64 == LINE_BYTES => {
                    return Err(format!("line {number} has more than {LINE_BYTES} bytes"));
                }
                None => each(number, &line),
            }
        }
        Ok(reader.into_inner().finish())
    }

    fn member(&mut self, name: &str) -> Result<impl Read + '_, String> {
        let index = *self.indices.get(name).ok_or_else(|| "it is missing".to_owned())?;
        self.zip.by_index(index).map_err(|error| format!("it cannot be read: {}", told(&error)))
    }
}

fn unreadable(error: std::io::Error) -> String {
    format!("it cannot be read: {error}")
}

/// How many members the end of the file speaks of; `None` where that stands elsewhere because there are too many.
fn stated_members(reader: &mut (impl Read + Seek)) -> Result<Option<u16>, BundleError> {
    let length = reader.seek(SeekFrom::End(0))?;
    let mut end = [0; END_BYTES as usize];
    if length < END_BYTES as u64 {
        return Ok(None);
    }
    reader.seek(SeekFrom::End(-END_BYTES))?;
    reader.read_exact(&mut end)?;
    reader.seek(SeekFrom::Start(0))?;
    if end[..4] != END_SIGNATURE {
        return Ok(None);
    }
    let count = u16::from_le_bytes([end[END_COUNT], end[END_COUNT + 1]]);
    Ok((count != u16::MAX).then_some(count))
}

/// Sums up what is read through it.
struct Summing<R> {
    inner: std::io::Take<R>,
    hasher: Sha256,
    length: u64,
}

impl<R: Read> Summing<R> {
    fn new(inner: R, limit: u64) -> Self {
        Self { inner: inner.take(limit.saturating_add(1)), hasher: Sha256::new(), length: 0 }
    }

    fn finish(self) -> Sum {
        Sum { length: self.length, sha256: Digest(hash::hex(&self.hasher.finalize())) }
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.length += count as u64;
        Ok(count)
    }
}
