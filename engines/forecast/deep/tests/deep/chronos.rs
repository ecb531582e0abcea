//! The Chronos models against their own library, and folders of weights that are not what they should be.

use std::path::{Path, PathBuf};

use atsre_domain::model::Setting;
use atsre_domain::panel::{Covariate, CovariateKind};
use atsre_forecast::catalogue::{self, CHRONOS_2, CHRONOS_BOLT, CHRONOS_T5};
use atsre_forecast::{ForecastError, TrialJob};
use atsre_forecast_deep::agreement::judge;
use atsre_forecast_deep::chronos::bolt::{Bolt, Continuation};
use atsre_forecast_deep::weights::{Error, Weights, folder};
use burn::tensor::Device;

use crate::fixture::{forecast, integer, job, noisy_sine, panel, with_covariates};

fn data(model: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(model)
}

pub(crate) fn every_case_agrees(model: &str, least: usize) {
    let verdicts = judge(&data(model), &Device::flex()).unwrap();
    assert!(verdicts.len() >= least, "{} cases", verdicts.len());
    for verdict in verdicts {
        assert!(verdict.worst <= verdict.bound && verdict.compared > 0, "{verdict:?}");
    }
}

#[test]
fn chronos_bolt_agrees_with_its_library() {
    every_case_agrees("chronos-bolt", 17);
}

#[test]
fn chronos_2_agrees_with_its_library() {
    every_case_agrees("chronos-2", 9);
}

#[test]
fn chronos_t5_agrees_with_its_library_up_to_the_draws() {
    every_case_agrees("chronos-t5", 2 + 5 * 5 + 2);
}

#[test]
fn chronos_2_takes_covariates_and_company_as_a_trial() {
    let target = noisy_sine(90, 0.3, 93);
    let driver = noisy_sine(90 + 12, 0.3, 94);
    let kind = |kind| Covariate { name: "x".to_string(), kind, levels: None };
    let of = |covariates: Vec<Covariate>| {
        let rows = if covariates.is_empty() { vec![] } else { vec![driver.clone()] };
        let mut job = chronos_job(CHRONOS_2, vec![]);
        job.spec.covariates = covariates.iter().map(|c| c.name.clone()).collect();
        job.panel = with_covariates(vec![(target.clone(), rows)], covariates);
        forecast(&job).unwrap().forecasts[0].quantiles.concat()
    };
    let (alone, past, known) = (of(vec![]), of(vec![kind(CovariateKind::Past)]), of(vec![kind(CovariateKind::Known)]));
    assert!(alone != past && past != known && alone != known);
    let of = |together: bool| {
        let mut job = chronos_job(CHRONOS_2, vec![target.clone(), noisy_sine(50, 0.3, 95)]);
        job.spec.hyperparameters.insert("cross_learning".to_string(), Setting::Flag(together));
        forecast(&job).unwrap().forecasts[0].quantiles.concat()
    };
    assert!(of(true) != of(false));
    assert!(of(false).iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn chronos_t5_draws_the_same_paths_from_the_same_seed() {
    let of = |seed: u64| {
        let mut job = chronos_job(CHRONOS_T5, vec![noisy_sine(40, 0.3, 96), vec![f64::NAN, 1e-300, 2e-300]]);
        job.horizon = 70;
        job.seed = seed;
        job.spec.hyperparameters.insert("samples".to_string(), integer(5));
        forecast(&job).unwrap().forecasts
    };
    let (first, again, other) = (of(1), of(1), of(2));
    assert_eq!(first, again);
    assert!(first != other);
    assert!(first.iter().all(|f| f.quantiles.iter().flatten().all(|v| v.is_finite())));
}

/// A copy of a model's folder that a test may damage.
fn copy(model: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(data(model).join(file), folder.path().join(file)).unwrap();
    }
    folder
}

/// The header of a safetensors file as JSON, and the tensors' bytes.
fn parts(file: &Path) -> (serde_json::Map<String, serde_json::Value>, Vec<u8>) {
    let bytes = std::fs::read(file).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), bytes[8 + length..].to_vec())
}

