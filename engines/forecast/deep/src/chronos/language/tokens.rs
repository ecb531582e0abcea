//! Values as words: scaled by their mean size, and put into bins of equal width.

use super::Configuration;

/// The bins of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    centres: Vec<f32>,
    /// Between each two neighbouring centres.
    boundaries: Vec<f32>,
    special: usize,
    vocabulary: usize,
    padding: usize,
    end: Option<usize>,
}

/// A history as words.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokenized {
    /// The words, oldest first; the last may say that the history ends.
    pub words: Vec<usize>,
    /// Which of them stand for something observed.
    pub open: Vec<bool>,
    /// The mean size of the observed values; 1 where it is not positive.
    pub scale: f64,
}

impl Tokens {
    pub(super) fn new(c: &Configuration) -> Self {
        let count = c.vocabulary - c.special - 1;
        let (low, high) = (c.limits.0 as f32, c.limits.1 as f32);
        let step = (high - low) / (count - 1) as f32;
        // From both ends, as PyTorch's linspace, which decides about values at a boundary.
        let centre =
            |i: usize| if i < count / 2 { low + step * i as f32 } else { high - step * (count - 1 - i) as f32 };
        let centres: Vec<f32> = (0..count).map(centre).collect();
        Self {
            boundaries: centres.windows(2).map(|pair| (pair[1] + pair[0]) / 2.0).collect(),
            centres,
            special: c.special,
            vocabulary: c.vocabulary,
            padding: c.padding_token,
            end: c.ends.then_some(c.end_token),
        }
    }

    /// The centres of the bins, ascending.
    #[must_use]
    pub fn centres(&self) -> &[f32] {
        &self.centres
    }

    /// The boundaries between the bins, ascending.
    #[must_use]
    pub fn boundaries(&self) -> &[f32] {
        &self.boundaries
    }

    /// A history as words; NaN is missing. A value at a boundary belongs to the bin above it.
    #[must_use]
    pub fn tokenized(&self, history: &[f64]) -> Tokenized {
        let observed = || history.iter().filter(|v| !v.is_nan());
        let mean = observed().map(|v| v.abs()).sum::<f64>() / observed().count() as f64;
        let scale = if mean > 0.0 { mean } else { 1.0 };
        let word = |value: &f64| {
            if value.is_nan() {
                return self.padding;
            }
            let scaled = (*value / scale) as f32;
            // One more than the boundaries at or below it: the lowest boundary, −1e20, is not kept.
            let bin = 1 + self.boundaries.partition_point(|b| *b <= scaled);
            (bin + self.special).min(self.vocabulary - 1)
        };
        let words = history.iter().map(word).chain(self.end).collect();
        let open = history.iter().map(|v| !v.is_nan()).chain(self.end.map(|_| true)).collect();
        Tokenized { words, open, scale }
    }

    /// The value that a word stands for.
    #[must_use]
    pub fn value(&self, word: usize, scale: f64) -> f64 {
        let bin = word.saturating_sub(self.special + 1).min(self.centres.len() - 1);
        f64::from(self.centres[bin]) * scale
    }
}
