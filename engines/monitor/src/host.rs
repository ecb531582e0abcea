//! Facts about the machine.

use nvml_wrapper::Nvml;
use serde::{Deserialize, Serialize};
use sysinfo::{MemoryRefreshKind, System};

use crate::MonitorError;

/// A GPU and its memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuDevice {
    /// Its name, such as `NVIDIA H200`.
    pub name: String,
    /// Its universally unique id.
    pub uuid: String,
    /// The driver's version.
    pub driver: String,
    /// All its memory, in bytes.
    pub memory_bytes: u64,
    /// Its free memory, in bytes.
    pub free_memory_bytes: u64,
}

/// What the machine offers now; inside a container, what the container may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The machine's name.
    pub name: String,
    /// The operating system with its version.
    pub system: String,
    /// Cores that this process may use.
    pub cores: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Memory that can be had without swapping, in bytes.
    pub available_memory_bytes: u64,
    /// The processor's vector features, separated by spaces: part of what decides whether results repeat bit for
    /// bit.
    pub cpu_features: String,
    /// NVIDIA GPUs; empty without NVML.
    pub gpus: Vec<GpuDevice>,
}

/// Looks at the machine.
///
/// # Errors
/// [`MonitorError::Unsupported`] where the system gives no figures.
pub fn host() -> Result<Host, MonitorError> {
    let mut system = System::new().map_err(MonitorError::Unsupported)?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let (mut memory, mut available) = (system.total_memory(), system.available_memory());
    if let Some(limits) = system.cgroup_limits() {
        memory = memory.min(limits.total_memory);
        // File pages count as used in a control group though the kernel gives them up: only the resident set is
        // taken off.
        available = available.min(limits.total_memory.saturating_sub(limits.rss));
    }
    Ok(Host {
        name: System::host_name().unwrap_or_default(),
        system: System::long_os_version().unwrap_or_default(),
        cores: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        memory_bytes: memory,
        available_memory_bytes: available,
        cpu_features: cpu_features(),
        gpus: gpus(),
    })
}

fn gpus() -> Vec<GpuDevice> {
    let Ok(nvml) = Nvml::init() else {
        return Vec::new();
    };
    let driver = nvml.sys_driver_version().unwrap_or_default();
    (0..nvml.device_count().unwrap_or(0))
        .filter_map(|index| {
            let device = nvml.device_by_index(index).ok()?;
            let memory = device.memory_info().ok()?;
            Some(GpuDevice {
                name: device.name().unwrap_or_else(|_| format!("GPU {index}")),
                uuid: device.uuid().unwrap_or_default(),
                driver: driver.clone(),
                memory_bytes: memory.total,
                free_memory_bytes: memory.free,
            })
        })
        .collect()
}

macro_rules! detected {
    ($detect:ident: $($name:tt)*) => {
        [$(($name, std::arch::$detect!($name))),*]
    };
}

/// The processor's vector features that change how numbers are computed, separated by spaces, in a fixed order.
#[must_use]
pub fn cpu_features() -> String {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let features = detected!(is_x86_feature_detected:
        "sse2" "sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "avx" "f16c" "fma" "avx2" "bmi1" "bmi2" "avxvnni"
        "avx512f" "avx512cd" "avx512bw" "avx512dq" "avx512vl" "avx512vnni" "avx512bf16" "avx512fp16");
    #[cfg(target_arch = "aarch64")]
    let features = detected!(is_aarch64_feature_detected: "neon" "fp16" "dotprod" "bf16" "i8mm" "sve" "sve2");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let features: [(&str, bool); 0] = [];
    features.iter().filter(|(_, present)| *present).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}
