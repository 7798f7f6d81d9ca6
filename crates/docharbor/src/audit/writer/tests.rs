//! The log is opened, written, damaged and checked, with a clock that the test moves.

use std::path::Path;
use std::sync::atomic::AtomicI64;

use docharbor_server::audit::{AuditLog as _, CommandEvent};
use docharbor_site::Clock;

use super::super::{FileLog, Report, check};
use super::*;

const DAY_MS: i64 = 86_400_000;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> docharbor_domain::Timestamp {
        docharbor_domain::Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Bench {
    temporary: tempfile::TempDir,
    clock: Arc<TestClock>,
    settings: AuditSettings,
}

fn bench() -> Bench {
    Bench {
        temporary: tempfile::tempdir().unwrap(),
        clock: Arc::new(TestClock(AtomicI64::new(1_764_000_000_000))),
        settings: AuditSettings {
            is_on: true,
            retention: Duration::from_hours(24 * 400),
            file_max_bytes: 64 << 20,
        },
    }
}

fn key() -> ChainKey {
    ChainKey::new(&[3; 32])
}

impl Bench {
    fn open(&self) -> FileLog {
        let clock = Arc::clone(&self.clock);
        FileLog::open(self.temporary.path(), key(), self.settings, clock).unwrap()
    }

    fn directory(&self) -> PathBuf {
        super::super::directory(self.temporary.path())
    }

    fn check(&self) -> Report {
        check(&self.directory(), &key(), &[], None).unwrap()
    }

    fn names(&self) -> Vec<String> {
        names(&self.directory()).unwrap()
    }

    fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// A log of some records, closed.
    async fn written(&self, records: usize) {
        let log = self.open();
        for _ in 0..records {
            log.record(looking(self)).await.unwrap();
        }
        log.close().await;
    }
}

fn looking(bench: &Bench) -> AuditRecord {
    AuditRecord::of_the_log("Test", bench.clock.now().as_millis(), "id", &json!({ "a": 1 }))
}

fn newest(bench: &Bench) -> PathBuf {
    bench.directory().join(bench.names().pop().unwrap())
}

fn cut(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

#[tokio::test]
async fn a_log_that_is_opened_again_goes_on_where_it_ended() {
    let bench = bench();
    bench.written(10).await;
    bench.written(10).await;
    let report = bench.check();
    // Both times it was opened and closed.
    assert_eq!((report.records, report.files, report.broken), (24, 1, None));
}

#[tokio::test]
async fn a_full_file_or_another_day_begins_a_new_file_and_the_chain_goes_on() {
    let mut bench = bench();
    bench.settings.file_max_bytes = 4096;
    bench.written(30).await;
    bench.written(30).await;
    let by_size = bench.names().len();
    assert!(by_size > 1);
    bench.pass(DAY_MS);
    bench.written(1).await;
    assert_eq!(bench.names().len(), by_size + 1);
    let report = bench.check();
    assert_eq!((report.records, report.broken), (67, None));
}

#[tokio::test]
async fn old_files_go_and_the_rest_still_checks_but_not_when_somebody_else_removes_more() {
    let mut bench = bench();
    bench.settings.retention = Duration::from_hours(48);
    for _ in 0..6 {
        bench.written(3).await;
        bench.pass(DAY_MS);
    }
    bench.written(3).await;
    assert_eq!(bench.names().len(), 4, "{:?}", bench.names());
    assert_eq!(bench.check().broken, None);
    std::fs::remove_file(bench.directory().join(&bench.names()[0])).unwrap();
    let broken = bench.check().broken.unwrap();
    assert!(broken.contains("are missing"), "{broken}");
}

#[tokio::test]
async fn a_line_that_was_not_finished_is_set_aside_and_the_log_says_so() {
    let bench = bench();
    bench.written(5).await;
    let path = newest(&bench);
    let whole = std::fs::read(&path).unwrap();
    // A crash in the middle of the next line.
    std::fs::write(&path, [&whole[..], b"{\"sequence\":8,\"prev"].concat()).unwrap();
    assert_eq!((bench.check().unfinished_bytes, bench.check().broken), (19, None));
    bench.written(5).await;
    assert_eq!((bench.check().records, bench.check().broken), (14, None));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("continuedAfterBytesSetAside\":19"), "{text}");
    let aside = std::fs::read_dir(bench.directory()).unwrap();
    assert!(
        aside.into_iter().any(|e| e.unwrap().path().to_string_lossy().contains(".unfinished-"))
    );
}

#[tokio::test]
async fn whatever_is_done_to_a_closed_log_is_found_and_stays_found_after_the_next_start() {
    for damage in [
        (|path| cut(path, 1)) as fn(&Path),
        |path| cut(path, 700),
        |path| std::fs::write(path, "").unwrap(),
        |path| std::fs::remove_file(path).unwrap(),
        |path| std::fs::remove_file(path.with_file_name("head")).unwrap(),
        |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let mut lines: Vec<&str> = text.lines().collect();
            lines.swap(2, 3);
            std::fs::write(path, lines.join("\n") + "\n").unwrap();
        },
        |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let lines: Vec<&str> = text.lines().skip(1).collect();
            std::fs::write(path, lines.join("\n") + "\n").unwrap();
        },
    ] {
        let bench = bench();
        bench.written(8).await;
        damage(&newest(&bench));
        assert!(bench.check().broken.is_some());
        bench.written(2).await;
        let text = std::fs::read_to_string(newest(&bench)).unwrap();
        assert!(bench.check().broken.is_some() || text.contains("damaged"), "{text}");
    }
}

