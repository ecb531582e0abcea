//! Reference forecasts: every model of every group is compared with the one of the forecasting engine that answers to it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use atsre_forecast::agreement::{Group, Line, Verdict, judge as judge_group};

/// Judges every `.json` file of a folder, in the order of their names.
///
/// # Errors
/// The folder has no such file, one cannot be read, or a model fails on a series.
pub fn judge(folder: &Path) -> Result<Vec<Line>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    ensure!(!files.is_empty(), "{} holds no .json file", folder.display());
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let group: Group = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a group of reference forecasts", file.display()))?;
        lines.extend(judge_group(&group).with_context(|| format!("a model fails on {}", group.group))?);
    }
    Ok(lines)
}

/// Whether no model differs; what is missing does not count as a difference.
#[must_use]
pub fn agrees(lines: &[Line]) -> bool {
    !lines.iter().any(|line| matches!(line.verdict, Verdict::Differs(_)))
}

/// One line for each group and model, and a total.
#[must_use]
pub fn render(lines: &[Line]) -> String {
    let mut out: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let count = |wanted: fn(&Verdict) -> bool| lines.iter().filter(|line| wanted(&line.verdict)).count();
    let agree = count(|v| matches!(v, Verdict::Agrees));
    let differ = count(|v| matches!(v, Verdict::Differs(_)));
    let missing = count(|v| matches!(v, Verdict::Missing));
    out += &format!("{agree} of {} models agree, {differ} differ, {missing} are missing\n", lines.len());
    out
}
