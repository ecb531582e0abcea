//! What seals the log, against what the migrations say: the triggers and the functions that they call.

use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use crate::hash::hex;
use crate::{Result, Store};

/// Where the functions are written, the newest last: a later definition replaces an earlier one.
const SOURCES: [&str; 2] = [
    include_str!("../../migrations/0001_create_event_log.sql"),
    include_str!("../../migrations/0005_factor_hash_functions.sql"),
];

const FUNCTIONS: [&str; 7] =
    ["event_hash", "frame", "genesis_hash", "log_hash_after", "refuse_change", "seal_event", "wake_followers"];

/// The tables that are sealed.
const TABLES: [&str; 5] = ["events", "stream_lineage", "artifacts", "sealed_artifacts", "anchors"];
/// Table, trigger, function, and when it fires (`pg_trigger.tgtype`).
const TRIGGERS: [(&str, &str, &str, i32); 7] = [
    ("events", "events_seal", "seal_event", BEFORE_EACH_INSERT),
    ("events", "events_append_only", "refuse_change", BEFORE_ANY_CHANGE),
    ("events", "events_wake_followers", "wake_followers", AFTER_INSERTS),
    ("stream_lineage", "stream_lineage_append_only", "refuse_change", BEFORE_ANY_CHANGE),
    ("artifacts", "artifacts_append_only", "refuse_change", BEFORE_ANY_CHANGE),
    ("sealed_artifacts", "sealed_artifacts_append_only", "refuse_change", BEFORE_ANY_CHANGE),
    ("anchors", "anchors_append_only", "refuse_change", BEFORE_ANY_CHANGE),
];
/// Row 1, before 2, insert 4.
const BEFORE_EACH_INSERT: i32 = 7;
/// Before 2, delete 8, update 16, truncate 32.
const BEFORE_ANY_CHANGE: i32 = 58;
/// Insert 4.
const AFTER_INSERTS: i32 = 4;

/// What was found about the seals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealing {
    /// What is not as the migrations made it, in words: the seals cannot be relied on.
    pub problems: Vec<String>,
    /// Triggers that are as they should be, but were changed after their table was made: somebody may have disabled and
    /// enabled them. A restored backup shows the same.
    pub touched: Vec<String>,
}

impl Store {
    /// Whether the triggers that seal the log are there, enabled, and run what the migrations say.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealing(&self) -> Result<Sealing> {
        let mut sealing = Sealing::default();
        self.check_triggers(&mut sealing).await?;
        self.check_functions(&mut sealing).await?;
        self.check_rules(&mut sealing).await?;
        Ok(sealing)
    }

    async fn check_triggers(&self, sealing: &mut Sealing) -> Result<()> {
        // The catalog's row of a trigger is written anew when it is disabled or enabled. A table's primary key is written
        // in the transaction that makes the table and its triggers, and stays.
        let rows = sqlx::query(
            "SELECT c.relname::text AS on_table, t.tgname::text AS name, n.nspname || '.' || p.proname AS function, \
                    t.tgtype::integer AS fires, t.tgenabled::text AS enabled, t.tgqual IS NOT NULL AS conditional, \
                    t.xmin::text IS DISTINCT FROM (SELECT k.xmin::text FROM pg_catalog.pg_constraint k \
                                                   WHERE k.conrelid = c.oid AND k.contype = 'p') AS touched \
             FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid \
             JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace \
             JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
             WHERE s.nspname = 'atsre' AND c.relname = ANY($1) \
               AND NOT t.tgisinternal ORDER BY c.relname, t.tgname",
        )
        .bind(TABLES.as_slice())
        .fetch_all(self.pool())
        .await?;
        let mut missing: Vec<_> = TRIGGERS.iter().collect();
        for row in &rows {
            let (table, name): (String, String) = (row.try_get("on_table")?, row.try_get("name")?);
            let what = format!("trigger {name} of table {table}");
            let Some(at) = missing.iter().position(|(t, n, ..)| *t == table && *n == name) else {
                sealing.problems.push(format!("{what} is none of this program's: somebody has added it"));
                continue;
            };
            let (_, _, function, fires) = missing.swap_remove(at);
            let enabled: String = row.try_get("enabled")?;
            // O: fires except on a replica that replays; A: fires always.
            if enabled != "O" && enabled != "A" {
                sealing.problems.push(format!("{what} is disabled"));
            }
            let called: String = row.try_get("function")?;
            if called != format!("atsre.{function}") {
                sealing.problems.push(format!("{what} calls {called} instead of atsre.{function}"));
            }
            if row.try_get::<i32, _>("fires")? != *fires || row.try_get::<bool, _>("conditional")? {
                sealing.problems.push(format!("{what} fires at other occasions than it was made for"));
            }
            if row.try_get("touched")? {
                sealing.touched.push(what);
            }
        }
        missing.sort();
        for (table, name, ..) in missing {
            sealing.problems.push(format!("trigger {name} of table {table} is missing"));
        }
        Ok(())
    }

    async fn check_functions(&self, sealing: &mut Sealing) -> Result<()> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT p.proname::text, p.prosrc FROM pg_catalog.pg_proc p \
             JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'atsre' ORDER BY p.proname",
        )
        .fetch_all(self.pool())
        .await?;
        for name in FUNCTIONS {
            let found: Vec<&str> = rows.iter().filter(|(n, _)| n == name).map(|(_, source)| source.as_str()).collect();
            let expected = source_of(name).unwrap_or_default();
            match found.as_slice() {
                [] => sealing.problems.push(format!("function atsre.{name} is missing")),
                [source] if *source == expected => {}
                [source] => sealing.problems.push(format!(
                    "function atsre.{name} was replaced: its source has the digest {}, this build's has {}",
                    digest(source),
                    digest(expected)
                )),
                _ => sealing.problems.push(format!("there is more than one function atsre.{name}")),
            }
        }
        Ok(())
    }

    /// A rule could write something else than what was asked for, before any trigger sees it.
    async fn check_rules(&self, sealing: &mut Sealing) -> Result<()> {
        let rules: Vec<(String, String)> = sqlx::query_as(
            "SELECT rulename::text, tablename::text FROM pg_catalog.pg_rules WHERE schemaname = 'atsre' \
             AND tablename = ANY($1) ORDER BY 2, 1",
        )
        .bind(TABLES.as_slice())
        .fetch_all(self.pool())
        .await?;
        for (name, table) in rules {
            sealing.problems.push(format!("rule {name} of table {table} is none of this program's"));
        }
        Ok(())
    }
}

/// The body of a function, as its newest migration has it.
fn source_of(name: &str) -> Option<&'static str> {
    let head = format!("FUNCTION atsre.{name}(");
    SOURCES.iter().rev().find_map(|migration| {
        // A function is named with its brackets in a privilege too; its definition comes first.
        let definition = &migration[migration.find(&head)?..];
        let body = &definition[definition.find("AS $$")? + "AS $$".len()..];
        Some(&body[..body.find("$$;")?])
    })
}

fn digest(source: &str) -> String {
    hex(&Sha256::digest(source.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_source_in_a_migration() {
        for name in FUNCTIONS {
            assert!(source_of(name).is_some_and(|source| source.len() > 20), "{name}");
        }
        assert!(source_of("seal_event").is_some_and(|source| source.contains("atsre.event_hash(")), "the newest one");
        assert!(source_of("event_hash").is_some_and(|source| !source.contains("log_hash_before")));
    }
}
