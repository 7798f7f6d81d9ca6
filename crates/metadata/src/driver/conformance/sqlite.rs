//! What only SQLite does: one writer, many operations in a commit, a file others may have open.

use std::future::{Ready, ready};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use super::{Home, INSERT, Place, insert, insert_one, refused};
use crate::driver::{Metadata, Options, StoreError, Tx};

/// Where a child process of a story finds its database.
const DATABASE: &str = "DOCHARBOR_TEST_DATABASE";

impl Place {
    fn path(&self) -> PathBuf {
        match &self.home {
            Home::Sqlite(directory) => directory.path().join("meta.db"),
            Home::Postgres(_) => unreachable!("these stories are SQLite's"),
        }
    }

    /// Keeps the writer busy until the answer is sent to or dropped.
    async fn hold_writer(&self) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel();
        let (held, is_held) = tokio::sync::oneshot::channel();
        let channels = Mutex::new((Some(held), released));
        let metadata = self.metadata.clone();
        tokio::spawn(async move {
            metadata
                .write(channels, |_, channels| {
                    Box::pin(async move {
                        let mut channels = channels.lock().unwrap();
                        channels.0.take().unwrap().send(()).unwrap();
                        channels.1.recv().ok();
                        Ok::<_, StoreError>(())
                    })
                })
                .await
        });
        is_held.await.unwrap();
        release
    }
}

#[tokio::test]
async fn operations_that_wait_share_a_commit() {
    let place = Place::on_sqlite().await;
    let before = place.metadata.commits();
    let release = place.hold_writer().await;
    let writers: Vec<_> = (0..64)
        .map(|number| {
            let metadata = place.metadata.clone();
            tokio::spawn(async move { insert(&metadata, &format!("{number:02}")).await })
        })
        .collect();
    // On one thread each of these lets dozens of tasks queue their operations.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    drop(release);
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(place.metadata.commits() - before, 1);
    assert_eq!(place.reopened().await.ids().await.len(), 64);
}

#[tokio::test]
async fn operations_of_one_commit_do_not_hurt_each_other() {
    async fn insert_and_panic(tx: &mut Tx) -> Result<(), StoreError> {
        insert_one(tx, "panic").await?;
        panic!("the story's panic");
    }
    async fn insert_and_refuse(tx: &mut Tx) -> Result<(), StoreError> {
        insert_one(tx, "refusal").await?;
        Err(refused())
    }
    async fn insert_and_wait(tx: &mut Tx) -> Result<(), StoreError> {
        insert_one(tx, "wait").await?;
        tokio::task::yield_now().await;
        Ok(())
    }
    let place = Place::on_sqlite().await;
    let before = place.metadata.commits();
    let release = place.hold_writer().await;
    let release = async move { drop(release) };
    let (first, panic, refusal, wait, last, ()) = tokio::join!(
        biased;
        place.insert("a"),
        place.metadata.write((), |tx, ()| Box::pin(insert_and_panic(tx))),
        place.metadata.write((), |tx, ()| Box::pin(insert_and_refuse(tx))),
        place.metadata.write((), |tx, ()| Box::pin(insert_and_wait(tx))),
        place.insert("b"),
        release,
    );
    first.unwrap();
    last.unwrap();
    for failed in [panic, refusal, wait] {
        assert!(matches!(failed, Err(StoreError::Internal(_))), "{failed:?}");
    }
    assert_eq!(place.metadata.commits() - before, 1);
    assert_eq!(place.ids().await, ["a", "b"]);
}

#[tokio::test]
async fn awaiting_something_else_fails_a_change_and_a_read() {
    async fn wait(_: &mut Tx) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        Ok(())
    }
    let place = Place::on_sqlite().await;
    let change = place.metadata.write((), |tx, ()| Box::pin(wait(tx))).await;
    let read = place.metadata.read((), |tx, ()| Box::pin(wait(tx))).await;
    for answer in [change, read] {
        let text = answer.unwrap_err().to_string();
        assert!(text.contains("awaited something else"), "{text}");
    }
}

