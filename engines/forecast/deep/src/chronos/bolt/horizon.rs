//! Horizons past the native one.

use super::{Bolt, Continuation};
use crate::chronos::patches::{context, empirical};
use crate::error::Error;
use crate::zero_shot::Steps;

impl Bolt {
    /// The steps after each of these contexts.
    pub(super) fn horizon(
        &self,
        contexts: &[&[f64]],
        horizon: usize,
        continuation: Continuation,
        batch: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Vec<Steps>, Error> {
        let mut forecasts = self.block(contexts, check)?;
        if horizon > self.configuration.horizon {
            for (context, steps) in contexts.iter().zip(&mut forecasts) {
                match continuation {
                    Continuation::Paths => self.continue_paths(context, steps, horizon, batch, check)?,
                    Continuation::Median => self.continue_median(context, steps, horizon, check)?,
                }
            }
        }
        forecasts.iter_mut().for_each(|steps| steps.truncate(horizon));
        Ok(forecasts)
    }

    /// Each quantile of the first block goes on as a path of its own; of all the paths' quantiles at a step, the
    /// empirical quantiles are the forecast there, and go on in turn.
    fn continue_paths(
        &self,
        context: &[f64],
        steps: &mut Steps,
        horizon: usize,
        batch: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let levels = &self.configuration.levels;
        let mut paths = vec![context.to_vec(); levels.len()];
        let mut block = steps.clone();
        while steps.len() < horizon {
            for (level, path) in paths.iter_mut().enumerate() {
                path.extend(block.iter().map(|step| step[level]));
            }
            let contexts = self.contexts(&paths);
            let mut next = Vec::with_capacity(paths.len());
            for chunk in contexts.chunks(batch) {
                next.extend(self.block(chunk, check)?);
            }
            block = (0..self.configuration.horizon)
                .map(|step| {
                    let mut all: Vec<f64> = next.iter().flat_map(|path| path[step].iter().copied()).collect();
                    all.sort_by(f64::total_cmp);
                    levels.iter().map(|level| empirical(&all, *level)).collect()
                })
                .collect();
            steps.extend(block.iter().cloned());
        }
        Ok(())
    }

    fn continue_median(
        &self,
        context: &[f64],
        steps: &mut Steps,
        horizon: usize,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let levels = &self.configuration.levels;
        let distance = |i: &usize| (levels[*i] - 0.5).abs();
        let median = (0..levels.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
        let mut path = context.to_vec();
        while steps.len() < horizon {
            path.extend(steps[steps.len() - self.configuration.horizon..].iter().map(|step| step[median]));
            steps.extend(self.block(&self.contexts(std::slice::from_ref(&path)), check)?.remove(0));
        }
        Ok(())
    }

    fn contexts<'a>(&self, paths: &'a [Vec<f64>]) -> Vec<&'a [f64]> {
        paths.iter().map(|path| context(path, self.configuration.context)).collect()
    }
}
