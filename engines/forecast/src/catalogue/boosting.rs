//! The entries of models that boost: trees over windows, and a decomposition.

use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::model::Setting;

use super::{GRADIENT_BOOSTING, MFLES, local, number, settings};

/// Trees over windows of the whole panel.
pub(super) fn gradient_boosting() -> CatalogueEntry {
    let entry = local(
        GRADIENT_BOOSTING,
        "Gradient boosting of regression trees over lags, seasonal lags, the calendar and covariates, one model for all series (Friedman 2001; Montero-Manso and Hyndman 2021), direct or recursive, with quantiles by the pinball loss (Koenker and Bassett 1978).",
        Family::Statistical,
    );
    CatalogueEntry {
        known_covariates: true,
        past_covariates: true,
        seasonal: true,
        minimum_length: 12,
        cost: DeclaredCost {
            fixed_seconds: 4.0,
            seconds_per_million: 10.0,
            fixed_bytes: 96 << 20,
            bytes_per_observation: 512,
        },
        defaults: settings([
            ("strategy", Setting::Text("direct".to_string())),
            ("seasonal_periods", Setting::Integers(Vec::new())),
            ("lags", Setting::Integer(0)),
            ("calendar", Setting::Flag(true)),
            ("trees", Setting::Integer(200)),
            ("learning_rate", number(0.1)),
            ("depth", Setting::Integer(5)),
            ("leaf_size", Setting::Integer(20)),
            ("row_cap", Setting::Integer(8_192)),
        ]),
        ..entry
    }
}

/// A boosted decomposition of one series.
pub(super) fn mfles() -> CatalogueEntry {
    let entry = local(
        MFLES,
        "A median, Fourier terms, a line and exponential smoothing, each fitted to what the others leave (MFLES; Blume 2024).",
        Family::Statistical,
    );
    CatalogueEntry {
        seasonal: true,
        cost: DeclaredCost { seconds_per_million: 1.0, bytes_per_observation: 96, ..entry.cost },
        defaults: settings([("season_length", Setting::Integer(0)), ("logarithms", Setting::Flag(true))]),
        ..entry
    }
}
