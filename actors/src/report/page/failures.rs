//! What went wrong, how it was diagnosed, what was changed, and what came of it.

use atsre_domain::experiment::{Attempted, TrialState};
use atsre_domain::failure::Failure;

use super::super::leaderboard::Leaderboard;
use super::super::text::{bytes, duration, energy, escaped, failure_title, shortened};
use super::super::{ReportData, TrialEntry};
use super::{Column, table};

/// Failed attempts that are shown in full.
const SHOWN: usize = 30;

pub(super) fn section(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let attempts: Vec<(&TrialEntry, usize)> =
        data.trials.iter().flat_map(|t| (0..t.trial.failures.len()).map(move |k| (t, k))).collect();
    let mut html = String::new();
    if attempts.is_empty() {
        html.push_str("<p>No attempt failed.</p>");
    } else {
        html.push_str(
            "<p class=\"lead\">Every attempt that failed, what the evidence said, and what was done about it. A failed attempt is never hidden.</p>",
        );
    }
    for (entry, index) in attempts.iter().take(SHOWN) {
        html.push_str(&attempt(entry, *index, &board.label(entry.number)));
    }
    if attempts.len() > SHOWN {
        html.push_str(&format!("<p class=\"note\">{} more are in the log.</p>", attempts.len() - SHOWN));
    }
    html.push_str(&fallbacks(data));
    html
}

/// What became of a trial after one of its attempts had failed.
pub(in super::super) fn outcome(entry: &TrialEntry, index: usize) -> (String, &'static str) {
    if index + 1 < entry.trial.failures.len() {
        return (format!("attempt {} failed as well", entry.trial.failures[index + 1].attempt), "warn");
    }
    match &entry.trial.state {
        TrialState::Completed { usage, .. } => (
            format!(
                "healed: attempt {} succeeded with a peak of {} in {}",
                entry.trial.attempt,
                bytes(usage.peak_rss_bytes),
                duration(usage.wall_ms)
            ),
            "good",
        ),
        TrialState::Abandoned { reason } => (format!("given up: {reason}"), "bad"),
        TrialState::Queued | TrialState::Leased | TrialState::Running | TrialState::Failed => {
            ("not decided when the report was written".to_owned(), "warn")
        }
    }
}

fn attempt(entry: &TrialEntry, index: usize, label: &str) -> String {
    let failed = &entry.trial.failures[index];
    let (words, tone) = outcome(entry, index);
    let tag = match tone {
        "good" => "healed",
        "bad" => "given up",
        _ => "retried",
    };
    let mut rows = vec![("What happened", format!("{}{}", escaped(&failed.failure.message), ended(&failed.failure)))];
    rows.push(("It had used", used(failed)));
    if let Some((diagnosis, changes)) = &failed.healed {
        rows.push(("Diagnosis", escaped(diagnosis)));
        let changes = if changes.is_empty() { "tried again unchanged".to_owned() } else { changes.join("; ") };
        rows.push(("Change", escaped(&changes)));
    }
    rows.push(("Outcome", escaped(&words)));
    let rows: String = rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>")).collect();
    let trace = failed.failure.trace.trim();
    let trace = if trace.is_empty() {
        String::new()
    } else {
        format!("<details><summary>Trace</summary><pre>{}</pre></details>", escaped(&shortened(trace, 2_000)))
    };
    format!(
        "<div class=\"failure\"><h4>{} <small class=\"small\">· {}, trial {}, attempt {}</small> <span class=\"tag {tone}\">{tag}</span></h4><dl>{rows}</dl>{trace}</div>",
        failure_title(failed.failure.kind),
        escaped(label),
        entry.trial_id,
        failed.attempt
    )
}

fn ended(failure: &Failure) -> String {
    match (failure.exit_code, failure.signal) {
        (_, Some(signal)) => format!(" (signal {signal})"),
        (Some(code), None) => format!(" (exit code {code})"),
        (None, None) => String::new(),
    }
}

fn used(failed: &Attempted) -> String {
    let usage = failed.usage;
    let gpu =
        usage.peak_gpu_mem_bytes.filter(|b| *b > 0).map_or(String::new(), |b| format!(", {} of GPU memory", bytes(b)));
    format!(
        "a peak of {}{gpu} in {}, {}",
        bytes(usage.peak_rss_bytes),
        duration(usage.wall_ms),
        energy(usage.energy_mj)
    )
}

fn fallbacks(data: &ReportData) -> String {
    if data.fallbacks.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = data
        .fallbacks
        .iter()
        .map(|f| vec![f.stage.name().to_owned(), escaped(&f.from), escaped(&f.to), escaped(&f.reason)])
        .collect();
    let columns =
        [Column("Stage", false), Column("Wanted", false), Column("Taken instead", false), Column("Why", false)];
    format!("<h3>Fallbacks taken</h3>{}", table(&columns, &rows))
}
