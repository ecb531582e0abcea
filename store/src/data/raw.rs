//! Raw tables: what was uploaded, typed.

use std::collections::HashMap;

use atsre_domain::StreamId;
use atsre_domain::table::{Cells, Column, ColumnRole, Table};
use serde::{Deserialize, Serialize};

use super::copy::{Fields, Row, Source};
use super::{Data, Kind, Upload, names};
use crate::{Error, Result};

/// The column that keeps the rows of the file in order.
const ROW_NUMBER: &str = "row_number";

/// What the times of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeAxis {
    /// Moments, stored as `timestamptz`.
    Calendar,
    /// Step numbers, stored as `bigint`.
    Steps,
}

impl TimeAxis {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Calendar => Kind::Moment,
            Self::Steps => Kind::Integer,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Description {
    axis: TimeAxis,
    columns: Vec<ColumnDescription>,
}

#[derive(Serialize, Deserialize)]
struct ColumnDescription {
    header: String,
    identifier: String,
    role: ColumnRole,
    cells: CellKind,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CellKind {
    Times,
    Numbers,
    Categories,
}

impl Data {
    /// Stores a version of a data set as it was uploaded and answers with the table's qualified name, such as
    /// `raw.raw_5f0e9c1d_v1`. Missing numbers and categories become NULL. Writing the same again changes nothing.
    ///
    /// # Errors
    /// [`Error::Unstorable`] with column and row where the database cannot hold a value, or when there are too many
    /// columns; [`Error::Occupied`] when the version holds other data.
    pub async fn write_raw(&self, dataset: &StreamId, version: u32, table: &Table, axis: TimeAxis) -> Result<String> {
        let identifiers = names::columns(table.columns.iter().map(|column| column.name.as_str()), &[ROW_NUMBER]);
        let mut columns = vec![(ROW_NUMBER.to_owned(), Kind::Integer)];
        let mut described = Vec::new();
        for (column, identifier) in table.columns.iter().zip(identifiers) {
            if column.cells.len() != table.rows() {
                return Err(Error::Unstorable(format!(
                    "column {:?} has {} cells in a table of {} rows",
                    column.name,
                    column.cells.len(),
                    table.rows()
                )));
            }
            let (kind, cells) = match column.cells {
                Cells::Times(_) => (axis.kind(), CellKind::Times),
                Cells::Numbers(_) => (Kind::Number, CellKind::Numbers),
                Cells::Categories { .. } => (Kind::Text, CellKind::Categories),
            };
            columns.push((identifier.clone(), kind));
            described.push(ColumnDescription { header: column.name.clone(), identifier, role: column.role, cells });
        }
        let description = Description { axis, columns: described };
        let source = RawSource { table, axis };
        self.upload(&Upload {
            schema: "raw",
            dataset,
            version,
            columns,
            description: serde_json::to_value(description)
                .map_err(|error| Error::Unstorable(format!("the table cannot be described: {error}")))?,
            source: &source,
        })
        .await
    }

    /// Reads a raw table back, by its name with or without the schema. The levels of a category come in the order of
    /// their first appearance, as [`Cells::Categories`] has them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such table; [`Error::Corrupt`] when rows are missing or of another shape.
    pub async fn read_raw(&self, table: &str) -> Result<Table> {
        let registered = self.registered("raw", table).await?;
        let description: Description = registered.describe()?;
        let mut readers: Vec<Reader> =
            description.columns.iter().map(|column| Reader::new(column.cells, description.axis)).collect();
        self.download(&registered, |row| readers.iter_mut().try_for_each(|reader| reader.read(row))).await?;
        let columns = description.columns.into_iter().zip(readers);
        Ok(Table {
            columns: columns
                .map(|(column, reader)| Column { name: column.header, role: column.role, cells: reader.cells })
                .collect(),
        })
    }
}

struct RawSource<'a> {
    table: &'a Table,
    axis: TimeAxis,
}

impl Source for RawSource<'_> {
    fn rows(&self) -> usize {
        self.table.rows()
    }

    fn columns(&self) -> usize {
        self.table.columns.len() + 1
    }

    fn encode(&self, row: usize, out: &mut Fields) -> Result<()> {
        out.integer(i64::try_from(row).unwrap_or(i64::MAX));
        for column in &self.table.columns {
            let storable = match &column.cells {
                Cells::Times(times) => match self.axis {
                    TimeAxis::Calendar => out.moment(times[row]),
                    TimeAxis::Steps => {
                        out.integer(times[row].0);
                        true
                    }
                },
                Cells::Numbers(numbers) => {
                    out.number(numbers[row]);
                    true
                }
                Cells::Categories { levels, codes } => match levels.get(codes[row] as usize) {
                    Some(level) => out.text(level),
                    None => {
                        out.null();
                        true
                    }
                },
            };
            if !storable {
                return Err(Error::Unstorable(format!(
                    "row {}, column {:?}: the database cannot hold this value (a moment out of range, a text with the character \
                     U+0000 or of more than 512 MB)",
                    row + 1,
                    column.name
                )));
            }
        }
        Ok(())
    }
}

/// Collects one column.
struct Reader {
    cells: Cells,
    axis: TimeAxis,
    /// Looked up only, never walked: its order is of no account.
    codes_of: HashMap<String, u32>,
}

impl Reader {
    fn new(kind: CellKind, axis: TimeAxis) -> Self {
        let cells = match kind {
            CellKind::Times => Cells::Times(Vec::new()),
            CellKind::Numbers => Cells::Numbers(Vec::new()),
            CellKind::Categories => Cells::Categories { levels: Vec::new(), codes: Vec::new() },
        };
        Self { cells, axis, codes_of: HashMap::new() }
    }

    fn read(&mut self, row: &mut Row<'_>) -> Option<()> {
        match &mut self.cells {
            Cells::Times(times) => times.push(match self.axis {
                TimeAxis::Calendar => row.moment()?,
                TimeAxis::Steps => atsre_domain::Timestamp(row.integer()?),
            }),
            Cells::Numbers(numbers) => numbers.push(row.number()?),
            Cells::Categories { levels, codes } => match row.text()? {
                None => codes.push(u32::MAX),
                Some(level) => {
                    let code = match self.codes_of.get(level) {
                        Some(code) => *code,
                        None => {
                            let code = u32::try_from(levels.len()).ok()?;
                            levels.push(level.to_owned());
                            self.codes_of.insert(level.to_owned(), code);
                            code
                        }
                    };
                    codes.push(code);
                }
            },
        }
        Some(())
    }
}
