//! What is known of the order and of edges beforehand.

use atsre_domain::graph::BackgroundKnowledge;

use super::LingamError;
use crate::knowledge::{Knowledge, Window};
use crate::paths;

/// Prior knowledge for [`super::direct`](super::direct()).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Prior {
    /// Nothing is known.
    #[default]
    Nothing,
    /// Known paths order the columns: candidates that cannot come first are not looked at. No weight runs along a path that
    /// is known not to exist; a path that is known to exist is not forced to have a weight.
    Hard(PathMatrix),
    /// Known paths decide which residuals are compared (Shimizu et al. 2011, section 3.3).
    Soft(PathMatrix),
    /// Edges, kept as an invariant: a forbidden edge has no weight, a required one is always there.
    Edges(EdgeRules),
}

/// For each ordered pair: is there a directed path from the cause to the effect?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMatrix {
    size: usize,
    known: Vec<Option<bool>>,
}

impl PathMatrix {
    /// Reads `rows[effect][cause]`: `Some(true)`: there is a path, `Some(false)`: there is none, `None`: unknown.
    ///
    /// # Errors
    /// [`LingamError::Shape`] where it is not square.
    pub fn new(rows: &[Vec<Option<bool>>]) -> Result<Self, LingamError> {
        let size = rows.len();
        if rows.iter().any(|row| row.len() != size) {
            return Err(LingamError::Shape { what: "matrix of known paths", size });
        }
        Ok(Self { size, known: rows.concat() })
    }

    fn get(&self, effect: usize, cause: usize) -> Option<bool> {
        self.known[effect * self.size + cause]
    }

    /// The pairs (earlier, later) that the matrix implies. Two columns without a path either way are not ordered.
    fn orders(&self) -> Result<Vec<(usize, usize)>, LingamError> {
        let mut orders = Vec::new();
        for effect in 0..self.size {
            for cause in (0..self.size).filter(|c| *c != effect) {
                match (self.get(effect, cause), self.get(cause, effect)) {
                    (Some(true), Some(true)) => {
                        let paths = format!("{effect} → {cause}, {cause} → {effect}");
                        return Err(LingamError::Contradiction { paths });
                    }
                    (Some(true), Some(false) | None) => orders.push((cause, effect)),
                    (Some(false), Some(true) | None) => orders.push((effect, cause)),
                    (Some(false), Some(false)) | (None, Some(_) | None) => {}
                }
            }
        }
        orders.sort_unstable();
        orders.dedup();
        Ok(orders)
    }
}

/// Background knowledge compiled for columns in one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeRules {
    size: usize,
    /// Ordered by required edges, then by tiers; the latter give way where an undeclared column stands between them.
    required: Vec<(usize, usize)>,
    tiers: Vec<(usize, usize)>,
    barred: Vec<bool>,
}

impl EdgeRules {
    /// Compiles what is known of the columns called `names`.
    ///
    /// # Errors
    /// [`LingamError::Knowledge`] where statements contradict each other; the message names the edges.
    pub fn compile(known: &BackgroundKnowledge, names: &[String]) -> Result<Self, LingamError> {
        let size = names.len();
        let compiled = Knowledge::compile(known, names, Window::of_rows(size), |_, _| 0)?;
        let tier = |name: &String| known.tiers.iter().position(|members| members.contains(name));
        let (mut required, mut tiers) = (Vec::new(), Vec::new());
        for cause in 0..size {
            for effect in (0..size).filter(|e| *e != cause) {
                if compiled.requires(cause, effect) {
                    required.push((cause, effect));
                }
                if matches!((tier(&names[cause]), tier(&names[effect])), (Some(a), Some(b)) if a < b) {
                    tiers.push((cause, effect));
                }
            }
        }
        let barred = (0..size * size).map(|k| compiled.forbids(k / size, k % size)).collect();
        Ok(Self { size, required, tiers, barred })
    }

    /// What `knowledge` over time says of one moment: its edges at lag 0. `tier` tells in which tier a column is.
    pub(crate) fn of_moment(knowledge: &Knowledge, tier: impl Fn(usize) -> Option<usize>) -> Self {
        let size = knowledge.window().columns();
        let pairs = || (0..size * size).map(move |k| (k / size, k % size)).filter(|(a, b)| a != b);
        Self {
            size,
            required: pairs().filter(|(a, b)| knowledge.requires(*a, *b)).collect(),
            tiers: pairs().filter(|(a, b)| matches!((tier(*a), tier(*b)), (Some(a), Some(b)) if a < b)).collect(),
            barred: (0..size * size).map(|k| knowledge.forbids(k / size, k % size)).collect(),
        }
    }
}

