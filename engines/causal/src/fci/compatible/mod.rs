//! FCI as causal-learn 0.1.4.8 answers, behaviour for behaviour, so that results can be compared exactly.
//!
//! Where it departs from Zhang (2008): what the possible-d-sep step finds is known under one order of the pair only; of
//! each size of set the first candidate is never tried; discriminating paths are looked for only after rules 1 to 3 did
//! something; the searches for uncovered paths follow one path to each node; rule 8 is tried for one order of the ends.

mod colour;
mod early_rules;
mod late_rules;
mod paths;
mod possible_d_sep;

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::graph::Mark;

use super::pag::Pag;
use super::sets::Sets;
use super::{Found, Settings};
use crate::independence::{IndependenceTest, Memo};
use crate::knowledge::Knowledge;
use crate::pc;

/// What separated two nodes, by ordered pair.
type Separating = BTreeMap<(usize, usize), BTreeSet<usize>>;

/// What the rules share.
struct Search<'a, T: IndependenceTest + ?Sized> {
    pag: Pag,
    separating: Separating,
    test: Memo<'a, T>,
    knowledge: &'a Knowledge,
    alpha: f64,
}

pub(super) fn run<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    settings: &Settings,
    every_kind_of_knowledge: bool,
) -> Found {
    let nodes = knowledge.window().nodes();
    let memo = Memo::new(test);
    let skeleton = pc::exhaustive_skeleton(&memo, knowledge, settings.alpha, settings.max_depth);
    let mut separating = Separating::new();
    for ((x, y), members) in skeleton.separating {
        separating.insert((y, x), members.clone());
        separating.insert((x, y), members);
    }
    let pag = Pag::of_skeleton(nodes, |i, j| skeleton.adjacent[i * nodes + j]);
    let mut search = Search { pag, separating, test: memo, knowledge, alpha: settings.alpha };
    let mut sets = Sets::all();
    search.orient_colliders();
    let removed_late = search.remove_by_possible_d_sep(settings.max_possible_d_sep, &mut sets);
    search.orient_colliders();
    search.apply_rules(every_kind_of_knowledge);
    let properties = colour::properties(&search.pag);
    let separating =
        search.separating.into_iter().map(|(pair, members)| (pair, members.into_iter().collect())).collect();
    let (nearest, tests) = (search.test.nearest(), search.test.distinct());
    Found {
        pattern: search.pag.into_pattern(),
        nearest,
        separating,
        removed_late,
        properties,
        curtailed: sets.exhausted(),
        tests,
    }
}

impl<T: IndependenceTest + ?Sized> Search<'_, T> {
    fn apply_rules(&mut self, every_kind_of_knowledge: bool) {
        let mut discriminate = every_kind_of_knowledge;
        loop {
            let mut changed = self.rules_1_and_2();
            changed |= self.rule_3();
            if changed || discriminate {
                changed |= self.rule_4();
                discriminate = false;
            }
            changed |= self.rule_5();
            changed |= self.rule_6();
            changed |= self.rule_7();
            changed |= self.rule_8();
            changed |= self.rule_9();
            changed |= self.rule_10();
            if !changed {
                return;
            }
        }
    }

    /// Whether `x *→ y` may be set: the arrow is there, or there is a circle that knowledge does not protect. Knowledge
    /// is only asked where the mark at `x` is no circle.
    fn arrow_allowed(&self, x: usize, y: usize) -> bool {
        match self.pag.pattern().mark_at(y, x) {
            Some(Mark::Arrow) => true,
            Some(Mark::Circle) => self.pag.has(x, y, Mark::Circle) || !self.knowledge.forbids(x, y),
            Some(Mark::Tail) | None => false,
        }
    }

    fn independent(&self, x: usize, y: usize, given: &[usize]) -> bool {
        self.test.test(x, y, given).independent(self.alpha)
    }
}
