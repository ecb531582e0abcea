//! Profile *Q*: what the Curator finds in the data, per series and for the panel.

use serde::{Deserialize, Serialize};

use crate::finite::Finite;
use crate::frequency::Frequency;

/// The result of one hypothesis test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// The test statistic.
    pub statistic: Finite,
    /// The p-value (for KPSS, clipped to its table: 0.01 to 0.1).
    pub p_value: Finite,
    /// Lags used.
    pub lags: u32,
}

/// Stationarity, from two tests with opposite null hypotheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stationarity {
    /// ADF rejects a unit root and KPSS does not reject stationarity.
    Stationary,
    /// ADF does not reject and KPSS rejects.
    UnitRoot,
    /// Both reject: stationary around a trend or a break.
    TrendStationary,
    /// Neither rejects: too little evidence.
    Inconclusive,
}

/// Demand pattern by Syntetos, Boylan and Croston (2005): ADI against 1.32, CV² against 0.49.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DemandPattern {
    /// Few zeros, little variation.
    Smooth,
    /// Few zeros, much variation.
    Erratic,
    /// Many zeros, little variation.
    Intermittent,
    /// Many zeros, much variation.
    Lumpy,
}

/// A seasonal period found in the data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeasonalPeriod {
    /// Length in observations.
    pub period: u32,
    /// Seasonal strength by STL: max(0, 1 − Var(R) / Var(S + R)) (Wang, Smith and Hyndman 2006).
    pub strength: Finite,
}

/// Where observations are missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// Missing target values, absent rows included.
    pub missing: u64,
    /// Share of the regular axis that is missing, 0 to 1.
    pub share: Option<Finite>,
    /// Runs of consecutive missing values.
    pub runs: u64,
    /// The longest run.
    pub longest_run: u64,
    /// `none`, `scattered`, `blocks` or `periodic`.
    pub pattern: String,
}

/// The distribution of the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Observed values.
    pub count: u64,
    /// Mean.
    pub mean: Finite,
    /// Standard deviation (denominator n − 1).
    pub std: Finite,
    /// Smallest value.
    pub min: Finite,
    /// Lower quartile.
    pub q25: Finite,
    /// Median.
    pub median: Finite,
    /// Upper quartile.
    pub q75: Finite,
    /// Largest value.
    pub max: Finite,
    /// Skewness.
    pub skewness: Option<Finite>,
    /// Kurtosis, not in excess: 3 for a normal distribution.
    pub kurtosis: Option<Finite>,
    /// Jarque–Bera test of normality.
    pub jarque_bera: Option<TestResult>,
    /// Share of zeros.
    pub zero_share: Finite,
    /// Whether every value is a whole number.
    pub integer: bool,
    /// Whether every value is at least zero.
    pub non_negative: bool,
}

/// What one series looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesProfile {
    /// The item's name; empty for the only series.
    pub item_id: String,
    /// Length of the regular time axis.
    pub length: u64,
    /// Missing values.
    pub gaps: Gaps,
    /// Values.
    pub distribution: Distribution,
    /// Outliers found in the remainder after trend and season (more than 3 interquartile ranges outside).
    pub outliers: u64,
    /// Augmented Dickey–Fuller, with a constant, lag by AIC.
    pub adf: Option<TestResult>,
    /// KPSS around a constant, automatic lag.
    pub kpss: Option<TestResult>,
    /// The verdict of both.
    pub stationarity: Stationarity,
    /// Trend strength by STL, 0 to 1.
    pub trend_strength: Option<Finite>,
    /// Seasonal periods found in the data, strongest first.
    pub seasonal_periods: Vec<SeasonalPeriod>,
    /// Average interval between non-zero demands.
    pub adi: Option<Finite>,
    /// Squared coefficient of variation of the non-zero demands.
    pub cv2: Option<Finite>,
    /// The demand pattern of the two.
    pub demand_pattern: DemandPattern,
    /// Autocorrelation at lags 1, 2, … (at most 40).
    pub acf: Vec<Finite>,
    /// Partial autocorrelation at lags 1, 2, … (at most 40).
    pub pacf: Vec<Finite>,
    /// Hurst exponent by rescaled range or aggregated variance.
    pub hurst: Option<Finite>,
    /// Indices after which level or trend changes.
    pub change_points: Vec<u64>,
}

/// A column other than the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CovariateProfile {
    /// The column's name.
    pub name: String,
    /// `numeric`, `binary` or `categorical`.
    pub kind: String,
    /// Distinct values seen (at most 1,000 are counted).
    pub distinct: u64,
    /// Missing values.
    pub missing: u64,
    /// Pearson correlation with the target.
    pub correlation: Option<Finite>,
}

/// Profile *Q* of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Series in the panel.
    pub series_count: u64,
    /// Observations over all series.
    pub observations: u64,
    /// Shortest series.
    pub length_min: u64,
    /// Median series.
    pub length_median: u64,
    /// Longest series.
    pub length_max: u64,
    /// The distance between observations.
    pub frequency: Frequency,
    /// Share of missing target values.
    pub missing_share: Finite,
    /// Outliers over all series.
    pub outliers: u64,
    /// Median trend strength over the series.
    pub trend_strength: Option<Finite>,
    /// Seasonal periods that a majority of the series have, strongest first.
    pub seasonal_periods: Vec<SeasonalPeriod>,
    /// The most frequent verdict.
    pub stationarity: Stationarity,
    /// The most frequent demand pattern.
    pub demand_pattern: DemandPattern,
    /// Whether every target value is at least zero.
    pub non_negative: bool,
    /// Whether the target's increments look Gaussian (Jarque–Bera at 1 %).
    pub gaussian: bool,
    /// The covariates.
    pub covariates: Vec<CovariateProfile>,
    /// Each series, up to 200 (the panel's figures are over all); ordered by item id.
    pub series: Vec<SeriesProfile>,
    /// Findings in words, most important first.
    pub findings: Vec<String>,
}

impl Profile {
    /// The strongest seasonal period, or 1 where there is none.
    #[must_use]
    pub fn season_length(&self) -> u32 {
        self.seasonal_periods.first().map_or(1, |s| s.period)
    }
}