/// Who may come next.
pub(super) struct Round {
    pub(super) candidates: Vec<usize>,
    /// By column: known not to cause the candidates, so that its residual on them is not compared.
    pub(super) settled: Vec<bool>,
}

/// Prior knowledge as the search asks for it.
#[derive(Debug)]
pub(super) struct Rules {
    size: usize,
    /// (earlier, later), the ones that must hold.
    orders: Vec<(usize, usize)>,
    /// (earlier, later), kept as long as something can come next.
    preferences: Vec<(usize, usize)>,
    soft: Option<PathMatrix>,
    edges: bool,
    barred: Vec<bool>,
    pub(super) required: Vec<(usize, usize)>,
}

impl Rules {
    pub(super) fn compile(prior: &Prior, size: usize) -> Result<Self, LingamError> {
        let nothing = Self {
            size,
            orders: Vec::new(),
            preferences: Vec::new(),
            soft: None,
            edges: false,
            barred: vec![false; size * size],
            required: Vec::new(),
        };
        let rules = match prior {
            Prior::Nothing => nothing,
            Prior::Hard(paths) | Prior::Soft(paths) => {
                if paths.size != size {
                    return Err(LingamError::Shape { what: "matrix of known paths", size });
                }
                let barred = (0..size * size).map(|k| paths.get(k % size, k / size) == Some(false)).collect();
                let hard = matches!(prior, Prior::Hard(_));
                let orders = if hard { paths.orders()? } else { Vec::new() };
                Self { orders, barred, soft: (!hard).then(|| paths.clone()), ..nothing }
            }
            Prior::Edges(edges) => {
                if edges.size != size {
                    return Err(LingamError::Shape { what: "background knowledge", size });
                }
                Self {
                    edges: true,
                    orders: edges.required.clone(),
                    preferences: edges.tiers.clone(),
                    barred: edges.barred.clone(),
                    required: edges.required.clone(),
                    ..nothing
                }
            }
        };
        rules.refuse_cycles()?;
        Ok(rules)
    }

    fn refuse_cycles(&self) -> Result<(), LingamError> {
        let component = paths::components(self.size, self.orders.iter().copied());
        let on_cycle: Vec<String> = self
            .orders
            .iter()
            .filter(|(a, b)| component[*a] == component[*b])
            .map(|(a, b)| format!("{a} → {b}"))
            .collect();
        if on_cycle.is_empty() { Ok(()) } else { Err(LingamError::Contradiction { paths: on_cycle.join(", ") }) }
    }

    /// Whether forbidden edges are forbidden at every lag.
    pub(super) fn binds_lags(&self) -> bool {
        self.edges
    }

    /// Whether a weight of `cause` on `effect` is excluded.
    pub(super) fn bars(&self, cause: usize, effect: usize) -> bool {
        self.barred[cause * self.size + effect]
    }

    pub(super) fn candidates(&self, left: &[usize]) -> Round {
        let settled = vec![false; self.size];
        if let Some(paths) = &self.soft {
            return soft_candidates(paths, left, settled);
        }
        let free = |orders: &[(usize, usize)], column: usize| {
            !orders.iter().any(|(earlier, later)| *later == column && left.contains(earlier))
        };
        let must: Vec<usize> = left.iter().copied().filter(|c| free(&self.orders, *c)).collect();
        let preferred: Vec<usize> = must.iter().copied().filter(|c| free(&self.preferences, *c)).collect();
        Round { candidates: if preferred.is_empty() { must } else { preferred }, settled }
    }
}

/// Columns known to be caused by none of the others come first; without any, those that are not known to be caused and
/// may have effects.
fn soft_candidates(paths: &PathMatrix, left: &[usize], mut settled: Vec<bool>) -> Round {
    let no_path_from = |effect: usize, causes: &[usize]| {
        causes.iter().filter(|c| **c != effect).all(|c| paths.get(effect, *c) == Some(false))
    };
    let mut candidates: Vec<usize> = left.iter().copied().filter(|c| no_path_from(*c, left)).collect();
    if candidates.is_empty() {
        let caused = |effect: usize| left.iter().any(|c| *c != effect && paths.get(effect, *c) == Some(true));
        let sink = |cause: usize| left.iter().all(|e| *e == cause || paths.get(*e, cause) == Some(false));
        candidates = left.iter().copied().filter(|c| !caused(*c) && !sink(*c)).collect();
    }
    if candidates.is_empty() {
        candidates = left.to_vec();
    }
    for column in left.iter().filter(|c| !candidates.contains(c)) {
        settled[*column] = no_path_from(*column, &candidates);
    }
    Round { candidates, settled }
}
