//! What holds whatever the data: knowledge is kept, nothing causes itself, the order of columns has no influence.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::panels;

use atsre_causal::discover::DiscoverError;
use atsre_causal::knowledge::violations;
use atsre_causal::paths::has_directed_cycle;
use atsre_causal::{DiscoverOptions, Discovery, discover, discover_rows};
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::graph::{BackgroundKnowledge, Mark};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const COLUMNS: usize = 6;

fn names() -> Vec<String> {
    (0..COLUMNS).map(|c| format!("c{c}")).collect()
}

/// Linear relations at random, so dense and noisy that tests contradict each other.
fn messy(seed: u64, rows: usize) -> Vec<Vec<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut table: Vec<Vec<f64>> =
        (0..COLUMNS).map(|_| (0..rows).map(|_| random.random_range(-1.0..1.0)).collect()).collect();
    for to in 1..COLUMNS {
        for from in 0..to {
            let (weight, lag) = (random.random_range(-0.6..0.6), random.random_range(0..2_usize));
            for t in lag..rows {
                let value: f64 = table[from][t - lag];
                table[to][t] += weight * value;
            }
        }
    }
    table
}

fn knowledge() -> impl Strategy<Value = BackgroundKnowledge> {
    let name = || (0..COLUMNS).prop_map(|c| format!("c{c}"));
    let edges = |most: usize| proptest::collection::vec((name(), name()), 0..most);
    let tiers = proptest::collection::vec(proptest::option::of(0_usize..3), COLUMNS);
    (tiers, proptest::collection::vec(0_u32..3, 0..2), edges(4), edges(3)).prop_map(
        |(tier, forbidden_within_tiers, forbidden, required)| {
            let members = |t: usize| (0..COLUMNS).filter(|c| tier[*c] == Some(t)).map(|c| format!("c{c}")).collect();
            BackgroundKnowledge { tiers: (0..3).map(members).collect(), forbidden_within_tiers, forbidden, required }
        },
    )
}

fn holds(known: &BackgroundKnowledge, found: &Result<Discovery, DiscoverError>) -> Result<(), TestCaseError> {
    match found {
        Ok(found) => {
            prop_assert_eq!(violations(known, &found.graph), Vec::<String>::new());
            prop_assert!(found.graph.edges.iter().all(|e| e.source != e.target));
        }
        Err(DiscoverError::Knowledge(why)) => prop_assert!(why.to_string().contains('c')),
        Err(other) => prop_assert!(false, "{}", other),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn knowledge_is_kept_on_rows(known in knowledge(), seed in any::<u64>()) {
        let options = DiscoverOptions { knowledge: known.clone(), bootstrap: 0, alpha: 0.05, ..Default::default() };
        let found = discover_rows(&names(), &messy(seed, 200), &options);
        holds(&known, &found)?;
        if let Ok(found) = &found {
            prop_assert!(!has_directed_cycle(&found.graph));
        }
    }

    #[test]
    fn knowledge_and_time_are_kept_on_series(known in knowledge(), seed in any::<u64>()) {
        let table = messy(seed, 200);
        let columns: Vec<(String, Vec<f64>)> = names().into_iter().zip(table).collect();
        let borrowed: Vec<(&str, Vec<f64>)> = columns.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
        let options = DiscoverOptions { knowledge: known.clone(), bootstrap: 2, alpha: 0.05, max_lag: Some(2), ..Default::default() };
        let found = discover(&panels::panel(&borrowed, FrequencyUnit::Step), &options);
        holds(&known, &found)?;
        if let Ok(found) = &found {
            prop_assert!(!has_directed_cycle(&found.graph));
            let lag = |v: u32| found.graph.variables[v as usize].lag;
            for edge in &found.graph.edges {
                prop_assert!(lag(edge.source) >= lag(edge.target) && lag(edge.target) == 0);
                prop_assert!(lag(edge.source) == 0 || (edge.source_mark, edge.target_mark) == (Mark::Tail, Mark::Arrow));
            }
        }
    }

    #[test]
    fn the_order_of_columns_has_no_influence(seed in any::<u64>(), order in Just((0..COLUMNS).collect::<Vec<_>>()).prop_shuffle()) {
        let table = messy(seed, 150);
        let options = DiscoverOptions { alpha: 0.1, bootstrap: 0, ..Default::default() };
        let edges = |found: &Discovery| {
            let name = |v: u32| found.graph.variables[v as usize].name.clone();
            let mut all: Vec<(String, Mark, String, Mark)> = found.graph.edges.iter().flat_map(|e| {
                let (a, b) = (name(e.source), name(e.target));
                [(a.clone(), e.source_mark, b.clone(), e.target_mark), (b, e.target_mark, a, e.source_mark)]
            }).collect();
            all.sort();
            all
        };
        let plain = discover_rows(&names(), &table, &options).unwrap();
        let shuffled_names: Vec<String> = order.iter().map(|c| names()[*c].clone()).collect();
        let shuffled: Vec<Vec<f64>> = order.iter().map(|c| table[*c].clone()).collect();
        prop_assert_eq!(edges(&plain), edges(&discover_rows(&shuffled_names, &shuffled, &options).unwrap()));
    }
}

#[test]
fn rows_have_confidence_drivers_and_reasons() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut draw = || (0..500).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f64>>();
    let (a, b, noise) = (draw(), draw(), draw());
    let y: Vec<f64> = (0..500).map(|t| a[t] - b[t] + noise[t]).collect();
    let names = ["y", "a", "b", "copy"].map(str::to_owned);
    let copy = a.iter().map(|v| 3.0 * v).collect();
    let found =
        discover_rows(&names, &[y, a, b, copy], &DiscoverOptions { target: Some("y".into()), ..Default::default() })
            .unwrap();
    let mut drivers: Vec<&str> = found.drivers.iter().filter(|d| d.directed).map(|d| d.variable.as_str()).collect();
    drivers.sort_unstable();
    assert_eq!(drivers, ["a", "b"], "a collider orients both");
    assert!(found.drivers.iter().all(|d| d.confidence.unwrap().get() > 0.8));
    assert_eq!(found.left_out.len(), 1);
    assert!(found.interpretation.starts_with("y is driven by"), "{}", found.interpretation);
}
