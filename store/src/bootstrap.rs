//! Brings a database to where this build can work with it: roles, schemas, privileges, migrations.
//!
//! All of it may be run any number of times, by any number of processes at once.

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};

use crate::roles::{Access, Role, SEARCH_PATH};
use crate::{Error, Result, cluster};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Keeps two processes from bootstrapping one database at once (any number that nobody else uses).
const LOCK_KEY: i64 = 0x6174_7372_6500;

/// Postgres' codes for "it exists already", which is what was wanted.
const DUPLICATES: [&str; 4] = ["42710", "42P04", "42P06", "23505"];

/// Makes ATSRE's database in the private cluster.
pub(crate) async fn create_database(options: &PgConnectOptions, name: &str) -> Result<()> {
    let mut connection = options.clone().database("postgres").connect().await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        // The name is a constant of ours or of a test, never an uploaded one.
        let statement = format!("CREATE DATABASE \"{name}\" OWNER {}", cluster::OWNER);
        unless_duplicate(connection.execute(statement.as_str()).await)?;
    }
    connection.close().await?;
    Ok(())
}

/// Roles, schemas, privileges, migrations.
pub(crate) async fn prepare(access: &Access) -> Result<()> {
    let mut connection = access.bootstrap_options().connect().await?;
    connection.execute("SET lock_timeout = '60s'; SET client_min_messages = 'warning'").await?;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK_KEY).execute(&mut connection).await?;
    make_roles(&mut connection, access.logs_in_as_role()).await?;
    make_schemas(&mut connection).await?;
    grant(&mut connection).await?;
    let owner = access.pool(Role::Owner, 1);
    let migrated = MIGRATOR.run(&owner).await;
    owner.close().await;
    // Closing the connection gives the lock back.
    connection.close().await?;
    migrated.map_err(Error::Migration)
}

async fn make_roles(connection: &mut PgConnection, with_login: bool) -> Result<()> {
    for role in [Role::Owner, Role::Service, Role::Agent] {
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
            .bind(role.name())
            .fetch_one(&mut *connection)
            .await?;
        if !exists {
            let login = if with_login { "LOGIN" } else { "NOLOGIN" };
            let statement = format!("CREATE ROLE {} {login}", role.name());
            unless_duplicate(connection.execute(statement.as_str()).await)?;
        }
        let member: bool = sqlx::query_scalar("SELECT pg_has_role(current_user, $1, 'MEMBER')")
            .bind(role.name())
            .fetch_one(&mut *connection)
            .await?;
        if !member {
            let statement = format!("GRANT {} TO CURRENT_USER", role.name());
            unless_duplicate(connection.execute(statement.as_str()).await)?;
        }
    }
    Ok(())
}

async fn make_schemas(connection: &mut PgConnection) -> Result<()> {
    for schema in ["atsre", "read", "raw", "clean"] {
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
            .bind(schema)
            .fetch_one(&mut *connection)
            .await?;
        if exists {
            continue;
        }
        let owner = Role::Owner.name();
        unless_duplicate(connection.execute(format!("CREATE SCHEMA {schema} AUTHORIZATION {owner}").as_str()).await)?;
        let service = Role::Service.name();
        let privileges = if schema == "atsre" { "USAGE" } else { "USAGE, CREATE" };
        let mut statements = format!("SET ROLE {owner}; GRANT {privileges} ON SCHEMA {schema} TO {service};");
        if schema == "read" {
            // Whoever makes a read model's view, a language model's SQL may read it.
            let agent = Role::Agent.name();
            for creator in [owner, service] {
                statements.push_str(&format!(
                    "SET ROLE {creator}; ALTER DEFAULT PRIVILEGES IN SCHEMA read GRANT SELECT ON TABLES TO {agent};"
                ));
            }
            statements.push_str(&format!("SET ROLE {owner}; GRANT USAGE ON SCHEMA read TO {agent};"));
        }
        statements.push_str("RESET ROLE");
        connection.execute(statements.as_str()).await?;
    }
    Ok(())
}

/// What belongs to the database rather than to its contents, and so does not come along with a template.
async fn grant(connection: &mut PgConnection) -> Result<()> {
    let row = sqlx::query(
        "SELECT current_database() AS database, has_database_privilege($1, current_database(), 'CREATE') AS may_create, \
         EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase \
                 WHERE d.datname = current_database() AND s.setrole = 0 AND $2 = ANY (s.setconfig)) AS has_path, \
         (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser, \
         (SELECT pg_has_role(current_user, datdba, 'MEMBER') FROM pg_database WHERE datname = current_database()) AS owns, \
         has_function_privilege($3, 'pg_catalog.set_config(text,text,boolean)', 'EXECUTE') AS agent_may_set",
    )
    .bind(Role::Service.name())
    .bind(format!("search_path={}", SEARCH_PATH.replace(',', ", ")))
    .bind(Role::Agent.name())
    .fetch_one(&mut *connection)
    .await?;
    let database = row.try_get::<String, _>("database")?.replace('"', "\"\"");
    let service = Role::Service.name();
    if !row.try_get::<bool, _>("may_create")? {
        // Each version of a read model is a schema of its own.
        connection.execute(format!("GRANT CREATE ON DATABASE \"{database}\" TO {service}").as_str()).await?;
    }
    if row.try_get::<bool, _>("owns")? && !row.try_get::<bool, _>("has_path")? {
        // For psql; our own connections set it themselves.
        connection.execute(format!("ALTER DATABASE \"{database}\" SET search_path = {SEARCH_PATH}").as_str()).await?;
    }
    if row.try_get::<bool, _>("superuser")? && row.try_get::<bool, _>("agent_may_set")? {
        // The one way by which a bare SELECT could lift the agent's limits.
        let function = "FUNCTION pg_catalog.set_config(text, text, boolean)";
        let statements = format!("REVOKE EXECUTE ON {function} FROM PUBLIC; GRANT EXECUTE ON {function} TO {service}");
        connection.execute(statements.as_str()).await?;
    }
    Ok(())
}

fn unless_duplicate<T>(result: Result<T, sqlx::Error>) -> Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| DUPLICATES.contains(&code.as_ref())) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
