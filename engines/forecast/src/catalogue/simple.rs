//! The entries of averages, simple smoothing and intermittent demand.

use atsre_domain::catalogue::{CatalogueEntry, Family};
use atsre_domain::model::{Hyperparameters, Setting};

use super::{
    ADIDA, CROSTON, CROSTON_OPTIMIZED, CROSTON_SBA, HISTORIC_AVERAGE, IMAPA, NAIVE2, SES, TSB, WINDOW_AVERAGE, ZERO,
    local, number, settings,
};

/// Every entry of these kinds.
pub(super) fn entries() -> Vec<CatalogueEntry> {
    let season = ("season_length", Setting::Integer(0));
    let window = ("window", Setting::Integer(0));
    let seasonal =
        |entry: CatalogueEntry, defaults: Hyperparameters| CatalogueEntry { seasonal: true, defaults, ..entry };
    vec![
        baseline(ZERO, "Zero, for every step: what intermittent demand most often is."),
        baseline(HISTORIC_AVERAGE, "The mean of the history (Hyndman and Athanasopoulos 2021, §5.2)."),
        seasonal(
            baseline(WINDOW_AVERAGE, "The mean of the last values, of the last season where no `window` is given."),
            settings([season.clone(), window]),
        ),
        seasonal(
            baseline(
                NAIVE2,
                "The last seasonally adjusted value with the season back in it, the M competitions' benchmark (Makridakis, Spiliotis and Assimakopoulos 2020).",
            ),
            settings([season]),
        ),
        CatalogueEntry {
            defaults: settings([("alpha", number(0.0))]),
            ..statistical(
                SES,
                "Simple exponential smoothing from the first value on, with the weight `alpha` or, where that is 0, the one of the least squared errors (Brown 1956).",
                1.0,
            )
        },
        statistical(
            CROSTON,
            "Smoothed demand over smoothed interval, for demand that is often zero (Croston 1972).",
            0.1,
        ),
        statistical(CROSTON_SBA, "Croston's rate less its bias (Syntetos and Boylan 2005).", 0.1),
        statistical(CROSTON_OPTIMIZED, "Croston's rate with weights of the least squared errors.", 1.0),
        CatalogueEntry {
            defaults: settings([("alpha_demand", number(0.2)), ("alpha_probability", number(0.2))]),
            ..statistical(
                TSB,
                "Smoothed demand times the smoothed probability of a demand, which fades where demand ends (Teunter, Syntetos and Babai 2011).",
                0.1,
            )
        },
        statistical(ADIDA, "Smoothing of demand summed over its mean interval (Nikolopoulos and others 2011).", 1.0),
        statistical(
            IMAPA,
            "The mean of smoothings of demand summed over 1 up to its mean interval (Petropoulos and Kourentzes 2015).",
            2.0,
        ),
    ]
}

fn baseline(name: &'static str, description: &'static str) -> CatalogueEntry {
    local(name, description, Family::Baseline)
}

fn statistical(name: &'static str, description: &'static str, seconds_per_million: f64) -> CatalogueEntry {
    let entry = local(name, description, Family::Statistical);
    let cost = atsre_domain::catalogue::DeclaredCost { seconds_per_million, ..entry.cost };
    CatalogueEntry { cost, ..entry }
}
