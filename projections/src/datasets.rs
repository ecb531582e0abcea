//! `datasets` and `causal_graphs`.

use atsre_domain::dataset::Event as E;
use atsre_domain::event::AnyEvent;
use atsre_domain::{Digest, Recorded};
use serde_json::{Value, json};

use crate::projection::{Artifacts, Projection, Table, moment};
use crate::row::{Change, RowOp, columns};

/// The projection.
pub static DATASETS: Projection = Projection {
    name: "datasets",
    child: "projector:datasets",
    stream_type: "dataset",
    version: 1,
    tables: &[
        Table { name: "datasets", key: &["stream", "version"], partitioned_by: None },
        Table { name: "causal_graphs", key: &["graph_id"], partitioned_by: None },
    ],
    tables_sql: "
        CREATE TABLE {schema}.datasets (
            stream text NOT NULL, version integer NOT NULL, dataset_id bigint NOT NULL, name text NOT NULL,
            table_name text NOT NULL, clean_table_name text, rows bigint NOT NULL, source jsonb NOT NULL, statistics jsonb,
            rules jsonb, cleaning jsonb, created_at timestamptz NOT NULL, PRIMARY KEY (stream, version));
        CREATE INDEX ON {schema}.datasets (name);
        CREATE TABLE {schema}.causal_graphs (
            graph_id bigint PRIMARY KEY, stream text NOT NULL, version integer NOT NULL, target text NOT NULL,
            discovery_algorithm text NOT NULL, significance_level double precision NOT NULL, graph_structure jsonb NOT NULL,
            adjacency_matrix jsonb NOT NULL, identified_drivers jsonb NOT NULL, interpretation text NOT NULL,
            created_at timestamptz NOT NULL);",
    views_sql: "
        CREATE VIEW read.datasets AS
            SELECT dataset_id, name, table_name, statistics, created_at, version, clean_table_name, rows, source, rules, cleaning
            FROM {schema}.datasets;
        CREATE VIEW read.causal_graphs AS
            SELECT g.graph_id, d.name AS dataset_name, g.discovery_algorithm, g.significance_level, g.graph_structure,
                   g.adjacency_matrix, g.identified_drivers, g.interpretation, g.created_at, g.target, g.version AS dataset_version
            FROM {schema}.causal_graphs g JOIN {schema}.datasets d ON d.stream = g.stream AND d.version = g.version;",
    needs,
    apply,
};

fn needs(event: &AnyEvent) -> Vec<Digest> {
    match event {
        AnyEvent::Dataset(E::DatasetProfiled(e)) => vec![e.profile.digest.clone()],
        AnyEvent::Dataset(E::GraphDiscovered(e)) => vec![e.node_link.digest.clone()],
        _ => Vec::new(),
    }
}

fn apply(recorded: &Recorded<AnyEvent>, artifacts: &Artifacts) -> Vec<RowOp> {
    let AnyEvent::Dataset(event) = &recorded.event else { return Vec::new() };
    let artifact = |digest: &Digest| artifacts.get(digest).cloned().unwrap_or(Value::Null);
    let row = |version: u32, change| {
        vec![RowOp { table: "datasets", key: vec![json!(recorded.stream.0), json!(version)], change }]
    };
    match event {
        E::DatasetRegistered(e) => row(
            e.version,
            Change::Upsert(columns(json!({
                "dataset_id": recorded.position, "name": e.name, "table_name": e.raw_table, "rows": e.rows, "source": e.source,
                "created_at": moment(recorded.recorded_at),
            }))),
        ),
        E::DatasetProfiled(e) => {
            row(e.version, Change::Update(columns(json!({ "statistics": artifact(&e.profile.digest) }))))
        }
        E::AnomalyRulesDerived(e) => row(e.version, Change::Update(columns(json!({ "rules": e.rules })))),
        E::DatasetCleaned(e) => {
            row(e.version, Change::Update(columns(json!({ "clean_table_name": e.clean_table, "cleaning": e.summary }))))
        }
        E::GraphDiscovered(e) => vec![RowOp {
            table: "causal_graphs",
            key: vec![json!(recorded.position)],
            change: Change::Upsert(columns(json!({
                "stream": recorded.stream.0, "version": e.version, "target": e.target, "discovery_algorithm": e.algorithm,
                "significance_level": e.significance_level, "graph_structure": artifact(&e.node_link.digest),
                "adjacency_matrix": adjacency(&e.graph), "identified_drivers": e.drivers, "interpretation": e.interpretation,
                "created_at": moment(recorded.recorded_at),
            }))),
        }],
    }
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
    json!({ "variables": variables, "matrix": matrix })
}
