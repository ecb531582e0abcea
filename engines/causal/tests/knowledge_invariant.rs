//! Background knowledge holds in every graph that PC, FCI and GES return in their default mode, whatever the data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_causal::fci;
use atsre_causal::ges::{self, GaussianBic};
use atsre_causal::independence::{Correlation, FisherZ};
use atsre_causal::knowledge::{Knowledge, KnowledgeError, Window};
use atsre_causal::pattern::Pattern;
use atsre_causal::pc;
use atsre_domain::graph::{BackgroundKnowledge, Mark};
use proptest::prelude::*;

/// Statements by column number.
#[derive(Clone, Debug)]
struct Statements {
    tier: Vec<Option<usize>>,
    closed: Vec<usize>,
    forbidden: Vec<(usize, usize)>,
    required: Vec<(usize, usize)>,
}

const TIERS: usize = 3;

impl Statements {
    fn known(&self) -> BackgroundKnowledge {
        let name = |c: usize| format!("v{c}");
        let pairs = |edges: &[(usize, usize)]| edges.iter().map(|(a, b)| (name(*a), name(*b))).collect();
        let members = |t: usize| (0..self.tier.len()).filter(|c| self.tier[*c] == Some(t)).map(name).collect();
        BackgroundKnowledge {
            tiers: (0..TIERS).map(members).collect(),
            forbidden_within_tiers: self.closed.iter().map(|t| *t as u32).collect(),
            forbidden: pairs(&self.forbidden),
            required: pairs(&self.required),
        }
    }

    fn refuses(&self, cause: usize, effect: usize) -> bool {
        let by_tier = match (self.tier[cause], self.tier[effect]) {
            (Some(a), Some(b)) => a > b || (a == b && self.closed.contains(&a)),
            _ => false,
        };
        by_tier || self.forbidden.contains(&(cause, effect)) || self.required.contains(&(effect, cause))
    }

    /// What a graph breaks, from the statements alone.
    fn broken(&self, graph: &Pattern) -> Vec<String> {
        let mut broken = Vec::new();
        for a in 0..graph.nodes() {
            for b in graph.neighbours(a).filter(|b| self.refuses(a, *b)) {
                if graph.mark_at(a, b) != Some(Mark::Arrow) {
                    broken.push(format!("{a} may cause {b}"));
                }
                if self.refuses(b, a) {
                    broken.push(format!("{a} and {b} are joined"));
                }
            }
        }
        broken.extend(
            self.required.iter().filter(|(a, b)| !graph.directed(*a, *b)).map(|(a, b)| format!("{a} → {b} is missing")),
        );
        broken
    }
}

fn statements(columns: usize) -> impl Strategy<Value = Statements> {
    let pair = move || (0..columns, 0..columns).prop_filter("two columns", |(a, b)| a != b);
    let tier = proptest::collection::vec(proptest::option::weighted(0.6, 0..TIERS), columns);
    let closed = proptest::collection::vec(0..TIERS, 0..2);
    let forbidden = proptest::collection::vec(pair(), 0..5);
    let required = proptest::collection::vec(pair(), 0..4);
    (tier, closed, forbidden, required).prop_map(|(tier, closed, forbidden, required)| Statements {
        tier,
        closed,
        forbidden,
        required,
    })
}

/// Rows of a linear model with a hidden cause of the first and the last column.
fn table(columns: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let weights = proptest::collection::vec(prop_oneof![Just(0.0), -1.5..1.5_f64], columns * columns);
    let noise = proptest::collection::vec(proptest::collection::vec(-1.0..1.0_f64, columns + 1), 25..60);
    (weights, noise).prop_map(move |(weights, noise)| {
        let mut table = vec![Vec::new(); columns];
        for row in noise {
            let mut values: Vec<f64> = Vec::new();
            for j in 0..columns {
                let shared = if j == 0 || j + 1 == columns { row[columns] } else { 0.0 };
                let sum: f64 = values.iter().enumerate().map(|(i, v)| v * weights[i * columns + j]).sum();
                values.push(row[j] + shared + sum);
            }
            table.iter_mut().zip(values).for_each(|(column, v)| column.push(v));
        }
        table
    })
}

fn data_and_knowledge() -> impl Strategy<Value = (Vec<Vec<f64>>, Statements)> {
    (3_usize..8).prop_flat_map(|columns| (table(columns), statements(columns)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_graph_breaks_what_is_known((table, statements) in data_and_knowledge()) {
        // Given any data and any knowledge that does not contradict itself
        let names: Vec<String> = (0..table.len()).map(|c| format!("v{c}")).collect();
        let contradicts = statements.required.iter().any(|(a, b)| statements.refuses(*a, *b));
        let knowledge = match Knowledge::compile(&statements.known(), &names, Window::of_rows(names.len()), |_, _| 0) {
            Ok(knowledge) => knowledge,
            Err(KnowledgeError::Contradiction { cause, effect, .. }) => {
                let edge = (names.iter().position(|n| *n == cause).unwrap(), names.iter().position(|n| *n == effect).unwrap());
                prop_assert!(contradicts && statements.required.contains(&edge));
                return Ok(());
            }
            Err(KnowledgeError::Cycle { edges }) => {
                let named = statements.required.iter().any(|(a, b)| edges.contains(&format!("v{a} → v{b}")));
                prop_assert!(named, "{}", edges);
                return Ok(());
            }
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        prop_assert!(!contradicts);
        // When each algorithm runs
        let test = FisherZ::new(Correlation::of_columns(&table), table[0].len());
        let by_pc = pc::run(&test, &knowledge, &pc::Settings { alpha: 0.1, max_depth: None, mode: pc::Mode::Default });
        let settings = fci::Settings { alpha: 0.1, max_depth: None, max_possible_d_sep: Some(4), mode: fci::Mode::Default };
        let by_fci = fci::run(&test, &knowledge, &settings);
        let by_ges = ges::run(&GaussianBic::new(&table, 0.5).unwrap(), &knowledge, &ges::Settings::default());
        // Then nothing that is known is broken.
        for (name, graph) in [("pc", &by_pc.pattern), ("fci", &by_fci.pattern), ("ges", &by_ges.pattern)] {
            prop_assert_eq!(statements.broken(graph), Vec::<String>::new(), "{} {:?}", name, statements);
        }
    }

    /// The same columns in another order give the same graph.
    #[test]
    fn the_order_of_columns_does_not_matter((table, _) in data_and_knowledge(), seed in any::<u64>()) {
        let columns = table.len();
        let mut order: Vec<usize> = (0..columns).collect();
        order.sort_by_key(|c| (*c as u64 + 1).wrapping_mul(seed | 1));
        let shuffled: Vec<Vec<f64>> = order.iter().map(|c| table[*c].clone()).collect();
        let run = |table: &[Vec<f64>]| {
            let test = FisherZ::new(Correlation::of_columns(table), table[0].len());
            let nothing = Knowledge::of_time(Window::of_rows(columns));
            let settings = fci::Settings { alpha: 0.05, max_depth: None, max_possible_d_sep: None, mode: fci::Mode::Default };
            fci::run(&test, &nothing, &settings).pattern
        };
        let (plain, moved) = (run(&table), run(&shuffled));
        for i in 0..columns {
            for j in 0..columns {
                prop_assert_eq!(moved.mark_at(i, j), plain.mark_at(order[i], order[j]));
            }
        }
    }
}
