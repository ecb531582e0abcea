//! Every algorithm through the one door: what is known is kept, hostile data give an answer or an error, threads do not matter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::panels;

use std::sync::atomic::{AtomicU64, Ordering};

use atsre_causal::discover::{
    Algorithm, DiscoverError, Progress, Stage, TestChoice, discover_rows_with, discover_with,
};
use atsre_causal::knowledge::violations;
use atsre_causal::pc::{Compatibility, Mode};
use atsre_causal::{DiscoverOptions, Discovery, discover, discover_rows};
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::graph::{BackgroundKnowledge, CausalEdge};
use atsre_domain::panel::Panel;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|c| format!("c{c}")).collect()
}

fn noise(random: &mut ChaCha8Rng, rows: usize) -> Vec<f64> {
    (0..rows).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// Columns that depend on each other and on their past, with a hidden cause of the first and the last; in every third case
/// small whole numbers.
fn messy(seed: u64, columns: usize, rows: usize) -> Vec<Vec<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let hidden = noise(&mut random, rows);
    let mut table: Vec<Vec<f64>> = (0..columns).map(|_| noise(&mut random, rows)).collect();
    for to in 0..columns {
        for from in 0..columns {
            let weight = random.random_range(-0.5..0.5);
            let lag = usize::from(from >= to);
            for t in lag..rows {
                let value: f64 = table[from][t - lag];
                table[to][t] += weight * value;
            }
        }
        if to == 0 || to + 1 == columns {
            table[to].iter_mut().zip(&hidden).for_each(|(v, h)| *v += h);
        }
    }
    if seed.is_multiple_of(3) {
        table.iter_mut().flatten().for_each(|v| *v = (2.0 * *v).round());
    }
    table
}

fn knowledge(seed: u64, names: &[String]) -> BackgroundKnowledge {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
    let mut known = BackgroundKnowledge::default();
    if random.random_bool(0.5) {
        known.tiers = vec![Vec::new(), Vec::new()];
        for name in names {
            if let Some(tier) = known.tiers.get_mut(random.random_range(0..3_usize)) {
                tier.push(name.clone());
            }
        }
        if random.random_bool(0.3) {
            known.forbidden_within_tiers.push(random.random_range(0..2));
        }
    }
    let mut pair = |own: bool| loop {
        let (a, b) = (random.random_range(0..names.len()), random.random_range(0..names.len()));
        if own || a != b {
            break (names[a].clone(), names[b].clone());
        }
    };
    for _ in 0..seed % 4 {
        known.forbidden.push(pair(true));
    }
    for _ in 0..seed % 3 {
        known.required.push(pair(false));
    }
    known
}

fn panel_of(table: &[Vec<f64>]) -> Panel {
    let names = names(table.len());
    let columns: Vec<(&str, Vec<f64>)> = names.iter().map(String::as_str).zip(table.iter().cloned()).collect();
    panels::panel(&columns, FrequencyUnit::Step)
}

/// Both kinds of data with every algorithm that works on them.
fn each(table: &[Vec<f64>], options: &DiscoverOptions) -> Vec<(Algorithm, Result<Discovery, DiscoverError>)> {
    let mut found = Vec::new();
    for algorithm in Algorithm::ALL {
        let options = DiscoverOptions { algorithm: Some(algorithm), ..options.clone() };
        if algorithm.works_on_rows() {
            found.push((algorithm, discover_rows(&names(table.len()), table, &options)));
        }
        if algorithm.works_on_series() && !table.is_empty() {
            found.push((algorithm, discover(&panel_of(table), &options)));
        }
    }
    found
}