fn assemble(file: &Path, header: &serde_json::Map<String, serde_json::Value>, tensors: &[u8]) {
    let header = serde_json::to_vec(header).unwrap();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], &header, tensors].concat();
    std::fs::write(file, bytes).unwrap();
}

const TENSOR: &str = "encoder.block.1.layer.0.SelfAttention.q.weight";

fn refusal(folder: &Path) -> Error {
    Bolt::open(folder, &Device::flex()).unwrap_err()
}

#[test]
fn a_missing_tensor_and_a_wrong_shape_are_named_with_their_file() {
    let folder = copy("chronos-bolt");
    let file = folder.path().join("model.safetensors");
    let (whole, tensors) = parts(&file);
    let mut header = whole.clone();
    header.remove(TENSOR);
    assemble(&file, &header, &tensors);
    let error = refusal(folder.path());
    assert!(matches!(&error, Error::MissingTensor { path, tensor } if *path == file && tensor == TENSOR), "{error:?}");
    let mut header = whole.clone();
    header[TENSOR]["shape"] = serde_json::json!([12, 8]);
    assemble(&file, &header, &tensors);
    match refusal(folder.path()) {
        Error::WrongShape { path, tensor, expected, found } => {
            assert_eq!((path, tensor.as_str()), (file.clone(), TENSOR));
            assert_eq!((expected, found), (vec![8, 12], vec![12, 8]));
        }
        other => panic!("{other:?}"),
    }
    let mut header = whole;
    header[TENSOR]["dtype"] = "I32".into();
    assemble(&file, &header, &tensors);
    assert!(matches!(refusal(folder.path()), Error::UnsupportedType { tensor, .. } if tensor == TENSOR));
}

