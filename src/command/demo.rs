//! `atsre demo`: the main job on a real data set that ships with the program.

use std::process::ExitCode;
use std::sync::Arc;

use atsre_curation::ingest::{self, IngestOptions};
use atsre_domain::experiment::Objective;
use atsre_domain::model::Setting;
use atsre_domain::plan::ReasonerKind;

use super::run::{Request, execute};
use crate::cli::Demo;
use crate::config::Config;
use crate::error::Failure;
use crate::watch::Narrator;

/// Hourly rentals of a bicycle-sharing system with the weather, 2011 and 2012 (see `data/bike_sharing/README.md`).
const DATA: &[u8] = include_bytes!("../../data/bike_sharing/bike_sharing_hourly.csv");
const FILE_NAME: &str = "bike_sharing_hourly.csv";
/// The day and a half after the origin, as in the usual studies of this data set.
const HORIZON: u32 = 36;
/// What is known when the forecast is made: the calendar, and the weather forecast.
const KNOWN: [&str; 10] =
    ["holiday", "workingday", "weather", "temp", "atemp", "hum", "windspeed", "month", "hour", "weekday"];
/// Tight on purpose: the network's first batch does not fit, so that the demo shows a real failure being healed.
const TRIAL_MEMORY: u64 = 96 << 20;
const BATCH_SIZE: i64 = 4_096;
const STEPS: i64 = 60;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, demo: &Demo, json: bool) -> Result<ExitCode, Failure> {
    let narrator = Arc::new(Narrator::new(json));
    narrator.tell("•", "bike sharing: two years of hourly rentals, with weather and calendar");
    let known: Vec<String> = KNOWN.iter().map(|name| (*name).to_owned()).collect();
    let options = IngestOptions {
        file_name: FILE_NAME.to_owned(),
        target: Some("users".to_owned()),
        known,
        ..IngestOptions::default()
    };
    let ingested = ingest::read(DATA, &options)?;
    let request = Request {
        name: "bike_sharing".to_owned(),
        file_name: FILE_NAME.to_owned(),
        objective: Objective::Forecast,
        horizon: Some(HORIZON),
        holdout: true,
        quantiles: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        budget: demo.budget,
        seed: Some(demo.seed),
        reasoner: ReasonerKind::Rules,
        approve: false,
        trial_memory: TRIAL_MEMORY,
        parallel: None,
        settings: vec![
            ("nhits.batch_size".to_owned(), Setting::Integer(BATCH_SIZE)),
            ("nhits.steps".to_owned(), Setting::Integer(STEPS)),
        ],
    };
    let prepared = request.prepare(&ingested, config)?;
    execute(config, request, prepared, DATA.to_vec(), ingested, narrator, json).await
}
