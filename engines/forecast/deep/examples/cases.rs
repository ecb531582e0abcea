//! Judges reference cases of pretrained models: `cargo run -p atsre-forecast-deep --example cases -- FOLDER [cpu|gpu]`.
//!
//! FOLDER holds `config.json`, `model.safetensors` and `reference.json`, or folders that do. One line a case, then a
//! total; exit code 1 where a case differs.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use atsre_domain::model::Device;
use atsre_forecast_deep::agreement::{self, Verdict};
use atsre_forecast_deep::device::{self, SoftwareAdapter};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), device) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: cases FOLDER [cpu|gpu]");
        return ExitCode::from(2);
    };
    match judge(Path::new(&folder), if device.as_deref() == Some("gpu") { Device::Gpu } else { Device::Cpu }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn judge(folder: &Path, device: Device) -> Result<bool, Box<dyn std::error::Error>> {
    let device = device::open(device, SoftwareAdapter::Allow)?;
    let mut folders: Vec<PathBuf> = vec![folder.to_path_buf()];
    if !folder.join("reference.json").exists() {
        folders = std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        folders.retain(|f| f.join("reference.json").exists());
        folders.sort();
    }
    if folders.is_empty() {
        return Err(format!("{} has no reference.json, nor has a folder in it", folder.display()).into());
    }
    let (mut all, mut agreeing) = (0, 0);
    for folder in &folders {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        for Verdict { case, compared, worst, bound } in agreement::judge(folder, &device)? {
            let agrees = worst <= bound;
            let word = if agrees { "agrees" } else { "differs" };
            println!("{name} {case}: {word}, at most {worst:.1e} of the allowed {bound:.1e} ({compared} values)");
            all += 1;
            agreeing += usize::from(agrees);
        }
    }
    println!("{agreeing} of {all} cases agree");
    Ok(agreeing == all)
}
