//! A graph over time: links between columns at lags.

use atsre_domain::Finite;
use atsre_domain::graph::{CausalEdge, CausalGraph, Mark, Variable};

/// A link from a source, so many steps back, to a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// None.
    #[default]
    Absent,
    /// `-->`: the source causes the target.
    Forward,
    /// `<--`: the target causes the source; in the same moment only.
    Backward,
    /// `o-o`: in the same moment, direction open.
    Open,
    /// `x-x`: in the same moment, the tests contradict each other on the direction.
    Conflict,
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "",
            Self::Forward => "-->",
            Self::Backward => "<--",
            Self::Open => "o-o",
            Self::Conflict => "x-x",
        })
    }
}

/// The links between columns at lags 0 to L, with what was measured of each.
#[derive(Clone, Debug, PartialEq)]
pub struct LaggedLinks {
    columns: usize,
    max_lag: usize,
    links: Vec<Link>,
    /// Strengths, indexed as [`LaggedLinks::index`] says.
    pub values: Vec<f64>,
    /// Their p-values.
    pub p_values: Vec<f64>,
}

impl LaggedLinks {
    pub(super) fn new(columns: usize, max_lag: usize) -> Self {
        let size = columns * columns * (max_lag + 1);
        Self { columns, max_lag, links: vec![Link::Absent; size], values: vec![0.0; size], p_values: vec![1.0; size] }
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The longest lag, in steps.
    #[must_use]
    pub fn max_lag(&self) -> usize {
        self.max_lag
    }

    /// Where the values of a link stand: by source, then target, then lag.
    #[must_use]
    pub fn index(&self, source: usize, target: usize, lag: usize) -> usize {
        (source * self.columns + target) * (self.max_lag + 1) + lag
    }

    /// The link from a source so many steps back to a target.
    #[must_use]
    pub fn get(&self, source: usize, target: usize, lag: usize) -> Link {
        self.links[self.index(source, target, lag)]
    }

    /// Sets a link, and what it is seen from the other end in the same moment.
    pub(super) fn set(&mut self, source: usize, target: usize, lag: usize, link: Link) {
        let at = self.index(source, target, lag);
        self.links[at] = link;
        if lag == 0 {
            let mirrored = self.index(target, source, 0);
            self.links[mirrored] = match link {
                Link::Forward => Link::Backward,
                Link::Backward => Link::Forward,
                Link::Absent | Link::Open | Link::Conflict => link,
            };
        }
    }

    pub(super) fn adjacent(&self, source: usize, target: usize, lag: usize) -> bool {
        self.get(source, target, lag) != Link::Absent
    }

    /// The links as a graph of the columns called `names`: each once, its later end at lag 0. An open link has a tail at both ends, a
    /// contradictory one an arrow; the statistic is the strength.
    #[must_use]
    pub fn graph(&self, names: &[String]) -> CausalGraph {
        let mut nodes: Vec<(u32, u32)> = (0..self.columns as u32).map(|c| (0, c)).collect();
        let mut links = Vec::new();
        for target in 0..self.columns {
            for source in 0..self.columns {
                for lag in 0..=self.max_lag {
                    let link = self.get(source, target, lag);
                    let (at_source, at_target) = match link {
                        Link::Absent | Link::Backward => continue,
                        Link::Open | Link::Conflict if source > target => continue,
                        Link::Forward => (Mark::Tail, Mark::Arrow),
                        Link::Open => (Mark::Tail, Mark::Tail),
                        Link::Conflict => (Mark::Arrow, Mark::Arrow),
                    };
                    nodes.push((lag as u32, source as u32));
                    links.push((source, target, lag, at_source, at_target));
                }
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        let number =
            |lag: usize, column: usize| nodes.binary_search(&(lag as u32, column as u32)).map_or(0, |n| n as u32);
        let mut edges: Vec<CausalEdge> = links
            .into_iter()
            .map(|(source, target, lag, source_mark, target_mark)| CausalEdge {
                source: number(lag, source),
                target: number(0, target),
                source_mark,
                target_mark,
                statistic: Finite::of(self.values[self.index(source, target, lag)]),
                p_value: Finite::of(self.p_values[self.index(source, target, lag)]),
                confidence: None,
            })
            .collect();
        edges.sort_by_key(|e| (e.source, e.target));
        let variables =
            nodes.iter().map(|(lag, column)| Variable { name: names[*column as usize].clone(), lag: *lag }).collect();
        CausalGraph { variables, edges }
    }
}
