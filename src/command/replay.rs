//! `atsre replay`: a recorded history, decided again by today's code.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use anyhow::Context as _;
use atsre_replay::{Evidence, Redecided, Standing, redecide};
use serde_json::{Value, json};

use super::verify::DIFFERS;
use crate::cli::Replay;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, asked: &Replay, json: bool) -> Result<ExitCode, Failure> {
    let evidence = match (&asked.bundle, &asked.experiment) {
        (Some(file), _) => {
            let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
            Evidence::from_bundle(BufReader::new(opened))?
        }
        (None, Some(experiment)) => {
            let store = node::open_store(config).await?;
            let stream = node::find_experiment(&store, experiment).await?;
            let evidence = Evidence::from_store(&store, &stream).await;
            store.close().await;
            evidence?
        }
        (None, None) => return Err(Failure::usage("name an experiment, or give --bundle FILE".to_owned())),
    };
    let redecided = redecide(&evidence);
    if json {
        output::json(&document(&redecided))?
    } else {
        print(&redecided)
    }
    Ok(if redecided.agrees() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

fn document(redecided: &Redecided) -> Value {
    json!({
        "ok": redecided.agrees(),
        "experiment": redecided.experiment,
        "events": redecided.verdicts.len(),
        "decided": redecided.count(Standing::Decided),
        "accepted": redecided.count(Standing::Accepted),
        "unchecked": redecided.count(Standing::Unchecked),
        "differs": redecided.count(Standing::Differs),
        "first_difference": redecided.first_difference(),
        "verdicts": redecided.verdicts,
    })
}

fn print(redecided: &Redecided) {
    for verdict in &redecided.verdicts {
        let mark = match verdict.standing {
            // What effects and people brought is the bulk of a history; the JSON has it all.
            Standing::Accepted => continue,
            Standing::Decided => "✓",
            Standing::Unchecked => "?",
            Standing::Differs => "✗",
        };
        output::say(format!("{mark} {:>6}  {:<18} {}", verdict.position, verdict.event_type, verdict.rule));
        if let Some(departure) = &verdict.departure {
            output::say(format!("          {departure}"));
        }
    }
    let [decided, accepted, unchecked, differs] =
        [Standing::Decided, Standing::Accepted, Standing::Unchecked, Standing::Differs].map(|s| redecided.count(s));
    output::say(format!(
        "{} events: {decided} decisions come out the same today, {accepted} outcomes are accepted as they were, \
         {unchecked} cannot be checked, {differs} differ",
        redecided.verdicts.len()
    ));
    match redecided.first_difference() {
        None => output::say("✓ today's code takes the recorded decisions"),
        Some(first) => output::say(format!(
            "✗ the first that today's code takes otherwise: event {} ({}); the rule: {}",
            first.position, first.event_type, first.rule
        )),
    }
}
