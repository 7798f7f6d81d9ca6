//! How fast a hundred subscribers are told of what happens, and what the API notices of it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection as Database, params};

use crate::activities::CONFIRM;
use crate::client::{Connection, block_on, latencies};
use crate::process::Bare;
use crate::report::{Figure, Goal, percentile};
use crate::site::{ORGANIZATION, Site};
use crate::{Outcome, Settings};

const SUBSCRIBERS: u32 = 100;
/// Events of a round whose deliveries are timed.
const TIMED: u32 = 100;
/// Events of a round beside which the API is asked: enough to last.
const BESIDE: u32 = 1_000;
const REQUESTS: usize = 3_000;

/// How long the deliveries of one batch may take.
const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(10);

const EVENTS: &str = "
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
    INSERT INTO outbox (organization_id, id, action, entity_type, entity_id, parent_entity_type,
                        parent_entity_id, created_ms, spread)
    SELECT ?2, lower(hex(randomblob(16))), 'upload_document_version', 'DocumentVersion',
           lower(hex(randomblob(32))), 'Document', lower(hex(randomblob(32))),
           CAST(unixepoch('subsec') * 1000 AS INTEGER), 0
      FROM number";

const DELIVERED: &str = "SELECT COUNT(*) FROM delivery WHERE state = 'SENT'";

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let sink = Bare::start(settings, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    let allowed = format!("http://{}", sink.address);
    let site = Site::start_with(settings, &["--notification-allow", &allowed])?;
    for number in 0..SUBSCRIBERS {
        site.subscribe(&format!("{allowed}/{number}"))?;
    }
    let site = site.at_rest(|database| database.execute_batch(CONFIRM))?;
    let root = site.new_root_folder()?;
    let stored = site.store(&root, "read-me.txt", b"read me")?;
    let path = format!("/api/v1/documents/{}", stored.document_id);
    let outbox = Outbox { database: site.database()? };
    outbox.wait_for(0)?;
    let (mut rates, mut beside, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        let alone = p99(&site, &path)?;
        let rate = outbox.deliver()?;
        let end = outbox.add(BESIDE)?;
        let before = outbox.wait_for_some(end - i64::from(BESIDE * SUBSCRIBERS))?;
        let began = Instant::now();
        let together = p99(&site, &path)?;
        let meanwhile = outbox.delivered()?;
        if meanwhile == end {
            return Err(
                "all was delivered before the API was asked: BESIDE is too small".to_owned()
            );
        }
        let pace = f64::from(u32::try_from(meanwhile - before).unwrap_or(u32::MAX))
            / began.elapsed().as_secs_f64();
        outbox.wait_for(end)?;
        eprintln!(
            "bench: deliveries round {round}: {rate:.0}/s; p99 {together:.0} µs beside {pace:.0}/s \
             against {alone:.0} µs"
        );
        if round > 0 {
            rates.push(rate);
            beside.push(together);
            idle.push(alone);
        }
    }
    let (name, baseline, goal) =
        ("deliveries to 100 subscribers", Vec::new(), Goal::AtLeast(1000.0));
    figures.push(Figure { name, unit: "/s", ours: rates, baseline, goal });
    let (name, goal) = ("GetDocument beside deliveries, p99", Goal::RatioAtMost(1.1));
    figures.push(Figure { name, unit: "µs", ours: beside, baseline: idle, goal });
    site.stop_and_verify()
}

/// The p99 of a read, asked for again and again on one connection, in microseconds.
pub(crate) fn p99(site: &Site, path: &str) -> Outcome<f64> {
    let request = site.signer.request("GET", path, "", "", None);
    block_on(async {
        let mut connection = Connection::open(site.address).await?;
        Ok(percentile(&latencies(&mut connection, &request, REQUESTS).await?, 99))
    })
}

/// The server's own list of what is to be told to whom.
struct Outbox {
    database: Database,
}

impl Outbox {
    /// Lets so much happen, and tells how much will be delivered in all once it is told.
    fn add(&self, events: u32) -> Outcome<i64> {
        let end = self.delivered()? + i64::from(events * SUBSCRIBERS);
        let added = self.database.execute(EVENTS, params![events, ORGANIZATION]);
        added.map_err(|error| error.to_string())?;
        Ok(end)
    }

    fn delivered(&self) -> Outcome<i64> {
        let found = self.database.query_row(DELIVERED, [], |row| row.get(0));
        found.map_err(|error| error.to_string())
    }

    /// How much is delivered in a second, from the first to the last of a batch.
    fn deliver(&self) -> Outcome<f64> {
        let end = self.add(TIMED)?;
        let first = self.wait_for_some(end - i64::from(TIMED * SUBSCRIBERS))?;
        let began = Instant::now();
        self.wait_for(end)?;
        let delivered = u32::try_from(end - first).unwrap_or(u32::MAX);
        Ok(f64::from(delivered) / began.elapsed().as_secs_f64())
    }

    /// Waits until more than this was delivered, and tells how much it is then.
    fn wait_for_some(&self, before: i64) -> Outcome<i64> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let delivered = self.delivered()?;
            if before < delivered {
                return Ok(delivered);
            }
            sleep(GLANCE);
        }
        Err("nothing is delivered".to_owned())
    }

    fn wait_for(&self, end: i64) -> Outcome<()> {
        let began = Instant::now();
        while self.delivered()? < end {
            if PATIENCE < began.elapsed() {
                return Err("deliveries do not come to an end".to_owned());
            }
            sleep(GLANCE);
        }
        Ok(())
    }
}
