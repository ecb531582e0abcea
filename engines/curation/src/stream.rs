//! Clean series from a long file, one after the other.

use std::collections::VecDeque;
use std::io::Read;

use atsre_domain::Frequency;
use atsre_domain::panel::Series;

use crate::cleaning::{CleaningError, clean, regularise};
use crate::ingest::{Blocks, IngestError, IngestOptions, Ingested};
use crate::profile;

/// Why there is no next series.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// What was read is no time series.
    #[error(transparent)]
    Cleaning(#[from] CleaningError),
}

/// The series of a long file, regular and clean, without covariates, in the file's order but for the order of items inside
/// a block. No more than two blocks are in memory. Seasons are those of the file's beginning, so that every series is
/// cleaned by the same.
#[derive(Debug)]
pub struct SeriesStream<R> {
    blocks: Blocks<R>,
    target: String,
    seasons: Vec<u32>,
    season_length: u32,
    ready: VecDeque<Series>,
    failed: bool,
}

impl<R: Read> SeriesStream<R> {
    /// Looks at the beginning of a file that is then read in blocks of so many series.
    ///
    /// # Errors
    /// [`Error`], as [`Blocks::open`] has it, or where the beginning cannot be made regular.
    pub fn open(reader: R, options: &IngestOptions, most_series: usize) -> Result<Self, Error> {
        let blocks = Blocks::open(reader, options, most_series)?;
        let beginning = blocks.beginning();
        let target = beginning.target().unwrap_or_default().to_owned();
        let (table, _) = beginning.without_sentinels();
        let profiled = profile::profile(&regularise(&table, beginning.frequency, &target, &[])?.panel);
        let seasons = profiled.seasonal_periods.iter().map(|s| s.period).collect();
        let season_length = profiled.season_length();
        Ok(Self { blocks, target, seasons, season_length, ready: VecDeque::new(), failed: false })
    }

    /// The column that is forecast.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The distance between two observations.
    #[must_use]
    pub fn frequency(&self) -> Frequency {
        self.blocks.beginning().frequency
    }

    /// The seasonal periods that the beginning shows, the main one first.
    #[must_use]
    pub fn seasons(&self) -> &[u32] {
        &self.seasons
    }

    /// Reads the first block, if none was read yet, and says whether there is more behind what was read: whether the file
    /// is worth streaming at all.
    ///
    /// # Errors
    /// [`Error`], as the iterator's.
    pub fn has_several_blocks(&mut self) -> Result<bool, Error> {
        if self.ready.is_empty() {
            self.fill()?;
        }
        Ok(self.blocks.has_more())
    }

    fn fill(&mut self) -> Result<(), Error> {
        while self.ready.is_empty() {
            let Some(block) = self.blocks.next() else { break };
            let series = self.clean(&block?)?;
            self.ready.extend(series);
        }
        Ok(())
    }

    fn clean(&self, block: &Ingested) -> Result<Vec<Series>, Error> {
        let (table, _) = block.without_sentinels();
        let regular = match regularise(&table, block.frequency, &self.target, &[]) {
            Ok(regular) => regular.panel,
            // A block of which nothing was ever observed has no series.
            Err(CleaningError::NothingObserved(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut series = clean(&regular, &[], self.season_length).panel.series;
        series.iter_mut().for_each(|s| s.covariates.clear());
        Ok(series)
    }
}

impl<R: Read> Iterator for SeriesStream<R> {
    type Item = Result<Series, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if let Err(error) = self.fill() {
            self.failed = true;
            return Some(Err(error));
        }
        self.ready.pop_front().map(Ok)
    }
}
