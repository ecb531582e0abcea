//! Which columns a regression has: decided once at the fit, from the lengths, the calendar and the covariates.

use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::CovariateKind;

use super::FEWEST_WINDOWS;
use crate::error::ForecastError;
use crate::forecaster::FitTask;
use crate::gaps;
use crate::settings::Settings;

/// The fewest and the most lags that are chosen without being asked for.
const AUTOMATIC_LAGS: (usize, usize) = (6, 48);
/// Levels of a categorical covariate that get a column each; the rarer ones after them share none.
const MOST_LEVELS: usize = 12;
/// Covariates used at most, in the order given: each costs columns in every step's regression.
const MOST_COVARIATES: usize = 40;
/// Seasonal values of the target's own phase.
pub(in crate::models) const SEASONAL_LAGS: usize = 4;
/// Stretches of the shortest period whose means are columns, where there is a longer period.
const MOST_BLOCKS: usize = 14;
/// Past covariates: how many of the latest values.
pub(in crate::models) const PAST_LAGS: usize = 3;
/// Harmonics of the day that weekends and binary covariates may change.
pub(in crate::models) const DAY_HARMONICS: usize = 2;
/// Series and origins of each that are looked at to choose the level's span.
const MOST_JUDGED_SERIES: usize = 200;
const MOST_JUDGED_ORIGINS: usize = 97;
/// The fewest cycles of a period that nobody asked for, and how much closer values must be over it than over a season.
const FEWEST_CYCLES: usize = 3;
const CONFIRMATION: f64 = 0.95;
/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;
/// Seconds of a year.
const YEAR_SECONDS: u64 = 31_556_952;

/// What a user may wish of the columns.
#[derive(Clone, Debug)]
pub(in crate::models) struct Wishes {
    /// Seasonal periods; none for the plan's season and the calendar's multiples of it that the data confirm.
    pub(in crate::models) seasonal_periods: Vec<usize>,
    /// Recent values; 0 for the layout's own choice.
    pub(in crate::models) lags: usize,
    /// Harmonics of each period.
    pub(in crate::models) fourier_terms: usize,
    /// Whether the calendar has columns.
    pub(in crate::models) calendar: bool,
}

impl Wishes {
    /// Reads the settings that every model over windows has in common.
    pub(in crate::models) fn of(settings: &Settings, fourier_terms: usize) -> Result<Self, ForecastError> {
        Ok(Self {
            seasonal_periods: settings.sizes("seasonal_periods", 2..=100_000)?,
            lags: settings.size("lags", 0..=1_000)?,
            fourier_terms,
            calendar: settings.flag("calendar")?,
        })
    }
}

/// How a covariate becomes columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::models) enum Form {
    /// Its standardised value; where known, its square too.
    Numeric,
    /// Zero or one; where known, it may change the shape of the day.
    Binary,
    /// A column for each level.
    Levels(usize),
}

/// A covariate in use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::models) struct Column {
    /// Its position among the view's covariates.
    pub(in crate::models) position: usize,
    /// When it is known.
    pub(in crate::models) kind: CovariateKind,
    /// How it is written.
    pub(in crate::models) form: Form,
    /// Mean and standard deviation over the group, for static covariates.
    pub(in crate::models) group_moments: (f64, f64),
}

/// The columns of a regression.
#[derive(Clone, Debug)]
pub(in crate::models) struct Layout {
    /// The seasonal periods with lags of their own, each with how many of them.
    pub(in crate::models) seasonal_lags: Vec<(usize, usize)>,
    /// The seasonal periods with Fourier terms, each with how many.
    pub(in crate::models) fourier: Vec<(usize, usize)>,
    /// Recent values.
    pub(in crate::models) lags: usize,
    /// Means over the latest stretches of this length, each with how many: the level of each day of the last week.
    pub(in crate::models) blocks: (usize, usize),
    /// Values whose mean is a window's level.
    pub(in crate::models) level_span: usize,
    /// Values whose spread is a window's scale.
    pub(in crate::models) scale_span: usize,
    /// Values needed up to and including the origin.
    pub(in crate::models) history: usize,
    /// A column for each weekday.
    pub(in crate::models) weekday: bool,
    /// Whether weekends and binary covariates may change the shape of the day.
    pub(in crate::models) day_shape: bool,
    /// A sine and a cosine of the year.
    pub(in crate::models) year: bool,
    /// The covariates.
    pub(in crate::models) covariates: Vec<Column>,
    left_out: usize,
}

