//! The network as a whole: a history in, quantiles out.

use std::sync::OnceLock;

use super::embedded;
use super::encoder::{Encoded, Encoder};
use super::head::Head;
use super::periods::{Periods, detect};
use super::positions::seasonal_fill;
use super::prefix::Prefixes;
use super::{LEVELS, WINDOW};
use crate::weights::Error;

/// The least range of a window: a narrower one counts as a constant.
const LEAST_SPAN: f64 = 1e-5;
/// Moments before the first observed one, from which on a shared prefix is worth its memory.
const LEAST_PREFIX: usize = 256;
/// The median's place among the levels.
const MEDIAN: usize = LEVELS.len() / 2;

/// The pretrained network.
#[derive(Debug)]
pub struct Network {
    encoder: Encoder,
    head: Head,
    prefixes: Prefixes,
}

/// A forecast as the network gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// For each step the quantiles at [`LEVELS`], in the data's unit; not yet in order.
    pub quantiles: Vec<[f64; LEVELS.len()]>,
    /// The periods found in the history, in observations, the strongest first; 0 for none.
    pub periods: [u16; 4],
}

impl Network {
    /// The network with the weights of this program, read at the first call.
    ///
    /// # Errors
    /// [`Error`] where the program's own weights are damaged.
    pub fn pretrained() -> Result<&'static Self, Error> {
        static READ: OnceLock<Result<Network, Error>> = OnceLock::new();
        let read = || {
            let weights = embedded::weights()?;
            Ok(Self { encoder: Encoder::read(&weights)?, head: Head::read(&weights)?, prefixes: Prefixes::default() })
        };
        READ.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// Forecasts `horizon` steps after a history, oldest first, NaN where missing; only its last 2,048 moments count.
    /// Horizons past 48 continue from the medians of the steps before.
    ///
    /// A history without an observed value gives the forecast of a constant zero. Values beyond ±1e300 must be scaled
    /// by the caller.
    #[must_use]
    pub fn forecast(&self, history: &[f64], horizon: usize) -> Forecast {
        let mut history = history[history.len().saturating_sub(WINDOW)..].to_vec();
        let mut quantiles = Vec::with_capacity(horizon);
        let mut first = None;
        while quantiles.len() < horizon {
            let (block, periods) = self.block(&history);
            first.get_or_insert(periods);
            history.extend(block.iter().map(|step| step[MEDIAN]));
            history.drain(..history.len().saturating_sub(WINDOW));
            quantiles.extend(block.into_iter().take(horizon - quantiles.len()));
        }
        Forecast { quantiles, periods: first.unwrap_or_default() }
    }

    /// The 48 steps after a history of at most 2,048 moments.
    fn block(&self, history: &[f64]) -> (Vec<[f64; LEVELS.len()]>, Periods) {
        let (window, low, span) = normalised(history);
        let periods = detect(&window);
        let encoded = self.encode(&window, &periods);
        let fill = seasonal_fill(&window, &periods);
        let outputs = self.head.forecast(&encoded, &fill);
        (outputs.into_iter().map(|step| step.map(|q| f64::from(q) * span + low)).collect(), periods)
    }

    fn encode(&self, window: &[f32; WINDOW], periods: &Periods) -> Encoded {
        let first = window.iter().position(|v| !v.is_nan()).unwrap_or(WINDOW);
        let place = if first < LEAST_PREFIX { None } else { self.prefixes.place(periods) };
        let prefix = place.as_ref().map(|place| place.get_or_init(|| self.encoder.prefix(periods)));
        self.encoder.encode(window, periods, prefix)
    }
}

/// A history at the right end of a window, brought to 0 to 1, with what brings it back: its lowest value and its range.
fn normalised(history: &[f64]) -> (Box<[f32; WINDOW]>, f64, f64) {
    let observed = || history.iter().copied().filter(|v| !v.is_nan());
    let (low, high) = observed().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
    let span = (high - low).max(LEAST_SPAN);
    let mut window = Box::new([f32::NAN; WINDOW]);
    for (place, value) in window[WINDOW - history.len()..].iter_mut().zip(history) {
        *place = ((value - low) / span) as f32;
    }
    (window, low, span)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_prefix_changes_no_bit() {
        let network = Network::pretrained().unwrap();
        for length in [8, 100, 150, 1_500, 2_030] {
            let history: Vec<f64> = (0..length).map(|t| (f64::from(t) * 0.7).sin() + f64::from(t % 12)).collect();
            let (window, ..) = normalised(&history);
            let periods = detect(&window);
            let alone = network.encoder.encode(&window, &periods, None);
            let prefix = network.encoder.prefix(&periods);
            let shared = network.encoder.encode(&window, &periods, Some(&prefix));
            assert_eq!(alone.mean, shared.mean, "{length}");
            assert_eq!(alone.tail, shared.tail, "{length}");
        }
    }
}
