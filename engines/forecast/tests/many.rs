//! Very many series from a file to forecasts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::common;

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use atsre_curation::ingest::IngestOptions;
use atsre_curation::stream::SeriesStream;
use atsre_domain::model::ModelSpec;
use atsre_forecast::{
    BATCH, ForecastError, Progress, Registry, SeriesForecast, Silent, StreamRequest, forecast_stream,
};

/// A file of so many monthly series of 40 values that is made while it is read, so that no memory holds it.
struct Made {
    series: usize,
    next: usize,
    text: Vec<u8>,
    at: usize,
}

impl Made {
    fn of(series: usize) -> Self {
        Self { series, next: 0, text: b"item,month,value\n".to_vec(), at: 0 }
    }
}

impl Read for Made {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() && self.next < self.series {
            self.text.clear();
            self.at = 0;
            for t in 0..40_usize {
                let value = 100.0
                    + ((self.next * 31 + t * 17) % 23) as f64
                    + 10.0 * (t as f64 * std::f64::consts::FRAC_PI_6).sin();
                let line = format!("i{:06},{}-{:02}-01,{value:.1}\n", self.next, 2015 + t / 12, t % 12 + 1);
                self.text.extend_from_slice(line.as_bytes());
            }
            self.next += 1;
        }
        let count = buffer.len().min(self.text.len() - self.at);
        buffer[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn stream(series: usize) -> SeriesStream<Made> {
    SeriesStream::open(Made::of(series), &IngestOptions::for_file("made.csv"), BATCH).unwrap()
}

fn request(stream: &SeriesStream<Made>, model: &str, threads: u32) -> StreamRequest {
    StreamRequest {
        frequency: stream.frequency(),
        covariates: Vec::new(),
        spec: ModelSpec { covariates: Vec::new(), ..common::spec(model, &[]) },
        horizon: 12,
        quantile_levels: vec![0.1, 0.5, 0.9],
        season_length: stream.seasons().first().copied().unwrap_or(1),
        calibration_windows: 0,
        seed: 1,
        threads,
    }
}

fn all(series: usize, model: &str, threads: u32) -> Vec<SeriesForecast> {
    let stream = stream(series);
    let request = request(&stream, model, threads);
    let series = stream.map(|s| s.unwrap());
    forecast_stream(series, request, &Registry::classical(), &Silent).map(|f| f.unwrap()).collect()
}

#[test]
fn two_thousand_series_are_the_same_on_one_and_two_threads() {
    let one = all(2_000, "theta", 1);
    assert_eq!(one.len(), 2_000);
    assert!(one.iter().all(|f| f.mean.iter().chain(f.quantiles.iter().flatten()).all(|v| v.is_finite())));
    assert_eq!(one[1_999].item_id, "i001999");
    assert_eq!(all(2_000, "theta", 2), one);
}

/// Cancelled from the second report on.
#[derive(Default)]
struct Twice(AtomicUsize);

impl Progress for Twice {
    fn report(&self, _fraction: f64, message: &str) {
        assert!(message.ends_with("series done"), "{message}");
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 2
    }
}

#[test]
fn progress_is_told_by_the_batch_and_cancelling_ends_the_stream() {
    // given more batches than two
    let stream = stream(4 * BATCH);
    let request = request(&stream, "naive", 1);
    let progress = Twice::default();
    let registry = Registry::classical();
    // when the work is cancelled after the second
    let results: Vec<_> = forecast_stream(stream.map(|s| s.unwrap()), request, &registry, &progress).collect();
    // then two batches are there, and the last result says why there are no more
    assert_eq!(results.len(), 2 * BATCH + 1);
    assert!(matches!(results.last(), Some(Err(ForecastError::Cancelled))));
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_series_need_little_memory() {
    let stream = stream(100_000);
    let request = request(&stream, "dynamic-optimized-theta", 2);
    let registry = Registry::classical();
    let done = forecast_stream(stream.map(|s| s.unwrap()), request, &registry, &Silent).filter(Result::is_ok).count();
    assert_eq!(done, 100_000);
    // The highest memory that this process ever had, where the system tells it.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kibibytes < 1 << 20, "{kibibytes} KiB");
    }
}
