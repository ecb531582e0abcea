//! What can be wrong with background knowledge.

/// Background knowledge that cannot be kept, with the statements to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    /// A statement names a column that the data do not have.
    #[error("background knowledge ({place}) names column {column:?}, which the data do not have")]
    UnknownColumn {
        /// The name.
        column: String,
        /// Where it was named.
        place: &'static str,
    },
    /// A column stands in two tiers.
    #[error("column {column:?} is in tier {first} and in tier {second}; put it in one")]
    TwoTiers {
        /// The column.
        column: String,
        /// One tier, from 0.
        first: usize,
        /// The other.
        second: usize,
    },
    /// Edges are forbidden within a tier that is not there.
    #[error("edges are forbidden within tier {tier}, but there are {tiers} tiers, numbered from 0")]
    NoSuchTier {
        /// The tier named.
        tier: u32,
        /// How many there are.
        tiers: usize,
    },
    /// A required edge is also forbidden.
    #[error("edge {cause} → {effect} is required, but {why}")]
    Contradiction {
        /// The required edge's cause.
        cause: String,
        /// Its effect.
        effect: String,
        /// The statement against it.
        why: String,
    },
    /// Required edges form a cycle.
    #[error("required edges form a cycle: {edges}; drop one of them")]
    Cycle {
        /// The edges on cycles.
        edges: String,
    },
    /// A column is required to cause itself at the same moment.
    #[error("column {column:?} is required to cause itself at the same moment")]
    CausesItself {
        /// The column.
        column: String,
    },
    /// A required edge names a column that had to be left out of the analysis.
    #[error("edge {cause} → {effect} is required, but column {column:?} was left out: {why}")]
    LeftOut {
        /// The required edge's cause.
        cause: String,
        /// Its effect.
        effect: String,
        /// The column left out.
        column: String,
        /// Why it was left out.
        why: String,
    },
}
