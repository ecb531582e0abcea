//! What each role may do, in the private cluster and in somebody else's database.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use atsre_domain::Position;
use atsre_store::testing::{TestDatabase, TestHome};
use atsre_store::{Error, Store, StoreConfig};
use common::{stream, write};
use sqlx::postgres::PgPool;

async fn read_model(store: &Store) {
    sqlx::raw_sql(
        "CREATE SCHEMA notes_v1; CREATE TABLE notes_v1.notes (position bigint, text text); \
         INSERT INTO notes_v1.notes VALUES (1, 'one'); CREATE VIEW read.notes AS SELECT * FROM notes_v1.notes",
    )
    .execute(store.pool())
    .await
    .unwrap();
}

async fn code(pool: &PgPool, statement: &str) -> String {
    let error = sqlx::raw_sql(statement).execute(pool).await.unwrap_err();
    error.as_database_error().unwrap_or_else(|| panic!("{statement}: {error}")).code().unwrap().into_owned()
}

async fn current_user(pool: &PgPool) -> String {
    sqlx::query_scalar("SELECT current_user::text").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn each_pool_acts_as_its_role_and_finds_names_unqualified() {
    let database = TestDatabase::create().await;
    let store = database.store();
    write(store, &stream("a"), &["one"]).await;
    read_model(store).await;
    for (pool, role) in
        [(store.owner_pool(), "atsre_owner"), (store.pool(), "atsre_service"), (store.agent_pool(), "atsre_agent")]
    {
        assert_eq!(current_user(pool).await, role);
        let text: String = sqlx::query_scalar("SELECT text FROM notes").fetch_one(pool).await.unwrap();
        assert_eq!(text, "one");
    }
    for url in [database.url(), database.url_for("atsre_service")] {
        let plain = PgPool::connect(&url).await.unwrap();
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&plain).await.unwrap();
        assert_eq!(count, 1, "psql finds them too");
        plain.close().await;
    }
}

#[tokio::test]
async fn the_agent_reads_the_listed_views_and_does_nothing_else() {
    let database = TestDatabase::create().await;
    let store = database.store();
    read_model(store).await;
    let agent = store.agent_pool();
    for statement in [
        "SELECT * FROM atsre.events",
        "SELECT * FROM atsre.artifacts",
        "SELECT * FROM atsre.sealed_artifacts",
        "SELECT * FROM notes_v1.notes",
        "SELECT set_config('default_transaction_read_only', 'off', false)",
        "SELECT set_config('role', 'atsre_owner', false)",
        "SET ROLE atsre_owner",
        "SET ROLE atsre_service",
        "SET SESSION AUTHORIZATION atsre_owner",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'atsre_owner'",
    ] {
        let code = code(agent, statement).await;
        assert!(matches!(code.as_str(), "42501" | "42P01"), "{statement}: {code}");
    }
    for statement in [
        "CREATE TABLE x (y int)",
        "CREATE TEMPORARY TABLE x (y int)",
        "DELETE FROM notes",
        "UPDATE notes SET text = ''",
    ] {
        let code = code(agent, statement).await;
        assert!(matches!(code.as_str(), "25006" | "42501"), "{statement}: {code}");
    }
    for (setting, expect) in [
        ("statement_timeout", "10s"),
        ("default_transaction_read_only", "on"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ] {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(agent).await.unwrap();
        assert_eq!(value, expect, "{setting}");
    }
}

#[tokio::test]
async fn the_service_cannot_become_the_owner() {
    let database = TestDatabase::create().await;
    let service = database.store().pool();
    for statement in [
        "SET ROLE atsre_owner",
        "ALTER TABLE atsre.events DISABLE TRIGGER ALL",
        "DROP TRIGGER events_seal ON atsre.events",
    ] {
        assert_eq!(code(service, statement).await, "42501", "{statement}");
    }
}

#[tokio::test]
async fn somebody_elses_database_gets_the_same_roles() {
    let home = TestHome::create();
    let cluster = atsre_store::cluster::Cluster::start(home.path(), |_| ()).await.unwrap();
    let admin = PgPool::connect(&cluster.url_for("atsre_owner", "postgres")).await.unwrap();
    // A plain user who may make roles and owns a database, as a hosting company gives out.
    sqlx::raw_sql("CREATE ROLE tenant LOGIN CREATEROLE").execute(&admin).await.unwrap();
    sqlx::raw_sql("CREATE DATABASE theirs OWNER tenant").execute(&admin).await.unwrap();
    // The superuser of this cluster happens to have the owner's name; a tenant may not join a superuser.
    sqlx::raw_sql("CREATE ROLE boss SUPERUSER LOGIN").execute(&admin).await.unwrap();
    admin.close().await;
    let boss = PgPool::connect(&cluster.url_for("boss", "postgres")).await.unwrap();
    sqlx::raw_sql("ALTER ROLE atsre_owner RENAME TO first_superuser").execute(&boss).await.unwrap();
    boss.close().await;

    let config = StoreConfig::at(cluster.url_for("tenant", "theirs"), home.path());
    let (store, other) = futures::future::join(Store::open(&config, |_| ()), Store::open(&config, |_| ())).await;
    let (store, other) = (store.unwrap(), other.unwrap());
    write(&store, &stream("a"), &["one"]).await;
    read_model(&store).await;
    assert_eq!(other.log().read(Position(0), 10).await.unwrap().len(), 1);
    for (pool, role) in
        [(store.owner_pool(), "atsre_owner"), (store.pool(), "atsre_service"), (store.agent_pool(), "atsre_agent")]
    {
        assert_eq!(current_user(pool).await, role);
    }
    assert_eq!(code(store.agent_pool(), "SELECT * FROM atsre.events").await, "42501");
    assert_eq!(code(store.pool(), "DELETE FROM events").await, "42501");
    assert_eq!(code(store.owner_pool(), "DELETE FROM events").await, "42501");
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_an_error_to_back_off_from() {
    let config = StoreConfig::at("postgres://me@127.0.0.1:1/none", "/nonexistent");
    assert!(matches!(Store::open(&config, |_| ()).await, Err(Error::Unavailable(_))));
}
