//! The models that exist, what they can do, what they cost and which settings they take.
//!
//! Costs are upper estimates from `cargo run --release -p atsre-forecast --example cost` on one core of a two-core
//! x86-64 virtual machine: seconds for each million observations *and backtest window* at horizon 24.

use atsre_domain::Finite;
use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::model::{Hyperparameters, Setting};

use crate::error::ForecastError;
use crate::registry::FRAMEWORK;

mod boosting;
mod choice;
mod deep;
mod foundation;
mod simple;
mod smoothing;

/// The name of the last-value forecast.
pub const NAIVE: &str = "naive";
/// The name of the last-season forecast.
pub const SEASONAL_NAIVE: &str = "seasonal-naive";
/// The name of the random walk with drift.
pub const DRIFT: &str = "drift";
/// The name of the standard Theta method.
pub const THETA: &str = "theta";
/// The name of the Theta model with an optimised θ.
pub const OPTIMIZED_THETA: &str = "optimized-theta";
/// The name of the Theta model with the trend line of the history so far.
pub const DYNAMIC_THETA: &str = "dynamic-theta";
/// The name of the Theta model with both.
pub const DYNAMIC_OPTIMIZED_THETA: &str = "dynamic-optimized-theta";
/// The name of the best of the Theta models.
pub const AUTO_THETA: &str = "auto-theta";
/// The name of Naive 2, the M competitions' benchmark.
pub const NAIVE2: &str = "naive2";
/// The name of the mean of the history.
pub const HISTORIC_AVERAGE: &str = "historic-average";
/// The name of the mean of the last values.
pub const WINDOW_AVERAGE: &str = "window-average";
/// The name of the forecast of nothing.
pub const ZERO: &str = "zero";
/// The name of simple exponential smoothing.
pub const SES: &str = "ses";
/// The name of Croston's method.
pub const CROSTON: &str = "croston";
/// The name of Croston's method with optimised weights.
pub const CROSTON_OPTIMIZED: &str = "croston-optimized";
/// The name of Syntetos' and Boylan's approximation.
pub const CROSTON_SBA: &str = "croston-sba";
/// The name of Teunter's, Syntetos' and Babai's method.
pub const TSB: &str = "tsb";
/// The name of smoothing of aggregated demand.
pub const ADIDA: &str = "adida";
/// The name of smoothing of demand aggregated in several ways.
pub const IMAPA: &str = "imapa";
/// The name of the choice among all forms of complex exponential smoothing.
pub const AUTO_CES: &str = "auto-ces";
/// The name of complex exponential smoothing with a given season.
pub const CES: &str = "ces";
/// The name of the decomposition of several seasons with an inner model.
pub const MSTL: &str = "mstl";
/// The name of the choice among all forms of exponential smoothing.
pub const AUTO_ETS: &str = "auto-ets";
/// The name of exponential smoothing of a given form.
pub const ETS: &str = "ets";
/// The name of Holt's linear trend.
pub const HOLT: &str = "holt";
/// The name of Holt's and Winters' trend and season.
pub const HOLT_WINTERS: &str = "holt-winters";
/// The name of the default: a weighted choice among all others.
pub const AUTO: &str = "auto";
/// The name of the direct ridge autoregression.
pub const RIDGE: &str = "ridge";
/// The name of the seasonal ARIMA model with set orders.
pub const ARIMA: &str = "arima";
/// The name of the seasonal ARIMA model that searches its orders.
pub const AUTO_ARIMA: &str = "auto-arima";
/// The name of exponential smoothing with trigonometric seasons.
pub const TBATS: &str = "tbats";
/// The name of the boosted decomposition.
pub const MFLES: &str = "mfles";
/// The name of gradient boosting over lags and covariates.
pub const GRADIENT_BOOSTING: &str = "gradient-boosting";
/// The name of the linear map of the lags less the last of them.
pub const NLINEAR: &str = "nlinear";
/// The name of the linear map of the lags' trend and remainder.
pub const DLINEAR: &str = "dlinear";
/// The name of the linear map of the lags' low frequencies.
pub const FITS: &str = "fits";
/// The name of the level times shape model.
pub const RANK_ONE: &str = "rank-one";
/// The name of the regression on Fourier terms with ARIMA errors.
pub const HARMONIC_REGRESSION: &str = "harmonic-regression";
/// The name of the additive model of a bent line, seasons and regressors.
pub const ADDITIVE: &str = "additive";
/// The name of the deep N-HiTS model; its code lives in the crate of the deep models.
pub const NHITS: &str = "nhits";
/// The name of NLinear as a trained network; its code lives in the crate of the deep models, as does that of the networks after it.
pub const NLINEAR_NET: &str = "nlinear-net";
/// The name of DLinear as a trained network.
pub const DLINEAR_NET: &str = "dlinear-net";
/// The name of N-BEATS with learnt bases.
pub const NBEATS: &str = "nbeats";
/// The name of N-BEATS with a trend and a season.
pub const NBEATS_INTERPRETABLE: &str = "nbeats-interpretable";
/// The name of TiDE.
pub const TIDE: &str = "tide";
/// The name of PatchTST.
pub const PATCHTST: &str = "patchtst";
/// The name of DeepAR.
pub const DEEPAR: &str = "deepar";
/// The name of the temporal fusion transformer.
pub const TFT: &str = "tft";

