//! Runs the benchmarks named on the command line, or all of them.

use anyhow::{Context as _, bail};
use atsre_bench::{Outcome, append, follow, history, ingest, sampler, verify};

/// As in the program itself: what is read in one thread is let go in another, and glibc's allocator spent a third of `verify` on that.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const NAMES: [&str; 9] = ["append", "follow", "verify", "verify-log", "as-of", "fork", "bundle", "ingest", "sampler"];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut names, mut size) = (Vec::new(), None);
    while let Some(argument) = arguments.next() {
        if argument == "--size" {
            let number = arguments.next().context("--size needs a number")?;
            size = Some(number.parse().with_context(|| format!("--size {number}: not a number"))?);
        } else if NAMES.contains(&argument.as_str()) {
            names.push(argument);
        } else {
            bail!("there is no benchmark {argument}; there are {}", NAMES.join(", "));
        }
    }
    if names.is_empty() {
        names = NAMES.map(str::to_owned).to_vec();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for name in names {
        let outcome = runtime.block_on(run(&name, size))?;
        println!("{name}\n{outcome}");
    }
    Ok(())
}

async fn run(name: &str, size: Option<u64>) -> anyhow::Result<Outcome> {
    match name {
        "append" => append::run(size.unwrap_or(2_000)).await,
        "follow" => follow::run(size.unwrap_or(100_000)).await,
        "verify" => verify::everything(size.unwrap_or(1_000_000)).await,
        "verify-log" => verify::log(size.unwrap_or(200_000)).await,
        "as-of" => history::as_of_moment(size.unwrap_or(1_000_000)).await,
        "fork" => history::forks(size.unwrap_or(1_000_000)).await,
        "bundle" => history::bundles(size.unwrap_or(50_000)).await,
        "ingest" => ingest::run(size.unwrap_or(1_000_000)).await,
        _ => sampler::run(size.unwrap_or(300)),
    }
}
