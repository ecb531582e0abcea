//! Which column is forecast.

use atsre_domain::panel::CovariateKind;
use atsre_domain::table::ColumnRole;

use super::cells::Values;
use super::error::{IngestError, Problem};
use super::frame::Frame;
use super::options::{IngestOptions, TargetPolicy};
use super::report::{Report, list};
use super::table_draft::Draft;

/// Names that mean a target, surest first.
const NAMES: [&str; 5] = ["target", "y", "value", "values", "sales"];

/// Gives one draft the target's role.
pub(super) fn choose(
    frame: &Frame<'_>,
    drafts: &mut [Draft],
    options: &IngestOptions,
    report: &mut Report,
) -> Result<(), IngestError> {
    if let Some(name) = &options.target {
        // That the column is there was checked with the other flags; one that holds the time is none of the drafts.
        let Some(index) = drafts.iter().position(|d| d.name == name.trim()) else {
            return Err(IngestError::at(
                frame.file,
                None,
                Some(name),
                Problem::TwoRoles { first: "--target", second: "--time" },
            ));
        };
        let part = options.target_policy == TargetPolicy::Part && drafts[index].numbers().is_some();
        if !part || drafts[index].spoilt.is_some() {
            check(frame, &drafts[index])?;
        }
        appoint(&mut drafts[index], "given by --target");
        report.infer("target column", drafts[index].name.clone(), "given by --target", true);
        return Ok(());
    }
    match infer(drafts) {
        Ok((index, reason)) => {
            appoint(&mut drafts[index], &reason);
            report.infer("target column", drafts[index].name.clone(), reason, false);
            Ok(())
        }
        Err(candidates) if options.target_policy == TargetPolicy::Optional => {
            let reason = format!("several columns could be it ({}) and none is needed", list(&candidates));
            report.infer(
                "target column",
                "none",
                if candidates.is_empty() { "no column of numbers changes".into() } else { reason },
                false,
            );
            Ok(())
        }
        Err(candidates) if candidates.is_empty() => Err(no_candidate(frame, drafts)),
        Err(candidates) => Err(IngestError::at(frame.file, None, None, Problem::TargetNeeded { candidates })),
    }
}

fn appoint(draft: &mut Draft, reason: &str) {
    draft.role = ColumnRole::Target;
    draft.kind = CovariateKind::Past;
    reason.clone_into(&mut draft.reason);
}

/// Refuses a target that cannot be forecast.
fn check(frame: &Frame<'_>, draft: &Draft) -> Result<(), IngestError> {
    let refuse = |problem| Err(IngestError::at(frame.file, None, Some(&draft.name), problem));
    if let Some((misfit, _)) = &draft.spoilt {
        let problem = Problem::NotANumber { value: misfit.value.clone() };
        return Err(frame.error(Some(misfit.at), Some(draft.index), problem));
    }
    if draft.is_blank() {
        return refuse(Problem::TargetNotNumeric { holds: "every cell is empty".into() });
    }
    match &draft.values {
        Values::Numbers(_) => match draft.only_value() {
            Some(value) => refuse(Problem::TargetConstant { value }),
            None => Ok(()),
        },
        Values::Words { levels, .. } => {
            let example = levels.first().map(|l| super::error::shorten(l)).unwrap_or_default();
            refuse(Problem::TargetNotNumeric { holds: format!("it holds words, such as `{example}`") })
        }
        Values::Moments(_) => refuse(Problem::TargetNotNumeric { holds: "it holds times".into() }),
        Values::None => refuse(Problem::TargetNotNumeric { holds: "it holds nothing".into() }),
    }
}

/// The target and why, or the candidates.
fn infer(drafts: &[Draft]) -> Result<(usize, String), Vec<String>> {
    let numeric: Vec<usize> = (0..drafts.len())
        .filter(|i| drafts[*i].role == ColumnRole::Covariate && drafts[*i].numbers().is_some())
        .collect();
    for name in NAMES {
        let mut named = numeric.iter().filter(|i| drafts[**i].name.to_lowercase() == name);
        if let Some(index) = named.next() {
            return Ok((*index, format!("its name is `{}`", drafts[*index].name)));
        }
    }
    let unknown: Vec<usize> = numeric.iter().copied().filter(|i| drafts[*i].kind == CovariateKind::Past).collect();
    if let [only] = unknown[..] {
        let reason = if numeric.len() == 1 {
            "the only column of numbers"
        } else {
            "the only column of numbers that the calendar does not give"
        };
        return Ok((only, reason.to_owned()));
    }
    let measured: Vec<usize> = unknown.iter().copied().filter(|i| !is_flag(&drafts[*i])).collect();
    if let [only] = measured[..] {
        return Ok((only, "the only column of numbers other than 0 and 1".to_owned()));
    }
    let shown = if unknown.is_empty() { numeric } else { unknown };
    Err(shown.iter().map(|i| drafts[*i].name.clone()).collect())
}

fn is_flag(draft: &Draft) -> bool {
    draft.numbers().is_some_and(|values| values.iter().all(|v| v.is_nan() || *v == 0.0 || *v == 1.0))
}

/// Why there is nothing to forecast: a spoilt column, a constant one, or no numbers at all.
fn no_candidate(frame: &Frame<'_>, drafts: &[Draft]) -> IngestError {
    if let Some(draft) = drafts.iter().find(|d| d.spoilt.is_some())
        && let Err(error) = check(frame, draft)
    {
        return error;
    }
    if let Some((draft, value)) = drafts.iter().find_map(|d| d.only_value().map(|v| (d, v))) {
        return IngestError::at(frame.file, None, Some(&draft.name), Problem::TargetConstant { value });
    }
    let held = drafts.iter().take(20).map(|d| format!("`{}`: {}", super::error::shorten(&d.name), d.reason));
    let columns = held.collect::<Vec<_>>().join("; ");
    IngestError::at(frame.file, None, None, Problem::NoNumericColumn { columns })
}
