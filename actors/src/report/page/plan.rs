//! The plan, with the reasoning that led there.

use atsre_domain::model::{Device, Hyperparameters, Setting};
use atsre_domain::plan::ReasonerKind;

use super::super::ReportData;
use super::super::text::{bytes, counted, duration, escaped, span};
use super::{Column, table};

pub(super) fn section(data: &ReportData) -> String {
    let Some(proposed) = &data.plan else {
        return "<p>No plan was recorded for this experiment.</p>".to_owned();
    };
    let plan = &proposed.plan;
    let who = match proposed.reasoner {
        ReasonerKind::Rules => "Made by rules: deterministic, offline",
        ReasonerKind::Llm => "Made by a language model and checked against the catalogue and the budget",
    };
    let graph = proposed.graph.map_or(", without a causal graph", |_| " and on the causal graph");
    let mut html = format!(
        "<p class=\"lead\">{who}. It rests on profile <i>Q</i>{graph}.</p><p class=\"quote\"><b>Hypothesis.</b> {}</p>",
        escaped(&plan.hypothesis)
    );
    if !plan.reasoning.is_empty() {
        html.push_str("<h3>Reasoning</h3><ol class=\"steps\">");
        for step in &plan.reasoning {
            html.push_str(&format!(
                "<li><div><span class=\"what\">Observation</span>{}</div><div><span class=\"what\">Inference</span>{}</div>\
                 <div class=\"decision\"><span class=\"what\">Decision</span>{}</div></li>",
                escaped(&step.observation),
                escaped(&step.inference),
                escaped(&step.decision)
            ));
        }
        html.push_str("</ol>");
    }
    let rows: Vec<Vec<String>> = plan
        .trials
        .iter()
        .map(|t| {
            let device = if t.spec.device == Device::Gpu { " <span class=\"tag\">GPU</span>" } else { "" };
            let covariates = if t.spec.covariates.is_empty() {
                String::new()
            } else {
                format!("covariates: {}", t.spec.covariates.join(", "))
            };
            vec![
                format!("<b>{}</b>{device}", escaped(&t.spec.model)),
                escaped(&t.reason),
                format!("{}<br><small>{}</small>", escaped(&settings(&t.spec.hyperparameters)), escaped(&covariates)),
                format!("{}<br><small>{}</small>", bytes(t.limits.memory_bytes), duration(t.limits.deadline_ms)),
            ]
        })
        .collect();
    let columns = [Column("Model", false), Column("Why", false), Column("Settings", false), Column("Limits", true)];
    html.push_str(&format!("<h3>Trials</h3>{}", table(&columns, &rows)));
    let backtest = plan.backtest;
    let ensemble = match plan.ensemble_strategy.as_str() {
        "none" => "The trials are not combined.".to_owned(),
        "weighted_avg" => {
            "The finished trials are combined by a weighted average, the weights chosen on the backtest.".to_owned()
        }
        strategy => format!("The finished trials are combined by {}.", escaped(&super::super::text::spoken(strategy))),
    };
    html.push_str(&format!(
        "<p class=\"note\">Judged on {} {} apart; errors scale by a season of {} ({}). {ensemble}</p>",
        counted(u64::from(backtest.windows), "rolling-origin window", "rolling-origin windows"),
        counted(u64::from(backtest.step), "step", "steps"),
        counted(u64::from(backtest.season_length), "observation", "observations"),
        span(u64::from(backtest.season_length), data.panel.frequency)
    ));
    html
}

/// Settings as `name = value`.
pub(in super::super) fn settings(settings: &Hyperparameters) -> String {
    if settings.is_empty() {
        return "the model’s defaults".to_owned();
    }
    let value = |setting: &Setting| match setting {
        Setting::Flag(flag) => flag.to_string(),
        Setting::Integer(number) => number.to_string(),
        Setting::Number(number) => number.to_string(),
        Setting::Text(text) => text.clone(),
        Setting::Integers(numbers) => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "),
    };
    settings.iter().map(|(name, setting)| format!("{name} = {}", value(setting))).collect::<Vec<_>>().join(", ")
}
