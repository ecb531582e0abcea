//! Linear non-Gaussian acyclic models (LiNGAM; Shimizu, Hoyer, Hyvärinen and Kerminen 2006, JMLR 7).
//!
//! If every variable is a linear function of its causes plus an independent disturbance that is not Gaussian, the
//! whole causal order can be read from the data, where tests of independence leave directions open.
//!
//! | function | algorithm |
//! | --- | --- |
//! | [`direct`](direct()) | DirectLiNGAM: takes out one exogenous variable after another (Shimizu et al. 2011, JMLR 12) |
//! | [`ica`](ica()) | ICA-LiNGAM: permutes and scales the unmixing matrix of an independent component analysis |
//! | [`var`](var()) | VAR-LiNGAM: a vector autoregression, then DirectLiNGAM of its residuals (Hyvärinen et al. 2010, JMLR 11) |
//!
//! All of them answer as lingam 1.13.0 does for the same settings: the order exactly, weights to rounding. Where this
//! departs from it: collinear or constant columns are errors, and knowledge given as edges ([`Prior::Edges`]) is an
//! invariant.

mod adaptive_lasso;
mod direct;
mod entropy;
mod error;
mod ica;
mod lars;
mod order;
mod prior;
mod table;
mod var;
mod weights;

pub use direct::direct;
pub use error::LingamError;
pub use ica::{IcaLingam, IcaSettings, ica};
pub use prior::{EdgeRules, PathMatrix, Prior};
pub(crate) use var::var_over;
pub use var::{Criterion, VarLingam, VarSettings, var};
pub use weights::Lingam;
