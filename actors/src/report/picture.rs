//! A forecast as a picture that stands by itself.

use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::Series;
use atsre_forecast::SeriesForecast;

use super::forecast_chart::ForecastChart;

/// The report's colours, light and dark, without its page.
const STYLE: &str = "<style>\
    svg{--line:#dfe3ea;--muted:#5b6472;--history:#3d4756;--accent:#0b6fb8;--actual:#b3541e;background:#fff;\
    font-family:system-ui,sans-serif}\
    @media (prefers-color-scheme:dark){svg{--line:#2c3440;--muted:#9aa5b4;--history:#c8d0db;--accent:#58aef0;\
    --actual:#f0a070;background:#12161c}}\
    .tick{fill:var(--muted);font-size:12px}.context{font-weight:600}.grid{stroke:var(--line)}.axis{stroke:var(--muted)}\
    .history{fill:none;stroke:var(--history);stroke-width:1.5}.mean{fill:none;stroke:var(--accent);stroke-width:2.2}\
    .dot-mean{fill:var(--accent)}.actual{fill:none;stroke:var(--actual);stroke-width:1.6}.dot-actual{fill:var(--actual)}\
    .fan{fill:var(--accent);stroke:none}.ahead{fill:var(--accent);fill-opacity:.035}</style>";

/// Draws the last history of a series, the forecast's mean and its quantile fan as one SVG document.
///
/// `levels` are the forecast's quantile levels, ascending.
#[must_use]
pub fn forecast_picture(series: &Series, forecast: &SeriesForecast, levels: &[f64], unit: FrequencyUnit) -> String {
    let drawn = ForecastChart::of(series, forecast, levels, unit).draw();
    // The page's pictures are parts of HTML; a file needs its name space.
    let alone = drawn.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    match alone.split_once('>') {
        Some((opening, rest)) => format!("{opening}>{STYLE}{rest}"),
        None => alone,
    }
}
