//! What matters about a data set, in words.

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::panel::Panel;
use atsre_domain::profile::{DemandPattern, Profile, Stationarity};

use super::series::Described;

/// A sentence and how much it matters: 100 for what spoils a forecast, 0 for what is nice to know.
struct Finding(u8, String);

/// Findings, most important first.
pub(super) fn findings(panel: &Panel, profile: &Profile, described: &[Described]) -> Vec<String> {
    let mut found = Vec::new();
    size(panel, profile, &mut found);
    gaps(profile, described, &mut found);
    season(profile, described, &mut found);
    movement(profile, described, &mut found);
    values(profile, described, &mut found);
    drivers(profile, &mut found);
    // A stable sort: equal weights keep the order in which they are told.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.0));
    found.into_iter().map(|f| f.1).collect()
}

fn size(panel: &Panel, profile: &Profile, out: &mut Vec<Finding>) {
    let target = &panel.target;
    let frequency = profile.frequency;
    if profile.series_count == 0 || profile.observations == 0 {
        out.push(Finding(100, format!("There is nothing to forecast: {target} has no observations.")));
        return;
    }
    let text = if profile.series_count == 1 {
        format!("One series of {} observations of {target}, {frequency}.", grouped(profile.observations))
    } else if profile.length_min == profile.length_max {
        format!(
            "{} series of {} observations of {target} each, {frequency}.",
            grouped(profile.series_count),
            grouped(profile.length_min)
        )
    } else {
        format!(
            "{} series of {} to {} observations of {target} (half of them up to {}), {frequency}.",
            grouped(profile.series_count),
            grouped(profile.length_min),
            grouped(profile.length_max),
            grouped(profile.length_median)
        )
    };
    out.push(Finding(90, text));
    if profile.length_median < 24 {
        out.push(Finding(
            85,
            format!(
                "The series are short (half have at most {} observations): tests have little power, and simple models are the safe choice.",
                profile.length_median
            ),
        ));
    }
}

fn gaps(profile: &Profile, described: &[Described], out: &mut Vec<Finding>) {
    let missing: u64 = described.iter().map(|d| d.profile.gaps.missing).sum();
    if missing == 0 {
        return;
    }
    let share = profile.missing_share.get();
    let longest = described.iter().map(|d| d.profile.gaps.longest_run).max().unwrap_or(0);
    let with_gaps: Vec<&str> =
        described.iter().filter(|d| d.profile.gaps.missing > 0).map(|d| d.profile.gaps.pattern.as_str()).collect();
    let usual = ["blocks", "scattered", "periodic"]
        .into_iter()
        .max_by_key(|pattern| with_gaps.iter().filter(|p| *p == pattern).count())
        .unwrap_or("scattered");
    let pattern = match usual {
        "blocks" => "in blocks",
        "periodic" => "at regular intervals",
        _ => "scattered",
    };
    let interpolated: usize = described.iter().map(|d| d.interpolated).sum();
    let mut text = format!(
        "{} of {} values are missing ({}), {pattern}; the longest gap is {} observations.",
        grouped(missing),
        grouped(profile.observations),
        percent(share),
        grouped(longest)
    );
    if interpolated > 0 {
        text += " Tests that need complete data saw straight lines across the gaps.";
    }
    let weight = if share > 0.2 {
        95
    } else if share > 0.02 {
        70
    } else {
        40
    };
    out.push(Finding(weight, text));
    let untested = described.iter().filter(|d| d.profile.length > 0 && d.profile.acf.is_empty()).count();
    if untested > 0 && described.len() > 1 {
        let text = format!("{untested} series could not be tested: too short, constant, or mostly missing.");
        out.push(Finding(45, text));
    }
}

