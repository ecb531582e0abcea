//! What windows are shifted and scaled by.

/// A window is never scaled up by more than ten against its series: in a stretch that hardly moves, noise would
/// become the signal.
const LEAST_SCALE: f64 = 0.1;

/// How a window is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scaling {
    /// By its own mean and standard deviation (instance norm).
    Standard,
    /// By its own mean absolute value, without a shift, so that 0 stays 0 and counts stay counts times one number
    /// (Salinas et al. 2020, §3.3).
    MeanAbsolute,
}

/// What a window was shifted and scaled by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Normalisation {
    /// Subtracted first.
    pub(crate) centre: f64,
    /// Divided by then; above 0.
    pub(crate) scale: f64,
}

impl Scaling {
    /// That of the observed values: the scale is at least a tenth of the series' `spread`, and 1 where nothing varies.
    pub(super) fn of(self, observed: &[f64], spread: f64) -> Normalisation {
        let Normalisation { centre, scale } =
            self.moments(observed).unwrap_or(Normalisation { centre: 0.0, scale: 0.0 });
        // Relative to the level: below this, a spread is what rounding leaves of a constant.
        let rounding = 1e-12 * centre.abs();
        let scale = scale.max(LEAST_SCALE * spread);
        Normalisation { centre, scale: if scale > rounding { scale } else { 1.0 } }
    }

    /// Centre and scale of the observed values; none where nothing was observed.
    fn moments(self, values: &[f64]) -> Option<Normalisation> {
        let observed = || values.iter().copied().filter(|v| v.is_finite());
        let count = observed().count() as f64;
        if count == 0.0 {
            return None;
        }
        match self {
            Self::Standard => {
                let centre = observed().sum::<f64>() / count;
                let scale = (observed().map(|v| (v - centre) * (v - centre)).sum::<f64>() / count).sqrt();
                Some(Normalisation { centre, scale })
            }
            Self::MeanAbsolute => Some(Normalisation { centre: 0.0, scale: observed().map(|v| v.abs() / count).sum() }),
        }
    }
}

/// The scale of a whole series; 0 where nothing was observed.
pub(super) fn spread(scaling: Scaling, values: &[f64]) -> f64 {
    scaling.moments(values).map_or(0.0, |m| m.scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_absolute_value_keeps_zero_where_it_is() {
        let values = [0.0, f64::NAN, -3.0, 6.0];
        assert_eq!(Scaling::MeanAbsolute.of(&values, 1.0), Normalisation { centre: 0.0, scale: 3.0 });
        assert_eq!(Scaling::MeanAbsolute.of(&[0.0, 0.0], 5.0), Normalisation { centre: 0.0, scale: 0.5 });
        assert_eq!(Scaling::MeanAbsolute.of(&[0.0], 0.0), Normalisation { centre: 0.0, scale: 1.0 });
    }
}
