//! What is known of who is an ancestor of whom.

use super::removal::Search;
use crate::knowledge::{Knowledge, Window};

/// For each ordered pair of nodes: is the first an ancestor of the second? Answers never change, and hold at every moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    window: Window,
    ancestor: Vec<Option<bool>>,
    /// Causes to condition on, by node: ancestors that were adjacent at the end of the last round.
    causes: Vec<Vec<usize>>,
}

impl Facts {
    /// Time's order, and what knowledge forbids and requires.
    pub(super) fn of_knowledge(knowledge: &Knowledge) -> Self {
        let window = knowledge.window();
        let nodes = window.nodes();
        let ancestor = (0..nodes * nodes)
            .map(|k| (k / nodes, k % nodes))
            .map(|(i, j)| {
                if knowledge.requires(i, j) {
                    Some(true)
                } else if i == j || knowledge.forbids(i, j) {
                    Some(false)
                } else {
                    None
                }
            })
            .collect();
        Self { window, ancestor, causes: vec![Vec::new(); nodes] }
    }

    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) fn get(&self, from: usize, to: usize) -> Option<bool> {
        self.ancestor[from * self.window.nodes() + to]
    }

    /// Notes an answer for every moment; what was known before stays. Returns whether it is new.
    pub(super) fn note(&mut self, from: usize, to: usize, answer: bool) -> bool {
        if self.get(from, to).is_some() {
            return false;
        }
        for (i, j) in self.window.copies(from, to) {
            let place = i * self.window.nodes() + j;
            self.ancestor[place] = self.ancestor[place].or(Some(answer));
            // Two different nodes are not each other's ancestors.
            let back = j * self.window.nodes() + i;
            if answer {
                self.ancestor[back] = self.ancestor[back].or(Some(false));
            }
        }
        true
    }

    /// The known causes of a node of the window.
    pub(super) fn causes(&self, node: usize) -> &[usize] {
        &self.causes[node]
    }

    /// Takes the adjacent ancestors of each node as the causes to condition on.
    pub(super) fn keep_causes<T>(&mut self, round: &Search<'_, T>) {
        let nodes = self.window.nodes();
        self.causes = (0..nodes)
            .map(|node| (0..nodes).filter(|c| round.adjacent(*c, node) && self.get(*c, node) == Some(true)).collect())
            .collect();
    }
}
