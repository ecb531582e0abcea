//! Taking edges out.

use std::collections::BTreeMap;

use super::Settings;
use super::facts::Facts;
use crate::knowledge::{Knowledge, Window};
use crate::pcmci::{LaggedTest, Measured};
use crate::subsets::visit_subsets;

/// One round: a complete graph from which edges are taken.
pub(super) struct Search<'a, T> {
    test: &'a T,
    settings: &'a Settings,
    knowledge: &'a Knowledge,
    window: Window,
    adjacent: Vec<bool>,
    /// Known causes of each node, conditioned on in every test.
    causes: Vec<Vec<usize>>,
    not_ancestor: Vec<bool>,
    pub(super) separating: BTreeMap<(usize, usize), Vec<usize>>,
    pub(super) nearest: BTreeMap<(usize, usize), Measured>,
    pub(super) tests: usize,
}

impl<'a, T> Search<'a, T> {
    /// Every pair that knowledge allows.
    pub(super) fn new(test: &'a T, settings: &'a Settings, knowledge: &'a Knowledge, facts: &Facts) -> Self {
        let window = knowledge.window();
        let nodes = window.nodes();
        let mut adjacent = vec![false; nodes * nodes];
        for (early, late) in window.pairs().filter(|(i, j)| !knowledge.excludes(*i, *j)) {
            for (i, j) in window.copies(early, late) {
                adjacent[i * nodes + j] = true;
                adjacent[j * nodes + i] = true;
            }
        }
        Self {
            test,
            settings,
            knowledge,
            window,
            adjacent,
            causes: (0..nodes).map(|n| facts.causes(n).to_vec()).collect(),
            not_ancestor: (0..nodes * nodes).map(|k| facts.get(k / nodes, k % nodes) == Some(false)).collect(),
            separating: BTreeMap::new(),
            nearest: BTreeMap::new(),
            tests: 0,
        }
    }

    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) fn adjacent(&self, i: usize, j: usize) -> bool {
        self.adjacent[i * self.window.nodes() + j]
    }

    /// The pair as it is kept: the later node at lag 0, the earlier first.
    fn representative(&self, i: usize, j: usize) -> ((usize, usize), usize) {
        let shift = self.window.lag(i).min(self.window.lag(j)) * self.window.columns();
        let (a, b) = (i - shift, j - shift);
        let late_first = self.window.lag(a) < self.window.lag(b) || (self.window.lag(a) == self.window.lag(b) && a < b);
        (if late_first { (b, a) } else { (a, b) }, shift)
    }

    /// What separated two nodes, moved to their moment. `None` where they are adjacent, excluded by knowledge, or where a
    /// member would lie before the window.
    pub(super) fn separating(&self, i: usize, j: usize) -> Option<Vec<usize>> {
        let (pair, shift) = self.representative(i, j);
        let moved: Vec<usize> = self.separating.get(&pair)?.iter().map(|n| n + shift).collect();
        Some(moved)
    }

    fn separate(&mut self, i: usize, j: usize, set: Vec<usize>) {
        let (pair, _) = self.representative(i, j);
        let nodes = self.window.nodes();
        for (a, b) in self.window.copies(pair.0, pair.1) {
            self.adjacent[a * nodes + b] = false;
            self.adjacent[b * nodes + a] = false;
        }
        self.separating.insert(pair, set);
    }
}

