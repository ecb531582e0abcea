//! A causal graph in words.

use atsre_domain::Finite;
use atsre_domain::graph::{CausalGraph, Driver, Mark};

use crate::discover::{Algorithm, TestChoice};

/// Causes whose effects are told in words.
const EFFECTS_TOLD: usize = 5;

/// Says what drives the target, what it drives, what could not be decided, and what the method cannot see.
pub(crate) fn of(
    graph: &CausalGraph,
    drivers: &[Driver],
    target: Option<&str>,
    max_lag: usize,
    algorithm: Algorithm,
    test: TestChoice,
) -> String {
    let hidden = algorithm.allows_hidden_causes();
    let mut sentences = Vec::new();
    if let Some(target) = target {
        sentences.push(drivers_in_words(drivers, target));
        sentences.extend(effects_in_words(drivers, target));
        let effects = effects(graph, target);
        if !effects.is_empty() {
            sentences.push(format!("{target} itself drives {}.", list(&effects)));
        }
        let own: Vec<String> = own_lags(graph, target).iter().map(ToString::to_string).collect();
        if !own.is_empty() {
            let steps = if own == ["1"] { "step" } else { "steps" };
            sentences.push(format!("It depends on its own value {} {steps} back.", list(&own)));
        }
    }
    let (mut directed, mut open, mut contradictory) = (0, 0, 0);
    for edge in &graph.edges {
        match (edge.source_mark, edge.target_mark) {
            (Mark::Tail, Mark::Arrow) | (Mark::Arrow, Mark::Tail) => directed += 1,
            (Mark::Arrow, Mark::Arrow) => contradictory += 1,
            (Mark::Tail | Mark::Circle, Mark::Tail | Mark::Circle)
            | (Mark::Arrow, Mark::Circle)
            | (Mark::Circle, Mark::Arrow) => open += 1,
        }
    }
    let over = if max_lag > 0 { format!(" at lags 0 to {max_lag}") } else { String::new() };
    let columns = graph.variables.iter().filter(|v| v.lag == 0).count();
    sentences.push(format!(
        "Of the {columns} columns{over}, {} found: {directed} directed, {open} whose direction the data leave open{}.",
        if graph.edges.len() == 1 { "1 edge was".to_owned() } else { format!("{} edges were", graph.edges.len()) },
        if contradictory > 0 {
            if hidden {
                format!(", {contradictory} that a hidden common cause explains")
            } else {
                format!(", {contradictory} on whose direction the tests contradict each other")
            }
        } else {
            String::new()
        }
    ));
    sentences.push(assumptions(algorithm, test));
    sentences.join(" ")
}

/// What has to hold for the graph to be right.
fn assumptions(algorithm: Algorithm, test: TestChoice) -> String {
    let form = match algorithm {
        Algorithm::Ges => Some("linear relations with Gaussian disturbances"),
        Algorithm::DirectLingam | Algorithm::IcaLingam | Algorithm::VarLingam => {
            Some("linear relations with disturbances that are not Gaussian")
        }
        Algorithm::Granger => Some("linear relations"),
        Algorithm::Pc | Algorithm::Fci | Algorithm::Pcmci | Algorithm::PcmciPlus | Algorithm::Lpcmci => match test {
            TestChoice::FisherZ | TestChoice::MissingFisherZ => Some("linear relations"),
            TestChoice::Robust => Some("relations that are linear between the normal scores of the ranks"),
            TestChoice::ChiSquare | TestChoice::GSquare | TestChoice::Kernel => None,
        },
    };
    let hidden = match (algorithm.allows_hidden_causes(), form) {
        (true, _) => "and allows for common causes that were left unmeasured",
        (false, None) => "but that no common cause was left unmeasured",
        (false, Some(_)) => "and that no common cause was left unmeasured",
    };
    let form = form.unwrap_or("nothing about the form of the relations");
    format!("This assumes {form} {hidden}; an edge is a hypothesis to test, not a proof.")
}

fn drivers_in_words(drivers: &[Driver], target: &str) -> String {
    let (directed, open): (Vec<&Driver>, Vec<&Driver>) = drivers.iter().partition(|d| d.directed);
    let mut text = if directed.is_empty() {
        format!("No column was found to drive {target}.")
    } else {
        format!("{target} is driven by {}.", list(&by_column(&directed)))
    };
    if !open.is_empty() {
        text.push_str(&format!(" Adjacent to it, with the direction undecided: {}.", list(&by_column(&open))));
    }
    text
}

/// The estimated effects of the first few causes.
fn effects_in_words(drivers: &[Driver], target: &str) -> Option<String> {
    let phrase = |driver: &Driver| {
        let effect = driver.effect.as_ref()?;
        let unit = if effect.in_deviations { "standard deviation" } else { "unit" };
        let when = match driver.lag {
            0 => String::new(),
            1 => " a step before".to_owned(),
            lag => format!(" {lag} steps before"),
        };
        Some(format!(
            "one {unit} more of {}{when} changes it by {} (95 % interval {} to {})",
            driver.variable,
            digits(effect.value),
            digits(effect.low),
            digits(effect.high)
        ))
    };
    let told: Vec<String> = drivers.iter().filter(|d| d.directed).filter_map(phrase).take(EFFECTS_TOLD).collect();
    (!told.is_empty())
        .then(|| format!("If the graph is right and effects are linear, of {target}: {}.", told.join("; ")))
}

