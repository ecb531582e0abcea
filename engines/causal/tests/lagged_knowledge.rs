//! Knowledge as a hard invariant, and hostile columns, in the algorithms for non-Gaussian and lagged data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_causal::knowledge::{Knowledge, KnowledgeError, Window, violations};
use atsre_causal::lingam::{EdgeRules, IcaSettings, LingamError, PathMatrix, Prior, VarSettings, direct, ica, var};
use atsre_causal::lpcmci::{self, lpcmci};
use atsre_causal::pcmci::{PlusSettings, Settings, pcmci, pcmci_plus};
use atsre_domain::graph::{BackgroundKnowledge, CausalGraph, Mark};

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    /// Columns that depend on each other and on their past; small whole numbers in every third case, so that exact zeros occur.
    fn columns(&mut self, count: usize, rows: usize, whole: bool) -> Vec<Vec<f64>> {
        let mut columns: Vec<Vec<f64>> = vec![Vec::new(); count];
        for t in 0..rows {
            for c in 0..count {
                let noise = self.below(2001) as f64 / 1000.0 - 1.0;
                let past = if t > 0 { columns[(c + 1) % count][t - 1] } else { 0.0 };
                let same = if c > 0 { columns[c - 1][t] } else { 0.0 };
                let value = 0.4 * past + 0.5 * same + noise;
                columns[c].push(if whole { value.round() } else { value });
            }
        }
        columns
    }

    fn knowledge(&mut self, names: &[String]) -> BackgroundKnowledge {
        let mut known = BackgroundKnowledge::default();
        let count = names.len();
        if self.below(2) == 0 {
            known.tiers = vec![Vec::new(), Vec::new()];
            for name in names {
                let tier = self.below(3);
                if tier < 2 {
                    known.tiers[tier].push(name.clone());
                }
            }
            if self.below(3) == 0 {
                known.forbidden_within_tiers.push(self.below(2) as u32);
            }
        }
        for _ in 0..self.below(4) {
            known.forbidden.push((names[self.below(count)].clone(), names[self.below(count)].clone()));
        }
        for _ in 0..self.below(3) {
            let (a, b) = (self.below(count), self.below(count));
            if a != b {
                known.required.push((names[a].clone(), names[b].clone()));
            }
        }
        known
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|c| format!("c{c}")).collect()
}

#[test]
fn no_answer_breaks_what_is_known() {
    let mut random = Random(11);
    let (mut kept, mut refused) = (0, 0);
    for number in 0..150 {
        let count = 3 + number % 3;
        let names = names(count);
        let columns = random.columns(count, 80, number % 3 == 0);
        let known = random.knowledge(&names);
        let window = Window::lagged(count, 2);
        let compiled = Knowledge::compile(&known, &names, window, |_, _| number % 2);
        let rules = EdgeRules::compile(&known, &names);
        let (Ok(compiled), Ok(rules)) = (compiled, rules) else {
            refused += 1;
            continue;
        };
        kept += 1;
        let sound = |what: &str, graph: &CausalGraph| {
            let broken = violations(&known, graph);
            assert!(broken.is_empty(), "{number}, {what}: {broken:?} with {known:?}");
        };
        let model = direct(&columns, &Prior::Edges(rules.clone())).unwrap();
        sound("DirectLiNGAM", &model.graph(&names));
        let settings =
            VarSettings { lags: 2, prior: Prior::Edges(rules), prune: number % 2 == 0, ..VarSettings::default() };
        let found = var(&columns, &settings).unwrap();
        for (cause, effect) in (0..count * count).map(|k| (k / count, k % count)) {
            let forbidden = compiled.forbids(window.node(cause, 1), effect);
            let free = found.weights[1..].iter().all(|lag| lag[effect][cause] == 0.0);
            assert!(!forbidden || free, "{number}: {cause} {effect}");
        }
        let plain = Settings { max_lag: 2, ..Settings::default() };
        sound("PCMCI", &pcmci(&columns, &plain, &compiled).unwrap().links.graph(&names));
        let plus = PlusSettings { max_lag: 2, alpha: Some(0.1), ..PlusSettings::default() };
        sound("PCMCI+", &pcmci_plus(&columns, &plus, &compiled).unwrap().links.graph(&names));
        let hidden = lpcmci::Settings { max_lag: 2, alpha: 0.1, ..lpcmci::Settings::default() };
        let pattern = lpcmci(&columns, &hidden, &compiled).unwrap().pattern;
        for (i, j) in (0..window.nodes() * window.nodes()).map(|k| (k / window.nodes(), k % window.nodes())) {
            assert!(!(pattern.adjacent(i, j) && compiled.excludes(i, j)), "{number}: {i} {j}");
            assert!(!(compiled.forbids(i, j) && pattern.mark_at(i, j).is_some_and(|m| m != Mark::Arrow)));
            assert!(!compiled.requires(i, j) || pattern.directed(i, j), "{number}: {i} → {j} is required");
        }
    }
    assert!(kept > 60 && refused > 10, "{kept} {refused}");
}

