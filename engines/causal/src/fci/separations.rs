//! Everything that separates a pair, and what it says of the nodes between them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::pag::Pag;
use crate::independence::IndependenceTest;
use crate::subsets::visit_subsets;

/// For each node, how many separating sets of a pair hold it; and how many sets there are.
type Votes = (Vec<usize>, usize);

/// What separates two nodes that are not adjacent: every set of neighbours of either that does, up to the size that the
/// skeleton tried; and where there is none, the set that removed their edge.
pub(super) struct Separations<'a, T: IndependenceTest + ?Sized> {
    test: &'a T,
    alpha: f64,
    depth: usize,
    recorded: &'a BTreeMap<(usize, usize), Vec<usize>>,
    neighbours: Vec<Vec<usize>>,
    votes: RefCell<BTreeMap<(usize, usize), Votes>>,
    tests: RefCell<usize>,
}

impl<'a, T: IndependenceTest + ?Sized> Separations<'a, T> {
    pub(super) fn new(
        test: &'a T,
        alpha: f64,
        depth: usize,
        recorded: &'a BTreeMap<(usize, usize), Vec<usize>>,
        pag: &Pag,
    ) -> Self {
        let neighbours = (0..pag.nodes()).map(|n| pag.neighbours(n).to_vec()).collect();
        Self { test, alpha, depth, recorded, neighbours, votes: RefCell::default(), tests: RefCell::new(0) }
    }

    /// How many tests were asked.
    pub(super) fn tests(&self) -> usize {
        *self.tests.borrow()
    }

    /// Whether most sets that separate `x` from `z` hold `y` (`true`) or most do not; `None` where they are even, or there
    /// are none (majority rule: Colombo and Maathuis 2014, §4.2).
    pub(super) fn held_by_most(&self, x: usize, y: usize, z: usize) -> Option<bool> {
        let pair = (x.min(z), x.max(z));
        let mut votes = self.votes.borrow_mut();
        let (holding, all) = votes.entry(pair).or_insert_with(|| self.count(pair));
        match (2 * holding[y]).cmp(all) {
            std::cmp::Ordering::Greater => Some(true),
            std::cmp::Ordering::Less => Some(false),
            std::cmp::Ordering::Equal => None,
        }
    }

    fn count(&self, (x, z): (usize, usize)) -> Votes {
        let (mut holding, mut all) = (vec![0; self.neighbours.len()], 0);
        let mut vote = |given: &[usize]| {
            given.iter().for_each(|n| holding[*n] += 1);
            all += 1;
        };
        let sides = [&self.neighbours[x], &self.neighbours[z]];
        for (turn, side) in sides.iter().enumerate() {
            for size in 0..=self.depth.min(side.len()) {
                visit_subsets(side, size, |given| {
                    let asked = turn == 1 && given.iter().all(|n| sides[0].contains(n));
                    if !asked {
                        *self.tests.borrow_mut() += 1;
                        if self.test.test(x, z, given).independent(self.alpha) {
                            vote(given);
                        }
                    }
                    true
                });
            }
        }
        if all == 0
            && let Some(given) = self.recorded.get(&(x, z))
        {
            given.iter().for_each(|n| holding[*n] += 1);
            all = 1;
        }
        (holding, all)
    }
}

impl<T: IndependenceTest + ?Sized> Evidence for Separations<'_, T> {
    fn non_collider(&self, a: usize, b: usize, c: usize) -> bool {
        self.held_by_most(a, b, c) == Some(true)
    }

    fn on_discriminating_path(&self, d: usize, _a: usize, b: usize, c: usize) -> Option<bool> {
        self.held_by_most(d, b, c)
    }
}
