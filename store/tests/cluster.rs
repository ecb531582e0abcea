//! The private cluster: making, attaching, crashing, and places that are hard to live in.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use atsre_store::cluster::Cluster;
use atsre_store::testing::TestHome;
use atsre_store::{Store, StoreConfig};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection as _;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
}

async fn start(home: &Path) -> Cluster {
    Cluster::start(home, |_| ()).await.unwrap()
}

async fn open(home: &Path) -> Store {
    Store::open(&StoreConfig::private(home), |_| ()).await.unwrap()
}

async fn put(store: &Store, bytes: &[u8]) {
    store.artifacts().put(bytes, "text/plain").await.unwrap();
}

async fn count(store: &Store) -> usize {
    store.artifacts().digests().await.unwrap().len()
}

#[tokio::test]
async fn a_cluster_is_made_attached_to_stopped_and_found_again() {
    let home = TestHome::create();
    let status = Cluster::status(home.path()).unwrap();
    assert!(!status.running && status.pid.is_none());
    assert!(!status.data_dir.exists(), "asking makes nothing");
    let store = open(home.path()).await;
    put(&store, b"one").await;
    let status = Cluster::status(home.path()).unwrap();
    assert!(status.running);
    assert_eq!(status.pid, store.cluster().unwrap().pid());
    assert_eq!(status.version.as_deref(), Some(store.cluster().unwrap().version()));

    let second = open(home.path()).await;
    assert_eq!(second.cluster().unwrap().pid(), status.pid, "it attaches to the running one");
    assert_eq!(count(&second).await, 1);
    let owner = sqlx::PgConnection::connect(&status.url).await.unwrap();
    owner.close().await.unwrap();

    assert!(!second.close_and_stop().await.unwrap(), "somebody else uses it");
    assert!(store.close_and_stop().await.unwrap(), "now nobody does");
    assert!(!Cluster::status(home.path()).unwrap().running);
    assert!(!Cluster::stop_at(home.path()).await.unwrap());
    assert_eq!(count(&open(home.path()).await).await, 1);
    assert!(Cluster::stop_at(home.path()).await.unwrap());
}

