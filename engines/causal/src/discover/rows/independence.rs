//! A test of independence over rows, or over rows drawn again.

use crate::discover::{DiscoverError, DiscoverOptions, TestChoice};
use crate::independence::{
    CategoryError, Contingency, Correlation, CountStatistic, FisherZ, IndependenceTest, MissingFisherZ, RandomFeatures,
    Tail, normal_scores,
};

/// Columns, and the test that is asked of them.
pub(in crate::discover) struct Sample {
    columns: Vec<Vec<f64>>,
    pub(in crate::discover) test: TestChoice,
    tail: Tail,
    seed: u64,
}

impl Sample {
    pub(in crate::discover) fn new(
        names: &[String],
        columns: &[Vec<f64>],
        test: TestChoice,
        options: &DiscoverOptions,
    ) -> Result<Self, DiscoverError> {
        let columns: Vec<Vec<f64>> = match test {
            // Once, and not in every sample: the scores are those of all rows.
            TestChoice::Robust => columns.iter().map(|c| normal_scores(c)).collect(),
            TestChoice::ChiSquare | TestChoice::GSquare => {
                for (name, column) in names.iter().zip(columns) {
                    let one = Contingency::new(std::slice::from_ref(column), CountStatistic::ChiSquare);
                    let with_name =
                        |source| DiscoverError::Categories { test: test.key(), column: name.clone(), source };
                    one.map_err(with_name)?;
                }
                columns.to_vec()
            }
            TestChoice::FisherZ | TestChoice::MissingFisherZ | TestChoice::Kernel => columns.to_vec(),
        };
        let tail = if options.compatible() { Tail::OneMinus } else { Tail::Exact };
        Ok(Self { columns, test, tail, seed: options.seed })
    }

    pub(in crate::discover) fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    pub(in crate::discover) fn variables(&self) -> usize {
        self.columns.len()
    }

    /// The test over all rows, or over rows taken so many times each.
    pub(in crate::discover) fn test(&self, times: Option<&[u32]>) -> Result<Box<dyn IndependenceTest>, CategoryError> {
        let rows = self.rows();
        let columns = || match times {
            Some(times) => drawn(&self.columns, times),
            None => self.columns.clone(),
        };
        Ok(match self.test {
            TestChoice::FisherZ | TestChoice::Robust => {
                let correlation = match times {
                    Some(times) => weighted(&self.columns, times),
                    None => Correlation::of_columns(&self.columns),
                };
                Box::new(FisherZ::new(correlation, rows).with_tail(self.tail))
            }
            TestChoice::MissingFisherZ => Box::new(MissingFisherZ::new(columns(), self.tail)),
            TestChoice::ChiSquare => Box::new(Contingency::new(&columns(), CountStatistic::ChiSquare)?),
            TestChoice::GSquare => Box::new(Contingency::new(&columns(), CountStatistic::GSquare)?),
            TestChoice::Kernel => Box::new(RandomFeatures::new(&columns(), self.seed)?),
        })
    }
}

/// Rows taken so many times each.
pub(in crate::discover) fn drawn(columns: &[Vec<f64>], times: &[u32]) -> Vec<Vec<f64>> {
    let repeat = |column: &Vec<f64>| {
        column.iter().zip(times).flat_map(|(value, times)| std::iter::repeat_n(*value, *times as usize)).collect()
    };
    columns.iter().map(repeat).collect()
}

/// The correlations of rows taken so many times each.
fn weighted(table: &[Vec<f64>], times: &[u32]) -> Correlation {
    let rows = f64::from(times.iter().sum::<u32>());
    let scaled: Vec<Vec<f64>> = table
        .iter()
        .map(|column| {
            // By the largest first, so that no square overflows or vanishes.
            let largest = column.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            let unit = if largest > 0.0 { largest } else { 1.0 };
            let mean = column.iter().zip(times).map(|(v, t)| v / unit * f64::from(*t)).sum::<f64>() / rows;
            column.iter().zip(times).map(|(v, t)| (v / unit - mean) * f64::from(*t).sqrt()).collect()
        })
        .collect();
    Correlation::of_covariance(table.len(), |i, j| scaled[i].iter().zip(&scaled[j]).map(|(a, b)| a * b).sum())
}
