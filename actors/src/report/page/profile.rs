//! Profile *Q*: what the data look like.

use atsre_domain::Finite;
use atsre_domain::profile::{DemandPattern, Profile, SeriesProfile, Stationarity};

use super::super::text::{NONE, count, counted, escaped, fixed, number, p_value, percent, shortened, span};
use super::super::{ReportData, acf_chart};
use super::{Column, facts, list, table};

/// Covariates that are listed.
const COVARIATES: usize = 30;

pub(super) fn section(data: &ReportData) -> String {
    let profile = &data.profile;
    let mut html = String::from("<p class=\"lead\">What the Curator found before anything was planned.</p>");
    html.push_str(&list(profile.findings.iter().cloned()));
    html.push_str(&facts(&key_numbers(profile)));
    html.push_str(&seasons(profile));
    if let Some(series) = profile.series.iter().find(|s| !s.acf.is_empty()) {
        html.push_str(&correlograms(profile, series));
    }
    html.push_str(&details(profile));
    html.push_str(&covariates(profile));
    html
}

/// A verdict on stationarity in words.
pub(in super::super) const fn stationarity(value: Stationarity) -> &'static str {
    match value {
        Stationarity::Stationary => "stationary",
        Stationarity::UnitRoot => "unit root",
        Stationarity::TrendStationary => "stationary around a trend or break",
        Stationarity::Inconclusive => "inconclusive",
    }
}

const fn demand(value: DemandPattern) -> &'static str {
    match value {
        DemandPattern::Smooth => "smooth",
        DemandPattern::Erratic => "erratic",
        DemandPattern::Intermittent => "intermittent",
        DemandPattern::Lumpy => "lumpy",
    }
}

fn key_numbers(profile: &Profile) -> Vec<(&'static str, String)> {
    let lengths = if profile.length_min == profile.length_max {
        count(profile.length_max)
    } else {
        format!(
            "{} – {}, median {}",
            count(profile.length_min),
            count(profile.length_max),
            count(profile.length_median)
        )
    };
    let mut entries = vec![
        ("Series length", lengths),
        ("Missing", percent(profile.missing_share.get())),
        ("Outliers", count(profile.outliers)),
        ("Trend strength", fixed(profile.trend_strength.map(Finite::get), 2)),
        ("Stationarity", stationarity(profile.stationarity).to_owned()),
        ("Demand", demand(profile.demand_pattern).to_owned()),
        ("Never negative", if profile.non_negative { "yes" } else { "no" }.to_owned()),
        ("Gaussian increments", if profile.gaussian { "yes" } else { "no" }.to_owned()),
    ];
    if let [only] = profile.series.as_slice() {
        let d = &only.distribution;
        entries.push(("Mean ± std", format!("{} ± {}", number(d.mean.get()), number(d.std.get()))));
        entries.push(("Range", format!("{} – {}", number(d.min.get()), number(d.max.get()))));
        entries.push(("Hurst exponent", fixed(only.hurst.map(Finite::get), 2)));
        entries.push(("Change points", count(only.change_points.len() as u64)));
    }
    entries
}

fn seasons(profile: &Profile) -> String {
    if profile.seasonal_periods.is_empty() {
        return "<h3>Seasons</h3><p>No season was found.</p>".to_owned();
    }
    let rows: Vec<Vec<String>> = profile
        .seasonal_periods
        .iter()
        .map(|s| {
            let strength = s.strength.get().clamp(0.0, 1.0);
            vec![
                counted(u64::from(s.period), "observation", "observations"),
                span(u64::from(s.period), profile.frequency),
                format!("{strength:.2}<span class=\"meter\"><i style=\"width:{:.0}%\"></i></span>", 100.0 * strength),
            ]
        })
        .collect();
    let columns = [Column("Period", false), Column("In time", false), Column("Strength, 0 to 1", true)];
    format!("<h3>Seasons</h3><div class=\"narrow\">{}</div>", table(&columns, &rows))
}

fn correlograms(profile: &Profile, series: &SeriesProfile) -> String {
    let marked: Vec<u32> = profile.seasonal_periods.iter().map(|s| s.period).collect();
    let of = if series.item_id.is_empty() {
        String::new()
    } else {
        format!(" of {}", escaped(&shortened(&series.item_id, 40)))
    };
    let mut html = String::from("<h3>Autocorrelation</h3><div class=\"pair\">");
    for (title, values) in [("Autocorrelation", &series.acf), ("Partial autocorrelation", &series.pacf)] {
        if !values.is_empty() {
            html.push_str(&format!(
                "<figure>{}<figcaption>{title}{of}, by lag</figcaption></figure>",
                acf_chart::draw(title, values, series.distribution.count, &marked)
            ));
        }
    }
    html.push_str("</div><p class=\"note\">Bars inside the shaded band are what white noise would show (95 %). Seasonal lags are coloured.</p>");
    html
}

/// Tests of the first series, one row for each of several.
fn details(profile: &Profile) -> String {
    let rows: Vec<Vec<String>> = profile
        .series
        .iter()
        .take(20)
        .map(|s| {
            let test = |t: Option<atsre_domain::profile::TestResult>| p_value(t.map(|t| t.p_value.get()));
            vec![
                if s.item_id.is_empty() { NONE.to_owned() } else { escaped(&s.item_id) },
                count(s.length),
                percent(s.gaps.share.map_or(0.0, Finite::get)),
                count(s.outliers),
                test(s.adf),
                test(s.kpss),
                stationarity(s.stationarity).to_owned(),
                fixed(s.trend_strength.map(Finite::get), 2),
                s.seasonal_periods
                    .first()
                    .map_or(NONE.to_owned(), |p| format!("{} <small>({:.2})</small>", p.period, p.strength.get())),
            ]
        })
        .collect();
    let columns = [
        Column("Series", false),
        Column("Length", true),
        Column("Missing", true),
        Column("Outliers", true),
        Column("ADF p", true),
        Column("KPSS p", true),
        Column("Verdict", false),
        Column("Trend", true),
        Column("Season", true),
    ];
    let shown = rows.len() as u64;
    let title = if profile.series_count > shown {
        format!("Tests, for the first {shown} of {} series", count(profile.series_count))
    } else {
        "Tests".to_owned()
    };
    if rows.is_empty() {
        String::new()
    } else {
        format!("<details><summary>{title}</summary>{}</details>", table(&columns, &rows))
    }
}

fn covariates(profile: &Profile) -> String {
    if profile.covariates.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = profile
        .covariates
        .iter()
        .take(COVARIATES)
        .map(|c| {
            vec![
                escaped(&c.name),
                escaped(&c.kind),
                count(c.distinct),
                count(c.missing),
                fixed(c.correlation.map(Finite::get), 2),
            ]
        })
        .collect();
    let columns = [
        Column("Covariate", false),
        Column("Kind", false),
        Column("Distinct", true),
        Column("Missing", true),
        Column("Correlation with the target", true),
    ];
    format!(
        "<details><summary>{}</summary>{}</details>",
        counted(profile.covariates.len() as u64, "covariate", "covariates"),
        table(&columns, &rows)
    )
}
