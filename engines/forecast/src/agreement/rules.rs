//! Which model of this crate answers to which of the reference, and how close it has to be.

use atsre_domain::Finite;
use atsre_domain::model::Setting;

use super::ReferenceFit;
use crate::catalogue;
use crate::models::arima;
use crate::models::ces;
use crate::models::ets::{Form, Options, Pattern, fit, select};
use crate::models::theta::{self, Adjusted, Variant};

/// How a model is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// The same numbers to this relative tolerance.
    Same(f64),
    /// A fixed form: forecasts within 1 % or at least as good a criterion, for most series.
    Form,
    /// An automatic choice: the same, or no larger error over the group.
    Choice,
}

/// What a fit of this crate is judged by, less is better; from a history, its season and the reference's fit. None where
/// the two cannot be compared.
type Criterion = Box<dyn Fn(&[f64], usize, &ReferenceFit) -> Option<f64>>;

/// The model that answers to one of the reference.
pub(super) struct Counterpart {
    pub(super) model: &'static str,
    pub(super) settings: Vec<(&'static str, Setting)>,
    pub(super) rule: Rule,
    pub(super) criterion: Criterion,
    /// The same figure of a reference fit to so many observations.
    pub(super) their_criterion: fn(&ReferenceFit, usize) -> Option<f64>,
}

fn word(text: &str) -> Setting {
    Setting::Text(text.to_string())
}

fn number(value: f64) -> Setting {
    Setting::Number(Finite::of(value).unwrap_or(Finite::ZERO))
}

/// The AICc of the best form of a pattern.
fn aicc(letters: &'static str, damped: Option<bool>) -> Criterion {
    Box::new(move |y, m, _| {
        let pattern = Pattern::parse(letters)?.damped(damped);
        let found = match pattern.single() {
            Some(form) => fit(y, season(form, m), form, &Options::default()),
            None => select(y, m, pattern, &Options::default()),
        };
        Some(found?.aicc())
    })
}

fn season(form: Form, m: usize) -> usize {
    if form.season == crate::models::ets::Component::None { 1 } else { m }
}

/// The relative sum of squares of Theta models.
fn squares(variants: &'static [Variant]) -> Criterion {
    Box::new(move |y, m, _| Some(Adjusted::best(y, m, variants)?.fit.relative_sum_of_squares()))
}

/// The AICc of the chosen Theta model, for data over their size.
fn theta_aicc(y: &[f64], m: usize, _: &ReferenceFit) -> Option<f64> {
    let fit = Adjusted::best(y, m, &Variant::ALL)?.fit;
    Some(theta::criterion(fit.variant, fit.relative_sum_of_squares(), y.len()))
}

fn their_theta_aicc(reference: &ReferenceFit, n: usize) -> Option<f64> {
    let variant = match reference.modeltype.as_deref()? {
        "STM" => Variant::Standard,
        "DSTM" => Variant::Dynamic,
        "OTM" => Variant::Optimized,
        _ => Variant::DynamicOptimized,
    };
    Some(theta::criterion(variant, reference.mse?, n))
}

/// The AICc of the chosen ARIMA model, where it differences as the reference does: a likelihood of other differences is
/// one of other data.
fn arima_aicc(y: &[f64], m: usize, reference: &ReferenceFit) -> Option<f64> {
    let fit = arima::auto(y, &[], m).ok()?;
    let order = fit.order();
    let (first, seasonal) = (reference.order?[1], reference.seasonal?[1]);
    (first == order.d && seasonal == order.seasonal_d).then(|| fit.criterion())
}

/// The model that answers to `name`; none where the crate has none.
pub(super) fn counterpart(name: &str) -> Option<Counterpart> {
    const EXACT: Rule = Rule::Same(1e-6);
    let none = || -> Criterion { Box::new(|_, _, _| None) };
    let plain = |model, rule| Counterpart {
        model,
        settings: Vec::new(),
        rule,
        criterion: none(),
        their_criterion: |f, _| f.aicc.or(f.mse),
    };
    let squared = |model, rule, variants| Counterpart { criterion: squares(variants), ..plain(model, rule) };
    let smoothing = |model, settings: &[(&'static str, Setting)], rule, letters, damped| Counterpart {
        settings: settings.to_vec(),
        criterion: aicc(letters, damped),
        ..plain(model, rule)
    };
    Some(match name {
        "Naive2_M4" => plain(catalogue::NAIVE2, EXACT),
        "SeasonalNaive" => plain(catalogue::SEASONAL_NAIVE, EXACT),
        "RandomWalkWithDrift" => plain(catalogue::DRIFT, EXACT),
        "SES_0.3" => Counterpart { settings: vec![("alpha", number(0.3))], ..plain(catalogue::SES, EXACT) },
        "SESOptimized" => plain(catalogue::SES, Rule::Form),
        "CrostonClassic" => plain(catalogue::CROSTON, EXACT),
        "CrostonOptimized" => plain(catalogue::CROSTON_OPTIMIZED, Rule::Form),
        "CrostonSBA" => plain(catalogue::CROSTON_SBA, EXACT),
        // Both smooth with an optimised weight.
        "ADIDA" => plain(catalogue::ADIDA, Rule::Form),
        "IMAPA" => plain(catalogue::IMAPA, Rule::Form),
        "TSB_0.2_0.2" => plain(catalogue::TSB, EXACT),
        "AutoETS" => smoothing(catalogue::AUTO_ETS, &[], Rule::Choice, "ZZZ", None),
        "ETS_AAA" => smoothing(catalogue::ETS, &[("form", word("AAA"))], Rule::Form, "AAA", Some(false)),
        "ETS_AAdN" => smoothing(catalogue::ETS, &[("form", word("AAdN"))], Rule::Form, "AAN", Some(true)),
        "HoltWinters_A" => smoothing(catalogue::HOLT_WINTERS, &[], Rule::Form, "AAA", None),
        "Holt_A" => smoothing(catalogue::HOLT, &[], Rule::Form, "AAN", None),
        "Theta" => squared(catalogue::THETA, Rule::Form, &[Variant::Standard]),
        "OptimizedTheta" => squared(catalogue::OPTIMIZED_THETA, Rule::Form, &[Variant::Optimized]),
        "DynamicTheta" => squared(catalogue::DYNAMIC_THETA, Rule::Form, &[Variant::Dynamic]),
        "DynamicOptimizedTheta" => {
            squared(catalogue::DYNAMIC_OPTIMIZED_THETA, Rule::Form, &[Variant::DynamicOptimized])
        }
        "AutoTheta" => Counterpart {
            criterion: Box::new(theta_aicc),
            their_criterion: their_theta_aicc,
            ..plain(catalogue::AUTO_THETA, Rule::Choice)
        },
        "AutoCES" => Counterpart {
            criterion: Box::new(|y, m, _| Some(ces::Fit::best(y, m, &ces::Season::ALL)?.aicc())),
            ..plain(catalogue::AUTO_CES, Rule::Choice)
        },
        "MSTL" => plain(catalogue::MSTL, Rule::Choice),
        "MFLES" => plain("mfles", Rule::Choice),
        "AutoARIMA" => Counterpart { criterion: Box::new(arima_aicc), ..plain(catalogue::AUTO_ARIMA, Rule::Choice) },
        "ARIMA_111" => {
            let order = ["p", "d", "q"].map(|name| (name, Setting::Integer(1)));
            let fitted = |y: &[f64]| arima::fit(y, &[], arima::Order::new(1, 1, 1)).ok();
            Counterpart {
                settings: order.to_vec(),
                criterion: Box::new(move |y, _, _| Some(fitted(y)?.criterion())),
                ..plain(catalogue::ARIMA, Rule::Form)
            }
        }
        _ => return None,
    })
}
