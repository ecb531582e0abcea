//! From the flags to a read file, the same for every command that takes one.

use atsre_curation::cleaning::{self, Regularised};
use atsre_curation::ingest::{self, IngestOptions, Ingested, Limits, TargetPolicy};
use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::model::Setting;

use crate::cli::Reading;
use crate::error::Failure;

/// What the flags say about the file.
///
/// # Errors
/// When a flag makes no sense.
pub fn options(reading: &Reading) -> Result<IngestOptions, Failure> {
    // A path such as `..` has no last part; the message that refuses it names it whole.
    let last = reading.file.file_name().unwrap_or(reading.file.as_os_str());
    let file_name = last.to_string_lossy().into_owned();
    let delimiter = match reading.delimiter {
        Some(c) if c.is_ascii() => Some(c as u8),
        Some(c) => return Err(Failure::usage(format!("the delimiter {c:?} is not one ASCII character"))),
        None => None,
    };
    let frequency = match &reading.frequency {
        Some(text) => Some(ingest::frequency_from(text).ok_or_else(|| {
            Failure::usage(format!("{text:?} is not a frequency; use such as 15min, hourly, 1D, B, W, M, Q or Y"))
        })?),
        None => None,
    };
    Ok(IngestOptions {
        file_name,
        target: reading.target.clone(),
        time: reading.time.clone(),
        time_format: reading.time_format.clone(),
        item: reading.item.clone(),
        known: reading.known.clone(),
        frequency,
        encoding: reading.encoding.clone(),
        delimiter,
        limits: Limits { bytes: reading.max_bytes, ..Limits::default() },
        ..IngestOptions::default()
    })
}

/// Reads the file for an engine by itself.
///
/// # Errors
/// When it cannot be read as a time series.
pub fn read(reading: &Reading, target: TargetPolicy) -> Result<Ingested, Failure> {
    let options = IngestOptions { target_policy: target, ..options(reading)? };
    Ok(ingest::read_path(&reading.file, &options)?)
}

/// The target column of a read file.
///
/// # Errors
/// When the file has none.
pub fn target(ingested: &Ingested) -> Result<String, Failure> {
    let name = ingested.target().ok_or_else(|| Failure::usage("there is no target column; name one with --target"))?;
    Ok(name.to_owned())
}

/// A read file on a regular axis, with its sentinels made missing.
///
/// # Errors
/// When it does not fit one.
pub fn regularise(ingested: &Ingested) -> Result<Regularised, Failure> {
    let (table, _) = ingested.without_sentinels();
    Ok(cleaning::regularise(&table, ingested.frequency, &target(ingested)?, &ingested.known())?)
}

/// The horizon where nobody gives one: what is usual for the frequency, and at most a fifth of the shortest series.
#[must_use]
pub fn default_horizon(frequency: Frequency, shortest: u64) -> u32 {
    let usual = match frequency.unit {
        FrequencyUnit::Second | FrequencyUnit::Minute => 60,
        FrequencyUnit::Hour => 24,
        FrequencyUnit::Day => 14,
        FrequencyUnit::BusinessDay => 10,
        FrequencyUnit::Week => 8,
        FrequencyUnit::Month => 12,
        FrequencyUnit::Quarter => 4,
        FrequencyUnit::Year => 4,
        FrequencyUnit::Step => 10,
    };
    usual.min(u32::try_from(shortest / 5).unwrap_or(u32::MAX)).max(1)
}

/// Refuses a horizon that the data cannot bear.
///
/// # Errors
/// When the horizon is zero, or the shortest series is not longer than what is learned from and forecast.
pub fn check_horizon(file: &str, horizon: u32, shortest: u64, holdout: bool) -> Result<(), Failure> {
    if horizon == 0 {
        return Err(Failure::usage("the horizon must be at least 1 step"));
    }
    let parts = if holdout { 3 } else { 2 };
    if u64::from(horizon) * parts > shortest {
        let longest = shortest / parts;
        if longest == 0 {
            return Err(Failure::failed(format!(
                "{file}: the shortest series has {shortest} of the at least {parts} observations that a forecast needs; \
                 remove the series that are too short, or give more rows"
            )));
        }
        return Err(Failure::usage(format!(
            "{file}: a horizon of {horizon} steps is too long for data whose shortest series has {shortest} observations; \
             give --horizon {longest} or less"
        )));
    }
    Ok(())
}

/// Refuses quantile levels that are none.
///
/// # Errors
/// When there are no levels, they do not ascend, or one is not between 0 and 1.
pub fn check_quantiles(levels: &[f64]) -> Result<(), Failure> {
    let ascending = levels.windows(2).all(|pair| pair[0] < pair[1]);
    let inside = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
    if levels.is_empty() || !ascending || !inside {
        return Err(Failure::usage("the quantile levels must ascend between 0 and 1, such as 0.1,0.5,0.9"));
    }
    Ok(())
}

/// Settings of models as people write them, `MODEL.SETTING=VALUE`, checked against the catalogue.
///
/// # Errors
/// When one is not of that form, or names a model or a setting that does not exist.
pub fn settings(given: &[String]) -> Result<Vec<(String, Setting)>, Failure> {
    let parse = |text: &String| {
        let wrong = || Failure::usage(format!("{text:?} is not MODEL.SETTING=VALUE, such as nhits.batch_size=64"));
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (model, chosen) = name.split_once('.').ok_or_else(wrong)?;
        let entry = atsre_forecast::catalogue::entry(model).map_err(Failure::usage)?;
        if !entry.defaults.contains_key(chosen) {
            let known: Vec<&str> = entry.defaults.keys().map(String::as_str).collect();
            return Err(Failure::usage(format!("{model} has no setting {chosen:?}; it has {}", known.join(", "))));
        }
        Ok((name.to_owned(), Setting::from_text(value)))
    };
    given.iter().map(parse).collect()
}
