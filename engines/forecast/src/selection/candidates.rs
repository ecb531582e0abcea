//! Which models, with which settings, may forecast a panel.

use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};

use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::registry::{FRAMEWORK, Registry};

/// A model with its settings.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Its model's name with what sets it apart, such as `theta, season 52`.
    pub(super) label: String,
    spec: ModelSpec,
    /// What a fit costs.
    pub(super) cost: DeclaredCost,
    /// Whether series are fitted together, so that leaving some out changes the others' forecasts.
    pub(super) global: bool,
}

/// What is known of a panel before the first fit.
#[derive(Clone, Debug)]
pub(super) struct Situation {
    /// The plan's season, at least 1.
    pub(super) season_length: usize,
    /// Longer seasons that the calendar or the data suggest.
    pub(super) more_seasons: Vec<usize>,
    /// Series in view.
    pub(super) series: usize,
    /// The median length.
    pub(super) typical_length: usize,
    /// Whether some series are mostly zeros.
    pub(super) intermittent: bool,
}

/// Local models that need no settings and suit any series.
const ALWAYS: [&str; 10] = [
    "naive",
    "drift",
    "historic-average",
    "theta",
    "dynamic-optimized-theta",
    "auto-theta",
    "auto-ces",
    "auto-ets",
    "auto-arima",
    "rank-one",
];
/// Models of demand that comes now and then (Croston 1972 and after).
const INTERMITTENT: [&str; 5] = ["croston-sba", "tsb", "adida", "imapa", "ses"];
/// From here on a series can bear a ridge regression of its own.
const LONG: usize = 100;
/// The most series of a period that are worth their own regression: beyond, one for all.
const MANY: usize = 2_000;

/// The candidates that `registry` can build, the cheapest first.
pub(super) fn candidates(registry: &Registry, situation: &Situation) -> Vec<Candidate> {
    let season = i64::try_from(situation.season_length).unwrap_or(1);
    let text = |value: &str| Setting::Text(value.to_owned());
    let mut wanted: Vec<(&str, Vec<(&str, Setting)>)> = ALWAYS.iter().map(|name| (*name, Vec::new())).collect();
    if situation.intermittent {
        wanted.extend(INTERMITTENT.iter().map(|name| (*name, Vec::new())));
    }
    wanted.push(("arima", Vec::new()));
    wanted.push(("ets", vec![("form", text("AAdN"))]));
    if season > 1 {
        wanted.push(("seasonal-naive", Vec::new()));
        wanted.push(("ets", vec![("form", text("AAdA"))]));
        wanted.push(("holt-winters", Vec::new()));
        wanted.push(("mstl", Vec::new()));
    }
    let mut periods = vec![Vec::new()];
    for &longer in &situation.more_seasons {
        let longer = i64::try_from(longer).unwrap_or(i64::MAX);
        for name in ["seasonal-naive", "theta", "rank-one", "mstl"] {
            wanted.push((name, vec![("season_length", Setting::Integer(longer))]));
        }
        periods.push(if season > 1 { vec![season, longer] } else { vec![longer] });
    }
    for periods in periods {
        let own = (!periods.is_empty()).then(|| ("seasonal_periods", Setting::Integers(periods.clone())));
        if situation.series > 1 {
            wanted.push(("ridge", own.clone().into_iter().chain([("pooled", text("yes"))]).collect()));
        }
        if situation.series == 1 || (situation.typical_length >= LONG && situation.series <= MANY) {
            wanted.push(("ridge", own.into_iter().chain([("pooled", text("no"))]).collect()));
        }
    }
    let all = catalogue::catalogue();
    let known: Vec<&str> = registry.names().collect();
    let mut candidates: Vec<Candidate> = wanted
        .into_iter()
        .filter(|(name, _)| known.contains(name))
        .filter_map(|(name, settings)| {
            let entry = all.iter().find(|e| e.name == name)?;
            // A model that has no such setting cannot be this candidate.
            settings.iter().all(|(s, _)| entry.defaults.contains_key(*s)).then(|| Candidate::new(entry, settings))
        })
        .collect();
    let dearness = |c: &Candidate| c.cost.fixed_seconds + c.cost.seconds_per_million;
    candidates.sort_by(|a, b| dearness(a).total_cmp(&dearness(b)));
    candidates
}

impl Candidate {
    fn new(entry: &CatalogueEntry, settings: Vec<(&str, Setting)>) -> Self {
        let mut label = entry.name.to_owned();
        for (_, value) in &settings {
            label.push_str(&match value {
                Setting::Text(word) if word == "yes" => ", pooled".to_owned(),
                Setting::Text(word) if word == "no" => ", each by itself".to_owned(),
                Setting::Text(word) => format!(" {word}"),
                Setting::Integer(n) => format!(", season {n}"),
                Setting::Integers(n) => format!(", seasons {n:?}"),
                Setting::Flag(_) | Setting::Number(_) => String::new(),
            });
        }
        let pooled = settings.iter().any(|(_, v)| *v == Setting::Text("yes".to_owned()));
        let hyperparameters: Hyperparameters = settings.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        Self {
            label,
            spec: ModelSpec {
                framework: FRAMEWORK.to_owned(),
                model: entry.name.to_owned(),
                hyperparameters,
                covariates: Vec::new(),
                device: Device::Cpu,
            },
            cost: entry.cost,
            global: entry.family == Family::Linear && pooled,
        }
    }

    /// The model, not yet fitted.
    pub(super) fn build(&self, registry: &Registry) -> Result<Box<dyn Forecaster>, ForecastError> {
        registry.build(&self.spec)
    }
}
