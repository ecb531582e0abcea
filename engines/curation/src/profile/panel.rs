//! The profile of a whole panel.

use atsre_domain::Finite;
use atsre_domain::panel::Panel;
use atsre_domain::profile::{DemandPattern, Profile, SeasonalPeriod, Stationarity};
use rayon::prelude::*;

use super::covariate::covariates;
use super::findings::findings;
use super::series::{Described, describe};
use crate::statistics::moments::median;

/// Series listed one by one; the panel's figures are over all.
const LISTED_MAX: usize = 200;

/// Profiles a panel on a regular axis whose missing targets are NaN.
///
/// It never fails: what cannot be computed (too short, constant, nothing observed) is left out. The cost is bounded for long
/// series, see the [module](super).
#[must_use]
pub fn profile(panel: &Panel) -> Profile {
    let calendar = panel.frequency.calendar_periods();
    let described: Vec<Described> =
        panel.series.par_iter().map(|s| describe(&s.item_id, &s.target, &calendar)).collect();
    let mut lengths: Vec<u64> = described.iter().map(|d| d.profile.length).collect();
    lengths.sort_unstable();
    let observations = panel.observations();
    let missing: u64 = described.iter().map(|d| d.profile.gaps.missing).sum();
    let mut profile = Profile {
        series_count: panel.series.len() as u64,
        observations: observations as u64,
        length_min: lengths.first().copied().unwrap_or(0),
        length_median: lengths.get(lengths.len().saturating_sub(1) / 2).copied().unwrap_or(0),
        length_max: lengths.last().copied().unwrap_or(0),
        frequency: panel.frequency,
        missing_share: Finite::of(missing as f64 / observations.max(1) as f64).unwrap_or(Finite::ZERO),
        outliers: described.iter().map(|d| d.profile.outliers).sum(),
        trend_strength: median_of(described.iter().filter_map(|d| d.profile.trend_strength)),
        seasonal_periods: common_periods(&described),
        stationarity: most_frequent(
            described.iter().map(|d| d.profile.stationarity),
            &[
                Stationarity::Inconclusive,
                Stationarity::Stationary,
                Stationarity::UnitRoot,
                Stationarity::TrendStationary,
            ],
        ),
        demand_pattern: most_frequent(
            described.iter().map(|d| d.profile.demand_pattern),
            &[DemandPattern::Smooth, DemandPattern::Erratic, DemandPattern::Intermittent, DemandPattern::Lumpy],
        ),
        non_negative: described.iter().all(|d| d.profile.distribution.non_negative),
        gaussian: majority(described.iter().filter_map(|d| d.gaussian_increments)),
        covariates: covariates(panel),
        series: Vec::new(),
        findings: Vec::new(),
    };
    profile.findings = findings(panel, &profile, &described);
    profile.series = described.into_iter().take(LISTED_MAX).map(|d| d.profile).collect();
    profile
}

fn median_of(values: impl Iterator<Item = Finite>) -> Option<Finite> {
    let values: Vec<f64> = values.map(Finite::get).collect();
    Finite::of(median(&values))
}

/// Periods that more than half of the series have, with the median of their strengths.
fn common_periods(described: &[Described]) -> Vec<SeasonalPeriod> {
    let all = || described.iter().flat_map(|d| &d.profile.seasonal_periods);
    let mut periods: Vec<u32> = all().map(|s| s.period).collect();
    periods.sort_unstable();
    periods.dedup();
    let mut out: Vec<SeasonalPeriod> = periods
        .into_iter()
        .filter_map(|period| {
            let strengths: Vec<Finite> = all().filter(|s| s.period == period).map(|s| s.strength).collect();
            if 2 * strengths.len() <= described.len() {
                return None;
            }
            Some(SeasonalPeriod { period, strength: median_of(strengths.into_iter())? })
        })
        .collect();
    out.sort_by(|a, b| b.strength.get().total_cmp(&a.strength.get()).then(a.period.cmp(&b.period)));
    out
}

/// The most frequent value; the earlier in `order` where several are.
fn most_frequent<T: Copy + PartialEq>(values: impl Iterator<Item = T>, order: &[T]) -> T {
    let values: Vec<T> = values.collect();
    let mut best = (order[0], 0);
    for candidate in order {
        let count = values.iter().filter(|v| *v == candidate).count();
        if count > best.1 {
            best = (*candidate, count);
        }
    }
    best.0
}

fn majority(values: impl Iterator<Item = bool>) -> bool {
    let (yes, all) = values.fold((0, 0), |(yes, all), v| (yes + usize::from(v), all + 1));
    2 * yes > all
}
