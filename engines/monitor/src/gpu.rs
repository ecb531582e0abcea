//! What a process uses of NVIDIA GPUs, by NVML.

use std::collections::BTreeMap;

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::{Device, Nvml};

/// What one process used of all GPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GpuReading {
    /// Utilisation since the reading before, in thousandths, added up over the devices.
    pub(crate) util_milli: u32,
    /// Memory now, added up over the devices.
    pub(crate) mem_bytes: u64,
    /// Energy since the reading before that falls to the process.
    pub(crate) energy_uj: u64,
    /// Whether the process was on a device.
    pub(crate) present: bool,
}

/// Where one device stood at the reading before.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    /// Microseconds of NVML's clock.
    utilisation_seen: u64,
    energy_mj: Option<u64>,
}

/// Reads the GPUs for one process.
#[derive(Debug)]
pub(crate) struct GpuReader {
    nvml: Nvml,
    pid: u32,
    last: Vec<Last>,
}

impl GpuReader {
    /// A reader; none where there is no NVML or no device.
    pub(crate) fn new(pid: u32) -> Option<Self> {
        let nvml = Nvml::init().ok()?;
        let count = nvml.device_count().ok().filter(|count| *count > 0)?;
        let last = (0..count)
            .map(|index| Last {
                utilisation_seen: 0,
                energy_mj: nvml.device_by_index(index).ok().and_then(|d| d.total_energy_consumption().ok()),
            })
            .collect();
        Some(Self { nvml, pid, last })
    }

    pub(crate) fn read(&mut self) -> GpuReading {
        let mut total = GpuReading::default();
        for (index, last) in self.last.iter_mut().enumerate() {
            let Ok(device) = self.nvml.device_by_index(index as u32) else {
                continue;
            };
            let processes = processes(&device);
            let energy_mj = device.total_energy_consumption().ok();
            let spent_mj = energy_mj.zip(last.energy_mj).map_or(0, |(now, before)| now.saturating_sub(before));
            last.energy_mj = energy_mj.or(last.energy_mj);
            let Some(memory) = processes.get(&self.pid) else {
                continue;
            };
            total.present = true;
            total.mem_bytes += memory;
            // NVML does not tell energy by process: those on the device share it alike.
            total.energy_uj += spent_mj * 1_000 / processes.len() as u64;
            total.util_milli += utilisation_milli(&device, self.pid, processes.len(), last);
        }
        total
    }
}

/// The processes on a device, with their memory. A context can be listed as compute and as graphics: it counts once.
fn processes(device: &Device<'_>) -> BTreeMap<u32, u64> {
    let mut found = BTreeMap::new();
    let compute = device.running_compute_processes().unwrap_or_default();
    let graphics = device.running_graphics_processes().unwrap_or_default();
    for process in compute.into_iter().chain(graphics) {
        let bytes = match process.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => bytes,
            UsedGpuMemory::Unavailable => 0,
        };
        let entry = found.entry(process.pid).or_insert(0);
        *entry = bytes.max(*entry);
    }
    found
}

/// The mean of NVML's samples of this process since the reading before; where the device keeps none, its overall
/// utilisation, if the process has it for itself.
fn utilisation_milli(device: &Device<'_>, pid: u32, processes: usize, last: &mut Last) -> u32 {
    match device.process_utilization_stats(last.utilisation_seen) {
        Ok(samples) => {
            let newest = samples.iter().map(|s| s.timestamp).max();
            last.utilisation_seen = newest.unwrap_or(0).max(last.utilisation_seen);
            let own: Vec<u32> = samples.iter().filter(|s| s.pid == pid).map(|s| s.sm_util.min(100)).collect();
            if own.is_empty() { 0 } else { own.iter().sum::<u32>() * 10 / own.len() as u32 }
        }
        Err(_) if processes == 1 => device.utilization_rates().map_or(0, |rates| rates.gpu.min(100) * 10),
        Err(_) => 0,
    }
}
