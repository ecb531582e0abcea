//! How often a series is observed.

use serde::{Deserialize, Serialize};

/// The unit of a calendar frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrequencyUnit {
    /// Integer steps without a clock.
    Step,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Calendar days.
    Day,
    /// Monday to Friday.
    BusinessDay,
    /// Weeks.
    Week,
    /// Calendar months.
    Month,
    /// Quarters of a year.
    Quarter,
    /// Years.
    Year,
}

/// One observation every `multiple` units: `15 min` is `Frequency { multiple: 15, unit: Minute }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Frequency {
    /// How many units lie between two observations, at least 1.
    pub multiple: u32,
    /// The unit.
    pub unit: FrequencyUnit,
}

impl Frequency {
    /// One observation per `unit`.
    #[must_use]
    pub const fn every(unit: FrequencyUnit) -> Self {
        Self { multiple: 1, unit }
    }

    /// The seasonal periods that the calendar suggests, shortest first, in observations: a day and a week for
    /// hourly data, a year for monthly data. Whether a series has them is for the profile to find out.
    #[must_use]
    pub fn calendar_periods(self) -> Vec<u32> {
        use FrequencyUnit as U;
        let seconds: &[u32] = match self.unit {
            U::Second => &[60, 3_600, 86_400],
            U::Minute => &[60, 1_440, 10_080],
            U::Hour => &[24, 168, 8_766],
            U::Day => &[7, 365],
            U::BusinessDay => &[5, 261],
            U::Week => &[52],
            U::Month => &[12],
            U::Quarter => &[4],
            U::Step | U::Year => &[],
        };
        seconds.iter().filter(|p| **p % self.multiple == 0).map(|p| p / self.multiple).filter(|p| *p > 1).collect()
    }

    /// The length of one step in seconds, where the calendar makes it constant.
    #[must_use]
    pub const fn seconds(self) -> Option<u64> {
        use FrequencyUnit as U;
        let unit = match self.unit {
            U::Second => 1,
            U::Minute => 60,
            U::Hour => 3_600,
            U::Day => 86_400,
            U::Week => 604_800,
            U::Step | U::BusinessDay | U::Month | U::Quarter | U::Year => return None,
        };
        Some(unit * self.multiple as u64)
    }
}

impl std::fmt::Display for Frequency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use FrequencyUnit as U;
        let unit = match self.unit {
            U::Step => "step",
            U::Second => "second",
            U::Minute => "minute",
            U::Hour => "hour",
            U::Day => "day",
            U::BusinessDay => "business day",
            U::Week => "week",
            U::Month => "month",
            U::Quarter => "quarter",
            U::Year => "year",
        };
        if self.multiple == 1 { write!(f, "every {unit}") } else { write!(f, "every {} {unit}s", self.multiple) }
    }
}
