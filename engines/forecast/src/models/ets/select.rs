//! Choosing a form by Akaike's corrected criterion (Hyndman, Koehler, Snyder and Grose 2002).

use super::fit::{Fit, Options, Scaled};
use super::form::{Form, Pattern};
use super::parameters::Parameters;
use super::start::States;

/// A longer season has more states than a likelihood can tell apart: left out where the pattern leaves the season open.
const LONGEST_SEASON: usize = 24;

/// Starting points of the search for one form, and for each of many: those start from what related forms found too.
const ATTEMPTS: usize = 5;
const ATTEMPTS_EACH: usize = 2;

/// Fits one form to values without gaps. None where it does not suit them: values that are not positive under a
/// multiplicative component, no full season, or no observation.
#[must_use]
pub fn fit(values: &[f64], season_length: usize, form: Form, options: &Options) -> Option<Fit> {
    let data = Scaled::new(values);
    let m = season_length.max(1);
    let m = if form.season == super::Component::None { 1 } else { m };
    if !suits(&data, m, form) {
        return None;
    }
    let states = States::of(form, &data.values, m);
    // A trend's search also starts from where the form without one ends.
    let plain = Form { trend: super::Component::None, damped: false, ..form };
    let level = (form != plain && !plain.unstable())
        .then(|| Fit::best(&data, m, plain, options, &States::of(plain, &data.values, m), &[], ATTEMPTS, None))
        .flatten();
    let related: Vec<&Parameters> = level.iter().map(|f| &f.parameters).collect();
    Fit::best(&data, m, form, options, &states, &related, ATTEMPTS, None)
}

/// Fits every form of a pattern to values without gaps and takes the one with the least AICc. Simple exponential
/// smoothing where no form suits, none without observations.
#[must_use]
pub fn select(values: &[f64], season_length: usize, pattern: Pattern, options: &Options) -> Option<Fit> {
    let data = Scaled::new(values);
    let open = pattern.forms(true).iter().any(|f| f.season == super::Component::None);
    let seasonal = season_length > 1 && (season_length <= LONGEST_SEASON || !open);
    let m = if seasonal { season_length } else { 1 };
    let mut fits: Vec<Fit> = Vec::new();
    for form in pattern.forms(seasonal) {
        let m = if form.season == super::Component::None { 1 } else { m };
        let n = values.len();
        if !suits(&data, m, form) || n <= form.parameters(m) + 1 {
            continue;
        }
        let states = States::of(form, &data.values, m);
        let leader = fits.iter().reduce(|best, fit| if fit.aicc() < best.aicc() { fit } else { best });
        let related: Vec<&Parameters> = fits
            .iter()
            .filter(|f| f.form.season == form.season && f.form.trend <= form.trend)
            .map(|f| &f.parameters)
            .collect();
        let found = Fit::best(&data, m, form, options, &states, &related, ATTEMPTS_EACH, leader);
        fits.extend(found);
    }
    let best = fits.into_iter().reduce(|best, fit| if fit.aicc() < best.aicc() { fit } else { best });
    best.or_else(|| fit(values, 1, Form::SIMPLE, options))
}

fn suits(data: &Scaled, m: usize, form: Form) -> bool {
    let season = form.season == super::Component::None || (m > 1 && data.values.len() > m);
    !data.values.is_empty() && season && (!form.needs_positive() || data.positive())
}
