//! The cases of Chronos-Bolt.

use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;

use super::{Error, Verdict, by_level, flat, rows, verdict};
use crate::chronos::bolt::{Bolt, Continuation};
use crate::t5::{Distances, bucket};

/// Contexts computed together.
const BATCH: usize = 16;

pub(super) fn judge(folder: &Path, reference: &Value, device: &Device) -> Result<Vec<Verdict>, Error> {
    let bolt = Bolt::open(folder, device)?;
    let mut verdicts = Vec::new();
    for case in reference["cases"].as_array().into_iter().flatten() {
        let histories = rows(&case["inputs"]);
        let name = case["name"].as_str().unwrap_or("unnamed");
        let horizon = case["prediction_length"].as_u64().unwrap_or(0) as usize;
        for (key, continuation) in
            [("quantiles", Continuation::Paths), ("quantiles_median_rollout", Continuation::Median)]
        {
            let Some(right) = case.get(key) else { continue };
            let forecasts = bolt.forecast(&histories, horizon, continuation, BATCH, &|| Ok(()))?;
            let name = if key == "quantiles" { name.to_string() } else { format!("{name} (median)") };
            verdicts.push(verdict(name, &by_level(&forecasts), &flat(right), &histories.concat()));
        }
    }
    if let Some(buckets) = reference.get("relative_position_buckets") {
        verdicts.push(buckets_verdict(buckets));
    }
    Ok(verdicts)
}

fn buckets_verdict(reference: &Value) -> Verdict {
    let distances = Distances { buckets: 32, furthest: 128, both_ways: true };
    let range = flat(&reference["relative_position_key_minus_query"]);
    let (first, last) = (range.first().copied().unwrap_or(0.0) as i64, range.last().copied().unwrap_or(-1.0) as i64);
    let ours: Vec<f64> = (first..=last).map(|relative| bucket(relative, &distances) as f64).collect();
    let right = flat(&reference["buckets"]);
    Verdict { bound: 0.0, ..verdict("relative_position_buckets".to_string(), &ours, &right, &right) }
}
