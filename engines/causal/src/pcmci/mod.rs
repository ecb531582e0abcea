//! Causal discovery for time series by tests on momentary conditional independence.
//!
//! | function | algorithm |
//! | --- | --- |
//! | [`pcmci`](pcmci()) | PCMCI: parents selected by PC, then a test of each link given both ends' parents (Runge et al. 2019, Science Advances 5) |
//! | [`pcmci_plus`](pcmci_plus()) | PCMCI+: links of the same moment too, and their directions (Runge 2020, UAI) |
//!
//! Both run on any [`LaggedTest`]; [`ParCorr`] is the linear one. All its tests rest on the same rows (those that have twice the
//! longest lag behind them), so one correlation matrix answers all of them. Values, p-values, graphs and parents
//! are those that tigramite 5.2.10 gives for the same settings, as far as `cargo xtask cases causal` compares them. Departures:
//! a test with too few degrees of freedom, or of a column that the conditions determine, has value 0 and p-value 1; and
//! background knowledge is an invariant.

mod alpha;
mod collider;
mod effects;
mod error;
mod false_discovery;
mod links;
mod mci;
mod par_corr;
mod parents;
mod plus;
mod resample;
mod rules;
mod skeleton;
mod student;

pub use effects::{Effect, Estimate, effects_on};
pub use error::PcmciError;
pub use links::{LaggedLinks, Link};
pub use mci::{Pcmci, Settings, pcmci, pcmci_with};
pub use par_corr::{LaggedTest, Measured, ParCorr};
pub use parents::{Lagged, Parents};
pub use plus::{ColliderRule, PcmciPlus, PlusSettings, Triple, pcmci_plus, pcmci_plus_with};
pub use resample::{LinkFrequencies, link_frequencies};
