//! The settings of the trained networks: what a plan may ask for, checked, and what they come to for given data.

use atsre_domain::model::{Device, ModelSpec};
use atsre_forecast::{ForecastError, Settings, catalogue};
use serde::{Deserialize, Serialize};

use crate::loss::Loss;
use crate::nets::patchtst::Norm;
use crate::nets::{Architecture, deepar, linear, nbeats, nhits, patchtst, tft, tide};
use crate::schedule::Schedule;
use crate::windows::{Scaling, WindowShape};

/// What a plan may set, checked against the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// What only this kind of network has.
    pub net: NetSettings,
    /// Input window in horizons; see [`Configuration::input_size`].
    pub input_multiple: usize,
    /// Windows in a batch, drawn with replacement.
    pub batch_size: usize,
    /// Training steps at most.
    pub steps: usize,
    /// The schedule's highest learning rate.
    pub learning_rate: f64,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// What the network is trained to say.
    pub loss: Loss,
    /// The share of a layer's outputs that is dropped in training; 0 where the network has no dropout.
    #[serde(default)]
    pub dropout: f64,
    /// Whether forecasts below zero become zero.
    pub non_negative: bool,
    /// Where the network computes.
    pub device: Device,
}

/// The settings of one kind of network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum NetSettings {
    /// `pool_sizes`: widths of the stacks' max-pools; where there are fewer than stacks the first is repeated, where there
    /// are more the last count.
    NHits { stacks: usize, pool_sizes: Vec<usize>, hidden: usize, layers: usize },
    /// NLinear.
    NLinear,
    /// DLinear.
    DLinear { moving_average: usize },
    /// N-BEATS with learnt bases.
    NBeats { stacks: usize, blocks: usize, layers: usize, hidden: usize, basis: usize },
    /// N-BEATS with a trend and a season.
    NBeatsInterpretable { blocks: usize, layers: usize, hidden: usize, degree: usize },
    /// TiDE; the sizes are those of its architecture.
    Tide {
        hidden: usize,
        layers: usize,
        temporal_width: usize,
        decoder_output: usize,
        temporal_hidden: usize,
        layer_norm: bool,
    },
    /// PatchTST; the sizes are those of its architecture.
    PatchTst {
        patch: usize,
        stride: usize,
        hidden: usize,
        heads: usize,
        feed_forward: usize,
        layers: usize,
        batch_norm: bool,
    },
    /// DeepAR; `samples`: paths that a forecast is made of.
    DeepAr { hidden: usize, layers: usize, samples: usize },
    /// TFT; the sizes are those of its architecture.
    Tft { hidden: usize, heads: usize },
}

/// The models that are trained here.
pub(crate) const TRAINED: [&str; 9] = [
    catalogue::NHITS,
    catalogue::NLINEAR_NET,
    catalogue::DLINEAR_NET,
    catalogue::NBEATS,
    catalogue::NBEATS_INTERPRETABLE,
    catalogue::TIDE,
    catalogue::PATCHTST,
    catalogue::DEEPAR,
    catalogue::TFT,
];

impl NetSettings {
    fn resolve(model: &str, settings: &Settings) -> Result<Self, ForecastError> {
        let hidden = || settings.size("hidden", 1..=65_536);
        let layers = || settings.size("layers", 1..=16);
        Ok(match model {
            catalogue::NLINEAR_NET => Self::NLinear,
            catalogue::DLINEAR_NET => Self::DLinear { moving_average: settings.size("moving_average", 1..=65_536)? },
            catalogue::NBEATS => Self::NBeats {
                stacks: settings.size("stacks", 1..=64)?,
                blocks: settings.size("blocks", 1..=16)?,
                layers: layers()?,
                hidden: hidden()?,
                basis: settings.size("basis", 1..=4_096)?,
            },
            catalogue::NBEATS_INTERPRETABLE => Self::NBeatsInterpretable {
                blocks: settings.size("blocks", 1..=16)?,
                layers: layers()?,
                hidden: hidden()?,
                degree: settings.size("degree", 0..=8)?,
            },
            catalogue::TIDE => Self::Tide {
                hidden: hidden()?,
                layers: layers()?,
                temporal_width: settings.size("temporal_width", 1..=1_024)?,
                decoder_output: settings.size("decoder_output", 1..=1_024)?,
                temporal_hidden: settings.size("temporal_hidden", 1..=65_536)?,
                layer_norm: settings.flag("layer_norm")?,
            },
            catalogue::PATCHTST => {
                let (hidden, heads) = attention(model, settings)?;
                Self::PatchTst {
                    patch: settings.size("patch", 1..=4_096)?,
                    stride: settings.size("stride", 1..=4_096)?,
                    hidden,
                    heads,
                    feed_forward: settings.size("feed_forward", 1..=65_536)?,
                    layers: layers()?,
                    batch_norm: settings.word("norm", &["batch", "layer"])? == "batch",
                }
            }
            catalogue::DEEPAR => {
                Self::DeepAr { hidden: hidden()?, layers: layers()?, samples: settings.size("samples", 1..=8_192)? }
            }
            catalogue::TFT => {
                let (hidden, heads) = attention(model, settings)?;
                Self::Tft { hidden, heads }
            }
            _ => Self::NHits {
                stacks: settings.size("stacks", 1..=8)?,
                pool_sizes: settings.sizes("pool_sizes", 1..=1_024)?,
                hidden: hidden()?,
                layers: layers()?,
            },
        })
    }
}

