//! Regularises, tests rules on and cleans a plain CSV file, and says what changed and how long it took:
//! `cargo run --release --example cleaning_report -- FILE TARGET UNIT [MULTIPLE] [PERIOD] [KNOWN,…]`.
//!
//! The file has a header, a column `timestamp`, and possibly `item_id`; columns that do not parse as numbers are
//! categories.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use atsre_curation::{cleaning, rules};
use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit as Unit;
use atsre_domain::identity::Timestamp;
use atsre_domain::table::{Cells, Column, ColumnRole, Table};

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, target, unit, rest @ ..] = arguments.as_slice() else {
        return Err("usage: cleaning_report FILE TARGET UNIT [MULTIPLE] [PERIOD] [KNOWN,…]".into());
    };
    let unit: Unit = serde_json::from_value(unit.as_str().into())?;
    let number = |index: usize| rest.get(index).map_or(Ok(1), |text| text.parse::<u32>());
    let frequency = Frequency { multiple: number(0)?, unit };
    let period = number(1)?;
    let known: Vec<String> = rest.get(2).map_or(Vec::new(), |names| names.split(',').map(String::from).collect());
    let table = read(file, target)?;

    let started = Clock::now();
    let regular = cleaning::regularise(&table, frequency, target, &known)?;
    println!("regularised {} rows in {}: {} changes", table.rows(), started.elapsed(), regular.changes.len());
    regular.notes.iter().for_each(|note| println!("  {note}"));
    let periods: Vec<u32> = if period > 1 { vec![period] } else { Vec::new() };
    let started = Clock::now();
    let derived = rules::derive(&regular.panel, &periods, &[]);
    println!("derived {} rules in {}", derived.len(), started.elapsed());
    let started = Clock::now();
    let tested: Vec<_> = derived.iter().map(|rule| rules::test_rule(&regular.panel, rule)).collect();
    println!("tested them in {}", started.elapsed());
    for one in &tested {
        let mut form = format!("{:?}", one.rule.form);
        form.truncate(100);
        println!("  {} {:?} {form}: {}", one.rule.column, one.rule.action, one.verdict);
    }
    let started = Clock::now();
    let cleaned = cleaning::clean(&regular.panel, &tested, period);
    println!("cleaned in {}: {:?}", started.elapsed(), cleaned.summary.changes);
    cleaned.summary.notes.iter().for_each(|note| println!("  {note}"));
    for change in cleaned.changes.iter().take(25) {
        let time = chrono::DateTime::from_timestamp_micros(change.time.0).map(|t| t.to_rfc3339());
        let value = |v: Option<atsre_domain::Finite>| v.map_or(f64::NAN, |v| v.get());
        println!(
            "  {} {} {} {:?} {} -> {} ({})",
            change.item_id,
            time.unwrap_or_default(),
            change.column,
            change.kind,
            value(change.before),
            value(change.after),
            change.method
        );
    }
    Ok(())
}

/// Wall time, and on Linux the processor time of all threads (in steps of 10 ms), which a busy machine does not
/// lengthen.
struct Clock(Instant, Option<u64>);

impl Clock {
    fn now() -> Self {
        Self(Instant::now(), processor_ticks())
    }

    fn elapsed(&self) -> String {
        let wall = self.0.elapsed();
        match processor_ticks().zip(self.1) {
            Some((now, before)) => {
                format!("{wall:.1?} ({:?} of processor time)", Duration::from_millis(10 * (now - before)))
            }
            None => format!("{wall:.1?}"),
        }
    }
}

fn processor_ticks() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

fn read(file: &str, target: &str) -> Result<Table, AnyError> {
    let mut reader = csv::Reader::from_path(file)?;
    let headers = reader.headers()?.clone();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); headers.len()];
    for record in reader.records() {
        record?.iter().zip(&mut cells).for_each(|(field, column)| column.push(field.trim().to_owned()));
    }
    let columns = headers.iter().zip(cells).map(|(name, texts)| {
        let (role, cells) = match name {
            "timestamp" => (ColumnRole::Time, Cells::Times(texts.iter().map(|t| Timestamp(micros(t))).collect())),
            "item_id" => (ColumnRole::Item, categories(&texts)),
            name => {
                let numbers: Option<Vec<f64>> =
                    texts.iter().map(|t| if t.is_empty() { Some(f64::NAN) } else { t.parse().ok() }).collect();
                let role = if name == target { ColumnRole::Target } else { ColumnRole::Covariate };
                (role, numbers.map_or_else(|| categories(&texts), Cells::Numbers))
            }
        };
        Column { name: name.to_owned(), role, cells }
    });
    Ok(Table { columns: columns.collect() })
}

fn categories(texts: &[String]) -> Cells {
    let mut levels: Vec<String> = Vec::new();
    let mut known: HashMap<String, u32> = HashMap::new();
    let codes = texts
        .iter()
        .map(|text| {
            if text.is_empty() {
                return u32::MAX;
            }
            *known.entry(text.clone()).or_insert_with(|| {
                levels.push(text.clone());
                levels.len() as u32 - 1
            })
        })
        .collect();
    Cells::Categories { levels, codes }
}

fn micros(text: &str) -> i64 {
    if let Ok(step) = text.parse::<i64>() {
        return step;
    }
    let text = text.trim_end_matches('Z').replace('T', " ");
    let full = if text.len() == 10 { format!("{text} 00:00:00") } else { text };
    chrono::NaiveDateTime::parse_from_str(&full, "%Y-%m-%d %H:%M:%S%.f")
        .map_or(i64::MIN, |t| t.and_utc().timestamp_micros())
}
