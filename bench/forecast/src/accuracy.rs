//! Accuracy on the same series by the measures of the M4 competition.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use atsre_bench_peers::Table;
use atsre_forecast::metrics::{self, Over, over_series};

use crate::group::{Forecast, Forecasts, Group};
use crate::pair::{FOUR, SEASONAL_NAIVE};
use crate::peer::Peer;
use crate::speed::in_process;

/// Point forecasts by series.
type Points = BTreeMap<String, Vec<f64>>;

/// An error of a forecast: what happened, the forecast, the history.
type Error<'a> = dyn Fn(&[f64], &[f64], &[f64]) -> Option<f64> + 'a;

/// One end of an interval.
type End = Option<Vec<Option<f64>>>;

/// A row of the table: a model on either side.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    title: String,
    /// Ours and theirs, where there are such.
    owa: [Option<f64>; 2],
    /// Series that were scored on both sides.
    series: usize,
}

/// One group's scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The group's name.
    pub group: String,
    /// Series.
    pub series: usize,
    rows: Vec<Row>,
    /// Shares inside our 80 % and 95 % intervals, by model, in per cent.
    covered: Vec<(String, [f64; 2])>,
}

/// Scores every model of both sides on a group.
///
/// # Errors
/// Either side fails.
pub fn score(group: &Group, peer: &Peer, folder: &Path) -> Result<Scored> {
    let pairs = [FOUR.as_slice(), &[SEASONAL_NAIVE]].concat();
    let theirs = peer.forecasts(group, &pairs)?;
    let mut ours: BTreeMap<&str, Forecasts> = BTreeMap::new();
    for model in pairs.iter().map(|p| p.ours).chain(["auto", "naive2"]) {
        ours.insert(model, in_process(group, model, 1, folder)?.forecasts);
    }
    let scale = &ours["naive2"];
    let (mut rows, mut covered) = (Vec::new(), Vec::new());
    for pair in &pairs {
        let own = &ours[pair.ours];
        let (own_points, their_points) = (points(own), theirs.get(pair.theirs).map(points).unwrap_or_default());
        // Where the peer covers fewer series, both are scored on those.
        let both: Points = own_points.into_iter().filter(|(id, _)| their_points.contains_key(id)).collect();
        let owa = [owa(group, &both, scale), owa(group, &their_points, scale)];
        rows.push(Row { title: format!("`{}`", pair.ours), owa, series: both.len() });
        covered.push((pair.ours.to_owned(), coverage(group, own)));
    }
    let four = |all: &dyn Fn(usize) -> Forecasts| median_of((0..FOUR.len()).map(|k| points(&all(k))).collect());
    let ensemble =
        [four(&|k| ours[FOUR[k].ours].clone()), four(&|k| theirs.get(FOUR[k].theirs).cloned().unwrap_or_default())];
    let owa_of = |points: &Points| owa(group, points, scale);
    let series = ensemble[1].len();
    rows.push(Row { title: "median of the four".to_owned(), owa: [&ensemble[0], &ensemble[1]].map(owa_of), series });
    let auto = points(&ours["auto"]);
    rows.push(Row { title: "`auto`".to_owned(), owa: [owa_of(&auto), None], series: auto.len() });
    covered.push(("auto".to_owned(), coverage(group, &ours["auto"])));
    eprintln!("{}: {} series scored", group.name, group.series.len());
    Ok(Scored { group: group.name.clone(), series: group.series.len(), rows, covered })
}

fn points(forecasts: &Forecasts) -> Points {
    forecasts.iter().filter_map(|(id, f)| Some((id.clone(), f.point()?))).collect()
}

/// At each step the median of the members that forecast the series.
fn median_of(members: Vec<Points>) -> Points {
    let mut all: BTreeMap<String, Vec<Vec<f64>>> = BTreeMap::new();
    for member in members {
        for (id, points) in member {
            all.entry(id).or_default().push(points);
        }
    }
    let middle = |points: Vec<Vec<f64>>| {
        let steps = points.iter().map(Vec::len).min().unwrap_or(0);
        let at = |step: usize| points.iter().map(|p| p[step]).collect::<Vec<f64>>();
        (0..steps).map(|step| atsre_bench_peers::processor::median(&at(step))).collect()
    };
    all.into_iter().map(|(id, points)| (id, middle(points))).collect()
}

