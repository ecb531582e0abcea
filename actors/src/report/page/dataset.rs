//! The data, and what was changed in them.

use atsre_domain::cleaning::ChangeKind;
use atsre_domain::rule::{RuleAction, RuleForm, TestedRule};
use atsre_domain::table::ColumnRole;

use super::super::ReportData;
use super::super::text::{NONE, bytes, count, counted, escaped, moment, number};
use super::{Column, facts, list, table};

/// Changed cells that are listed; all of them are in the log's artifact.
const LISTED: usize = 50;
/// Columns that are listed.
const COLUMNS: usize = 40;

pub(super) fn section(data: &ReportData) -> String {
    let registered = &data.registered;
    let source = &registered.source;
    let mut html = format!(
        "<p class=\"lead\">{}, version {}. {} rows read from a file of {} in {}. The raw data stay as they were.</p>",
        escaped(&source.file_name),
        registered.version,
        count(registered.rows),
        bytes(source.length_bytes),
        escaped(&source.encoding)
    );
    let total: u64 = data.cleaned.changes.values().sum();
    html.push_str(&facts(&[
        ("Series", count(data.panel.series.len() as u64)),
        ("Observations", count(data.panel.observations() as u64)),
        ("Frequency", escaped(&data.panel.frequency.to_string())),
        ("Covariates", count(data.panel.covariates.len() as u64)),
        ("Cells changed", count(total)),
        ("Rows of the clean table", count(data.cleaned.rows)),
    ]));
    html.push_str(&cleaning(data, total));
    html.push_str(&reading(data));
    html.push_str(&rules(&data.rules));
    html
}

/// A kind of change in words.
pub(in super::super) const fn change_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::ImputedMissing => "Missing value imputed",
        ChangeKind::InsertedGap => "Absent row inserted and imputed",
        ChangeKind::MergedDuplicate => "Duplicate timestamps merged",
        ChangeKind::Reordered => "Row moved to its place in time",
        ChangeKind::ReplacedOutlier => "Outlier replaced",
        ChangeKind::BrokeRule => "Value broke an anomaly rule",
        ChangeKind::SentinelToMissing => "Sentinel read as missing",
    }
}

fn cleaning(data: &ReportData, total: u64) -> String {
    let mut html = String::from("<h3>What was cleaned</h3>");
    if total == 0 {
        html.push_str("<p>Nothing had to be changed.</p>");
    } else {
        let kinds = data.cleaned.changes.iter().filter(|(_, n)| **n > 0);
        let rows: Vec<Vec<String>> = kinds.map(|(kind, n)| vec![change_name(*kind).to_owned(), count(*n)]).collect();
        html.push_str(&format!(
            "<div class=\"narrow\">{}</div>",
            table(&[Column("Change", false), Column("Count", true)], &rows)
        ));
    }
    html.push_str(&list(data.cleaned.notes.iter().cloned()));
    if data.changes.is_empty() {
        return html;
    }
    let value = |v: Option<atsre_domain::Finite>| v.map_or("missing".to_owned(), |v| number(v.get()));
    let rows: Vec<Vec<String>> = data
        .changes
        .iter()
        .take(LISTED)
        .map(|c| {
            let item = if c.item_id.is_empty() { NONE.to_owned() } else { escaped(&c.item_id) };
            let time = moment(c.time, data.panel.frequency);
            let how = format!("{}<br><small>{}</small>", change_name(c.kind), escaped(&c.method));
            vec![item, time, escaped(&c.column), value(c.before), value(c.after), how]
        })
        .collect();
    let columns = [
        Column("Series", false),
        Column("Time", false),
        Column("Column", false),
        Column("Before", true),
        Column("After", true),
        Column("Why and how", false),
    ];
    html.push_str(&format!(
        "<details><summary>The first {} of {}</summary>{}</details>",
        rows.len(),
        counted(data.changes.len() as u64, "changed cell", "changed cells"),
        table(&columns, &rows)
    ));
    html
}

