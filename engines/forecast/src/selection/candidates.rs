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
    /// Whether it forecasts demand that comes now and then, and no other series; or else all but that.
    pub(super) intermittent: bool,
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
    /// How many of them are mostly zeros.
    pub(super) intermittent: usize,
}

/// Local models that need no settings and suit any series.
const ALWAYS: [&str; 11] = [
    "naive",
    "drift",
    "holt",
    "historic-average",
    "theta",
    "dynamic-optimized-theta",
    "auto-theta",
    "auto-ces",
    "auto-ets",
    "auto-arima",
    "rank-one",
];
/// Models of demand that comes now and then (Croston 1972 and after), of series that are mostly zeros (an average interval
/// above 1.32: Syntetos, Boylan and Croston 2005). Those that never let go of an old demand are not among them.
const INTERMITTENT: [&str; 4] = ["zero", "tsb", "imapa", "ses"];
/// The window over which such demand is averaged where there is no season.
const DEMAND_WINDOW: i64 = 12;
/// From here on a series can bear a ridge regression of its own.
const LONG: usize = 100;
/// The most series of a period that are worth their own regression: beyond, one for all.
const MANY: usize = 2_000;

/// The candidates that `registry` can build, the cheapest first.
pub(super) fn candidates(registry: &Registry, situation: &Situation) -> Vec<Candidate> {
    let season = i64::try_from(situation.season_length).unwrap_or(1);
    let mut wanted: Vec<(&str, Vec<(&str, Setting)>)> = Vec::new();
    if situation.intermittent < situation.series {
        wanted.extend(ALWAYS.iter().map(|name| (*name, Vec::new())));
        wanted.push(("arima", Vec::new()));
        wanted.push(("ets", vec![("form", text("AAdN"))]));
        wanted.extend(seasonal(situation));
        wanted.extend(regressions(situation));
    }
    let regular = wanted.len();
    if situation.intermittent > 0 {
        wanted.extend(INTERMITTENT.iter().map(|name| (*name, Vec::new())));
        wanted.push(("nlinear", vec![("pooled", text("yes"))]));
        let window = if season > 1 { season } else { DEMAND_WINDOW };
        wanted.push(("window-average", vec![("window", Setting::Integer(window))]));
    }
    let all = catalogue::catalogue();
    let known: Vec<&str> = registry.names().collect();
    let mut candidates: Vec<Candidate> = wanted
        .into_iter()
        .enumerate()
        .filter(|(_, (name, _))| known.contains(name))
        .filter_map(|(i, (name, settings))| {
            let entry = all.iter().find(|e| e.name == name)?;
            // A model that has no such setting cannot be this candidate.
            let fits = settings.iter().all(|(s, _)| entry.defaults.contains_key(*s));
            fits.then(|| Candidate::new(entry, settings, i >= regular))
        })
        .collect();
    let dearness = |c: &Candidate| c.cost.fixed_seconds + c.cost.seconds_per_million;
    candidates.sort_by(|a, b| dearness(a).total_cmp(&dearness(b)));
    candidates
}

/// Models with a name and settings.
type Wanted = Vec<(&'static str, Vec<(&'static str, Setting)>)>;

fn text(value: &str) -> Setting {
    Setting::Text(value.to_owned())
}

fn whole(value: usize) -> Setting {
    Setting::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Models of the plan's season and of longer ones.
fn seasonal(situation: &Situation) -> Wanted {
    let mut wanted = Wanted::new();
    let robust = || ("inner", text("dynamic-optimized-theta"));
    if situation.season_length > 1 {
        wanted.push(("seasonal-naive", Vec::new()));
        wanted.push(("ets", vec![("form", text("AAdA"))]));
        wanted.push(("holt-winters", Vec::new()));
        wanted.push(("mstl", Vec::new()));
        wanted.push(("mstl", vec![robust()]));
    }
    for &longer in &situation.more_seasons {
        for name in ["seasonal-naive", "theta", "rank-one", "mstl"] {
            wanted.push((name, vec![("season_length", whole(longer))]));
        }
        wanted.push(("mstl", vec![("season_length", whole(longer)), robust()]));
    }
    wanted
}

/// Ridge regressions of the plan's season, and of it with each longer one.
fn regressions(situation: &Situation) -> Wanted {
    let mut wanted = Wanted::new();
    let mut periods = vec![Vec::new()];
    for &longer in &situation.more_seasons {
        let both = [situation.season_length, longer];
        periods.push(both.iter().filter(|p| **p > 1).map(|p| i64::try_from(*p).unwrap_or(i64::MAX)).collect());
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
    wanted
}

impl Candidate {
    fn new(entry: &CatalogueEntry, settings: Vec<(&str, Setting)>, intermittent: bool) -> Self {
        let mut label = entry.name.to_owned();
        for (_, value) in &settings {
            label.push_str(&match value {
                Setting::Integer(n) if entry.name == catalogue::WINDOW_AVERAGE => format!(" of {n}"),
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
            intermittent,
        }
    }

    /// The model, not yet fitted.
    pub(super) fn build(&self, registry: &Registry) -> Result<Box<dyn Forecaster>, ForecastError> {
        registry.build(&self.spec)
    }
}