#[tokio::test]
async fn a_full_queue_refuses_after_a_while() {
    let place = Place::on_sqlite().await;
    let release = place.hold_writer().await;
    let writers: Vec<_> = (0..1100)
        .map(|number| {
            let metadata = place.metadata.clone();
            tokio::spawn(async move { insert(&metadata, &number.to_string()).await })
        })
        .collect();
    let mut refusals = 0;
    let mut release = Some(release);
    for writer in writers.into_iter().rev() {
        match writer.await.unwrap() {
            Ok(()) => {}
            Err(StoreError::Unavailable(_)) => refusals += 1,
            Err(other) => panic!("{other}"),
        }
        // The last ones are the ones that found no place; their answers come first.
        if refusals == 1100 - 1024 {
            release.take();
        }
    }
    assert_eq!(refusals, 1100 - 1024);
    assert_eq!(place.ids().await.len(), 1024);
}

#[tokio::test]
async fn another_process_that_holds_the_file_is_waited_for_and_then_reported() {
    let place = Place::on_sqlite().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(place.insert("a").await, Err(StoreError::LockTimeout)));
    place.metadata.ping().await.unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    place.insert("b").await.unwrap();
    assert_eq!(place.ids().await, ["b"]);
}

#[tokio::test]
async fn all_who_wait_for_another_process_are_refused_together_and_have_no_effect() {
    let place = Place::on_sqlite().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writers = (0..50).map(|number| {
        let metadata = place.metadata.clone();
        tokio::spawn(async move { insert(&metadata, &number.to_string()).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        assert!(matches!(writer.await.unwrap(), Err(StoreError::LockTimeout)));
    }
    other.execute_batch("ROLLBACK").unwrap();
    place.insert("later").await.unwrap();
    assert_eq!(place.ids().await, ["later"]);
}

#[tokio::test]
async fn an_operation_whose_caller_gave_up_has_no_effect() {
    let place = Place::on_sqlite().await;
    let release = place.hold_writer().await;
    assert!(matches!(place.insert("a").await, Err(StoreError::Unavailable(_))));
    drop(release);
    place.insert("later").await.unwrap();
    assert_eq!(place.ids().await, ["later"]);
}

#[tokio::test]
async fn a_command_reads_and_changes_what_a_server_has_open() {
    let place = Place::on_sqlite().await;
    place.insert("a").await.unwrap();
    let command = Metadata::open_sqlite_existing(&place.path(), Options::default()).unwrap();
    insert(&command, "b").await.unwrap();
    command.close().await.unwrap();
    place.insert("c").await.unwrap();

    let reader = Metadata::open_sqlite_read_only(&place.path(), Options::default()).unwrap();
    let seen = reader.read((), |tx, ()| Box::pin(super::ids(tx))).await.unwrap();
    assert_eq!(seen, ["a", "b", "c"]);
    assert!(matches!(insert(&reader, "d").await, Err(StoreError::Internal(_))));
    reader.close().await.unwrap();
}

fn thread_name() -> Ready<Result<Option<String>, StoreError>> {
    ready(Ok(std::thread::current().name().map(str::to_owned)))
}

#[test]
fn nobody_reads_on_a_thread_that_may_stand_back() {
    let builder = |name: &str| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).thread_name(name).enable_all();
        builder.build().unwrap()
    };
    let (own, other) = (builder("own"), builder("other"));
    let place = own.block_on(Place::on_sqlite());
    let metadata = place.metadata.clone();
    let threads = other.block_on(async move {
        let spawned = tokio::spawn(async move {
            let looked_up = metadata.look_up((), |_, ()| Box::pin(thread_name())).await;
            (looked_up.unwrap(), metadata.read((), |_, ()| Box::pin(thread_name())).await.unwrap())
        });
        spawned.await.unwrap()
    });
    assert_eq!(threads, (Some("own".to_owned()), Some("own".to_owned())));
}

#[tokio::test]
async fn a_command_does_not_make_or_migrate_a_database() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("meta.db");
    let missing = Metadata::open_sqlite_existing(&path, Options::default());
    assert!(matches!(missing.err(), Some(StoreError::Missing(_))));
    assert!(!path.exists());
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b TEXT)").unwrap();
    for open in [Metadata::open_sqlite_existing, Metadata::open_sqlite_read_only] {
        let older = open(&path, Options::default()).err();
        assert!(matches!(older, Some(StoreError::OlderSchema { found: 0, .. })), "{older:?}");
    }
}

