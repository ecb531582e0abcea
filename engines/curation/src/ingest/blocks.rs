//! Long files, read some series at a time, so that a file of any length needs no more memory than those.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Cursor, Read};

use atsre_domain::table::ColumnRole;

use super::error::{IngestError, Problem, shorten};
use super::ingested::Ingested;
use super::options::{IngestOptions, TargetPolicy};
use super::record::{Field, Records};

/// How much of the file's beginning settles how it is written.
const BEGINNING: u64 = 1 << 20;

/// The parts of a long file, each of so many whole series, in the order of the file.
///
/// The beginning of the file settles everything that is inferred: its columns, its delimiter, its frequency, the form of
/// its times and its sentinels; every part is then read with that. The rows of each series must stand together: a series
/// that begins again is refused, as nothing of the parts before is kept but a hash of each item (8 bytes a series).
pub struct Blocks<R> {
    lines: BufReader<std::io::Chain<Cursor<Vec<u8>>, R>>,
    options: IngestOptions,
    beginning: Ingested,
    header: Vec<u8>,
    item_fields: Vec<usize>,
    most_series: usize,
    hasher: RandomState,
    seen: HashSet<u64>,
    /// The first record of the next part with its item.
    carried: Option<(Vec<u8>, u64)>,
    line: u64,
    ended: bool,
}

