//! Runs one trial from a file: `cargo run --release -p atsre-forecast --example trial -- JOB.json` prints its scores.
#![allow(clippy::expect_used, clippy::print_stdout)]

use atsre_forecast::{Registry, Silent, TrialJob, run};

fn main() {
    let path = std::env::args().nth(1).expect("the job's file is the first argument");
    let text = std::fs::read_to_string(path).expect("the file is read");
    let job: TrialJob = serde_json::from_str(&text).expect("the file is a trial job as JSON");
    let result = run(&job, &Registry::classical(), &Silent).expect("the trial runs");
    for score in &result.scores {
        let half = score.half_width.map_or(String::new(), |h| format!(" ± {h:.4}"));
        println!("{} {}: {:.4}{half}", score.split.name(), score.metric.name(), score.value);
    }
    result.notes.iter().for_each(|note| println!("{note}"));
}
