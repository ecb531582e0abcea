//! Keeps a worker's samples: batches for events, peaks and totals for its usage.
//!
//! The watchdog looks more often than samples are kept, so what is seen between two kept samples is merged: sums
//! of what was used, the mean of the load, the peak of the memory.

use std::time::Duration;

use atsre_domain::failure::Usage;
use atsre_domain::identity::Timestamp;
use atsre_domain::telemetry::ResourceBatch;
use atsre_monitor::{Batch, Sample, Sampler, SamplerOptions};

/// The samples of one worker process.
pub(crate) struct Telemetry {
    /// Nothing once the process is gone, or where it cannot be sampled.
    sampler: Option<Sampler>,
    batch: Batch,
    interval: Duration,
    /// When a sample was kept last.
    kept: Timestamp,
    merged: Option<Merged>,
    /// The sample seen last.
    last: Option<Sample>,
    usage: Usage,
}

/// Samples between two kept ones.
struct Merged {
    sample: Sample,
    /// CPU use multiplied by time, in thousandths of a core and milliseconds.
    cpu_milli_ms: u64,
    span_ms: u64,
}

impl Telemetry {
    pub(crate) fn new(pid: u32, interval: Duration, core_milliwatts: u32, now: Timestamp) -> Self {
        let options = SamplerOptions { interval: interval.min(SamplerOptions::SHORTEST_INTERVAL), core_milliwatts };
        let sampler = match Sampler::new(pid, options) {
            Ok(sampler) => Some(sampler),
            Err(error) => {
                tracing::warn!(pid, %error, "the worker cannot be sampled");
                None
            }
        };
        // The first sample is kept at once, so that a trial shorter than the interval has one.
        let kept = Timestamp(now.0 - interval.as_micros() as i64);
        Self { sampler, batch: Batch::new(pid), interval, kept, merged: None, last: None, usage: Usage::default() }
    }

    /// Looks at the process; gives a batch when one is full.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Option<ResourceBatch> {
        let sampler = self.sampler.as_mut()?;
        match sampler.sample(now) {
            Ok(sample) => {
                self.usage = sampler.usage();
                self.last = Some(sample);
                self.merge(sample);
            }
            Err(error) => {
                // It has ended: its last samples stand.
                tracing::debug!(%error, "the worker is not there any more");
                self.sampler = None;
                return None;
            }
        }
        // A tick that comes a little early still counts, or every other sample would be lost.
        let slack = Duration::from_millis(20);
        if now.millis_since(self.kept) + slack.as_millis() as u64 >= self.interval.as_millis() as u64 {
            self.keep()
        } else {
            None
        }
    }

    pub(crate) const fn usage(&self) -> Usage {
        self.usage
    }

    /// What the worker saw of itself at its end; the larger of each figure stands. Its last moments become a sample.
    pub(crate) fn told(&mut self, seen: Usage, now: Timestamp) {
        let (before, after) = (self.usage, &mut self.usage);
        after.cpu_ms = before.cpu_ms.max(seen.cpu_ms);
        after.peak_rss_bytes = before.peak_rss_bytes.max(seen.peak_rss_bytes);
        after.energy_mj = before.energy_mj.max(seen.energy_mj);
        let since = self.merged.as_ref().map_or(self.kept, |m| m.sample.at);
        let (span_ms, cpu_ms) = (now.millis_since(since), after.cpu_ms - before.cpu_ms);
        let energy_mj = after.energy_mj - before.energy_mj;
        if span_ms > 0
            && let Some(last) = self.merged.as_ref().map(|m| m.sample).or(self.last)
        {
            let cpu_milli = u32::try_from(cpu_ms * 1000 / span_ms).unwrap_or(u32::MAX);
            let (io_read_bytes, io_write_bytes) = (0, 0);
            self.merge(Sample {
                at: now,
                cpu_milli,
                rss_bytes: seen.peak_rss_bytes,
                io_read_bytes,
                io_write_bytes,
                energy_mj,
                ..last
            });
        }
    }

    /// The total, and the last batch where one is begun.
    pub(crate) fn finish(mut self, wall: Duration) -> (Usage, Option<ResourceBatch>) {
        let full = self.keep();
        let last = full.or_else(|| self.batch.take());
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        (Usage { wall_ms, ..self.usage }, last)
    }

    fn merge(&mut self, sample: Sample) {
        let Some(merged) = &mut self.merged else {
            let span_ms = sample.at.millis_since(self.kept).max(1);
            self.merged = Some(Merged { cpu_milli_ms: u64::from(sample.cpu_milli) * span_ms, sample, span_ms });
            return;
        };
        let before = &merged.sample;
        let span_ms = sample.at.millis_since(before.at).max(1);
        merged.cpu_milli_ms += u64::from(sample.cpu_milli) * span_ms;
        merged.span_ms += span_ms;
        merged.sample = Sample {
            rss_bytes: before.rss_bytes.max(sample.rss_bytes),
            io_read_bytes: before.io_read_bytes + sample.io_read_bytes,
            io_write_bytes: before.io_write_bytes + sample.io_write_bytes,
            energy_mj: before.energy_mj + sample.energy_mj,
            ..sample
        };
    }

    fn keep(&mut self) -> Option<ResourceBatch> {
        let Merged { sample, cpu_milli_ms, span_ms } = self.merged.take()?;
        self.kept = sample.at;
        let cpu_milli = u32::try_from(cpu_milli_ms / span_ms).unwrap_or(u32::MAX);
        self.batch.push(Sample { cpu_milli, ..sample })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_process_shorter_than_the_interval_has_a_sample_all_the_same() {
        let mut telemetry = Telemetry::new(std::process::id(), Duration::from_secs(1), 10_000, Timestamp(1_000_000));
        assert_eq!(telemetry.tick(Timestamp(1_100_000)), None);
        let (usage, batch) = telemetry.finish(Duration::from_millis(150));
        let batch = batch.unwrap();
        assert_eq!(batch.rss_bytes.len(), 1);
        assert_eq!(usage.wall_ms, 150);
        assert!(usage.peak_rss_bytes >= batch.rss_bytes[0]);
    }

    #[test]
    fn looks_between_two_kept_samples_are_merged() {
        let mut telemetry = Telemetry::new(std::process::id(), Duration::from_secs(1), 10_000, Timestamp(0));
        for tick in 1..=25 {
            assert_eq!(telemetry.tick(Timestamp(tick * 100_000)), None);
        }
        let batch = telemetry.finish(Duration::from_millis(2_500)).1.unwrap();
        assert_eq!(batch.offset_ms, [0, 1000, 2000, 2400]);
    }
}
