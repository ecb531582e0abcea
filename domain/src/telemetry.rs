//! Samples of a process, batched and columnar: 46 bytes a sample instead of 700.

use serde::{Deserialize, Serialize};

use crate::identity::Timestamp;

/// How the energy of a batch is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergySource {
    /// The GPU's own counter (NVML), plus the processor's.
    Nvml,
    /// The processor's own counter (RAPL), shared out by CPU time.
    Rapl,
    /// CPU time multiplied by a stated power per core.
    Estimate,
}

/// Consecutive samples of one worker process. All vectors have the same length, at most 60.
/// Measured fields are integers with their units in their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceBatch {
    /// The worker's process id.
    pub pid: u32,
    /// When the first sample was taken.
    pub window_start: Timestamp,
    /// When the last sample was taken.
    pub window_end: Timestamp,
    /// Each sample's time after `window_start`, in milliseconds.
    pub offset_ms: Vec<u32>,
    /// CPU use since the sample before, in thousandths of one core.
    pub cpu_milli: Vec<u32>,
    /// Resident set, in bytes.
    pub rss_bytes: Vec<u64>,
    /// Bytes read from disk since the sample before.
    pub io_read_bytes: Vec<u64>,
    /// Bytes written to disk since the sample before.
    pub io_write_bytes: Vec<u64>,
    /// GPU utilisation, in thousandths; absent without a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_util_milli: Option<Vec<u32>>,
    /// GPU memory of this process, in bytes; absent without a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_mem_bytes: Option<Vec<u64>>,
    /// Energy since the sample before, in millijoules.
    pub energy_mj: Vec<u64>,
    /// How the energy is known.
    pub energy_source: EnergySource,
    /// For an estimate, the power assumed for one busy core, in milliwatts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed_core_milliwatts: Option<u32>,
}
