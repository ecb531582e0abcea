//! The entries of exponential smoothing.

use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::model::{Hyperparameters, Setting};

use super::{
    AUTO_CES, AUTO_ETS, AUTO_THETA, CES, DYNAMIC_OPTIMIZED_THETA, DYNAMIC_THETA, ETS, HOLT, HOLT_WINTERS, MSTL,
    OPTIMIZED_THETA, TBATS, local, settings,
};

/// Every entry of this family.
pub(super) fn entries() -> Vec<CatalogueEntry> {
    vec![
        auto_ets(),
        ets(),
        holt(),
        holt_winters(),
        smoothing(
            AUTO_CES,
            "Complex exponential smoothing with the season, none, simple, partial or full, of the least AICc (Svetunkov, Kourentzes and Ord 2022).",
            true,
            3.0,
            settings([("season_length", Setting::Integer(0))]),
        ),
        smoothing(
            CES,
            "Complex exponential smoothing with a given season (Svetunkov, Kourentzes and Ord 2022).",
            true,
            2.0,
            settings([("season_length", Setting::Integer(0)), ("season", word("full"))]),
        ),
        mstl(),
        tbats(),
        theta(
            OPTIMIZED_THETA,
            "The Theta method with an optimised θ on seasonally adjusted data (Fiorucci and others 2016, OTM).",
            1.5,
        ),
        theta(
            DYNAMIC_THETA,
            "The Theta method with the trend line of the history so far, on seasonally adjusted data (Fiorucci and others 2016, DSTM).",
            1.5,
        ),
        theta(
            DYNAMIC_OPTIMIZED_THETA,
            "The dynamic Theta method with an optimised θ, on seasonally adjusted data (Fiorucci and others 2016, DOTM).",
            1.5,
        ),
        theta(AUTO_THETA, "The one of the four Theta models that fits best (Fiorucci and others 2016).", 5.0),
    ]
}

fn word(value: &str) -> Setting {
    Setting::Text(value.to_string())
}

fn smoothing(
    name: &'static str,
    description: &'static str,
    seasonal: bool,
    seconds_per_million: f64,
    defaults: Hyperparameters,
) -> CatalogueEntry {
    let entry = local(name, description, Family::Statistical);
    let cost = DeclaredCost { seconds_per_million, bytes_per_observation: 128, ..entry.cost };
    CatalogueEntry { seasonal, cost, defaults, ..entry }
}

fn auto_ets() -> CatalogueEntry {
    smoothing(
        AUTO_ETS,
        "Exponential smoothing of the form with the least AICc: additive or multiplicative errors, no, linear or damped trend, no, additive or multiplicative season (Hyndman, Koehler, Snyder and Grose 2002).",
        true,
        40.0,
        settings([("season_length", Setting::Integer(0)), ("damped", word("auto")), ("bounds", word("cautious"))]),
    )
}

fn ets() -> CatalogueEntry {
    smoothing(
        ETS,
        "Exponential smoothing of a given form, error, trend and season by their letters, Z for the better (Hyndman, Koehler, Ord and Snyder 2008).",
        true,
        40.0,
        settings([("season_length", Setting::Integer(0)), ("form", word("AAdA")), ("bounds", word("cautious"))]),
    )
}

fn holt() -> CatalogueEntry {
    smoothing(
        HOLT,
        "Holt's linear trend, damped where that has the lower AICc (Holt 1957; Gardner and McKenzie 1985).",
        false,
        5.0,
        settings([("error", word("additive")), ("damped", word("auto")), ("bounds", word("cautious"))]),
    )
}

fn holt_winters() -> CatalogueEntry {
    smoothing(
        HOLT_WINTERS,
        "Holt's and Winters' trend and season, the trend damped where that has the lower AICc (Winters 1960).",
        true,
        10.0,
        settings([
            ("season_length", Setting::Integer(0)),
            ("error", word("additive")),
            ("season", word("additive")),
            ("damped", word("auto")),
            ("bounds", word("cautious")),
        ]),
    )
}

fn theta(name: &'static str, description: &'static str, seconds_per_million: f64) -> CatalogueEntry {
    let defaults = settings([("season_length", Setting::Integer(0)), ("decomposition", word("auto"))]);
    CatalogueEntry { minimum_length: 4, ..smoothing(name, description, true, seconds_per_million, defaults) }
}

fn mstl() -> CatalogueEntry {
    let entry = smoothing(
        MSTL,
        "Seasons of several lengths taken out by repeated STL, and an inner model for the rest (Cleveland and others 1990; Bandara, Hyndman and Bergmeir 2021).",
        true,
        20.0,
        settings([
            ("season_length", Setting::Integer(0)),
            ("seasonal_periods", Setting::Integers(Vec::new())),
            ("inner", word("auto-ets")),
        ]),
    );
    CatalogueEntry { minimum_length: 4, ..entry }
}

fn tbats() -> CatalogueEntry {
    smoothing(
        TBATS,
        "Exponential smoothing with a Box–Cox transformation, ARMA errors, a trend that may be damped and trigonometric seasons, chosen by AICc (De Livera, Hyndman and Snyder 2011).",
        true,
        100.0,
        settings([("season_length", Setting::Integer(0)), ("seasonal_periods", Setting::Integers(Vec::new()))]),
    )
}
