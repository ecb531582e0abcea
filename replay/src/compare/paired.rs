//! Two branches against each other: the same windows, the test, the price.

use std::collections::BTreeMap;

use atsre_domain::Digest;
use atsre_forecast::TrialResult;
use atsre_forecast::significance::{DieboldMariano, Incomparable, Loss, Verdict, WindowTest, compare_windows};
use serde::Serialize;

use super::standings::Standing;
use super::{Branch, Parting};

/// The results of trials by their digest, or why one cannot be read.
pub(super) type Results = BTreeMap<Digest, Result<TrialResult, String>>;

/// Two branches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The first's label.
    pub first: String,
    /// The second's label.
    pub second: String,
    /// Where the two part.
    pub parting: Parting,
    /// The best of each against the other; none while one has no result.
    pub best: Option<Versus>,
    /// The models that both ran, each branch's best trial of it, where their results differ.
    pub models: Vec<Versus>,
    /// Trials that both have with the same result.
    pub same_results: u32,
    /// What the difference between the bests cost, all attempts of each branch counted.
    pub search_price: Option<Price>,
    /// What it cost in the bests alone: what running them again would cost.
    pub model_price: Option<Price>,
    /// What may be said of the two, in words.
    pub statement: String,
}

/// One trial against another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Versus {
    /// The first's trial.
    pub first: Contender,
    /// The second's trial.
    pub second: Contender,
    /// Whether the two have one result, byte for byte.
    pub same_result: bool,
    /// The paired tests, of the absolute error and then of the squared error; empty where there is nothing to compare.
    pub tests: Vec<Tested>,
    /// Why no test is possible.
    pub no_test: Option<String>,
    /// The statement that the test of the absolute error allows.
    pub statement: String,
}

/// A trial in a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contender {
    /// Its branch's label.
    pub branch: String,
    /// Its number.
    pub trial: u32,
    /// Its model.
    pub model: String,
}

/// The paired test of one loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tested {
    /// `absolute` or `squared`.
    pub loss: Loss,
    /// Whether the losses are in units of the series' own seasonal differences; in the target's units otherwise.
    pub scaled: bool,
    /// Windows that both have.
    pub windows: usize,
    /// Series in them.
    pub series: usize,
    /// Errors compared.
    pub errors: usize,
    /// Windows × series that only one of the two has.
    pub left_out: usize,
    /// The first's mean loss.
    pub first: f64,
    /// The second's mean loss.
    pub second: f64,
    /// The first's mean loss less the second's, window by window.
    pub differences: Vec<f64>,
    /// The test, where there is one.
    pub diebold_mariano: Option<DieboldMariano>,
    /// The p-value after Holm's correction for the models compared in this pair of branches; the same as the test's for
    /// the bests, which are the one comparison that was meant from the beginning.
    pub adjusted_p_value: Option<f64>,
    /// `first_better`, `second_better`, `not_apart`, `same` or `untested`, by the adjusted p-value.
    pub verdict: Verdict,
    /// What it allows to say.
    pub statement: String,
}

/// What a difference in accuracy cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Price {
    /// The label of the branch with the smaller error; none where both errors are the same.
    pub more_accurate: Option<String>,
    /// The label of the branch that used less energy, or on a tie less time; none where both used the same.
    pub cheaper: Option<String>,
    /// By how much its absolute error is smaller, in percent of the other's.
    pub saved_percent: f64,
    /// Seconds of the more accurate one less the other's; of the first less the second's where neither is.
    pub seconds: f64,
    /// The same of joules.
    pub energy_j: f64,
    /// Seconds paid for each per cent of error saved; none where nothing was saved or nothing was paid.
    pub seconds_per_percent: Option<f64>,
    /// Joules paid for each per cent of error saved.
    pub joules_per_percent: Option<f64>,
    /// In words.
    pub statement: String,
}

/// Compares two branches. `parting` is where these two part.
pub(super) fn pair(a: &Branch, b: &Branch, parting: Parting, criterion: &str, results: &Results) -> Pair {
    let bests = a.best_standing().zip(b.best_standing());
    let best = bests.map(|(x, y)| versus((a, x), (b, y), results));
    let (mut models, same_results) = same_models(a, b, criterion, results);
    if let Some(best) = &best {
        models.retain(|versus| (&versus.first, &versus.second) != (&best.first, &best.second));
    }
    holm(&mut models);
    let priced = best.as_ref().zip(bests).filter(|(versus, _)| versus.same_result || !versus.tests.is_empty());
    let search_price = priced.map(|(versus, _)| {
        let of = |branch: &Branch| (branch.cost.trial_seconds, branch.cost.energy_j);
        price(versus, of(a), of(b))
    });
    let model_price = priced.and_then(|(versus, (x, y))| {
        let of = |row: &Standing| Some((row.seconds?, row.energy_j?));
        Some(price(versus, of(x)?, of(y)?))
    });
    let statement = statement(&parting, best.as_ref(), search_price.as_ref());
    Pair {
        first: a.label.clone(),
        second: b.label.clone(),
        parting,
        best,
        models,
        same_results,
        search_price,
        model_price,
        statement,
    }
}

