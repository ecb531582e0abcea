//! The way from bytes to a table, step by step.

use super::assemble;
use super::cells::{Misfit, Plan, Values};
use super::day_order;
use super::dialect::{self, Dialect, delimiter_name};
use super::encoding::{Decoded, decode};
use super::error::{IngestError, Problem};
use super::frame::Frame;
use super::ingested::{FileFormat, Ingested};
use super::nearest::nearest;
use super::number::NumberFormat;
use super::options::{DecimalMark, IngestOptions, TargetPolicy};
use super::record::line_of;
use super::report::Report;
use super::sample::{self, Guess, Sampled, formats_to_try};
use super::scan::{Scan, scan};
use super::shape;
use super::time_format::{DayOrder, TimeFormat};
use super::time_source::{self, TimeSource};

/// Columns in which most cells are numbers and some are not: the first such cell, and how many there are.
pub(super) type Spoilt = Vec<Option<(Misfit, u64)>>;

pub(super) fn run(input: &[u8], options: &IngestOptions) -> Result<Ingested, IngestError> {
    let mut report = Report::default();
    let decoded = decode(input, options.encoding.as_deref()).map_err(|(at, problem)| {
        let row = (at > 0).then(|| line_of(input, at));
        IngestError::at(&options.file_name, row, None, problem)
    })?;
    report.infer("encoding", decoded.encoding, decoded.reason.clone(), options.encoding.is_some());
    let text = decoded.text.as_bytes();
    if text.trim_ascii().is_empty() {
        return Err(IngestError::at(&options.file_name, None, None, Problem::Empty));
    }
    let dialect = dialect::detect(text, options.delimiter);
    let frame = Frame::read(text, &dialect, options)?;
    describe_layout(&frame, &dialect, options, &mut report);
    let asked = Asked::find(&frame, options)?;
    let sampled = sample::take(&frame, options.decimal)?;
    let time = time_source::choose(&frame, &sampled, options, &mut report)?;
    asked.refuse_two_roles(&frame, &time)?;
    let time = day_order::settle(&frame, time, &mut report)?;
    let decimal = decimal_mark(&frame, &sampled, options, &mut report);
    let mut time = time;
    let mut plans = plan(&frame, &sampled, &time, &asked.item, decimal);
    let mut scanned = scan(&frame, &time, &plans);
    if let Err(error) = &scanned
        && let Some(steps) = stand_in(&frame, &sampled, options, error)
    {
        let reason = format!(
            "column `{}` has no time in row {}",
            error.column.as_deref().unwrap_or_default(),
            error.row.unwrap_or_default()
        );
        report.infer("time column", frame.label(steps), reason, false);
        time = TimeSource::Column { index: steps, format: TimeFormat::Step };
        plans = plan(&frame, &sampled, &time, &asked.item, decimal);
        scanned = scan(&frame, &time, &plans);
    }
    let mut rows = scanned?;
    let spoilt = refit(&frame, &time, &plans, options.decimal, &mut rows)?;
    refuse_infinite(&frame, &rows)?;
    if time == TimeSource::Rows {
        drop_trailing_blanks(&mut rows);
    }
    if rows.rows() == 0 {
        return Err(frame.error(None, None, Problem::HeaderOnly));
    }
    // Before the target is judged: one row makes every column constant, which is not what is wrong.
    if rows.rows() == 1 && options.target_policy == TargetPolicy::Required {
        return Err(frame.error(None, None, Problem::TooFewTimes));
    }
    let format = file_format(input, &decoded, &frame, &dialect, decimal, &rows);
    assemble::assemble(assemble::Parts { frame: &frame, options, time, asked: &asked, rows, spoilt, format, report })
}

/// The columns that flags name.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) target: Option<usize>,
    pub(super) item: Vec<usize>,
    pub(super) known: Vec<usize>,
}

