//! Discovers the graph of a CSV file: `discover_csv FILE TARGET [SVG]`. The first column is the time axis where it is called
//! `timestamp` or `step`; columns of words become categories. Every covariate counts as known only up to now.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use atsre_causal::{DiscoverOptions, discover, svg};
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::graph::BackgroundKnowledge;
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (file, target) = (arguments.next().expect("a CSV file"), arguments.next().expect("the target column"));
    let picture = arguments.next();
    let mut reader = csv::Reader::from_path(&file).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |index: usize| -> (Vec<f64>, Option<Vec<String>>) {
        let fields: Vec<&str> = records.iter().map(|r| &r[index]).collect();
        if fields.iter().all(|f| f.is_empty() || f.parse::<f64>().is_ok()) {
            return (fields.iter().map(|f| f.parse().unwrap_or(f64::NAN)).collect(), None);
        }
        let mut levels: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
        levels.sort();
        levels.dedup();
        (fields.iter().map(|f| levels.iter().position(|l| l == f).unwrap() as f64).collect(), Some(levels))
    };
    let at = names.iter().position(|n| *n == target).expect("the target is a column");
    let others: Vec<usize> =
        (0..names.len()).filter(|i| *i != at && names[*i] != "timestamp" && names[*i] != "step").collect();
    let (mut covariates, mut rows) = (Vec::new(), Vec::new());
    for index in others {
        let (values, levels) = column(index);
        covariates.push(Covariate { name: names[index].clone(), kind: CovariateKind::Past, levels });
        rows.push(values);
    }
    let hourly = file.contains("hourly");
    let panel = Panel {
        target: target.clone(),
        frequency: Frequency::every(if hourly { FrequencyUnit::Hour } else { FrequencyUnit::Step }),
        covariates,
        series: vec![Series {
            item_id: String::new(),
            times: (0..records.len() as i64).map(Timestamp).collect(),
            target: column(at).0,
            covariates: rows,
        }],
    };
    let nature = ["weather", "temp", "atemp", "hum", "windspeed"];
    let forbidden =
        nature.iter().filter(|n| names.iter().any(|c| c == *n)).map(|n| (target.clone(), (*n).to_owned())).collect();
    let options =
        DiscoverOptions { knowledge: BackgroundKnowledge { forbidden, ..Default::default() }, ..Default::default() };
    let started = std::time::Instant::now();
    let found = discover(&panel, &options).unwrap_or_else(|e| panic!("{e}: {:?}", std::error::Error::source(&e)));
    let took = started.elapsed();
    found.reasons.iter().for_each(|r| println!("- {r}"));
    found.left_out.iter().for_each(|l| println!("- left out: {} ({})", l.column, l.why));
    for edge in &found.graph.edges {
        let (a, b) = (&found.graph.variables[edge.source as usize], &found.graph.variables[edge.target as usize]);
        let number = |v: Option<atsre_domain::Finite>| v.map_or(f64::NAN, atsre_domain::Finite::get);
        println!(
            "{a} {:?}-{:?} {b}  z {:.1} p {:.1e} confidence {:.2}",
            edge.source_mark,
            edge.target_mark,
            number(edge.statistic),
            number(edge.p_value),
            number(edge.confidence)
        );
    }
    found.drivers.iter().for_each(|d| println!("driver {} at lag {} directed {}", d.variable, d.lag, d.directed));
    println!("{}", found.interpretation);
    println!("{} tests, {took:?}", found.tests);
    if let Some(path) = picture {
        std::fs::write(path, svg::draw(&found.graph, Some(&target))).unwrap();
    }
}
