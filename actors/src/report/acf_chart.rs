//! Autocorrelation and partial autocorrelation as bars, with the band in which a bar means nothing.

use std::fmt::Write;

use atsre_domain::Finite;

const WIDTH: f64 = 500.0;
const HEIGHT: f64 = 170.0;

/// Draws one correlogram: `values[k]` belongs to lag `k + 1`. The band is ±1.96 / √n, that of white noise; lags in
/// `marked` (seasonal periods) are coloured.
pub(super) fn draw(title: &str, values: &[Finite], observations: u64, marked: &[u32]) -> String {
    let (left, right, top, bottom) = (36.0, 8.0, 10.0, 24.0);
    let y = |value: f64| top + (1.0 - value.clamp(-1.0, 1.0)) / 2.0 * (HEIGHT - top - bottom);
    let step = (WIDTH - left - right) / values.len().max(1) as f64;
    let x = |lag: usize| left + (lag as f64 - 0.5) * step;
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH:.0} {HEIGHT:.0}\" role=\"img\"><title>{}</title>",
        super::text::escaped(title)
    );
    for (value, label) in [(1.0, "1"), (0.5, ""), (0.0, "0"), (-0.5, ""), (-1.0, "−1")] {
        let height = y(value);
        let class = if value == 0.0 { "axis" } else { "grid" };
        let _ = write!(
            svg,
            "<line class=\"{class}\" x1=\"{left:.1}\" x2=\"{:.1}\" y1=\"{height:.1}\" y2=\"{height:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - right,
            left - 7.0,
            height + 4.0
        );
    }
    let band = 1.96 / (observations.max(1) as f64).sqrt();
    let _ = write!(
        svg,
        "<rect class=\"band\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        y(band),
        WIDTH - right - left,
        y(-band) - y(band)
    );
    for (index, value) in values.iter().enumerate() {
        let (lag, value) = (index + 1, value.get());
        let seasonal = marked.iter().any(|period| *period as usize == lag);
        let (high, low) = (y(value.max(0.0)), y(value.min(0.0)));
        let _ = write!(
            svg,
            "<rect class=\"{}\" x=\"{:.1}\" y=\"{high:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>lag {lag}: {value:.3}</title></rect>",
            if seasonal { "bar seasonal" } else { "bar" },
            x(lag) - step * 0.31,
            step * 0.62,
            (low - high).max(0.5)
        );
        let wanted = if values.len() > 20 { 5 } else { 2 };
        if lag == 1 || lag % wanted == 0 {
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{lag}</text>",
                x(lag),
                HEIGHT - 6.0
            );
        }
    }
    svg.push_str("</svg>");
    svg
}