#[test]
fn no_algorithm_ever_breaks_what_is_known() {
    let (mut kept, mut refused) = (0, 0);
    for seed in 0..90 {
        // Given any data and any knowledge
        let columns = 3 + (seed % 3) as usize;
        let known = knowledge(seed, &names(columns));
        let options = DiscoverOptions {
            knowledge: known.clone(),
            bootstrap: (seed % 2) as u32,
            alpha: 0.1,
            max_lag: Some(2),
            season_lengths: Some(Vec::new()),
            ..Default::default()
        };
        // When every algorithm, and the choice from the data, is asked
        let table = messy(seed, columns, 90);
        let mut found: Vec<(String, Result<Discovery, DiscoverError>)> =
            each(&table, &options).into_iter().map(|(a, f)| (a.name().to_owned(), f)).collect();
        found.push(("rows".to_owned(), discover_rows(&names(columns), &table, &options)));
        found.push(("series".to_owned(), discover(&panel_of(&table), &options)));
        // Then nothing that is known is broken, and what is refused contradicts itself or names what was left out.
        for (name, found) in found {
            match found {
                Ok(found) => {
                    kept += 1;
                    assert_eq!(violations(&known, &found.graph), Vec::<String>::new(), "{seed} {name} {known:?}");
                }
                Err(DiscoverError::Knowledge(why)) => {
                    refused += 1;
                    assert!(why.to_string().contains('c'), "{why}");
                }
                Err(other) => panic!("{seed} {name}: {other}: {:?}", std::error::Error::source(&other)),
            }
        }
    }
    assert!(kept > 400 && refused > 60, "{kept} {refused}");
}

#[test]
fn hostile_data_give_an_answer_or_an_error() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let good: Vec<Vec<f64>> = (0..4).map(|_| noise(&mut random, 60)).collect();
    let with = |column: Vec<f64>| [good.clone(), vec![column]].concat();
    let sum: Vec<f64> = good[0].iter().zip(&good[1]).map(|(a, b)| a + b).collect();
    let gaps: Vec<f64> = good[0].iter().enumerate().map(|(k, v)| if k % 4 == 0 { f64::NAN } else { *v }).collect();
    let scaled = |by: f64| good.iter().map(|c| c.iter().map(|v| v * by).collect()).collect::<Vec<Vec<f64>>>();
    let mut mixed = good.clone();
    mixed[0].iter_mut().for_each(|v| *v *= 1e300);
    mixed[1].iter_mut().for_each(|v| *v *= 1e-300);
    let wide: Vec<Vec<f64>> = (0..14).map(|_| noise(&mut random, 8)).collect();
    let tables = [
        ("no columns", vec![]),
        ("no rows", vec![vec![]; 3]),
        ("one row", vec![vec![1.0]; 3]),
        ("two rows", vec![vec![1.0, 2.0]; 3]),
        ("three rows", vec![vec![1.0, 2.0, 4.0]; 3]),
        ("one column", vec![good[0].clone()]),
        ("constant", with(vec![7.0; 60])),
        ("all constant", vec![vec![7.0; 60]; 3]),
        ("zero", vec![vec![0.0; 60]; 3]),
        ("duplicate", with(good[1].clone())),
        ("collinear", with(sum)),
        ("gaps", with(gaps)),
        ("all missing", with(vec![f64::NAN; 60])),
        ("infinite", with([vec![f64::INFINITY, f64::NEG_INFINITY], good[0][2..].to_vec()].concat())),
        ("large", scaled(1e300)),
        ("largest", scaled(1.7e308)),
        ("small", scaled(1e-300)),
        ("denormal", scaled(1e-320)),
        ("of all sizes", mixed),
        ("more columns than rows", wide),
    ];
    for (name, table) in &tables {
        for mode in [Mode::Default, Mode::Compatible(Compatibility::default())] {
            let options = DiscoverOptions { bootstrap: 2, mode, max_lag: Some(2), ..Default::default() };
            let mut found = each(table, &options);
            found.push((
                Algorithm::Pc,
                discover_rows(&names(table.len()), table, &DiscoverOptions { algorithm: None, ..options.clone() }),
            ));
            for (algorithm, found) in found {
                match found {
                    Ok(found) => sound(&found, &format!("{name} {algorithm:?}")),
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
        }
        for test in TestChoice::ALL {
            let options = DiscoverOptions {
                bootstrap: 1,
                algorithm: Some(Algorithm::Pc),
                test: Some(test),
                ..Default::default()
            };
            if let Ok(found) = discover_rows(&names(table.len()), table, &options) {
                sound(&found, &format!("{name} {test:?}"));
            }
        }
    }
    // Size alone is no obstacle.
    for (name, table) in tables.iter().filter(|(name, _)| ["large", "small", "of all sizes"].contains(name)) {
        for (algorithm, found) in each(table, &DiscoverOptions { bootstrap: 0, max_lag: Some(1), ..Default::default() })
        {
            let scale = matches!(&found, Err(DiscoverError::Model { .. }));
            assert!(found.is_ok() || scale, "{name} {algorithm:?}: {:?}", found.err());
        }
    }
}

fn sound(found: &Discovery, what: &str) {
    let text = serde_json::to_string(found).unwrap();
    assert!(!text.contains("NaN"), "{what}");
    for edge in &found.graph.edges {
        assert!(edge.source != edge.target && (edge.target as usize) < found.graph.variables.len(), "{what}");
        assert!(edge.confidence.is_none_or(|c| (0.0..=1.0).contains(&c.get())), "{what}");
    }
}

#[test]
fn one_thread_and_two_find_the_same_to_the_last_bit() {
    let table = messy(4, 4, 200);
    let options =
        DiscoverOptions { bootstrap: 6, max_lag: Some(2), target: Some("c2".to_owned()), ..Default::default() };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut found = each(&table, &options);
            found.push((Algorithm::Pc, discover_rows(&names(4), &table, &options)));
            found.into_iter().map(|(_, f)| serde_json::to_string(&f.unwrap()).unwrap()).collect::<Vec<_>>()
        })
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert!(one.iter().all(|text| text.contains("\"frequencies\"")), "every one is drawn again");
}

