//! The entries of pretrained networks: nothing is learnt from the data, which are only read.
//!
//! Costs of the Chronos models are those of the sizes that are published as small; others cost in proportion to their
//! weights.

use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::model::Setting;

use super::{CHRONOS_2, CHRONOS_BOLT, CHRONOS_T5, FRACAST_0, WEIGHTS, local, number, settings};

/// The pretrained networks.
pub(super) fn entries() -> [CatalogueEntry; 4] {
    [fracast_0(), chronos_bolt(), chronos_2(), chronos_t5()]
}

fn fracast_0() -> CatalogueEntry {
    let entry = local(
        FRACAST_0,
        "Fracast-0: 85,001 pretrained weights inside the program, nine quantiles at once, nothing to fetch (project ztxtech/fracast-0 with parts of TinyCast by RAWS Labs). Its authors declare test-data leakage: its training data contain the families of the common benchmarks (GIFT-Eval, M3, M4, NN5, tourism), so that scores on those are no evidence.",
        Family::Foundation,
    );
    CatalogueEntry {
        minimum_length: 8,
        cost: DeclaredCost {
            fixed_seconds: 0.1,
            seconds_per_million: 300.0,
            fixed_bytes: 48 << 20,
            bytes_per_observation: 32,
        },
        ..entry
    }
}

fn chronos_bolt() -> CatalogueEntry {
    let entry = local(
        CHRONOS_BOLT,
        "Chronos-Bolt: a pretrained encoder and decoder over patches of 16 observations (Ansari et al. 2024). Its weights come from a folder (setting `weights`) or the hub's cache; nothing is fetched.",
        Family::Foundation,
    );
    CatalogueEntry {
        gpu: true,
        cost: DeclaredCost {
            fixed_seconds: 1.0,
            seconds_per_million: 600.0,
            fixed_bytes: 448 << 20,
            bytes_per_observation: 64,
        },
        defaults: settings([(WEIGHTS, Setting::Text(String::new())), ("batch_size", Setting::Integer(32))]),
        ..entry
    }
}

fn chronos_2() -> CatalogueEntry {
    let entry = local(
        CHRONOS_2,
        "Chronos-2: a pretrained encoder over patches that attends across time and across the series of a group, with past and known covariates (Ansari et al. 2025). Its weights come from a folder (setting `weights`) or the hub's cache; nothing is fetched. `cross_learning` makes one group of all series: each forecast then depends on the others.",
        Family::Foundation,
    );
    CatalogueEntry {
        known_covariates: true,
        past_covariates: true,
        gpu: true,
        cost: DeclaredCost {
            fixed_seconds: 2.0,
            seconds_per_million: 1_500.0,
            fixed_bytes: 1 << 30,
            bytes_per_observation: 64,
        },
        defaults: settings([
            (WEIGHTS, Setting::Text(String::new())),
            ("batch_size", Setting::Integer(32)),
            ("cross_learning", Setting::Flag(false)),
        ]),
        ..entry
    }
}

fn chronos_t5() -> CatalogueEntry {
    let entry = local(
        CHRONOS_T5,
        "Chronos (T5): a pretrained language model over scaled and binned values, whose sampled paths give the quantiles (Ansari et al. 2024). Its weights come from a folder (setting `weights`) or the hub's cache; nothing is fetched.",
        Family::Foundation,
    );
    CatalogueEntry {
        gpu: true,
        cost: DeclaredCost {
            fixed_seconds: 10.0,
            seconds_per_million: 20_000.0,
            fixed_bytes: 512 << 20,
            bytes_per_observation: 64,
        },
        defaults: settings([
            (WEIGHTS, Setting::Text(String::new())),
            ("batch_size", Setting::Integer(8)),
            ("samples", Setting::Integer(20)),
            ("temperature", number(1.0)),
        ]),
        ..entry
    }
}