fn statement(parting: &Parting, best: Option<&Versus>, price: Option<&Price>) -> String {
    let best = best.map_or("One of them has no result yet.", |versus| versus.statement.as_str());
    let price = price.map_or(String::new(), |price| format!(" {}", price.statement));
    format!("{} {best}{price}", parting.statement)
}

/// Each branch's best trial of every model that both ran, where the results differ; and how many trials do not.
fn same_models(a: &Branch, b: &Branch, criterion: &str, results: &Results) -> (Vec<Versus>, u32) {
    let digests: Vec<_> = b.leaderboard.iter().filter_map(|row| row.result.as_ref()).collect();
    let same = a.leaderboard.iter().filter(|row| row.result.as_ref().is_some_and(|d| digests.contains(&d))).count();
    let best_of = |branch: &Branch| -> BTreeMap<String, Standing> {
        let mut best = BTreeMap::new();
        // The leaderboard is ranked: the first of a model is its best.
        for row in branch.leaderboard.iter().filter(|row| row.result.is_some() && row.backtest.contains_key(criterion))
        {
            best.entry(row.model.clone()).or_insert_with(|| row.clone());
        }
        best
    };
    let (of_a, of_b) = (best_of(a), best_of(b));
    let both = of_a.iter().filter_map(|(model, x)| Some((x, of_b.get(model)?)));
    let different = both.filter(|(x, y)| x.result != y.result);
    (different.map(|(x, y)| versus((a, x), (b, y), results)).collect(), u32::try_from(same).unwrap_or(u32::MAX))
}

fn versus((a, x): (&Branch, &Standing), (b, y): (&Branch, &Standing), results: &Results) -> Versus {
    let contender = |branch: &Branch, row: &Standing| Contender {
        branch: branch.label.clone(),
        trial: row.trial,
        model: row.model.clone(),
    };
    let (first, second) = (contender(a, x), contender(b, y));
    let same_result = x.result.is_some() && x.result == y.result;
    let names = (format!("{}'s {}", first.branch, first.model), format!("{}'s {}", second.branch, second.model));
    let (tests, no_test, statement) = if same_result {
        let shared = format!("{} and {} are one result, byte for byte: there is no difference.", names.0, names.1);
        (Vec::new(), None, shared)
    } else {
        match tests(x, y, results, &names) {
            Ok(tests) => {
                let statement = tests.first().map_or_else(String::new, |test| test.statement.clone());
                (tests, None, statement)
            }
            Err(reason) => {
                let statement = format!("No test of {} against {} is possible: {reason}.", names.0, names.1);
                (Vec::new(), Some(reason), statement)
            }
        }
    };
    Versus { first, second, same_result, tests, no_test, statement }
}

fn tests(x: &Standing, y: &Standing, results: &Results, names: &(String, String)) -> Result<Vec<Tested>, String> {
    let result = |row: &Standing, name: &str| match row.result.as_ref().and_then(|digest| results.get(digest)) {
        Some(Ok(result)) => Ok(result.windows.as_slice()),
        Some(Err(reason)) => Err(format!("the result of {name} cannot be read ({reason})")),
        None => Err(format!("{name} has no result")),
    };
    let (a, b) = (result(x, &names.0)?, result(y, &names.1)?);
    [Loss::Absolute, Loss::Squared]
        .into_iter()
        .map(|loss| match compare_windows(a, b, loss) {
            Ok(test) => Ok(tested(&test, &names.0, &names.1)),
            Err(Incomparable::NoWindows { first }) => {
                Err(format!("{} has no backtest windows", if first { &names.0 } else { &names.1 }))
            }
            Err(reason) => Err(reason.to_string()),
        })
        .collect()
}

fn tested(test: &WindowTest, first: &str, second: &str) -> Tested {
    Tested {
        loss: test.loss,
        scaled: test.scaled,
        windows: test.windows,
        series: test.series,
        errors: test.errors,
        left_out: test.left_out,
        first: test.first,
        second: test.second,
        differences: test.differences.clone(),
        diebold_mariano: test.test.ok(),
        adjusted_p_value: test.test.ok().map(|t| t.p_value),
        verdict: test.verdict(),
        statement: test.statement(first, second),
    }
}

