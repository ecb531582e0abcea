//! What the windows of a backtest may learn from.

use atsre_domain::panel::{Panel, Series};

use crate::error::ForecastError;

/// How a rolling-origin backtest cuts its windows, beside their number and step (Tashman 2000).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheme {
    /// Steps between a window's origin and the first step that is judged: as when data arrive late. The forecast after
    /// the last origin has none.
    pub gap: u32,
    /// What each window learns from.
    pub history: History,
}

/// What a window learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// Everything before its origin.
    #[default]
    Expanding,
    /// So many observations before its origin, at least 1: every window learns from equally much.
    Sliding(u32),
}

impl Scheme {
    /// Refuses a history without observations.
    pub(crate) fn check(&self) -> Result<(), ForecastError> {
        if self.history == History::Sliding(0) {
            return Err(ForecastError::Job("a sliding history needs at least 1 observation".to_string()));
        }
        Ok(())
    }

    /// The first observation that a window with this origin sees.
    pub(crate) fn first_seen(&self, origin: usize) -> usize {
        match self.history {
            History::Expanding => 0,
            History::Sliding(observations) => origin.saturating_sub(observations as usize),
        }
    }

    /// With sliding histories, a panel that begins for each series in `cuts` where its window does, with the cuts in it;
    /// series without a cut are empty there. None with expanding ones.
    pub(crate) fn trimmed(&self, panel: &Panel, cuts: &[(usize, usize)]) -> Option<(Panel, Vec<(usize, usize)>)> {
        if self.history == History::Expanding {
            return None;
        }
        let empty = |s: &Series| Series {
            item_id: s.item_id.clone(),
            times: Vec::new(),
            target: Vec::new(),
            covariates: vec![Vec::new(); s.covariates.len()],
        };
        let mut trimmed = Panel {
            target: panel.target.clone(),
            frequency: panel.frequency,
            covariates: panel.covariates.clone(),
            series: panel.series.iter().map(empty).collect(),
        };
        let moved = cuts
            .iter()
            .map(|&(index, origin)| {
                let first = self.first_seen(origin);
                let (from, to) = (&panel.series[index], &mut trimmed.series[index]);
                to.times = from.times[first..].to_vec();
                to.target = from.target[first..].to_vec();
                to.covariates = from.covariates.iter().map(|row| row.get(first..).unwrap_or(&[]).to_vec()).collect();
                (index, origin - first)
            })
            .collect();
        Some((trimmed, moved))
    }
}
