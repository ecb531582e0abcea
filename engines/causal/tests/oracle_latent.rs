//! Told the truth about every independence, PC finds the true CPDAG and FCI the true PAG.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::truth;

use atsre_causal::equivalence::{mag_of, pag_of};
use atsre_causal::fci;
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pattern::Pattern;
use atsre_causal::pc;
use atsre_domain::graph::Mark;
use truth::{Truth, pag_by_enumeration};

const GRAPHS: u64 = 2_000;

fn dag(truth: &Truth) -> Pattern {
    let mut graph = Pattern::empty(truth.nodes);
    truth.edges().into_iter().for_each(|(cause, effect)| graph.orient(cause, effect));
    graph
}

#[test]
fn pc_finds_the_true_cpdag() {
    for seed in 0..GRAPHS {
        // Given a random graph of up to 12 nodes, all observed.
        let truth = Truth::random(seed, 12, 0);
        // When PC asks about its independencies.
        let settings = pc::Settings { alpha: 0.5, max_depth: None, mode: pc::Mode::Default };
        let found = pc::run(&truth, &Knowledge::of_time(Window::of_rows(truth.nodes)), &settings);
        // Then it finds the equivalence class.
        assert_eq!(found.pattern, truth.cpdag(), "seed {seed}: {:?}", truth.edges());
    }
}

#[test]
fn fci_finds_the_true_pag() {
    let mut enumerated = 0;
    let mut latent = 0;
    for seed in 0..GRAPHS {
        // Given a random graph of up to 12 nodes, of which up to 4 are hidden.
        let truth = Truth::random(seed, 12, 4);
        // When FCI asks about the independencies of those that are observed.
        let settings =
            fci::Settings { alpha: 0.5, max_depth: None, max_possible_d_sep: None, mode: fci::Mode::Default };
        let nothing = Knowledge::of_time(Window::of_rows(truth.observed.len()));
        let found = fci::run(&truth, &nothing, &settings).pattern;
        // Then it finds the marks that all equivalent graphs share; where they are too many, those that the rules give.
        let mag = truth.mag();
        let hidden: Vec<bool> = (0..truth.nodes).map(|n| !truth.observed.contains(&n)).collect();
        assert_eq!(mag_of(&dag(&truth), &hidden).unwrap(), mag, "seed {seed}");
        assert_eq!(found, pag_of(&mag), "seed {seed}: {:?} {:?}", truth.edges(), truth.observed);
        if let Some(expected) = pag_by_enumeration(&mag, 3_000) {
            assert_eq!(found, expected, "seed {seed}: {:?} {:?}", truth.edges(), truth.observed);
            enumerated += 1;
        }
        let both =
            |i: usize, j: usize| mag.mark_at(i, j) == Some(Mark::Arrow) && mag.mark_at(j, i) == Some(Mark::Arrow);
        latent += usize::from((0..mag.nodes()).any(|i| (0..i).any(|j| both(i, j))));
    }
    assert!(
        enumerated > 1_000 && latent > 300,
        "{enumerated} classes were enumerated, {latent} graphs had hidden causes"
    );
}
