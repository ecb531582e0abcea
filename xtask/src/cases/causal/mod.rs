//! Reference cases of causal discovery: each algorithm is run on a case's data with its settings, and what the case judges is
//! computed here in the shape of the case's `expected` and compared.
//!
//! One file an algorithm: it names the entries of `expected` that are judged and computes them.

mod answer;
mod case;
mod fci;
mod ges;
mod granger;
mod lingam;
mod pc;
mod pcmci;
mod test;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

pub(crate) use answer::Answer;
pub(crate) use case::Case;

use super::{Difference, Verdict, compare};

/// A case's verdict and what the algorithm cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Whether it agrees.
    pub verdict: Verdict,
    /// Processor time of the algorithm here, where it ran.
    pub cpu: Option<Duration>,
    /// Processor time of the reference, where the case tells it.
    pub reference: Option<Duration>,
}

/// Judges every case of a folder with `cases/*.json` and the data files that they name.
///
/// # Errors
/// The folder has no cases. A case that cannot be read, or whose data cannot, is one that differs.
pub fn judge(folder: &Path) -> Result<Vec<Judged>> {
    let cases = folder.join("cases");
    let entries = std::fs::read_dir(&cases).with_context(|| format!("cannot read {}", cases.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    ensure!(!files.is_empty(), "{} holds no .json file", cases.display());
    Ok(files.iter().map(|file| judge_case(folder, file).unwrap_or_else(|error| unreadable(file, &error))).collect())
}

/// One line a case, with the time it took, and a total.
#[must_use]
pub fn render(judged: &[Judged]) -> String {
    let verdicts: Vec<Verdict> = judged.iter().map(|j| j.verdict.clone()).collect();
    let mut out = String::new();
    for (line, case) in super::render(&verdicts).lines().zip(judged.iter().map(Some).chain([None])) {
        out += line;
        if let Some(cpu) = case.and_then(|j| j.cpu) {
            out += &format!("; {:.3} ms", cpu.as_secs_f64() * 1e3);
            if let Some(reference) = case.and_then(|j| j.reference) {
                out += &format!(", {:.0} times the reference's speed", reference.as_secs_f64() / cpu.as_secs_f64());
            }
        }
        out.push('\n');
    }
    out
}

fn judge_case(folder: &Path, file: &Path) -> Result<Judged> {
    let case = Case::read(folder, file)?;
    let answer = match case.algorithm.as_str() {
        "pc" => pc::answer(&case)?,
        "fci" => fci::answer(&case)?,
        "ges" => ges::answer(&case)?,
        "direct_lingam" | "ica_lingam" | "var_lingam" => lingam::answer(&case)?,
        "pcmci" | "pcmciplus" => pcmci::answer(&case)?,
        "granger" => granger::answer(&case)?,
        _ => None,
    };
    let Some(answer) = answer else {
        return Ok(Judged { verdict: not_available(file, &case.algorithm), cpu: None, reference: None });
    };
    let expected: Map<String, Value> = case
        .expected
        .iter()
        .filter(|(key, _)| answer.judged.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    ensure!(!expected.is_empty(), "nothing in `expected` can be judged");
    let mut differences = Vec::new();
    let compared = compare("", &Value::Object(expected), &answer.found, &answer.tolerance, &mut differences);
    let verdict = Verdict { case: case_name(file), compared, differences };
    Ok(Judged { verdict, cpu: Some(answer.cpu), reference: case.reference_cpu })
}

fn case_name(file: &Path) -> String {
    file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn not_available(file: &Path, algorithm: &str) -> Verdict {
    let found = format!("{algorithm} is not available");
    let difference = Difference { path: "algorithm".to_owned(), expected: json!(algorithm).to_string(), found };
    Verdict { case: case_name(file), compared: 1, differences: vec![difference] }
}

fn unreadable(file: &Path, error: &anyhow::Error) -> Judged {
    let (path, expected) = ("the case".to_owned(), "a case that can be read and run".to_owned());
    let differences = vec![Difference { path, expected, found: format!("{error:#}") }];
    Judged { verdict: Verdict { case: case_name(file), compared: 0, differences }, cpu: None, reference: None }
}
