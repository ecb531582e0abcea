//! The second stage: a panel without missing values, gross outliers or broken rules.

use atsre_domain::cleaning::CellChange;
use atsre_domain::finite::Finite;
use atsre_domain::panel::{CovariateKind, Panel, Series};
use atsre_domain::rule::{RuleAction, RuleForm, TestedRule};
use rayon::prelude::*;

use super::impute::Scale;
use super::treat::{ActingRule, Extent, Treatment};
use super::{Cleaned, summarise};
use crate::rules::ColumnIndex;

/// Whole-numbered covariates with fewer distinct values are switches or calendar fields.
const FEW_VALUES: usize = 32;

/// Cleans a panel.
///
/// - Values that break an accepted rule are imputed or clipped as the rule says; rules that only flag change
///   nothing.
/// - Missing values are filled: between two observations by a line; where these lie further apart than a twelfth
///   of the season, by a line through the seasonally adjusted series plus the season; before the first and after the
///   last observation by the nearest level (plus the season), never by continuing a line. Categories, switches
///   and calendar fields take values that occur.
/// - Spikes of the target's remainder after trend and season are replaced, conservatively.
///
/// `period` is the seasonal period in observations, 1 for none. The shape of the panel is not changed. Cleaning
/// twice is cleaning once, and the changes listed lead from the panel given to the one returned, bit for bit.
#[must_use]
pub fn clean(panel: &Panel, rules: &[TestedRule], period: u32) -> Cleaned {
    let treatment = Treatment {
        frequency: panel.frequency,
        period: period.max(1) as usize,
        scales: scales(panel),
        rules: rules.iter().filter(|r| r.accepted).filter_map(|r| acting(panel, r)).collect(),
    };
    let treated: Vec<One> = panel.series.par_iter().map(|series| One::of(panel, series, &treatment)).collect();

    let mut notes = notes(&treated);
    notes.extend(rules.iter().filter(|r| r.accepted && r.violations > 0 && r.rule.action == RuleAction::Flag).map(
        |r| {
            format!(
                "{} values of {:?} break a rule that only flags and were left as they are: {}",
                r.violations, r.rule.column, r.rule.reason
            )
        },
    ));
    let mut changes = Vec::new();
    let mut series = Vec::with_capacity(treated.len());
    for one in treated {
        changes.extend(one.changes);
        series.push(one.series);
    }
    let panel = Panel { series, ..without_series(panel) };
    let summary = summarise(&changes, panel.observations() as u64, notes);
    Cleaned { panel, changes, summary }
}

fn without_series(panel: &Panel) -> Panel {
    Panel {
        target: panel.target.clone(),
        frequency: panel.frequency,
        covariates: panel.covariates.clone(),
        series: Vec::new(),
    }
}

/// The rule with its columns, where it changes values and fits the panel.
fn acting<'a>(panel: &Panel, tested: &'a TestedRule) -> Option<ActingRule<'a>> {
    let place = |name: &str| {
        ColumnIndex::numeric(panel, name).map(|column| match column {
            ColumnIndex::Target => 0,
            ColumnIndex::Covariate(index) => index + 1,
        })
    };
    let rule = &tested.rule;
    if rule.action == RuleAction::Flag || crate::rules::well_formed(&rule.form).is_err() {
        return None;
    }
    let other = match &rule.form {
        RuleForm::CrossSeries { other, .. } => Some(place(other)?),
        RuleForm::Bounds { .. }
        | RuleForm::RateOfChange { .. }
        | RuleForm::FlatLine { .. }
        | RuleForm::CalendarContext { .. } => None,
    };
    let column = place(&rule.column)?;
    // A column compared with itself says nothing.
    (other != Some(column)).then_some(ActingRule { rule, column, other })
}

fn scales(panel: &Panel) -> Vec<Scale> {
    ColumnIndex::all(panel)
        .map(|column| {
            let ColumnIndex::Covariate(index) = column else { return Scale::Numeric };
            let covariate = &panel.covariates[index];
            if covariate.levels.is_some() || covariate.kind == CovariateKind::Static {
                return Scale::Discrete;
            }
            let values = || panel.series.iter().flat_map(|s| column.values(s)).filter(|v| !v.is_nan());
            let whole = values().all(|v| v.fract() == 0.0);
            if whole && crate::rules::has_few_values(values(), FEW_VALUES) { Scale::Discrete } else { Scale::Numeric }
        })
        .collect()
}

/// One cleaned series.
struct One {
    series: Series,
    changes: Vec<CellChange>,
    extent: Extent,
    heavy_tails: usize,
    /// Columns without any observed value, which stay missing.
    empty: usize,
}

impl One {
    fn of(panel: &Panel, series: &Series, treatment: &Treatment<'_>) -> Self {
        let columns: Vec<Vec<f64>> = ColumnIndex::all(panel).map(|c| c.values(series).to_vec()).collect();
        let treated = treatment.treat(&series.times, columns);
        let names: Vec<&str> = ColumnIndex::all(panel).map(|c| c.name(panel)).collect();
        let before = |row: usize, column: usize| match column {
            0 => series.target[row],
            covariate => series.covariates[covariate - 1][row],
        };
        let changes = treated
            .causes
            .into_iter()
            .filter_map(|((row, column), (kind, method))| {
                let (before, after) = (before(row, column), treated.columns[column][row]);
                (before.to_bits() != after.to_bits() && !(before.is_nan() && after.is_nan())).then(|| CellChange {
                    item_id: series.item_id.clone(),
                    time: series.times[row],
                    column: names[column].to_owned(),
                    kind,
                    before: Finite::of(before),
                    after: Finite::of(after),
                    method,
                })
            })
            .collect();
        let empty = treated.columns.iter().filter(|c| !c.is_empty() && c.iter().all(|v| v.is_nan())).count();
        let mut columns = treated.columns.into_iter();
        let target = columns.next().unwrap_or_default();
        let cleaned = Series {
            item_id: series.item_id.clone(),
            times: series.times.clone(),
            target,
            covariates: columns.collect(),
        };
        Self { series: cleaned, changes, extent: treated.extent, heavy_tails: treated.heavy_tails, empty }
    }
}

fn notes(treated: &[One]) -> Vec<String> {
    use atsre_domain::cleaning::ChangeKind as Kind;
    let mut notes = Vec::new();
    let mut note = |count: usize, text: &str| {
        if count > 0 {
            notes.push(format!("{count} {text}"));
        }
    };
    let of = |kind: Kind| treated.iter().flat_map(|t| &t.changes).filter(|c| c.kind == kind).count();
    note(
        of(Kind::ImputedMissing),
        "missing values were filled from observations on both sides, so a filled value knows what came after it",
    );
    note(of(Kind::ReplacedOutlier), "spikes in the remainder after trend and season were replaced");
    note(of(Kind::BrokeRule), "values that broke a rule were treated as the rule says");
    let far: usize = treated.iter().map(|t| t.heavy_tails).sum();
    note(far, "values lie far outside in series where that is common, and were left as they are");
    note(treated.iter().map(|t| t.empty).sum(), "columns of series have no observed value and stay missing");
    let without_spikes = treated.iter().filter(|t| t.extent == Extent::WithoutSpikes).count();
    note(without_spikes, "series did not settle with spikes replaced, so their spikes were left as they are");
    let fill_only = treated.iter().filter(|t| t.extent == Extent::FillOnly).count();
    note(fill_only, "series did not settle under the rules, so only their missing values were filled");
    notes
}
