//! Background knowledge, compiled to a matrix that algorithms can ask in one step.
//!
//! What is known before any data binds every graph that [`crate::discover()`] returns: a forbidden edge never appears,
//! an edge that may run one way only is directed that way, and a required edge is always there.

mod error;
mod window;

use std::collections::BTreeMap;

use atsre_domain::graph::{BackgroundKnowledge, CausalGraph, Mark, Variable};

pub use error::KnowledgeError;
pub use window::Window;

use crate::paths;

/// Which node may not cause which, and which must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowledge {
    window: Window,
    forbidden: Vec<bool>,
    required: Vec<bool>,
}

impl Knowledge {
    /// Nothing but time's own order: what is later never causes what is earlier.
    #[must_use]
    pub fn of_time(window: Window) -> Self {
        let nodes = window.nodes();
        let forbidden = (0..nodes * nodes).map(|k| window.lag(k / nodes) < window.lag(k % nodes)).collect();
        Self { window, forbidden, required: vec![false; nodes * nodes] }
    }

    /// Compiles what is known of `columns`.
    ///
    /// Rules about columns hold at every lag: a forbidden cause is forbidden at each, and a later tier causes an
    /// earlier one at none. A column's own past is bound by no tier; only the explicit pair (x, x) forbids it. A
    /// required edge is required at the lag that `lag_of(cause, effect)` gives.
    ///
    /// # Errors
    /// [`KnowledgeError`] where a column is unknown or stands in two tiers, or where two statements contradict each
    /// other; the message names the edges.
    pub fn compile(
        known: &BackgroundKnowledge,
        columns: &[String],
        window: Window,
        lag_of: impl Fn(usize, usize) -> usize,
    ) -> Result<Self, KnowledgeError> {
        let statements = Statements::read(known, columns)?;
        let mut knowledge = Self::of_time(window);
        let nodes = window.nodes();
        for i in 0..nodes {
            for j in 0..nodes {
                let later = window.lag(j) <= window.lag(i);
                if later && statements.refusal(window.column(i), window.column(j)).is_some() {
                    knowledge.forbidden[i * nodes + j] = true;
                }
            }
        }
        for (cause, effect) in &statements.required {
            let lag = lag_of(*cause, *effect).min(window.max_lag());
            if cause == effect && lag == 0 {
                return Err(KnowledgeError::CausesItself { column: columns[*cause].clone() });
            }
            if let Some(why) = statements.refusal(*cause, *effect) {
                let (cause, effect) = (columns[*cause].clone(), columns[*effect].clone());
                return Err(KnowledgeError::Contradiction { cause, effect, why });
            }
            for shift in 0..=window.max_lag() - lag {
                let (from, to) = (window.node(*cause, lag + shift), window.node(*effect, shift));
                knowledge.required[from * nodes + to] = true;
                knowledge.forbidden[to * nodes + from] = true;
            }
        }
        knowledge.refuse_cycles(columns)?;
        Ok(knowledge)
    }

    fn refuse_cycles(&self, columns: &[String]) -> Result<(), KnowledgeError> {
        let nodes = self.window.nodes();
        let required = || (0..nodes * nodes).filter(|k| self.required[*k]).map(|k| (k / nodes, k % nodes));
        let component = paths::components(nodes, required());
        let mut on_cycle: Vec<String> = required()
            .filter(|(cause, effect)| component[*cause] == component[*effect])
            .map(|(cause, effect)| {
                format!("{} → {}", columns[self.window.column(cause)], columns[self.window.column(effect)])
            })
            .collect();
        on_cycle.sort();
        on_cycle.dedup();
        if on_cycle.is_empty() { Ok(()) } else { Err(KnowledgeError::Cycle { edges: on_cycle.join(", ") }) }
    }

    /// The nodes that this knowledge is about.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Whether `cause → effect` is excluded.
    #[must_use]
    pub fn forbids(&self, cause: usize, effect: usize) -> bool {
        self.forbidden[cause * self.window.nodes() + effect]
    }

    /// Whether `cause → effect` must be there.
    #[must_use]
    pub fn requires(&self, cause: usize, effect: usize) -> bool {
        self.required[cause * self.window.nodes() + effect]
    }

    /// Whether no edge between the two is allowed.
    #[must_use]
    pub fn excludes(&self, i: usize, j: usize) -> bool {
        self.forbids(i, j) && self.forbids(j, i)
    }

    /// Whether an edge between the two can only be `cause → effect`.
    #[must_use]
    pub fn directs(&self, cause: usize, effect: usize) -> bool {
        self.forbids(effect, cause) && !self.forbids(cause, effect)
    }

    /// Whether an edge between the two, if there is one, is oriented by knowledge alone.
    #[must_use]
    pub fn settles(&self, i: usize, j: usize) -> bool {
        self.forbids(i, j) || self.forbids(j, i)
    }
}

/// Background knowledge with columns as numbers.
struct Statements {
    tier: Vec<Option<usize>>,
    closed_tiers: Vec<usize>,
    forbidden: Vec<(usize, usize)>,
    required: Vec<(usize, usize)>,
}