impl Layout {
    /// Plans for the `members` of the task's view.
    pub(in crate::models) fn plan(wishes: &Wishes, task: &FitTask<'_>, members: &[usize], pooled: bool) -> Self {
        let lengths = members.iter().map(|&i| gaps::usable_length(task.view.series(i).target()));
        let (shortest, longest) = lengths.fold((usize::MAX, 0), |(a, b), n| (a.min(n), b.max(n)));
        // Every member can predict, and the longest can train.
        let room = shortest.min(longest.saturating_sub(task.horizon + FEWEST_WINDOWS - 1)).max(1);
        let periods = periods(wishes, task, members, room);
        let base = periods.first().copied().unwrap_or(1);
        let automatic = (2 * base).clamp(AUTOMATIC_LAGS.0, AUTOMATIC_LAGS.1);
        // Half of a lone series' windows teach more than lags that leave no window to learn from.
        let lag_room = if pooled { room } else { room.div_ceil(2) };
        let lags = if wishes.lags > 0 { wishes.lags.min(room) } else { automatic.min(lag_room) };
        let seasonal_lags: Vec<_> =
            periods.iter().map(|&p| (p, (room / p).min(SEASONAL_LAGS))).filter(|(_, count)| *count > 0).collect();
        let fourier = periods
            .iter()
            .filter(|p| shortest >= 2 * **p)
            .map(|&p| (p, wishes.fourier_terms.min(p / 2)))
            .filter(|(_, terms)| *terms > 0)
            .collect::<Vec<_>>();
        let season = if base <= room { base } else { 1 };
        let scale_span = lags.max(2 * season).min(room);
        let level_span = level_span(task, members, season, scale_span);
        let seasonal_reach = seasonal_lags.iter().map(|(p, count)| p * count).max().unwrap_or(0);
        let longer = periods.iter().copied().find(|p| *p > base && p.is_multiple_of(base));
        let blocks = (base, longer.map_or(0, |p| (p / base).min(MOST_BLOCKS)));
        let history = lags.max(scale_span).max(seasonal_reach).max(blocks.0 * blocks.1);
        let calendar = Calendar::of(wishes, task, shortest, &fourier);
        let (covariates, left_out) = columns(task, members, pooled);
        Self {
            seasonal_lags,
            fourier,
            lags,
            blocks,
            level_span,
            scale_span,
            history,
            weekday: calendar.weekday,
            day_shape: calendar.day_shape,
            year: calendar.year,
            covariates,
            left_out,
        }
    }

    /// Columns of the target's step, after those common to all steps; only for reserving room.
    pub(in crate::models) fn columns(&self) -> usize {
        self.lags + 16 * (self.fourier.len() + 1) + 16 * self.covariates.len() + 32
    }

    /// What a reader should know.
    pub(in crate::models) fn notes(&self, model: &str, pooled: bool) -> Vec<String> {
        let periods: Vec<String> = self.seasonal_lags.iter().map(|(p, _)| p.to_string()).collect();
        let seasons =
            if periods.is_empty() { "no seasons".to_string() } else { format!("seasons {}", periods.join(", ")) };
        let scope = if pooled { "learnt from all series together" } else { "learnt from each series by itself" };
        let mut notes =
            vec![format!("{model}: {scope}, {} lags, {seasons}, {} covariates", self.lags, self.covariates.len())];
        if self.left_out > 0 {
            notes
                .push(format!("{model}: {} covariates beyond the first {MOST_COVARIATES} are left out", self.left_out));
        }
        notes
    }
}

/// The periods asked for; or the plan's season, with those of the calendar's multiples of it that the data confirm.
fn periods(wishes: &Wishes, task: &FitTask<'_>, members: &[usize], room: usize) -> Vec<usize> {
    let mut periods = wishes.seasonal_periods.clone();
    if periods.is_empty() && task.season_length > 1 {
        periods.push(task.season_length);
        let calendar = task.view.frequency().calendar_periods();
        let longer = calendar.into_iter().map(|p| p as usize).filter(|p| p % task.season_length == 0);
        periods.extend(longer.filter(|p| is_confirmed(task, members, task.season_length, *p)));
    }
    periods.sort_unstable();
    periods.dedup();
    periods.retain(|p| *p <= room);
    periods
}

/// Whether a value lies clearly closer to the one a longer period ago than to the one a season ago. A period that
/// is not there costs columns and history, and in short series accuracy.
fn is_confirmed(task: &FitTask<'_>, members: &[usize], season: usize, period: usize) -> bool {
    let mut differences = [0.0, 0.0];
    for &i in members.iter().step_by(members.len().div_ceil(MOST_JUDGED_SERIES)) {
        let series = task.view.series(i);
        let values = series.target();
        let (_, spread) = moments(values.iter().copied());
        if spread == 0.0 || gaps::usable_length(values) < FEWEST_CYCLES * period {
            continue;
        }
        // Both over the same values, so that a missing one counts for neither.
        for t in period..values.len() {
            let pair = [season, period].map(|lag| (values[t] - values[t - lag]).abs() / spread);
            if pair.iter().all(|d| d.is_finite()) {
                differences.iter_mut().zip(pair).for_each(|(sum, d)| *sum += d);
            }
        }
    }
    differences[1] < CONFIRMATION * differences[0]
}

