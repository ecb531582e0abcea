//! The report for machines: one JSON object of a stable form. Fields are only ever added.

use atsre_domain::cleaning::CleaningSummary;
use atsre_domain::experiment::FallbackTaken;
use atsre_domain::graph::{CausalGraph, Driver};
use atsre_domain::identity::{Position, Seed, Timestamp, TrialNumber};
use atsre_domain::metric::{Score, Split};
use atsre_domain::plan::Plan;
use atsre_domain::profile::SeasonalPeriod;
use atsre_domain::rule::TestedRule;
use serde::Serialize;

use super::leaderboard::{Leaderboard, Row};
use super::page::failure_outcome;
use super::{Anchor, RenderError, ReportData, text};

/// The name of this form.
const FORM: &str = "atsre-report/1";

#[derive(Serialize)]
struct Document<'a> {
    form: &'static str,
    experiment: Experiment<'a>,
    dataset: Dataset<'a>,
    profile: ProfileSummary<'a>,
    graph: Option<Graph<'a>>,
    plan: Option<&'a Plan>,
    /// The measure that ranks.
    criterion: &'static str,
    best: Line<'a>,
    baseline: Option<Line<'a>>,
    verdict: String,
    leaderboard: Vec<Line<'a>>,
    failures: Vec<FailureLine<'a>>,
    fallbacks: &'a [FallbackTaken],
    quantile_levels: &'a [f64],
    forecasts: Vec<Forecast<'a>>,
    anchor: AnchorLine<'a>,
    build: &'a str,
    written_at: String,
}

#[derive(Serialize)]
struct Experiment<'a> {
    id: Position,
    stream: &'a str,
    name: &'a str,
    objective: &'static str,
    target: &'a str,
    horizon: u32,
    holdout: bool,
    seed: Seed,
}

#[derive(Serialize)]
struct Dataset<'a> {
    name: &'a str,
    version: u32,
    file: &'a str,
    sha256: &'a str,
    rows: u64,
    series: usize,
    observations: usize,
    frequency: String,
    warnings: &'a [String],
    cleaning: &'a CleaningSummary,
    rules: &'a [TestedRule],
}

#[derive(Serialize)]
struct ProfileSummary<'a> {
    findings: &'a [String],
    seasonal_periods: &'a [SeasonalPeriod],
    stationarity: atsre_domain::profile::Stationarity,
    missing_share: atsre_domain::Finite,
    trend_strength: Option<atsre_domain::Finite>,
}

#[derive(Serialize)]
struct Graph<'a> {
    id: Position,
    algorithm: &'a str,
    drivers: &'a [Driver],
    interpretation: &'a str,
    graph: &'a CausalGraph,
}

#[derive(Clone, Serialize)]
struct Line<'a> {
    rank: Option<usize>,
    trial: Position,
    number: TrialNumber,
    model: &'a str,
    label: String,
    role: &'static str,
    status: &'static str,
    reason: Option<&'a str>,
    attempts: u32,
    backtest: serde_json::Map<String, serde_json::Value>,
    test: serde_json::Map<String, serde_json::Value>,
    wall_s: Option<f64>,
    cpu_s: Option<f64>,
    peak_memory_bytes: Option<u64>,
    energy_j: Option<f64>,
    members: &'a [atsre_domain::experiment::Member],
}

#[derive(Serialize)]
struct FailureLine<'a> {
    trial: Position,
    model: &'a str,
    attempt: u32,
    kind: &'static str,
    message: &'a str,
    peak_memory_bytes: u64,
    diagnosis: Option<&'a str>,
    changes: &'a [String],
    outcome: String,
}

#[derive(Serialize)]
struct Forecast<'a> {
    item_id: &'a str,
    times: Vec<String>,
    mean: Vec<Option<f64>>,
    /// One row for each quantile level.
    quantiles: Vec<Vec<Option<f64>>>,
}

#[derive(Serialize)]
struct AnchorLine<'a> {
    position: Position,
    log_hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchored_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
}