/// y = 200 a − 100 b + e, a → c.
fn known_effects(rows: usize) -> Vec<Vec<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (a, b, e, f) =
        (noise(&mut random, rows), noise(&mut random, rows), noise(&mut random, rows), noise(&mut random, rows));
    let y: Vec<f64> = (0..rows).map(|t| 100.0 * (2.0 * a[t] - b[t] + 0.5 * e[t])).collect();
    let c: Vec<f64> = (0..rows).map(|t| 3.0 * a[t] + f[t]).collect();
    vec![y, a, b, c]
}

#[test]
fn drivers_have_effects_with_intervals() {
    // Given y = 200 a − 100 b + e among others
    let table = known_effects(2_000);
    let names = ["y", "a", "b", "c"].map(str::to_owned);
    for algorithm in [Algorithm::DirectLingam, Algorithm::IcaLingam] {
        let options = DiscoverOptions {
            algorithm: Some(algorithm),
            target: Some("y".to_owned()),
            bootstrap: 10,
            ..Default::default()
        };
        // When its drivers are looked for
        let found = discover_rows(&names, &table, &options).unwrap();
        // Then each has its effect in its own units, and an interval that holds the truth.
        let of = |name: &str| found.drivers.iter().find(|d| d.variable == name).unwrap();
        for (name, truth) in [("a", 200.0), ("b", -100.0)] {
            let effect = of(name).effect.clone().unwrap();
            assert!(of(name).directed && !effect.in_deviations);
            assert!(effect.low.get() < truth && truth < effect.high.get(), "{algorithm:?} {name} {effect:?}");
            assert!(effect.high.get() - effect.low.get() < 30.0, "{effect:?}");
        }
        assert!(found.interpretation.contains("95 %"), "{}", found.interpretation);
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_says_what_to_use() {
    let table = messy(1, 3, 80);
    let panel = panel_of(&table);
    let ask = |algorithm, test, mode| DiscoverOptions { algorithm, test, mode, bootstrap: 0, ..Default::default() };
    let default = Mode::Default;
    let compatible = Mode::Compatible(Compatibility::default());
    let rows = |options: &DiscoverOptions| discover_rows(&names(3), &table, options).unwrap_err().to_string();
    let series = |options: &DiscoverOptions| discover(&panel, options).unwrap_err().to_string();
    for (algorithm, instead) in
        [(Algorithm::VarLingam, "direct-lingam"), (Algorithm::Lpcmci, "fci"), (Algorithm::Granger, "pc")]
    {
        assert!(rows(&ask(Some(algorithm), None, default)).contains(instead));
    }
    for (algorithm, instead) in
        [(Algorithm::Fci, "lpcmci"), (Algorithm::Ges, "pcmci-plus"), (Algorithm::IcaLingam, "var-lingam")]
    {
        assert!(series(&ask(Some(algorithm), None, default)).contains(instead));
    }
    assert!(rows(&ask(Some(Algorithm::Ges), Some(TestChoice::Kernel), default)).contains("asks no test"));
    assert!(series(&ask(Some(Algorithm::Pcmci), Some(TestChoice::Kernel), default)).contains("use pc"));
    assert!(series(&ask(None, Some(TestChoice::GSquare), default)).contains("use fisher-z"));
    assert!(series(&ask(Some(Algorithm::Lpcmci), None, compatible)).contains("default mode"));
    assert!(series(&ask(Some(Algorithm::Pc), None, compatible)).contains("default mode"));
    let twice = discover_rows(&["a".to_owned(), "a".to_owned()], &table[..2], &DiscoverOptions::default()).unwrap_err();
    assert_eq!(twice, DiscoverError::Repeated("a".to_owned()));
}

#[test]
fn the_compatible_mode_is_the_algorithms_own() {
    use atsre_causal::independence::{Correlation, FisherZ, Tail};
    use atsre_causal::knowledge::{Knowledge, Window};
    // Given rows
    let table = messy(2, 6, 300);
    let compatibility = Compatibility::default();
    let options =
        DiscoverOptions { mode: Mode::Compatible(compatibility), bootstrap: 0, alpha: 0.05, ..Default::default() };
    // When PC runs through discovery and by itself
    let found = discover_rows(&names(6), &table, &options).unwrap();
    let test = FisherZ::new(Correlation::of_columns(&table), 300).with_tail(Tail::OneMinus);
    let settings = atsre_causal::pc::Settings { alpha: 0.05, max_depth: None, mode: options.mode };
    let alone = atsre_causal::pc::run(&test, &Knowledge::of_time(Window::of_rows(6)), &settings);
    // Then the graphs are the same, mark by mark.
    let joined =
        (0..6).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|(i, j)| alone.pattern.adjacent(*i, *j)).count();
    assert_eq!(found.graph.edges.len(), joined);
    for CausalEdge { source, target, source_mark, target_mark, .. } in &found.graph.edges {
        assert_eq!(alone.pattern.mark_at(*source as usize, *target as usize), Some(*source_mark));
        assert_eq!(alone.pattern.mark_at(*target as usize, *source as usize), Some(*target_mark));
    }
}

struct Followed {
    samples: AtomicU64,
    cancel_at: u64,
}

impl Progress for Followed {
    fn advanced(&self, stage: Stage, _done: u64, _of: Option<u64>) {
        if stage == Stage::Confidence {
            self.samples.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn cancelled(&self) -> bool {
        self.samples.load(Ordering::Relaxed) >= self.cancel_at
    }
}

#[test]
fn a_discovery_can_be_followed_and_ended() {
    let table = messy(5, 4, 120);
    let follow = |cancel_at| Followed { samples: AtomicU64::new(0), cancel_at };
    for algorithm in Algorithm::ALL {
        let options =
            DiscoverOptions { algorithm: Some(algorithm), bootstrap: 8, max_lag: Some(1), ..Default::default() };
        let run = |progress: &Followed| {
            if algorithm.works_on_rows() {
                discover_rows_with(&names(4), &table, &options, progress)
            } else {
                discover_with(&panel_of(&table), &options, progress)
            }
        };
        let to_the_end = follow(u64::MAX);
        assert!(run(&to_the_end).is_ok(), "{algorithm:?}");
        assert_eq!(to_the_end.samples.load(Ordering::Relaxed), 8, "{algorithm:?}");
        assert_eq!(run(&follow(0)).unwrap_err(), DiscoverError::Cancelled, "{algorithm:?}");
        assert_eq!(run(&follow(3)).unwrap_err(), DiscoverError::Cancelled, "{algorithm:?}");
    }
}
