//! The three database roles, and the connections that act as each.
//!
//! | role | may |
//! | --- | --- |
//! | `atsre_owner` | everything in ATSRE's schemas; runs migrations |
//! | `atsre_service` | insert events and artifacts, maintain checkpoints, work, read models and data tables |
//! | `atsre_agent` | read the views of schema `read`, in read-only transactions with a time limit |
//!
//! In the private cluster each role logs in as itself, so that no statement can step out of its role. In a
//! database of somebody else's, connections log in as the given user and then take the role; a user that may
//! take the owner's role could step back into it, so for a language model's SQL give a URL of its own there
//! (`agent_url`), whose user may take no other role.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _};

use crate::Result;

/// One of the three roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs migrations.
    Owner,
    /// Does the work.
    Service,
    /// Runs a language model's SQL.
    Agent,
}

impl Role {
    /// The role's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "atsre_owner",
            Self::Service => "atsre_service",
            Self::Agent => "atsre_agent",
        }
    }

    /// The settings that each of its connections begins with.
    fn settings(self) -> Vec<(&'static str, &'static str)> {
        let mut settings = vec![
            ("search_path", SEARCH_PATH),
            ("timezone", "UTC"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ];
        if self == Self::Agent {
            settings.extend([("default_transaction_read_only", "on"), ("statement_timeout", "10s")]);
        }
        settings
    }
}

/// Where unqualified names are looked for: the log's tables first, so that no read model can stand before them.
pub const SEARCH_PATH: &str = "atsre,read,public";

/// A database and how its roles are taken there.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    options: PgConnectOptions,
    agent_options: Option<PgConnectOptions>,
    logs_in_as_role: bool,
}

impl Access {
    /// The private cluster: each role logs in as itself.
    pub(crate) fn private(url: &str) -> Result<Self> {
        Ok(Self { options: parse(url)?, agent_options: None, logs_in_as_role: true })
    }

    /// Somebody else's database: the given user takes the role.
    pub(crate) fn given(url: &str, agent_url: Option<&str>) -> Result<Self> {
        Ok(Self { options: parse(url)?, agent_options: agent_url.map(parse).transpose()?, logs_in_as_role: false })
    }

    /// Whether each role logs in as itself.
    pub(crate) const fn logs_in_as_role(&self) -> bool {
        self.logs_in_as_role
    }

    /// The options of the user that was given, or of the owner in the private cluster.
    pub(crate) const fn bootstrap_options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// A pool whose connections act as `role`; it connects when it is first used.
    pub(crate) fn pool(&self, role: Role, connections: u32) -> PgPool {
        let own_login = role == Role::Agent && self.agent_options.is_some();
        let mut options = self.options.clone();
        if let (Role::Agent, Some(agent)) = (role, &self.agent_options) {
            options = agent.clone();
        } else if self.logs_in_as_role {
            options = options.username(role.name());
        }
        let mut begin: String = role
            .settings()
            .iter()
            .map(|(name, value)| format!("SET {name} = {};", quote_setting(name, value)))
            .collect();
        if role == Role::Service {
            begin.push_str(FAST_COMPRESSION);
        }
        if !self.logs_in_as_role && !own_login {
            begin.push_str(&format!("SET ROLE {};", role.name()));
        }
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(IDLE_TIMEOUT)
            // A connection that was used a moment ago is not asked whether it is alive: that would be a round trip
            // for every statement.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= UNTESTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |connection, _| {
                let begin = begin.clone();
                Box::pin(async move { connection.execute(begin.as_str()).await.map(|_| ()) })
            })
            .connect_lazy_with(options.application_name("atsre"))
    }
}

/// Large values are compressed several times as fast by lz4, where the server was built with it.
const FAST_COMPRESSION: &str = "SELECT set_config(name, 'lz4', false) FROM pg_settings \
     WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals);";

/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);
/// After how long an unused connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a connection may have lain unused without being tried before it is used again.
const UNTESTED: Duration = Duration::from_secs(1);

fn parse(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?)
}

/// A list of schemas is not one string.
fn quote_setting(name: &str, value: &str) -> String {
    if name == "search_path" { value.to_owned() } else { format!("'{value}'") }
}
