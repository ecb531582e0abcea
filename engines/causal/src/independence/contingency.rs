//! Tests over counts of categories: Pearson's χ² (Pearson 1900) and the likelihood ratio G² (Wilks 1938), summed over
//! the configurations of the conditioning set (Spirtes, Glymour and Scheines 2000, §5.5).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use statrs::function::gamma::checked_gamma_ur;

use super::{IndependenceTest, Outcome};

/// Categories of one column: more are a sign of a measured quantity, for which these tests have no power.
const LEVELS_MAX: usize = 256;
/// Joint tables of up to this many cells are counted densely, and remembered.
const DENSE_CELLS: usize = 1 << 14;
/// Cells of all remembered tables together.
const REMEMBERED_CELLS: usize = 1 << 23;

/// Columns that the tests cannot be asked about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CategoryError {
    /// A value is missing or not finite.
    #[error("row {row} of column {column} is not a number; leave out incomplete rows first")]
    Missing {
        /// Column, from 0.
        column: usize,
        /// Row, from 0.
        row: usize,
    },
    /// A column has too many categories.
    #[error(
        "column {column} has {levels} different values, at most {LEVELS_MAX} can be counted; use a test for measured quantities"
    )]
    TooManyLevels {
        /// Column, from 0.
        column: usize,
        /// Its different values.
        levels: usize,
    },
    /// Columns of different length.
    #[error("column {column} has {rows} rows, the first has {expected}")]
    Ragged {
        /// Column, from 0.
        column: usize,
        /// Its rows.
        rows: usize,
        /// Rows of the first column.
        expected: usize,
    },
}

/// Which statistic compares the counts with those expected under independence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CountStatistic {
    /// Pearson's χ²: Σ (observed − expected)² / expected.
    #[default]
    ChiSquare,
    /// G²: 2 Σ observed · ln(observed / expected).
    GSquare,
}

/// χ² or G² over columns of categories.
///
/// In each configuration of the conditioning set there are (rows with counts − 1)(columns with counts − 1) degrees of
/// freedom; where there are none at all, nothing speaks against independence and p is 1.
#[derive(Debug)]
pub struct Contingency {
    statistic: CountStatistic,
    codes: Vec<Vec<u8>>,
    levels: Vec<usize>,
    /// Joint counts by the ascending list of their variables, the first of which varies slowest.
    tables: RwLock<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    cells: usize,
    by_variables: HashMap<Vec<usize>, Arc<Vec<u32>>>,
}

impl Contingency {
    /// The test over `columns`, whose different values are its categories.
    ///
    /// # Errors
    /// [`CategoryError`] where a value is missing, a column has more than 256 categories, or lengths differ.
    pub fn new(columns: &[Vec<f64>], statistic: CountStatistic) -> Result<Self, CategoryError> {
        let expected = columns.first().map_or(0, Vec::len);
        let (mut codes, mut levels) = (Vec::with_capacity(columns.len()), Vec::with_capacity(columns.len()));
        for (column, values) in columns.iter().enumerate() {
            if values.len() != expected {
                return Err(CategoryError::Ragged { column, rows: values.len(), expected });
            }
            let (code, count) = encode(column, values)?;
            codes.push(code);
            levels.push(count);
        }
        Ok(Self { statistic, codes, levels, tables: RwLock::default() })
    }

    fn rows(&self) -> usize {
        self.codes.first().map_or(0, Vec::len)
    }

