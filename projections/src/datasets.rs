//! `datasets` and `causal_graphs`.

use atsre_domain::dataset::Event as E;
use atsre_domain::event::AnyEvent;
use atsre_domain::{ArtifactRef, Recorded};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::cell::{Cell, Columns, json, moment, scalar};
use crate::projection::{Artifacts, Projection, Table, optional, required};
use crate::row::{Change, RowOp};

/// The projection.
pub static DATASETS: Projection = Projection {
    name: "datasets",
    child: "projector:datasets",
    stream_type: "dataset",
    version: 2,
    tables: &[
        Table {
            name: "datasets",
            columns: &[
                required("stream", "text"),
                required("version", "integer"),
                required("dataset_id", "bigint"),
                required("name", "text"),
                required("table_name", "text"),
                optional("clean_table_name", "text"),
                required("rows", "bigint"),
                required("source", "jsonb"),
                optional("statistics", "jsonb"),
                optional("rules", "jsonb"),
                optional("cleaning", "jsonb"),
                required("created_at", "timestamptz"),
                optional("erased_at", "timestamptz"),
            ],
            key: &["stream", "version"],
            partitioned_by: None,
        },
        Table {
            name: "causal_graphs",
            columns: &[
                required("graph_id", "bigint"),
                required("stream", "text"),
                required("version", "integer"),
                required("target", "text"),
                required("discovery_algorithm", "text"),
                required("significance_level", "double precision"),
                required("graph_structure", "jsonb"),
                required("adjacency_matrix", "jsonb"),
                required("identified_drivers", "jsonb"),
                required("interpretation", "text"),
                required("created_at", "timestamptz"),
            ],
            key: &["graph_id"],
            partitioned_by: None,
        },
    ],
    inherited: &[],
    indexes_sql: "CREATE INDEX ON {schema}.datasets (name);",
    views_sql: "
        CREATE VIEW read.datasets AS
            SELECT dataset_id, name, table_name, statistics, created_at, version, clean_table_name, rows, source, rules, cleaning,
                   erased_at
            FROM {schema}.datasets;
        CREATE VIEW read.causal_graphs AS
            SELECT g.graph_id, d.name AS dataset_name, g.discovery_algorithm, g.significance_level, g.graph_structure,
                   g.adjacency_matrix, g.identified_drivers, g.interpretation, g.created_at, g.target, g.version AS dataset_version
            FROM {schema}.causal_graphs g JOIN {schema}.datasets d ON d.stream = g.stream AND d.version = g.version;",
    needs,
    apply,
};

fn needs(event: &AnyEvent) -> Vec<ArtifactRef> {
    match event {
        AnyEvent::Dataset(E::DatasetProfiled(e)) => vec![e.profile.clone()],
        AnyEvent::Dataset(E::GraphDiscovered(e)) => vec![e.node_link.clone()],
        _ => Vec::new(),
    }
}

fn apply(recorded: &Recorded<AnyEvent>, artifacts: &Artifacts<'_>) -> Result<Vec<RowOp>, String> {
    let AnyEvent::Dataset(event) = &recorded.event else { return Ok(Vec::new()) };
    let artifact = |reference: &ArtifactRef| -> Result<Cell, String> {
        let Some(bytes) = artifacts.get(&reference.digest) else { return Ok(None) };
        let text = String::from_utf8_lossy(bytes).into_owned();
        serde_json::from_str::<IgnoredAny>(&text)
            .map_err(|error| format!("artifact {} is not JSON: {error}", reference.digest))?;
        Ok(Some(text))
    };
    let row = |version: u32, change| {
        vec![RowOp { table: "datasets", key: vec![scalar(&recorded.stream), scalar(&version)], change }]
    };
    let update = |version: u32, columns| row(version, Change::Update(columns));
    Ok(match event {
        E::DatasetRegistered(e) => row(
            e.version,
            Change::Upsert(Columns::from([
                ("dataset_id", scalar(&recorded.position)),
                ("name", scalar(&e.name)),
                ("table_name", scalar(&e.raw_table)),
                ("rows", scalar(&e.rows)),
                ("source", json(&e.source)),
                ("created_at", moment(recorded.recorded_at)),
            ])),
        ),
        E::DatasetProfiled(e) => update(e.version, Columns::from([("statistics", artifact(&e.profile)?)])),
        E::AnomalyRulesDerived(e) => update(e.version, Columns::from([("rules", json(&e.rules))])),
        // What an experiment asked for on its own is not the data set's clean table.
        E::DatasetCleaned(e) if e.settings.is_some() => Vec::new(),
        E::DatasetCleaned(e) => {
            let columns = [("clean_table_name", scalar(&e.clean_table)), ("cleaning", json(&e.summary))];
            update(e.version, Columns::from(columns))
        }
        // What was counted and decided stays; the profile itself is gone, and so are the tables.
        E::DatasetErased(e) => {
            let columns = || Columns::from([("statistics", None), ("erased_at", moment(recorded.recorded_at))]);
            e.versions.iter().flat_map(|version| update(*version, columns())).collect()
        }
        E::GraphDiscovered(e) => vec![RowOp {
            table: "causal_graphs",
            key: vec![scalar(&recorded.position)],
            change: Change::Upsert(Columns::from([
                ("stream", scalar(&recorded.stream)),
                ("version", scalar(&e.version)),
                ("target", scalar(&e.target)),
                ("discovery_algorithm", scalar(&e.algorithm)),
                ("significance_level", scalar(&e.significance_level)),
                ("graph_structure", artifact(&e.node_link)?),
                ("adjacency_matrix", json(&adjacency(&e.graph))),
                ("identified_drivers", json(&e.drivers)),
                ("interpretation", scalar(&e.interpretation)),
                ("created_at", moment(recorded.recorded_at)),
            ])),
        }],
    })
}

/// `matrix[i][j]` is the mark at node i of the edge i – j: −1 tail, 1 arrow, 2 circle, 0 none.
fn adjacency(graph: &atsre_domain::graph::CausalGraph) -> Value {
    use atsre_domain::graph::Mark;
    let code = |mark| match mark {
        Mark::Tail => -1,
        Mark::Arrow => 1,
        Mark::Circle => 2,
    };
    let size = graph.variables.len();
    let mut matrix = vec![vec![0; size]; size];
    for edge in &graph.edges {
        let (source, target) = (edge.source as usize, edge.target as usize);
        matrix[source][target] = code(edge.source_mark);
        matrix[target][source] = code(edge.target_mark);
    }
    let variables: Vec<String> = graph.variables.iter().map(ToString::to_string).collect();
    serde_json::json!({ "variables": variables, "matrix": matrix })
}
