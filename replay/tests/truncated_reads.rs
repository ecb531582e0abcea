//! A connection that is cut while the log is read: what was read must not pass for the whole.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../projections/tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use atsre_replay::verify::verify_log;
use atsre_store::testing::TestDatabase;
use atsre_store::{Store, StoreConfig};
use support::{history, play};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Passes on what the server says, so many bytes of it; then it cuts all connections and takes no more.
struct Wire {
    port: u16,
    left: Arc<AtomicI64>,
}

impl Wire {
    async fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let shared = Arc::clone(&left);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.load(Ordering::SeqCst) > 0 {
                    tokio::spawn(pass(client, socket.clone(), Arc::clone(&shared)));
                }
            }
        });
        Self { port, left }
    }
}

async fn pass(client: TcpStream, socket: PathBuf, left: Arc<AtomicI64>) {
    let server = UnixStream::connect(socket).await.unwrap();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    let asking = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
        let before = left.fetch_sub(count as i64, Ordering::SeqCst);
        let passed = before.clamp(0, count as i64) as usize;
        if to_client.write_all(&buffer[..passed]).await.is_err() || passed < count {
            break;
        }
    }
    asking.abort();
}

/// The socket of a test database, out of its URL: `…?host=FOLDER&port=…` with the folder percent-encoded.
async fn socket(store: &Store) -> PathBuf {
    let row: (String, String) =
        sqlx::query_as("SELECT current_setting('unix_socket_directories'), current_setting('port')")
            .fetch_one(store.owner_pool())
            .await
            .unwrap();
    PathBuf::from(row.0.split(',').next().unwrap().trim()).join(format!(".s.PGSQL.{}", row.1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_in_mid_replay_is_incomplete() {
    let database = TestDatabase::create().await;
    let played = play(database.store(), history(41, 1)).await;
    let whole = verify_log(database.store(), &[], |_, _| ()).await.unwrap();
    assert!(whole.ok && whole.events == played.events);
    let name: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(database.store().pool()).await.unwrap();
    for bytes in [1, 300, 2_000, 20_000, 60_000] {
        let wire = Wire::to(socket(database.store()).await).await;
        let url = format!("postgres://atsre_owner@127.0.0.1:{}/{name}?sslmode=disable", wire.port);
        let store = Store::open(&StoreConfig::at(url, "unused"), |_| ()).await.unwrap();
        assert!(verify_log(&store, &[], |_, _| ()).await.unwrap().ok, "through the wire, uncut");
        wire.left.store(bytes, Ordering::SeqCst);
        let verification = verify_log(&store, &[], |_, _| ()).await.unwrap();
        assert!(!verification.ok, "cut after {bytes} bytes");
        assert_eq!(verification.differences[0].kind, "incomplete", "cut after {bytes} bytes: {verification:?}");
    }
}