/// The name of the pretrained network inside the program; its code lives in the crate of the deep models, as does that
/// of the next three.
pub const FRACAST_0: &str = "fracast-0";
/// The name of the pretrained Chronos-Bolt.
pub const CHRONOS_BOLT: &str = "chronos-bolt";
/// The name of the pretrained Chronos-2.
pub const CHRONOS_2: &str = "chronos-2";
/// The name of the pretrained first Chronos.
pub const CHRONOS_T5: &str = "chronos-t5";
/// The setting of a pretrained model that names the folder of its weights.
pub const WEIGHTS: &str = "weights";

/// The setting, common to all models, that cuts forecasts off below zero.
pub const NON_NEGATIVE: &str = "non_negative";

/// Every model, the cheapest first.
///
/// Every entry takes `non_negative`: forecasts below zero become zero. A `season_length` of 0 stands for the season of
/// the backtest plan, an empty list of `seasonal_periods` for that season and the calendar's multiples of it, and 0
/// `lags` or a `penalty` of 0 for the model's own choice.
#[must_use]
pub fn catalogue() -> Vec<CatalogueEntry> {
    let mut all = vec![naive(), drift(), seasonal_naive(), theta(), ridge()];
    all.extend(deep::entries());
    all.extend([choice::auto(), boosting::gradient_boosting(), boosting::mfles()]);
    all.extend(simple::entries());
    all.extend(smoothing::entries());
    all.extend(foundation::entries());
    all.extend([rank_one(), additive(), nlinear(), dlinear(), fits(), arima(), auto_arima(), harmonic_regression()]);
    // The cheapest first; equals stay in the order above.
    let cost = |e: &CatalogueEntry| e.cost.fixed_seconds + e.cost.seconds_per_million;
    all.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    all
}

/// The entry of one model.
///
/// # Errors
/// [`ForecastError::UnknownModel`] where there is none.
pub fn entry(name: &str) -> Result<CatalogueEntry, ForecastError> {
    let all = catalogue();
    let known = all.iter().map(|e| e.name).collect::<Vec<_>>().join(", ");
    all.into_iter().find(|e| e.name == name).ok_or_else(|| ForecastError::UnknownModel {
        framework: FRAMEWORK.to_string(),
        model: name.to_string(),
        known,
    })
}

fn settings<const N: usize>(own: [(&str, Setting); N]) -> Hyperparameters {
    let mut settings: Hyperparameters = own.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    settings.insert(NON_NEGATIVE.to_string(), Setting::Flag(false));
    settings
}

fn number(value: f64) -> Setting {
    Setting::Number(Finite::of(value).unwrap_or(Finite::ZERO))
}

