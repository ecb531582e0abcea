//! Building one column, cell by cell.

use std::collections::{BTreeMap, HashMap};

use super::error::{Problem, shorten};
use super::frame::{Frame, is_blank};
use super::name::control_character;
use super::number::{self, Number, NumberFormat};
use super::record::Field;
use super::time_format::TimeFormat;

/// How a column is to be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// Not at all: its cells are used elsewhere.
    Skip,
    /// It should hold nothing.
    Blank,
    Numbers(NumberFormat),
    /// Moments that are not the row's time.
    Moments(TimeFormat),
    /// Words; `item` when they name series, so that only an empty cell is missing.
    Words {
        item: bool,
    },
}

/// A cell that does not fit its column's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The byte where the cell begins.
    pub(super) at: usize,
    /// The cell.
    pub(super) value: String,
}

/// What was counted beside the cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Missing cells, however they say so.
    pub(super) missing: u64,
    /// The words that said so.
    pub(super) words: BTreeMap<String, u64>,
    /// Cells that do not fit.
    pub(super) misfits: u64,
    /// The first of them.
    pub(super) misfit: Option<Misfit>,
    /// The first infinite number.
    pub(super) infinite: Option<Misfit>,
}

/// A column's cells.
#[derive(Debug)]
pub(super) enum Values {
    None,
    Numbers(Vec<f64>),
    Moments(Vec<i64>),
    Words { levels: Vec<String>, codes: Vec<u32> },
}

/// A column as it was read.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) values: Values,
    pub(super) tally: Tally,
}

/// A column that is being read.
pub(super) struct Builder {
    plan: Plan,
    numbers: Vec<f64>,
    moments: Vec<i64>,
    codes: Vec<u32>,
    levels: Vec<Vec<u8>>,
    index: HashMap<Vec<u8>, u32>,
    tally: Tally,
}

impl Builder {
    pub(super) fn new(plan: &Plan, rows: usize) -> Self {
        let mut builder = Self {
            plan: plan.clone(),
            numbers: Vec::new(),
            moments: Vec::new(),
            codes: Vec::new(),
            levels: Vec::new(),
            index: HashMap::new(),
            tally: Tally::default(),
        };
        match plan {
            Plan::Numbers(_) => builder.numbers.reserve(rows),
            Plan::Moments(_) => builder.moments.reserve(rows),
            Plan::Words { .. } => builder.codes.reserve(rows),
            Plan::Skip | Plan::Blank => {}
        }
        builder
    }

    /// Takes in the next row's cell.
    #[inline]
    pub(super) fn push(&mut self, frame: &Frame<'_>, field: &Field) -> Result<(), Problem> {
        let bytes = field.bytes(frame.text);
        match &self.plan {
            Plan::Numbers(format) => match number::parse(bytes, *format) {
                Number::Finite(value) => self.numbers.push(value),
                other => self.odd_number(frame, field, bytes, other),
            },
            Plan::Words { item } => return self.word(frame, field, *item),
            Plan::Moments(format) => match format.parse(bytes) {
                Some(moment) => self.moments.push(moment),
                None => {
                    self.tally.misfit(field, bytes);
                    self.moments.push(0);
                }
            },
            Plan::Skip => {}
            Plan::Blank => {
                if !is_blank(bytes) && !number::is_missing(bytes, frame.missing) {
                    self.tally.misfit(field, bytes);
                }
            }
        }
        Ok(())
    }

    /// Takes in a row that is too short to have this cell.
    pub(super) fn push_missing(&mut self) {
        self.tally.missing += 1;
        match self.plan {
            Plan::Numbers(_) => self.numbers.push(f64::NAN),
            Plan::Moments(_) => self.moments.push(0),
            Plan::Words { .. } => self.codes.push(u32::MAX),
            Plan::Skip | Plan::Blank => {}
        }
    }

    #[cold]
    fn odd_number(&mut self, frame: &Frame<'_>, field: &Field, bytes: &[u8], number: Number) {
        self.numbers.push(f64::NAN);
        if number == Number::Infinite {
            let misfit = || Misfit { at: field.at(), value: shown(bytes) };
            self.tally.infinite.get_or_insert_with(misfit);
        } else if number::is_missing(bytes, frame.missing) {
            self.tally.missing(bytes);
        } else {
            self.tally.misfit(field, bytes);
        }
    }

