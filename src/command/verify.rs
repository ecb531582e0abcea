//! `atsre verify`: is the history whole and unaltered?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use atsre_replay::anchor::{Anchor, AnchorFile, AnchorKey};
use atsre_replay::{Options, Thoroughness, Verification, verify_stream, verify_with};

use crate::anchors;
use crate::cli::Verify;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// The exit code when something differs.
pub const DIFFERS: u8 = 3;

/// How often a long verification says how far it is.
const TELL: Duration = Duration::from_secs(1);

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, asked: &Verify, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let began = Instant::now();
    let verification = match &asked.experiment {
        Some(named) => {
            let stream = node::find_experiment(&store, named).await?;
            verify_stream(&store, "experiment", &stream).await?
        }
        None => {
            // Without a run of its own, such as after an import, a data directory has no anchors yet.
            let own = anchors::file(config);
            let own = if own.path().exists() { own.read()? } else { Vec::new() };
            let given = asked.anchor.as_ref().map(|path| AnchorFile::new(path).read()).transpose()?.unwrap_or_default();
            let all: Vec<Anchor> = own.into_iter().chain(given).collect();
            let key = anchors::key_path(config);
            let trusted = if key.exists() { vec![AnchorKey::open(&key)?.public()] } else { Vec::new() };
            let since = asked.since.map(|position| anchor_at(&all, position)).transpose()?;
            let options = Options { anchors: &all, trusted: &trusted, since, thoroughness: Thoroughness::Everything };
            let mut told = Instant::now();
            verify_with(&store, &options, |done, all| {
                if !json && told.elapsed() >= TELL {
                    told = Instant::now();
                    let rate = done as f64 / began.elapsed().as_secs_f64();
                    output::note(format!("{done} of {all} events verified, {rate:.0} a second"));
                }
            })
            .await?
        }
    };
    store.close().await;
    if json {
        output::json(&verification)?;
    } else {
        print(&verification, began.elapsed().as_secs_f64());
    }
    Ok(if verification.ok { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

fn anchor_at(anchors: &[Anchor], position: u64) -> Result<&Anchor, Failure> {
    anchors.iter().find(|anchor| anchor.position.0 == position).ok_or_else(|| {
        let known: Vec<String> = anchors.iter().rev().take(10).map(|anchor| anchor.position.to_string()).collect();
        Failure::usage(format!("there is no anchor of position {position}; the newest are of {}", known.join(", ")))
    })
}

fn print(verification: &Verification, seconds: f64) {
    for difference in &verification.differences {
        output::say(format!("✗ event {} ({}): {}", difference.position, difference.kind, difference.detail));
    }
    for erased in &verification.erasures {
        output::say(format!(
            "• {} was erased at position {} ({}) by {}: {}; {} artifacts cannot be read any more",
            erased.dataset, erased.position, erased.erased_at, erased.by, erased.why, erased.artifacts
        ));
        if !erased.unencrypted.is_empty() {
            output::say(format!("  {} artifacts were stored in the clear and stay readable", erased.unencrypted.len()));
        }
    }
    for note in &verification.notes {
        output::say(format!("• {note}"));
    }
    let head = &verification.head;
    let verdict = if verification.ok { "✓ whole and unaltered" } else { "✗ differs" };
    output::say(format!(
        "{verdict}: {} events in {seconds:.2} s, {} anchors",
        verification.events, verification.anchors_checked
    ));
    output::say(format!("head: position {}, log hash {}", head.position, head.log_hash));
}
