//! The entry of the default choice.

use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::model::Setting;

use super::{AUTO, local, number, settings};

/// The selection among all other models.
pub(super) fn auto() -> CatalogueEntry {
    let entry = local(
        AUTO,
        "The default: candidates judged by rolling-origin errors inside the history, cheap ones first, and for each series a weighted mean of its few best (in the spirit of Montero-Manso and others 2020), with calibrated quantiles.",
        Family::Statistical,
    );
    CatalogueEntry {
        known_covariates: true,
        past_covariates: true,
        seasonal: true,
        cost: DeclaredCost {
            fixed_seconds: 5.0,
            seconds_per_million: 1_000.0,
            fixed_bytes: 64 << 20,
            bytes_per_observation: 2_048,
        },
        defaults: settings([("season_length", Setting::Integer(0)), ("budget_seconds", number(0.0))]),
        ..entry
    }
}