/// Holm's step-down correction (1979), for each loss over the models: the more models are compared, the surer that one
/// of them differs by chance.
fn holm(models: &mut [Versus]) {
    for loss in 0..2 {
        let p_value = |versus: &Versus| Some(versus.tests.get(loss)?.diebold_mariano?.p_value);
        let mut order: Vec<(usize, f64)> =
            models.iter().enumerate().filter_map(|(index, versus)| Some((index, p_value(versus)?))).collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (count, mut largest) = (order.len(), 0.0_f64);
        for (rank, (index, p_value)) in order.into_iter().enumerate() {
            largest = largest.max((p_value * (count - rank) as f64).min(1.0));
            let Some(test) = models[index].tests.get_mut(loss) else { continue };
            test.adjusted_p_value = Some(largest);
            let lost = test.diebold_mariano.is_some_and(|t| t.p_value < SIGNIFICANT) && largest >= SIGNIFICANT;
            if lost {
                test.verdict = Verdict::NotApart;
            }
            if count > 1 {
                let but = if lost { "too often to tell them apart" } else { "the verdict stays" };
                let corrected = format!(" Corrected for the {count} models compared, p = {largest:.3}: {but}.");
                test.statement.push_str(&corrected);
                if loss == 0 {
                    models[index].statement.push_str(&corrected);
                }
            }
        }
    }
}

const SIGNIFICANT: f64 = atsre_forecast::significance::SIGNIFICANCE_LEVEL;

fn price(versus: &Versus, first: (f64, f64), second: (f64, f64)) -> Price {
    let (a, b) = (&versus.first.branch, &versus.second.branch);
    let errors = versus.tests.first().map_or((0.0, 0.0), |test| (test.first, test.second));
    let first_better = errors.0 < errors.1;
    let (low, high) = if first_better { errors } else { (errors.1, errors.0) };
    let saved_percent = if high > low { 100.0 * (1.0 - low / high) } else { 0.0 };
    let same = saved_percent == 0.0;
    let (accurate, other, paid) = if first_better || same {
        (a, b, (first.0 - second.0, first.1 - second.1))
    } else {
        (b, a, (second.0 - first.0, second.1 - first.1))
    };
    let (seconds, energy_j) = (settled(paid.0), settled(paid.1));
    let cheaper = match (energy_j, seconds) {
        (0.0, 0.0) => None,
        (0.0, s) => Some(if s < 0.0 { accurate } else { other }),
        (e, _) => Some(if e < 0.0 { accurate } else { other }),
    };
    let rate = |amount: f64| (!same && amount > 0.0).then(|| amount / saved_percent);
    let (seconds_per_percent, joules_per_percent) = (rate(seconds), rate(energy_j));
    let proven =
        versus.tests.first().is_some_and(|t| matches!(t.verdict, Verdict::FirstBetter | Verdict::SecondBetter));
    let doubt = if proven || same { "" } else { " Whether anything was saved is not proven." };
    let difference = told(seconds, energy_j);
    let statement = if same {
        format!("Their bests err alike, and {accurate} took {difference} than {other}.")
            .replace("took the same than", "took the same as")
    } else {
        let saved = format!("{accurate} errs {saved_percent:.1} % less than {other}");
        let rates: Vec<String> = [(seconds_per_percent, "s"), (joules_per_percent, "J")]
            .into_iter()
            .filter_map(|(rate, unit)| Some(format!("{} {unit}", number(rate?))))
            .collect();
        if rates.is_empty() {
            format!("{saved} and was no dearer: it took {difference}.{doubt}")
        } else {
            format!("{saved} and took {difference}: {} for each per cent of error saved.{doubt}", rates.join(" and "))
        }
    };
    Price {
        more_accurate: (!same).then(|| accurate.clone()),
        cheaper: cheaper.cloned(),
        saved_percent,
        seconds,
        energy_j,
        seconds_per_percent,
        joules_per_percent,
        statement,
    }
}

/// Sums of thousandths that should cancel leave rounding.
fn settled(value: f64) -> f64 {
    if value.abs() < 5e-4 { 0.0 } else { value }
}

fn told(seconds: f64, energy_j: f64) -> String {
    let part = |value: f64, unit: &str| {
        let direction = if value > 0.0 { "more" } else { "less" };
        (value != 0.0).then(|| format!("{} {unit} {direction}", number(value.abs())))
    };
    let parts: Vec<String> = [part(seconds, "s"), part(energy_j, "J")].into_iter().flatten().collect();
    if parts.is_empty() { "the same".to_owned() } else { parts.join(" and ") }
}

/// A positive amount with three significant digits.
fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else if value >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}
