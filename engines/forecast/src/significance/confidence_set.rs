//! The model confidence set: which of many forecasts may still be the best.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Bootstrap samples where the caller has no other wish.
pub const RESAMPLES: usize = 1_000;
/// The fewest observations from which a bootstrap says anything.
const LEAST_OBSERVATIONS: usize = 5;

/// One model's place in a confidence set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Its place in the losses that were given.
    pub model: usize,
    /// Its mean loss.
    pub mean_loss: f64,
    /// The level at which it leaves the set: it is in every set of confidence 1 − α with α below or equal to this.
    pub p_value: f64,
}

/// A model confidence set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfidenceSet {
    /// The confidence, 1 − α.
    pub confidence: f64,
    /// Every model, the ones that left first first.
    pub standings: Vec<Standing>,
    /// The models that stay, ascending.
    pub members: Vec<usize>,
}

/// Why there is no confidence set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum NoConfidenceSet {
    /// There is no model.
    #[error("a confidence set needs at least one model")]
    NoModels,
    /// The models have different numbers of losses.
    #[error("model {model} has {found} losses, the first has {expected}: give all of them the same observations")]
    Ragged {
        /// The model.
        model: usize,
        /// Its losses.
        found: usize,
        /// Those of the first.
        expected: usize,
    },
    /// There are too few observations.
    #[error("{observations} observations are too few for a bootstrap, it needs at least {needed}")]
    TooFew {
        /// The observations there are.
        observations: usize,
        /// How many it needs.
        needed: usize,
    },
    /// A loss is NaN or infinite.
    #[error("loss {index} of model {model} is not a finite number: leave out what could not be measured")]
    NotFinite {
        /// The model.
        model: usize,
        /// The loss.
        index: usize,
    },
    /// A setting makes no sense.
    #[error("confidence {confidence} must lie inside 0 to 1, and block length and resamples must be at least 1")]
    Setting {
        /// The confidence asked for.
        confidence: f64,
    },
}

/// How a confidence set is found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bootstrap {
    /// Consecutive observations that are drawn together: at least the horizon, since errors reach that far ahead.
    pub block_length: usize,
    /// Samples.
    pub resamples: usize,
    /// The source of the draws.
    pub seed: u64,
}

/// The set of models that contains the best with the given confidence (Hansen, Lunde and Nason 2011, "The model confidence
/// set", Econometrica 79): `losses[m][t]` is model m's loss on observation t, in order of time.
///
/// While the hypothesis that all models left are equally good is refused, the worst leaves. The statistic is their T_max,
/// the largest tᵢ = d̄ᵢ / √var(d̄ᵢ), d̄ᵢ the mean loss of i less that of all left (section 3.1.2); its distribution and
/// the variances come from a moving block bootstrap with wrapped ends (section 3.2; Politis and Romano 1992). A model's p-value is the largest
/// of all tests up to the one that removes it (definition 4). The last model left has 1. Ties go to the model listed later.
///
/// # Errors
/// [`NoConfidenceSet`], by its kind.
pub fn model_confidence_set(
    losses: &[Vec<f64>],
    confidence: f64,
    bootstrap: Bootstrap,
) -> Result<ConfidenceSet, NoConfidenceSet> {
    let observations = check(losses, confidence, bootstrap)?;
    // In units of the largest loss, so that squares stay in range.
    let unit = losses.iter().flatten().fold(0.0_f64, |u, l| u.max(l.abs()));
    let unit = if unit > 0.0 { unit } else { 1.0 };
    let means: Vec<f64> =
        losses.iter().map(|l| l.iter().map(|v| v / unit).sum::<f64>() / observations as f64).collect();
    let resampled = resampled_means(losses, unit, bootstrap);
    let mut left: Vec<usize> = (0..losses.len()).collect();
    let mut standings = Vec::with_capacity(left.len());
    let mut p_value = 0.0_f64;
    while left.len() > 1 {
        let (worst, p) = test(&left, &means, &resampled);
        p_value = p_value.max(p);
        let model = left.remove(worst);
        standings.push(Standing { model, mean_loss: means[model] * unit, p_value });
    }
    standings.extend(left.iter().map(|m| Standing { model: *m, mean_loss: means[*m] * unit, p_value: 1.0 }));
    let mut members: Vec<usize> = standings.iter().filter(|s| s.p_value >= 1.0 - confidence).map(|s| s.model).collect();
    members.sort_unstable();
    Ok(ConfidenceSet { confidence, standings, members })
}