impl Asked {
    fn find(frame: &Frame<'_>, options: &IngestOptions) -> Result<Self, IngestError> {
        let find = |flag: &'static str, name: &str| {
            frame.find(name).ok_or_else(|| {
                let names = frame.given_names();
                let near = nearest(name, &names);
                let problem = Problem::UnknownColumn { flag, name: name.to_owned(), near, columns: names };
                IngestError::at(frame.file, None, None, problem)
            })
        };
        let item = match options.item.as_deref() {
            None => Vec::new(),
            Some(name) => match frame.find(name) {
                Some(index) => vec![index],
                None => name.split('+').map(|part| find("--item", part.trim())).collect::<Result<_, _>>()?,
            },
        };
        Ok(Self {
            target: options.target.as_deref().map(|name| find("--target", name)).transpose()?,
            item,
            known: options.known.iter().map(|name| find("--known", name)).collect::<Result<_, _>>()?,
        })
    }

    fn refuse_two_roles(&self, frame: &Frame<'_>, time: &TimeSource) -> Result<(), IngestError> {
        let fields = time.fields();
        let roles: [(&'static str, &[usize]); 4] = [
            ("--target", self.target.as_slice()),
            ("--item", &self.item),
            ("--known", &self.known),
            ("--time", &fields),
        ];
        for (k, (first, columns)) in roles.iter().enumerate() {
            for (second, others) in &roles[k + 1..] {
                if let Some(shared) = columns.iter().find(|c| others.contains(c)) {
                    return Err(frame.error(None, Some(*shared), Problem::TwoRoles { first, second }));
                }
            }
        }
        Ok(())
    }
}

/// The column of steps to take instead of times of which some are missing, unless a flag asked for the times.
fn stand_in(frame: &Frame<'_>, sampled: &[Sampled<'_>], options: &IngestOptions, error: &IngestError) -> Option<usize> {
    let told = options.time.is_some() || options.time_format.is_some();
    let missing = matches!(*error.problem, Problem::MissingTime) && !told;
    missing.then(|| time_source::stand_in(frame, sampled)).flatten()
}

fn describe_layout(frame: &Frame<'_>, dialect: &Dialect, options: &IngestOptions, report: &mut Report) {
    let told = options.delimiter.is_some();
    let reason = match (told, dialect.fields) {
        (true, _) => "given".to_owned(),
        (false, 1) => "the lines agree on none; taken as a single column".to_owned(),
        (false, fields) => {
            format!("{:.0} % of the first lines have {fields} fields by it", dialect.consistency * 100.0)
        }
    };
    report.infer("delimiter", delimiter_name(dialect.delimiter), reason, told);
    if dialect.preamble > 0 {
        let choice = format!("row {}", line_of(frame.text, dialect.header_at));
        let reason = format!("the {} lines before it have fewer fields than the table", dialect.preamble);
        report.infer("header", choice, reason, false);
    }
    if frame.footer > 0 {
        let choice = format!("{} lines left out", frame.footer);
        report.infer("lines below the table", choice, "words without a delimiter", false);
    }
}

/// The file's decimal mark: told, or shown by some column.
fn decimal_mark(
    frame: &Frame<'_>,
    sampled: &[Sampled<'_>],
    options: &IngestOptions,
    report: &mut Report,
) -> DecimalMark {
    if let Some(mark) = options.decimal {
        report.infer("decimal mark", mark_name(mark), "given", true);
        return mark;
    }
    let comma = (0..sampled.len())
        .find(|i| matches!(sampled[*i].guess, Guess::Number(NumberFormat { decimal: DecimalMark::Comma, .. })));
    match comma {
        Some(index) => {
            let cell = sampled[index].cells.iter().find(|c| c.contains(&b',')).copied().unwrap_or_default();
            let reason = format!("`{}` in column `{}`", String::from_utf8_lossy(cell), frame.label(index));
            report.infer("decimal mark", mark_name(DecimalMark::Comma), reason, false);
            DecimalMark::Comma
        }
        None => DecimalMark::Point,
    }
}

const fn mark_name(mark: DecimalMark) -> &'static str {
    match mark {
        DecimalMark::Point => "point",
        DecimalMark::Comma => "comma",
    }
}