    /// The joint counts of ascending `variables`, of `cells` cells.
    fn table(&self, variables: &[usize], cells: usize) -> Arc<Vec<u32>> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner).by_variables.get(variables).cloned();
        if let Some(known) = known {
            return known;
        }
        let counted = Arc::new(self.count(variables, cells));
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if tables.cells + cells <= REMEMBERED_CELLS {
            tables.cells += cells;
            tables.by_variables.insert(variables.to_vec(), Arc::clone(&counted));
        }
        counted
    }

    fn count(&self, variables: &[usize], cells: usize) -> Vec<u32> {
        // Four histograms, so that a cell that comes twice in a row does not wait for its own increment.
        let mut lanes = vec![0_u32; 4 * cells];
        let mut code = [0_u16; 256];
        let rows = self.rows();
        for start in (0..rows).step_by(code.len()) {
            let block = &mut code[..(rows - start).min(256)];
            block.fill(0);
            for variable in variables {
                let radix = self.levels[*variable] as u16;
                for (code, value) in block.iter_mut().zip(&self.codes[*variable][start..]) {
                    *code = code.wrapping_mul(radix).wrapping_add(u16::from(*value));
                }
            }
            for four in block.chunks(4) {
                for (lane, code) in four.iter().enumerate() {
                    lanes[lane * cells + usize::from(*code)] += 1;
                }
            }
        }
        let (first, rest) = lanes.split_at(cells);
        let mut counts = first.to_vec();
        for lane in rest.chunks_exact(cells) {
            counts.iter_mut().zip(lane).for_each(|(c, l)| *c += l);
        }
        counts
    }

    fn dense(&self, x: usize, y: usize, given: &[usize], cells: usize) -> (f64, usize) {
        let mut variables = given.to_vec();
        variables.extend([x, y]);
        variables.sort_unstable();
        let table = self.table(&variables, cells);
        // Strides in the table; then walk the configurations of the conditioning set like an odometer.
        let mut strides = vec![1; variables.len()];
        for k in (0..variables.len().saturating_sub(1)).rev() {
            strides[k] = strides[k + 1] * self.levels[variables[k + 1]];
        }
        let stride = |v: usize| variables.iter().position(|u| *u == v).map_or(0, |k| strides[k]);
        let (of_x, of_y) = (stride(x), stride(y));
        let wheels: Vec<(usize, usize)> = given.iter().map(|g| (stride(*g), self.levels[*g])).collect();
        let mut at = vec![0; wheels.len()];
        let (mut layer, mut base) = (Layer::new(self.levels[x], self.levels[y]), 0);
        let (mut sum, mut freedom) = (0.0, 0);
        loop {
            layer.fill(|i, j| table[base + i * of_x + j * of_y]);
            let (part, degrees) = layer.compare(self.statistic);
            sum += part;
            freedom += degrees;
            let Some(turned) = (0..wheels.len()).rev().find(|k| at[*k] + 1 < wheels[*k].1) else {
                return (sum, freedom);
            };
            at[turned] += 1;
            base += wheels[turned].0;
            for k in turned + 1..wheels.len() {
                base -= at[k] * wheels[k].0;
                at[k] = 0;
            }
        }
    }

    /// For sets with more configurations than are worth a table: rows sorted by configuration, one layer after another.
    fn sparse(&self, x: usize, y: usize, given: &[usize]) -> (f64, usize) {
        let rows = self.rows();
        let mut code = vec![0_usize; rows];
        let mut configurations = 1;
        for variable in given {
            for (code, value) in code.iter_mut().zip(&self.codes[*variable]) {
                *code = *code * self.levels[*variable] + usize::from(*value);
            }
            configurations *= self.levels[*variable];
            if configurations > rows {
                configurations = compress(&mut code);
            }
        }
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_unstable_by_key(|row| code[*row]);
        let mut layer = Layer::new(self.levels[x], self.levels[y]);
        let (mut sum, mut freedom) = (0.0, 0);
        for members in order.chunk_by(|a, b| code[*a] == code[*b]) {
            layer.counts.fill(0);
            for row in members {
                layer.counts[usize::from(self.codes[x][*row]) * layer.width + usize::from(self.codes[y][*row])] += 1;
            }
            let (part, degrees) = layer.compare(self.statistic);
            sum += part;
            freedom += degrees;
        }
        (sum, freedom)
    }
}

impl IndependenceTest for Contingency {
    fn variables(&self) -> usize {
        self.codes.len()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        let (x, y) = (x.min(y), x.max(y));
        let cells = given
            .iter()
            .chain([&x, &y])
            .try_fold(1_usize, |product, v| product.checked_mul(self.levels[*v]))
            .filter(|cells| *cells <= DENSE_CELLS);
        let (statistic, freedom) = match cells {
            Some(cells) if cells > 0 => self.dense(x, y, given, cells),
            Some(_) => return Outcome::UNDEFINED,
            None => self.sparse(x, y, given),
        };
        if freedom == 0 {
            return Outcome { statistic: 0.0, p_value: 1.0 };
        }
        let p_value = if statistic > 0.0 {
            checked_gamma_ur(freedom as f64 / 2.0, statistic / 2.0).unwrap_or(f64::NAN)
        } else {
            1.0
        };
        Outcome { statistic, p_value }
    }
}

/// The counts of x and y in one configuration.
struct Layer {
    height: usize,
    width: usize,
    counts: Vec<u32>,
    of_x: Vec<u32>,
    of_y: Vec<u32>,
}

impl Layer {
    fn new(height: usize, width: usize) -> Self {
        Self { height, width, counts: vec![0; height * width], of_x: vec![0; height], of_y: vec![0; width] }
    }

    fn fill(&mut self, count: impl Fn(usize, usize) -> u32) {
        for i in 0..self.height {
            for j in 0..self.width {
                self.counts[i * self.width + j] = count(i, j);
            }
        }
    }

