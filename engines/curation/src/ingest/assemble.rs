//! From columns that have been read to a table with roles, frequency and everything that was noticed.

use std::collections::BTreeMap;

use atsre_domain::Timestamp;
use atsre_domain::panel::CovariateKind;
use atsre_domain::table::{Cells, Column, ColumnRole, Table};

use super::axis::Axis;
use super::cells::{Plan, Scanned, Values};
use super::covariate;
use super::error::{IngestError, Problem};
use super::frame::Frame;
use super::frequency;
use super::ingested::{FileFormat, Ingested, Sentinel, TimeAxis};
use super::name::dataset_name_from;
use super::options::{IngestOptions, TargetPolicy};
use super::pipeline::{Asked, Spoilt};
use super::report::{Report, list};
use super::scan::{Scan, scan};
use super::sentinel;
use super::shape::{self, Shape};
use super::table_draft::Draft;
use super::target;
use super::time_source::TimeSource;

/// Everything that was read.
pub(super) struct Parts<'p, 'a> {
    pub(super) frame: &'p Frame<'a>,
    pub(super) options: &'p IngestOptions,
    pub(super) time: TimeSource,
    pub(super) asked: &'p Asked,
    pub(super) rows: Scan,
    pub(super) spoilt: Spoilt,
    pub(super) format: FileFormat,
    pub(super) report: Report,
}

/// The series of a long file.
struct Items {
    /// The columns that name them.
    columns: Vec<usize>,
    name: String,
    levels: Vec<String>,
    codes: Vec<u32>,
}

pub(super) fn assemble(parts: Parts<'_, '_>) -> Result<Ingested, IngestError> {
    let Parts { frame, options, time, asked, rows, spoilt, format, mut report } = parts;
    let overlong = rows.overlong_rows;
    let (drafts, times) = drafts(frame, rows, spoilt, &mut report);
    note_rows(overlong, &format, &mut report);
    let items = find_items(frame, options, &time, asked, &drafts, &times, &mut report)?;
    let mut drafts: Vec<Draft> = match &items {
        Some(items) if items.columns.len() == 1 => drafts.into_iter().filter(|d| d.index != items.columns[0]).collect(),
        _ => drafts,
    };
    let codes = items.as_ref().map(|i| i.codes.as_slice());
    let times = if time == TimeSource::Rows { shape::row_steps(times.len(), codes) } else { times };
    let moments = (!time.is_step()).then_some(times.as_slice());
    for draft in &mut drafts {
        draft.judge(codes);
        covariate::judge(draft, &options.known, moments, codes);
    }
    target::choose(frame, &mut drafts, options, &mut report)?;
    describe_roles(&drafts, &mut report);
    let sentinels = find_sentinels(&drafts, &mut report);
    let axis = Axis::new(&times, codes);
    let (frequency, axis) = find_frequency(frame, options, &time, &axis, &mut report)?;
    describe_axis(&time, &axis, &mut report);
    let covariates = drafts
        .iter()
        .filter(|d| d.role == ColumnRole::Covariate)
        .map(|d| (d.name.clone(), d.kind))
        .collect::<BTreeMap<_, _>>();
    Ok(Ingested {
        name: dataset_name_from(&options.file_name),
        table: table(frame, &time, times, items, drafts),
        frequency,
        axis,
        covariates,
        sentinels,
        inferences: report.inferences,
        warnings: report.warnings,
        format,
    })
}

