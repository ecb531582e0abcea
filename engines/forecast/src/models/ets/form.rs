//! The taxonomy of exponential smoothing (Hyndman, Koehler, Ord and Snyder 2008, §2.3): error, trend, season.

use std::fmt;

/// How errors enter: `y = f + e` or `y = f (1 + e)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Error {
    /// Errors add to the forecast.
    Additive,
    /// Errors are relative to the forecast; needs positive data.
    Multiplicative,
}

/// How growth or season combine with the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// There is none.
    None,
    /// It adds.
    Additive,
    /// It multiplies; needs positive data.
    Multiplicative,
}

/// A form of exponential smoothing, such as ETS(A,Ad,M).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// How errors enter.
    pub error: Error,
    /// The trend.
    pub trend: Component,
    /// Whether the trend levels off.
    pub damped: bool,
    /// The season.
    pub season: Component,
}

impl Form {
    /// Simple exponential smoothing, ETS(A,N,N).
    pub const SIMPLE: Self =
        Self { error: Error::Additive, trend: Component::None, damped: false, season: Component::None };

    /// Parameters that are estimated for a season of `m` observations: weights, initial states and the variance.
    #[must_use]
    pub fn parameters(self, m: usize) -> usize {
        let trend = 2 * usize::from(self.trend != Component::None) + usize::from(self.damped);
        let season = if self.season == Component::None { 0 } else { m };
        3 + trend + season
    }

    /// Whether the form only has a meaning on positive data.
    #[must_use]
    pub fn needs_positive(self) -> bool {
        self.error == Error::Multiplicative
            || self.trend == Component::Multiplicative
            || self.season == Component::Multiplicative
    }

    /// Whether forecasts may be numerically unstable (Hyndman and others 2008, §2.8): an additive error with a
    /// multiplicative component, or an additive season on a multiplicative trend.
    #[must_use]
    pub fn unstable(self) -> bool {
        let multiplies = |c| c == Component::Multiplicative;
        match self.error {
            Error::Additive => multiplies(self.trend) || multiplies(self.season),
            Error::Multiplicative => multiplies(self.trend) && self.season == Component::Additive,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |c| match c {
            Component::None => "N",
            Component::Additive => "A",
            Component::Multiplicative => "M",
        };
        let error = if self.error == Error::Additive { "A" } else { "M" };
        let damped = if self.damped { "d" } else { "" };
        write!(f, "ETS({error},{}{damped},{})", letter(self.trend), letter(self.season))
    }
}

/// Which forms to choose among: three letters for error, trend and season, each `N`, `A`, `M` or `Z` for any, and
/// whether the trend is damped. Additive forms are `Z`'s only choice where data are not positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(super) error: Option<Error>,
    pub(super) trend: Option<Component>,
    pub(super) season: Option<Component>,
    /// Damped or not; none for either.
    pub damped: Option<bool>,
}

impl Pattern {
    /// Every form, ZZZ.
    pub const ANY: Self = Self { error: None, trend: None, season: None, damped: None };

    /// Reads letters such as `ZZZ`, `AAdA` or `MNM`; a `d` after the second letter asks for damping.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let component = |letter| match letter {
            'Z' => Some(None),
            'N' => Some(Some(Component::None)),
            'A' => Some(Some(Component::Additive)),
            'M' => Some(Some(Component::Multiplicative)),
            _ => None,
        };
        let letters: Vec<char> = text.chars().collect();
        let (error, trend, damped, season) = match letters[..] {
            [e, t, s] => (e, t, None, s),
            [e, t, 'd', s] if t != 'N' => (e, t, Some(true), s),
            _ => return None,
        };
        let error = match error {
            'Z' => None,
            'A' => Some(Error::Additive),
            'M' => Some(Error::Multiplicative),
            _ => return None,
        };
        Some(Self { error, trend: component(trend)?, season: component(season)?, damped })
    }

    /// The same pattern with damping asked for, refused or left open.
    #[must_use]
    pub const fn damped(self, damped: Option<bool>) -> Self {
        Self { damped, ..self }
    }

    /// The one form that the pattern leaves; none where it leaves a choice.
    #[must_use]
    pub fn single(self) -> Option<Form> {
        let (error, trend, season) = (self.error?, self.trend?, self.season?);
        let damped = match (trend, self.damped) {
            (Component::None, _) => false,
            (_, Some(damped)) => damped,
            (_, None) => return None,
        };
        Some(Form { error, trend, damped, season })
    }

    /// The forms that fit the pattern, the simplest first. A component left open by `Z` is never a multiplicative
    /// trend, and no form that is [`Form::unstable`] is proposed, unless the pattern names it in full.
    #[must_use]
    pub fn forms(self, seasonal: bool) -> Vec<Form> {
        let errors = self.error.map_or_else(|| vec![Error::Additive, Error::Multiplicative], |e| vec![e]);
        let trends = self.trend.map_or_else(|| vec![Component::None, Component::Additive], |t| vec![t]);
        let seasons = match self.season {
            _ if !seasonal => vec![Component::None],
            Some(season) => vec![season],
            None => vec![Component::None, Component::Additive, Component::Multiplicative],
        };
        let named = self.error.is_some() && self.trend.is_some() && self.season.is_some();
        let mut forms = Vec::new();
        for season in seasons {
            for &trend in &trends {
                for damped in [false, true] {
                    let allowed =
                        if trend == Component::None { !damped } else { self.damped.is_none_or(|d| d == damped) };
                    let with = |error| Form { error, trend, damped, season };
                    let proposed = errors.iter().map(|e| with(*e)).filter(|form| named || !form.unstable());
                    forms.extend(proposed.filter(|_| allowed));
                }
            }
        }
        forms
    }
}
