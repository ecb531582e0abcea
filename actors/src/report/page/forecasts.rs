//! The best model's forecasts against history, for a few series.

use std::collections::BTreeMap;

use atsre_domain::panel::Series;
use atsre_forecast::{SeriesForecast, WindowForecast};

use super::super::ReportData;
use super::super::forecast_chart::{ForecastChart, bands};
use super::super::leaderboard::Leaderboard;
use super::super::text::{counted, escaped, moment, number, percent, shortened};
use super::{Column, table};

/// At most so many series are drawn.
const DRAWN: usize = 6;
/// At most so many steps stand in the table.
const LISTED: usize = 60;

pub(super) fn section(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let best = board.best();
    let Some(result) = best.result else { return String::new() };
    let by_name: BTreeMap<&str, &Series> = data.panel.series.iter().map(|s| (s.item_id.as_str(), s)).collect();
    let errors = errors(&result.windows);
    let mut pairs: Vec<(&Series, &SeriesForecast)> =
        result.forecasts.iter().filter_map(|f| Some((*by_name.get(f.item_id.as_str())?, f))).collect();
    let total = pairs.len();
    let mut lead = format!("By {}. ", escaped(&best.label));
    if total > DRAWN {
        // From the most to the least accurate, so that the picture does not flatter.
        let error = |f: &SeriesForecast| errors.get(f.item_id.as_str()).copied().unwrap_or(f64::INFINITY);
        pairs.sort_by(|a, b| error(a.1).total_cmp(&error(b.1)).then(a.0.item_id.cmp(&b.0.item_id)));
        pairs = (0..DRAWN).map(|k| pairs[k * (total - 1) / (DRAWN - 1)]).collect();
        lead.push_str(&format!(
            "Six of {}, from the most accurately forecast to the least.",
            counted(total as u64, "series", "series")
        ));
    } else if total > 1 {
        lead.push_str(&format!("All {}.", counted(total as u64, "series", "series")));
    }
    let unit = data.panel.frequency.unit;
    let levels = &result.quantile_levels;
    let mut html = format!("<p class=\"lead\">{}</p>", lead.trim());
    let charts: Vec<ForecastChart<'_>> = pairs.iter().map(|(s, f)| ForecastChart::of(s, f, levels, unit)).collect();
    let withheld = charts.iter().any(|c| !c.actual.is_empty());
    if let [chart] = charts.as_slice() {
        html.push_str(&format!("<figure>{}</figure>", chart.draw()));
    } else {
        html.push_str("<div class=\"multiples\">");
        for (chart, (series, _)) in charts.into_iter().zip(&pairs) {
            let error = errors
                .get(series.item_id.as_str())
                .map_or(String::new(), |e| format!(" <small class=\"small\">MASE {e:.2}</small>"));
            html.push_str(&format!(
                "<figure><h4 title=\"{}\">{}{error}</h4>{}</figure>",
                escaped(&series.item_id),
                escaped(&shortened(&series.item_id, 48)),
                chart.sized(520.0, 250.0).draw()
            ));
        }
        html.push_str("</div>");
    }
    html.push_str(&legend(levels, withheld));
    html.push_str(&steps(data, &pairs, levels));
    html
}

/// Each series' mean absolute scaled error over the backtest's windows.
fn errors(windows: &[WindowForecast]) -> BTreeMap<&str, f64> {
    let mut sums: BTreeMap<&str, (f64, u32)> = BTreeMap::new();
    for window in windows {
        let Some(scale) = window.absolute_scale.filter(|s| *s > 0.0) else { continue };
        let steps: Vec<f64> =
            window.actual.iter().zip(&window.mean).map(|(a, m)| (a - m).abs()).filter(|e| e.is_finite()).collect();
        if !steps.is_empty() {
            let entry = sums.entry(window.item_id.as_str()).or_default();
            *entry = (entry.0 + steps.iter().sum::<f64>() / steps.len() as f64 / scale, entry.1 + 1);
        }
    }
    sums.into_iter().map(|(name, (sum, count))| (name, sum / f64::from(count))).collect()
}

fn legend(levels: &[f64], withheld: bool) -> String {
    let mut html = String::from(
        "<div class=\"legend\"><span><i style=\"border-color:var(--history)\"></i>history</span><span><i style=\"border-color:var(--accent)\"></i>forecast, mean</span>",
    );
    if withheld {
        html.push_str(
            "<span><i style=\"border-color:var(--actual)\"></i>what happened (withheld from the models)</span>",
        );
    }
    for (index, (low, high)) in bands(levels).into_iter().enumerate() {
        html.push_str(&format!(
            "<span><i class=\"area\" style=\"opacity:{:.2}\"></i>{} interval</span>",
            0.2 + 0.2 * index as f64,
            percent(levels[high] - levels[low])
        ));
    }
    html.push_str("</div>");
    html
}

/// The first drawn series step by step.
fn steps(data: &ReportData, pairs: &[(&Series, &SeriesForecast)], levels: &[f64]) -> String {
    let Some((series, forecast)) = pairs.first() else { return String::new() };
    let outer = bands(levels).first().copied();
    let heading = if series.item_id.is_empty() {
        String::new()
    } else {
        format!(" of {}", escaped(&shortened(&series.item_id, 48)))
    };
    let value = |v: Option<&f64>| v.map_or(super::super::text::NONE.to_owned(), |v| number(*v));
    let rows: Vec<Vec<String>> = forecast
        .times
        .iter()
        .enumerate()
        .take(LISTED)
        .map(|(step, time)| {
            let bound =
                |row: Option<usize>| value(row.and_then(|r| forecast.quantiles.get(r)).and_then(|q| q.get(step)));
            vec![
                moment(*time, data.panel.frequency),
                value(forecast.mean.get(step)),
                bound(outer.map(|o| o.0)),
                bound(outer.map(|o| o.1)),
            ]
        })
        .collect();
    let more = if forecast.times.len() > LISTED {
        format!(" (the first {LISTED} of {})", forecast.times.len())
    } else {
        String::new()
    };
    let columns =
        [Column("Time", false), Column("Mean", true), Column("Lower bound", true), Column("Upper bound", true)];
    format!("<details><summary>The forecast{heading} as numbers{more}</summary>{}</details>", table(&columns, &rows))
}