/// One draft for each column that holds something beside the time.
fn drafts(frame: &Frame<'_>, rows: Scan, spoilt: Spoilt, report: &mut Report) -> (Vec<Draft>, Vec<i64>) {
    let mut drafts = Vec::new();
    let mut nameless = Vec::new();
    for ((index, Scanned { values, tally }), spoilt) in rows.columns.into_iter().enumerate().zip(spoilt) {
        if matches!(values, Values::None) {
            continue;
        }
        let name = unique_label(frame, index);
        if frame.names[index].is_empty() {
            nameless.push(name.clone());
        }
        if let Some((misfit, count)) = &spoilt {
            report.warn(format!(
                "column `{name}` is not used: {count} of its cells are not numbers, the first is `{}` in row {}",
                misfit.value,
                super::record::line_of(frame.text, misfit.at),
            ));
        }
        drafts.push(Draft {
            index,
            name,
            values,
            tally,
            spoilt,
            role: ColumnRole::Covariate,
            kind: CovariateKind::Past,
            reason: String::new(),
        });
    }
    if !nameless.is_empty() {
        report.infer("names of columns", list(&nameless), "the header does not name them", false);
    }
    let mut words: BTreeMap<&str, u64> = BTreeMap::new();
    for (word, count) in drafts.iter().flat_map(|d| &d.tally.words) {
        *words.entry(word).or_insert(0) += count;
    }
    if !words.is_empty() {
        let found: Vec<String> = words.iter().take(10).map(|(word, count)| format!("`{word}` ({count})")).collect();
        report.infer("words for missing values", found.join(", "), "usual words for nothing", false);
    }
    (drafts, rows.times)
}

/// The label of a column, made different from all names in the header.
fn unique_label(frame: &Frame<'_>, index: usize) -> String {
    let mut label = frame.label(index);
    while frame.names[index].is_empty() && frame.find(&label).is_some() {
        label.push('_');
    }
    label
}

fn note_rows(overlong: u64, format: &FileFormat, report: &mut Report) {
    if overlong > 0 {
        report.infer(
            "delimiters at line ends",
            "left out",
            format!("{overlong} rows have some behind their last field"),
            false,
        );
    }
    if format.blank_rows > 0 {
        report.infer("empty rows", "left out", format!("{} rows hold nothing", format.blank_rows), false);
    }
}

fn find_items(
    frame: &Frame<'_>,
    options: &IngestOptions,
    time: &TimeSource,
    asked: &Asked,
    drafts: &[Draft],
    times: &[i64],
    report: &mut Report,
) -> Result<Option<Items>, IngestError> {
    let (columns, reason, told) = if asked.item.is_empty() {
        // What a flag has given another role is no candidate.
        let taken = |d: &Draft| asked.known.contains(&d.index) || asked.target == Some(d.index);
        let seen = (*time != TimeSource::Rows).then_some(times);
        let shape =
            shape::infer(drafts, seen, &taken).map_err(|problem| IngestError::at(frame.file, None, None, problem))?;
        match shape {
            Shape::Wide => {
                let reason = if seen.is_some() { "hardly any time repeats" } else { "no column names series" };
                report.infer("shape", "wide: one series", reason, false);
                return Ok(None);
            }
            Shape::Long { columns, reason } => {
                (columns.into_iter().map(|i| drafts[i].index).collect::<Vec<_>>(), reason, false)
            }
        }
    } else {
        (asked.item.clone(), "given by --item".to_owned(), options.item.is_some())
    };
    let items = read_items(frame, time, columns, drafts)?;
    report.infer("item column", items.name.clone(), reason, told);
    report.infer("shape", "long: many series", format!("`{}` names {} series", items.name, items.levels.len()), false);
    Ok(Some(items))
}

