//! Memory of this process.

/// Bytes of this process that were ever in memory at once, where the system tells it (Linux).
#[must_use]
pub fn peak() -> Option<u64> {
    status("VmHWM:")
}

/// Bytes of this process that are in memory now, where the system tells it (Linux).
#[must_use]
pub fn current() -> Option<u64> {
    status("VmRSS:")
}

fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_not_below_what_is_in_memory_now() {
        let held = std::hint::black_box(vec![1_u8; 8 << 20]);
        let (now, most) = (current(), peak());
        assert!(now >= Some(held.len() as u64) && most >= now, "{now:?} {most:?}");
    }
}
