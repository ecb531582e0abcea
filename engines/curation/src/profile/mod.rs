//! Profile *Q*: what a data set looks like, from the data alone.
//!
//! [`profile`] takes a panel on a regular axis and describes each series and the panel. It decides nothing: the planner
//! reads the profile and draws the conclusions.
//!
//! **Missing values.** Gaps are counted as they are. What needs complete data (the tests, the decomposition, the
//! autocorrelations, seasons, changes) sees the series from its first to its last observation with gaps filled by straight
//! lines; a series with more than half of that span missing is not tested. The findings say when values were filled.
//!
//! **Long series.** Costs are bounded: unit-root and stationarity tests, periods and the Hurst exponent use the last 20,000
//! observations, the decomposition (strengths and outliers) the last 50,000; changes are searched in at most 600 block
//! means of the whole. Gaps, distribution and demand pattern are always over everything. Up to 600 observations the STL of
//! a single period is the reference one; longer series and several periods use its interpolated form.
//!
//! Series are profiled in parallel and collected in their order, so the result does not depend on the number of threads.

mod covariate;
mod decomposition;
mod filled;
mod findings;
mod gaps;
mod panel;
mod season;
mod series;

pub use panel::profile;