/// How each column is to be read.
fn plan(
    frame: &Frame<'_>,
    sampled: &[Sampled<'_>],
    time: &TimeSource,
    item: &[usize],
    decimal: DecimalMark,
) -> Vec<Plan> {
    let usual = NumberFormat { decimal, grouped: false };
    let fields = time.fields();
    let plan_of = |(index, column): (usize, &Sampled<'_>)| {
        if fields.contains(&index) {
            return Plan::Skip;
        }
        if item.contains(&index) {
            return Plan::Words { item: true };
        }
        match &column.guess {
            Guess::Blank if frame.names[index].is_empty() => Plan::Blank,
            Guess::Blank => Plan::Numbers(usual),
            Guess::Number(format) => Plan::Numbers(*format),
            Guess::Moment(TimeFormat::Numeric { order: DayOrder::Unknown, .. }) => Plan::Words { item: false },
            Guess::Moment(format) => Plan::Moments(format.clone()),
            Guess::Clock | Guess::Words => Plan::Words { item: shape::hinted(&frame.names[index]) },
        }
    };
    sampled.iter().enumerate().map(plan_of).collect()
}

/// Reads those columns again whose cells do not fit the guess made from the first rows: numbers in another
/// form, then words.
fn refit(
    frame: &Frame<'_>,
    time: &TimeSource,
    plans: &[Plan],
    decimal: Option<DecimalMark>,
    rows: &mut Scan,
) -> Result<Spoilt, IngestError> {
    let formats = formats_to_try(frame.delimiter, decimal);
    let mut plans = plans.to_vec();
    let mut untried: Vec<Vec<NumberFormat>> = vec![formats; plans.len()];
    let mut spoilt: Spoilt = vec![None; plans.len()];
    loop {
        let mut again = vec![Plan::Skip; plans.len()];
        for (index, plan) in plans.iter_mut().enumerate() {
            let tally = &rows.columns[index].tally;
            let Some(misfit) = tally.misfit.clone() else { continue };
            if let Plan::Numbers(format) = plan {
                untried[index].retain(|f| f != format);
                let present = rows.times.len() as u64 - tally.missing;
                let fewer = spoilt[index].as_ref().is_none_or(|(_, count)| tally.misfits < *count);
                if tally.misfits * 2 <= present && fewer {
                    spoilt[index] = Some((misfit, tally.misfits));
                }
            }
            *plan = match plan {
                Plan::Numbers(_) | Plan::Blank if !untried[index].is_empty() => Plan::Numbers(untried[index].remove(0)),
                _ => Plan::Words { item: false },
            };
            again[index] = plan.clone();
        }
        if again.iter().all(|plan| *plan == Plan::Skip) {
            break;
        }
        let reread = scan(frame, time, &again)?;
        for (index, column) in reread.columns.into_iter().enumerate() {
            if again[index] != Plan::Skip {
                rows.columns[index] = column;
            }
        }
    }
    // A column that another form of number fits is not spoilt after all.
    for (index, plan) in plans.iter().enumerate() {
        if !matches!(plan, Plan::Words { .. }) {
            spoilt[index] = None;
        }
    }
    Ok(spoilt)
}

fn refuse_infinite(frame: &Frame<'_>, rows: &Scan) -> Result<(), IngestError> {
    let infinite = rows.columns.iter().enumerate().filter_map(|(i, c)| c.tally.infinite.as_ref().map(|m| (m, i)));
    match infinite.min_by_key(|(misfit, _)| misfit.at) {
        Some((misfit, index)) => {
            let problem = Problem::NotFinite { value: misfit.value.clone() };
            Err(frame.error(Some(misfit.at), Some(index), problem))
        }
        None => Ok(()),
    }
}

/// Without a time column an empty row is a step without observations, except below the last observation.
fn drop_trailing_blanks(rows: &mut Scan) {
    let missing = |row: usize| {
        rows.columns.iter().all(|c| match &c.values {
            Values::None => true,
            Values::Numbers(values) => values[row].is_nan(),
            Values::Moments(_) => false,
            Values::Words { codes, .. } => codes[row] == u32::MAX,
        })
    };
    let kept = (0..rows.times.len()).rev().find(|row| !missing(*row)).map_or(0, |row| row + 1);
    let dropped = (rows.times.len() - kept) as u64;
    rows.times.truncate(kept);
    rows.blank_rows += dropped;
    for column in &mut rows.columns {
        column.tally.missing = column.tally.missing.saturating_sub(dropped);
        match &mut column.values {
            Values::None => {}
            Values::Numbers(values) => values.truncate(kept),
            Values::Moments(values) => values.truncate(kept),
            Values::Words { codes, .. } => codes.truncate(kept),
        }
    }
}

fn file_format(
    input: &[u8],
    decoded: &Decoded<'_>,
    frame: &Frame<'_>,
    dialect: &Dialect,
    decimal: DecimalMark,
    rows: &Scan,
) -> FileFormat {
    FileFormat {
        bytes: input.len() as u64,
        encoding: decoded.encoding.to_owned(),
        delimiter: char::from(frame.delimiter),
        decimal,
        preamble_lines: dialect.preamble as u64,
        footer_lines: frame.footer as u64,
        blank_rows: rows.blank_rows,
    }
}
