//! What a table says of where and when it was measured.

/// The machine in words, such as `2 cores, x86_64, linux`.
#[must_use]
pub fn words() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let name = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("model name"))?;
        Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
    });
    let kind = name.map_or_else(String::new, |n| format!(" ({n})"));
    let plural = if cores == 1 { "" } else { "s" };
    format!("{cores} core{plural}, {}{kind}, {}", std::env::consts::ARCH, std::env::consts::OS)
}

/// Today, as `2025-01-31`.
#[must_use]
pub fn today() -> String {
    chrono::Utc::now().format("%Y-%m-%d").to_string()
}
