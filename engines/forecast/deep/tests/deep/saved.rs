//! Saved networks: reloaded by an auditor, or as the start of another training.

use atsre_domain::model::Setting;
use atsre_forecast::catalogue::{DEEPAR, DLINEAR_NET, NBEATS, NHITS, PATCHTST, TFT, TIDE};
use atsre_forecast::{
    FitTask, ForecastError, Forecaster, PredictRequest, Refit, Registry, SeriesForecast, Silent, TrialJob, TrialResult,
    run,
};
use atsre_forecast_deep::device::SoftwareAdapter;
use atsre_forecast_deep::{Configuration, Error, NetForecaster};
use std::sync::Mutex;

use crate::fixture::{integer, noisy_sine};
use crate::nets::{bits, job_of};

/// What the model of a job does beside fitting; jobs of this file run one at a time.
#[derive(Default)]
struct Plan {
    start: Option<Vec<u8>>,
    checkpoint: Option<Vec<u8>>,
    reload: bool,
    saved: Option<Vec<u8>>,
    first_loss: f64,
}

static PLAN: Mutex<Plan> =
    Mutex::new(Plan { start: None, checkpoint: None, reload: false, saved: None, first_loss: 0.0 });
static CHECKPOINTS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Saves itself after the fit, and forecasts from what it saved where the plan says so.
struct Audited(Option<NetForecaster>);

impl Forecaster for Audited {
    fn name(&self) -> &'static str {
        self.0.as_ref().unwrap().name()
    }
    fn refit(&self) -> Refit {
        Refit::Once
    }
    fn minimum_length(&self, horizon: usize, season_length: usize) -> usize {
        self.0.as_ref().unwrap().minimum_length(horizon, season_length)
    }
    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let mut plan = PLAN.lock().unwrap();
        let mut model = self.0.take().unwrap();
        if let Some(start) = plan.start.clone() {
            model = model.starting_from(start);
        }
        if let Some(checkpoint) = plan.checkpoint.clone() {
            model = model.resuming(checkpoint);
        }
        model = model.keeping_checkpoints(15, |bytes| CHECKPOINTS.lock().unwrap().push(bytes));
        model.fit(task)?;
        plan.first_loss = model.history().unwrap().losses[0].1;
        let saved = model.save().unwrap();
        if plan.reload {
            model = NetForecaster::load(saved.clone(), SoftwareAdapter::Refuse).unwrap();
        }
        plan.saved = Some(saved);
        self.0 = Some(model);
        Ok(())
    }
    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        self.0.as_ref().unwrap().predict(request)
    }
}

/// The result, the saved network and the first loss of a job.
fn audited(job: &TrialJob, start: Option<Vec<u8>>, reload: bool) -> Result<(TrialResult, Vec<u8>, f64), ForecastError> {
    planned(job, Plan { start, reload, ..Plan::default() }).map(|(result, saved, loss, _)| (result, saved, loss))
}

/// The same, and the checkpoints.
#[allow(clippy::type_complexity)]
fn planned(job: &TrialJob, plan: Plan) -> Result<(TrialResult, Vec<u8>, f64, Vec<Vec<u8>>), ForecastError> {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *PLAN.lock().unwrap() = plan;
    CHECKPOINTS.lock().unwrap().clear();
    let mut registry = Registry::default();
    for model in [NHITS, DLINEAR_NET, NBEATS, TIDE, PATCHTST, DEEPAR, TFT] {
        registry.register(model, |spec| {
            let model = NetForecaster::new(Configuration::from_spec(spec)?, SoftwareAdapter::Refuse);
            Ok(Box::new(Audited(Some(model))))
        });
    }
    let result = run(job, &registry, &Silent)?;
    let plan = PLAN.lock().unwrap();
    let checkpoints = std::mem::take(&mut *CHECKPOINTS.lock().unwrap());
    Ok((result, plan.saved.clone().unwrap(), plan.first_loss, checkpoints))
}

fn small(model: &str, more: &[(&str, Setting)]) -> TrialJob {
    let settings: Vec<_> =
        [("steps", integer(12)), ("batch_size", integer(16))].into_iter().chain(more.to_vec()).collect();
    job_of(model, vec![noisy_sine(400, 0.5, 80)], &settings)
}

