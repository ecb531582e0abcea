//! What is known of the candidates before any series is seen.
//!
//! A panel of few series, and a single one most of all, says little of which model is good. Its evidence is therefore
//! drawn towards what the candidates did on public series: rolling-origin errors over M1, M4 and hospital series, where
//! only every other series was used, so that the rest could tell whether it helps.

/// The mean logarithm of a candidate's error over the candidates' median, on series with a season.
const SEASONAL: [(&str, f64); 19] = [
    ("naive", 0.11),
    ("drift", 0.06),
    ("historic-average", 0.84),
    ("theta", -0.02),
    ("dynamic-optimized-theta", -0.06),
    ("auto-theta", -0.06),
    ("auto-ces", -0.04),
    ("auto-ets", -0.07),
    ("auto-arima", -0.07),
    ("rank-one", 0.13),
    ("arima", -0.02),
    ("ets AAdN", -0.01),
    ("holt", 0.01),
    ("seasonal-naive", 0.27),
    ("ets AAdA", -0.03),
    ("holt-winters", -0.04),
    ("mstl", -0.05),
    ("mstl dynamic-optimized-theta", -0.05),
    ("ridge, each by itself", 0.11),
];
/// The same on series without a season.
const PLAIN: [(&str, f64); 15] = [
    ("naive", 0.34),
    ("drift", -0.10),
    ("historic-average", 1.04),
    ("theta", 0.07),
    ("dynamic-optimized-theta", -0.09),
    ("auto-theta", -0.07),
    ("auto-ces", -0.06),
    ("auto-ets", 0.06),
    ("auto-arima", -0.04),
    ("rank-one", 0.02),
    ("arima", -0.07),
    ("ets AAdN", 0.02),
    ("holt", -0.04),
    ("ridge, pooled", -0.18),
    ("ridge, each by itself", -0.06),
];

/// The logarithm of the error to expect of a candidate, relative to the others; 0 for one that nothing is known of.
pub(super) fn expected(label: &str, seasonal: bool) -> f64 {
    let known: &[(&str, f64)] = if seasonal { &SEASONAL } else { &PLAIN };
    known.iter().find(|(name, _)| *name == label).map_or(0.0, |(_, error)| *error)
}
