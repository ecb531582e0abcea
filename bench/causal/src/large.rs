//! PC on a thousand columns.

use std::time::Instant;

use anyhow::Result;
use atsre_bench_peers::{memory, processor};
use atsre_causal::independence::{Correlation, FisherZ};
use atsre_causal::knowledge::{Knowledge, Window};
use atsre_causal::pc::{Mode, Settings, run};
use serde::{Deserialize, Serialize};

use crate::simulation::{Noise, Rows};

/// The model: sparse, average degree 3.
pub const MODEL: Rows =
    Rows { columns: 1_000, hidden: 0, rows: 10_000, degree: 3.0, noise: Noise::Gaussian, seed: 1_000 };
/// Significance level.
pub const ALPHA: f64 = 0.001;
/// Wall seconds it may take on two threads.
pub const BAR: f64 = 60.0;

/// What the run took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Large {
    /// Wall seconds, correlations included.
    pub wall: f64,
    /// Wall seconds of the correlations.
    pub correlations: f64,
    /// Processor seconds of all threads.
    pub cpu: f64,
    /// Tests of independence.
    pub tests: usize,
    /// Edges found.
    pub edges: usize,
    /// The most bytes in memory.
    pub peak: Option<f64>,
}

/// Runs PC in its default mode on the model's samples, on this process's threads.
///
/// # Errors
/// None at present.
pub fn measure() -> Result<Large> {
    let table = MODEL.table();
    let (started, before) = (Instant::now(), processor::used());
    let test = FisherZ::new(Correlation::of_columns(&table), MODEL.rows);
    let correlations = started.elapsed().as_secs_f64();
    let settings = Settings { alpha: ALPHA, max_depth: None, mode: Mode::Default };
    let found = run(&test, &Knowledge::of_time(Window::of_rows(MODEL.columns)), &settings);
    Ok(Large {
        wall: started.elapsed().as_secs_f64(),
        correlations,
        cpu: (processor::used().saturating_sub(before)).as_secs_f64(),
        tests: found.tests,
        edges: (0..MODEL.columns).map(|i| found.pattern.neighbours(i).filter(|j| *j < i).count()).sum(),
        peak: memory::peak().map(|b| b as f64),
    })
}

impl Large {
    /// One sentence.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "PC (default mode, Fisher's z, level {ALPHA}) on {} columns and {} rows, average degree {}: {:.1} s on two threads \
             (bar: {BAR:.0} s), {:.1} s of processor time, {:.1} s of the {:.1} s for the correlations; {} tests, {} edges, {} in memory at most.",
            MODEL.columns,
            MODEL.rows,
            MODEL.degree,
            self.wall,
            self.cpu,
            self.correlations,
            self.wall,
            self.tests,
            self.edges,
            atsre_bench_peers::table::mebibytes(self.peak)
        )
    }
}