fn check(losses: &[Vec<f64>], confidence: f64, bootstrap: Bootstrap) -> Result<usize, NoConfidenceSet> {
    let observations = losses.first().ok_or(NoConfidenceSet::NoModels)?.len();
    if !(confidence > 0.0 && confidence < 1.0) || bootstrap.block_length == 0 || bootstrap.resamples == 0 {
        return Err(NoConfidenceSet::Setting { confidence });
    }
    for (model, own) in losses.iter().enumerate() {
        if own.len() != observations {
            return Err(NoConfidenceSet::Ragged { model, found: own.len(), expected: observations });
        }
        if let Some(index) = own.iter().position(|l| !l.is_finite()) {
            return Err(NoConfidenceSet::NotFinite { model, index });
        }
    }
    let needed = LEAST_OBSERVATIONS.max(bootstrap.block_length.saturating_mul(2));
    if observations < needed {
        return Err(NoConfidenceSet::TooFew { observations, needed });
    }
    Ok(observations)
}

/// One row a sample, each with one mean a model; every model sees the same draws.
fn resampled_means(losses: &[Vec<f64>], unit: f64, bootstrap: Bootstrap) -> Vec<Vec<f64>> {
    let n = losses[0].len();
    let mut random = ChaCha8Rng::seed_from_u64(bootstrap.seed);
    (0..bootstrap.resamples)
        .map(|_| {
            let starts: Vec<usize> =
                (0..n.div_ceil(bootstrap.block_length)).map(|_| random.random_range(0..n)).collect();
            let drawn = || (0..n).map(|t| (starts[t / bootstrap.block_length] + t % bootstrap.block_length) % n);
            losses.iter().map(|own| drawn().map(|t| own[t] / unit).sum::<f64>() / n as f64).collect()
        })
        .collect()
}