    /// The statistic and its degrees of freedom.
    fn compare(&mut self, statistic: CountStatistic) -> (f64, usize) {
        self.of_y.fill(0);
        for (row, total) in self.counts.chunks_exact(self.width).zip(&mut self.of_x) {
            *total = row.iter().sum();
            row.iter().zip(&mut self.of_y).for_each(|(c, t)| *t += c);
        }
        let total: u32 = self.of_x.iter().sum();
        if total == 0 {
            return (0.0, 0);
        }
        let mut sum = 0.0;
        for (row, of_x) in self.counts.chunks_exact(self.width).zip(&self.of_x) {
            let share = f64::from(*of_x) / f64::from(total);
            for (count, of_y) in row.iter().zip(&self.of_y) {
                let (observed, expected) = (f64::from(*count), share * f64::from(*of_y));
                sum += match statistic {
                    CountStatistic::ChiSquare if expected > 0.0 => {
                        (observed - expected) * (observed - expected) / expected
                    }
                    CountStatistic::GSquare if *count > 0 => 2.0 * observed * (observed / expected).ln(),
                    CountStatistic::ChiSquare | CountStatistic::GSquare => 0.0,
                };
            }
        }
        let seen = |totals: &[u32]| totals.iter().filter(|t| **t > 0).count() - 1;
        (sum, seen(&self.of_x) * seen(&self.of_y))
    }
}

/// Numbers the different values of a column in ascending order.
fn encode(column: usize, values: &[f64]) -> Result<(Vec<u8>, usize), CategoryError> {
    if let Some(row) = values.iter().position(|v| !v.is_finite()) {
        return Err(CategoryError::Missing { column, row });
    }
    // Minus zero and zero are one category.
    let plain = |v: &f64| v + 0.0;
    let mut levels: Vec<f64> = values.iter().map(plain).collect();
    levels.sort_unstable_by(f64::total_cmp);
    levels.dedup_by(|a, b| a.total_cmp(b).is_eq());
    if levels.len() > LEVELS_MAX {
        return Err(CategoryError::TooManyLevels { column, levels: levels.len() });
    }
    let code = |v: &f64| levels.binary_search_by(|l| l.total_cmp(&plain(v))).map_or(0, |k| k as u8);
    Ok((values.iter().map(code).collect(), levels.len()))
}

/// Renumbers codes without gaps; returns how many there are.
fn compress(codes: &mut [usize]) -> usize {
    let mut present = codes.to_vec();
    present.sort_unstable();
    present.dedup();
    for code in codes {
        *code = present.binary_search(code).unwrap_or(0);
    }
    present.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_textbook_value_comes_out() {
        // Counts 20 30 / 30 20: expected 25 each, χ² = 4 · 25/25 = 4, one degree of freedom, p = 0.0455003.
        let mut columns = vec![Vec::new(), Vec::new()];
        for (x, y, times) in [(0.0, 0.0, 20), (0.0, 1.0, 30), (1.0, 0.0, 30), (1.0, 1.0, 20)] {
            for _ in 0..times {
                columns[0].push(x);
                columns[1].push(y);
            }
        }
        let outcome = Contingency::new(&columns, CountStatistic::ChiSquare).unwrap().test(0, 1, &[]);
        assert!((outcome.statistic - 4.0).abs() < 1e-12);
        assert!((outcome.p_value - 0.045_500_263_896_358).abs() < 1e-12, "{}", outcome.p_value);
        // G² = 2 · (40 ln 0.8 + 60 ln 1.2).
        let outcome = Contingency::new(&columns, CountStatistic::GSquare).unwrap().test(0, 1, &[]);
        assert!((outcome.statistic - 2.0 * (40.0 * 0.8_f64.ln() + 60.0 * 1.2_f64.ln())).abs() < 1e-12);
    }

    #[test]
    fn tables_and_sorted_rows_agree() {
        let columns: Vec<Vec<f64>> = (0..5_u32)
            .map(|c| {
                (0..500_u32).map(|r| f64::from(r.wrapping_mul(2_654_435_761 ^ (c * 97)) >> 13 & (1 + c % 2))).collect()
            })
            .collect();
        for statistic in [CountStatistic::ChiSquare, CountStatistic::GSquare] {
            let test = Contingency::new(&columns, statistic).unwrap();
            for given in [vec![], vec![2], vec![4, 2], vec![2, 3, 4]] {
                let cells = given.iter().chain(&[0, 1]).map(|v| test.levels[*v]).product();
                let (dense, sparse) = (test.dense(0, 1, &given, cells), test.sparse(0, 1, &given));
                assert!((dense.0 - sparse.0).abs() < 1e-9 && dense.1 == sparse.1, "{given:?} {dense:?} {sparse:?}");
            }
        }
    }

    #[test]
    fn constants_are_independent_of_everything_and_bad_columns_are_refused() {
        let test =
            Contingency::new(&[vec![1.0; 9], (0..9).map(f64::from).collect()], CountStatistic::default()).unwrap();
        assert!((test.test(0, 1, &[]).p_value - 1.0).abs() < f64::EPSILON);
        let empty = Contingency::new(&[vec![], vec![]], CountStatistic::default()).unwrap();
        assert!(empty.test(0, 1, &[]).p_value.is_nan());
        let missing = Contingency::new(&[vec![1.0, f64::NAN]], CountStatistic::default());
        assert!(matches!(missing, Err(CategoryError::Missing { column: 0, row: 1 })));
        let many = Contingency::new(&[(0..300).map(f64::from).collect()], CountStatistic::default());
        assert!(matches!(many, Err(CategoryError::TooManyLevels { levels: 300, .. })));
    }
}
