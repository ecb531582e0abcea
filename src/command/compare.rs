//! `atsre compare` and `atsre forks`: branches side by side, and the tree that they grow on.

use std::process::ExitCode;

use anyhow::Context as _;
use atsre_replay::compare::{compare, page, text};

use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Compares experiments from where they part: text, JSON, and a page among the reports.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, experiments: &[String], json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let mut streams = Vec::new();
    for named in experiments {
        streams.push(node::find_experiment(&store, named).await?);
    }
    let comparison = compare(&store, &streams).await.map_err(|error| match error {
        atsre_replay::compare::Error::Store(error) => Failure::from(error),
        wrong => Failure::usage(wrong),
    })?;
    store.close().await;
    let folder = config.report_folder();
    let path = folder.join(format!("compare-{}.html", file_name(experiments)));
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    std::fs::write(&path, page(&comparison)).with_context(|| format!("{} cannot be written", path.display()))?;
    if json {
        let mut document = serde_json::to_value(&comparison)?;
        if let Some(fields) = document.as_object_mut() {
            fields.insert("page".to_owned(), path.display().to_string().into());
        }
        output::json(&document)?;
    } else {
        output::say(text(&comparison));
        output::say(format!("Page: {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The experiments as part of a file's name: names of people's choosing never become paths.
fn file_name(experiments: &[String]) -> String {
    experiments.iter().map(|name| plain(name)).collect::<Vec<_>>().join("-with-")
}

/// A name in plain letters, digits and dashes.
pub(super) fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// The tree of forks that an experiment belongs to.
///
/// # Errors
/// What the user is told.
pub async fn forks(config: &Config, experiment: &str, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let stream = node::find_experiment(&store, experiment).await?;
    let tree = atsre_replay::forks(&store, &stream).await?;
    store.close().await;
    if json {
        output::json(&tree)?
    } else {
        output::say(tree.text())
    }
    Ok(ExitCode::SUCCESS)
}