/// Renders the JSON form.
pub(super) fn render(data: &ReportData, board: &Leaderboard<'_>) -> Result<String, RenderError> {
    let result = board.best().result;
    let document = Document {
        form: FORM,
        experiment: experiment(data),
        dataset: dataset(data),
        profile: ProfileSummary {
            findings: &data.profile.findings,
            seasonal_periods: &data.profile.seasonal_periods,
            stationarity: data.profile.stationarity,
            missing_share: data.profile.missing_share,
            trend_strength: data.profile.trend_strength,
        },
        graph: data.graph.as_ref().map(|(id, found)| Graph {
            id: *id,
            algorithm: &found.algorithm,
            drivers: &found.drivers,
            interpretation: &found.interpretation,
            graph: &found.graph,
        }),
        plan: data.plan.as_ref().map(|p| &p.plan),
        criterion: board.criterion.name(),
        best: line(board.best()),
        baseline: board.baseline().map(line),
        verdict: board.verdict(),
        leaderboard: board.rows.iter().map(line).collect(),
        failures: failures(data),
        fallbacks: &data.fallbacks,
        quantile_levels: result.map_or(&[][..], |r| &r.quantile_levels),
        forecasts: result.map_or_else(Vec::new, |r| r.forecasts.iter().map(|f| forecast(data, f)).collect()),
        anchor: anchor(&data.anchor),
        build: &data.build,
        written_at: instant(data.written_at),
    };
    Ok(serde_json::to_string_pretty(&document)?)
}

fn anchor(anchor: &Anchor) -> AnchorLine<'_> {
    let signature = anchor.signature.as_ref().ok();
    AnchorLine {
        position: anchor.position,
        log_hash: &anchor.log_hash.0,
        anchored_at: signature.map(|signature| signature.anchored_at.as_str()),
        public_key: signature.map(|signature| signature.public_key.as_str()),
        signature: signature.map(|signature| signature.signature.as_str()),
    }
}

fn experiment(data: &ReportData) -> Experiment<'_> {
    let opened = &data.opened;
    Experiment {
        id: data.experiment_id,
        stream: &data.stream.0,
        name: &opened.name,
        objective: opened.objective.name(),
        target: &opened.target,
        horizon: opened.horizon,
        holdout: opened.holdout,
        seed: opened.seed,
    }
}

fn dataset(data: &ReportData) -> Dataset<'_> {
    let registered = &data.registered;
    Dataset {
        name: &registered.name,
        version: registered.version,
        file: &registered.source.file_name,
        sha256: &registered.source.digest.0,
        rows: registered.rows,
        series: data.panel.series.len(),
        observations: data.panel.observations(),
        frequency: data.panel.frequency.to_string(),
        warnings: &registered.warnings,
        cleaning: &data.cleaned,
        rules: &data.rules,
    }
}

fn line<'a>(row: &Row<'a>) -> Line<'a> {
    let scores = |split: Split| {
        let of = row.scores.iter().filter(|s: &&Score| s.split == split);
        of.map(|s| {
            let half_width = s.half_width.map(atsre_domain::Finite::get);
            (s.metric.name().to_owned(), serde_json::json!({ "value": s.value, "half_width": half_width }))
        })
        .collect()
    };
    Line {
        rank: row.rank,
        trial: row.trial_id,
        number: row.number,
        model: row.model,
        label: row.label.clone(),
        role: row.role,
        status: if row.result.is_some() { "completed" } else { "abandoned" },
        reason: row.abandoned,
        attempts: row.attempts,
        backtest: scores(Split::Backtest),
        test: scores(Split::Test),
        wall_s: row.usage.map(|u| u.wall_ms as f64 / 1000.0),
        cpu_s: row.usage.map(|u| u.cpu_ms as f64 / 1000.0),
        peak_memory_bytes: row.usage.map(|u| u.peak_rss_bytes),
        energy_j: row.usage.map(|u| u.energy_mj as f64 / 1000.0),
        members: row.members,
    }
}

fn failures(data: &ReportData) -> Vec<FailureLine<'_>> {
    let attempts = data.trials.iter().flat_map(|t| t.trial.failures.iter().enumerate().map(move |(k, f)| (t, k, f)));
    attempts
        .map(|(entry, index, failed)| FailureLine {
            trial: entry.trial_id,
            model: &entry.trial.spec.model,
            attempt: failed.attempt.0,
            kind: failed.failure.kind.name(),
            message: &failed.failure.message,
            peak_memory_bytes: failed.usage.peak_rss_bytes,
            diagnosis: failed.healed.as_ref().map(|h| h.0.as_str()),
            changes: failed.healed.as_ref().map_or(&[][..], |h| &h.1),
            outcome: failure_outcome(entry, index).0,
        })
        .collect()
}

fn forecast<'a>(data: &ReportData, forecast: &'a atsre_forecast::SeriesForecast) -> Forecast<'a> {
    let finite = |values: &[f64]| values.iter().map(|v| v.is_finite().then_some(*v)).collect();
    Forecast {
        item_id: &forecast.item_id,
        times: forecast.times.iter().map(|t| text::instant(*t, data.panel.frequency)).collect(),
        mean: finite(&forecast.mean),
        quantiles: forecast.quantiles.iter().map(|row| finite(row)).collect(),
    }
}

fn instant(time: Timestamp) -> String {
    text::instant(time, atsre_domain::Frequency::every(atsre_domain::frequency::FrequencyUnit::Second))
}