/// The series' names as they stand in the file, also where they look like numbers.
fn read_items(
    frame: &Frame<'_>,
    time: &TimeSource,
    columns: Vec<usize>,
    drafts: &[Draft],
) -> Result<Items, IngestError> {
    let is_words = |index: &usize| drafts.iter().any(|d| d.index == *index && matches!(d.values, Values::Words { .. }));
    let mut plans = vec![Plan::Skip; frame.names.len()];
    for index in columns.iter().filter(|i| !is_words(i)) {
        plans[*index] = Plan::Words { item: true };
    }
    let reread = if columns.iter().all(is_words) { None } else { Some(scan(frame, time, &plans)?) };
    let mut parts: Vec<(&[String], &[u32])> = Vec::new();
    for index in &columns {
        let draft = drafts.iter().find(|d| d.index == *index).map(|d| &d.values);
        let again = reread.as_ref().map(|r| &r.columns[*index].values);
        for values in [again, draft].into_iter().flatten() {
            if let Values::Words { levels, codes } = values {
                parts.push((levels, codes));
                break;
            }
        }
    }
    let rows = drafts.first().map_or(0, Draft::rows);
    let mut levels = Vec::new();
    let mut codes = Vec::with_capacity(rows);
    let mut seen: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    let mut last: Option<(Vec<u32>, u32)> = None;
    for row in 0..rows {
        let key: Vec<u32> = parts.iter().map(|(_, codes)| codes[row]).collect();
        if let Some(part) = key.iter().position(|code| *code == u32::MAX) {
            let at = super::scan::nth_row(frame, time, row);
            return Err(frame.error(at, Some(columns[part]), Problem::MissingItem));
        }
        if let Some((_, code)) = last.as_ref().filter(|(k, _)| *k == key) {
            codes.push(*code);
            continue;
        }
        let next = levels.len() as u32;
        let code = *seen.entry(key.clone()).or_insert_with(|| {
            let words: Vec<&str> = key.iter().zip(&parts).map(|(code, (l, _))| l[*code as usize].as_str()).collect();
            levels.push(words.join("/"));
            next
        });
        codes.push(code);
        last = Some((key, code));
    }
    let name = columns.iter().map(|i| frame.label(*i)).collect::<Vec<_>>().join("+");
    Ok(Items { columns, name, levels, codes })
}