/// The width of a network with attention and its heads, which divide it.
fn attention(model: &str, settings: &Settings) -> Result<(usize, usize), ForecastError> {
    let (hidden, heads) = (settings.size("hidden", 1..=65_536)?, settings.size("heads", 1..=64)?);
    if !hidden.is_multiple_of(heads) {
        return Err(ForecastError::Setting {
            model: model.to_owned(),
            setting: "hidden".to_owned(),
            problem: format!("is {hidden} but must be a multiple of `heads`, which is {heads}"),
        });
    }
    Ok((hidden, heads))
}

impl Configuration {
    /// Reads the settings of `spec`; those absent are the catalogue's defaults.
    ///
    /// # Errors
    /// [`ForecastError::Setting`] for a name that the catalogue does not know, or a value outside its range;
    /// [`ForecastError::UnknownModel`] for a model that is not trained here.
    pub fn from_spec(spec: &ModelSpec) -> Result<Self, ForecastError> {
        let entry = catalogue::entry(&spec.model)?;
        if !TRAINED.contains(&entry.name) {
            return Err(ForecastError::UnknownModel {
                framework: spec.framework.clone(),
                model: spec.model.clone(),
                known: TRAINED.join(", "),
            });
        }
        let settings = Settings::resolve(&entry, spec)?;
        // Paths are drawn from a distribution, which quantiles are not.
        let losses: &[&str] = match entry.name {
            catalogue::DEEPAR => &["gaussian", "student-t", "negative-binomial"],
            _ => &["quantile", "gaussian", "student-t", "negative-binomial"],
        };
        Ok(Self {
            net: NetSettings::resolve(entry.name, &settings)?,
            input_multiple: settings.size("input_multiple", 1..=64)?,
            batch_size: settings.size("batch_size", 1..=1 << 30)?,
            steps: settings.size("steps", 1..=10_000_000)?,
            learning_rate: settings.number("learning_rate", 1e-9..=1e30)?,
            schedule: match settings.word("schedule", &["cosine", "one-cycle"])? {
                "one-cycle" => Schedule::OneCycle,
                _ => Schedule::Cosine,
            },
            loss: match settings.word("loss", losses)? {
                "gaussian" => Loss::Gaussian,
                "student-t" => Loss::StudentT,
                "negative-binomial" => Loss::NegativeBinomial,
                _ => Loss::Quantile,
            },
            dropout: match entry.name {
                catalogue::PATCHTST | catalogue::TFT => settings.number("dropout", 0.0..=0.9)?,
                _ => 0.0,
            },
            non_negative: settings.flag(catalogue::NON_NEGATIVE)?,
            device: spec.device,
        })
    }