fn reading(data: &ReportData) -> String {
    let registered = &data.registered;
    let mut html = String::new();
    if !registered.warnings.is_empty() {
        html.push_str(&format!("<h3>What looked odd while reading</h3>{}", list(registered.warnings.iter().cloned())));
    }
    if !registered.inferences.is_empty() {
        let rows: Vec<Vec<String>> = registered
            .inferences
            .iter()
            .map(|i| {
                let told = if i.overridden { " <span class=\"tag\">told</span>" } else { "" };
                vec![escaped(&i.subject), format!("<b>{}</b>{told}", escaped(&i.choice)), escaped(&i.reason)]
            })
            .collect();
        let columns = [Column("What", false), Column("Chosen", false), Column("Why", false)];
        html.push_str(&format!(
            "<details><summary>{} about the file</summary>{}</details>",
            counted(rows.len() as u64, "inference", "inferences"),
            table(&columns, &rows)
        ));
    }
    let role = |role: ColumnRole| match role {
        ColumnRole::Time => "time",
        ColumnRole::Item => "item",
        ColumnRole::Target => "target",
        ColumnRole::Covariate => "covariate",
        ColumnRole::Ignored => "ignored",
    };
    let rows: Vec<Vec<String>> = registered
        .columns
        .iter()
        .take(COLUMNS)
        .map(|c| {
            let known = if registered.known.contains(&c.name) { ", future known" } else { "" };
            vec![escaped(&c.name), format!("{}{known}", role(c.role)), escaped(&c.kind), count(c.missing)]
        })
        .collect();
    let columns = [Column("Column", false), Column("Role", false), Column("Kind", false), Column("Missing", true)];
    let all = registered.columns.len() as u64;
    let first = if registered.columns.len() > COLUMNS { format!("The first {COLUMNS} of ") } else { String::new() };
    html.push_str(&format!(
        "<details><summary>{first}{}</summary>{}</details>",
        counted(all, "column", "columns"),
        table(&columns, &rows)
    ));
    html
}

fn rules(rules: &[TestedRule]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|r| {
            let action = match r.rule.action {
                RuleAction::Flag => "flag",
                RuleAction::Impute => "impute",
                RuleAction::Clip => "clip",
            };
            let used = if r.accepted {
                format!("<span class=\"tag good\">{action}</span>")
            } else {
                "<span class=\"tag\">unused</span>".to_owned()
            };
            vec![
                escaped(&r.rule.column),
                format!("{}<br><small>{}</small>", escaped(&form(&r.rule.form)), escaped(&r.rule.reason)),
                format!("{} <small>of {}</small>", count(r.violations), count(r.tested)),
                format!("{used} <small>{}</small>", escaped(&r.verdict)),
            ]
        })
        .collect();
    let columns = [Column("Column", false), Column("Rule", false), Column("Violations", true), Column("Use", false)];
    let used = rules.iter().filter(|r| r.accepted).count() as u64;
    format!(
        "<h3>Anomaly rules</h3><p>{} derived and tested on the data before use; {} in use.</p><details><summary>Show the rules</summary>{}</details>",
        counted(rules.len() as u64, "rule", "rules"),
        count(used),
        table(&columns, &rows)
    )
}

/// What a rule demands, in words.
fn form(form: &RuleForm) -> String {
    match form {
        RuleForm::Bounds { minimum: Some(low), maximum: Some(high) } => {
            format!("between {} and {}", number(low.get()), number(high.get()))
        }
        RuleForm::Bounds { minimum: Some(low), maximum: None } => format!("at least {}", number(low.get())),
        RuleForm::Bounds { minimum: None, maximum: Some(high) } => format!("at most {}", number(high.get())),
        RuleForm::Bounds { minimum: None, maximum: None } => "no bounds".to_owned(),
        RuleForm::RateOfChange { maximum_per_step } => {
            format!("changes by at most {} a step", number(maximum_per_step.get()))
        }
        RuleForm::FlatLine { longest_run } => format!("one value stands for at most {longest_run} observations"),
        RuleForm::CalendarContext { period, .. } => format!("inside the bounds of its phase of {period} observations"),
        RuleForm::CrossSeries { other, slope, intercept, band } => {
            format!("{} × {other} + {} within ± {}", number(slope.get()), number(intercept.get()), number(band.get()))
        }
    }
}
