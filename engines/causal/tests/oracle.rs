//! Told the truth about every independence, PC finds the Markov equivalence class.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use atsre_causal::independence::DSeparation;
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pattern::Pattern;
use atsre_causal::pc::{self, Compatibility, Mode, Settings};
use atsre_domain::graph::BackgroundKnowledge;
use proptest::prelude::*;

/// A directed acyclic graph whose causes have the smaller numbers before `order` renames them.
fn random_graph() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (3_usize..8).prop_flat_map(|nodes| {
        let order = Just((0..nodes).collect::<Vec<_>>()).prop_shuffle();
        let present = proptest::collection::vec(proptest::bool::weighted(0.4), nodes * (nodes - 1) / 2);
        (order, present).prop_map(move |(order, present)| {
            let pairs = (0..nodes).flat_map(|j| (0..j).map(move |i| (i, j)));
            (nodes, pairs.zip(present).filter(|(_, p)| *p).map(|((i, j), _)| (order[i], order[j])).collect())
        })
    })
}

/// Which edges are compelled, by Chickering's (1995) labelling, which knows nothing of colliders or Meek's rules.
fn equivalence_class(nodes: usize, edges: &[(usize, usize)]) -> Pattern {
    let parents = |y: usize| (0..nodes).filter(|x| edges.contains(&(*x, y))).collect::<Vec<_>>();
    let mut order: Vec<usize> = Vec::new();
    while order.len() < nodes {
        let next = (0..nodes).find(|n| !order.contains(n) && parents(*n).iter().all(|p| order.contains(p))).unwrap();
        order.push(next);
    }
    let place = |n: usize| order.iter().position(|o| *o == n).unwrap();
    // Edges by effect, early first; among those of one effect, by cause, late first.
    let mut ordered = edges.to_vec();
    ordered.sort_by_key(|(x, y)| (place(*y), std::cmp::Reverse(place(*x))));
    let mut compelled: Vec<Option<bool>> = vec![None; ordered.len()];
    let number = |x: usize, y: usize| ordered.iter().position(|e| *e == (x, y)).unwrap();
    for k in 0..ordered.len() {
        if compelled[k].is_some() {
            continue;
        }
        let (x, y) = ordered[k];
        let mut done = false;
        for w in parents(x) {
            if compelled[number(w, x)] != Some(true) || done {
                continue;
            }
            if edges.contains(&(w, y)) {
                compelled[number(w, y)] = Some(true);
            } else {
                parents(y).iter().for_each(|p| compelled[number(*p, y)] = Some(true));
                done = true;
            }
        }
        if done {
            continue;
        }
        let other = parents(y).iter().any(|z| *z != x && !edges.contains(&(*z, x)));
        for p in parents(y) {
            let label = &mut compelled[number(p, y)];
            if label.is_none() {
                *label = Some(other);
            }
        }
    }
    let mut pattern = Pattern::undirected_where(nodes, |i, j| edges.contains(&(i, j)) || edges.contains(&(j, i)));
    for (k, (x, y)) in ordered.iter().enumerate() {
        if compelled[k] == Some(true) {
            pattern.orient(*x, *y);
        }
    }
    pattern
}

fn settings(mode: Mode) -> Settings {
    Settings { alpha: 0.05, max_depth: None, mode }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn both_modes_find_the_equivalence_class((nodes, edges) in random_graph()) {
        let oracle = DSeparation::new(nodes, &edges);
        let expected = equivalence_class(nodes, &edges);
        let nothing = Knowledge::of_time(Window::of_rows(nodes));
        for mode in [Mode::Default, Mode::Compatible(Compatibility::default()), Mode::Compatible(Compatibility { stable: false, ..Default::default() })] {
            let found = pc::run(&oracle, &nothing, &settings(mode));
            prop_assert_eq!(&found.pattern, &expected, "{:?} {:?}", mode, edges);
        }
    }

    /// Knowing a true edge's direction may only orient more, and never wrongly.
    #[test]
    fn true_knowledge_orients_more_and_never_wrongly((nodes, edges) in random_graph(), which in any::<prop::sample::Index>()) {
        prop_assume!(!edges.is_empty());
        let names: Vec<String> = (0..nodes).map(|n| format!("v{n}")).collect();
        let (cause, effect) = edges[which.index(edges.len())];
        let known = BackgroundKnowledge { required: vec![(names[cause].clone(), names[effect].clone())], ..Default::default() };
        let knowledge = Knowledge::compile(&known, &names, Window::of_rows(nodes), |_, _| 0).unwrap();
        let found = pc::run(&DSeparation::new(nodes, &edges), &knowledge, &settings(Mode::Default)).pattern;
        let without = equivalence_class(nodes, &edges);
        prop_assert!(found.directed(cause, effect));
        for (i, j) in found.directed_edges() {
            prop_assert!(edges.contains(&(i, j)), "{} -> {} is the wrong way round", i, j);
        }
        for (i, j) in without.directed_edges() {
            prop_assert!(found.directed(i, j));
        }
    }

    /// Over time: a random stationary process, its independencies read off a graph unrolled far enough.
    #[test]
    fn lagged_edges_are_found_with_their_lags(
        lagged in proptest::collection::btree_set((0_usize..3, 0_usize..3, 1_usize..3), 0..4),
        present in proptest::collection::vec(any::<bool>(), 3),
    ) {
        let contemporary: Vec<(usize, usize)> = [(0, 1), (0, 2), (1, 2)].into_iter().zip(present).filter(|(_, p)| *p).map(|(e, _)| e).collect();
        let (columns, max_lag, moments) = (3, 2, 9);
        let truth = Window::lagged(columns, moments - 1);
        let mut edges = Vec::new();
        for late in 0..moments {
            edges.extend(contemporary.iter().map(|(i, j)| (truth.node(*i, late), truth.node(*j, late))));
            for (cause, effect, lag) in lagged.iter().filter(|(_, _, lag)| late + lag < moments) {
                edges.push((truth.node(*cause, late + lag), truth.node(*effect, late)));
            }
        }
        let oracle = DSeparation::new(truth.nodes(), &edges);
        let window = Window::lagged(columns, max_lag);
        let found = pc::run(&oracle, &Knowledge::of_time(window), &settings(Mode::Default)).pattern;
        for (early, late) in window.pairs() {
            let real = edges.contains(&(early, late)) || edges.contains(&(late, early));
            prop_assert_eq!(found.adjacent(early, late), real, "{} {} of {:?} {:?}", early, late, &lagged, &contemporary);
            prop_assert!(!found.directed(late, early) || window.lag(early) == 0, "time runs forwards");
        }
        for (i, j) in found.directed_edges().filter(|(_, j)| window.lag(*j) == 0) {
            prop_assert!(edges.contains(&(i, j)));
        }
    }
}