    /// The model's name in the catalogue.
    #[must_use]
    pub const fn model(&self) -> &'static str {
        match self.net {
            NetSettings::NHits { .. } => catalogue::NHITS,
            NetSettings::NLinear => catalogue::NLINEAR_NET,
            NetSettings::DLinear { .. } => catalogue::DLINEAR_NET,
            NetSettings::NBeats { .. } => catalogue::NBEATS,
            NetSettings::NBeatsInterpretable { .. } => catalogue::NBEATS_INTERPRETABLE,
            NetSettings::Tide { .. } => catalogue::TIDE,
            NetSettings::PatchTst { .. } => catalogue::PATCHTST,
            NetSettings::DeepAr { .. } => catalogue::DEEPAR,
            NetSettings::Tft { .. } => catalogue::TFT,
        }
    }

    /// Whether the network takes anything beside the target.
    #[must_use]
    pub const fn takes_covariates(&self) -> bool {
        matches!(self.net, NetSettings::NHits { .. } | NetSettings::Tide { .. }) || self.moment_by_moment()
    }

    /// Whether the network goes through the moments one by one, and so is shown the calendar of each.
    #[must_use]
    pub const fn moment_by_moment(&self) -> bool {
        matches!(self.net, NetSettings::DeepAr { .. } | NetSettings::Tft { .. })
    }

    /// Whether the network has a place for covariates that are known only afterwards.
    #[must_use]
    pub const fn takes_past(&self) -> bool {
        self.takes_covariates() && !matches!(self.net, NetSettings::DeepAr { .. })
    }

    /// How windows are normalised.
    pub(crate) const fn scaling(&self) -> Scaling {
        if matches!(self.net, NetSettings::DeepAr { .. }) { Scaling::MeanAbsolute } else { self.loss.scaling() }
    }

    /// Observations before the origin over which covariates are shown: a horizon, but all of the window to TiDE and to
    /// the networks that go through the moments one by one.
    #[must_use]
    pub const fn covariate_context(&self, input_size: usize, horizon: usize) -> usize {
        let all = matches!(self.net, NetSettings::Tide { .. }) || self.moment_by_moment();
        if all || input_size < horizon { input_size } else { horizon }
    }

    /// The input window for this horizon, season and longest series, in observations: `input_multiple` horizons, at
    /// least a season that is no longer than ten horizons, and at most what leaves as much again to draw windows from.
    #[must_use]
    pub fn input_size(&self, horizon: usize, season_length: usize, longest: usize) -> usize {
        let season = if season_length <= 10 * horizon { season_length } else { 0 };
        let available = longest.saturating_sub(horizon) / 2;
        (self.input_multiple * horizon).max(season).max(2).min(available.max(2))
    }

    /// The network for these inputs and so many quantile levels.
    #[must_use]
    pub fn architecture(&self, shape: &WindowShape, levels: usize) -> Architecture {
        let (input_size, horizon) = (shape.input_size, shape.horizon);
        let channels = self.loss.channels(levels);
        let linear = |form| {
            let locations = self.loss.locations(levels);
            Architecture::Linear(linear::Architecture { input_size, horizon, channels, locations, form })
        };
        let nbeats = |hidden, layers, blocks, stacks| {
            Architecture::NBeats(nbeats::Architecture { input_size, horizon, channels, hidden, layers, blocks, stacks })
        };
        match &self.net {
            NetSettings::NHits { stacks, pool_sizes, hidden, layers } => Architecture::NHits(nhits::Architecture {
                input_size,
                features: shape.features(),
                horizon,
                levels: channels,
                hidden: *hidden,
                layers: *layers,
                stacks: rates(*stacks, pool_sizes, input_size, horizon),
            }),
            NetSettings::NLinear => linear(linear::Form::Last),
            NetSettings::DLinear { moving_average } => {
                linear(linear::Form::Decomposed { moving_average: *moving_average.min(&input_size) })
            }
            NetSettings::NBeats { stacks, blocks, layers, hidden, basis } => {
                nbeats(*hidden, *layers, *blocks, vec![nbeats::Basis::Generic(*basis); *stacks])
            }
            NetSettings::NBeatsInterpretable { blocks, layers, hidden, degree } => {
                nbeats(*hidden, *layers, *blocks, vec![nbeats::Basis::Trend(*degree), nbeats::Basis::Season])
            }
            NetSettings::Tide { hidden, layers, temporal_width, decoder_output, temporal_hidden, layer_norm } => {
                Architecture::Tide(tide::Architecture {
                    shape: *shape,
                    channels,
                    hidden: *hidden,
                    layers: *layers,
                    temporal_width: *temporal_width,
                    decoder_output: *decoder_output,
                    temporal_hidden: *temporal_hidden,
                    layer_norm: *layer_norm,
                })
            }
            NetSettings::PatchTst { patch, stride, hidden, heads, feed_forward, layers, batch_norm } => {
                let patch = *patch.min(&input_size);
                Architecture::PatchTst(patchtst::Architecture {
                    input_size,
                    horizon,
                    channels,
                    patch,
                    stride: *stride.min(&patch),
                    hidden: *hidden,
                    heads: *heads,
                    feed_forward: *feed_forward,
                    layers: *layers,
                    norm: if *batch_norm { Norm::Batch } else { Norm::Layer },
                })
            }
            NetSettings::DeepAr { hidden, layers, .. } => Architecture::DeepAr(deepar::Architecture {
                shape: *shape,
                channels,
                hidden: *hidden,
                layers: *layers,
                counts: self.loss == Loss::NegativeBinomial,
            }),
            NetSettings::Tft { hidden, heads } => {
                Architecture::Tft(tft::Architecture { shape: *shape, channels, hidden: *hidden, heads: *heads })
            }
        }
    }
}

/// The rates of N-HiTS. Knots lie every `H^((n−1)/n)` … `H^(1/n)`, 1 steps, so that the `n` stacks' resolution grows
/// exponentially, as the paper advises (Challu et al. 2023, §3.4).
fn rates(stacks: usize, pool_sizes: &[usize], input_size: usize, horizon: usize) -> Vec<nhits::Rates> {
    let pool_size = |stack: usize| {
        let offset = pool_sizes.len() as isize - stacks as isize;
        let place = (stack as isize + offset).max(0) as usize;
        pool_sizes.get(place).copied().unwrap_or(1)
    };
    (0..stacks)
        .map(|stack| {
            let exponent = (stacks - 1 - stack) as f64 / stacks as f64;
            nhits::Rates {
                pooling: pool_size(stack).min(input_size / 8).max(1),
                downsampling: ((horizon as f64).powf(exponent).round() as usize).clamp(1, horizon.max(1)),
            }
        })
        .collect()
}
