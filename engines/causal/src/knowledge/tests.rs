#![allow(clippy::unwrap_used)]
use super::*;

fn columns() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).to_vec()
}

fn edge(cause: &str, effect: &str) -> (String, String) {
    (cause.to_owned(), effect.to_owned())
}

fn rows(known: &BackgroundKnowledge) -> Result<Knowledge, KnowledgeError> {
    Knowledge::compile(known, &columns(), Window::of_rows(3), |_, _| 0)
}

#[test]
fn tiers_forbid_the_way_back_only() {
    let known = BackgroundKnowledge {
        tiers: vec![vec!["a".into()], vec!["b".into(), "c".into()]],
        forbidden_within_tiers: vec![1],
        ..Default::default()
    };
    let knowledge = rows(&known).unwrap();
    assert!(knowledge.forbids(1, 0) && !knowledge.forbids(0, 1) && knowledge.directs(0, 1));
    assert!(knowledge.excludes(1, 2));
}

#[test]
fn the_past_is_never_caused_and_own_past_is_free() {
    let known = BackgroundKnowledge {
        tiers: vec![vec!["a".into(), "b".into()]],
        forbidden_within_tiers: vec![0],
        ..Default::default()
    };
    let window = Window::lagged(3, 2);
    let knowledge = Knowledge::compile(&known, &columns(), window, |_, _| 0).unwrap();
    assert!(knowledge.directs(window.node(0, 1), window.node(0, 0)), "own past");
    assert!(knowledge.excludes(window.node(0, 1), window.node(1, 0)), "closed tier, at any lag");
    assert!(knowledge.directs(window.node(2, 2), window.node(1, 1)));
    assert!(!knowledge.settles(window.node(2, 1), window.node(1, 1)));
}

#[test]
fn a_required_edge_is_required_at_its_lag_and_at_every_moment() {
    let known = BackgroundKnowledge { required: vec![edge("c", "a")], ..Default::default() };
    let window = Window::lagged(3, 3);
    let knowledge = Knowledge::compile(&known, &columns(), window, |_, _| 2).unwrap();
    assert!(knowledge.requires(window.node(2, 2), window.node(0, 0)));
    assert!(knowledge.requires(window.node(2, 3), window.node(0, 1)));
    assert!(!knowledge.requires(window.node(2, 1), window.node(0, 0)));
}

#[test]
fn contradictions_name_the_edges() {
    let both =
        BackgroundKnowledge { required: vec![edge("a", "b")], forbidden: vec![edge("a", "b")], ..Default::default() };
    let message = rows(&both).unwrap_err().to_string();
    assert!(message.contains("a → b") && message.contains("forbidden"), "{message}");

    let tier = BackgroundKnowledge {
        tiers: vec![vec!["b".into()], vec!["a".into()]],
        required: vec![edge("a", "b")],
        ..Default::default()
    };
    let message = rows(&tier).unwrap_err().to_string();
    assert!(message.contains("a → b") && message.contains("tier"), "{message}");

    let cycle =
        BackgroundKnowledge { required: vec![edge("a", "b"), edge("b", "c"), edge("c", "a")], ..Default::default() };
    let message = rows(&cycle).unwrap_err().to_string();
    assert!(message.contains("a → b, b → c, c → a"), "{message}");

    let itself = BackgroundKnowledge { required: vec![edge("a", "a")], ..Default::default() };
    assert!(matches!(rows(&itself), Err(KnowledgeError::CausesItself { .. })));
}

#[test]
fn names_that_are_wrong_are_refused() {
    let unknown = BackgroundKnowledge { forbidden: vec![edge("a", "rain")], ..Default::default() };
    assert!(rows(&unknown).unwrap_err().to_string().contains("rain"));
    let twice = BackgroundKnowledge { tiers: vec![vec!["a".into()], vec!["a".into()]], ..Default::default() };
    assert!(matches!(rows(&twice), Err(KnowledgeError::TwoTiers { .. })));
    let tier =
        BackgroundKnowledge { tiers: vec![vec!["a".into()]], forbidden_within_tiers: vec![1], ..Default::default() };
    assert!(matches!(rows(&tier), Err(KnowledgeError::NoSuchTier { .. })));
}