/// OWA over the series that are forecast; none without any.
fn owa(group: &Group, forecasts: &Points, naive2: &Forecasts) -> Option<f64> {
    let scale: Points = points(naive2).into_iter().filter(|(id, _)| forecasts.contains_key(id)).collect();
    let mean = |points: &Points, error: &Error<'_>| {
        let errors = points.iter().map(|(id, f)| group.series.get(id).and_then(|s| error(&s.test, f, &s.train)));
        over_series(errors, Over::Mean).map(|a| a.value)
    };
    let smape = |points: &Points| mean(points, &|y, f, _| metrics::smape(y, f));
    let mase = |points: &Points| mean(points, &|y, f, train| metrics::mase(y, f, train, group.season));
    metrics::owa(smape(forecasts)?, mase(forecasts)?, smape(&scale)?, mase(&scale)?)
}

fn coverage(group: &Group, forecasts: &Forecasts) -> [f64; 2] {
    let whole = |v: &End| v.as_ref()?.iter().copied().collect::<Option<Vec<f64>>>();
    let share = |ends: fn(&Forecast) -> (&End, &End)| {
        let one = |(id, f): (&String, &Forecast)| {
            let (low, high) = ends(f);
            metrics::coverage(&group.series.get(id)?.test, &whole(low)?, &whole(high)?)
        };
        over_series(forecasts.iter().map(one), Over::Mean).map_or(f64::NAN, |a| 100.0 * a.value)
    };
    [share(|f| (&f.low_80, &f.high_80)), share(|f| (&f.low_95, &f.high_95))]
}

fn titles(scored: &[Scored], first: &str) -> Vec<String> {
    let groups = scored.iter().map(|s| format!("{} ({} series)", s.group, s.series));
    std::iter::once(first.to_owned()).chain(groups).collect()
}

/// OWA by model and group, ours beside theirs; a row of `auto` against the peers' ensemble last.
#[must_use]
pub fn table(scored: &[Scored]) -> Table {
    let header = titles(scored, "OWA");
    let mut table = Table::new(&header.iter().map(String::as_str).collect::<Vec<_>>());
    let Some(first) = scored.first() else { return table };
    for (at, row) in first.rows.iter().enumerate() {
        let cell = |s: &Scored| {
            let row = &s.rows[at];
            let number = |v: Option<f64>| v.map_or_else(|| "—".to_owned(), |v| format!("{v:.3}"));
            let fewer = if row.series < s.series { format!(", {} series", row.series) } else { String::new() };
            match row.owa {
                [ours, None] => number(ours),
                [ours, theirs] => format!("{} / {}{fewer}", number(ours), number(theirs)),
            }
        };
        table.row(std::iter::once(row.title.clone()).chain(scored.iter().map(cell)));
    }
    let gain = |s: &Scored| {
        let at = |title: &str, side: usize| s.rows.iter().find(|r| r.title == title).and_then(|r| r.owa[side]);
        match (at("`auto`", 0), at("median of the four", 1)) {
            (Some(auto), Some(ensemble)) => format!("{:+.1} %", 100.0 * (auto / ensemble - 1.0)),
            _ => "—".to_owned(),
        }
    };
    table.row(std::iter::once("`auto` against their median".to_owned()).chain(scored.iter().map(gain)));
    table
}

/// What our 80 % and 95 % intervals cover, by model and group.
#[must_use]
pub fn coverage_table(scored: &[Scored]) -> Table {
    let header = titles(scored, "covered of 80 / 95 %");
    let mut table = Table::new(&header.iter().map(String::as_str).collect::<Vec<_>>());
    let Some(first) = scored.first() else { return table };
    for (at, (model, _)) in first.covered.iter().enumerate() {
        let cell = |s: &Scored| format!("{:.1} / {:.1}", s.covered[at].1[0], s.covered[at].1[1]);
        table.row(std::iter::once(format!("`{model}`")).chain(scored.iter().map(cell)));
    }
    table
}