#[tokio::test]
async fn a_killed_server_is_recovered() {
    let home = TestHome::create();
    let store = open(home.path()).await;
    put(&store, b"committed").await;
    for round in 0..2 {
        let pid = Cluster::status(home.path()).unwrap().pid.unwrap();
        kill(pid);
        let cluster = start(home.path()).await;
        assert_ne!(cluster.pid(), Some(pid), "round {round}");
        assert_eq!(count(&open(home.path()).await).await, 1);
    }
    // The first store finds its way back by itself.
    while store.artifacts().digests().await.is_err() {}
    put(&store, b"after").await;
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn a_process_file_that_names_a_stranger_stops_nobody() {
    let home = TestHome::create();
    let cluster = start(home.path()).await;
    let file = cluster.data_dir().join("postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    let pid = cluster.pid().unwrap();
    cluster.stop().await.unwrap();
    // The number has been given to another process: to this one.
    fs::write(&file, text.replacen(&pid.to_string(), &std::process::id().to_string(), 1)).unwrap();
    assert!(!Cluster::status(home.path()).unwrap().running);
    assert!(!Cluster::stop_at(home.path()).await.unwrap(), "the stranger is left alone");
    let again = start(home.path()).await;
    assert!(again.pid().is_some_and(|again| again != std::process::id()));
}

#[tokio::test]
async fn a_half_made_cluster_is_made_anew() {
    let home = TestHome::create();
    let unfinished = home.path().join("cluster/data.unfinished");
    fs::create_dir_all(unfinished.join("base")).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    assert!(start(home.path()).await.pid().is_some());
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn many_that_start_at_once_get_one_server() {
    let home = TestHome::create();
    let stores = futures::future::join_all((0..4).map(|_| open(home.path()))).await;
    let pids: Vec<_> = stores.iter().map(|store| store.cluster().unwrap().pid()).collect();
    assert!(pids[0].is_some() && pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    put(&stores[0], b"one").await;
    assert_eq!(count(&stores[3]).await, 1);
}

#[tokio::test]
async fn nobody_else_can_reach_the_socket_and_there_is_no_port() {
    let home = TestHome::create();
    let cluster = start(home.path()).await;
    let socket = fs::metadata(home.path().join("cluster/socket")).unwrap();
    let data = fs::metadata(cluster.data_dir()).unwrap();
    assert_eq!((socket.mode() & 0o777, socket.uid()), (0o700, data.uid()));
    assert_eq!(is_root(), data.uid() != 0, "root steps down, others stay who they are");
    let mut connection = sqlx::PgConnection::connect(&cluster.url_for("atsre_owner", "postgres")).await.unwrap();
    for (setting, expect) in [
        ("listen_addresses", ""),
        ("synchronous_commit", "on"),
        ("fsync", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("max_connections", "60"),
        ("TimeZone", "UTC"),
    ] {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(&mut connection).await.unwrap();
        assert_eq!(value, expect, "{setting}");
    }
    let collation: String = sqlx::query_scalar("SELECT datcollate::text FROM pg_database WHERE datname = 'postgres'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(collation, "C");
}

#[tokio::test]
async fn a_folder_with_a_long_and_odd_name_works() {
    let home = TestHome::create();
    let odd = home.path().join(format!("it's a \"folder\" {}", "x".repeat(120)));
    let store = open(&odd).await;
    put(&store, b"one").await;
    let url = Cluster::status(&odd).unwrap().url;
    assert!(url.contains("%2Ftmp%2Fatsre-"), "{url}");
    store.close().await;
    assert!(Cluster::stop_at(&odd).await.unwrap());
    let socket = url.split(['@', ':']).nth(2).unwrap().replace("%2F", "/");
    fs::remove_dir(socket).unwrap();
}

#[tokio::test]
async fn root_with_a_closed_home_lets_the_server_in_and_nobody_else() {
    if !is_root() {
        return;
    }
    let outer = TestHome::create();
    let home = outer.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let cluster = start(&home).await;
    assert!(cluster.data_dir().starts_with(fs::canonicalize(&home).unwrap()));
    let (metadata, data) = (fs::metadata(&home).unwrap(), fs::metadata(cluster.data_dir()).unwrap());
    assert_eq!((metadata.mode() & 0o777, metadata.gid()), (0o710, data.gid()));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn root_below_a_closed_folder_puts_the_cluster_elsewhere_and_notes_where() {
    if !is_root() {
        return;
    }
    let outer = TestHome::create();
    let closed = outer.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let home = closed.join("home");
    let store = open(&home).await;
    put(&store, b"one").await;
    let noted = PathBuf::from(fs::read_to_string(home.join("cluster.location")).unwrap().trim_end());
    assert!(noted.starts_with("/var/lib/atsre"));
    assert_eq!(store.cluster().unwrap().data_dir(), noted.join("data"));
    assert_eq!(fs::metadata(&closed).unwrap().mode() & 0o777, 0o700, "what is closed stays closed");
    store.close().await;
    assert!(Cluster::stop_at(&home).await.unwrap());
    assert_eq!(count(&open(&home).await).await, 1);
    assert!(Cluster::stop_at(&home).await.unwrap());
    fs::remove_dir_all(noted).unwrap();
}

#[tokio::test]
async fn another_cluster_is_never_touched() {
    let (one, two) = (TestHome::create(), TestHome::create());
    let (first, second) = (start(one.path()).await, start(two.path()).await);
    assert_ne!(first.pid(), second.pid());
    first.stop().await.unwrap();
    assert!(Cluster::status(two.path()).unwrap().running);
}

#[tokio::test]
async fn a_cluster_of_a_version_that_is_not_there_is_refused_by_name() {
    let home = TestHome::create();
    let data = home.path().join("cluster/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "9\n").unwrap();
    let error = Cluster::start(home.path(), |_| ()).await.unwrap_err().to_string();
    assert!(error.contains("made by PostgreSQL 9"), "{error}");
}
