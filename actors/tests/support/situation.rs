//! What a planner knows, for tests of planning: two years of hourly rentals with one driver.

use atsre_domain::Finite;
use atsre_domain::catalogue::CatalogueEntry;
use atsre_domain::experiment::Budget;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::graph::Driver;
use atsre_domain::panel::{Covariate, CovariateKind};
use atsre_domain::policy::reasoner::Context;
use atsre_domain::profile::{DemandPattern, Profile, SeasonalPeriod, Stationarity};

/// Owns what a [`Context`] borrows.
#[derive(Debug)]
pub struct Situation {
    budget: Budget,
    profile: Profile,
    covariates: Vec<Covariate>,
    drivers: Vec<Driver>,
    catalogue: Vec<CatalogueEntry>,
}

impl Situation {
    /// The situation.
    pub fn new() -> Self {
        let finite = |v: f64| Finite::of(v).expect("a finite constant");
        Self {
            budget: Budget {
                wall_ms: 180_000,
                cpu_cores: 2,
                parallel_trials: 1,
                trial_memory_bytes: 512 << 20,
                gpu_memory_bytes: 0,
            },
            profile: Profile {
                series_count: 1,
                observations: 17_379,
                length_min: 17_379,
                length_median: 17_379,
                length_max: 17_379,
                frequency: Frequency::every(FrequencyUnit::Hour),
                missing_share: finite(0.0094),
                outliers: 12,
                trend_strength: Finite::of(0.41),
                seasonal_periods: vec![SeasonalPeriod { period: 24, strength: finite(0.83) }],
                stationarity: Stationarity::Stationary,
                demand_pattern: DemandPattern::Smooth,
                non_negative: true,
                gaussian: false,
                covariates: Vec::new(),
                series: Vec::new(),
                findings: Vec::new(),
            },
            covariates: vec![Covariate { name: "temp".to_owned(), kind: CovariateKind::Known, levels: None }],
            drivers: vec![Driver {
                variable: "temp".to_owned(),
                lag: 0,
                p_value: None,
                confidence: None,
                directed: true,
                effect: None,
            }],
            catalogue: atsre_forecast::catalogue(),
        }
    }

    /// What the planner is given of it.
    pub fn context(&self) -> Context<'_> {
        Context {
            dataset: "bike_sharing",
            horizon: 24,
            holdout: 24,
            budget: &self.budget,
            remaining_ms: 170_000,
            profile: &self.profile,
            covariates: &self.covariates,
            drivers: &self.drivers,
            has_graph: true,
            catalogue: &self.catalogue,
            history: &[],
        }
    }
}
