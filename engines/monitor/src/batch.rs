//! Gathering samples into the columnar form of an event.

use atsre_domain::telemetry::{EnergySource, ResourceBatch};

use crate::Sample;

/// Samples in a batch, at most.
pub const MOST_SAMPLES: usize = 60;

/// How long a batch lasts, at most, in milliseconds.
pub const LONGEST_MILLIS: u64 = 30_000;

/// A batch in the making.
#[derive(Clone, Debug)]
pub struct Batch {
    pid: u32,
    samples: Vec<Sample>,
}

impl Batch {
    /// An empty batch for a process.
    #[must_use]
    pub const fn new(pid: u32) -> Self {
        Self { pid, samples: Vec::new() }
    }

    /// Takes a sample, and gives the batch when it is full: after 60 samples, or with the first sample that is
    /// 30 s or more after the batch's first.
    #[must_use]
    pub fn push(&mut self, sample: Sample) -> Option<ResourceBatch> {
        self.samples.push(sample);
        let lasted = sample.at.millis_since(self.samples[0].at);
        if self.samples.len() >= MOST_SAMPLES || lasted >= LONGEST_MILLIS { self.take() } else { None }
    }

    /// Gives what is there and begins anew; none where nothing is. To be called when the process has ended.
    #[must_use]
    pub fn take(&mut self) -> Option<ResourceBatch> {
        let samples = std::mem::take(&mut self.samples);
        let (first, last) = (samples.first()?, samples.last()?);
        let gpu = samples.iter().any(|s| s.gpu.is_some());
        let has = |source: EnergySource| samples.iter().any(|s| s.energy_source == source);
        // One name for the whole batch: a GPU's share is worth naming, and an estimate taints what was counted.
        let energy_source = if has(EnergySource::Nvml) {
            EnergySource::Nvml
        } else if has(EnergySource::Estimate) {
            EnergySource::Estimate
        } else {
            EnergySource::Rapl
        };
        Some(ResourceBatch {
            pid: self.pid,
            window_start: first.at,
            window_end: last.at,
            offset_ms: samples.iter().map(|s| u32::try_from(s.at.millis_since(first.at)).unwrap_or(u32::MAX)).collect(),
            cpu_milli: samples.iter().map(|s| s.cpu_milli).collect(),
            rss_bytes: samples.iter().map(|s| s.rss_bytes).collect(),
            io_read_bytes: samples.iter().map(|s| s.io_read_bytes).collect(),
            io_write_bytes: samples.iter().map(|s| s.io_write_bytes).collect(),
            gpu_util_milli: gpu.then(|| samples.iter().map(|s| s.gpu.map_or(0, |g| g.util_milli)).collect()),
            gpu_mem_bytes: gpu.then(|| samples.iter().map(|s| s.gpu.map_or(0, |g| g.mem_bytes)).collect()),
            energy_mj: samples.iter().map(|s| s.energy_mj).collect(),
            energy_source,
            assumed_core_milliwatts: samples.iter().find_map(|s| s.assumed_core_milliwatts),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]
    use atsre_domain::Timestamp;

    use super::*;
    use crate::GpuSample;

    fn sample(millis: u64) -> Sample {
        Sample {
            at: Timestamp(1_000_000).plus_millis(millis),
            cpu_milli: 250,
            rss_bytes: 7,
            io_read_bytes: 1,
            io_write_bytes: 2,
            gpu: None,
            energy_mj: 3,
            energy_source: EnergySource::Rapl,
            assumed_core_milliwatts: None,
        }
    }

    #[test]
    fn a_batch_is_full_after_sixty_samples() {
        let mut batch = Batch::new(9);
        for index in 0..59 {
            assert_eq!(batch.push(sample(100 * index)), None);
        }
        let full = batch.push(sample(5_900)).unwrap();
        assert_eq!(full.offset_ms.len(), 60);
        assert_eq!(full.offset_ms[59], 5_900);
        assert_eq!(full.window_end.millis_since(full.window_start), 5_900);
        assert_eq!((full.pid, full.energy_source), (9, EnergySource::Rapl));
        assert_eq!(batch.take(), None, "it begins anew");
    }

    #[test]
    fn a_batch_is_full_after_thirty_seconds() {
        let mut batch = Batch::new(9);
        for second in 0..30 {
            assert_eq!(batch.push(sample(1_000 * second)), None);
        }
        assert_eq!(batch.push(sample(30_000)).unwrap().offset_ms.len(), 31);
    }

    #[test]
    fn columns_have_one_length_and_gpus_are_absent_where_there_is_none() {
        let mut batch = Batch::new(9);
        assert_eq!(batch.push(sample(0)), None);
        let plain = batch.take().unwrap();
        assert_eq!((plain.gpu_util_milli, plain.gpu_mem_bytes), (None, None));

        assert_eq!(batch.push(sample(0)), None);
        let mut on_gpu = sample(1_000);
        on_gpu.gpu = Some(GpuSample { util_milli: 900, mem_bytes: 5 });
        on_gpu.energy_source = EnergySource::Nvml;
        on_gpu.assumed_core_milliwatts = Some(10_000);
        assert_eq!(batch.push(on_gpu), None);
        let mixed = batch.take().unwrap();
        assert_eq!(mixed.gpu_util_milli, Some(vec![0, 900]));
        assert_eq!(mixed.energy_source, EnergySource::Nvml);
        assert_eq!(mixed.assumed_core_milliwatts, Some(10_000));
        for length in [mixed.cpu_milli.len(), mixed.rss_bytes.len(), mixed.io_read_bytes.len(), mixed.energy_mj.len()] {
            assert_eq!(length, 2);
        }
    }
}
