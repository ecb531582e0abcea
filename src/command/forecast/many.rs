//! `atsre forecast` on a file of very many series: read, forecast and printed a batch at a time.

use std::cell::RefCell;
use std::fs::File;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use atsre_curation::ingest::Problem;
use atsre_curation::stream::{Error, SeriesStream};
use atsre_domain::Finite;
use atsre_domain::model::{ModelSpec, Setting};
use atsre_domain::panel::Panel;
use atsre_forecast::{BATCH, ForecastError, Progress, SeriesForecast, StreamRequest, forecast_stream};

use super::{device, print, reading, spec};
use crate::cli::Forecast;
use crate::error::Failure;
use crate::output;

/// Declared seconds that `auto` may spend on a batch: what leaves out no more than its dearest candidates.
const AUTO_SECONDS: f64 = 30.0;
/// Series that are shown to people.
const SHOWN: usize = 5;

/// Streams the file where it has more series than a batch and nothing is asked for that needs the whole panel; none
/// where it is to be read at once.
///
/// # Errors
/// When the file cannot be read, its series do not stand together, or the work is interrupted.
pub(super) fn run(forecast: &Forecast, as_json: bool) -> Result<Option<ExitCode>, Failure> {
    let whole = forecast.model.len() != 1
        || forecast.svg
        || forecast.hierarchy.is_some()
        || forecast.backtest.unwrap_or(0) > 0
        || !forecast.reading.known.is_empty();
    if whole {
        return Ok(None);
    }
    let options = reading::options(&forecast.reading)?;
    // Whatever is wrong with the file at its beginning is told by who reads the whole of it.
    let Ok(file) = File::open(&forecast.reading.file) else { return Ok(None) };
    let Ok(mut stream) = SeriesStream::open(file, &options, BATCH) else { return Ok(None) };
    match stream.has_several_blocks() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        // Rows by time and not by item: read at once, within the limit on the file's size.
        Err(Error::Ingest(error)) if matches!(*error.problem, Problem::ItemAgain { .. }) => return Ok(None),
        Err(error) => return Err(failure(error)),
    }
    let seasons = if forecast.season.is_empty() { stream.seasons().to_vec() } else { forecast.season.clone() };
    let request = StreamRequest {
        frequency: stream.frequency(),
        covariates: Vec::new(),
        spec: streamed_spec(forecast, &stream, &seasons)?,
        horizon: forecast.horizon.unwrap_or_else(|| reading::default_horizon(stream.frequency(), u64::MAX)),
        quantile_levels: forecast.quantiles.clone(),
        season_length: seasons.first().copied().unwrap_or(1),
        calibration_windows: 0,
        seed: forecast.seed,
        threads: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1)),
    };
    let unit = request.frequency.unit;
    let began = Instant::now();
    let told = Told::until_a_signal(began);
    // What ends the file early is kept until what was forecast before is printed.
    let broken = RefCell::new(None);
    let series = stream.map_while(|next| next.map_err(|error| broken.replace(Some(error))).ok());
    let registry = crate::command::worker::registry();
    let mut printer = print::Streamed::begin(forecast, &request, as_json, SHOWN);
    let (mut done, mut failed) = (0_usize, 0_usize);
    for result in forecast_stream(series, request, &registry, &told) {
        match result {
            Ok(forecast) => printer.series(&forecast, unit),
            Err(ForecastError::Cancelled) => return Err(Failure::failed(format!("interrupted after {done} series"))),
            Err(error) => {
                failed += 1;
                output::note(error);
            }
        }
        done += 1;
    }
    printer.end(done);
    if let Some(error) = broken.into_inner() {
        return Err(failure(error));
    }
    output::note(format!(
        "{done} series in {:.0} s, {failed} of them without a forecast",
        began.elapsed().as_secs_f64()
    ));
    Ok(Some(if failed == done { ExitCode::FAILURE } else { ExitCode::SUCCESS }))
}

/// A refused file says by itself what is wrong and whether a flag is.
fn failure(error: Error) -> Failure {
    match error {
        Error::Ingest(error) => error.into(),
        Error::Cleaning(error) => error.into(),
    }
}

fn streamed_spec(forecast: &Forecast, stream: &SeriesStream<File>, seasons: &[u32]) -> Result<ModelSpec, Failure> {
    let panel = Panel {
        target: stream.target().to_owned(),
        frequency: stream.frequency(),
        covariates: Vec::new(),
        series: Vec::new(),
    };
    let mut spec = spec(forecast, &forecast.model[0], &panel, seasons)?;
    spec.device = device(forecast, &forecast.model[0], &panel)?;
    let chosen = forecast.settings.iter().any(|s| s.contains("budget_seconds"));
    if spec.model == atsre_forecast::catalogue::AUTO && !chosen {
        let seconds = Finite::of(AUTO_SECONDS).unwrap_or(Finite::ZERO);
        spec.hyperparameters.insert("budget_seconds".to_owned(), Setting::Number(seconds));
    }
    Ok(spec)
}

/// Tells how many series are done, and stops the work where the user or the system asks for it.
struct Told {
    stopped: Arc<AtomicBool>,
    began: Instant,
}

impl Told {
    fn until_a_signal(began: Instant) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(crate::node::signal());
            flag.store(true, Ordering::SeqCst);
        });
        Self { stopped, began }
    }
}

impl Progress for Told {
    fn report(&self, _fraction: f64, message: &str) {
        output::note(format!("{message}, {:.0} s", self.began.elapsed().as_secs_f64()));
    }

    fn cancelled(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// The forecast as a JSON value.
pub(super) fn value(forecast: &SeriesForecast, levels: &[f64], moments: Vec<String>) -> serde_json::Value {
    let quantiles: serde_json::Map<String, serde_json::Value> = levels
        .iter()
        .zip(&forecast.quantiles)
        .map(|(level, row)| (level.to_string(), serde_json::json!(row)))
        .collect();
    serde_json::json!({
        "item_id": forecast.item_id,
        "timestamps": moments,
        "mean": forecast.mean,
        "quantiles": quantiles,
    })
}