#[test]
fn contradictory_knowledge_is_an_error_that_names_the_edges() {
    let names = names(3);
    let pair = |a: usize, b: usize| (names[a].clone(), names[b].clone());
    let cycle = BackgroundKnowledge { required: vec![pair(0, 1), pair(1, 2), pair(2, 0)], ..Default::default() };
    let error = EdgeRules::compile(&cycle, &names).unwrap_err();
    assert!(matches!(&error, LingamError::Knowledge(KnowledgeError::Cycle { edges }) if edges.contains("c1 → c2")));
    let yes = Some(true);
    let both = PathMatrix::new(&[vec![None, yes], vec![yes, None]]).unwrap();
    let columns = Random(1).columns(2, 50, false);
    let error = direct(&columns, &Prior::Hard(both)).unwrap_err();
    assert_eq!(error, LingamError::Contradiction { paths: "0 → 1, 1 → 0".to_owned() });
    let around = PathMatrix::new(&[vec![None, None, yes], vec![yes, None, None], vec![None, yes, None]]).unwrap();
    let columns = Random(1).columns(3, 50, false);
    let error = direct(&columns, &Prior::Hard(around)).unwrap_err();
    assert_eq!(error, LingamError::Contradiction { paths: "0 → 1, 1 → 2, 2 → 0".to_owned() });
}

#[test]
fn hostile_columns_give_errors_or_finite_answers() {
    let mut random = Random(3);
    let good = random.columns(3, 60, false);
    let scaled = |by: f64| good.iter().map(|c| c.iter().map(|v| v * by).collect()).collect::<Vec<Vec<f64>>>();
    let with = |at: usize, column: Vec<f64>| {
        let mut columns = good.clone();
        columns[at] = column;
        columns
    };
    let mut gap = good[1].clone();
    gap[5] = f64::NAN;
    let mut spread = good.clone();
    spread[0] = spread[0].iter().map(|v| v * 1e300).collect();
    spread[1] = spread[1].iter().map(|v| v * 1e-300).collect();
    let sum: Vec<f64> = good[0].iter().zip(&good[1]).map(|(a, b)| a + b).collect();
    let cases: Vec<Vec<Vec<f64>>> = vec![
        vec![],
        vec![vec![]; 2],
        vec![vec![1.0]; 2],
        vec![vec![1.0, 2.0], vec![2.0, 1.0]],
        vec![vec![1.0, 2.0, 4.0], vec![2.0, 1.0, 3.0]],
        with(1, vec![0.0; 60]),
        with(1, vec![1e300; 60]),
        with(1, good[0].clone()),
        with(2, sum),
        with(1, gap),
        with(1, vec![1.0; 10]),
        scaled(1e300),
        scaled(1e-300),
        spread,
        random.columns(20, 12, false),
        random.columns(3, 30, true),
    ];
    for (number, columns) in cases.iter().enumerate() {
        let finite = |values: &[f64]| assert!(values.iter().all(|v| v.is_finite()), "case {number}");
        let matrix = |rows: &[Vec<f64>]| rows.iter().for_each(|r| finite(r));
        if let Ok(model) = direct(columns, &Prior::Nothing) {
            matrix(&model.weights);
        }
        if let Ok(found) = ica(columns, &IcaSettings::default()) {
            matrix(&found.model.weights);
        }
        if let Ok(found) = var(columns, &VarSettings { lags: 2, ..VarSettings::default() }) {
            found.weights.iter().for_each(|w| matrix(w));
        }
        let window = Window::lagged(columns.len(), 2);
        let knowledge = Knowledge::of_time(window);
        if let Ok(found) = pcmci(columns, &Settings { max_lag: 2, ..Settings::default() }, &knowledge) {
            finite(&found.links.values);
            finite(&found.links.p_values);
        }
        if let Ok(found) = pcmci_plus(columns, &PlusSettings { max_lag: 2, ..PlusSettings::default() }, &knowledge) {
            finite(&found.links.values);
            finite(&found.links.p_values);
        }
        let hidden = lpcmci::Settings { max_lag: 2, max_conditions: 2, ..lpcmci::Settings::default() };
        if let Ok(found) = lpcmci(columns, &hidden, &knowledge) {
            finite(&found.nearest.values().map(|m| m.p_value).collect::<Vec<_>>());
        }
    }
    assert!(direct(&scaled(1e300), &Prior::Nothing).is_ok(), "size alone is no obstacle");
    assert!(matches!(direct(&with(1, good[0].clone()), &Prior::Nothing), Err(LingamError::Collinear { column: 1 })));
}

#[test]
fn icas_own_start_depends_on_the_seed_alone() {
    let columns = Random(9).columns(4, 400, false);
    let run = |seed: u64| ica(&columns, &IcaSettings { seed, ..IcaSettings::default() }).unwrap();
    assert_eq!(run(1), run(1));
    assert!(run(1).converged);
}
