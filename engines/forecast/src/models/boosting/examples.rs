//! From a panel's windows to the rows that trees learn from.

use super::booster::{Booster, Growth, Loss, Table};
use crate::error::ForecastError;
use crate::forecaster::FitTask;
use crate::models::windows::layout::Layout;
use crate::models::windows::prepared::{Frame, Prepared};
use crate::models::windows::rows::{GOLDEN, rows};

/// Steps of one window that are rows at most.
const STEPS_A_WINDOW: usize = 6;
/// The share of a series' windows, the last ones, that stop the growth.
const HELD_OUT: f64 = 0.2;
/// Fewer held-out rows than these stop nothing.
const FEWEST_HELD: usize = 12;

/// Rows to learn from, and which of them are held out first.
#[derive(Debug)]
pub(super) struct Examples {
    pub(super) table: Table,
    /// Rows of the earlier windows, and of the later ones; the second may be empty.
    pub(super) earlier: Vec<usize>,
    pub(super) later: Vec<usize>,
    /// Windows of the later rows: a series and an origin each.
    pub(super) held: Vec<(usize, usize)>,
}

impl Examples {
    /// At most `cap` rows, spread over all series, origins and steps up to `horizon`; none where no window is there.
    pub(super) fn of(
        layout: &Layout,
        prepared: &[Prepared],
        horizon: usize,
        cap: usize,
    ) -> Result<Option<Self>, ForecastError> {
        let steps = STEPS_A_WINDOW.min(horizon);
        let windows = rows((cap / steps).max(1), horizon, layout, prepared);
        let mut cells = Vec::new();
        let (mut response, mut weights) = (Vec::new(), Vec::new());
        let (mut earlier, mut later, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for series in windows.chunk_by(|a, b| a.series == b.series) {
            let (first, last) = (series[0].origin, series[series.len() - 1].origin);
            let cut = last - ((last - first) as f64 * HELD_OUT) as usize;
            for row in series {
                let source = &prepared[row.series];
                let place = response.len();
                for step in 0..steps {
                    // One step of each part of the horizon, at another place in every window.
                    let share = (step as f64 + ((place + step) as f64 * GOLDEN).fract()) / steps as f64;
                    let h = 1 + ((share * horizon as f64) as usize).min(horizon - 1);
                    write(layout, source, row.origin, h, row.frame, &mut cells);
                    response.push(row.frame.normalise(source.value(row.origin + h)));
                    weights.push(row.weight * row.weight);
                }
                let part = if row.origin > cut { &mut later } else { &mut earlier };
                part.extend(place..response.len());
                if row.origin > cut {
                    held.push((row.series, row.origin));
                }
            }
        }
        if response.is_empty() {
            return Ok(None);
        }
        if later.len() < FEWEST_HELD || earlier.len() < FEWEST_HELD {
            (earlier, later, held) = ((0..response.len()).collect(), Vec::new(), Vec::new());
        }
        let columns = cells.len() / response.len();
        Ok(Some(Self { table: Table::new(&cells, columns, response, weights)?, earlier, later, held }))
    }

    /// Learns from the earlier windows with as many trees as the later ones ask for.
    pub(super) fn grow_earlier(
        &self,
        loss: Loss,
        growth: Growth,
        task: &FitTask<'_>,
    ) -> Result<Booster, ForecastError> {
        self.table.grow(loss, growth, &self.earlier, &self.later, task.progress)
    }

    /// Learns from all windows with the number of trees that was found.
    pub(super) fn grow_again(
        &self,
        loss: Loss,
        growth: Growth,
        earlier: &Booster,
        task: &FitTask<'_>,
    ) -> Result<Booster, ForecastError> {
        if self.later.is_empty() {
            return Ok(earlier.clone());
        }
        let all: Vec<usize> = (0..self.table.len()).collect();
        self.table.grow(loss, Growth { trees: earlier.len(), ..growth }, &all, &[], task.progress)
    }
}

/// Appends the features of the value `h` steps after `origin`.
pub(super) fn write(layout: &Layout, series: &Prepared, origin: usize, h: usize, frame: Frame, row: &mut Vec<f64>) {
    series.write_common(layout, origin, frame, row);
    series.write_target(layout, origin, h, frame, row);
    row.extend(layout.seasonal_lags.iter().map(|&(period, _)| series.phase(origin + h, period)));
    row.push(h as f64);
}
