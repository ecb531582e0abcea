//! The entries of networks that are trained on the data.
//!
//! A planner that wants one network takes the first of them, N-HiTS: it comes first here, and no other is declared to
//! cost less, though the linear networks do.

use atsre_domain::catalogue::{CatalogueEntry, DeclaredCost, Family};
use atsre_domain::model::Setting;

use super::{
    DEEPAR, DLINEAR_NET, FRAMEWORK, NBEATS, NBEATS_INTERPRETABLE, NHITS, NLINEAR_NET, PATCHTST, TFT, TIDE, number,
    settings,
};

/// The trained networks, N-HiTS first.
pub(super) fn entries() -> [CatalogueEntry; 9] {
    [nhits(), nlinear(), dlinear(), nbeats(), nbeats_interpretable(), tide(), patchtst(), deepar(), tft()]
}

/// A network that sees the target alone, with the settings that all of them take and its `own`.
fn trained<const N: usize>(
    name: &'static str,
    description: &'static str,
    fixed_seconds: f64,
    own: [(&str, Setting); N],
) -> CatalogueEntry {
    let mut defaults = settings(own);
    for (name, value) in [
        ("input_multiple", Setting::Integer(5)),
        ("batch_size", Setting::Integer(128)),
        ("steps", Setting::Integer(400)),
        ("learning_rate", number(0.003)),
        ("schedule", Setting::Text("cosine".to_string())),
        ("loss", Setting::Text("quantile".to_string())),
    ] {
        defaults.entry(name.to_string()).or_insert(value);
    }
    CatalogueEntry {
        name,
        framework: FRAMEWORK,
        description,
        family: Family::Deep,
        known_covariates: false,
        past_covariates: false,
        seasonal: true,
        minimum_length: 16,
        gpu: true,
        cost: DeclaredCost {
            fixed_seconds,
            seconds_per_million: 2.0,
            fixed_bytes: 192 << 20,
            bytes_per_observation: 64,
        },
        defaults,
    }
}

fn nhits() -> CatalogueEntry {
    let entry = trained(
        NHITS,
        "N-HiTS: neural hierarchical interpolation over pooled windows, one network for all series (Challu et al. 2023).",
        20.0,
        [
            ("stacks", Setting::Integer(3)),
            ("hidden", Setting::Integer(256)),
            ("layers", Setting::Integer(2)),
            ("pool_sizes", Setting::Integers(vec![8, 4, 1])),
        ],
    );
    CatalogueEntry { known_covariates: true, past_covariates: true, ..entry }
}

fn nlinear() -> CatalogueEntry {
    trained(
        NLINEAR_NET,
        "NLinear as a network: one linear map from the last values, less the very last, to every quantile of all steps, trained on all series (Zeng, Chen, Zhang and Xu 2023).",
        20.0,
        [],
    )
}

fn dlinear() -> CatalogueEntry {
    trained(
        DLINEAR_NET,
        "DLinear as a network: linear maps of the last values' moving average and of what it leaves to every quantile of all steps, trained on all series (Zeng, Chen, Zhang and Xu 2023).",
        20.0,
        [("moving_average", Setting::Integer(25))],
    )
}

fn nbeats() -> CatalogueEntry {
    trained(
        NBEATS,
        "N-BEATS, generic: a doubly residual chain of dense blocks over learnt bases, one network for all series (Oreshkin et al. 2020).",
        60.0,
        [
            ("stacks", Setting::Integer(4)),
            ("blocks", Setting::Integer(1)),
            ("layers", Setting::Integer(4)),
            ("hidden", Setting::Integer(256)),
            ("basis", Setting::Integer(32)),
            ("learning_rate", number(0.001)),
        ],
    )
}

fn nbeats_interpretable() -> CatalogueEntry {
    trained(
        NBEATS_INTERPRETABLE,
        "N-BEATS, interpretable: dense blocks that say a polynomial trend, then a Fourier season; one network for all series (Oreshkin et al. 2020).",
        60.0,
        [
            ("blocks", Setting::Integer(3)),
            ("layers", Setting::Integer(4)),
            ("hidden", Setting::Integer(256)),
            ("degree", Setting::Integer(2)),
            ("learning_rate", number(0.001)),
        ],
    )
}

fn tide() -> CatalogueEntry {
    let entry = trained(
        TIDE,
        "TiDE: a dense encoder and decoder over the window and the covariates of all its moments and of the horizon, one network for all series (Das et al. 2023).",
        60.0,
        [
            ("hidden", Setting::Integer(128)),
            ("layers", Setting::Integer(2)),
            ("temporal_width", Setting::Integer(4)),
            ("decoder_output", Setting::Integer(8)),
            ("temporal_hidden", Setting::Integer(32)),
            ("layer_norm", Setting::Flag(true)),
            ("learning_rate", number(0.001)),
        ],
    );
    CatalogueEntry { known_covariates: true, past_covariates: true, ..entry }
}

fn patchtst() -> CatalogueEntry {
    trained(
        PATCHTST,
        "PatchTST: an attention encoder over patches of the window, one network for all series, each by itself (Nie et al. 2023).",
        120.0,
        [
            ("patch", Setting::Integer(16)),
            ("stride", Setting::Integer(8)),
            ("hidden", Setting::Integer(64)),
            ("heads", Setting::Integer(4)),
            ("feed_forward", Setting::Integer(128)),
            ("layers", Setting::Integer(3)),
            ("norm", Setting::Text("batch".to_string())),
            ("dropout", number(0.2)),
            ("learning_rate", number(0.001)),
        ],
    )
}

fn deepar() -> CatalogueEntry {
    let entry = trained(
        DEEPAR,
        "DeepAR: recurrent layers that say the distribution of each value from those before it and from covariates known ahead, drawn as paths; one network for all series (Salinas et al. 2020).",
        180.0,
        [
            ("hidden", Setting::Integer(40)),
            ("layers", Setting::Integer(2)),
            ("samples", Setting::Integer(200)),
            ("batch_size", Setting::Integer(64)),
            ("loss", Setting::Text("student-t".to_string())),
        ],
    );
    CatalogueEntry { known_covariates: true, ..entry }
}

fn tft() -> CatalogueEntry {
    let entry = trained(
        TFT,
        "TFT: recurrent layers and interpretable attention over variables that gated networks select; static, past and known covariates; one network for all series (Lim et al. 2021).",
        300.0,
        [
            ("hidden", Setting::Integer(32)),
            ("heads", Setting::Integer(4)),
            ("dropout", number(0.1)),
            ("batch_size", Setting::Integer(64)),
            ("learning_rate", number(0.001)),
        ],
    );
    CatalogueEntry { known_covariates: true, past_covariates: true, ..entry }
}
