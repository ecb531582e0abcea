//! The trials and the ensemble, the best first.

use atsre_domain::experiment::{Member, TrialState};
use atsre_domain::failure::Usage;
use atsre_domain::identity::{Position, TrialNumber};
use atsre_domain::metric::{Metric, Score, Split};
use atsre_domain::plan::TrialRole;
use atsre_forecast::job::TrialResult;

use super::{RenderError, ReportData};

/// The measures that can decide a rank, the first that any row has.
const CRITERIA: [Metric; 3] = [Metric::Mase, Metric::Wql, Metric::Mae];

/// A line of the leaderboard.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// 1 for the lowest error; none where there is no result.
    pub(super) rank: Option<usize>,
    pub(super) number: TrialNumber,
    pub(super) trial_id: Position,
    /// The model, made unique with its trial's number where two trials share it.
    pub(super) label: String,
    pub(super) model: &'a str,
    /// `baseline`, `candidate`, `fallback` or `ensemble`.
    pub(super) role: &'static str,
    pub(super) scores: &'a [Score],
    /// What the successful attempt used; for the ensemble, its members together.
    pub(super) usage: Option<Usage>,
    pub(super) attempts: u32,
    /// Why there is no result.
    pub(super) abandoned: Option<&'a str>,
    pub(super) result: Option<&'a TrialResult>,
    /// The ensemble's members.
    pub(super) members: &'a [Member],
}

impl Row<'_> {
    pub(super) fn score(&self, metric: Metric, split: Split) -> Option<Score> {
        self.scores.iter().find(|s| s.metric == metric && s.split == split).copied()
    }

    pub(super) fn value(&self, metric: Metric, split: Split) -> Option<f64> {
        self.score(metric, split).map(|s| s.value.get())
    }
}

/// The rows, ranked, with what every part of the report asks of them.
#[derive(Clone, Debug)]
pub(super) struct Leaderboard<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// The measure that ranks them.
    pub(super) criterion: Metric,
    pub(super) has_test: bool,
    best: usize,
}

impl<'a> Leaderboard<'a> {
    pub(super) fn of(data: &'a ReportData) -> Result<Self, RenderError> {
        let mut rows = rows(data);
        let scored = |metric| rows.iter().any(|r| r.value(metric, Split::Backtest).is_some());
        let criterion = CRITERIA.into_iter().find(|m| scored(*m)).unwrap_or(Metric::Mase);
        let error = |r: &Row<'_>| match (r.result, r.value(criterion, Split::Backtest)) {
            (Some(_), Some(value)) => (0, value),
            (Some(_), None) => (1, 0.0),
            (None, _) => (2, 0.0),
        };
        rows.sort_by(|a, b| {
            let (a_error, b_error) = (error(a), error(b));
            a_error.0.cmp(&b_error.0).then(a_error.1.total_cmp(&b_error.1)).then(a.number.cmp(&b.number))
        });
        for (place, row) in rows.iter_mut().enumerate() {
            row.rank = row.result.map(|_| place + 1);
        }
        let best = rows.iter().position(|r| r.number == data.best && r.result.is_some());
        let has_test = rows.iter().any(|r| r.scores.iter().any(|s| s.split == Split::Test));
        Ok(Self { rows, criterion, has_test, best: best.ok_or(RenderError::NoBest(data.best))? })
    }

    pub(super) fn best(&self) -> &Row<'a> {
        &self.rows[self.best]
    }

    /// The first finished baseline: what every other model is measured against.
    pub(super) fn baseline(&self) -> Option<&Row<'a>> {
        self.rows.iter().filter(|r| r.role == "baseline" && r.result.is_some()).min_by_key(|r| r.number)
    }

    pub(super) fn label(&self, number: TrialNumber) -> String {
        self.rows.iter().find(|r| r.number == number).map_or_else(|| format!("trial {number}"), |r| r.label.clone())
    }

    /// The best model's accuracy in words, such as `MASE 0.52, 41 % below seasonal naive`.
    pub(super) fn verdict(&self) -> String {
        let best = self.best();
        let name = metric_name(self.criterion);
        let Some(value) = best.value(self.criterion, Split::Backtest) else {
            return "the forecast could not be scored: the data are too short for a backtest".to_owned();
        };
        let own = format!("{name} {value:.2}");
        let Some(baseline) = self.baseline() else { return format!("{own}; no baseline finished") };
        let against = super::text::spoken(baseline.model);
        if baseline.number == best.number {
            return format!("{own}; no model was better than the baseline, {against}");
        }
        match baseline.value(self.criterion, Split::Backtest) {
            Some(reference) if reference > 0.0 => {
                let gain = 100.0 * (1.0 - value / reference);
                if gain >= 0.5 {
                    format!("{own}, {gain:.0} % below {against}")
                } else if gain > -0.5 {
                    format!("{own}, level with {against}")
                } else {
                    format!("{own}, {:.0} % above {against}", -gain)
                }
            }
            Some(_) => format!("{own}; {against} makes no error at all"),
            None => format!("{own}; {against} could not be scored"),
        }
    }
}