fn local(name: &'static str, description: &'static str, family: Family) -> CatalogueEntry {
    CatalogueEntry {
        name,
        framework: FRAMEWORK,
        description,
        family,
        known_covariates: false,
        past_covariates: false,
        seasonal: false,
        minimum_length: 2,
        gpu: false,
        cost: DeclaredCost {
            fixed_seconds: 0.01,
            seconds_per_million: 0.1,
            fixed_bytes: 4 << 20,
            bytes_per_observation: 32,
        },
        defaults: settings([]),
    }
}

fn naive() -> CatalogueEntry {
    local(
        NAIVE,
        "The last observed value, for every step; a random walk's intervals (Hyndman and Athanasopoulos 2021, §5.2).",
        Family::Baseline,
    )
}

fn drift() -> CatalogueEntry {
    let entry = local(
        DRIFT,
        "A random walk with drift: the line through the first and the last value (Hyndman and Athanasopoulos 2021, §5.2).",
        Family::Baseline,
    );
    CatalogueEntry { minimum_length: 3, ..entry }
}

fn seasonal_naive() -> CatalogueEntry {
    let entry =
        local(SEASONAL_NAIVE, "The value one season ago (Hyndman and Athanasopoulos 2021, §5.2).", Family::Baseline);
    CatalogueEntry { seasonal: true, defaults: settings([("season_length", Setting::Integer(0))]), ..entry }
}

fn theta() -> CatalogueEntry {
    let entry = local(
        THETA,
        "The standard Theta method on seasonally adjusted data (Assimakopoulos and Nikolopoulos 2000; Hyndman and Billah 2003): half the trend line, half simple exponential smoothing.",
        Family::Statistical,
    );
    CatalogueEntry {
        seasonal: true,
        minimum_length: 4,
        cost: DeclaredCost { seconds_per_million: 1.0, bytes_per_observation: 96, ..entry.cost },
        defaults: settings([
            ("season_length", Setting::Integer(0)),
            ("decomposition", Setting::Text("auto".to_string())),
        ]),
        ..entry
    }
}

fn ridge() -> CatalogueEntry {
    let entry = local(
        RIDGE,
        "Direct multi-step ridge autoregression over lags, seasonal lags, Fourier terms, the calendar and covariates (Hoerl and Kennard 1970), regularised by generalised cross-validation (Golub, Heath and Wahba 1979).",
        Family::Linear,
    );
    CatalogueEntry {
        known_covariates: true,
        past_covariates: true,
        seasonal: true,
        minimum_length: 12,
        cost: DeclaredCost {
            fixed_seconds: 2.0,
            seconds_per_million: 12.0,
            fixed_bytes: 32 << 20,
            bytes_per_observation: 256,
        },
        defaults: settings([
            ("seasonal_periods", Setting::Integers(Vec::new())),
            ("lags", Setting::Integer(0)),
            ("fourier_terms", Setting::Integer(5)),
            ("calendar", Setting::Flag(true)),
            ("pooled", Setting::Text("auto".to_string())),
            ("window_cap", Setting::Integer(4_096)),
            ("penalty", number(0.0)),
        ]),
        ..entry
    }
}

fn arima() -> CatalogueEntry {
    let entry = local(
        ARIMA,
        "A seasonal ARIMA model with set orders and the known covariates as regressors, by exact maximum likelihood (Box and Jenkins 1970; Mélard 1984); missing values are left out.",
        Family::Statistical,
    );
    CatalogueEntry {
        known_covariates: true,
        seasonal: true,
        minimum_length: 5,
        cost: DeclaredCost { seconds_per_million: 8.0, bytes_per_observation: 256, ..entry.cost },
        defaults: settings([
            ("p", Setting::Integer(1)),
            ("d", Setting::Integer(1)),
            ("q", Setting::Integer(1)),
            ("seasonal_p", Setting::Integer(0)),
            ("seasonal_d", Setting::Integer(0)),
            ("seasonal_q", Setting::Integer(0)),
            ("constant", Setting::Flag(false)),
            ("season_length", Setting::Integer(0)),
        ]),
        ..entry
    }
}