impl Statements {
    fn read(known: &BackgroundKnowledge, columns: &[String]) -> Result<Self, KnowledgeError> {
        let number: BTreeMap<&str, usize> = columns.iter().enumerate().map(|(i, c)| (c.as_str(), i)).collect();
        let find = |name: &String, place: &'static str| {
            number
                .get(name.as_str())
                .copied()
                .ok_or_else(|| KnowledgeError::UnknownColumn { column: name.clone(), place })
        };
        let mut tier = vec![None; columns.len()];
        for (index, members) in known.tiers.iter().enumerate() {
            for name in members {
                let column = find(name, "tiers")?;
                if let Some(first) = tier[column].replace(index)
                    && first != index
                {
                    return Err(KnowledgeError::TwoTiers { column: name.clone(), first, second: index });
                }
            }
        }
        let mut closed_tiers = Vec::new();
        for index in &known.forbidden_within_tiers {
            if *index as usize >= known.tiers.len() {
                return Err(KnowledgeError::NoSuchTier { tier: *index, tiers: known.tiers.len() });
            }
            closed_tiers.push(*index as usize);
        }
        let pairs = |edges: &[(String, String)], place: &'static str| {
            edges
                .iter()
                .map(|(a, b)| Ok((find(a, place)?, find(b, place)?)))
                .collect::<Result<Vec<_>, KnowledgeError>>()
        };
        let (forbidden, required) =
            (pairs(&known.forbidden, "forbidden edges")?, pairs(&known.required, "required edges")?);
        Ok(Self { tier, closed_tiers, forbidden, required })
    }

    /// Why one column may not cause another, where it may not.
    fn refusal(&self, cause: usize, effect: usize) -> Option<String> {
        if self.forbidden.contains(&(cause, effect)) {
            return Some("the same edge is forbidden".to_owned());
        }
        if cause == effect {
            return None;
        }
        match (self.tier[cause], self.tier[effect]) {
            (Some(later), Some(earlier)) if later > earlier => {
                Some(format!("the cause is in tier {later}, after the effect's tier {earlier}"))
            }
            (Some(one), Some(other)) if one == other && self.closed_tiers.contains(&one) => {
                Some(format!("both are in tier {one}, within which edges are forbidden"))
            }
            (Some(_) | None, Some(_) | None) => None,
        }
    }
}

/// Every way in which a finished graph breaks what is known, in words; empty where it breaks nothing. Reads the
/// statements themselves, not the matrix that the algorithms used. Columns that the graph left out are passed over,
/// except in required edges.
#[must_use]
pub fn violations(known: &BackgroundKnowledge, graph: &CausalGraph) -> Vec<String> {
    let tier = |name: &str| known.tiers.iter().position(|members| members.iter().any(|m| m == name));
    let named = |edges: &[(String, String)], a: &str, b: &str| edges.iter().any(|(x, y)| x == a && y == b);
    let refused = |cause: &Variable, effect: &Variable| {
        let (a, b) = (cause.name.as_str(), effect.name.as_str());
        let by_tier = a != b
            && match (tier(a), tier(b)) {
                (Some(x), Some(y)) => {
                    x > y || (x == y && known.forbidden_within_tiers.iter().any(|t| *t as usize == x))
                }
                (None, _) | (_, None) => false,
            };
        cause.lag < effect.lag || named(&known.forbidden, a, b) || by_tier
    };
    let mut found = Vec::new();
    let mut present = Vec::new();
    for edge in &graph.edges {
        let (source, target) = (&graph.variables[edge.source as usize], &graph.variables[edge.target as usize]);
        let (forward, backward) = (refused(source, target), refused(target, source));
        match (edge.source_mark, edge.target_mark) {
            (Mark::Tail, Mark::Arrow) => {
                present.push((&source.name, &target.name));
                if forward {
                    found.push(format!("{source} → {target} is forbidden"));
                }
            }
            (Mark::Arrow, Mark::Tail) => {
                present.push((&target.name, &source.name));
                if backward {
                    found.push(format!("{target} → {source} is forbidden"));
                }
            }
            (Mark::Arrow, Mark::Arrow) if forward && backward => {
                found.push(format!("{source} ↔ {target} is forbidden both ways"))
            }
            (Mark::Arrow, Mark::Arrow) => {}
            (Mark::Tail | Mark::Circle, Mark::Tail | Mark::Circle)
            | (Mark::Arrow, Mark::Circle)
            | (Mark::Circle, Mark::Arrow) => {
                // An arrow at the forbidden cause is enough: it is no cause then.
                let open = |refused: bool, mark: Mark| refused && mark != Mark::Arrow;
                if forward && backward {
                    found.push(format!("{source} and {target} may not be joined"));
                } else if open(forward, edge.source_mark) || open(backward, edge.target_mark) {
                    found.push(format!("{source} — {target} may run one way only, but is not oriented"));
                }
            }
        }
    }
    for (cause, effect) in &known.required {
        if !present.contains(&(cause, effect)) {
            found.push(format!("required edge {cause} → {effect} is missing"));
        }
    }
    found
}

#[cfg(test)]
mod tests;