impl<R> std::fmt::Debug for Blocks<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks")
            .field("file", &self.options.file_name)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Blocks<R> {
    /// Looks at the beginning of a file; each part will have `most_series` series, the last one perhaps fewer.
    ///
    /// # Errors
    /// As [`super::read`] on the beginning, and [`Problem::NotInBlocks`] where no column names series, the header is not
    /// the first line, or the encoding is not one of single bytes or UTF-8.
    pub fn open(mut reader: R, options: &IngestOptions, most_series: usize) -> Result<Self, IngestError> {
        let fail = |problem| IngestError::at(&options.file_name, None, None, problem);
        let mut start = Vec::new();
        reader.by_ref().take(BEGINNING).read_to_end(&mut start).map_err(|e| fail(Problem::Unreadable(e)))?;
        let whole = (start.len() as u64) < BEGINNING;
        let cut = if whole { start.len() } else { start.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1) };
        let beginning = super::read(&start[..cut], options)?;
        let refuse = |why: &str| fail(Problem::NotInBlocks { why: why.to_owned() });
        if beginning.format.preamble_lines > 0 {
            return Err(refuse("lines stand before its header"));
        }
        if beginning.format.encoding.starts_with("UTF-16") {
            return Err(refuse("its encoding has two bytes to a character"));
        }
        let Some(item) = beginning.table.with_role(ColumnRole::Item).map(|c| c.name.clone()) else {
            return Err(refuse("no column names its series; name one with --item"));
        };
        let delimiter = beginning.format.delimiter as u8;
        let mut lines = BufReader::with_capacity(1 << 16, Cursor::new(start).chain(reader));
        let mut header = Vec::new();
        record(&mut lines, &mut header).map_err(|e| fail(Problem::Unreadable(e)))?;
        let names = names(&header, delimiter);
        let find = |name: &str| names.iter().position(|n| n == name.trim());
        let item_fields: Option<Vec<usize>> =
            find(&item).map(|at| vec![at]).or_else(|| item.split('+').map(find).collect());
        let Some(item_fields) = item_fields else {
            return Err(refuse("the column that names its series is not in the first line"));
        };
        let options = IngestOptions {
            target: beginning.target().map(str::to_owned),
            target_policy: TargetPolicy::Part,
            item: Some(item),
            time: options.time.clone().or_else(|| {
                let time = beginning.table.with_role(ColumnRole::Time)?;
                names.contains(&time.name).then(|| time.name.clone())
            }),
            frequency: Some(beginning.frequency),
            delimiter: Some(delimiter),
            decimal: Some(beginning.format.decimal),
            encoding: Some(beginning.format.encoding.clone()),
            ..options.clone()
        };
        Ok(Self {
            lines,
            options,
            beginning,
            header,
            item_fields,
            most_series: most_series.max(1),
            hasher: RandomState::new(),
            seen: HashSet::new(),
            carried: None,
            line: 1,
            ended: false,
        })
    }

    /// What the beginning of the file shows: its rows are those of the first series, the last of them cut off.
    #[must_use]
    pub const fn beginning(&self) -> &Ingested {
        &self.beginning
    }

    /// Whether another part follows those that were given.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.carried.is_some()
    }

    /// The next part's bytes with the header; nothing at the end.
    fn part(&mut self) -> Result<Option<Vec<u8>>, IngestError> {
        let mut bytes = self.header.clone();
        let mut series = 0;
        let mut current = None;
        if let Some((line, item)) = self.carried.take() {
            bytes.extend_from_slice(&line);
            current = Some(item);
            series = 1;
        }
        let mut line = Vec::new();
        let mut fields = Vec::new();
        loop {
            line.clear();
            let taken = record(&mut self.lines, &mut line).map_err(|e| {
                IngestError::at(&self.options.file_name, Some(self.line + 1), None, Problem::Unreadable(e))
            })?;
            if taken == 0 {
                break;
            }
            self.line += taken;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let item = self.item(&line, &mut fields);
            if current != Some(item) {
                if !self.seen.insert(item) {
                    let item = shorten(&self.words(&line, &fields));
                    return Err(self.fail(Problem::ItemAgain { item }));
                }
                if series == self.most_series {
                    self.carried = Some((line, item));
                    return Ok(Some(bytes));
                }
                series += 1;
                current = Some(item);
            }
            bytes.extend_from_slice(&line);
            if bytes.len() as u64 > self.options.limits.bytes {
                let problem = Problem::TooLarge { bytes: bytes.len() as u64, limit: self.options.limits.bytes };
                return Err(self.fail(problem));
            }
        }
        self.ended = true;
        Ok((series > 0).then_some(bytes))
    }

    /// A hash of a record's item, and where its fields lie. A record that cannot be split belongs to nothing; reading the
    /// part says what is wrong with it.
    fn item(&self, line: &[u8], fields: &mut Vec<Field>) -> u64 {
        let delimiter = self.options.delimiter.unwrap_or(b',');
        fields.clear();
        if Records::new(line, 0, line.len(), delimiter).next(fields).is_err() {
            fields.clear();
        }
        let words = self.item_fields.iter().map(|at| fields.get(*at).map(|f| f.unquoted(line)));
        self.hasher.hash_one(words.collect::<Vec<_>>())
    }

    fn words(&self, line: &[u8], fields: &[Field]) -> String {
        let word = |at: &usize| fields.get(*at).map(|f| String::from_utf8_lossy(&f.unquoted(line)).into_owned());
        self.item_fields.iter().filter_map(word).collect::<Vec<_>>().join("+")
    }

    fn fail(&self, problem: Problem) -> IngestError {
        IngestError::at(&self.options.file_name, Some(self.line), None, problem)
    }

    fn read(&self, bytes: &[u8], first_line: u64) -> Result<Ingested, IngestError> {
        let mut part = super::read(bytes, &self.options).map_err(|mut error| {
            // Lines of a part are counted from its header.
            error.row = error.row.map(|row| row.saturating_sub(2) + first_line);
            error
        })?;
        let form = |i: &Ingested| i.inferences.iter().find(|f| f.subject == "time format").map(|f| f.choice.clone());
        if let (Some(before), Some(here)) = (form(&self.beginning), form(&part))
            && before != here
        {
            let problem = Problem::PartDiffers { what: "form of the times", here, before };
            return Err(IngestError::at(&self.options.file_name, Some(first_line), None, problem));
        }
        part.sentinels.clone_from(&self.beginning.sentinels);
        Ok(part)
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = Result<Ingested, IngestError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let first_line = self.line + u64::from(self.carried.is_none());
        let read = self.part().and_then(|bytes| bytes.map(|b| self.read(&b, first_line)).transpose());
        self.ended |= read.is_err();
        read.transpose()
    }
}

/// Appends the next record with its line end, a quoted field over several lines whole; returns how many lines that were.
fn record(lines: &mut impl BufRead, record: &mut Vec<u8>) -> std::io::Result<u64> {
    let mut count = 0;
    let mut quotes = 0;
    loop {
        let before = record.len();
        if lines.read_until(b'\n', record)? == 0 {
            return Ok(count);
        }
        count += 1;
        quotes += record[before..].iter().filter(|b| **b == b'"').count();
        if quotes % 2 == 0 {
            return Ok(count);
        }
    }
}

fn names(header: &[u8], delimiter: u8) -> Vec<String> {
    let header = header.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(header);
    let mut fields = Vec::new();
    match Records::new(header, 0, header.len(), delimiter).next(&mut fields) {
        Ok(Some(_)) => fields.iter().map(|f| String::from_utf8_lossy(&f.unquoted(header)).trim().to_owned()).collect(),
        Ok(None) | Err(_) => Vec::new(),
    }
}
