//! Processor time of this process.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time that all threads of this process have used so far.
#[must_use]
pub fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Runs `compute` and tells the processor time that it took, all threads together.
pub fn timed<T>(compute: impl FnOnce() -> T) -> (T, Duration) {
    let before = used();
    let result = compute();
    (result, used().saturating_sub(before))
}

/// How often something is measured: until it has been `runs` times, or has used `budget` after the first run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repetitions {
    /// The most runs, at least 1.
    pub runs: usize,
    /// Processor time after which no further run starts.
    pub budget: Duration,
}

/// Runs `compute` again and again; the last result, and the processor time of each run in seconds.
pub fn repeated<T>(repetitions: Repetitions, mut compute: impl FnMut() -> T) -> (T, Vec<f64>) {
    let (mut result, first) = timed(&mut compute);
    let (mut times, mut total) = (vec![first.as_secs_f64()], first);
    while times.len() < repetitions.runs && total < repetitions.budget {
        let (again, time) = timed(&mut compute);
        result = again;
        total += time;
        times.push(time.as_secs_f64());
    }
    (result, times)
}

/// The middle of some numbers, or the mean of the two in the middle; NaN of none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n => 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn work_takes_processor_time_and_stops_at_the_number_of_runs() {
        let mut runs = 0;
        let work = || {
            runs += 1;
            (0..200_000_u64).fold(runs, |a: u64, b| std::hint::black_box(a.wrapping_mul(31).wrapping_add(b)))
        };
        let (_, times) = repeated(Repetitions { runs: 3, budget: Duration::from_secs(60) }, work);
        assert_eq!((runs, times.len()), (3, 3));
        assert!(times.iter().all(|t| *t > 0.0), "{times:?}");
    }

    #[test]
    fn no_run_follows_once_the_budget_is_used() {
        let (_, times) = repeated(Repetitions { runs: 3, budget: Duration::ZERO }, || ());
        assert_eq!(times.len(), 1);
    }
}
