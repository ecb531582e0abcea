//! What is compared.

use serde::{Deserialize, Serialize};

/// One comparison: what it is, its sizes, and the bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The model in our catalogue.
    pub model: String,
    /// The work.
    pub work: Work,
    /// The most that ours may take, in units of the peer's time.
    pub bar: f64,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Work {
    /// One step of a training: windows drawn and normalised, loss, gradients, clipping, AdamW.
    Step {
        /// Windows in a batch.
        batch: usize,
        /// Observations in a window.
        input: usize,
        /// Steps to forecast.
        horizon: usize,
        /// Quantile levels to forecast; none where the network says a distribution.
        levels: Vec<f64>,
        /// Sizes of the network by their names in the catalogue.
        sizes: std::collections::BTreeMap<String, Size>,
    },
    /// A forecast of pretrained weights.
    Forecast {
        /// Series that are forecast together.
        series: usize,
        /// Observations in each.
        length: usize,
        /// Steps to forecast.
        horizon: usize,
        /// The folder of the weights; none where they come with the model.
        weights: Option<String>,
    },
}

/// A size of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Size {
    /// One number.
    One(i64),
    /// A share.
    Share(f64),
    /// Several.
    Many(Vec<i64>),
    /// A word.
    Word(String),
}

fn step(
    model: &str,
    bar: f64,
    (batch, input, horizon): (usize, usize, usize),
    levels: &[f64],
    sizes: &[(&str, Size)],
) -> Case {
    let sizes = sizes.iter().map(|(name, size)| ((*name).to_owned(), size.clone())).collect();
    Case { model: model.to_owned(), work: Work::Step { batch, input, horizon, levels: levels.to_vec(), sizes }, bar }
}

/// All comparisons; that of Chronos-Bolt only where a folder of its weights is given.
#[must_use]
pub fn all(bolt: Option<&str>) -> Vec<Case> {
    const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];
    let one = Size::One;
    let mut cases = vec![
        step(
            "nhits",
            1.0,
            (64, 384, 96),
            &LEVELS,
            &[("stacks", one(3)), ("hidden", one(512)), ("layers", one(2)), ("pool_sizes", Size::Many(vec![8, 4, 1]))],
        ),
        step("dlinear-net", 1.0, (64, 384, 96), &LEVELS, &[("moving_average", one(25))]),
        step(
            "patchtst",
            1.2,
            (32, 384, 96),
            &LEVELS,
            &[
                ("patch", one(16)),
                ("stride", one(8)),
                ("hidden", one(64)),
                ("heads", one(4)),
                ("feed_forward", one(128)),
                ("layers", one(3)),
                ("dropout", Size::Share(0.0)),
            ],
        ),
        step(
            "deepar",
            1.5,
            (64, 72, 24),
            &[],
            &[("hidden", one(40)), ("layers", one(2)), ("loss", Size::Word("student-t".to_owned()))],
        ),
    ];
    let forecast = |model: &str, bar, series, length, weights: Option<&str>| Case {
        model: model.to_owned(),
        work: Work::Forecast { series, length, horizon: 48, weights: weights.map(str::to_owned) },
        bar,
    };
    cases.extend(bolt.map(|folder| forecast("chronos-bolt", 1.0, 32, 512, Some(folder))));
    cases.push(forecast("fracast-0", 0.5, 1, 700, None));
    cases
}

/// A series of a day, a week and what repeats in neither, the same on both sides.
#[must_use]
pub fn series(length: usize) -> Vec<f64> {
    let wave = |moment: f64, period: f64| (moment * std::f64::consts::TAU / period).sin();
    (0..length)
        .map(|t| {
            let moment = t as f64;
            10.0 + 3.0 * wave(moment, 24.0) + wave(moment, 168.0) + 0.01 * ((t * 7_919) % 101) as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_survive_json_and_chronos_needs_its_weights() {
        for case in all(Some("folder")) {
            let text = serde_json::to_string(&case).unwrap_or_default();
            assert_eq!(serde_json::from_str::<Case>(&text).ok(), Some(case));
        }
        assert_eq!(all(None).len() + 1, all(Some("folder")).len());
    }
}