/// The worst of the models left, and how often chance makes a worst one so bad.
fn test(left: &[usize], means: &[f64], resampled: &[Vec<f64>]) -> (usize, f64) {
    let differences = |of: &[f64]| -> Vec<f64> {
        let all = left.iter().map(|m| of[*m]).sum::<f64>() / left.len() as f64;
        left.iter().map(|m| of[*m] - all).collect()
    };
    let observed = differences(means);
    let samples: Vec<Vec<f64>> = resampled.iter().map(|row| differences(row)).collect();
    let deviation: Vec<f64> = (0..left.len())
        .map(|i| {
            let squares: f64 = samples.iter().map(|s| (s[i] - observed[i]) * (s[i] - observed[i])).sum();
            (squares / samples.len() as f64).sqrt()
        })
        .collect();
    let size = left.iter().map(|m| means[*m].abs()).fold(0.0_f64, f64::max);
    // A difference that does not vary is either no difference or a certain one.
    let statistic = |value: f64, i: usize| {
        if deviation[i] > 1e-12 * size {
            value / deviation[i]
        } else if value.abs() <= 1e-12 * size {
            0.0
        } else {
            value.signum() * f64::INFINITY
        }
    };
    let (mut worst, mut largest) = (0, f64::NEG_INFINITY);
    for (i, value) in observed.iter().enumerate() {
        if statistic(*value, i) >= largest {
            (worst, largest) = (i, statistic(*value, i));
        }
    }
    let as_large = samples
        .iter()
        .filter(|sample| {
            let spread = (0..left.len())
                .filter(|i| deviation[*i] > 1e-12 * size)
                .map(|i| (sample[i] - observed[i]) / deviation[i])
                .fold(if size == 0.0 { 0.0 } else { f64::NEG_INFINITY }, f64::max);
            spread >= largest
        })
        .count();
    // Models that are all the same are not refused.
    let p = if largest <= 0.0 { 1.0 } else { as_large as f64 / samples.len() as f64 };
    (worst, p)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap { block_length: 2, resamples: 500, seed: 3 };

    /// Losses with a common part, each model's own noise and its own level.
    fn losses(levels: &[f64], observations: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let common: Vec<f64> = (0..observations).map(|_| random.random::<f64>()).collect();
        levels.iter().map(|level| common.iter().map(|c| level + c + random.random::<f64>()).collect()).collect()
    }

    #[test]
    fn clearly_worse_models_leave_first() {
        // given two equal models and two that lose 0.5 and 1 more, where noise has a deviation of 0.29
        let set = model_confidence_set(&losses(&[1.0, 1.5, 1.0, 2.0], 80, 1), 0.9, BOOTSTRAP).unwrap();
        // then the worst leave first and one of the best stays (how often both do, the next test counts)
        assert!(set.members.contains(&2) && !set.members.contains(&1) && !set.members.contains(&3));
        assert_eq!(set.standings[0].model, 3);
        assert_eq!(set.standings[1].model, 1);
        assert!(set.standings.windows(2).all(|w| w[0].p_value <= w[1].p_value));
        assert!((set.standings[3].p_value - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_best_is_in_the_set_about_as_often_as_promised() {
        // given five equal models, so that each is a best one; when 200 sets of 80 % are found
        let kept = (0..200)
            .filter(|seed| {
                let all = losses(&[1.0; 5], 60, 100 + seed);
                let bootstrap = Bootstrap { block_length: 1, resamples: 200, seed: *seed };
                model_confidence_set(&all, 0.8, bootstrap).unwrap().members.len() == 5
            })
            .count();
        // then nobody leaves in 80 % of them: within 3 standard errors of 2.8 %, and the bootstrap's own bias
        assert!((140..=185).contains(&kept), "{kept}");
    }

    #[test]
    fn units_order_and_repetition_do_not_matter() {
        let plain = losses(&[1.0, 1.1, 1.4], 50, 5);
        let set = model_confidence_set(&plain, 0.9, BOOTSTRAP).unwrap();
        assert_eq!(model_confidence_set(&plain, 0.9, BOOTSTRAP).unwrap(), set);
        let scaled: Vec<Vec<f64>> = plain.iter().map(|l| l.iter().map(|v| v * 1e200).collect()).collect();
        let huge = model_confidence_set(&scaled, 0.9, BOOTSTRAP).unwrap();
        assert_eq!(huge.members, set.members);
        let turned: Vec<Vec<f64>> = plain.iter().rev().cloned().collect();
        let members: Vec<usize> =
            model_confidence_set(&turned, 0.9, BOOTSTRAP).unwrap().members.iter().rev().map(|m| 2 - m).collect();
        assert_eq!(members, set.members);
    }

    #[test]
    fn identical_models_all_stay_and_a_constant_gap_decides() {
        let one = losses(&[1.0], 30, 7).remove(0);
        let set = model_confidence_set(&[one.clone(), one.clone(), one.clone()], 0.9, BOOTSTRAP).unwrap();
        assert_eq!(set.members, [0, 1, 2]);
        let worse: Vec<f64> = one.iter().map(|l| l + 0.5).collect();
        let set = model_confidence_set(&[worse, one], 0.9, BOOTSTRAP).unwrap();
        assert_eq!(set.members, [1]);
        let set = model_confidence_set(&[vec![0.0; 10], vec![0.0; 10]], 0.9, BOOTSTRAP).unwrap();
        assert_eq!(set.members, [0, 1]);
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let check = |losses: &[Vec<f64>], expect: NoConfidenceSet| {
            assert_eq!(model_confidence_set(losses, 0.9, BOOTSTRAP).unwrap_err(), expect);
        };
        check(&[], NoConfidenceSet::NoModels);
        check(&[vec![1.0; 9], vec![1.0; 8]], NoConfidenceSet::Ragged { model: 1, found: 8, expected: 9 });
        check(&[vec![1.0; 4]], NoConfidenceSet::TooFew { observations: 4, needed: 5 });
        check(&[vec![1.0, f64::NAN, 1.0, 1.0, 1.0]], NoConfidenceSet::NotFinite { model: 0, index: 1 });
        assert!(model_confidence_set(&[vec![1.0; 9]], 1.0, BOOTSTRAP).is_err());
    }
}
