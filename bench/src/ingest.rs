//! A CSV file into its raw table, against `psql \copy` of the same rows into an equal table.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context as _;
use atsre_curation::ingest::{IngestOptions, read_path};
use atsre_store::Store;
use atsre_store::cluster::DATABASE;
use atsre_store::data::TimeAxis;

use crate::log::Database;
use crate::outcome::{Bar, Outcome, per_second};
use crate::support::Numbers;

/// Ours reads the file, infers its columns, and stores it; the peer only copies. Each goes into an empty table, twice,
/// in turns; the quicker counts.
///
/// # Errors
/// Where there is no `psql`, or the store fails.
pub async fn run(rows: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let folder = std::env::temp_dir().join(format!("atsre-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (plain, numbered) = (folder.join("plain.csv"), folder.join("numbered.csv"));
    write_files(&plain, &numbered, rows)?;
    let megabytes = std::fs::metadata(&plain)?.len() as f64 / 1e6;
    let (mut ours, mut peer) = (f64::INFINITY, f64::INFINITY);
    for turn in 1..=2 {
        let began = Instant::now();
        let table = ingest(store, &plain, turn).await?;
        ours = ours.min(began.elapsed().as_secs_f64());
        let equal = format!("raw.equal_{turn}");
        sqlx::query(&format!("CREATE TABLE {equal} (LIKE {table} INCLUDING ALL)")).execute(store.pool()).await?;
        let began = Instant::now();
        copy(store, &numbered, &equal).await?;
        peer = peer.min(began.elapsed().as_secs_f64());
        let different: i64 =
            sqlx::query_scalar(&format!("SELECT count(*) FROM (SELECT * FROM {table} EXCEPT SELECT * FROM {equal}) d"))
                .fetch_one(store.pool())
                .await?;
        anyhow::ensure!(different == 0, "{different} rows differ between {table} and {equal}");
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(Outcome {
        measured: vec![
            ("rows".into(), format!("{rows} ({megabytes:.0} MB)")),
            ("read, inferred and stored".into(), per_second(rows, ours, "rows")),
            ("psql \\copy into an equal table".into(), per_second(rows, peer, "rows")),
        ],
        what: "ratio",
        value: peer / ours,
        bar: Bar::AtLeast(0.5),
    })
}

async fn ingest(store: &Store, path: &Path, turn: u32) -> anyhow::Result<String> {
    let path = path.to_owned();
    let ingested =
        tokio::task::spawn_blocking(move || read_path(&path, &IngestOptions::for_file("plain.csv"))).await??;
    let stream = Store::dataset_stream(&format!("bench {turn}"));
    Ok(store.data().write_raw(&stream, 1, &ingested.table, TimeAxis::Calendar).await?)
}

async fn copy(store: &Store, path: &Path, table: &str) -> anyhow::Result<()> {
    let cluster = store.cluster().context("the benchmark's database is in a private cluster")?;
    let status = tokio::process::Command::new(cluster.programs().join("psql"))
        .arg(cluster.url_for("atsre_service", DATABASE))
        .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command"])
        .arg(format!("\\copy {table} FROM '{}' WITH (FORMAT csv, HEADER true)", path.display()))
        .env("PGTZ", "UTC")
        .stdin(Stdio::null())
        .status()
        .await
        .context("psql cannot be run")?;
    anyhow::ensure!(status.success(), "psql ended with {status}");
    Ok(())
}

/// Hourly rows with a target and four covariates; the second file has the row's number in front, as the table has.
fn write_files(plain: &Path, numbered: &Path, rows: u64) -> anyhow::Result<()> {
    let mut plain = std::io::BufWriter::new(std::fs::File::create(plain)?);
    let mut numbered = std::io::BufWriter::new(std::fs::File::create(numbered)?);
    let header = "time,target,temperature,humidity,wind,holiday";
    writeln!(plain, "{header}")?;
    writeln!(numbered, "row,{header}")?;
    let mut numbers = Numbers(5);
    for row in 0..rows {
        let time =
            chrono::DateTime::from_timestamp(row as i64 * 3_600, 0).context("a moment")?.format("%Y-%m-%d %H:%M:%S");
        let season = (row % 24) as f64 / 24.0 * std::f64::consts::TAU;
        let line = format!(
            "{time},{:.3},{:.2},{:.2},{:.2},{}",
            100.0 + 40.0 * season.sin() + 10.0 * numbers.share(),
            20.0 + 10.0 * numbers.share(),
            100.0 * numbers.share(),
            30.0 * numbers.share(),
            numbers.below(2)
        );
        writeln!(plain, "{line}")?;
        writeln!(numbered, "{row},{line}")?;
    }
    plain.flush()?;
    numbered.flush()?;
    Ok(())
}
