//! A virtual environment for the peers, made once for each list of requirements.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Every library that could start threads is told to use one.
pub const SINGLE_THREAD: [(&str, &str); 7] = [
    ("OMP_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    ("NUMEXPR_NUM_THREADS", "1"),
    ("VECLIB_MAXIMUM_THREADS", "1"),
    ("NUMBA_NUM_THREADS", "1"),
    ("RAYON_NUM_THREADS", "1"),
];

/// A file that is there once the packages are installed.
const READY: &str = "requirements.installed";

/// A virtual environment with the peers' packages.
#[derive(Clone, Debug)]
pub struct Environment {
    python: PathBuf,
}

impl Environment {
    /// Makes the environment that `requirements` (the text of a requirements file, every version pinned) describes, or
    /// takes the one made before. It lies under `folder`, named after the requirements.
    ///
    /// # Errors
    /// There is no `python3`, it cannot make virtual environments, or a package cannot be installed; the message says
    /// what to do.
    pub fn prepare(folder: &Path, requirements: &str) -> Result<Self> {
        Self::prepare_with("python3", folder, requirements)
    }

    /// [`Environment::prepare`] with another interpreter than `python3`.
    ///
    /// # Errors
    /// As there.
    pub fn prepare_with(interpreter: &str, folder: &Path, requirements: &str) -> Result<Self> {
        let digest = blake3::hash(requirements.as_bytes()).to_hex();
        let home = folder.join(format!("peers-{}", &digest.as_str()[..12]));
        let python = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if home.join(READY).exists() && python.exists() {
            return Ok(Self { python });
        }
        let version = Command::new(interpreter).arg("--version").output();
        let version = version.with_context(|| {
            format!("cannot run `{interpreter}`: the peers are Python libraries; install Python 3.10 or later with its venv module")
        })?;
        ensure!(version.status.success(), "`{interpreter} --version` failed: {}", text(&version.stderr));
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        eprintln!("installing the peers into {}", home.display());
        let made =
            Command::new(interpreter).args(["-m", "venv"]).arg(&home).output().context("cannot start python3")?;
        ensure!(
            made.status.success(),
            "`{interpreter} -m venv` failed ({}); on Debian its module is in the package python3-venv",
            text(&made.stderr)
        );
        let listed = home.join("requirements.txt");
        std::fs::write(&listed, requirements).with_context(|| format!("cannot write {}", listed.display()))?;
        let mut install = Command::new(&python);
        install
            .args(["-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", "--requirement"])
            .arg(&listed);
        let installed = install.output().context("cannot start pip")?;
        ensure!(
            installed.status.success(),
            "pip could not install the peers (is the network there?): {}",
            text(&installed.stderr)
        );
        std::fs::write(home.join(READY), requirements)?;
        Ok(Self { python })
    }

    /// Runs a script with these arguments and with `input` on its standard input, and gives the JSON document that it
    /// wrote to standard output. On one thread; Python's hashes are fixed.
    ///
    /// # Errors
    /// The script cannot be started, fails (the end of what it wrote to standard error is in the message), or writes
    /// something else than JSON.
    pub fn run(&self, script: &Path, arguments: &[&str], input: &str) -> Result<Value> {
        let mut command = Command::new(&self.python);
        command.arg("-W").arg("ignore").arg(script).args(arguments).envs(SINGLE_THREAD).env("PYTHONHASHSEED", "0");
        answer(&mut command, input).with_context(|| format!("{} {}", script.display(), arguments.join(" ")))
    }
}

/// Runs this very program with other arguments in a process of its own, on `threads` threads, and gives the JSON
/// document that it wrote to standard output.
///
/// # Errors
/// As [`Environment::run`].
pub fn in_own_process(arguments: &[&str], threads: usize) -> Result<Value> {
    let program = std::env::current_exe().context("cannot tell this program's own path")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(SINGLE_THREAD).env("RAYON_NUM_THREADS", threads.to_string());
    answer(&mut command, "").with_context(|| arguments.join(" "))
}

fn answer(command: &mut Command, input: &str) -> Result<Value> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut pipe = child.stdin.take().context("the process has no standard input")?;
    let owned = input.to_owned();
    // A process that ends before it has read everything says why itself.
    let writer = std::thread::spawn(move || pipe.write_all(owned.as_bytes()).is_ok());
    let output = child.wait_with_output()?;
    drop(writer.join());
    if !output.status.success() {
        let error = text(&output.stderr);
        let end: Vec<&str> = error.lines().rev().take(6).collect();
        bail!("failed ({}): {}", output.status, end.into_iter().rev().collect::<Vec<_>>().join(" | "));
    }
    let written = text(&output.stdout);
    // Libraries greet; the document is the last line.
    let document = written.lines().next_back().unwrap_or_default();
    serde_json::from_str(document).with_context(|| format!("the last line is not JSON: {document:.200}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
