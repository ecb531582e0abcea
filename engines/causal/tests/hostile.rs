//! Data that no one should have to analyse: a defined answer or a clear error, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_causal::equivalence::{NotAcyclic, cpdag_of, extension_of, structural_hamming_distance};
use atsre_causal::fci;
use atsre_causal::ges::{self, GaussianBic};
use atsre_causal::independence::{
    Contingency, Correlation, CountStatistic, FisherZ, IndependenceTest, MissingFisherZ, Outcome, RandomFeatures, Tail,
};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pattern::Pattern;
use atsre_causal::pc::{self, Compatibility};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn noise(seed: usize, rows: usize) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed as u64);
    (0..rows).map(|_| random.random_range(-1.0..1.0)).collect()
}

fn tables() -> Vec<(&'static str, Vec<Vec<f64>>)> {
    let mut tables = vec![("no columns", vec![]), ("no rows", vec![vec![], vec![], vec![]])];
    for rows in 1..4 {
        tables.push(("few rows", (0..4).map(|c| noise(c, rows)).collect()));
    }
    let (a, b) = (noise(1, 50), noise(2, 50));
    let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    tables.push(("constant", vec![a.clone(), vec![7.0; 50], b.clone(), vec![0.0; 50]]));
    tables.push(("duplicate", vec![a.clone(), a.clone(), b.clone(), b.clone()]));
    tables.push(("collinear", vec![a.clone(), b.clone(), sum, noise(3, 50)]));
    tables.push(("large", vec![a.iter().map(|v| v * 1e300).collect(), b.clone(), noise(4, 50)]));
    tables.push(("small", vec![a.iter().map(|v| v * 1e-300).collect(), b.clone(), noise(4, 50)]));
    tables.push(("gaps", vec![a, b.iter().enumerate().map(|(k, v)| if k % 3 == 0 { f64::NAN } else { *v }).collect()]));
    tables.push(("more columns than rows", (0..14).map(|c| noise(c, 8)).collect()));
    tables
}

fn run_all(test: &dyn IndependenceTest) {
    let nothing = Knowledge::of_time(Window::of_rows(test.variables()));
    for mode in [pc::Mode::Default, pc::Mode::Compatible(Compatibility::default())] {
        let found = pc::run(test, &nothing, &pc::Settings { alpha: 0.05, max_depth: Some(3), mode });
        assert_eq!(found.pattern.nodes(), test.variables());
    }
    for mode in [fci::Mode::Default, fci::Mode::Compatible { every_kind_of_knowledge: false }] {
        let settings = fci::Settings { alpha: 0.05, max_depth: Some(3), max_possible_d_sep: Some(3), mode };
        if mode == fci::Mode::Default || test.variables() < 10 {
            assert_eq!(fci::run(test, &nothing, &settings).pattern.nodes(), test.variables());
        }
    }
}