/// Whether the last season's mean or the mean over a longer stretch says more about the horizon: the first of a random
/// walk, the second of noise around a level. Judged by the absolute error of either over past horizons.
fn level_span(task: &FitTask<'_>, members: &[usize], season: usize, scale_span: usize) -> usize {
    let mut errors = [0.0, 0.0];
    let stride = members.len().div_ceil(MOST_JUDGED_SERIES);
    for &i in members.iter().step_by(stride) {
        let series = task.view.series(i);
        let values = gaps::filled(&series.target()[gaps::first_observed(series.target()).unwrap_or(0)..]);
        let (_, spread) = moments(values.iter().copied());
        let mean = |range: &[f64]| range.iter().sum::<f64>() / range.len() as f64;
        let origins = scale_span..(values.len() + 1).saturating_sub(task.horizon);
        let stride = origins.len().div_ceil(MOST_JUDGED_ORIGINS).max(1);
        for origin in origins.step_by(stride).filter(|_| spread > 0.0) {
            let ahead = &values[origin..origin + task.horizon];
            for (error, span) in errors.iter_mut().zip([season, scale_span]) {
                let level = mean(&values[origin - span..origin]);
                *error += ahead.iter().map(|y| (y - level).abs()).sum::<f64>() / spread;
            }
        }
    }
    if errors[1] < errors[0] { scale_span } else { season }
}

struct Calendar {
    weekday: bool,
    day_shape: bool,
    year: bool,
}

impl Calendar {
    fn of(wishes: &Wishes, task: &FitTask<'_>, shortest: usize, fourier: &[(usize, usize)]) -> Self {
        let frequency = task.view.frequency();
        let seconds = match frequency.unit {
            FrequencyUnit::Step => None,
            FrequencyUnit::BusinessDay => Some(DAY_SECONDS * u64::from(frequency.multiple)),
            _ => frequency.seconds(),
        };
        let Some(seconds) = seconds.filter(|_| wishes.calendar) else {
            return Self { weekday: false, day_shape: false, year: false };
        };
        let span = seconds.saturating_mul(shortest as u64);
        // Three harmonics of a week of days are all seven weekdays already.
        let spelled_out =
            fourier.iter().any(|&(period, terms)| period <= 7 && seconds == DAY_SECONDS && terms >= period / 2);
        let weekday = seconds <= DAY_SECONDS && span >= 21 * DAY_SECONDS && !spelled_out;
        let day_shape = weekday && seconds * 4 <= DAY_SECONDS;
        Self { weekday, day_shape, year: span >= 2 * YEAR_SECONDS }
    }
}

/// The covariates in use, and how many more there were.
fn columns(task: &FitTask<'_>, members: &[usize], pooled: bool) -> (Vec<Column>, usize) {
    let all: Vec<Column> = task
        .view
        .covariates()
        .enumerate()
        .filter(|(_, c)| pooled || c.kind != CovariateKind::Static)
        .map(|(position, c)| {
            let form = match c.levels {
                Some(levels) => Form::Levels(levels.len().min(MOST_LEVELS)),
                None if is_binary(task, members, position) => Form::Binary,
                None => Form::Numeric,
            };
            let group_moments = moments(members.iter().filter_map(|&i| {
                let values = task.view.series(i).covariate(position);
                values.iter().copied().find(|v| v.is_finite())
            }));
            Column { position, kind: c.kind, form, group_moments }
        })
        .collect();
    let left_out = all.len().saturating_sub(MOST_COVARIATES);
    (all.into_iter().take(MOST_COVARIATES).collect(), left_out)
}

fn is_binary(task: &FitTask<'_>, members: &[usize], position: usize) -> bool {
    members.iter().all(|&i| {
        let series = task.view.series(i);
        let values = series.covariate(position);
        let past = &values[..series.origin().min(values.len())];
        past.iter().all(|v| v.is_nan() || *v == 0.0 || *v == 1.0)
    })
}

/// Mean and standard deviation of the finite values; (0, 0) where there is none.
pub(in crate::models) fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let finite = values.filter(|v| v.is_finite());
    let (sum, count) = finite.clone().fold((0.0, 0_u32), |(s, n), v| (s + v, n + 1));
    if count == 0 {
        return (0.0, 0.0);
    }
    let mean = sum / f64::from(count);
    let variance = finite.map(|v| (v - mean) * (v - mean)).sum::<f64>() / f64::from(count);
    (mean, variance.sqrt())
}
