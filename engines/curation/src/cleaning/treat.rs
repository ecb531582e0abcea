//! Treating one series until nothing is left to treat.
//!
//! A treatment can uncover another: a filled value may break a rule, a removed spike may lay bare a smaller one.
//! So rounds are repeated until one changes nothing; the result is then its own clean version, which makes
//! cleaning idempotent by construction. Where rounds do not settle, the spikes are left alone, and after them
//! the rules; filling alone always settles.

use std::collections::BTreeMap;

use atsre_domain::Frequency;
use atsre_domain::cleaning::ChangeKind;
use atsre_domain::identity::Timestamp;
use atsre_domain::rule::{AnomalyRule, RuleAction, RuleForm};

use super::impute::{Scale, fill};
use super::outliers::{Spikes, find};
use crate::cleaning::axis::calendar_ordinal;
use crate::rules::broken_rows;

/// Rounds before a treatment counts as unsettled.
const ROUNDS: usize = 10;

/// A rule that would blank more than this share of a column of a series is not used on it.
const LARGEST_BLANKED_SHARE: f64 = 0.5;

/// One accepted rule that changes values, with its columns as places (0 is the target).
pub(crate) struct ActingRule<'a> {
    pub(crate) rule: &'a AnomalyRule,
    pub(crate) column: usize,
    pub(crate) other: Option<usize>,
}

/// What is the same for all series.
pub(crate) struct Treatment<'a> {
    pub(crate) frequency: Frequency,
    pub(crate) period: usize,
    pub(crate) scales: Vec<Scale>,
    pub(crate) rules: Vec<ActingRule<'a>>,
}

/// How far a treatment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extent {
    /// Rules, filling and spikes.
    Full,
    /// Rules and filling.
    WithoutSpikes,
    /// Filling only.
    FillOnly,
}

impl Extent {
    const fn less(self) -> Option<Self> {
        match self {
            Self::Full => Some(Self::WithoutSpikes),
            Self::WithoutSpikes => Some(Self::FillOnly),
            Self::FillOnly => None,
        }
    }

    const fn more(self) -> Option<Self> {
        match self {
            Self::Full => None,
            Self::WithoutSpikes => Some(Self::Full),
            Self::FillOnly => Some(Self::WithoutSpikes),
        }
    }
}

/// Why a cell was touched first, and how its value was found.
pub(crate) type Causes = BTreeMap<(usize, usize), (ChangeKind, String)>;

/// A treated series.
pub(crate) struct Treated {
    /// The target, then the covariates.
    pub(crate) columns: Vec<Vec<f64>>,
    /// The cells that were touched, by row and column.
    pub(crate) causes: Causes,
    /// How far the treatment went.
    pub(crate) extent: Extent,
    /// Values far outside in a series with heavy tails, which were left as they are.
    pub(crate) heavy_tails: usize,
}