fn describe_roles(drafts: &[Draft], report: &mut Report) {
    for (role, kind, subject) in [
        (ColumnRole::Covariate, CovariateKind::Past, "covariates known up to the forecast"),
        (ColumnRole::Covariate, CovariateKind::Known, "covariates known over the horizon"),
        (ColumnRole::Covariate, CovariateKind::Static, "covariates that never change"),
        (ColumnRole::Ignored, CovariateKind::Past, "ignored columns"),
    ] {
        let of_role = |d: &&Draft| d.role == role && (role == ColumnRole::Ignored || d.kind == kind);
        let chosen: Vec<&Draft> = drafts.iter().filter(of_role).collect();
        if chosen.is_empty() {
            continue;
        }
        let names: Vec<&str> = chosen.iter().map(|d| d.name.as_str()).collect();
        let told = chosen.iter().all(|d| d.reason == "given by --known");
        if role == ColumnRole::Covariate && kind == CovariateKind::Past {
            report.infer(subject, list(&names), "they change, and no calendar gives them", false);
            continue;
        }
        let mut reasons: Vec<String> = Vec::new();
        for draft in &chosen {
            let reason = format!("{} (`{}`)", draft.reason, draft.name);
            if reasons.len() < 10 && !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        report.infer(subject, list(&names), reasons.join("; "), told);
    }
}

fn find_sentinels(drafts: &[Draft], report: &mut Report) -> Vec<Sentinel> {
    let used = |d: &&Draft| matches!(d.role, ColumnRole::Target | ColumnRole::Covariate);
    let sentinels: Vec<Sentinel> = drafts.iter().filter(used).filter_map(sentinel::find).collect();
    for sentinel in &sentinels {
        let choice = format!("{} stands for a missing value", sentinel.value);
        report.infer(format!("sentinel in `{}`", sentinel.column), choice, sentinel.reason.clone(), false);
    }
    if !sentinels.is_empty() {
        let cells: u64 = sentinels.iter().map(|s| s.count).sum();
        report.warn(format!(
            "{cells} cells in {} columns seem to say `missing` by a number; cleaning empties them",
            sentinels.len()
        ));
    }
    sentinels
}

fn find_frequency(
    frame: &Frame<'_>,
    options: &IngestOptions,
    time: &TimeSource,
    axis: &Axis,
    report: &mut Report,
) -> Result<(atsre_domain::Frequency, TimeAxis), IngestError> {
    let frequency = match options.frequency {
        Some(frequency) => {
            report.infer("frequency", frequency.to_string(), "given by --frequency", true);
            frequency
        }
        None if *time == TimeSource::Rows => shape::every_step(),
        None => match frequency::infer(axis, time.is_step()) {
            Ok(found) => {
                report.infer("frequency", found.frequency.to_string(), found.reason, false);
                report.warnings.extend(found.warning);
                found.frequency
            }
            // Rows that are no series may still be looked at when nothing is to be forecast.
            Err(Problem::TooFewTimes) if options.target_policy == TargetPolicy::Optional => shape::every_step(),
            Err(problem) => {
                let column = time.fields().first().map(|i| frame.label(*i));
                return Err(IngestError::at(frame.file, None, column.as_deref(), problem));
            }
        },
    };
    let measured = frequency::measure(axis, frequency);
    Ok((frequency, TimeAxis { counted: *time == TimeSource::Rows, ..measured }))
}

fn describe_axis(time: &TimeSource, axis: &TimeAxis, report: &mut Report) {
    if !time.is_step() {
        let zoned = match time {
            TimeSource::Column { format, .. } => format.is_zoned(),
            TimeSource::DateAndClock { .. } | TimeSource::Parts(_) | TimeSource::Rows => false,
        };
        let reason = if zoned { "the times carry their offsets" } else { "the times carry no offset" };
        report.infer("time zone", "UTC", reason, false);
    }
    let order = match (axis.descending, axis.out_of_order) {
        (true, _) => "descending".to_owned(),
        (false, 0) => "ascending".to_owned(),
        (false, rows) => format!("{rows} rows out of order"),
    };
    report.infer("time order", order, "as the rows stand in the file", false);
    if axis.duplicates > 0 {
        report.warn(format!("{} rows repeat a time of their series; cleaning merges them", axis.duplicates));
    }
    if axis.absent > 0 {
        report.warn(format!(
            "{} observations are absent between first and last times; cleaning inserts them",
            axis.absent
        ));
    }
    if axis.off_grid > 0 {
        let share = axis.regular_share * 100.0;
        report.warn(format!("{} times lie off the regular grid ({share:.1} % of the steps are one period long); cleaning moves them to it", axis.off_grid));
    }
}

fn table(frame: &Frame<'_>, time: &TimeSource, times: Vec<i64>, items: Option<Items>, drafts: Vec<Draft>) -> Table {
    let mut columns: Vec<(usize, usize, Column)> = Vec::new();
    let fields = time.fields();
    let labels: Vec<String> = fields.iter().map(|i| frame.label(*i)).collect();
    let mut name = if labels.is_empty() { "step".to_owned() } else { labels.join(" ") };
    while labels.len() != 1 && frame.find(&name).is_some() {
        name.push('_');
    }
    let cells = Cells::Times(times.into_iter().map(Timestamp).collect());
    let place = fields.iter().min().copied().unwrap_or(0);
    columns.push((place, 0, Column { name, role: ColumnRole::Time, cells }));
    if let Some(Items { columns: parts, name, levels, codes }) = items {
        let place = parts.iter().min().copied().unwrap_or(0);
        let cells = Cells::Categories { levels, codes };
        columns.push((place, 1, Column { name, role: ColumnRole::Item, cells }));
    }
    for draft in drafts {
        let cells = match draft.values {
            Values::Numbers(values) => Cells::Numbers(values),
            Values::Moments(values) => Cells::Times(values.into_iter().map(Timestamp).collect()),
            Values::Words { levels, codes } => Cells::Categories { levels, codes },
            Values::None => continue,
        };
        columns.push((draft.index, 2, Column { name: draft.name, role: draft.role, cells }));
    }
    columns.sort_by_key(|(place, rank, _)| (*place, *rank));
    Table { columns: columns.into_iter().map(|(_, _, column)| column).collect() }
}
