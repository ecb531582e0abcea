//! Markov equivalence: from one graph to the class of all that imply the same independencies, and back.
//!
//! | from | to | by |
//! | --- | --- | --- |
//! | directed acyclic graph | its class, as a CPDAG | [`cpdag_of`] (Chickering 1995) |
//! | CPDAG, or any partly directed graph | a member of the class | [`extension_of`] (Dor and Tarsi 1992) |
//! | pattern with orientations added | everything that follows | [`close`] (Meek 1995) |
//! | acyclic graph with hidden nodes | ancestral graph over the others | [`mag_of`] (Richardson and Spirtes 2002) |
//! | ancestral graph | its class, as a PAG | [`pag_of`] (Zhang 2008) |

mod ancestral;
mod cpdag;
mod distance;
mod extension;
mod meek;

pub use ancestral::{m_separated, mag_of, pag_of};
pub use cpdag::{NotAcyclic, cpdag_of};
pub use distance::structural_hamming_distance;
pub use extension::{NoExtension, extension_of};
pub use meek::close;

pub(crate) use extension::extension_where;