/// Three digits that count.
fn digits(value: Finite) -> String {
    let value = value.get();
    let size = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    if (-4.0..7.0).contains(&size) {
        format!("{value:.*}", (2.0 - size).max(0.0) as usize)
    } else {
        format!("{value:.2e}")
    }
}

/// One phrase for each column, in the order of first appearance, with its lags.
fn by_column(drivers: &[&Driver]) -> Vec<String> {
    let mut columns: Vec<&str> = Vec::new();
    for driver in drivers {
        if !columns.contains(&driver.variable.as_str()) {
            columns.push(&driver.variable);
        }
    }
    columns.iter().map(|column| phrase(column, drivers)).collect()
}

fn phrase(column: &str, drivers: &[&Driver]) -> String {
    let own: Vec<&&Driver> = drivers.iter().filter(|d| d.variable == column).collect();
    let mut lags: Vec<u32> = own.iter().map(|d| d.lag).collect();
    lags.sort_unstable();
    let best = own
        .iter()
        .filter_map(|d| d.confidence.map(Finite::get))
        .fold(None, |m: Option<f64>, c| Some(m.map_or(c, |m| m.max(c))));
    let mut notes = Vec::new();
    if lags.iter().any(|l| *l > 0) {
        let words: Vec<String> =
            lags.iter().map(|l| if *l == 0 { "at once".to_owned() } else { format!("after {l}") }).collect();
        let steps = if lags.last() == Some(&1) { " step" } else { " steps" };
        notes.push(format!("{}{steps}", list(&words)));
    }
    if let Some(best) = best {
        notes.push(format!("confidence {:.0} %", 100.0 * best));
    }
    if notes.is_empty() { column.to_owned() } else { format!("{column} ({})", notes.join("; ")) }
}

fn effects(graph: &CausalGraph, target: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for edge in &graph.edges {
        let (source, other) = (&graph.variables[edge.source as usize], &graph.variables[edge.target as usize]);
        let (cause, effect) = match (edge.source_mark, edge.target_mark) {
            (Mark::Tail, Mark::Arrow) => (source, other),
            (Mark::Arrow, Mark::Tail) => (other, source),
            (Mark::Tail | Mark::Circle, Mark::Tail | Mark::Circle)
            | (Mark::Arrow, Mark::Arrow | Mark::Circle)
            | (Mark::Circle, Mark::Arrow) => continue,
        };
        if cause.name == target && effect.name != target && !names.contains(&effect.name) {
            names.push(effect.name.clone());
        }
    }
    names
}

fn own_lags(graph: &CausalGraph, target: &str) -> Vec<u32> {
    let of = |v: u32| &graph.variables[v as usize];
    let mut lags: Vec<u32> = graph
        .edges
        .iter()
        .filter(|e| of(e.source).name == target && of(e.target).name == target)
        .map(|e| of(e.source).lag.max(of(e.target).lag))
        .collect();
    lags.sort_unstable();
    lags
}

/// `a`, `a and b`, `a, b and c`.
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(variable: &str, lag: u32, confidence: f64, directed: bool) -> Driver {
        Driver {
            variable: variable.into(),
            lag,
            p_value: None,
            confidence: Finite::of(confidence),
            directed,
            effect: None,
        }
    }

    #[test]
    fn drivers_are_told_by_column() {
        let drivers = [
            driver("temp", 0, 0.9, true),
            driver("hum", 1, 0.5, true),
            driver("temp", 2, 1.0, true),
            driver("wind", 0, 0.4, false),
        ];
        let text = of(&CausalGraph::default(), &drivers, Some("users"), 3, Algorithm::Pc, TestChoice::FisherZ);
        assert!(text.starts_with("users is driven by temp (at once and after 2 steps; confidence 100 %) and hum (after 1 step; confidence 50 %)."), "{text}");
        assert!(text.contains("direction undecided: wind (confidence 40 %)"), "{text}");
    }

    #[test]
    fn a_target_without_drivers_is_said_to_have_none() {
        assert!(
            of(&CausalGraph::default(), &[], Some("y"), 0, Algorithm::Pc, TestChoice::FisherZ)
                .starts_with("No column was found to drive y.")
        );
    }

    #[test]
    fn what_is_assumed_is_that_of_the_algorithm_and_its_test() {
        let of = |algorithm, test| super::of(&CausalGraph::default(), &[], None, 0, algorithm, test);
        assert!(of(Algorithm::Pc, TestChoice::FisherZ).contains("assumes linear relations and that no common cause"));
        assert!(of(Algorithm::Pc, TestChoice::GSquare).contains("assumes nothing about the form of the relations but"));
        assert!(of(Algorithm::Fci, TestChoice::Kernel).contains("allows for common causes that were left unmeasured"));
        assert!(of(Algorithm::DirectLingam, TestChoice::FisherZ).contains("not Gaussian and that no common cause"));
    }
}
