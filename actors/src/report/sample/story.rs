//! The sample's profile, rules, graph, plan and changes.

use atsre_domain::artifact::{ArtifactRef, Digest};
use atsre_domain::cleaning::{CellChange, ChangeKind};
use atsre_domain::dataset::GraphDiscovered;
use atsre_domain::experiment::{FallbackTaken, PlanProposed, Stage};
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::graph::{BackgroundKnowledge, CausalEdge, CausalGraph, Driver, Mark, Variable};
use atsre_domain::identity::Position;
use atsre_domain::panel::Panel;
use atsre_domain::plan::{BacktestPlan, Plan, PlannedTrial, ReasonerKind, ReasoningStep};
use atsre_domain::profile::{
    CovariateProfile, DemandPattern, Distribution, Gaps, Profile, SeasonalPeriod, SeriesProfile, Stationarity,
    TestResult,
};
use atsre_domain::rule::{AnomalyRule, RuleAction, RuleForm, TestedRule};

use super::super::TrialEntry;
use super::{Shape, finite, noise};

pub(super) fn changes(panel: &Panel, hostile: Option<&str>) -> Vec<CellChange> {
    let kinds = [ChangeKind::InsertedGap, ChangeKind::ImputedMissing, ChangeKind::ReplacedOutlier];
    let series = &panel.series[0];
    let change = |k: usize| CellChange {
        item_id: series.item_id.clone(),
        time: series.times[k * 61],
        column: hostile.unwrap_or("rentals").into(),
        kind: kinds[k % 3],
        before: (k % 3 == 2).then(|| finite(977.0)),
        after: Some(finite(120.0 + k as f64)),
        method: "seasonal interpolation: the day before and after at this hour".into(),
    };
    (0..165).map(change).collect()
}

fn series_profile(name: &str, length: u64, season: u32) -> SeriesProfile {
    let acf =
        |k: u32| (std::f64::consts::TAU * f64::from(k) / f64::from(season)).cos() * 0.9_f64.powf(f64::from(k) / 12.0);
    SeriesProfile {
        item_id: name.into(),
        length,
        gaps: Gaps { missing: 18, share: Some(finite(0.001)), runs: 18, longest_run: 1, pattern: "scattered".into() },
        distribution: Distribution {
            count: length,
            mean: finite(189.46),
            std: finite(181.39),
            min: finite(1.0),
            q25: finite(40.0),
            median: finite(142.0),
            q75: finite(281.0),
            max: finite(977.0),
            skewness: Some(finite(1.28)),
            kurtosis: Some(finite(4.4)),
            jarque_bera: None,
            zero_share: finite(0.0),
            integer: true,
            non_negative: true,
        },
        outliers: 41,
        adf: Some(TestResult { statistic: finite(-6.8), p_value: finite(2e-9), lags: 44 }),
        kpss: Some(TestResult { statistic: finite(3.1), p_value: finite(0.01), lags: 73 }),
        stationarity: Stationarity::TrendStationary,
        trend_strength: Some(finite(0.62)),
        seasonal_periods: vec![SeasonalPeriod { period: season, strength: finite(0.83) }],
        adi: Some(finite(1.0)),
        cv2: Some(finite(0.9)),
        demand_pattern: DemandPattern::Erratic,
        acf: (1..=40).map(|k| finite(acf(k))).collect(),
        pacf: (1..=40).map(|k| finite(acf(k) * 0.6 / f64::from(k).sqrt() + 0.05 * noise(u64::from(k)))).collect(),
        hurst: Some(finite(0.71)),
        change_points: vec![8_700],
    }
}

pub(super) fn profile(shape: Shape, panel: &Panel) -> Profile {
    let hourly = shape.unit == FrequencyUnit::Hour;
    let season = if hourly { 24 } else { 12 };
    let length = shape.length as u64;
    let mut seasonal_periods = vec![SeasonalPeriod { period: season, strength: finite(0.83) }];
    if hourly {
        seasonal_periods.push(SeasonalPeriod { period: 168, strength: finite(0.41) });
    }
    Profile {
        series_count: shape.series as u64,
        observations: panel.observations() as u64,
        length_min: length,
        length_median: length,
        length_max: length,
        frequency: panel.frequency,
        missing_share: finite(if shape.rich { 0.0094 } else { 0.0 }),
        outliers: 41,
        trend_strength: Some(finite(0.62)),
        seasonal_periods,
        stationarity: Stationarity::TrendStationary,
        demand_pattern: DemandPattern::Smooth,
        non_negative: true,
        gaussian: false,
        covariates: vec![CovariateProfile {
            name: "temperature".into(),
            kind: "numeric".into(),
            distinct: 50,
            missing: 0,
            correlation: Some(finite(0.4)),
        }],
        series: panel.series.iter().take(200).map(|s| series_profile(&s.item_id, length, season)).collect(),
        findings: vec![
            shape.hostile.unwrap_or("A strong daily season (strength 0.83) and a weaker weekly one (0.41).").into(),
            "The level rises by about 60 % over the two years.".into(),
            "0.9 % of the time axis is absent, in 76 short gaps.".into(),
        ],
    }
}

