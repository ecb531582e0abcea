#![allow(clippy::unwrap_used)]

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::{Panel, Series};

use super::budget::{Budget, declared_seconds};
use super::candidates::{Situation, candidates};
use super::evaluation::{is_intermittent, offsets};
use super::periods;
use super::prior;
use super::weights::{Board, Rule};
use crate::registry::Registry;
use crate::view::TrainingView;

/// One cell a window for each series, from one error each.
fn row(errors: &[&[Option<f64>]]) -> Vec<Vec<Option<[f64; 2]>>> {
    errors.iter().map(|own| own.iter().map(|e| e.map(|e| [e, e])).collect()).collect()
}

#[test]
fn the_smaller_error_gets_the_larger_weight_and_weights_sum_to_one() {
    // given three candidates on two series of two windows
    let rows = vec![
        row(&[&[Some(1.0), Some(1.0)], &[Some(2.0), Some(2.0)]]),
        row(&[&[Some(2.0), Some(2.0)], &[Some(1.0), Some(1.0)]]),
        row(&[&[Some(9.0), Some(9.0)], &[Some(9.0), Some(9.0)]]),
    ];
    // when they are weighed
    let weights = Board { rows }.weights(&[Rule::PLAIN; 2], &[0.0; 3], &[0], &[]);
    // then each series prefers its own best, and the bad one weighs least
    assert!(weights[0][0] > weights[0][1] && weights[0][1] > weights[0][2], "{weights:?}");
    assert!(weights[1][1] > weights[1][0] && weights[1][0] > weights[1][2], "{weights:?}");
    assert!(weights.iter().all(|w| (w.iter().sum::<f64>() - 1.0).abs() < 1e-12));
}

#[test]
fn a_series_without_windows_is_weighed_by_the_panel_and_a_panel_without_windows_by_the_standard() {
    let rows = vec![row(&[&[Some(1.0)], &[Some(1.0)], &[None]]), row(&[&[Some(3.0)], &[Some(3.0)], &[None]])];
    let weights = Board { rows }.weights(&[Rule::LONG; 3], &[0.0; 2], &[0], &[]);
    assert!(weights[2][0] > weights[2][1] && weights[2][1] > 0.0, "{weights:?}");
    let rows = vec![row(&[&[None]]), row(&[&[None]]), row(&[&[None]])];
    assert_eq!(Board { rows }.weights(&[Rule::PLAIN], &[0.0; 3], &[0, 2], &[]), [[0.5, 0.0, 0.5]]);
}

#[test]
fn outsiders_have_their_share_unless_they_err_far_more() {
    // given two candidates that do well, one that errs 40 % more and one that errs three times as much, alone with its few
    // members
    let rule = Rule { prior_windows: 0.0, prior_series: 0.0, sharpness: 100.0, most_members: 2 };
    let rows = [1.0, 1.0, 1.4, 3.0].map(|e| row(&[&[Some(e)]])).to_vec();
    let board = Board { rows };
    // when the last two are outsiders
    let weights = board.weights(&[rule], &[0.0; 4], &[0], &[(2, 0.1), (3, 0.2)]);
    // then the nearer has its share of the whole, and the farther none
    for (weight, expect) in weights[0].iter().zip([0.45, 0.45, 0.1, 0.0]) {
        assert!((weight - expect).abs() < 1e-12, "{weights:?}");
    }
}

#[test]
fn a_dismissed_candidate_has_no_weight() {
    // given a candidate that was dismissed after its first window, however good it was there
    let rows = vec![row(&[&[Some(1.0), Some(1.0)]]), row(&[&[Some(0.1), None]])];
    let mut board = Board { rows };
    board.dismiss(1);
    assert_eq!(board.weights(&[Rule::PLAIN], &[0.0; 2], &[], &[]), [[1.0, 0.0]]);
}

#[test]
fn a_window_that_only_the_last_value_could_forecast_does_not_count() {
    // given a series whose earliest window was too early for all candidates but one, which was bad on the others
    let rows = vec![
        row(&[&[Some(5.0), Some(5.0), Some(0.1)]]),
        row(&[&[Some(1.0), Some(1.0), None]]),
        row(&[&[Some(2.0), Some(2.0), None]]),
    ];
    // when candidates are weighed, then that one does not win by having been there
    let weights = Board { rows }.weights(&[Rule::LONG], &[0.0; 3], &[], &[]);
    assert!(weights[0][1] > weights[0][2] && weights[0][2] > weights[0][0], "{weights:?}");
}

#[test]
fn what_is_known_before_decides_where_little_is_seen() {
    // given one short series on which two candidates were equal, one of which is known to be better
    let rows = vec![row(&[&[Some(1.0)]]), row(&[&[Some(1.0)]])];
    let expected = [prior::expected("seasonal-naive", true), prior::expected("auto-ets", true)];
    let weights = Board { rows }.weights(&[Rule::PLAIN], &expected, &[], &[]);
    assert!(weights[0][1] > 2.0 * weights[0][0], "{weights:?}");
    assert!((prior::expected("a model that nobody knows", true)).abs() < 1e-12);
}

