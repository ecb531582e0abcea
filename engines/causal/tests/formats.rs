//! A graph's written forms.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::process::{Command, Stdio};

use atsre_causal::{adjacency, dot, node_link, svg};
use atsre_domain::Finite;
use atsre_domain::graph::{CausalEdge, CausalGraph, Mark, Variable};
use serde_json::{Map, Value, json};

fn graph() -> CausalGraph {
    let variable = |name: &str, lag| Variable { name: name.to_owned(), lag };
    let edge = |source, source_mark, target, target_mark| CausalEdge {
        source,
        target,
        source_mark,
        target_mark,
        statistic: Finite::of(5.25),
        p_value: Finite::of(1.5e-7),
        confidence: Finite::of(0.85),
    };
    CausalGraph {
        variables: vec![
            variable("users", 0),
            variable("temp <°C> & \"more\"", 0),
            variable("hum", 0),
            variable("wind", 0),
            variable("hum", 2),
        ],
        edges: vec![
            edge(1, Mark::Tail, 0, Mark::Arrow),
            edge(1, Mark::Tail, 2, Mark::Tail),
            CausalEdge { statistic: None, p_value: None, confidence: None, ..edge(2, Mark::Circle, 3, Mark::Arrow) },
            edge(4, Mark::Tail, 0, Mark::Arrow),
        ],
    }
}

fn value() -> Value {
    let mut attributes = Map::new();
    attributes.insert("algorithm".to_owned(), json!("PC"));
    node_link::to_value(&graph(), attributes)
}

#[test]
fn node_link_comes_back_as_it_was() {
    assert_eq!(node_link::from_value(value()).unwrap(), graph());
    let text = serde_json::to_string(&value()).unwrap();
    assert_eq!(node_link::from_value(serde_json::from_str(&text).unwrap()).unwrap(), graph());
}

#[test]
fn node_link_has_the_shape_that_networkx_reads() {
    let value = value();
    assert_eq!(value["directed"], true);
    assert_eq!(value["multigraph"], false);
    assert_eq!(value["graph"]["algorithm"], "PC");
    assert_eq!(value["edges"], value["links"], "the key's default differs between versions");
    assert_eq!(value["nodes"][4], json!({"id": "hum[t-2]", "column": "hum", "lag": 2}));
    let edges = value["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 6, "two edges have no direction and stand twice");
    assert_eq!(edges[0]["kind"], "-->");
    assert_eq!(edges[0]["target_mark"], "arrow");
    assert_eq!(edges[0]["p_value"], 1.5e-7);
    assert_eq!(edges.last().unwrap()["lag"], 2);
}

#[test]
fn node_link_that_is_broken_is_refused() {
    let mut gone = value();
    gone.as_object_mut().unwrap().retain(|key, _| key != "edges" && key != "links");
    assert!(node_link::from_value(gone).unwrap_err().to_string().contains("edges"));
    let mut stranger = value();
    stranger["edges"][0]["source"] = json!("rain");
    assert!(node_link::from_value(stranger).unwrap_err().to_string().contains("rain"));
    assert!(node_link::from_value(json!({"nodes": 3})).is_err());
}

/// Where Python has networkx, it opens the graph both ways of calling; elsewhere the shape test above stands alone.
#[test]
fn networkx_opens_the_graph() {
    let script = r#"
import json, sys, warnings
try:
    import networkx as nx
except ImportError:
    print("no networkx"); sys.exit(0)
warnings.simplefilter("ignore")
data = json.load(sys.stdin)
calls = [lambda: nx.node_link_graph(data)]
try:
    nx.node_link_graph(data, edges="edges"); calls.append(lambda: nx.node_link_graph(data, edges="edges"))
except TypeError:
    pass
for call in calls:
    g = call()
    assert isinstance(g, nx.DiGraph) and not g.is_multigraph(), type(g)
    assert g.number_of_nodes() == 5 and g.number_of_edges() == 6, (g.nodes, g.edges)
    assert sorted(g.predecessors("users")) == sorted(['temp <°C> & "more"', "hum[t-2]"]), list(g.predecessors("users"))
    assert g.nodes["hum[t-2]"] == {"column": "hum", "lag": 2}
    e = g.edges["hum[t-2]", "users"]
    assert e["lag"] == 2 and e["confidence"] == 0.85 and e["p_value"] == 1.5e-7 and e["target_mark"] == "arrow", e
    assert g.graph["algorithm"] == "PC"
print("opened", len(calls))
"#;
    let started = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut python) = started else { return };
    // Python leaves its input unread where it has no networkx.
    let _ = python.stdin.take().unwrap().write_all(value().to_string().as_bytes());
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_matrix_holds_marks_at_the_row() {
    let matrix = adjacency::matrix(&graph());
    assert_eq!(matrix.variables[4], "hum[t-2]");
    assert_eq!((matrix.marks[1][0], matrix.marks[0][1]), (-1, 1), "temp → users");
    assert_eq!((matrix.marks[2][3], matrix.marks[3][2]), (2, 1), "hum o→ wind");
    assert_eq!(matrix.marks[0][3], 0);
}

#[test]
fn dot_quotes_names_and_draws_both_ends() {
    let text = dot::render(&graph());
    assert!(
        text.contains(r#""temp <°C> & \"more\"" -> "users" [dir=both, arrowtail=none, arrowhead=normal"#),
        "{text}"
    );
    assert!(text.contains("arrowtail=odot"));
}

/// Tags balance, text is escaped, and nothing is fetched from elsewhere.
fn check_svg(picture: &str) {
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>"));
    let mut open = Vec::new();
    for tag in picture.split('<').skip(1) {
        let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric()).collect();
        assert!(!name.is_empty(), "an unescaped < before {tag:?}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.split('>').next().unwrap().ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty());
    assert!(
        !picture.contains("href") && !picture.contains("url(") && !picture.contains("NaN") && !picture.contains("inf")
    );
    assert_eq!(picture.matches("http").count(), 1, "only the namespace");
}

#[test]
fn the_picture_is_whole_with_and_without_time() {
    let over_time = svg::draw(&graph(), Some("users"));
    check_svg(&over_time);
    assert!(
        over_time.contains("2 steps back")
            && over_time.contains("hum −2")
            && over_time.contains("temp &lt;°C&gt; &amp; &quot;more&quot;")
    );
    assert!(over_time.contains("confidence 85 %"));
    let mut timeless = graph();
    timeless.variables.truncate(4);
    timeless.edges.truncate(3);
    let layered = svg::draw(&timeless, Some("users"));
    check_svg(&layered);
    assert!(!layered.contains("steps back"));
    check_svg(&svg::draw(&CausalGraph::default(), None));
}
