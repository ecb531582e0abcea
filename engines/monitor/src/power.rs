//! The processor's energy: from its own counters where they can be read, else estimated.
//!
//! RAPL (running average power limit) counts the energy of each processor package; Linux shows it under
//! `/sys/class/powercap`. A process's share is its share of the processor time that the whole machine was busy:
//! what idles is shared out among those who work, so the sum over all processes is the machine's.

use std::fs;
use std::path::{Path, PathBuf};

/// Clock ticks of `/proc/stat` a second: fixed by the kernel's interface, whatever its own tick is.
const TICKS_PER_SECOND: u64 = 100;

/// One package's counter.
#[derive(Debug)]
struct Package {
    counter: PathBuf,
    /// The counter starts again from zero after this many microjoules.
    range: u64,
    last: u64,
}

/// The counters of all packages.
#[derive(Debug)]
pub(crate) struct Rapl {
    packages: Vec<Package>,
    stat: PathBuf,
    last_busy_ms: u64,
}

impl Rapl {
    /// The machine's counters; none where there are none or they cannot be read.
    pub(crate) fn of_machine() -> Option<Self> {
        Self::open(Path::new("/sys/class/powercap"), Path::new("/proc/stat"))
    }

    fn open(powercap: &Path, stat: &Path) -> Option<Self> {
        let mut zones: Vec<PathBuf> = fs::read_dir(powercap).ok()?.filter_map(|e| e.ok().map(|e| e.path())).collect();
        zones.sort();
        // Zones below a package (cores, memory) are part of it; `psys` is the whole board and would count twice.
        let is_package = |zone: &&PathBuf| {
            fs::read_to_string(zone.join("name")).is_ok_and(|name| name.trim().starts_with("package"))
        };
        let packages: Vec<Package> = zones
            .iter()
            .filter(is_package)
            .filter_map(|zone| {
                let counter = zone.join("energy_uj");
                let range = read_number(&zone.join("max_energy_range_uj"))?;
                let last = read_number(&counter)?;
                Some(Package { counter, range, last })
            })
            .collect();
        let last_busy_ms = busy_ms(stat)?;
        (!packages.is_empty()).then(|| Self { packages, stat: stat.to_owned(), last_busy_ms })
    }

    /// Microjoules since the call before that fall to a process which used so much processor time; none where a
    /// counter cannot be read any more.
    pub(crate) fn share_uj(&mut self, process_ms: u64) -> Option<u64> {
        let mut total = 0;
        for package in &mut self.packages {
            let now = read_number(&package.counter)?;
            total += if now >= package.last { now - package.last } else { now + package.range - package.last };
            package.last = now;
        }
        let now = busy_ms(&self.stat)?;
        let busy = now.saturating_sub(self.last_busy_ms);
        self.last_busy_ms = now;
        // Both clocks tick in steps of 10 ms, so the process may seem to have worked more than the machine.
        let (part, whole) = (process_ms.min(busy.max(process_ms)), busy.max(process_ms).max(1));
        Some((u128::from(total) * u128::from(part) / u128::from(whole)) as u64)
    }
}

fn read_number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Processor time that the whole machine has been busy, in milliseconds: user, nice, system, interrupts, stolen.
fn busy_ms(stat: &Path) -> Option<u64> {
    let text = fs::read_to_string(stat).ok()?;
    let mut fields = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map(str::parse::<u64>);
    let mut busy = 0;
    // The fields are user, nice, system, idle, iowait, irq, softirq, steal, …
    for (index, field) in (0..8).zip(&mut fields) {
        if index != 3 && index != 4 {
            busy += field.ok()?;
        }
    }
    Some(busy * 1_000 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]
    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    #[test]
    fn energy_is_shared_out_by_processor_time_and_survives_the_counters_turn() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(
            root,
            &[
                ("powercap/intel-rapl:0/name", "package-0\n"),
                ("powercap/intel-rapl:0/energy_uj", "9000\n"),
                ("powercap/intel-rapl:0/max_energy_range_uj", "10000\n"),
                ("powercap/intel-rapl:0:0/name", "core\n"),
                ("powercap/intel-rapl:0:0/energy_uj", "5\n"),
                ("powercap/intel-rapl:0:0/max_energy_range_uj", "10000\n"),
                ("powercap/intel-rapl:1/name", "psys\n"),
                ("powercap/intel-rapl:1/energy_uj", "5\n"),
                ("powercap/intel-rapl:1/max_energy_range_uj", "10000\n"),
                ("stat", "cpu  100 0 100 5000 70 0 0 0 0 0\ncpu0 1 1 1\n"),
            ],
        );
        let mut rapl = Rapl::open(&root.join("powercap"), &root.join("stat")).unwrap();
        assert_eq!(rapl.packages.len(), 1, "neither a part of a package nor the board counts");
        // 3,000 µJ later, over the turn; the machine was busy 40 ticks = 400 ms, the process 100 ms of them.
        write(root, &[("powercap/intel-rapl:0/energy_uj", "2000\n"), ("stat", "cpu  130 0 110 9000 99 0 0 0 0 0\n")]);
        assert_eq!(rapl.share_uj(100), Some(750));
        write(root, &[("powercap/intel-rapl:0/energy_uj", "2600\n")]);
        assert_eq!(rapl.share_uj(10), Some(600), "all of it, where nobody else was seen to work");
        assert_eq!(rapl.share_uj(0), Some(0));
        fs::remove_file(root.join("powercap/intel-rapl:0/energy_uj")).unwrap();
        assert_eq!(rapl.share_uj(10), None);
    }

    #[test]
    fn a_machine_without_counters_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Rapl::open(folder.path(), Path::new("/proc/stat")).is_none());
        assert!(Rapl::open(&folder.path().join("nothing"), Path::new("/proc/stat")).is_none());
    }
}