#[tokio::test]
async fn damage_is_found() {
    let place = Place::on_sqlite().await;
    for number in 0..200 {
        place.insert(&format!("{number:0200}")).await.unwrap();
    }
    let (path, Home::Sqlite(_directory)) = (place.path(), &place.home) else { unreachable!() };
    place.metadata.close().await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    bytes[(pages - 2) * 4096..(pages - 1) * 4096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let damaged = Metadata::open_sqlite(&path, Options::default()).unwrap();
    match damaged.integrity_check().await {
        Ok(findings) => assert!(!findings.is_empty()),
        Err(fault) => assert!(matches!(fault, StoreError::Corrupt { .. }), "{fault:?}"),
    }
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::on_sqlite().await;
    for name in ["", "-wal", "-shm"] {
        let path = format!("{}{name}", place.path().display());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let place = Place::on_sqlite().await;
    place.metadata.close().await.unwrap();
    let mut child = child(&place.path(), "exec \"$0\" \"$@\"").spawn().unwrap();
    let mut answered = answered(child.stdout.take().unwrap());
    let first: Vec<_> = answered.by_ref().take(100).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let acknowledged: Vec<_> = first.into_iter().chain(answered).collect();
    assert!(100 <= acknowledged.len());
    assert_kept(place, &acknowledged).await;
}

#[tokio::test]
async fn a_disk_that_fails_at_the_commit_stops_the_process() {
    let place = Place::on_sqlite().await;
    place.metadata.close().await.unwrap();
    // No file may grow beyond 300 KiB: an error of the disk that is not a full one.
    let limited = "trap '' XFSZ; ulimit -f 300; exec \"$0\" \"$@\"";
    let mut child = child(&place.path(), limited).spawn().unwrap();
    let acknowledged: Vec<_> = answered(child.stdout.take().unwrap()).collect();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert!(!acknowledged.is_empty());
    assert_kept(place, &acknowledged).await;
}

async fn assert_kept(place: Place, acknowledged: &[String]) {
    let metadata = place.home.open().await.unwrap();
    let place = Place { metadata, home: place.home };
    let kept = place.ids().await;
    for id in acknowledged {
        assert!(kept.contains(id), "{id} was acknowledged and is lost");
    }
    assert!(place.metadata.integrity_check().await.unwrap().is_empty());
}

/// This test program again, running nothing but `keep_inserting`.
fn child(path: &Path, script: &str) -> Command {
    let mut child = Command::new("bash");
    child.args(["-c", script]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", "driver::conformance::sqlite::keep_inserting"]);
    child.arg("--nocapture").env(DATABASE, path).stdout(Stdio::piped()).stderr(Stdio::null());
    child
}

fn answered(output: impl std::io::Read) -> impl Iterator<Item = String> {
    BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("answered ").map(ToOwned::to_owned))
}

/// Inserts rows for ever and says which were answered.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the story hands its database over")]
async fn keep_inserting() {
    let Some(path) = std::env::var_os(DATABASE) else { return };
    let fatal = Options { on_fatal: Arc::new(|_| std::process::exit(7)) };
    let metadata = Metadata::open_sqlite(Path::new(&path), fatal).unwrap();
    let mut number = 0_i64;
    loop {
        number += 1;
        let insert = metadata.write(number, |tx, number| {
            Box::pin(async move {
                let id = format!("{number:0100}");
                tx.execute(INSERT, &[id.as_str().into(), (*number).into()]).await?;
                Ok::<_, StoreError>(id)
            })
        });
        println!("\nanswered {}", insert.await.unwrap());
    }
}
