//! Columns of categories as small numbers.

use crate::columns::ColumnsError;

/// Categories of one column: more are a sign of a measured quantity, for which tests over counts have no power.
const LEVELS_MAX: usize = 256;

/// Columns that the tests cannot be asked about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CategoryError {
    /// The columns do not form a complete table.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// A column has too many categories.
    #[error("column {column} has more than {LEVELS_MAX} different values; use a test for measured quantities")]
    TooManyLevels {
        /// Column, from 0.
        column: usize,
    },
}

/// Numbers the different values of a column in ascending order.
pub(super) fn encode(column: usize, values: &[f64]) -> Result<(Vec<u8>, usize), CategoryError> {
    // Minus zero and zero are one category.
    let plain = |v: &f64| v + 0.0;
    let mut levels: Vec<f64> = Vec::new();
    for value in values.iter().map(plain) {
        if let Err(place) = levels.binary_search_by(|l| l.total_cmp(&value)) {
            levels.insert(place, value);
            if levels.len() > LEVELS_MAX {
                return Err(CategoryError::TooManyLevels { column });
            }
        }
    }
    let code = |v: &f64| levels.iter().take_while(|l| **l < plain(v)).count() as u8;
    Ok((values.iter().map(code).collect(), levels.len()))
}

/// Renumbers codes without gaps; returns how many there are.
pub(super) fn compress(codes: &mut [usize]) -> usize {
    let mut present = codes.to_vec();
    present.sort_unstable();
    present.dedup();
    for code in codes {
        *code = present.binary_search(code).unwrap_or(0);
    }
    present.len()
}