#[tokio::test]
async fn every_byte_of_the_files_counts() {
    let bench = bench();
    bench.written(2).await;
    let path = newest(&bench);
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).unwrap();
        assert!(bench.check().broken.is_some(), "byte {at}");
    }
    std::fs::write(&path, whole).unwrap();
    assert_eq!(bench.check().broken, None);
}

#[tokio::test]
async fn another_master_key_finds_every_log_broken() {
    let bench = bench();
    bench.written(1).await;
    let other = ChainKey::new(&[4; 32]);
    assert!(check(&bench.directory(), &other, &[], None).unwrap().broken.is_some());
}

#[tokio::test]
async fn a_record_an_earlier_check_printed_must_still_be_there() {
    let bench = bench();
    bench.written(3).await;
    let last = bench.check().last.unwrap();
    bench.written(3).await;
    assert!(check(&bench.directory(), &key(), &[], Some(&last)).unwrap().has_wanted);
    // The whole log is replaced by another one that is whole in itself.
    std::fs::remove_dir_all(bench.directory()).unwrap();
    bench.written(9).await;
    assert_eq!(bench.check().broken, None);
    assert!(!check(&bench.directory(), &key(), &[], Some(&last)).unwrap().has_wanted);
}

#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = bench();
    bench.written(1).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.directory()), 0o700);
    assert_eq!(mode(&newest(&bench)), 0o600);
    assert_eq!(mode(&bench.directory().join("head")), 0o600);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_says_so_keeps_its_records_and_goes_on_by_itself() {
    let mut bench = bench();
    bench.settings.file_max_bytes = 1;
    let log = bench.open();
    log.record(looking(&bench)).await.unwrap();
    // Every batch begins a file, for which there is now no directory.
    let away = bench.temporary.path().join("away");
    std::fs::rename(bench.directory(), &away).unwrap();
    let mut records = 1;
    for back in [false, true] {
        if back {
            std::fs::rename(&away, bench.directory()).unwrap();
        }
        while log.takes_changes() != back {
            bench.pass(1000);
            log.record(looking(&bench)).await.unwrap();
            records += 1;
            tokio::task::yield_now().await;
        }
    }
    log.close().await;
    let report = bench.check();
    assert_eq!((report.records, report.broken), (records + 2, None));
}

#[tokio::test]
async fn a_change_whose_record_is_on_the_disk_is_done_though_the_head_cannot_be_written() {
    let bench = bench();
    let log = bench.open();
    let in_the_way = bench.directory().join("head.new");
    std::fs::create_dir(&in_the_way).unwrap();
    bench.pass(1000);
    let time_ms = bench.clock.now().as_millis();
    let change = AuditRecord::of_a_command(&CommandEvent::new("Test", 0), time_ms, "id");
    assert_eq!(log.record(change).await, Ok(()));
    assert!(!log.takes_changes());
    std::fs::remove_dir(&in_the_way).unwrap();
    while !log.takes_changes() {
        bench.pass(1000);
        log.record(looking(&bench)).await.unwrap();
        tokio::task::yield_now().await;
    }
    log.close().await;
    assert_eq!(bench.check().broken, None);
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_counted() {
    let mut bench = bench();
    bench.settings.file_max_bytes = 1;
    let log = bench.open();
    let away = bench.temporary.path().join("away");
    std::fs::rename(bench.directory(), &away).unwrap();
    let text = "x".repeat(1024 * 1024);
    for _ in 0..20 {
        let record = AuditRecord::of_the_log("Test", 0, "id", &json!({ "text": text }));
        log.record(record).await.unwrap();
    }
    while log.takes_changes() || log.slots.available_permits() < super::super::QUEUE_MAX {
        tokio::task::yield_now().await;
    }
    std::fs::rename(&away, bench.directory()).unwrap();
    bench.pass(1000);
    log.close().await;
    assert_eq!(bench.check().broken, None);
    let names = bench.names();
    let text: String = names
        .iter()
        .map(|name| std::fs::read_to_string(bench.directory().join(name)).unwrap())
        .collect();
    let kept = text.matches("\"eventName\":\"Test\"").count();
    assert!(text.contains(&format!("{{\"records\":{}}}", 20 - kept)), "{kept} kept");
    assert!((1..20).contains(&kept), "{kept} kept");
}