#[test]
fn a_truncated_file_is_told_from_a_pointer_and_from_another_format() {
    let folder = copy("chronos-bolt");
    let file = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    for (length, tensor) in [(bytes.len() - 1, Some("shared.weight")), (200, None), (3, None), (0, None)] {
        std::fs::write(&file, &bytes[..length]).unwrap();
        match refusal(folder.path()) {
            Error::Truncated { path, tensor: cut, found, .. } => {
                assert_eq!((path, found), (file.clone(), length as u64));
                assert_eq!(cut.as_deref(), tensor);
            }
            other => panic!("{other:?}"),
        }
    }
    std::fs::write(&file, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n").unwrap();
    assert_eq!(refusal(folder.path()), Error::LfsPointer { path: file.clone() });
    std::fs::write(&file, [&40_u64.to_le_bytes()[..], &[b'x'; 60]].concat()).unwrap();
    assert!(matches!(refusal(folder.path()), Error::Header { .. }));
    std::fs::write(&file, [0xff; 64]).unwrap();
    assert!(matches!(refusal(folder.path()), Error::Header { .. }));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(refusal(folder.path()), Error::NotFound { path: file.clone() });
    std::os::unix::fs::symlink(folder.path().join("blobs/0123"), &file).unwrap();
    let target = folder.path().join("blobs/0123");
    assert_eq!(refusal(folder.path()), Error::DanglingLink { path: file.clone(), target });
    std::fs::remove_file(&file).unwrap();
    std::fs::write(folder.path().join("pytorch_model.bin"), "x").unwrap();
    assert!(matches!(refusal(folder.path()), Error::Pickled { .. }));
}

#[test]
fn a_weight_that_is_not_a_number_is_refused() {
    let folder = copy("chronos-bolt");
    let file = folder.path().join("model.safetensors");
    let (header, mut tensors) = parts(&file);
    let start = header[TENSOR]["data_offsets"][0].as_u64().unwrap() as usize;
    tensors[start + 4..start + 8].copy_from_slice(&f32::NAN.to_le_bytes());
    assemble(&file, &header, &tensors);
    assert!(matches!(refusal(folder.path()), Error::NotFinite { tensor, place: 1, .. } if tensor == TENSOR));
}

#[test]
fn another_architecture_and_a_contradictory_configuration_are_refused() {
    let folder = copy("chronos-bolt");
    std::fs::copy(data("chronos-t5").join("config.json"), folder.path().join("config.json")).unwrap();
    match refusal(folder.path()) {
        Error::WrongArchitecture { path, found, .. } => {
            assert_eq!(path, folder.path().join("config.json"));
            assert_eq!(found, "T5ForConditionalGeneration");
        }
        other => panic!("{other:?}"),
    }
    let text = std::fs::read_to_string(data("chronos-bolt").join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["d_model"] = 0.into();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let error = refusal(folder.path()).to_string();
    assert!(error.contains("config.json") && error.contains("`d_model` is 0"), "{error}");
    std::fs::write(folder.path().join("config.json"), "{").unwrap();
    assert!(matches!(refusal(folder.path()), Error::Configuration { .. }));
}

/// The numbers of a file's tensors, each turned into the bytes of another type.
fn convert(file: &Path, kind: &str, narrow: impl Fn(f32) -> u16) {
    let (mut header, tensors) = parts(file);
    for (name, entry) in &mut header {
        if name != "__metadata__" {
            let offsets: Vec<u64> = (0..2).map(|i| entry["data_offsets"][i].as_u64().unwrap() / 2).collect();
            entry["data_offsets"] = serde_json::json!(offsets);
            entry["dtype"] = kind.into();
        }
    }
    let numbers = tensors.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    let bytes: Vec<u8> = numbers.flat_map(|v| narrow(v).to_le_bytes()).collect();
    assemble(file, &header, &bytes);
}

fn ahead(folder: &Path) -> Vec<f64> {
    let bolt = Bolt::open(folder, &Device::flex()).unwrap();
    let histories = [noisy_sine(100, 0.3, 90)];
    bolt.forecast(&histories, 24, Continuation::Paths, 4, &|| Ok(())).unwrap().remove(0).concat()
}

#[test]
fn half_precision_and_shards_give_nearly_or_wholly_the_same_forecast() {
    let right = ahead(&data("chronos-bolt"));
    let spread = right.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let folder = copy("chronos-bolt");
    let file = folder.path().join("model.safetensors");
    convert(&file, "BF16", |v| (v.to_bits() >> 16) as u16);
    let coarse = ahead(folder.path());
    assert!(coarse != right && coarse.iter().zip(&right).all(|(a, b)| (a - b).abs() < 0.2 * spread));
    // Truncated to binary16: exponents and fractions of these weights all fit.
    let folder = copy("chronos-bolt");
    let half = |v: f32| {
        let bits = v.to_bits();
        let exponent = ((bits >> 23) & 0xff) as i32 - 112;
        let fraction = ((bits >> 13) & 0x3ff) as u16;
        let sign = ((bits >> 16) & 0x8000) as u16;
        if exponent <= 0 { sign } else { sign | (exponent as u16) << 10 | fraction }
    };
    convert(&folder.path().join("model.safetensors"), "F16", half);
    let fine = ahead(folder.path());
    assert!(fine != right && fine.iter().zip(&right).all(|(a, b)| (a - b).abs() < 0.02 * spread));
    // Two shards.
    let folder = copy("chronos-bolt");
    let file = folder.path().join("model.safetensors");
    let (header, tensors) = parts(&file);
    let (mut first, mut second, mut map) = (header.clone(), header.clone(), serde_json::Map::new());
    first.retain(|name, _| name.starts_with("encoder"));
    second.retain(|name, _| !name.starts_with("encoder"));
    assemble(&folder.path().join("model-00001-of-00002.safetensors"), &first, &tensors);
    assemble(&folder.path().join("model-00002-of-00002.safetensors"), &second, &tensors);
    for (shard, part) in [("model-00001-of-00002.safetensors", &first), ("model-00002-of-00002.safetensors", &second)] {
        map.extend(part.keys().filter(|k| *k != "__metadata__").map(|k| (k.clone(), shard.into())));
    }
    std::fs::remove_file(&file).unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    std::fs::write(&index, serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    assert_eq!(ahead(folder.path()), right);
    std::fs::remove_file(folder.path().join("model-00002-of-00002.safetensors")).unwrap();
    assert!(
        matches!(refusal(folder.path()), Error::NotFound { path } if path.ends_with("model-00002-of-00002.safetensors"))
    );
    map.insert("x".to_string(), "../elsewhere".into());
    std::fs::write(&index, serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    assert!(matches!(Weights::open(folder.path()), Err(Error::Configuration { .. })));
}

#[test]
fn a_hub_cache_is_read_through_its_links() {
    let cache = tempfile::tempdir().unwrap();
    let repository = cache.path().join("models--someone--small");
    let snapshot = repository.join("snapshots/abc");
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), "abc").unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::os::unix::fs::symlink(data("chronos-bolt").join(file), snapshot.join(file)).unwrap();
    }
    assert_eq!(folder::cached(cache.path(), "someone/small"), Some(snapshot.clone()));
    assert_eq!(folder::locate(repository.to_str().unwrap(), "").unwrap(), snapshot);
    assert_eq!(folder::cached(cache.path(), "someone/large"), None);
    assert_eq!(ahead(&snapshot), ahead(&data("chronos-bolt")));
}

pub(crate) fn chronos_job(model: &str, targets: Vec<Vec<f64>>) -> TrialJob {
    let folder = data(model).to_str().unwrap().to_string();
    let mut job = job(panel(targets), &[]);
    job.spec.model = model.to_string();
    job.spec.hyperparameters = [(catalogue::WEIGHTS.to_string(), Setting::Text(folder))].into();
    job
}

#[test]
fn chronos_bolt_runs_as_a_trial_on_ragged_and_hostile_series() {
    let gaps = (0..70).map(|i| if i % 3 == 0 { f64::NAN } else { f64::from(i) }).collect();
    let targets =
        vec![noisy_sine(300, 0.3, 91), vec![4.0], vec![0.0; 30], gaps, vec![1e300, -1e300], vec![1e-300, 3e-300]];
    let mut job = chronos_job(CHRONOS_BOLT, targets);
    job.horizon = 70;
    job.quantile_levels = vec![0.025, 0.15, 0.5, 0.9];
    let result = forecast(&job).unwrap();
    for f in &result.forecasts {
        assert!(f.quantiles.iter().flatten().all(|v| v.is_finite()));
        assert!((0..70).all(|h| f.quantiles.windows(2).all(|pair| pair[0][h] <= pair[1][h])));
    }
    assert!(result.notes.iter().any(|n| n.contains("outermost")), "{:?}", result.notes);
    // The company of a series in a batch does not matter but for the rounding of sums.
    let mut alone = chronos_job(CHRONOS_BOLT, vec![job.panel.series[0].target.clone()]);
    (alone.horizon, alone.quantile_levels) = (70, job.quantile_levels.clone());
    alone.spec.hyperparameters.insert("batch_size".to_string(), integer(1));
    let alone = forecast(&alone).unwrap();
    let pairs = alone.forecasts[0].quantiles.iter().flatten().zip(result.forecasts[0].quantiles.iter().flatten());
    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-3), "{:?}", alone.forecasts[0]);
}

#[test]
fn a_model_without_its_weights_says_where_it_looked() {
    let mut job = chronos_job(CHRONOS_BOLT, vec![noisy_sine(50, 0.3, 92)]);
    job.spec.hyperparameters.insert(catalogue::WEIGHTS.to_string(), Setting::Text("/no/such/folder".to_string()));
    match forecast(&job) {
        Err(ForecastError::Setting { setting, problem, .. }) => {
            assert_eq!(setting, "weights");
            assert!(problem.contains("/no/such/folder"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}
