//! A home of its own for each test: the program runs in it, and its private Postgres ends with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A home folder with its private cluster.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("atsre-test-").tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program with this home, without what the developer's environment says.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atsre"));
        command
            .args(arguments)
            .env("ATSRE_HOME", self.path())
            .env_remove("DATABASE_URL")
            .env_remove("RUST_LOG")
            .env_remove("ATSRE_WORKER_FAULT")
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs with `--json` and expects success.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        succeeded(&output);
        serde_json::from_slice(&output.stdout).expect("one JSON document and nothing else")
    }

    /// Runs SQL as the owner and gives what psql prints, unaligned.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let output = self.run(&["db", "psql", "--", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        succeeded(&output);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Best effort: a test that failed may have no cluster.
        let _ = self.command(&["db", "stop"]).output();
    }
}

pub(crate) fn succeeded(output: &Output) {
    assert!(
        output.status.success(),
        "exit {:?}\nstdout: {}\nstderr: {}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A seasonal series with a trend, as CSV.
pub(crate) fn seasonal_csv(rows: usize) -> String {
    let mut text = String::from("date,demand,temperature\n");
    for day in 0..rows {
        let season = [0.0, 2.0, 5.0, 3.0, -1.0, -4.0, -5.0][day % 7];
        let temperature = 10.0 + 8.0 * ((day as f64) * 0.21).sin() + f64::from((day as u32 * 7919) % 13) / 10.0;
        let noise = f64::from((day as u32 * 104_729) % 17) / 17.0;
        let demand = 100.0 + 0.05 * day as f64 + 4.0 * season + 0.8 * temperature + noise;
        let date = chrono::NaiveDate::from_ymd_opt(2021, 1, 1).unwrap() + chrono::Days::new(day as u64);
        text.push_str(&format!("{date},{demand:.3},{temperature:.3}\n"));
    }
    text
}