pub(super) fn rules(hostile: Option<&str>) -> Vec<TestedRule> {
    let rule = |form, reason: &str, violations, accepted| TestedRule {
        rule: AnomalyRule {
            column: hostile.unwrap_or("rentals").into(),
            form,
            action: RuleAction::Impute,
            reason: reason.into(),
        },
        tested: 17_379,
        violations,
        accepted,
        verdict: if accepted {
            "few values break it".into()
        } else {
            "too many values break it to be an anomaly".into()
        },
    };
    let bounds = RuleForm::Bounds { minimum: Some(finite(0.0)), maximum: Some(finite(1_954.0)) };
    vec![
        rule(bounds, "counts are never negative", 0, true),
        rule(RuleForm::FlatLine { longest_run: 6 }, "a stuck sensor repeats its value", 3, true),
        rule(RuleForm::RateOfChange { maximum_per_step: finite(80.0) }, "changes are small", 3_301, false),
    ]
}

pub(super) fn graph(hostile: Option<&str>) -> GraphDiscovered {
    let target = hostile.unwrap_or("rentals");
    let names = [target, "temperature", "humidity", "wind speed", "working day"];
    let mut variables: Vec<Variable> = names.iter().map(|n| Variable { name: (*n).to_owned(), lag: 0 }).collect();
    variables.extend([target, "temperature", "humidity"].map(|n| Variable { name: n.to_owned(), lag: 1 }));
    variables.push(Variable { name: target.to_owned(), lag: 24 });
    let edge = |source, target, source_mark, target_mark, confidence: f64| CausalEdge {
        source,
        target,
        source_mark,
        target_mark,
        statistic: Some(finite(9.0)),
        p_value: Some(finite(1e-7)),
        confidence: Some(finite(confidence)),
    };
    let edges = vec![
        edge(1, 0, Mark::Tail, Mark::Arrow, 0.97),
        edge(1, 2, Mark::Tail, Mark::Tail, 0.6),
        edge(2, 0, Mark::Tail, Mark::Arrow, 0.88),
        edge(3, 2, Mark::Arrow, Mark::Arrow, 0.4),
        edge(4, 0, Mark::Tail, Mark::Arrow, 0.7),
        edge(5, 0, Mark::Tail, Mark::Arrow, 1.0),
        edge(6, 1, Mark::Tail, Mark::Arrow, 1.0),
        edge(7, 2, Mark::Tail, Mark::Arrow, 1.0),
        edge(8, 0, Mark::Tail, Mark::Arrow, 0.9),
    ];
    let driver = |name: &str, lag, p: f64, confidence: f64, directed| Driver {
        variable: name.into(),
        lag,
        p_value: Some(finite(p)),
        confidence: Some(finite(confidence)),
        directed,
        effect: None,
    };
    GraphDiscovered {
        version: 1,
        target: target.into(),
        algorithm: "PC".into(),
        reasons: vec![
            "Numeric columns and enough rows for Fisher’s z.".into(),
            hostile.unwrap_or("Time order forbids edges into the past.").into(),
        ],
        significance_level: finite(0.01),
        knowledge: BackgroundKnowledge { required: vec![("temperature".into(), target.into())], ..Default::default() },
        graph: CausalGraph { variables, edges },
        node_link: ArtifactRef {
            digest: Digest("aa".repeat(32)),
            length_bytes: 1,
            media_type: "application/json".into(),
        },
        drivers: vec![
            driver("temperature", 0, 1e-7, 0.97, true),
            driver(target, 24, 1e-9, 0.9, true),
            driver("humidity", 0, 0.003, 0.88, false),
        ],
        interpretation:
            "Warm, dry hours on working days have more rentals; most of an hour’s level is that of the hour before."
                .into(),
        settings: None,
    }
}

pub(super) fn plan(shape: Shape, trials: &[TrialEntry]) -> PlanProposed {
    let step = |observation: &str, inference: &str, decision: &str| ReasoningStep {
        observation: observation.into(),
        inference: inference.into(),
        decision: decision.into(),
    };
    let planned = trials.iter().map(|t| PlannedTrial {
        spec: t.trial.spec.clone(),
        limits: t.trial.limits,
        reason: shape.hostile.unwrap_or("cheap, and it uses the season that was found").into(),
    });
    PlanProposed {
        plan: Plan {
            hypothesis:
                "A model that knows both seasons and the weather beats repeating yesterday by at least a third.".into(),
            reasoning: vec![
                step(
                    "a daily season of strength 0.83",
                    "the hour of the day decides most of the level",
                    "seasonal naive is the yardstick; every candidate gets the season 24",
                ),
                step(
                    "temperature and humidity drive the target at the same hour",
                    "their forecasts carry information about the horizon",
                    "ridge with Fourier terms uses both as known covariates",
                ),
                step(
                    "17,379 observations and a budget of 180 s on 2 cores",
                    "a small network can be trained in time",
                    "n-hits with batches that fit into 1 GiB",
                ),
            ],
            backtest: BacktestPlan { windows: 5, step: shape.horizon as u32, season_length: 24 },
            trials: planned.collect(),
            ensemble_strategy: "weighted_avg".into(),
        },
        reasoner: ReasonerKind::Rules,
        profile: Digest("01".repeat(32)),
        panel: Digest("02".repeat(32)),
        graph: shape.rich.then_some(Position(61)),
        inputs: None,
    }
}

pub(super) fn fallbacks(hostile: Option<&str>) -> Vec<FallbackTaken> {
    vec![FallbackTaken {
        stage: Stage::Planning,
        from: "llm".into(),
        to: "rules".into(),
        reason: hostile.unwrap_or("the answer named a model that is not in the catalogue, twice").into(),
    }]
}