fn auto_arima() -> CatalogueEntry {
    let entry = local(
        AUTO_ARIMA,
        "The seasonal ARIMA model with the lowest corrected Akaike criterion, found stepwise (Hyndman and Khandakar 2008); the known covariates are regressors.",
        Family::Statistical,
    );
    CatalogueEntry {
        known_covariates: true,
        seasonal: true,
        cost: DeclaredCost { seconds_per_million: 200.0, bytes_per_observation: 512, ..entry.cost },
        defaults: settings([("season_length", Setting::Integer(0))]),
        ..entry
    }
}

fn harmonic_regression() -> CatalogueEntry {
    let entry = local(
        HARMONIC_REGRESSION,
        "Dynamic harmonic regression: Fourier terms for several seasons, their number by the corrected Akaike criterion, with ARIMA errors (Young, Pedregal and Tych 1999); the known covariates are regressors.",
        Family::Statistical,
    );
    CatalogueEntry {
        known_covariates: true,
        seasonal: true,
        cost: DeclaredCost { seconds_per_million: 1_000.0, bytes_per_observation: 1_024, ..entry.cost },
        defaults: settings([("seasonal_periods", Setting::Integers(Vec::new()))]),
        ..entry
    }
}

fn additive() -> CatalogueEntry {
    let entry = local(
        ADDITIVE,
        "A piecewise linear trend, Fourier seasons and the known covariates, added (Taylor and Letham 2018), by ridge regression in closed form.",
        Family::Statistical,
    );
    CatalogueEntry {
        known_covariates: true,
        seasonal: true,
        minimum_length: 4,
        cost: DeclaredCost { seconds_per_million: 15.0, bytes_per_observation: 1_024, ..entry.cost },
        defaults: settings([("seasonal_periods", Setting::Integers(Vec::new())), ("changes", Setting::Integer(25))]),
        ..entry
    }
}

fn rank_one() -> CatalogueEntry {
    let entry = local(
        RANK_ONE,
        "The level of each cycle times the shape of the season, a rank-one matrix; levels by ridge regression on past levels (Honda 2026).",
        Family::Linear,
    );
    CatalogueEntry {
        seasonal: true,
        cost: DeclaredCost { seconds_per_million: 2.0, bytes_per_observation: 96, ..entry.cost },
        defaults: settings([("season_length", Setting::Integer(0))]),
        ..entry
    }
}

fn direct<const N: usize>(name: &'static str, description: &'static str, own: [(&str, Setting); N]) -> CatalogueEntry {
    let entry = local(name, description, Family::Linear);
    let mut defaults = settings(own);
    defaults.extend([
        ("lags".to_string(), Setting::Integer(0)),
        ("penalty".to_string(), number(0.0)),
        ("pooled".to_string(), Setting::Text("auto".to_string())),
    ]);
    CatalogueEntry {
        seasonal: true,
        minimum_length: 7,
        cost: DeclaredCost {
            fixed_seconds: 0.1,
            seconds_per_million: 200.0,
            fixed_bytes: 16 << 20,
            bytes_per_observation: 64,
        },
        defaults,
        ..entry
    }
}

fn nlinear() -> CatalogueEntry {
    direct(
        NLINEAR,
        "One linear map from the last values, less the very last, to all steps (Zeng, Chen, Zhang and Xu 2023), by ridge regression in closed form (Toner and Darlow 2024).",
        [],
    )
}

fn dlinear() -> CatalogueEntry {
    direct(
        DLINEAR,
        "Linear maps of the last values' moving average and of what it leaves (Zeng, Chen, Zhang and Xu 2023), by ridge regression in closed form.",
        [("moving_average", Setting::Integer(25))],
    )
}

fn fits() -> CatalogueEntry {
    direct(
        FITS,
        "A linear map of the last values' low frequencies (Xu, Zeng and Xu 2024), by ridge regression in closed form; a cutoff of 0 is chosen on held-out windows.",
        [("cutoff", number(0.0))],
    )
}
