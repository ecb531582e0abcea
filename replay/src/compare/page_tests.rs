//! The page's part about the paired tests: what the windows say of each pair, window by window and model by model.

use atsre_forecast::significance::{Variance, Verdict};

use super::chart::{self, escaped};
use super::decisions::NONE;
use super::page::{place, table};
use super::text::{CAVEAT, fixed};
use super::{Comparison, Pair, Tested, Versus};

/// The section.
pub(super) fn section(comparison: &Comparison) -> String {
    let pairs: String = comparison.pairs.iter().map(|pair| tested_pair(comparison, pair)).collect();
    format!(
        "<p class=\"lead\">The same backtest windows, forecast by both: the test asks whether differences like these would come by chance \
         if both forecast equally well.</p>{pairs}\
         <p class=\"note\">Test of equal predictive accuracy (Diebold and Mariano 1995) with the small-sample correction of Harvey, Leybourne and \
         Newbold (1997), on the mean loss of whole windows, because errors inside a window depend on each other. {CAVEAT}</p>"
    )
}

fn tested_pair(comparison: &Comparison, pair: &Pair) -> String {
    let mut html = format!("<h3>{} against {}</h3>", escaped(&pair.first), escaped(&pair.second));
    if comparison.branches.len() > 2 {
        html.push_str(&format!("<p class=\"note\">{}</p>", escaped(&pair.parting.statement)));
    }
    let Some(best) = &pair.best else {
        return html + "<p>One of them has no result yet.</p>";
    };
    html.push_str(&format!("<p class=\"statement\">{}</p>", escaped(&best.statement)));
    if let Some(test) = best.tests.first() {
        let places = (place(comparison, &pair.first), place(comparison, &pair.second));
        html.push_str(&format!(
            "<div class=\"tested\"><figure>{}<figcaption>{} less {}: difference of the {}{} in each window, the earliest first.</figcaption></figure><div>{}</div></div>",
            chart::differences(best, test, places),
            escaped(&best.first.branch),
            escaped(&best.second.branch),
            test.loss.name(),
            if test.scaled { ", in seasonal differences (as MASE)," } else { "" },
            numbers(&best.tests)
        ));
    }
    for (what, price) in [("All attempts counted", &pair.search_price), ("The bests alone", &pair.model_price)] {
        if let Some(price) = price {
            html.push_str(&format!("<p><b>{what}:</b> {}</p>", escaped(&price.statement)));
        }
    }
    html.push_str(&models(&pair.models));
    html
}

fn numbers(tests: &[Tested]) -> String {
    let rows: Vec<(String, Vec<String>)> = tests
        .iter()
        .map(|test| {
            let cells = match test.diebold_mariano {
                Some(dm) => {
                    let fallback = if dm.variance == Variance::Bartlett { " <small>Bartlett</small>" } else { "" };
                    vec![
                        format!("{:.3}{fallback}", dm.statistic),
                        dm.degrees_of_freedom.to_string(),
                        p_value(dm.p_value),
                    ]
                }
                None => vec![NONE.to_owned(); 3],
            };
            let name = test.loss.name().to_owned();
            let losses = [format!("{:.4}", test.first), format!("{:.4}", test.second), test.windows.to_string()];
            (String::new(), std::iter::once(name).chain(losses).chain(cells).collect())
        })
        .collect();
    let head = ["", "first", "second", "windows", "statistic", "d.f.", "p"].map(str::to_owned);
    table(&head, &rows, 1)
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "&lt; 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn models(models: &[Versus]) -> String {
    if models.is_empty() {
        return String::new();
    }
    let rows: Vec<(String, Vec<String>)> = models
        .iter()
        .map(|versus| {
            let test = versus.tests.first();
            let verdict = match test.map(|t| t.verdict) {
                Some(Verdict::FirstBetter) => {
                    format!("<span class=\"tag good\">{} better</span>", escaped(&versus.first.branch))
                }
                Some(Verdict::SecondBetter) => {
                    format!("<span class=\"tag good\">{} better</span>", escaped(&versus.second.branch))
                }
                Some(Verdict::NotApart) => "<span class=\"tag\">not told apart</span>".to_owned(),
                Some(Verdict::Same) => "<span class=\"tag\">the same</span>".to_owned(),
                Some(Verdict::Untested) | None => "<span class=\"tag warn\">no test</span>".to_owned(),
            };
            let p = test.and_then(|t| t.adjusted_p_value).map_or_else(|| NONE.to_owned(), p_value);
            let cells = vec![
                escaped(&versus.first.model),
                verdict,
                escaped(&versus.statement),
                fixed(test.map(|t| t.first), 4),
                fixed(test.map(|t| t.second), 4),
                p,
            ];
            (String::new(), cells)
        })
        .collect();
    let head = ["model", "", "what the windows say", "first", "second", "p (Holm)"].map(str::to_owned);
    format!("<details><summary>Model by model ({})</summary>{}</details>", models.len(), table(&head, &rows, 3))
}
