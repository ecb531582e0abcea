//! The store: one database, its pools, and what is kept in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use atsre_domain::StreamId;
use sqlx::postgres::PgPool;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::cache::Cache;
use crate::cluster::{self, Cluster};
use crate::data::Data;
use crate::keyring::Keyring;
use crate::roles::{Access, Role};
use crate::wake::Waker;
use crate::{Artifacts, Checkpoints, EventLog, Result, Work, bootstrap};

/// The namespace of the streams of data sets.
const DATASETS: Uuid = Uuid::from_u128(0x5f0e_9c1d_7a3b_4c52_9e86_41d2_b7c0_6d35);

/// Which database, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// The database's URL; without one, a private cluster in `home`.
    pub url: Option<String>,
    /// The URL under which a language model's SQL runs, for a database that `url` names. Its user should be a member of
    /// `atsre_agent` and of nothing else. Without it, the user of `url` takes that role.
    pub agent_url: Option<String>,
    /// The data directory: the keys of data sets lie in it, and the private cluster.
    pub home: PathBuf,
    /// How many connections the service may hold.
    pub connections: u32,
}

impl StoreConfig {
    /// A private cluster in a data directory.
    #[must_use]
    pub fn private(home: impl Into<PathBuf>) -> Self {
        Self { url: None, agent_url: None, home: home.into(), connections: 10 }
    }

    /// A database that a URL names.
    #[must_use]
    pub fn at(url: impl Into<String>, home: impl Into<PathBuf>) -> Self {
        Self { url: Some(url.into()), ..Self::private(home) }
    }
}

/// One database and everything that is kept in it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    owner: PgPool,
    service: PgPool,
    agent: PgPool,
    log: EventLog,
    waker: Arc<Waker>,
    listener: JoinHandle<()>,
    cache: Cache,
    keyring: Keyring,
    cluster: Option<Cluster>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Store {
    /// Opens the database, starting the private cluster where no URL is given, and brings roles and schema up to date.
    /// `report` is told of what takes long.
    ///
    /// # Errors
    /// [`crate::Error`] says what is missing and what to do about it.
    pub async fn open(config: &StoreConfig, report: impl Fn(&str)) -> Result<Self> {
        match &config.url {
            Some(url) => {
                let access = Access::given(url, config.agent_url.as_deref())?;
                Self::connect(access, &config.home, config.connections, None).await
            }
            None => {
                let cluster = Cluster::start(&config.home, report).await?;
                Self::open_private(cluster, &config.home, cluster::DATABASE, config.connections).await
            }
        }
    }

    pub(crate) async fn open_private(cluster: Cluster, home: &Path, database: &str, connections: u32) -> Result<Self> {
        let access = Access::private(&cluster.url_for(cluster::OWNER, database))?;
        bootstrap::create_database(access.bootstrap_options(), database).await?;
        Self::connect(access, home, connections, Some(cluster)).await
    }

    pub(crate) async fn connect(
        access: Access,
        home: &Path,
        connections: u32,
        cluster: Option<Cluster>,
    ) -> Result<Self> {
        bootstrap::prepare(&access).await?;
        let service = access.pool(Role::Service, connections);
        let waker = Arc::new(Waker::new());
        let listener = waker.listen(&service);
        let inner = Inner {
            owner: access.pool(Role::Owner, 2),
            agent: access.pool(Role::Agent, 2),
            log: EventLog::new(service.clone(), waker.events()),
            service,
            waker,
            listener,
            cache: Cache::default(),
            keyring: Keyring::new(home),
            cluster,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The connections that do the work, as `atsre_service`.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.service
    }

    /// The connections of `atsre_owner`.
    #[must_use]
    pub fn owner_pool(&self) -> &PgPool {
        &self.inner.owner
    }

    /// The connections under which a language model's SQL runs, as `atsre_agent`.
    #[must_use]
    pub fn agent_pool(&self) -> &PgPool {
        &self.inner.agent
    }

    /// The event log.
    #[must_use]
    pub fn log(&self) -> &EventLog {
        &self.inner.log
    }

    /// Big bytes under their digest.
    #[must_use]
    pub fn artifacts(&self) -> Artifacts {
        Artifacts::new(self.inner.service.clone(), self.inner.keyring.clone())
    }

    /// How far each follower has come.
    #[must_use]
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.inner.service.clone())
    }

    /// The work that is handed out under leases.
    #[must_use]
    pub fn work(&self) -> Work {
        Work::new(self.inner.service.clone(), self.inner.waker.work())
    }

    /// The raw and clean data tables.
    #[must_use]
    pub fn data(&self) -> Data {
        Data::new(self.inner.service.clone())
    }

    /// The private cluster, where the store is in one.
    #[must_use]
    pub fn cluster(&self) -> Option<&Cluster> {
        self.inner.cluster.as_ref()
    }

    /// Closes all connections. Calls that are under way end with an error.
    pub async fn close(&self) {
        self.inner.listener.abort();
        self.inner.service.close().await;
        self.inner.owner.close().await;
        self.inner.agent.close().await;
    }

    /// Closes all connections and stops the private cluster, unless another process uses it. Says whether it was
    /// stopped; the other clones of this store must have been dropped for that.
    ///
    /// # Errors
    /// When the server does not stop in time.
    pub async fn close_and_stop(self) -> Result<bool> {
        self.close().await;
        let Ok(mut inner) = Arc::try_unwrap(self.inner) else { return Ok(false) };
        match inner.cluster.take() {
            Some(cluster) => Ok(cluster.stop_when_last().await?),
            None => Ok(false),
        }
    }

    /// The stream of a data set: derived from its name, so that two uploads under one name meet in one stream.
    #[must_use]
    pub fn dataset_stream(name: &str) -> StreamId {
        StreamId(Uuid::new_v5(&DATASETS, name.as_bytes()).to_string())
    }

    /// A stream that has not been used before.
    #[must_use]
    pub fn new_stream() -> StreamId {
        StreamId(Uuid::now_v7().to_string())
    }

    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.inner.waker)
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }
}
