//! The catalogue and the registry say the same.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;

use atsre_domain::catalogue::Family;
use atsre_domain::model::{Device, ModelSpec, Setting};
use atsre_forecast::{Registry, Settings, catalogue, catalogue::entry};

#[test]
fn every_classical_model_is_in_the_catalogue_and_takes_its_own_defaults() {
    let registry = Registry::classical();
    let listed: BTreeSet<_> = catalogue().iter().map(|e| e.name).collect();
    for name in registry.names() {
        assert!(listed.contains(name), "{name}");
        let entry = entry(name).unwrap();
        let spec = ModelSpec {
            framework: entry.framework.to_string(),
            model: name.to_string(),
            hyperparameters: entry.defaults.clone(),
            covariates: Vec::new(),
            device: Device::Cpu,
        };
        let model = registry.build(&spec).unwrap();
        assert_eq!(model.name(), name);
        assert_eq!(model.minimum_length(1, 1).max(2), entry.minimum_length as usize, "{name}");
    }
}

#[test]
fn names_are_unique_and_costs_positive() {
    let all = catalogue();
    let names: BTreeSet<_> = all.iter().map(|e| e.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(names.contains("nhits"));
    assert!(all.iter().all(|e| e.cost.seconds_per_million > 0.0 && e.cost.fixed_bytes > 0));
}

#[test]
fn a_planner_that_takes_the_first_network_takes_nhits() {
    let all = catalogue();
    let first = all.iter().find(|e| e.family == Family::Deep).unwrap();
    assert_eq!(first.name, "nhits");
    assert_eq!(all.iter().filter(|e| e.family == Family::Deep).count(), 9);
}

#[test]
fn settings_adopt_numbers_where_nothing_is_lost() {
    let entry = entry("ridge").unwrap();
    let resolve = |name: &str, value: Setting| {
        let spec = ModelSpec {
            framework: "atsre".to_string(),
            model: "ridge".to_string(),
            hyperparameters: [(name.to_string(), value)].into(),
            covariates: Vec::new(),
            device: Device::Cpu,
        };
        Settings::resolve(&entry, &spec)
    };
    let number = |v: f64| Setting::Number(atsre_domain::Finite::of(v).unwrap());
    assert_eq!(resolve("lags", number(7.0)).unwrap().size("lags", 0..=10).unwrap(), 7);
    assert!(resolve("lags", number(7.5)).is_err());
    assert!(
        (resolve("penalty", Setting::Integer(2)).unwrap().number("penalty", 0.0..=5.0).unwrap() - 2.0).abs() < 1e-12
    );
    let periods = resolve("seasonal_periods", Setting::Integer(24)).unwrap();
    assert_eq!(periods.sizes("seasonal_periods", 2..=100).unwrap(), vec![24]);
    assert!(periods.sizes("seasonal_periods", 2..=20).is_err());
}
