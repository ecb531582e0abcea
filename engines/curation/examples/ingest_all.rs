//! Reads every CSV file below a folder and prints one line for each: what was made of it, or why it was refused.
//!
//! `cargo run --release -p atsre-curation --example ingest_all -- FOLDER [--details]`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use atsre_curation::ingest::{IngestOptions, Ingested, Problem, read_path};
use atsre_domain::table::ColumnRole;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "data".to_owned());
    let details = arguments.next().is_some_and(|a| a == "--details");
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files)?;
    files.sort();
    let mut out = std::io::stdout().lock();
    for file in files {
        let name = file.strip_prefix(&folder).unwrap_or(&file).display().to_string();
        let options = IngestOptions::for_file(name.clone());
        let start = Instant::now();
        let mut result = read_path(&file, &options);
        if let Err(error) = &result
            && let Problem::TargetNeeded { candidates } = &*error.problem
            && let Some(target) = candidates.last().cloned()
        {
            writeln!(out, "asked    {error}")?;
            result = read_path(&file, &options.with_target(target));
        }
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(ingested) => print(&mut out, &name, &ingested, seconds, details)?,
            Err(error) => writeln!(out, "refused  {error}")?,
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            files.push(path);
        }
    }
    Ok(())
}

fn print(out: &mut impl Write, name: &str, ingested: &Ingested, seconds: f64, details: bool) -> std::io::Result<()> {
    let of_role = |role: ColumnRole| {
        let names = ingested.table.columns.iter().filter(|c| c.role == role).map(|c| c.name.as_str());
        names.take(6).collect::<Vec<_>>().join(", ")
    };
    let axis = &ingested.axis;
    writeln!(
        out,
        "loaded   {name}: {} rows, {} series, {}, time [{}] item [{}] target [{}] covariates [{}] ignored [{}] \
         absent {} duplicate {} late {} off-grid {} ({seconds:.3} s)",
        ingested.table.rows(),
        axis.series,
        ingested.frequency,
        of_role(ColumnRole::Time),
        of_role(ColumnRole::Item),
        of_role(ColumnRole::Target),
        of_role(ColumnRole::Covariate),
        of_role(ColumnRole::Ignored),
        axis.absent,
        axis.duplicates,
        axis.out_of_order,
        axis.off_grid,
    )?;
    if details {
        for inference in &ingested.inferences {
            writeln!(out, "           {}: {} ({})", inference.subject, inference.choice, inference.reason)?;
        }
    }
    for warning in &ingested.warnings {
        writeln!(out, "           warning: {warning}")?;
    }
    Ok(())
}
