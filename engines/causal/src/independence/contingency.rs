//! Tests over counts of categories: Pearson's χ² (Pearson 1900) and the likelihood ratio G² (Wilks 1938), summed over
//! the configurations of the conditioning set (Spirtes, Glymour and Scheines 2000, §5.5).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use statrs::function::gamma::checked_gamma_ur;

use super::categories::{CategoryError, compress, encode};
use super::{IndependenceTest, Outcome};
use crate::columns::complete_rows;

/// Joint tables of up to this many cells are counted in one go.
const DENSE_CELLS: usize = 1 << 20;
/// Tables of up to this many cells are counted in four histograms and remembered.
const WIDE_CELLS: usize = 1 << 10;
/// Cells of all remembered tables together.
const REMEMBERED_CELLS: usize = 1 << 23;
/// Rows that are coded at a time.
const BLOCK: usize = 512;

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
    /// k · ln k for every count k, where G² is asked for.
    entropy: Vec<f64>,
    tables: RwLock<Tables>,
}

/// Joint counts by the ascending list of their variables, the first of which varies slowest.
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
        let rows = complete_rows(columns, 0)?;
        let (mut codes, mut levels) = (Vec::with_capacity(columns.len()), Vec::with_capacity(columns.len()));
        for (column, values) in columns.iter().enumerate() {
            let (code, count) = encode(column, values)?;
            codes.push(code);
            levels.push(count);
        }
        let entropy = match statistic {
            CountStatistic::ChiSquare => Vec::new(),
            CountStatistic::GSquare => (0..=rows).map(|k| k as f64 * (k.max(1) as f64).ln()).collect(),
        };
        Ok(Self { statistic, codes, levels, entropy, tables: RwLock::default() })
    }

    fn rows(&self) -> usize {
        self.codes.first().map_or(0, Vec::len)
    }

    /// Counts every configuration at once.
    fn dense(&self, x: usize, y: usize, given: &[usize], cells: usize) -> (f64, usize) {
        let counts =
            if cells <= WIDE_CELLS { self.arranged(x, y, given, cells) } else { self.count(x, y, given, cells) };
        let mut margins = Margins::new(self.levels[x], self.levels[y]);
        counts.chunks_exact(self.levels[x] * self.levels[y]).fold((0.0, 0), |(sum, freedom), layer| {
            let (part, degrees) = self.compare(layer, &mut margins);
            (sum + part, freedom + degrees)
        })
    }

    /// The counts in the order of [`Self::count`], from the table of the same variables, which other tests ask about too.
    fn arranged(&self, x: usize, y: usize, given: &[usize], cells: usize) -> Vec<u32> {
        let wanted: Vec<usize> = given.iter().copied().chain([x, y]).collect();
        let mut variables = wanted.clone();
        variables.sort_unstable();
        let table = self.table(&variables, cells);
        let mut strides = vec![1; variables.len()];
        for k in (0..variables.len().saturating_sub(1)).rev() {
            strides[k] = strides[k + 1] * self.levels[variables[k + 1]];
        }
        // Where each cell of the wanted order lies in the table, one variable after another.
        let mut places = Vec::with_capacity(cells);
        places.push(0);
        let mut wider = Vec::with_capacity(cells);
        for variable in wanted {
            let stride = variables.iter().position(|v| *v == variable).map_or(0, |k| strides[k]);
            wider.clear();
            let levels = self.levels[variable];
            places.iter().for_each(|place| wider.extend((0..levels).map(|level| place + level * stride)));
            std::mem::swap(&mut places, &mut wider);
        }
        places.into_iter().map(|place: usize| table[place]).collect()
    }

    /// The joint counts of ascending `variables`, counted once.
    fn table(&self, variables: &[usize], cells: usize) -> Arc<Vec<u32>> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner).by_variables.get(variables).cloned();
        if let Some(known) = known {
            return known;
        }
        let counted = Arc::new(self.count_wide(variables, cells));
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if tables.cells + cells <= REMEMBERED_CELLS {
            tables.cells += cells;
            tables.by_variables.insert(variables.to_vec(), Arc::clone(&counted));
        }
        counted
    }

    /// One table of `cells`, the first of `given` varying slowest, then x, then y.
    fn count(&self, x: usize, y: usize, given: &[usize], cells: usize) -> Vec<u32> {
        let mut counts = vec![0; cells];
        let mut code = [0_u32; BLOCK];
        let rows = self.rows();
        for start in (0..rows).step_by(BLOCK) {
            let block = &mut code[..(rows - start).min(BLOCK)];
            block.fill(0);
            for variable in given.iter().chain([&x, &y]) {
                let radix = self.levels[*variable] as u32;
                for (code, value) in block.iter_mut().zip(&self.codes[*variable][start..]) {
                    *code = *code * radix + u32::from(*value);
                }
            }
            block.iter().for_each(|code| counts[*code as usize] += 1);
        }
        counts
    }

    /// As [`Self::count`], in small codes and four histograms, so that a cell that comes twice in a row does not wait for
    /// its own increment.
    fn count_wide(&self, variables: &[usize], cells: usize) -> Vec<u32> {
        let mut lanes: [Vec<u32>; 4] = std::array::from_fn(|_| vec![0; cells]);
        let mut code = [0_u16; BLOCK];
        let rows = self.rows();
        for start in (0..rows).step_by(BLOCK) {
            let block = &mut code[..(rows - start).min(BLOCK)];
            block.fill(0);
            for variable in variables {
                let radix = self.levels[*variable] as u16;
                for (code, value) in block.iter_mut().zip(&self.codes[*variable][start..]) {
                    *code = code.wrapping_mul(radix).wrapping_add(u16::from(*value));
                }
            }
            let (fours, rest) = block.as_chunks::<4>();
            for four in fours {
                for (lane, code) in lanes.iter_mut().zip(four) {
                    lane[usize::from(*code)] += 1;
                }
            }
            rest.iter().for_each(|code| lanes[0][usize::from(*code)] += 1);
        }
        let [mut counts, others @ ..] = lanes;
        for lane in others {
            counts.iter_mut().zip(lane).for_each(|(c, l)| *c += l);
        }
        counts
    }

    /// For sets with more configurations than are worth a table: rows sorted by configuration, one after another.
    fn sparse(&self, x: usize, y: usize, given: &[usize]) -> (f64, usize) {
        let rows = self.rows();
        let mut code = vec![0_usize; rows];
        let mut configurations = 1;
        for variable in given {
            for (code, value) in code.iter_mut().zip(&self.codes[*variable]) {
                *code = *code * self.levels[*variable] + usize::from(*value);
            }
            configurations *= self.levels[*variable];
            if configurations > DENSE_CELLS {
                configurations = compress(&mut code);
            }
        }
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_unstable_by_key(|row| code[*row]);
        let mut margins = Margins::new(self.levels[x], self.levels[y]);
        let mut layer = vec![0_u32; self.levels[x] * self.levels[y]];
        let (mut sum, mut freedom) = (0.0, 0);
        for members in order.chunk_by(|a, b| code[*a] == code[*b]) {
            layer.fill(0);
            for row in members {
                layer[usize::from(self.codes[x][*row]) * self.levels[y] + usize::from(self.codes[y][*row])] += 1;
            }
            let (part, degrees) = self.compare(&layer, &mut margins);
            sum += part;
            freedom += degrees;
        }
        (sum, freedom)
    }

    /// The statistic and degrees of freedom of one configuration's counts.
    fn compare(&self, layer: &[u32], margins: &mut Margins) -> (f64, usize) {
        if layer.iter().all(|c| *c == 0) {
            return (0.0, 0);
        }
        let total = margins.fill(layer);
        let freedom = margins.freedom();
        if freedom == 0 {
            return (0.0, 0);
        }
        let statistic = match self.statistic {
            // Σ (o − e)² / e = Σ o² / e − n, with e = row · column / n.
            CountStatistic::ChiSquare => {
                let shares: f64 = layer
                    .chunks_exact(margins.of_y.len())
                    .zip(&margins.of_x)
                    .filter(|(_, of_x)| **of_x > 0)
                    .map(|(row, of_x)| {
                        let squares = row.iter().zip(&margins.inverse_of_y);
                        squares.map(|(o, inverse)| f64::from(*o) * f64::from(*o) * inverse).sum::<f64>()
                            / f64::from(*of_x)
                    })
                    .sum();
                f64::from(total) * (shares - 1.0)
            }
            // Σ o ln (o n / (row · column)), taken apart.
            CountStatistic::GSquare => {
                let of = |counts: &[u32]| counts.iter().map(|c| self.entropy[*c as usize]).sum::<f64>();
                2.0 * (of(layer) - of(&margins.of_x) - of(&margins.of_y) + self.entropy[total as usize])
            }
        };
        (statistic.max(0.0), freedom)
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
            Some(0) => return Outcome::UNDEFINED,
            Some(cells) => self.dense(x, y, given, cells),
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

/// The sums of one configuration's counts over y and over x.
struct Margins {
    of_x: Vec<u32>,
    of_y: Vec<u32>,
    inverse_of_y: Vec<f64>,
}

impl Margins {
    fn new(levels_x: usize, levels_y: usize) -> Self {
        Self { of_x: vec![0; levels_x], of_y: vec![0; levels_y], inverse_of_y: vec![0.0; levels_y] }
    }

    /// Sums a layer; returns its total.
    fn fill(&mut self, layer: &[u32]) -> u32 {
        self.of_y.fill(0);
        for (row, total) in layer.chunks_exact(self.of_y.len()).zip(&mut self.of_x) {
            *total = row.iter().sum();
            row.iter().zip(&mut self.of_y).for_each(|(c, t)| *t += c);
        }
        for (total, inverse) in self.of_y.iter().zip(&mut self.inverse_of_y) {
            *inverse = if *total > 0 { 1.0 / f64::from(*total) } else { 0.0 };
        }
        self.of_x.iter().sum()
    }

    fn freedom(&self) -> usize {
        let seen = |totals: &[u32]| totals.iter().filter(|t| **t > 0).count().saturating_sub(1);
        seen(&self.of_x) * seen(&self.of_y)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::columns::ColumnsError;

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
        assert!(matches!(missing, Err(CategoryError::Columns(ColumnsError::Missing { column: 0, row: 1 }))));
        let many = Contingency::new(&[(0..300).map(f64::from).collect()], CountStatistic::default());
        assert!(matches!(many, Err(CategoryError::TooManyLevels { column: 0 })));
    }
}