/// A measure as the tables head it.
pub(super) const fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Mase => "MASE",
        Metric::Smape => "sMAPE",
        Metric::Rmsse => "RMSSE",
        Metric::Mae => "MAE",
        Metric::Rmse => "RMSE",
        Metric::Wql => "WQL",
        Metric::Coverage => "Coverage",
    }
}

fn rows(data: &ReportData) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = data
        .trials
        .iter()
        .map(|entry| {
            let (scores, usage, abandoned) = match &entry.trial.state {
                TrialState::Completed { scores, usage, .. } => (scores.as_slice(), Some(*usage), None),
                TrialState::Abandoned { reason } => (&[][..], None, Some(reason.as_str())),
                TrialState::Queued | TrialState::Leased | TrialState::Running | TrialState::Failed => {
                    (&[][..], None, Some("it had not ended when the report was written"))
                }
            };
            let model = entry.trial.spec.model.as_str();
            let twin = data.trials.iter().any(|t| t.number != entry.number && t.trial.spec.model == model);
            Row {
                rank: None,
                number: entry.number,
                trial_id: entry.trial_id,
                label: if twin { format!("{model} #{}", entry.number) } else { model.to_owned() },
                model,
                role: match entry.trial.role {
                    TrialRole::Baseline => "baseline",
                    TrialRole::Candidate => "candidate",
                    TrialRole::Fallback => "fallback",
                },
                scores,
                usage,
                attempts: entry.trial.attempt.0,
                abandoned,
                result: entry.result.as_ref(),
                members: &[],
            }
        })
        .collect();
    if let Some((trial_id, built, result)) = &data.ensemble {
        rows.push(Row {
            rank: None,
            number: built.trial,
            trial_id: *trial_id,
            label: "ensemble".to_owned(),
            model: "ensemble",
            role: "ensemble",
            scores: &built.scores,
            usage: together(data, &built.members),
            attempts: 1,
            abandoned: None,
            result: Some(result),
            members: &built.members,
        });
    }
    rows
}

/// What the members used together: an ensemble costs its members.
fn together(data: &ReportData, members: &[Member]) -> Option<Usage> {
    let mut total = Usage::default();
    for member in members {
        let entry = data.trials.iter().find(|t| t.number == member.trial)?;
        let TrialState::Completed { usage, .. } = &entry.trial.state else { return None };
        total.wall_ms += usage.wall_ms;
        total.cpu_ms += usage.cpu_ms;
        total.energy_mj += usage.energy_mj;
        total.peak_rss_bytes = total.peak_rss_bytes.max(usage.peak_rss_bytes);
        total.peak_gpu_mem_bytes = total.peak_gpu_mem_bytes.max(usage.peak_gpu_mem_bytes);
    }
    Some(total)
}
