//! What a backtest lets a model see, and what its windows are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::common;

use std::sync::Mutex;

use atsre_domain::model::ModelSpec;
use atsre_forecast::{
    FitTask, ForecastError, Forecaster, History, PredictRequest, Refit, Registry, Scheme, SeriesForecast, Silent,
    TrainingView, run_with,
};
use common::{HORIZON, job, panel, series};

/// A value that no honest history has.
const PLANTED: f64 = 1e9;

/// Looks everywhere it can, and writes down the largest value that it saw and how many observations.
struct Spy;

static SEEN: Mutex<Vec<(f64, usize)>> = Mutex::new(Vec::new());

fn look(view: &TrainingView<'_>) {
    for series in view.iter() {
        let covariates = view.covariates().count();
        let everything = series.target().iter().chain((0..covariates).flat_map(|c| series.covariate(c)));
        let largest = everything.copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        SEEN.lock().unwrap().push((largest, series.target().len()));
        // A narrowed view is no way around: origins only move back.
        let (narrowed, _) = view.earlier(0, |_| true);
        assert!(narrowed.iter().all(|s| s.target().len() <= s.origin()));
    }
}

impl Forecaster for Spy {
    fn name(&self) -> &'static str {
        "spy"
    }
    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }
    fn minimum_length(&self, _horizon: usize, _season_length: usize) -> usize {
        1
    }
    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        look(task.view);
        Ok(())
    }
    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        look(request.view);
        let one = |s: atsre_forecast::SeriesView<'_>| {
            Ok(SeriesForecast {
                item_id: s.item_id().to_string(),
                times: s.future_times(request.horizon)?,
                mean: vec![s.target().len() as f64; request.horizon],
                quantiles: vec![vec![0.0; request.horizon]; request.quantile_levels.len()],
            })
        };
        request.view.iter().map(one).collect()
    }
}

fn registry() -> Registry {
    let mut registry = Registry::classical();
    registry.register("spy", |_: &ModelSpec| Ok(Box::new(Spy)));
    registry
}

#[test]
fn a_planted_leak_is_never_seen() {
    // given a target and a past covariate that give the answer away from the first window's origin on, and a holdout
    for (gap, history) in [(0, History::Expanding), (2, History::Expanding), (1, History::Sliding(20))] {
        SEEN.lock().unwrap().clear();
        let mut leaky = job("spy", panel(vec![series("a", 100, 1)]));
        leaky.backtest.windows = 1;
        leaky.holdout = 100 - 50;
        let first = 50 - HORIZON - gap as usize;
        let data = &mut leaky.panel.series[0];
        data.target[first..].fill(PLANTED);
        data.covariates[1][first..].fill(PLANTED);
        // when a spy looks at all that a window shows (the forecast after the last origin may see the window's values)
        let result = run_with(&leaky, Scheme { gap, history }, &registry(), &Silent).unwrap();
        // then it saw nothing of them while it forecast the window: its fit and its prediction come first
        let seen = SEEN.lock().unwrap().clone();
        assert!(seen[..2].iter().all(|(largest, _)| *largest < PLANTED), "{gap} {history:?} {seen:?}");
        // and what it was judged by is what was planted: the leak was there to be seen
        assert!(result.windows[0].actual.iter().all(|y| (*y - PLANTED).abs() < 1.0));
        // and nothing of the holdout was ever shown
        assert!(seen.iter().all(|(_, length)| *length <= 50));
    }
    gaps_and_sliding_histories_are_what_they_say();
}

/// Part of the test above, because the spy's notes are shared.
fn gaps_and_sliding_histories_are_what_they_say() {
    // given three windows two steps apart with a gap of 3 and histories of 20
    let mut sliding = job("spy", panel(vec![series("a", 60, 1), series("b", 28, 2)]));
    sliding.backtest.windows = 3;
    sliding.backtest.step = 2;
    SEEN.lock().unwrap().clear();
    let scheme = Scheme { gap: 3, history: History::Sliding(20) };
    let result = run_with(&sliding, scheme, &registry(), &Silent).unwrap();
    // then every window of the long series saw 20 observations, of the short one those there were
    let of = |item: &str| -> Vec<_> {
        result.windows.iter().filter(|w| w.item_id == item).map(|w| (w.origin, w.mean[0])).collect()
    };
    assert_eq!(of("a"), [(50, 20.0), (52, 20.0), (54, 20.0)]);
    assert_eq!(of("b"), [(18, 15.0), (20, 17.0), (22, 19.0)]);
    assert!(result.windows.iter().all(|w| w.mean.len() == HORIZON && w.actual.len() == HORIZON));
    let data = &sliding.panel.series[0];
    assert_eq!(result.windows[0].actual, data.target[50..50 + HORIZON].to_vec());
    // and the last forecast has no gap and sees everything
    assert_eq!(result.forecasts[0].times, data.times[60..60 + HORIZON].to_vec());
    assert!((result.forecasts[0].mean[0] - 60.0).abs() < 1e-12);
    // and a history without observations is refused
    let empty = Scheme { gap: 0, history: History::Sliding(0) };
    assert!(run_with(&sliding, empty, &registry(), &Silent).unwrap_err().to_string().contains("sliding history"));
}

#[test]
fn a_sliding_history_as_long_as_the_data_is_an_expanding_one() {
    let job = job("theta", panel(vec![series("a", 90, 4)]));
    let registry = Registry::classical();
    let run = |history| run_with(&job, Scheme { gap: 0, history }, &registry, &Silent).unwrap();
    assert_eq!(run(History::Expanding), run(History::Sliding(1_000)));
}

#[test]
fn the_coverage_of_the_backtest_is_reported() {
    let result = common::execute(&job("theta", panel(vec![series("a", 120, 4)]))).unwrap();
    let note = result.notes.iter().find(|n| n.starts_with("the interval of 80 % covered"));
    assert!(note.is_some(), "{:?}", result.notes);
}