impl Treatment<'_> {
    /// Treats the columns of one series.
    pub(crate) fn treat(&self, times: &[Timestamp], columns: Vec<Vec<f64>>) -> Treated {
        // Most series settle at once and are never copied again; only an unsettled one is.
        let mut extent = Extent::Full;
        let mut start = Treated { columns, causes: Causes::new(), extent, heavy_tails: 0 };
        loop {
            if let Some(settled) = self.settle(times, &start, extent) {
                let Some(more) = extent.more() else { return settled };
                // From the settled state a fuller treatment may settle too; it must be tried now, or a second
                // cleaning would find it.
                match self.settle_fully(times, &settled, more) {
                    Some(better) => return better,
                    None => return settled,
                }
            }
            match extent.less() {
                Some(less) => extent = less,
                None => {
                    start.extent = extent;
                    return start;
                }
            }
        }
    }

    /// The result of the fullest treatment up to `least` that settles.
    fn settle_fully(&self, times: &[Timestamp], start: &Treated, least: Extent) -> Option<Treated> {
        for extent in [Extent::Full, Extent::WithoutSpikes, Extent::FillOnly] {
            if extent > least {
                break;
            }
            if let Some(settled) = self.settle(times, start, extent) {
                let better = extent.more().and_then(|more| self.settle_fully(times, &settled, more));
                return Some(better.unwrap_or(settled));
            }
        }
        None
    }

    /// Repeats rounds until one changes nothing; none where that does not happen.
    fn settle(&self, times: &[Timestamp], start: &Treated, extent: Extent) -> Option<Treated> {
        let mut columns = start.columns.clone();
        let mut causes = start.causes.clone();
        for _ in 0..ROUNDS {
            let (changed, heavy_tails) = self.round(times, &mut columns, extent, &mut causes);
            if !changed {
                return Some(Treated { columns, causes, extent, heavy_tails });
            }
        }
        None
    }

    /// One round over all columns: whether it changed a value, and how many far values of the target were left.
    fn round(
        &self,
        times: &[Timestamp],
        columns: &mut [Vec<f64>],
        extent: Extent,
        causes: &mut Causes,
    ) -> (bool, usize) {
        let mut changed = false;
        let mut heavy_tails = 0;
        for column in 0..columns.len() {
            let mut cells = Cells {
                values: std::mem::take(&mut columns[column]),
                touched: BTreeMap::new(),
                pending: BTreeMap::new(),
            };
            if extent < Extent::FillOnly {
                for acting in self.rules.iter().filter(|r| r.column == column) {
                    let other = acting.other.map(|o| columns[o].as_slice());
                    self.apply(acting.rule, times, other, &mut cells);
                }
            }
            self.fill(column, extent, &mut cells, causes);
            if column == 0 && extent == Extent::Full {
                match find(&cells.values, self.period) {
                    Spikes::HeavyTails(count) => heavy_tails = count,
                    Spikes::At(rows) => {
                        for row in rows {
                            cells.set(
                                row,
                                f64::NAN,
                                ChangeKind::ReplacedOutlier,
                                "far outside in the remainder after trend and season",
                            );
                        }
                        self.fill(column, extent, &mut cells, causes);
                    }
                }
            }
            changed |= cells.finish(column, causes);
            columns[column] = cells.values;
        }
        (changed, heavy_tails)
    }

    /// Blanks or clips what breaks a rule.
    fn apply(&self, rule: &AnomalyRule, times: &[Timestamp], other: Option<&[f64]>, cells: &mut Cells) {
        let (tested, broken) = broken_rows(&rule.form, self.frequency, times, &cells.values, other);
        let reason = || format!("broke the rule: {}", rule.reason);
        match rule.action {
            RuleAction::Flag => {}
            RuleAction::Impute => {
                if broken.len() as f64 <= LARGEST_BLANKED_SHARE * tested as f64 {
                    for row in broken {
                        cells.set(row, f64::NAN, ChangeKind::BrokeRule, &reason());
                    }
                }
            }
            RuleAction::Clip => {
                for row in broken {
                    if let Some(value) = self.clipped(&rule.form, times, &cells.values, other, row) {
                        cells.set(
                            row,
                            value,
                            ChangeKind::BrokeRule,
                            &format!("{}; moved to the nearest bound", reason()),
                        );
                    }
                }
            }
        }
    }

    /// The nearest value that keeps the rule; none where the form has no nearest one.
    fn clipped(
        &self,
        form: &RuleForm,
        times: &[Timestamp],
        values: &[f64],
        other: Option<&[f64]>,
        row: usize,
    ) -> Option<f64> {
        let value = values[row];
        match form {
            RuleForm::Bounds { minimum, maximum } => {
                let raised = minimum.map_or(value, |m| value.max(m.get()));
                Some(maximum.map_or(raised, |m| raised.min(m.get())))
            }
            RuleForm::RateOfChange { maximum_per_step } => {
                let before = values[..row].iter().rposition(|v| !v.is_nan())?;
                let reach = maximum_per_step.get() * (row - before) as f64;
                Some(value.clamp(values[before] - reach, values[before] + reach))
            }
            RuleForm::FlatLine { .. } => None,
            RuleForm::CalendarContext { period, minimum, maximum } => {
                let phase = calendar_ordinal(self.frequency, times[row].0).rem_euclid(i64::from(*period)) as usize;
                Some(value.max(minimum[phase].get()).min(maximum[phase].get()))
            }
            RuleForm::CrossSeries { slope, intercept, band, .. } => {
                let centre = intercept.get() + slope.get() * other?.get(row)?;
                Some(value.clamp(centre - band.get(), centre + band.get()))
            }
        }
    }

    /// Fills what is missing, inside the bounds that the column's rules set.
    fn fill(&self, column: usize, extent: Extent, cells: &mut Cells, causes: &mut Causes) {
        for filled in fill(&cells.values, self.scales[column], self.period) {
            let value = if extent < Extent::FillOnly { self.inside_bounds(column, filled.value) } else { filled.value };
            let (kind, method) = match cells.pending.remove(&filled.row) {
                Some((kind, reason)) => (kind, format!("{reason}; replaced by {}", filled.method)),
                None => (ChangeKind::ImputedMissing, filled.method.to_owned()),
            };
            cells.touch(filled.row);
            cells.values[filled.row] = value;
            causes.entry((filled.row, column)).or_insert((kind, method));
        }
    }

    fn inside_bounds(&self, column: usize, value: f64) -> f64 {
        let mut value = value;
        for acting in self.rules.iter().filter(|r| r.column == column) {
            if let RuleForm::Bounds { minimum, maximum } = &acting.rule.form {
                value = minimum.map_or(value, |m| value.max(m.get()));
                value = maximum.map_or(value, |m| value.min(m.get()));
            }
        }
        value
    }
}

/// The values of one column in one round.
struct Cells {
    values: Vec<f64>,
    /// The values that touched cells had when the round began.
    touched: BTreeMap<usize, f64>,
    /// Cells set and not yet accounted for: why.
    pending: BTreeMap<usize, (ChangeKind, String)>,
}

impl Cells {
    fn touch(&mut self, row: usize) {
        self.touched.entry(row).or_insert(self.values[row]);
    }

    fn set(&mut self, row: usize, value: f64, kind: ChangeKind, reason: &str) {
        self.touch(row);
        self.values[row] = value;
        self.pending.entry(row).or_insert_with(|| (kind, reason.to_owned()));
    }

    /// Accounts for what is pending, and says whether the round changed a value.
    fn finish(&mut self, column: usize, causes: &mut Causes) -> bool {
        for (row, cause) in std::mem::take(&mut self.pending) {
            causes.entry((row, column)).or_insert(cause);
        }
        self.touched.iter().any(|(row, before)| self.values[*row].to_bits() != before.to_bits())
    }
}
