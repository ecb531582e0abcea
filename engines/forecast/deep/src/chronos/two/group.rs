//! What is forecast together.

use crate::chronos::patches::context;

/// Series that attend to each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What is forecast; histories may differ in length, and end at the same moment.
    pub targets: Vec<Vec<f64>>,
    /// What is known up to the origin.
    pub past: Vec<Vec<f64>>,
    /// What is known up to the origin, and then over the horizon; NaN or a shorter future where it is not.
    pub known: Vec<(Vec<f64>, Vec<f64>)>,
}

/// One series of a group as the network takes it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// What is seen, oldest first, NaN where missing.
    pub(super) context: Vec<f64>,
    /// What is known of the coming steps.
    pub(super) future: Vec<f64>,
}

impl Group {
    /// Targets first, each with at most `longest` values.
    pub(super) fn rows(&self, longest: usize) -> Vec<Row> {
        let row = |history: &[f64], future: &[f64]| Row {
            context: context(history, longest).to_vec(),
            future: future.to_vec(),
        };
        let alone = self.targets.iter().chain(&self.past).map(|history| row(history, &[]));
        alone.chain(self.known.iter().map(|(history, future)| row(history, future))).collect()
    }
}

impl Row {
    /// Goes on by a forecast of itself, where what is known takes the place of what is forecast.
    pub(super) fn go_on(&mut self, forecast: impl ExactSizeIterator<Item = f64>, longest: usize) {
        let steps = forecast.len();
        let known = self.future.iter().copied().chain(std::iter::repeat(f64::NAN));
        self.context.extend(forecast.zip(known).map(|(forecast, known)| if known.is_nan() { forecast } else { known }));
        self.context.drain(..self.context.len().saturating_sub(longest));
        self.future.drain(..steps.min(self.future.len()));
    }
}
