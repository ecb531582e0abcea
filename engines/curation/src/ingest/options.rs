//! What the caller may say about a file instead of leaving it to be inferred.

use atsre_domain::Frequency;

/// How much is accepted before a file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Columns of the header.
    pub columns: usize,
    /// Rows below the header.
    pub rows: usize,
    /// Bytes of one field.
    pub field_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 30, columns: 2_000, rows: 50_000_000, field_bytes: 1 << 16 }
    }
}

/// Whether a file must have a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetPolicy {
    /// Something is to be forecast: without a target the file is refused.
    #[default]
    Required,
    /// A causal graph or a profile needs none: all columns stay covariates when no target can be told.
    Optional,
    /// The rows are a part of a longer file, of which other parts showed that the target is one: it may be constant here.
    Part,
}

/// The mark between a number's whole and its fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1.5`
    Point,
    /// `1,5`
    Comma,
}

/// What the caller says about a file. Everything left at its default is inferred.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// The file's name, for messages and the data set's name.
    pub file_name: String,
    /// The target column (`--target`).
    pub target: Option<String>,
    /// Whether there must be one.
    pub target_policy: TargetPolicy,
    /// The time column (`--time`); two columns as `Date+Time`.
    pub time: Option<String>,
    /// The form of the times (`--time-format`): chrono's strftime specifiers, or `epoch`, `epoch_ms`, `year`, `step`.
    pub time_format: Option<String>,
    /// The item column (`--item`); several columns as `store+product`.
    pub item: Option<String>,
    /// Covariates that are known over the horizon (`--known`).
    pub known: Vec<String>,
    /// The frequency (`--frequency`).
    pub frequency: Option<Frequency>,
    /// The field delimiter.
    pub delimiter: Option<u8>,
    /// The decimal mark.
    pub decimal: Option<DecimalMark>,
    /// The encoding's label, such as `shift_jis` (`--encoding`).
    pub encoding: Option<String>,
    /// Words that stand for a missing value, besides the usual ones.
    pub missing: Vec<String>,
    /// How much is accepted.
    pub limits: Limits,
}

impl IngestOptions {
    /// Everything inferred.
    #[must_use]
    pub fn for_file(file_name: impl Into<String>) -> Self {
        Self { file_name: file_name.into(), ..Self::default() }
    }

    /// The same with this target.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }
}