impl<T: LaggedTest> Search<'_, T> {
    /// Asks one test. Nodes before the window may be part of it.
    pub(super) fn ask(&mut self, x: usize, y: usize, given: &[usize]) -> Measured {
        self.tests += 1;
        self.test.test(x, y, given)
    }

    pub(super) fn alpha(&self) -> f64 {
        self.settings.alpha
    }

    /// The known causes of both ends.
    fn default_conditions(&self, x: usize, y: usize) -> Vec<usize> {
        let mut given: Vec<usize> = self.causes[x].iter().chain(&self.causes[y]).copied().collect();
        given.retain(|n| *n != x && *n != y);
        given.sort_unstable();
        given.dedup();
        given
    }

    /// The neighbours of `node` that may be its ancestors, the strongest first; never the other end or a known cause.
    fn candidates(&self, node: usize, other: usize, known: &[usize]) -> Vec<usize> {
        let nodes = self.window.nodes();
        let mut found: Vec<usize> = (0..nodes)
            .filter(|n| self.adjacent(*n, node) && *n != other && !known.contains(n))
            .filter(|n| !self.not_ancestor[n * nodes + node])
            .collect();
        let strength =
            |n: usize| self.nearest.get(&self.representative(n, node).0).map_or(f64::INFINITY, |m| m.value.abs());
        found.sort_by(|a, b| strength(*b).total_cmp(&strength(*a)).then(a.cmp(b)));
        found
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        self.window.pairs().filter(|(early, late)| self.adjacent(*early, *late)).collect()
    }

    fn required(&self, x: usize, y: usize) -> bool {
        self.knowledge.requires(x, y) || self.knowledge.requires(y, x)
    }

    /// Tests each pair given growing sets of either end's possible causes and the known causes of both. What one size separates goes
    /// before the next, so that the order of the columns has no influence.
    pub(super) fn remove_by_neighbours(&mut self) {
        let mut size = 0;
        loop {
            let mut larger = false;
            let mut out = Vec::new();
            for (early, late) in self.pairs() {
                let known = self.default_conditions(early, late);
                for (node, other) in [(late, early), (early, late)] {
                    let candidates = self.candidates(node, other, &known);
                    larger |= candidates.len() > size;
                    if let Some(set) = self.separated(early, late, &candidates, size, &known, usize::MAX) {
                        out.push((early, late, set));
                        break;
                    }
                }
            }
            for (early, late, set) in out {
                self.separate(early, late, set);
            }
            size += 1;
            if !larger || size > self.settings.max_conditions {
                return;
            }
        }
    }

    /// The first set of `size` candidates that, with the known causes, separates the pair.
    fn separated(
        &mut self,
        early: usize,
        late: usize,
        candidates: &[usize],
        size: usize,
        known: &[usize],
        mut left: usize,
    ) -> Option<Vec<usize>> {
        let fixed = self.required(early, late);
        let mut found = None;
        visit_subsets(candidates, size, |subset| {
            let given: Vec<usize> = known.iter().chain(subset).copied().collect();
            let measured = self.ask(early, late, &given);
            let nearest = self.nearest.entry((early, late)).or_insert(measured);
            if measured.p_value > nearest.p_value {
                *nearest = measured;
            }
            if measured.p_value > self.settings.alpha && !fixed {
                found = Some(given);
            }
            left -= 1;
            found.is_none() && left > 0
        });
        found
    }

    /// Tests each pair left given sets of the nodes on paths of possible colliders from either end (Spirtes, Glymour and Scheines 2000, p. 144),
    /// as far as they may be ancestors of an end.
    pub(super) fn remove_by_possible_d_sep(&mut self, facts: &Facts) {
        let mut out = Vec::new();
        for (early, late) in self.pairs() {
            let known = self.default_conditions(early, late);
            let mut left = self.settings.max_tests;
            'pair: for (from, to) in [(late, early), (early, late)] {
                let mut candidates = self.possible_d_sep(from, to, facts);
                let possible = |n: usize, end: usize| facts.get(n, end) != Some(false);
                candidates.retain(|n| !known.contains(n) && (possible(*n, from) || possible(*n, to)));
                for size in 0..=candidates.len().min(self.settings.max_conditions) {
                    let before = self.tests;
                    let set = self.separated(early, late, &candidates, size, &known, left.max(1));
                    left = left.saturating_sub(self.tests - before);
                    if let Some(set) = set {
                        out.push((early, late, set));
                        break 'pair;
                    }
                    if left == 0 {
                        break 'pair;
                    }
                }
            }
        }
        for (early, late, set) in out {
            self.separate(early, late, set);
        }
    }

    /// The nodes on paths from `start` on which every inner node is a collider or in a triangle, but for the ends.
    fn possible_d_sep(&self, start: usize, other: usize, facts: &Facts) -> Vec<usize> {
        let nodes = self.window.nodes();
        let arrow_at = |node: usize, from: usize| facts.get(node, from) == Some(false);
        let mut seen = vec![false; nodes * nodes];
        let mut found = vec![false; nodes];
        let mut waiting: Vec<(usize, usize)> = Vec::new();
        for next in (0..nodes).filter(|n| self.adjacent(start, *n)) {
            seen[start * nodes + next] = true;
            waiting.push((start, next));
        }
        while let Some((before, node)) = waiting.pop() {
            found[node] = true;
            for next in (0..nodes).filter(|n| *n != before && *n != start && self.adjacent(node, *n)) {
                let collider = arrow_at(node, before) && arrow_at(node, next);
                if (collider || self.adjacent(before, next)) && !seen[node * nodes + next] {
                    seen[node * nodes + next] = true;
                    waiting.push((node, next));
                }
            }
        }
        (0..nodes).filter(|n| found[*n] && *n != start && *n != other).collect()
    }
}