fn season(profile: &Profile, described: &[Described], out: &mut Vec<Finding>) {
    let named: Vec<String> = profile
        .seasonal_periods
        .iter()
        .map(|s| format!("{} (strength {:.2})", period_name(profile.frequency, s.period), s.strength.get()))
        .collect();
    if !named.is_empty() {
        let strongest = profile.seasonal_periods[0].strength.get();
        let weight = if strongest > 0.6 { 84 } else { 72 };
        let noun = if named.len() == 1 { "A season" } else { "Seasons" };
        out.push(Finding(weight, format!("{noun} of {}.", listed(&named))));
        return;
    }
    let some = described.iter().filter(|d| !d.profile.seasonal_periods.is_empty()).count();
    let text = if some > 0 {
        format!("No season is common to most series; {some} of {} have one.", grouped(profile.series_count))
    } else {
        "No season was found.".to_owned()
    };
    out.push(Finding(50, text));
}

fn movement(profile: &Profile, described: &[Described], out: &mut Vec<Finding>) {
    if let Some(strength) = profile.trend_strength.map(atsre_domain::Finite::get) {
        if strength > 0.6 {
            out.push(Finding(75, format!("A strong trend (strength {strength:.2}).")));
        } else if strength > 0.3 {
            out.push(Finding(48, format!("A weak trend (strength {strength:.2}).")));
        }
    }
    let one = described.len() == 1;
    let subject = if one { "The series is" } else { "Most series are" };
    let tested = described.iter().any(|d| d.profile.adf.is_some());
    let figures = match described {
        [only] => only.profile.adf.zip(only.profile.kpss).map_or_else(String::new, |(adf, kpss)| {
            format!(" (ADF p = {}, KPSS p = {})", p_value(adf.p_value.get(), 0.0), p_value(kpss.p_value.get(), 0.01))
        }),
        _ => String::new(),
    };
    let text = match profile.stationarity {
        Stationarity::Stationary => format!("{subject} stationary{figures}."),
        Stationarity::UnitRoot => format!("{subject} not stationary: differencing is called for{figures}."),
        Stationarity::TrendStationary => {
            format!("{subject} stationary only around a trend or between breaks{figures}.")
        }
        Stationarity::Inconclusive => format!("The tests of stationarity do not decide{figures}."),
    };
    if tested {
        out.push(Finding(if profile.stationarity == Stationarity::UnitRoot { 74 } else { 46 }, text));
    }
    changes(described, out);
    let hurst = if let [only] = described { only.profile.hurst } else { None };
    if let Some(hurst) = hurst.map(atsre_domain::Finite::get).filter(|h| *h > 0.75) {
        out.push(Finding(35, format!("Long memory (Hurst exponent {hurst:.2}): what happened long ago still shows.")));
    }
}

fn changes(described: &[Described], out: &mut Vec<Finding>) {
    if let [only] = described {
        let points = &only.profile.change_points;
        if !points.is_empty() {
            let shown: Vec<String> = points.iter().take(5).map(|p| grouped(*p)).collect();
            let more = if points.len() > 5 { " and others" } else { "" };
            let noun = if points.len() == 1 { "change" } else { "changes" };
            let text = format!(
                "{} {noun} of level or slope, after observation {}{more} (counted from 0).",
                points.len(),
                listed(&shown)
            );
            out.push(Finding(66, text));
        }
        return;
    }
    let changed = described.iter().filter(|d| !d.profile.change_points.is_empty()).count();
    if 5 * changed >= described.len() && changed > 0 {
        out.push(Finding(
            52,
            format!("{changed} of {} series change their level or slope on the way.", described.len()),
        ));
    }
}