#[test]
fn every_test_and_algorithm_survives() {
    for (name, table) in tables() {
        let rows = table.first().map_or(0, Vec::len);
        run_all(&FisherZ::new(Correlation::of_columns(&table), rows));
        run_all(&FisherZ::new(Correlation::of_normal_scores(&table), rows));
        run_all(&MissingFisherZ::new(table.clone(), Tail::Exact));
        if let Ok(test) = Contingency::new(&table, CountStatistic::GSquare) {
            run_all(&test);
        }
        if table.len() < 6
            && let Ok(test) = RandomFeatures::new(&table, 1)
        {
            run_all(&test);
        }
        let nothing = Knowledge::of_time(Window::of_rows(table.len()));
        match GaussianBic::new(&table, 0.5) {
            Ok(score) => {
                let settings = ges::Settings { max_parents: Some(4), mode: ges::Mode::Default };
                let found = ges::run(&score, &nothing, &settings);
                assert!(found.score.is_finite(), "{name}: {}", found.score);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn magnitude_changes_no_answer() {
    // Given three columns of which the last is the sum of the others, up to noise
    let (a, b, e) = (noise(1, 200), noise(2, 200), noise(3, 200));
    let sum: Vec<f64> = a.iter().zip(&b).zip(&e).map(|((a, b), e)| a + b + 0.3 * e).collect();
    let nothing = Knowledge::of_time(Window::of_rows(3));
    let run = |table: &[Vec<f64>]| {
        let score = GaussianBic::new(table, 0.5).unwrap();
        let test = FisherZ::new(Correlation::of_columns(table), 200);
        let settings = pc::Settings { alpha: 0.05, max_depth: None, mode: pc::Mode::Default };
        (ges::run(&score, &nothing, &ges::Settings::default()).pattern, pc::run(&test, &nothing, &settings).pattern)
    };
    // When two of them are measured in absurd units, then the graphs are the same.
    let scaled = |v: &[f64], by: f64| v.iter().map(|v| v * by).collect::<Vec<_>>();
    let plain = run(&[a.clone(), b.clone(), sum.clone()]);
    assert_eq!(run(&[scaled(&a, 1e300), scaled(&b, 1e-300), sum]), plain);
    assert!(plain.0.directed(0, 2) && plain.0.directed(1, 2) && plain.1.directed(0, 2));
}

#[test]
fn a_bound_on_parents_means_what_it_says() {
    let causes: Vec<Vec<f64>> = (1..6).map(|c| noise(c, 300)).collect();
    let mut table = causes.clone();
    let e = noise(9, 300);
    table.push((0..300).map(|r| causes.iter().map(|c| c[r]).sum::<f64>() + e[r]).collect());
    let score = GaussianBic::new(&table, 0.5).unwrap();
    let nothing = Knowledge::of_time(Window::of_rows(6));
    let parents = |mode| {
        let found = ges::run(&score, &nothing, &ges::Settings { max_parents: Some(2), mode });
        (0..6).map(|y| (0..6).filter(|x| found.pattern.directed(*x, y)).count()).max().unwrap()
    };
    assert!(parents(ges::Mode::Default) <= 2 && parents(ges::Mode::Compatible) > 2);
}

proptest! {
    /// A class's member has the class, and its distance from itself is nothing.
    #[test]
    fn extensions_stay_in_their_class(present in proptest::collection::vec(any::<bool>(), 21)) {
        let mut graph = Pattern::empty(7);
        let pairs = (0..7).flat_map(|j| (0..j).map(move |i| (i, j)));
        pairs.zip(present).filter(|(_, p)| *p).for_each(|((i, j), _)| graph.orient(i, j));
        let class = cpdag_of(&graph).unwrap();
        let member = extension_of(&class).unwrap();
        prop_assert_eq!(cpdag_of(&member).unwrap(), class.clone());
        prop_assert_eq!(structural_hamming_distance(&class, &class), Some(0));
        let undirected = (0..7).map(|i| (0..i).filter(|j| class.undirected(i, *j)).count()).sum::<usize>();
        prop_assert_eq!(structural_hamming_distance(&class, &graph), Some(undirected));
    }
}

#[test]
fn what_has_no_class_or_no_extension_says_why() {
    let mut cycle = Pattern::empty(3);
    [(0, 1), (1, 2), (2, 0)].iter().for_each(|(i, j)| cycle.orient(*i, *j));
    assert!(matches!(cpdag_of(&cycle), Err(NotAcyclic::Cycle(_))));
    assert!(matches!(cpdag_of(&Pattern::undirected_where(2, |_, _| true)), Err(NotAcyclic::Undirected(0, 1))));
    // A square of undirected edges cannot be directed without a new collider.
    let square = Pattern::undirected_where(4, |i, j| (i + j) % 2 == 1);
    assert_eq!(extension_of(&square).unwrap_err().0.len(), 4);
    assert_eq!(structural_hamming_distance(&square, &cycle), None);
}

/// Says that only these pairs are independent, whatever is given.
struct Apart {
    variables: usize,
    pairs: Vec<(usize, usize)>,
}

impl IndependenceTest for Apart {
    fn variables(&self) -> usize {
        self.variables
    }

    fn test(&self, x: usize, y: usize, _: &[usize]) -> Outcome {
        let apart = self.pairs.contains(&(x.min(y), x.max(y)));
        Outcome { statistic: 1.0, p_value: if apart { 1.0 } else { 0.0 } }
    }
}

fn fci_of(pairs: &[(usize, usize)], mode: fci::Mode) -> fci::Found {
    let test = Apart { variables: 40, pairs: pairs.to_vec() };
    let settings = fci::Settings { alpha: 0.05, max_depth: Some(1), max_possible_d_sep: None, mode };
    fci::run(&test, &Knowledge::of_time(Window::of_rows(40)), &settings)
}

#[test]
fn where_all_are_neighbours_no_set_is_looked_at() {
    for mode in [fci::Mode::Default, fci::Mode::Compatible { every_kind_of_knowledge: false }] {
        let found = fci_of(&[], mode);
        assert!(!found.curtailed && found.removed_late.is_empty(), "{mode:?}");
    }
}

#[test]
fn the_possible_d_sep_step_ends_where_the_sets_are_two_to_the_power_of_the_columns() {
    let found = fci_of(&[(0, 1), (2, 3)], fci::Mode::Default);
    assert!(found.curtailed && found.removed_late.is_empty());
}