    fn word(&mut self, frame: &Frame<'_>, field: &Field, item: bool) -> Result<(), Problem> {
        let bytes = field.bytes(frame.text);
        // Series follow one another in blocks: the last word is likely to come again.
        if let Some(last) = self.codes.last()
            && self.levels.get(*last as usize).is_some_and(|level| level == bytes)
        {
            self.codes.push(*last);
            return Ok(());
        }
        let missing = if item { bytes.is_empty() } else { number::is_missing_word(bytes, frame.missing) };
        if missing {
            self.tally.missing(bytes);
            self.codes.push(u32::MAX);
            return Ok(());
        }
        let word = field.unquoted(frame.text);
        if let Some(code) = self.index.get(word.as_ref()) {
            self.codes.push(*code);
            return Ok(());
        }
        if let Some(control) = control_character(&String::from_utf8_lossy(&word)) {
            return Err(Problem::ControlCharacter { code: format!("U+{:04X}", u32::from(control)) });
        }
        // A file of at most `Limits::rows` rows has fewer distinct words than a code can count.
        let code = self.levels.len() as u32;
        self.levels.push(word.to_vec());
        self.index.insert(word.into_owned(), code);
        self.codes.push(code);
        Ok(())
    }
}

impl Tally {
    #[cold]
    fn misfit(&mut self, field: &Field, bytes: &[u8]) {
        self.misfits += 1;
        self.misfit.get_or_insert_with(|| Misfit { at: field.at(), value: shown(bytes) });
    }

    fn missing(&mut self, bytes: &[u8]) {
        self.missing += 1;
        if !bytes.is_empty() {
            *self.words.entry(shown(bytes)).or_insert(0) += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.misfits += other.misfits;
        self.misfit = self.misfit.take().or(other.misfit);
        self.infinite = self.infinite.take().or(other.infinite);
        for (word, count) in other.words {
            *self.words.entry(word).or_insert(0) += count;
        }
    }
}

fn shown(bytes: &[u8]) -> String {
    shorten(&String::from_utf8_lossy(bytes))
}

impl Scanned {
    /// Joins the pieces of a column in the order of the file.
    pub(super) fn join(parts: Vec<Builder>) -> Self {
        let rows: usize = parts.iter().map(|p| p.numbers.len().max(p.moments.len()).max(p.codes.len())).sum();
        let mut joined: Option<Builder> = None;
        for part in parts {
            match &mut joined {
                None => {
                    let mut part = part;
                    let more = |length: usize| if length == 0 { 0 } else { rows - length };
                    part.numbers.reserve_exact(more(part.numbers.len()));
                    part.moments.reserve_exact(more(part.moments.len()));
                    part.codes.reserve_exact(more(part.codes.len()));
                    joined = Some(part);
                }
                Some(whole) => whole.append(part),
            }
        }
        let Some(whole) = joined else { return Self { values: Values::None, tally: Tally::default() } };
        let values = match whole.plan {
            Plan::Skip | Plan::Blank => Values::None,
            Plan::Numbers(_) => Values::Numbers(whole.numbers),
            Plan::Moments(_) => Values::Moments(whole.moments),
            Plan::Words { .. } => Values::Words {
                levels: whole.levels.iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect(),
                codes: whole.codes,
            },
        };
        Self { values, tally: whole.tally }
    }
}

impl Builder {
    fn append(&mut self, other: Self) {
        self.numbers.extend_from_slice(&other.numbers);
        self.moments.extend_from_slice(&other.moments);
        self.tally.add(other.tally);
        let mut codes = Vec::with_capacity(other.levels.len());
        for level in other.levels {
            let next = self.levels.len() as u32;
            let code = *self.index.entry(level).or_insert_with_key(|level| {
                self.levels.push(level.clone());
                next
            });
            codes.push(code);
        }
        let translate = |code: &u32| codes.get(*code as usize).copied().unwrap_or(u32::MAX);
        self.codes.extend(other.codes.iter().map(translate));
    }
}
