//! Databases for tests: one private cluster for each test process, one database for each test.
//!
//! ```no_run
//! # async fn example() {
//! let database = atsre_store::testing::TestDatabase::create().await;
//! let store = database.store();
//! # }
//! ```
//!
//! The cluster is made without care for power cuts, lies under the system's temporary directory, and is stopped
//! and removed when the test process ends, however it ends: a watchdog process holds the other end of a pipe.
//! These functions panic where a test could not go on.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::missing_panics_doc)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, OWNER};
use crate::roles::Access;
use crate::{Store, bootstrap};

/// The database that the others are copied from.
const TEMPLATE: &str = "atsre_template";

static SERVER: OnceCell<TestServer> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A data directory under the system's temporary directory that is removed, with the server that runs in it, when
/// it is dropped or when this process ends.
#[derive(Debug)]
pub struct TestHome {
    path: PathBuf,
    watchdog: Child,
}

/// At the end of standard input: stops the server that runs in the folder `$1`, and removes the folder.
const WATCHDOG: &str = r#"
cat >/dev/null
for file in "$1"/cluster/data/postmaster.pid; do
  if [ -f "$file" ]; then
    pid=$(head -n 1 "$file")
    # Where the platform tells, make sure that the number still is the server's.
    if [ -d /proc/self ] && [ "$(readlink "/proc/$pid/cwd")" != "$1/cluster/data" ]; then continue; fi
    kill -QUIT "$pid" 2>/dev/null
    count=0
    while [ -f "$file" ] && [ "$count" -lt 100 ]; do sleep 0.1; count=$((count + 1)); done
    [ -f "$file" ] && kill -KILL "$pid" 2>/dev/null
  fi
done
rm -rf "$1"
"#;

impl TestHome {
    /// A new, empty data directory.
    #[must_use]
    pub fn create() -> Self {
        use std::os::unix::process::CommandExt as _;
        // Short, because a socket's path is limited; and open to pass through, because root's server is another user.
        let path = tempfile::Builder::new().prefix("atsre-test-").tempdir().expect("a temporary directory").keep();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("the permissions of a directory of ours");
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        Self { path, watchdog }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TestHome {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // Its end is the end of the server and of the folder.
        let _ = self.watchdog.wait();
    }
}

/// The cluster of this test process.
#[derive(Debug)]
struct TestServer {
    cluster: Arc<Cluster>,
    /// Held for its watchdog too. Statics are not dropped: the end of the process closes the pipe.
    home: TestHome,
}

async fn server() -> &'static TestServer {
    SERVER
        .get_or_init(|| async {
            let home = TestHome::create();
            let cluster = Cluster::start_volatile(home.path()).await.expect("a cluster for the tests");
            let access = Access::private(&cluster.url_for(OWNER, TEMPLATE)).expect("a URL of ours");
            bootstrap::create_database(access.bootstrap_options(), TEMPLATE).await.expect("the template's database");
            bootstrap::prepare(&access).await.expect("the template's schema");
            TestServer { cluster: Arc::new(cluster), home }
        })
        .await
}

/// A database of one test, empty and with the schema in place.
#[derive(Debug)]
pub struct TestDatabase {
    store: Store,
    name: String,
    home: PathBuf,
    cluster: Arc<Cluster>,
}

impl TestDatabase {
    /// A new database. The first call in a process starts the cluster.
    pub async fn create() -> Self {
        let server = server().await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let admin = Access::private(&server.cluster.url_for(OWNER, "postgres")).expect("a URL of ours");
        let mut connection = admin.bootstrap_options().connect().await.expect("the cluster for the tests");
        connection
            .execute(format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}").as_str())
            .await
            .expect("a database for the test");
        connection.close().await.expect("the cluster for the tests");
        let cluster = Arc::clone(&server.cluster);
        let home = server.home.path().join(&name);
        let store = Self::open(&cluster, &home, &name).await;
        Self { store, name, home, cluster }
    }

    /// The store on it.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Another store on it, as another process would have.
    pub async fn another_store(&self) -> Store {
        Self::open(&self.cluster, &self.home, &self.name).await
    }

    /// Its data directory: that of the keys.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Its URL for its owner, which is the superuser of the tests' cluster.
    #[must_use]
    pub fn url(&self) -> String {
        self.cluster.url_for(OWNER, &self.name)
    }

    /// Its URL for a role.
    #[must_use]
    pub fn url_for(&self, role: &str) -> String {
        self.cluster.url_for(role, &self.name)
    }

    async fn open(cluster: &Cluster, home: &Path, name: &str) -> Store {
        let access = Access::private(&cluster.url_for(OWNER, name)).expect("a URL of ours");
        Store::connect(access, home, 10, None).await.expect("a store on the test's database")
    }
}
