//! Sampling one process.

use std::time::Duration;

use atsre_domain::Timestamp;
use atsre_domain::failure::Usage;
use atsre_domain::telemetry::EnergySource;

use crate::MonitorError;
use crate::gpu::GpuReader;
use crate::power::Rapl;
use crate::process::{Reader, Reading};

/// How a process is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplerOptions {
    /// How long the caller waits between two samples; from 100 ms, 1 s by default.
    pub interval: Duration,
    /// The power assumed for one busy core where the processor does not count its energy, in milliwatts. The
    /// default, 10 W, lies between a server core (3 to 6 W) and a desktop core under full load (10 to 20 W).
    pub core_milliwatts: u32,
}

impl SamplerOptions {
    /// The shortest interval.
    pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
}

impl Default for SamplerOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), core_milliwatts: 10_000 }
    }
}

/// What a process used of the GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuSample {
    /// Utilisation since the sample before, in thousandths of one GPU, added up over the GPUs.
    pub util_milli: u32,
    /// Memory now, in bytes, added up over the GPUs.
    pub mem_bytes: u64,
}

/// One look at a process. In the first sample, what was used is counted from the start of the process, but for
/// the rate `cpu_milli`, which needs two samples and is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// CPU use since the sample before, in thousandths of one core.
    pub cpu_milli: u32,
    /// Resident set, in bytes.
    pub rss_bytes: u64,
    /// Bytes read from disk since the sample before.
    pub io_read_bytes: u64,
    /// Bytes written to disk since the sample before.
    pub io_write_bytes: u64,
    /// GPU use; absent without NVML.
    pub gpu: Option<GpuSample>,
    /// Energy since the sample before, in millijoules.
    pub energy_mj: u64,
    /// How the energy is known; [`EnergySource::Nvml`] where part of it is a GPU's.
    pub energy_source: EnergySource,
    /// Where the processor's part is an estimate, the power assumed for one busy core, in milliwatts.
    pub assumed_core_milliwatts: Option<u32>,
}

/// Looks at one process.
#[derive(Debug)]
pub struct Sampler {
    pid: u32,
    options: SamplerOptions,
    reader: Reader,
    gpu: Option<GpuReader>,
    rapl: Option<Rapl>,
    first: Option<Timestamp>,
    last: Option<(Timestamp, Reading)>,
    /// Energy used and not yet reported, below one millijoule.
    carry_uj: u64,
    usage: Usage,
}

impl Sampler {
    /// Begins to watch a process. An interval below [`SamplerOptions::SHORTEST_INTERVAL`] is raised to it.
    ///
    /// # Errors
    /// [`MonitorError::NoSuchProcess`] where the process is not there, [`MonitorError::Unsupported`] where the
    /// system says nothing about processes.
    pub fn new(pid: u32, options: SamplerOptions) -> Result<Self, MonitorError> {
        let (reader, reading) = Reader::new(pid)?;
        let options = SamplerOptions { interval: options.interval.max(SamplerOptions::SHORTEST_INTERVAL), ..options };
        let usage = Usage { cpu_ms: reading.cpu_ms, peak_rss_bytes: reading.peak_rss_bytes, ..Usage::default() };
        Ok(Self {
            pid,
            options,
            reader,
            gpu: GpuReader::new(pid),
            rapl: Rapl::of_machine(),
            first: None,
            last: None,
            carry_uj: 0,
            usage,
        })
    }

    /// The process watched.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// How long to wait between two samples.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.options.interval
    }

    /// Looks at the process; `now` is the present moment.
    ///
    /// # Errors
    /// [`MonitorError::Ended`] once the process has ended; [`usage`](Self::usage) then holds what was seen.
    pub fn sample(&mut self, now: Timestamp) -> Result<Sample, MonitorError> {
        let reading = self.reader.read()?;
        let before = self.last.map_or(Reading::default(), |(_, reading)| reading);
        let cpu_ms = reading.cpu_ms.saturating_sub(before.cpu_ms);
        let gpu = self.gpu.as_mut().map(GpuReader::read);
        let (cpu_uj, cpu_source) = self.processor_energy(cpu_ms);
        let gpu_uj = gpu.map_or(0, |g| g.energy_uj);
        let total_uj = self.carry_uj + cpu_uj + gpu_uj;
        self.carry_uj = total_uj % 1_000;
        let energy_mj = total_uj / 1_000;

        let sample = Sample {
            at: now,
            cpu_milli: self.last.map_or(0, |(then, _)| cpu_milli(cpu_ms, now.0.saturating_sub(then.0))),
            rss_bytes: reading.rss_bytes,
            io_read_bytes: reading.read_bytes.saturating_sub(before.read_bytes),
            io_write_bytes: reading.written_bytes.saturating_sub(before.written_bytes),
            gpu: gpu.map(|g| GpuSample { util_milli: g.util_milli, mem_bytes: g.mem_bytes }),
            energy_mj,
            energy_source: if gpu.is_some_and(|g| g.present) { EnergySource::Nvml } else { cpu_source },
            assumed_core_milliwatts: (cpu_source == EnergySource::Estimate).then_some(self.options.core_milliwatts),
        };
        self.account(&sample, &reading);
        self.last = Some((now, reading));
        Ok(sample)
    }

    /// What was used so far, and the peaks: the resident set's is the kernel's own where it keeps one. The wall
    /// time is that from the first to the last sample.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    fn processor_energy(&mut self, cpu_ms: u64) -> (u64, EnergySource) {
        if let Some(energy) = self.rapl.as_mut().and_then(|rapl| rapl.share_uj(cpu_ms)) {
            return (energy, EnergySource::Rapl);
        }
        // A counter that has failed once is not asked again: a gap in it could not be told from work.
        self.rapl = None;
        (cpu_ms * u64::from(self.options.core_milliwatts), EnergySource::Estimate)
    }

    fn account(&mut self, sample: &Sample, reading: &Reading) {
        let first = *self.first.get_or_insert(sample.at);
        self.usage.wall_ms = sample.at.millis_since(first);
        self.usage.cpu_ms = self.usage.cpu_ms.max(reading.cpu_ms);
        self.usage.peak_rss_bytes = self.usage.peak_rss_bytes.max(reading.peak_rss_bytes);
        self.usage.energy_mj += sample.energy_mj;
        if let Some(gpu) = sample.gpu {
            let peak = self.usage.peak_gpu_mem_bytes.get_or_insert(0);
            *peak = gpu.mem_bytes.max(*peak);
        }
    }
}

/// Thousandths of one core; zero where no time has passed.
fn cpu_milli(cpu_ms: u64, elapsed_us: i64) -> u32 {
    let Ok(elapsed) = u64::try_from(elapsed_us) else {
        return 0;
    };
    let milli = (cpu_ms * 1_000_000).checked_div(elapsed).unwrap_or(0);
    u32::try_from(milli).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(missing_docs)]
    use super::cpu_milli;

    #[test]
    fn thousandths_of_a_core() {
        assert_eq!(cpu_milli(500, 1_000_000), 500);
        assert_eq!(cpu_milli(4_000, 1_000_000), 4_000);
        assert_eq!(cpu_milli(10, 0), 0);
        assert_eq!(cpu_milli(10, -5), 0);
    }
}
