//! What a benchmark found.

use std::fmt;

/// What must be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// At least this.
    AtLeast(f64),
    /// Less than this.
    Below(f64),
}

impl Bar {
    /// Whether a measured value reaches it.
    #[must_use]
    pub fn passed(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bar) => value >= bar,
            Self::Below(bar) => value < bar,
        }
    }
}

/// What a benchmark found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Each measurement: what, and how much with its unit.
    pub measured: Vec<(String, String)>,
    /// What the value is.
    pub what: &'static str,
    /// The value that is held against the bar.
    pub value: f64,
    /// The bar.
    pub bar: Bar,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, how_much) in &self.measured {
            writeln!(f, "  {what:<58} {how_much:>20}")?;
        }
        let verdict = if self.bar.passed(self.value) { "pass" } else { "MISS" };
        let bar = match self.bar {
            Bar::AtLeast(bar) => format!("at least {bar}"),
            Bar::Below(bar) => format!("below {bar}"),
        };
        writeln!(f, "  {verdict}: {} {:.3} (bar: {bar})", self.what, self.value)
    }
}

/// A rate for people.
#[must_use]
pub fn per_second(count: u64, seconds: f64, unit: &str) -> String {
    format!("{:.0} {unit}/s", count as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_reached_or_missed() {
        assert!(Bar::AtLeast(0.6).passed(0.6) && !Bar::AtLeast(0.6).passed(0.59));
        assert!(Bar::Below(1.0).passed(0.99) && !Bar::Below(1.0).passed(1.0));
    }
}
