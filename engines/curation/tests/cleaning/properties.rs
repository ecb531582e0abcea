//! What holds for every table.

use std::collections::BTreeMap;

use atsre_curation::cleaning::{Regularised, clean, regularise};
use atsre_curation::rules::{derive, test_rule};
use atsre_domain::Finite;
use atsre_domain::cleaning::{CellChange, ChangeKind};
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::Panel;
use atsre_domain::rule::{AnomalyRule, RuleAction, RuleForm, TestedRule};
use atsre_domain::table::{Cells, Column, ColumnRole, Table};
use proptest::prelude::*;

use crate::support::{HOUR, categories, every, numbers, same_panels, table, target, times};

#[derive(Clone, Debug)]
struct Row {
    slot: i64,
    jitter: i64,
    item: usize,
    value: f64,
    humidity: f64,
    weather: usize,
}

const ITEMS: [&str; 3] = ["north", "south", "west"];
const WEATHER: [&str; 4] = ["sun", "rain", "fog", ""];

fn cell(ordinary: impl Strategy<Value = f64> + 'static) -> impl Strategy<Value = f64> {
    prop_oneof![12 => ordinary, 2 => Just(f64::NAN), 1 => Just(400.0), 1 => Just(0.0)]
}

fn row() -> impl Strategy<Value = Row> {
    let jitter = prop_oneof![9 => Just(0_i64), 1 => 1_i64..1_000_000_000];
    (0_i64..120, jitter, 0_usize..3, cell(10.0..60.0_f64), cell(20.0..120.0_f64), 0_usize..4)
        .prop_map(|(slot, jitter, item, value, humidity, weather)| Row { slot, jitter, item, value, humidity, weather })
}

fn table_of(rows: &[Row]) -> Table {
    let of = |field: fn(&Row) -> f64| rows.iter().map(field).collect::<Vec<_>>();
    let names: Vec<&str> = rows.iter().map(|r| ITEMS[r.item]).collect();
    let weather: Vec<&str> = rows.iter().map(|r| WEATHER[r.weather]).collect();
    table(vec![
        times(&rows.iter().map(|r| r.slot * HOUR + r.jitter).collect::<Vec<_>>()),
        categories("item", ColumnRole::Item, &names),
        target(&of(|r| r.value)),
        numbers("humidity", &of(|r| r.humidity)),
        categories("weather", ColumnRole::Covariate, &weather),
    ])
}

fn regular(input: &Table) -> Option<Regularised> {
    regularise(input, every(FrequencyUnit::Hour), "y", &["humidity".to_owned()]).ok()
}

fn rules(panel: &Panel) -> Vec<TestedRule> {
    let mut rules = derive(panel, &[6], &[]);
    let own = |column: &str, form, action| AnomalyRule { column: column.into(), form, action, reason: "own".into() };
    let finite = |v: f64| Finite::new(v).unwrap();
    rules.push(own("y", RuleForm::RateOfChange { maximum_per_step: finite(45.0) }, RuleAction::Impute));
    rules.push(own("humidity", RuleForm::RateOfChange { maximum_per_step: finite(60.0) }, RuleAction::Clip));
    rules.push(own("humidity", RuleForm::FlatLine { longest_run: 2 }, RuleAction::Impute));
    let form = RuleForm::CalendarContext { period: 4, minimum: vec![finite(5.0); 4], maximum: vec![finite(58.0); 4] };
    rules.push(own("y", form, RuleAction::Clip));
    let form =
        RuleForm::CrossSeries { other: "y".into(), slope: finite(0.5), intercept: finite(50.0), band: finite(50.0) };
    rules.push(own("humidity", form, RuleAction::Clip));
    let mut tested: Vec<TestedRule> = rules.iter().map(|rule| test_rule(panel, rule)).collect();
    // Random data break these too often; they are made to act all the same.
    tested.iter_mut().for_each(|rule| rule.accepted = rule.tested > 0);
    tested
}

/// The changes as a map, which also shows that no cell is listed twice.
fn by_cell(changes: &[CellChange]) -> BTreeMap<(String, i64, String), &CellChange> {
    let map: BTreeMap<_, _> = changes.iter().map(|c| ((c.item_id.clone(), c.time.0, c.column.clone()), c)).collect();
    assert_eq!(map.len(), changes.len(), "a cell is listed twice");
    map
}

