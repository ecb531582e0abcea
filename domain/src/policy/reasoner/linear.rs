//! Linear models: when they are worth a trial.

use std::collections::BTreeMap;

use crate::model::Setting;
use crate::policy::feasibility::shortest;

use super::Draft;

/// Observations below which a weight on each of many lags is noise.
const DIRECT_OBSERVATIONS: u64 = 1_000;
/// Seasons below which the shape of a season is noise.
const LEAST_CYCLES: u32 = 8;

impl Draft<'_> {
    pub(super) fn linear(&mut self, seasons: &[u32], chosen: &[String]) {
        let periods = Setting::Integers(seasons.iter().map(|s| i64::from(*s)).collect());
        let settings: BTreeMap<String, Setting> =
            if seasons.is_empty() { BTreeMap::new() } else { [("seasonal_periods".to_owned(), periods)].into() };
        self.step(
            format!("{} observations", self.context.profile.observations),
            "a ridge map from the past to every step of the horizon is solved in closed form, so it is cheap and exact",
            "ridge autoregression with Fourier terms, without covariates and, where there are causes, with them"
                .to_owned(),
        );
        self.add(
            "ridge",
            settings.clone(),
            &[],
            "closed form, several seasons at once; the rival for the one with covariates".to_owned(),
        );
        if !chosen.is_empty() {
            self.add("ridge", settings, chosen, format!("the same with the causes {}", chosen.join(", ")));
        }
        self.direct(seasons);
    }

    /// Linear maps from the whole past window to every step, after the level was taken out.
    fn direct(&mut self, seasons: &[u32]) {
        let observations = self.context.profile.observations;
        if observations >= DIRECT_OBSERVATIONS && self.offers("nlinear") {
            self.step(
                format!("{observations} observations, enough for a weight on each of several hundred lags"),
                "one linear map from a long window to every step is hard to beat where the past repeats",
                "NLinear, solved in closed form".to_owned(),
            );
            let reason = "a long window, its last value taken out; no season has to be named".to_owned();
            self.add("nlinear", BTreeMap::new(), &[], reason);
        }
        let Some(season) = seasons.first().filter(|season| **season > 1) else { return };
        if shortest(self.context) >= LEAST_CYCLES * season && self.offers("rank-one") {
            self.step(
                format!("at least {LEAST_CYCLES} seasons of {season} observations in every series"),
                "the shape of a season changes slowly, its level faster: told apart, each needs few numbers",
                "a rank-one model of level times shape".to_owned(),
            );
            let settings = [("season_length".to_owned(), Setting::Integer(i64::from(*season)))].into();
            self.add("rank-one", settings, &[], "the season's shape by its level, both from the data".to_owned());
        }
    }
}
