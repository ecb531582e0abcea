//! What was asked, what came out, and at what price.

use atsre_domain::experiment::TrialState;
use atsre_domain::metric::{Metric, Split};

use super::super::ReportData;
use super::super::leaderboard::{Leaderboard, metric_name};
use super::super::text::{clock, count, counted, duration, energy, escaped, fixed, moment, percent, span};

pub(super) fn header(data: &ReportData, board: &Leaderboard<'_>, links: &str) -> String {
    let opened = &data.opened;
    let best = board.best();
    let frequency = data.panel.frequency;
    let horizon = u64::from(opened.horizon);
    let natural = span(horizon, frequency);
    let steps = counted(horizon, "step", "steps");
    let ahead = if natural == steps { steps } else { format!("{steps} ({natural})") };
    let range = best
        .result
        .and_then(|r| r.forecasts.first())
        .and_then(|f| Some((f.times.first()?, f.times.last()?)))
        .map_or(String::new(), |(from, to)| match (moment(*from, frequency), moment(*to, frequency)) {
            (from, to) if from == to => format!(", {from}"),
            (from, to) => format!(", {from} to {to}"),
        });
    let withheld =
        if opened.holdout { ". These last observations were withheld from every model, as a test" } else { "" };
    format!(
        "<header><div class=\"inner\"><p class=\"eyebrow\">Experiment {} · {} · {}</p>\
         <h1>{}<small>{} forecast {ahead} ahead{range}{withheld}.</small></h1>\
         <p class=\"verdict\">The best model is <strong>{}</strong>: {}.{}</p>{}<nav>{links}</nav></div></header>",
        data.experiment_id,
        escaped(opened.objective.name()),
        clock(data.written_at),
        escaped(&opened.dataset.name),
        escaped(&opened.target),
        escaped(&best.label),
        escaped(&board.verdict()),
        test_sentence(board),
        cards(data, board)
    )
}

/// How the best did on the withheld test, where there is one.
fn test_sentence(board: &Leaderboard<'_>) -> String {
    let test = |row: &super::super::leaderboard::Row<'_>| row.value(board.criterion, Split::Test);
    let Some(own) = test(board.best()) else { return String::new() };
    let name = metric_name(board.criterion);
    match board.baseline().filter(|b| b.number != board.best().number).and_then(test) {
        Some(reference) => format!(" On the withheld test its {name} is {own:.2}, the baseline’s {reference:.2}."),
        None => format!(" On the withheld test its {name} is {own:.2}."),
    }
}

fn cards(data: &ReportData, board: &Leaderboard<'_>) -> String {
    let best = board.best();
    let value = |metric| best.value(metric, Split::Backtest);
    let mut cards: Vec<(String, String)> = Vec::new();
    if let Some(score) = best.score(board.criterion, Split::Backtest) {
        let width = score.half_width.map_or(String::new(), |w| format!(" (± {:.2})", w.get()));
        cards.push((
            format!("{:.2}", score.value.get()),
            format!("{} on the backtest{width}", metric_name(board.criterion)),
        ));
    }
    if let Some(coverage) = value(Metric::Coverage) {
        let nominal =
            nominal(data).map_or("inside the interval".to_owned(), |n| format!("inside the {} interval", percent(n)));
        cards.push((percent(coverage), nominal));
    }
    if value(Metric::Wql).is_some() {
        cards.push((fixed(value(Metric::Wql), 3), "weighted quantile loss".to_owned()));
    }
    let finished = data.trials.iter().filter(|t| t.trial.completed()).count() as u64;
    let failures: usize = data.trials.iter().map(|t| t.trial.failures.len()).sum();
    let healed = data.trials.iter().filter(|t| t.trial.completed() && !t.trial.failures.is_empty()).count() as u64;
    let story = match (failures, healed) {
        (0, _) => "trials finished, none failed".to_owned(),
        (failures, healed) => format!(
            "trials finished; {}, {} healed",
            counted(failures as u64, "failure", "failures"),
            counted(healed, "trial", "trials")
        ),
    };
    cards.push((format!("{} of {}", count(finished), count(data.trials.len() as u64)), story));
    cards.push((energy(total_energy(data)), "energy of all trials".to_owned()));
    cards.push((duration(data.written_at.millis_since(data.opened.opened_at)), "from opening to report".to_owned()));
    let cards: String = cards
        .iter()
        .map(|(value, name)| {
            format!("<div class=\"card\"><b>{}</b><span>{}</span></div>", escaped(value), escaped(name))
        })
        .collect();
    format!("<div class=\"cards\">{cards}</div>")
}

/// The share that the outermost quantiles claim to hold.
pub(super) fn nominal(data: &ReportData) -> Option<f64> {
    let levels = &data.opened.quantile_levels;
    let (first, last) = (levels.first()?.get(), levels.last()?.get());
    (last > first).then_some(last - first)
}

/// What all attempts used, the failed ones included.
fn total_energy(data: &ReportData) -> u64 {
    let of = |trial: &atsre_domain::experiment::Trial| {
        let failed: u64 = trial.failures.iter().map(|f| f.usage.energy_mj).sum();
        match &trial.state {
            TrialState::Completed { usage, .. } => failed + usage.energy_mj,
            _ => failed,
        }
    };
    data.trials.iter().map(|t| of(&t.trial)).sum()
}