#[test]
fn hopeless_and_perfect_candidates_are_told() {
    let rows = vec![row(&[&[Some(1.0)], &[Some(2.0)]]), row(&[&[Some(4.0)], &[Some(2.0)]])];
    let board = Board { rows };
    assert!((board.lag_behind(1, 0).unwrap() - 2.0).abs() < 1e-12);
    assert!(!board.nothing_left_to_gain());
    assert!(Board { rows: vec![row(&[&[Some(0.0)], &[Some(0.0)]])] }.nothing_left_to_gain());
    assert!(!Board::default().nothing_left_to_gain());
}

#[test]
fn windows_leave_enough_to_learn_from() {
    // long: whole horizons apart; short: closer; very short: one
    assert_eq!(offsets(1_000, 48, 24), [48, 96, 144]);
    assert_eq!(offsets(72, 18, 12), [18, 28, 38, 48]);
    assert_eq!(offsets(20, 6, 1), [6, 8, 10, 12]);
    assert_eq!(offsets(8, 6, 1), [6]);
    assert_eq!(offsets(15, 6, 1), [6, 7]);
}

#[test]
fn the_budget_counts_declared_seconds() {
    let mut budget = Budget::new(10.0, 5);
    assert!(budget.affords(10.0) && !budget.affords(10.1));
    budget.spend(7.0);
    assert!(budget.affords(3.0) && !budget.affords(3.1));
    budget.spend(100.0);
    assert!(!budget.affords(0.1));
    assert!(Budget::new(0.0, 100).affords(60.0));
    let cost = crate::catalogue::entry("theta").unwrap().cost;
    let expect = cost.fixed_seconds + 3.0 * cost.seconds_per_million;
    assert!((declared_seconds(&cost, 1_000_000, 3) - expect).abs() < 1e-12);
}

fn panel(unit: FrequencyUnit, season: usize, length: usize) -> Panel {
    let value = |t: usize| (std::f64::consts::TAU * t as f64 / season as f64).sin() + (t * t % 7) as f64 * 0.01;
    Panel {
        target: "y".to_string(),
        frequency: Frequency::every(unit),
        covariates: Vec::new(),
        series: vec![Series {
            item_id: "a".to_string(),
            times: (0..length as i64).map(|t| Timestamp(t * 3_600_000_000)).collect(),
            target: (0..length).map(value).collect(),
            covariates: Vec::new(),
        }],
    }
}

#[test]
fn longer_seasons_come_from_the_calendar_or_the_data() {
    let seasons = |unit, season, length, plan| {
        let panel = panel(unit, season, length);
        periods::longer(&TrainingView::of_panel(&panel, 1), plan)
    };
    assert_eq!(seasons(FrequencyUnit::Hour, 24, 700, 24), [168]);
    assert_eq!(seasons(FrequencyUnit::Hour, 24, 300, 24), Vec::<usize>::new());
    assert_eq!(seasons(FrequencyUnit::Step, 52, 400, 1), [52]);
    assert_eq!(seasons(FrequencyUnit::Step, 52, 100, 1), Vec::<usize>::new());
    assert_eq!(seasons(FrequencyUnit::Month, 12, 200, 12), Vec::<usize>::new());
}

#[test]
fn candidates_are_all_buildable_and_ascend_in_cost() {
    let registry = Registry::classical();
    for (series, intermittent, season_length) in [(1, 0, 1), (40, 9, 12), (5_000, 0, 24)] {
        let situation = Situation { season_length, more_seasons: vec![168], series, typical_length: 500, intermittent };
        let all = candidates(&registry, &situation);
        assert!(all.len() > 10);
        assert_eq!(all.iter().any(|c| c.intermittent), intermittent > 0);
        assert!(all.iter().all(|c| c.build(&registry).is_ok()));
        let costs: Vec<f64> = all.iter().map(|c| c.cost.fixed_seconds + c.cost.seconds_per_million).collect();
        assert!(costs.is_sorted());
        assert!(all.iter().all(|c| !c.label.starts_with("auto,") && c.label != "auto"));
        let labels: std::collections::BTreeSet<_> = all.iter().map(|c| &c.label).collect();
        assert_eq!(labels.len(), all.len());
    }
}

#[test]
fn mostly_zeros_are_intermittent() {
    assert!(is_intermittent(&[0.0, 0.0, 3.0, f64::NAN, 1.0]));
    assert!(!is_intermittent(&[1.0, 2.0, 0.0, 1.0, 4.0]));
    assert!(!is_intermittent(&[]));
}
