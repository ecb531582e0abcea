//! Which ARIMA model: its orders and whether it has a constant.

use std::fmt;

/// The orders (p, d, q)(P, D, Q)ₘ of a seasonal ARIMA model (Box and Jenkins 1970, §9.2), and whether it has a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Order {
    /// Autoregressive terms.
    pub p: usize,
    /// First differences.
    pub d: usize,
    /// Moving average terms.
    pub q: usize,
    /// Seasonal autoregressive terms.
    pub seasonal_p: usize,
    /// Seasonal differences.
    pub seasonal_d: usize,
    /// Seasonal moving average terms.
    pub seasonal_q: usize,
    /// Observations of a season; 1 where there is none.
    pub season: usize,
    /// A mean where nothing is differenced, a drift (the slope of a straight line) where something is.
    pub constant: bool,
}

impl Order {
    /// A model without a season.
    #[must_use]
    pub const fn new(p: usize, d: usize, q: usize) -> Self {
        Self { p, d, q, seasonal_p: 0, seasonal_d: 0, seasonal_q: 0, season: 1, constant: false }
    }

    /// The same with seasonal terms.
    #[must_use]
    pub const fn seasonal(self, p: usize, d: usize, q: usize, season: usize) -> Self {
        Self { seasonal_p: p, seasonal_d: d, seasonal_q: q, season, ..self }
    }

    /// The same with a mean or a drift.
    #[must_use]
    pub const fn with_constant(self, constant: bool) -> Self {
        Self { constant, ..self }
    }

    /// Observations lost to differencing: d + m D.
    #[must_use]
    pub const fn lost(&self) -> usize {
        self.d + self.season * self.seasonal_d
    }

    /// Coefficients of the polynomials.
    #[must_use]
    pub const fn terms(&self) -> usize {
        self.p + self.q + self.seasonal_p + self.seasonal_q
    }

    /// The longest autoregressive lag.
    pub(super) const fn autoregressive_reach(&self) -> usize {
        self.p + self.season * self.seasonal_p
    }

    /// The longest moving average lag.
    pub(super) const fn moving_average_reach(&self) -> usize {
        self.q + self.season * self.seasonal_q
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{},{})", self.p, self.d, self.q)?;
        if self.season > 1 {
            write!(f, "({},{},{})[{}]", self.seasonal_p, self.seasonal_d, self.seasonal_q, self.season)?;
        }
        match (self.constant, self.d + self.seasonal_d) {
            (false, _) => Ok(()),
            (true, 0) => write!(f, " with mean"),
            (true, _) => write!(f, " with drift"),
        }
    }
}