/// Applies changes to a panel, checking what they say was there before.
fn apply(panel: &Panel, changes: &[CellChange]) -> Panel {
    let map = by_cell(changes);
    let mut output = panel.clone();
    let mut applied = 0;
    for series in &mut output.series {
        let item = series.item_id.clone();
        let moments = series.times.clone();
        let mut write = |name: &str, values: &mut Vec<f64>| {
            for (row, value) in values.iter_mut().enumerate() {
                if let Some(change) = map.get(&(item.clone(), moments[row].0, name.to_owned())) {
                    assert_eq!(change.before, Finite::of(*value), "{change:?}");
                    *value = change.after.map_or(f64::NAN, Finite::get);
                    applied += 1;
                }
            }
        };
        write(&panel.target, &mut series.target);
        for (covariate, values) in panel.covariates.iter().zip(&mut series.covariates) {
            write(&covariate.name, values);
        }
    }
    assert_eq!(applied, changes.len(), "a change names a cell that is not there");
    output
}

fn shuffled(input: &Table, order: &[usize]) -> Table {
    let columns = input
        .columns
        .iter()
        .map(|column| Column {
            name: column.name.clone(),
            role: column.role,
            cells: match &column.cells {
                Cells::Times(v) => Cells::Times(order.iter().map(|i| v[*i]).collect()),
                Cells::Numbers(v) => Cells::Numbers(order.iter().map(|i| v[*i]).collect()),
                Cells::Categories { levels, codes } => {
                    let texts: Vec<&str> =
                        order.iter().map(|i| levels.get(codes[*i] as usize).map_or("", String::as_str)).collect();
                    categories("", column.role, &texts).cells
                }
            },
        })
        .collect();
    Table { columns }
}

fn without_order(changes: &[CellChange]) -> Vec<CellChange> {
    changes.iter().filter(|c| c.kind != ChangeKind::Reordered).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_listed_changes_lead_from_the_input_to_the_output(rows in prop::collection::vec(row(), 1..300)) {
        if let Some(input) = regular(&table_of(&rows)) {
            let cleaned = clean(&input.panel, &rules(&input.panel), 6);
            prop_assert!(same_panels(&apply(&input.panel, &cleaned.changes), &cleaned.panel));
        }
    }

    #[test]
    fn cleaning_twice_is_cleaning_once(rows in prop::collection::vec(row(), 1..300)) {
        if let Some(input) = regular(&table_of(&rows)) {
            let rules = rules(&input.panel);
            let once = clean(&input.panel, &rules, 6);
            let twice = clean(&once.panel, &rules, 6);
            prop_assert!(same_panels(&once.panel, &twice.panel), "{:?}", twice.changes);
            prop_assert!(twice.changes.is_empty());
        }
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(
        (rows, order) in prop::collection::vec(row(), 1..200).prop_flat_map(|rows| {
            let order: Vec<usize> = (0..rows.len()).collect();
            (Just(rows), Just(order).prop_shuffle())
        })
    ) {
        let plain = table_of(&rows);
        match (regular(&plain), regular(&shuffled(&plain, &order))) {
            (Some(a), Some(b)) => {
                prop_assert!(same_panels(&a.panel, &b.panel));
                prop_assert_eq!(without_order(&a.changes), without_order(&b.changes));
                let (rules_a, rules_b) = (rules(&a.panel), rules(&b.panel));
                prop_assert_eq!(&rules_a, &rules_b);
                let (a, b) = (clean(&a.panel, &rules_a, 6), clean(&b.panel, &rules_b, 6));
                prop_assert!(same_panels(&a.panel, &b.panel));
                prop_assert_eq!(a.changes, b.changes);
            }
            (a, b) => prop_assert_eq!(a, b),
        }
    }

    #[test]
    fn a_clean_panel_lacks_nothing_that_could_be_filled(rows in prop::collection::vec(row(), 1..300)) {
        if let Some(input) = regular(&table_of(&rows)) {
            let cleaned = clean(&input.panel, &rules(&input.panel), 6);
            for series in &cleaned.panel.series {
                prop_assert!(series.target.iter().all(|v| v.is_finite()));
                for values in &series.covariates {
                    let missing = values.iter().filter(|v| v.is_nan()).count();
                    prop_assert!(missing == 0 || missing == values.len());
                }
                let steps: Vec<i64> = series.times.windows(2).map(|w| w[1].0 - w[0].0).collect();
                prop_assert!(steps.iter().all(|step| *step == HOUR));
            }
        }
    }
}
