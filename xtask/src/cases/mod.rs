//! Comparing results with reference cases.

pub mod causal;
pub mod chronos;
mod compare;
pub mod forecast;
mod pairwise;
pub mod stats;

pub use compare::{Difference, Tolerance, compare};

/// What came of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The case's name: its file without the ending.
    pub case: String,
    /// Numbers and texts compared.
    pub compared: usize,
    /// Where the results differ, in the file's order.
    pub differences: Vec<Difference>,
}

impl Verdict {
    /// Whether nothing differs.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

/// One line a case and a total.
#[must_use]
pub fn render(verdicts: &[Verdict]) -> String {
    let mut out = String::new();
    for verdict in verdicts {
        let line = match verdict.differences.first() {
            None => format!("agrees ({} values)", verdict.compared),
            Some(first) => {
                format!("differs in {} of {} values, first {first}", verdict.differences.len(), verdict.compared)
            }
        };
        out += &format!("{}: {line}\n", verdict.case);
    }
    let agree = verdicts.iter().filter(|v| v.agrees()).count();
    let values: usize = verdicts.iter().map(|v| v.compared).sum();
    out + &format!("{agree} of {} cases agree, {values} values compared\n", verdicts.len())
}