#[test]
fn a_reloaded_network_forecasts_the_same_bits() {
    for model in [NHITS, DLINEAR_NET, NBEATS, TIDE, PATCHTST, DEEPAR, TFT] {
        let (plain, saved, _) = audited(&small(model, &[]), None, false).unwrap();
        let (reloaded, again, _) = audited(&small(model, &[]), None, true).unwrap();
        assert_eq!(bits(&plain), bits(&reloaded), "{model}");
        assert_eq!(saved, again, "{model}: the same network gives the same bytes");
        let copied = NetForecaster::load(saved.clone(), SoftwareAdapter::Refuse).unwrap().save().unwrap();
        assert_eq!(saved, copied, "{model}");
    }
}

#[test]
fn a_training_may_start_from_saved_weights_of_the_same_architecture_alone() {
    let (_, saved, cold) = audited(&small(NHITS, &[("steps", integer(60))]), None, false).unwrap();
    let (_, _, warm) = audited(&small(NHITS, &[]), Some(saved.clone()), false).unwrap();
    assert!(warm < 0.8 * cold, "first loss {warm} from saved weights, {cold} from drawn ones");
    match audited(&small(NHITS, &[("hidden", integer(24))]), Some(saved), false) {
        Err(ForecastError::Job(problem)) => assert!(problem.contains("the data and settings ask for"), "{problem}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn damaged_bytes_are_refused() {
    let (_, saved, _) = audited(&small(DLINEAR_NET, &[]), None, false).unwrap();
    let load = |bytes: Vec<u8>| NetForecaster::load(bytes, SoftwareAdapter::Refuse);
    for length in [0, 4, 8, 100, saved.len() - 1] {
        assert!(matches!(load(saved[..length].to_vec()), Err(Error::Weights(_))), "{length} bytes");
    }
    let mut infinite = saved.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert!(matches!(load(infinite), Err(Error::Weights(_))));
    let foreign = b"\x02\0\0\0\0\0\0\0{}".to_vec();
    assert!(matches!(load(foreign), Err(Error::Saved { .. })));
    // Sizes that no network has, or that contradict each other, in the metadata.
    let (_, saved, _) = audited(&small(PATCHTST, &[]), None, false).unwrap();
    for (sound, damaged) in [
        ("stride\\\":8", "stride\\\":0"),
        ("heads\\\":4", "heads\\\":3"),
        ("horizon\\\":12", "horizon\\\":13"),
        ("input_size\\\":60", "input_size\\\":10"),
    ] {
        let length = 8 + usize::try_from(u64::from_le_bytes(*saved.first_chunk().unwrap())).unwrap();
        let header = String::from_utf8(saved[8..length].to_vec()).unwrap();
        assert!(header.contains(sound), "{header}");
        let changed = header.replacen(sound, damaged, 1);
        let bytes = [&saved[..8], changed.as_bytes(), &saved[length..]].concat();
        assert!(matches!(load(bytes), Err(Error::Saved { .. })), "{damaged}");
        let everywhere = [&saved[..8], header.replace(sound, damaged).as_bytes(), &saved[length..]].concat();
        assert!(load(everywhere).is_err(), "{damaged} everywhere");
    }
    let unfitted =
        NetForecaster::new(Configuration::from_spec(&small(NHITS, &[]).spec).unwrap(), SoftwareAdapter::Refuse);
    assert!(matches!(unfitted.save(), Err(Error::Saved { .. })));
}

#[test]
fn a_training_that_is_cut_and_resumed_ends_in_the_same_bits_as_one_in_one_go() {
    for model in [NHITS, NBEATS, TIDE, PATCHTST, DEEPAR, TFT] {
        let job = small(model, &[("steps", integer(60))]);
        let (whole, saved, _, checkpoints) = planned(&job, Plan::default()).unwrap();
        // Every 15 steps, rounded up to where the loss is read: 20, 40 and 60.
        assert_eq!(checkpoints.len(), 3, "{model}");
        let resumed = Plan { checkpoint: Some(checkpoints[1].clone()), ..Plan::default() };
        let (rest, again, _, later) = planned(&job, resumed).unwrap();
        assert_eq!(bits(&whole), bits(&rest), "{model}");
        assert_eq!(saved, again, "{model}: weights and history");
        assert_eq!(later, checkpoints[2..], "{model}: weights, moments, random stream");
        let other = small(model, &[("steps", integer(61))]);
        let foreign = Plan { checkpoint: Some(checkpoints[1].clone()), ..Plan::default() };
        assert!(matches!(planned(&other, foreign), Err(ForecastError::Job(_))), "{model}");
    }
}
