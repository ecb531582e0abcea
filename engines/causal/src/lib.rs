//! Causal discovery: from observations and background knowledge to a causal graph and the target's drivers.
//!
//! The crate computes and nothing else: it reads no file, keeps no state, and knows nothing of events, of
//! databases or of what a planner makes of a driver. The same data, options and seed give the same bits,
//! whatever the number of threads.
//!
//! Start reading at [`discover`](discover::discover), which chooses what to do with a panel and is the one door to every
//! algorithm; then [`pc`], the algorithm; then [`lagged`], which turns time series into rows that a test for independence may be asked about.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`independence`] | tests of conditional independence: Fisher's z (also with gaps, also on normal scores), χ² and G², random features, d-separation in a known graph |
//! | [`knowledge`] | what is known before any data, compiled to a matrix; contradictions are named |
//! | [`pattern`] | a graph under construction: a matrix of endpoint marks |
//! | [`pc`] | PC-stable, order-independent, or exactly as a widely used implementation answers |
//! | [`lingam`] | linear non-Gaussian models: DirectLiNGAM, ICA-LiNGAM, VAR-LiNGAM |
//! | [`pcmci`] | time series: PCMCI and PCMCI+ |
//! | [`lpcmci`] | time series where common causes may be hidden: LPCMCI |
//! | [`granger`] | time series: tests of Granger causality |
//! | [`equivalence`] | Markov equivalence: CPDAG, PAG, extensions, Meek's rules, distance |
//! | [`fci`] | FCI, where common causes may be hidden; likewise in two modes |
//! | [`ges`] | GES, a search by score |
//! | [`lagged`] | time series: seasons, unit roots, lags, effective sample size |
//! | [`bootstrap`] | how often an edge comes back when the data are drawn again |
//! | [`paths`] | ancestors, cycles and d-separation of a finished graph |
//! | [`node_link`], [`adjacency`], [`dot`], [`svg`] | a finished graph for NetworkX, as a matrix, for Graphviz, as a picture |

pub mod adjacency;
pub mod bootstrap;
pub mod columns;
pub mod discover;
pub mod dot;
pub mod equivalence;
pub mod fci;
pub mod ges;
pub mod granger;
mod hash_order;
pub mod independence;
mod interpretation;
pub mod knowledge;
pub mod lagged;
mod linear;
pub mod lingam;
pub mod lpcmci;
pub mod node_link;
pub mod paths;
pub mod pattern;
pub mod pc;
pub mod pcmci;
mod subsets;
pub mod svg;
mod vectors;
mod window_products;

pub use discover::{DiscoverOptions, Discovery, discover, discover_columns, discover_rows};
