//! `atsre reproduce`: runs a trial, or all trials of an experiment, again from the record.

use std::process::ExitCode;

use atsre_actors::reproduce::{Reproduction, Verdict, reproduce};
use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::{Event, Experiment};
use atsre_domain::{Position, StreamId, TrialNumber};
use atsre_store::Store;

use super::verify::DIFFERS;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, named: &str, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let (stream, numbers) = find(&store, named).await?;
    store.load::<Experiment>(&stream).await?.state.ensure_input().map_err(Failure::usage)?;
    let services = node::services(config, store.clone())?;
    let mut reproductions = Vec::new();
    for number in numbers {
        if !json {
            output::note(format!("trial {number} runs again"));
        }
        reproductions.push(reproduce(&services, &stream, number).await?);
    }
    store.close().await;
    if json {
        output::json(&serde_json::json!({ "reproductions": reproductions }))?;
    } else {
        reproductions.iter().for_each(tell);
    }
    let diverged = reproductions.iter().any(|r| matches!(r.verdict, Verdict::Diverged { .. }));
    Ok(if diverged { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}

/// A trial by its id, or the trials of an experiment that gave a result.
async fn find(store: &Store, named: &str) -> Result<(StreamId, Vec<TrialNumber>), Failure> {
    if let Ok(position) = named.parse::<u64>() {
        let head = store.log().head().await?.position;
        if position > 0 && position <= head.0 {
            let stored = store.log().event(Position(position)).await?;
            match stored.decode()? {
                AnyEvent::Experiment(Event::TrialQueued(e)) => return Ok((stored.stream, vec![e.trial])),
                AnyEvent::Experiment(Event::EnsembleBuilt(e)) => return Ok((stored.stream, vec![e.trial])),
                _ => {}
            }
        }
    }
    let stream = node::find_experiment(store, named).await.map_err(|_| {
        Failure::usage(format!("{named} is neither a trial nor an experiment; `atsre trials` lists them"))
    })?;
    let experiment = store.load::<Experiment>(&stream).await?.state;
    let completed = experiment.trials.iter().filter(|(_, trial)| trial.completed()).map(|(number, _)| *number);
    let numbers = completed.chain(experiment.ensemble.as_ref().map(|ensemble| ensemble.trial)).collect();
    Ok((stream, numbers))
}

fn tell(reproduction: &Reproduction) {
    let (number, model) = (reproduction.trial_no, &reproduction.model);
    match &reproduction.verdict {
        Verdict::Bitwise => output::say(format!("✓ trial {number} {model}: bitwise equal")),
        Verdict::WithinTolerance { largest, first } => {
            output::say(format!(
                "≈ trial {number} {model}: within tolerance, at most {largest:.1e} off, first at {first}"
            ));
        }
        Verdict::Diverged { largest, first } => {
            let far = largest.map_or_else(String::new, |largest| format!(", up to {largest:.1e} off"));
            output::say(format!("✗ trial {number} {model}: diverged{far}, first at {first}"));
        }
    }
    for different in &reproduction.different_inputs {
        output::say(format!("    {different}"));
    }
    if reproduction.different_inputs.is_empty() && reproduction.verdict != Verdict::Bitwise {
        output::say("    no input on record differs: data, seed, build and processor are the same");
    }
}
