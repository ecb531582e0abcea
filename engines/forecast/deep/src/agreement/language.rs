//! The cases of the first Chronos. It samples, so what is compared is what comes before: words, states and scores, and
//! the path of the likeliest words.

use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;

use super::{Error, Verdict, flat, verdict};
use crate::chronos::language::ChronosT5;

/// What sums in f32 may differ by, of the largest state or score; a mistake in the network moves them by about their own
/// size.
const ROUNDING: f64 = 5e-5;

pub(super) fn judge(folder: &Path, reference: &Value, device: &Device) -> Result<Vec<Verdict>, Error> {
    let model = ChronosT5::open(folder, device)?;
    let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|v| f64::from(*v)).collect() };
    let own = |case: &str, ours: &[f64], theirs: &Value, relative: f64| {
        let theirs = flat(theirs);
        let size = theirs.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        Verdict { bound: relative * size, ..verdict(case.to_string(), ours, &theirs, &theirs) }
    };
    let mut verdicts = Vec::new();
    for (key, ours) in [
        ("bin_centers", model.tokens().centres()),
        ("bin_boundaries_without_the_two_infinite_ends", model.tokens().boundaries()),
    ] {
        if let Some(right) = reference.get(key) {
            verdicts.push(own(key, &wide(ours), right, 1e-7));
        }
    }
    for case in reference["cases"].as_array().into_iter().flatten() {
        let name = case["name"].as_str().unwrap_or("unnamed");
        let history = flat(&case["input"]);
        let first = history.len().saturating_sub(model.configuration().context);
        let input = model.tokens().tokenized(&history[first..]);
        let words: Vec<f64> = input.words.iter().map(|w| *w as f64).collect();
        verdicts.push(own(&format!("{name}: words"), &words, &case["token_ids"], 0.0));
        verdicts.push(own(&format!("{name}: scale"), &[input.scale], &case["scale"], 1e-6));
        if case.get("encoder_output").is_some() {
            let states = wide(&model.encoded(&input)?);
            verdicts.push(own(&format!("{name}: states"), &states, &case["encoder_output"], ROUNDING));
        }
        let mut memory = model.listen(&input, 1);
        let mut scores = Vec::new();
        for word in flat(&case["decoder_input_ids"]) {
            scores.extend(wide(&model.speak(&[word as usize], &mut memory)?.concat()));
        }
        verdicts.push(own(&format!("{name}: scores"), &scores, &case["decoder_logits"], ROUNDING));
        let (ids, values) = greedy(&model, &input, flat(&case["greedy_ids"]).len())?;
        verdicts.push(own(&format!("{name}: likeliest words"), &ids, &case["greedy_ids"], 0.0));
        verdicts.push(own(&format!("{name}: their values"), &values, &case["greedy_values"], 1e-6));
    }
    Ok(verdicts)
}

fn greedy(
    model: &ChronosT5,
    input: &crate::chronos::language::Tokenized,
    steps: usize,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let mut memory = model.listen(input, 1);
    let (mut ids, mut values) = (Vec::new(), Vec::new());
    let mut last = model.configuration().start();
    for _ in 0..steps {
        let scores = model.speak(&[last], &mut memory)?.concat();
        let allowed = scores.iter().enumerate().filter(|(word, _)| *word != model.configuration().end());
        // The first of equals, as PyTorch's argmax.
        let best = allowed
            .fold((0, f32::NEG_INFINITY), |best, (word, score)| if *score > best.1 { (word, *score) } else { best });
        last = best.0;
        ids.push(last as f64);
        values.push(model.tokens().value(last, input.scale));
    }
    Ok((ids, values))
}
