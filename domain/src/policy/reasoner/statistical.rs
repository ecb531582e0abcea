//! Statistical models: when they are worth a trial.

use std::collections::BTreeMap;

use crate::model::Setting;
use crate::policy::feasibility::shortest;
use crate::profile::DemandPattern;

use super::Draft;

/// Observations of a series above which exponential smoothing and ARIMA are not tried: they use a few seasons, and their
/// fits cost with the whole.
const LONGEST: u64 = 5_000;
/// Longer seasons have more seasonal states than a smoothing model can tell apart.
const LONGEST_SEASON: u32 = 52;

impl Draft<'_> {
    pub(super) fn statistical(&mut self, seasons: &[u32]) {
        let pattern = self.context.profile.demand_pattern;
        if matches!(pattern, DemandPattern::Intermittent | DemandPattern::Lumpy) {
            self.intermittent();
        }
        self.step(
            "a light statistical model costs a fraction of a second a series".to_owned(),
            "it often wins on short series and is a strong member of an ensemble",
            "Theta, the winner of the M3 competition".to_owned(),
        );
        let settings = seasonal(seasons.first().copied());
        self.add("theta", settings.clone(), &[], "robust on one season with a trend, at little cost".to_owned());
        if !matches!(pattern, DemandPattern::Intermittent | DemandPattern::Lumpy) {
            self.smoothing(seasons, &settings);
        }
        self.several_seasons(seasons);
    }

    /// Whether the catalogue has the model.
    pub(super) fn offers(&self, model: &str) -> bool {
        self.context.catalogue.iter().any(|entry| entry.name == model)
    }

    /// Demand that is mostly zero.
    fn intermittent(&mut self) {
        let models = ["croston-sba", "tsb", "imapa"];
        if models.iter().any(|model| self.offers(model)) {
            self.step(
                "many zeros between the demands".to_owned(),
                "a smooth level says little about when the next demand comes; size and interval told apart say more",
                "Croston's method with Syntetos and Boylan's correction, TSB, and IMAPA; Theta as a rival".to_owned(),
            );
            self.add("croston-sba", BTreeMap::new(), &[], "size over interval, without Croston's bias".to_owned());
            self.add("tsb", BTreeMap::new(), &[], "the chance of a demand decays where demand dies out".to_owned());
            self.add("imapa", BTreeMap::new(), &[], "smooths over several aggregations in time".to_owned());
        } else {
            self.step(
                "many zeros between the demands".to_owned(),
                "a smooth level says little about when the next demand comes",
                "Theta is kept as a rival, but expected to do little".to_owned(),
            );
        }
    }

    /// The automatic forms of exponential smoothing and ARIMA.
    fn smoothing(&mut self, seasons: &[u32], settings: &BTreeMap<String, Setting>) {
        let models = ["auto-ets", "auto-ces", "auto-arima"];
        if !models.iter().any(|model| self.offers(model)) {
            return;
        }
        let longest = self.context.profile.length_max;
        let season = seasons.first().copied().unwrap_or(1);
        if longest > LONGEST || season > LONGEST_SEASON {
            self.step(
                format!("series of up to {longest} observations, season {season}"),
                "exponential smoothing and ARIMA use a few seasons only, and pay for all of it",
                "neither of them".to_owned(),
            );
            return;
        }
        self.step(
            format!("series of {} to {longest} observations, season {season}", self.context.profile.length_min),
            "short enough to choose the form of level, trend and season by an information criterion",
            "AutoETS, AutoCES and AutoARIMA".to_owned(),
        );
        let reasons = [
            "the form of level, trend and season by AICc",
            "complex smoothing: no form of trend has to be chosen",
            "autoregression and moving averages by AICc, after the differences that tests ask for",
        ];
        for (model, reason) in models.into_iter().zip(reasons) {
            self.add(model, settings.clone(), &[], reason.to_owned());
        }
    }

    /// More seasons than one.
    fn several_seasons(&mut self, seasons: &[u32]) {
        let longest = seasons.iter().copied().max().unwrap_or(1);
        if seasons.len() < 2 || !self.offers("mstl") || shortest(self.context) < 2 * longest {
            return;
        }
        let listed: Vec<String> = seasons.iter().map(u32::to_string).collect();
        self.step(
            format!("seasons of {} observations at once", listed.join(" and ")),
            "taken apart one by one, what is left is a trend that a simple model can carry on",
            "MSTL with exponential smoothing of the trend".to_owned(),
        );
        let periods = Setting::Integers(seasons.iter().map(|season| i64::from(*season)).collect());
        let settings = [("seasonal_periods".to_owned(), periods)].into();
        self.add("mstl", settings, &[], "every season by itself, and the trend by exponential smoothing".to_owned());
    }
}

fn seasonal(season: Option<u32>) -> BTreeMap<String, Setting> {
    season.map(|season| ("season_length".to_owned(), Setting::Integer(i64::from(season)))).into_iter().collect()
}
