//! Derivatives against differences, variances against simulation, forms against data that they made.

use super::filter::{State, evaluate};
use super::form::{Component, Error, Form};
use super::parameters::{Bounds, Layout, Parameters};
use super::sensitivity::NormalEquations;
use super::{Options, Pattern, fit, select, variance};

const M: usize = 4;

fn noise(t: usize) -> f64 {
    let mut z = (t as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^= z >> 27;
    (z >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn series(n: usize) -> Vec<f64> {
    (0..n).map(|t| (1.0 + 0.01 * t as f64) * [1.2, 0.9, 1.1, 0.8][t % M] + 0.2 * noise(t)).collect()
}

fn every_form() -> Vec<Form> {
    use Component::{Additive, Multiplicative, None};
    let mut forms = Vec::new();
    for error in [Error::Additive, Error::Multiplicative] {
        for season in [None, Additive, Multiplicative] {
            for (trend, damped) in
                [(None, false), (Additive, false), (Additive, true), (Multiplicative, false), (Multiplicative, true)]
            {
                forms.push(Form { error, trend, damped, season });
            }
        }
    }
    forms
}

fn parameters(form: Form) -> Parameters {
    let multiplies = form.season == Component::Multiplicative;
    let seasonal = match form.season {
        Component::None => Vec::new(),
        _ => [0.2, -0.1, 0.1, -0.2].map(|s| if multiplies { 1.0 + s } else { s }).to_vec(),
    };
    let growth = if form.trend == Component::Multiplicative { 1.02 } else { 0.02 };
    Parameters { alpha: 0.3, beta: 0.1, gamma: 0.2, phi: 0.9, level: 1.0, growth, seasonal }
}

#[test]
fn carried_derivatives_are_those_of_the_criterion() {
    let y = series(37);
    for form in every_form() {
        for bounds in [Bounds::Cautious, Bounds::Usual, Bounds::Admissible] {
            // Given a form at some parameters
            let m = if form.season == Component::None { 1 } else { M };
            let layout = Layout::new(form, m, bounds);
            let mut p = parameters(form);
            let vector = layout.pack(&p);
            let mut criterion = |vector: &[f64]| {
                layout.unpack(vector, &mut p);
                let mut state = State::start(&p);
                (evaluate(form, &y, &p, &mut state), p.clone())
            };
            // When the normal equations are assembled
            let (sums, at) = criterion(&vector);
            let squares = sums.map_or(f64::NAN, |s| s.squares);
            let mut equations = NormalEquations::new(&layout);
            let mut state = State::start(&at);
            assert!(equations.assemble(&layout, &y, &vector, &at, &mut state).is_some(), "{form}");
            for i in 0..layout.count {
                // Then their right side is the slope of the criterion, as differences show it
                let mut moved = |step: f64| {
                    let mut x = vector.clone();
                    x[i] += step;
                    criterion(&x).0.map_or(f64::NAN, |s| s.criterion(y.len()))
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                let carried = 2.0 * equations.gradient[i] / squares;
                let tolerance = 1e-5 * (1.0 + slope.abs());
                assert!((slope - carried).abs() < tolerance, "{form} {bounds:?} entry {i}: {carried} is not {slope}");
            }
        }
    }
}

#[test]
fn variances_by_formula_are_those_of_simulated_paths() {
    let y = series(60);
    for form in every_form().into_iter().filter(|f| f.trend != Component::Multiplicative) {
        // Given a fitted form that has a formula
        if form.error == Error::Additive && form.season == Component::Multiplicative {
            continue;
        }
        let Some(fit) = fit(&y, M, form, &Options::default()) else { panic!("{form} is not fitted") };
        // When its deviations are worked out, and simulated
        let (exact, simulated) = (variance::deviation(&fit, 12), variance::simulated(&fit, 12));
        // Then they agree but for the draws
        for (h, (a, b)) in exact.iter().zip(&simulated).enumerate() {
            assert!((a - b).abs() < 0.12 * a, "{form} step {h}: {a} against {b}");
        }
    }
}

#[test]
fn the_form_that_made_the_data_fits_better_than_simpler_ones() {
    // Given data with a trend, a multiplicative season and relative errors
    let made = |t: usize| (1.0 + 0.01 * t as f64) * [1.2, 0.9, 1.1, 0.8][t % M];
    let y: Vec<f64> = (0..80).map(|t| made(t) * (1.0 + 0.1 * noise(t))).collect();
    // When a form is chosen
    let chosen = select(&y, M, Pattern::ANY, &Options::default());
    // Then it has both, and forecasts go on with them
    let Some(chosen) = chosen else { panic!("no form is chosen") };
    assert_eq!((chosen.form.trend, chosen.form.season), (Component::Additive, Component::Multiplicative));
    for (h, forecast) in chosen.mean(8).iter().enumerate() {
        let expect = made(80 + h);
        assert!((forecast - expect).abs() < 0.12, "step {h}: {forecast} is not {expect}");
    }
    // And the fitted values leave errors of the noise's size
    let errors = chosen.fitted(&y);
    let square: f64 = errors.iter().zip(&y).map(|(f, v)| (f - v).powi(2)).sum::<f64>() / 80.0;
    assert!(square.sqrt() < 0.08, "{}", square.sqrt());
}

#[test]
fn wider_bounds_fit_no_worse() {
    let y: Vec<f64> = (0..50).map(|t| 5.0 + (t as f64 / 3.0).sin() * (1.0 + 0.1 * t as f64) + noise(t)).collect();
    let form = Form { error: Error::Additive, trend: Component::Additive, damped: false, season: Component::None };
    let likelihood = |bounds| fit(&y, 1, form, &Options { bounds }).map_or(f64::NAN, |f| f.log_likelihood());
    let (cautious, usual, admissible) =
        (likelihood(Bounds::Cautious), likelihood(Bounds::Usual), likelihood(Bounds::Admissible));
    assert!(usual >= cautious - 1e-6 && admissible >= usual - 1e-6, "{cautious} {usual} {admissible}");
}

#[test]
fn letters_name_forms() {
    let names =
        |text: &str| Pattern::parse(text).map(|p| p.forms(true).iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(names("AAdM"), Some(vec!["ETS(A,Ad,M)".to_string()]));
    assert_eq!(names("ANN"), Some(vec!["ETS(A,N,N)".to_string()]));
    assert_eq!(names("ZZZ").map(|n| n.len()), Some(15));
    assert_eq!(names("ZZN").map(|n| n.len()), Some(6));
    assert_eq!(names("ANdN"), None);
    assert_eq!(names("XYZ"), None);
}
