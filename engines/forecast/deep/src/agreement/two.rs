//! The cases of Chronos-2.

use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;

use super::{Error, Verdict, by_level, flat, rows, verdict};
use crate::chronos::two::{Chronos2, Group};

/// Series computed together.
const BATCH: usize = 32;

pub(super) fn judge(folder: &Path, reference: &Value, device: &Device) -> Result<Vec<Verdict>, Error> {
    let model = Chronos2::open(folder, device)?;
    let mut verdicts = Vec::new();
    for case in reference["cases"].as_array().into_iter().flatten() {
        let inputs = case["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut groups: Vec<Group> = inputs.iter().map(group).collect();
        let data: Vec<f64> = groups.iter().flat_map(|g| g.targets.concat()).collect();
        if case["cross_learning"] == true {
            let one = Group {
                targets: groups.iter().flat_map(|g| g.targets.clone()).collect(),
                past: groups.iter().flat_map(|g| g.past.clone()).collect(),
                known: groups.iter().flat_map(|g| g.known.clone()).collect(),
            };
            groups = vec![one];
        }
        let horizon = case["prediction_length"].as_u64().unwrap_or(0) as usize;
        let forecasts = model.forecast(&groups, horizon, BATCH, &|| Ok(()))?.concat();
        let name = case["name"].as_str().unwrap_or("unnamed").to_string();
        verdicts.push(verdict(name, &by_level(&forecasts), &flat(&case["quantiles"]), &data));
    }
    Ok(verdicts)
}

fn group(input: &Value) -> Group {
    let target = &input["target"];
    let several = target.get(0).is_some_and(Value::is_array);
    let mut group = Group { targets: if several { rows(target) } else { vec![flat(target)] }, ..Group::default() };
    let future = |name: &str| input["future_covariates"].get(name).filter(|v| v.is_array());
    for (name, history) in input["past_covariates"].as_object().into_iter().flatten() {
        match future(name) {
            Some(future) => group.known.push((flat(history), flat(future))),
            None => group.past.push(flat(history)),
        }
    }
    group
}
