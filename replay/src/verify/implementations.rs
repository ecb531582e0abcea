//! The database's own answer against this program's.

use std::collections::BTreeSet;

use atsre_domain::Position;
use atsre_store::{Error, Findings, told};

use super::Difference;

/// The kinds of difference that both look for.
const KINDS: [&str; 5] = ["gap", "hash", "log_hash", "prev_hash", "sequence"];
/// Disagreements that are told one by one. The rest is told as a number: an implementation that errs mostly errs
/// everywhere.
const MOST: usize = 20;

/// Where the two answers about the events after one position and up to another differ.
pub(super) fn compare(
    answer: Result<Findings, Error>,
    differences: &[Difference],
    after: Position,
    upto: Position,
) -> Vec<Difference> {
    let of_log = |position, detail| Difference::of_log(position, "implementations", detail);
    let theirs = match answer {
        Ok(theirs) => theirs,
        Err(error) => return vec![of_log(after, format!("the database has no answer of its own: {}", told(&error)))],
    };
    let within = |difference: &&Difference| difference.position > after && difference.position <= upto;
    let ours: Findings = differences
        .iter()
        .filter(within)
        .filter(|difference| KINDS.contains(&difference.kind))
        .map(|difference| (difference.position, difference.kind))
        .collect();
    // At a fork's first own event this program believes the event, which is sealed, and the database the lineage's row.
    let forks: BTreeSet<Position> =
        differences.iter().filter(|difference| difference.kind == "lineage").map(|d| d.position).collect();
    let same_cause =
        |(position, kind): &&(Position, &str)| matches!(*kind, "prev_hash" | "sequence") && forks.contains(position);
    let only = |some: &Findings, others: &Findings| -> Vec<(Position, &'static str)> {
        some.difference(others).filter(|finding| !same_cause(finding)).copied().collect()
    };
    let mut found = Vec::new();
    for (only, who, other) in [(only(&theirs, &ours), "SQL", "Rust"), (only(&ours, &theirs), "Rust", "SQL")] {
        for (position, kind) in only.iter().take(MOST) {
            found
                .push(of_log(*position, format!("{who} finds a difference of kind {kind} here, and {other} does not")));
        }
        if let Some((position, _)) = only.get(MOST) {
            let more = only.len() - MOST;
            found
                .push(of_log(*position, format!("and {more} more from here on that {who} finds and {other} does not")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(kind: &'static str, position: u64) -> Difference {
        Difference::of_log(Position(position), kind, String::new())
    }

    fn theirs(findings: &[(u64, &'static str)]) -> Result<Findings, Error> {
        Ok(findings.iter().map(|(position, kind)| (Position(*position), *kind)).collect())
    }

    fn places(found: &[Difference]) -> Vec<u64> {
        found.iter().map(|difference| difference.position.0).collect()
    }

    #[test]
    fn answers_that_agree_are_no_difference() {
        let differences = [ours("hash", 4), ours("artifact", 5), ours("gap", 9), ours("hash", 12)];
        let found = compare(theirs(&[(4, "hash"), (9, "gap")]), &differences, Position(0), Position(10));
        assert_eq!(found, [], "other kinds, and what came after the database's answer, do not count");
    }

    #[test]
    fn what_one_finds_and_the_other_does_not_is_named() {
        let differences = [ours("hash", 4)];
        let found = compare(theirs(&[(3, "log_hash")]), &differences, Position(0), Position(10));
        assert_eq!(places(&found), [3, 4]);
        assert!(found[0].detail.starts_with("SQL finds") && found[1].detail.starts_with("Rust finds"), "{found:?}");
        let everywhere: Vec<_> = (1..=100).map(|position| (position, "hash")).collect();
        let found = compare(theirs(&everywhere), &[], Position(0), Position(100));
        assert_eq!(found.len(), MOST + 1);
        assert!(found[MOST].detail.contains("80 more"), "{:?}", found[MOST]);
    }

    #[test]
    fn a_database_without_an_answer_is_a_difference() {
        let found = compare(Err(Error::NotFound("event_hash".into())), &[], Position(0), Position(10));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_lineage_that_was_edited_is_not_a_disagreement() {
        let differences = [ours("lineage", 7)];
        assert_eq!(compare(theirs(&[(7, "prev_hash"), (7, "sequence")]), &differences, Position(0), Position(9)), []);
        assert_eq!(compare(theirs(&[(7, "hash")]), &differences, Position(0), Position(9)).len(), 1);
    }
}