fn values(profile: &Profile, described: &[Described], out: &mut Vec<Finding>) {
    if profile.outliers > 0 {
        let share = profile.outliers as f64 / profile.observations.max(1) as f64;
        let are = if profile.outliers == 1 { "outlier" } else { "outliers" };
        let text = format!("{} {are} ({} of the values).", grouped(profile.outliers), percent(share));
        out.push(Finding(if share > 0.01 { 65 } else { 44 }, text));
    }
    let demand = match profile.demand_pattern {
        DemandPattern::Smooth => None,
        DemandPattern::Erratic => Some((28, "As demand it would be erratic: seldom zero, of very unequal size.")),
        DemandPattern::Intermittent => Some((80, "Demand is intermittent: often zero, otherwise of similar size.")),
        DemandPattern::Lumpy => Some((80, "Demand is lumpy: often zero, otherwise of very unequal size.")),
    };
    out.extend(demand.map(|(weight, text)| Finding(weight, text.to_owned())));
    let constant =
        described.iter().filter(|d| d.profile.distribution.count > 1 && d.profile.distribution.std.get() == 0.0);
    let constant = constant.count();
    if constant > 0 {
        let text = if described.len() == 1 {
            "The series is constant.".to_owned()
        } else {
            format!("{constant} series are constant.")
        };
        out.push(Finding(92, text));
    }
    if let [only] = described {
        let d = &only.profile.distribution;
        if let Some(skewness) = d.skewness.map(atsre_domain::Finite::get).filter(|s| s.abs() > 1.0) {
            let side = if skewness > 0.0 { "high" } else { "low" };
            out.push(Finding(42, format!("The values are skewed towards the {side} side (skewness {skewness:.1}).")));
        }
        if d.integer && d.non_negative && d.count > 0 {
            out.push(Finding(30, "The values are counts: whole numbers, never negative.".to_owned()));
        }
    }
    if profile.gaussian {
        out.push(Finding(20, "The steps from one observation to the next look Gaussian.".to_owned()));
    }
}

fn drivers(profile: &Profile, out: &mut Vec<Finding>) {
    let mut related: Vec<(&str, f64)> = profile
        .covariates
        .iter()
        .filter_map(|c| Some((c.name.as_str(), c.correlation?.get())))
        .filter(|(_, r)| r.abs() >= 0.3)
        .collect();
    related.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    if !related.is_empty() {
        let named: Vec<String> = related.iter().take(5).map(|(name, r)| format!("{name} ({r:+.2})")).collect();
        out.push(Finding(60, format!("The target moves with {}; correlation is not cause.", listed(&named))));
    }
    let incomplete: Vec<String> = profile
        .covariates
        .iter()
        .filter(|c| c.missing > 0)
        .take(5)
        .map(|c| format!("{} ({})", c.name, grouped(c.missing)))
        .collect();
    if !incomplete.is_empty() {
        out.push(Finding(38, format!("Covariates with missing values: {}.", listed(&incomplete))));
    }
    for covariate in profile.covariates.iter().filter(|c| c.distinct == 1).take(5) {
        out.push(Finding(25, format!("Covariate {} never changes.", covariate.name)));
    }
}

/// "24 observations (a day)".
fn period_name(frequency: Frequency, period: u32) -> String {
    use FrequencyUnit as U;
    let day = 86_400;
    let seconds = frequency.seconds().map(|s| s * u64::from(period));
    let span = match (frequency.unit, period * frequency.multiple, seconds) {
        (_, _, Some(60)) => "a minute",
        (_, _, Some(3_600)) => "an hour",
        (_, _, Some(s)) if s == day => "a day",
        (_, _, Some(s)) if s == 7 * day => "a week",
        (_, _, Some(s)) if (363 * day..=367 * day).contains(&s) => "a year",
        (U::Month, 12, _) | (U::Quarter, 4, _) | (U::BusinessDay, 260..=262, _) => "a year",
        (U::Month, 3, _) => "a quarter",
        (U::BusinessDay, 5, _) => "a week",
        _ => return format!("{} observations", grouped(u64::from(period))),
    };
    format!("{} observations ({span})", grouped(u64::from(period)))
}

fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// "17,544".
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value > 0.0 && value < 0.1 { "less than 0.1 %".to_owned() } else { format!("{value:.1} %") }
}

/// A p-value in two digits; at `floor` a table ends.
fn p_value(p: f64, floor: f64) -> String {
    if floor > 0.0 && p <= floor {
        format!("at most {floor}")
    } else if p < 0.001 {
        "less than 0.001".to_owned()
    } else {
        format!("{p:.2}")
    }
}
