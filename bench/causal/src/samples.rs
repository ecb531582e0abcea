//! Tables of numbers in CSV.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Columns with their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// The columns' names.
    pub names: Vec<String>,
    /// `table[column][row]`.
    pub table: Vec<Vec<f64>>,
}

impl Samples {
    /// Columns called X1, X2, …
    #[must_use]
    pub fn numbered(table: Vec<Vec<f64>>) -> Self {
        Self { names: (1..=table.len()).map(|i| format!("X{i}")).collect(), table }
    }

    /// The rows of a CSV text with a header; every cell is a number.
    ///
    /// # Errors
    /// A cell is no number, or a row has another number of cells than the header; the message names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let header = lines.next().context("the file is empty")?;
        let names: Vec<String> = header.split(',').map(|n| n.trim().to_owned()).collect();
        let mut table = vec![Vec::new(); names.len()];
        for (row, line) in lines.enumerate() {
            ensure!(line.split(',').count() == names.len(), "line {} has another number of cells", row + 2);
            for (column, cell) in table.iter_mut().zip(line.split(',')) {
                let value: f64 = cell.trim().parse().with_context(|| format!("line {}: {cell:?}", row + 2))?;
                column.push(value);
            }
        }
        Ok(Self { names, table })
    }

    /// Reads a CSV file.
    ///
    /// # Errors
    /// As [`Samples::parse`], and where the file cannot be read.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| file.display().to_string())
    }

    /// Writes a CSV file; every number in its shortest form that reads back as it is.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let mut text = self.names.join(",");
        for row in 0..self.rows() {
            text.push('\n');
            for (at, column) in self.table.iter().enumerate() {
                write!(text, "{}{}", if at == 0 { "" } else { "," }, column[row])?;
            }
        }
        text.push('\n');
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.table.first().map_or(0, Vec::len)
    }
}
