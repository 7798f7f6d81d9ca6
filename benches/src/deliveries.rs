//! How fast a hundred subscribers are told of what happens, and what the API notices of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use rusqlite::Connection as Database;
use tokio::net::TcpListener;

use crate::activities::CONFIRM;
use crate::client::{Connection, block_on, latencies};
use crate::report::{Figure, Goal, percentile};
use crate::site::{Site, Uploader};
use crate::{Outcome, Settings};

const SUBSCRIBERS: u32 = 100;
/// Events of a round whose deliveries are timed.
const TIMED: u32 = 100;
/// Events of a round beside which the API is asked: enough to last.
const BESIDE: u32 = 1_000;
const REQUESTS: usize = 20_000;

/// How long the deliveries of one batch may take.
const PATIENCE: Duration = Duration::from_mins(3);
/// The sink is looked at for next to nothing, the database is not.
const GLANCE: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_millis(100);

/// Whether the server has anything left to tell.
const LEFT: &str = "
    SELECT EXISTS (SELECT 1 FROM outbox WHERE spread = 0)
        OR EXISTS (SELECT 1 FROM delivery WHERE state = 'DUE')";

const IN_VAIN: &str = "SELECT COUNT(*) FROM delivery WHERE state <> 'SENT' OR attempts <> 1";

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let sink = Sink::start()?;
    let allowed = format!("http://{}", sink.address);
    let site = Site::start_with(settings, &["--notification-allow", &allowed])?;
    for number in 0..SUBSCRIBERS {
        site.subscribe(&format!("{allowed}/{number}"))?;
    }
    let site = site.at_rest(|database| database.execute_batch(CONFIRM))?;
    let root = site.new_root_folder()?;
    let stored = site.store(&root, "read-me.txt", b"read me")?;
    let path = format!("/api/v1/documents/{}", stored.document_id);
    let telling = Telling { site: &site, root: &root, sink: &sink, database: site.database()? };
    telling.until_idle()?;
    let (mut rates, mut beside, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        let alone = p99(&site, &path)?;
        let rate = telling.rate(round)?;
        telling.until_idle()?;
        let (together, pace) = telling.p99_beside(round, &path)?;
        telling.until_idle()?;
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
    telling.hold()?;
    drop(telling);
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

/// A receiver that takes whatever it is sent, on a thread of this process.
struct Sink {
    address: SocketAddr,
    taken: Arc<AtomicU64>,
}

impl Sink {
    /// Starts one that listens for as long as this process lives.
    fn start() -> Outcome<Self> {
        let failed = |error: std::io::Error| error.to_string();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let taken = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&taken);
        let serving = async move {
            let listener = TcpListener::from_std(listener).map_err(failed)?;
            // The body is read to its end, so that the connection can be kept.
            let take = move |_: Bytes| {
                counter.fetch_add(1, Ordering::Relaxed);
                async {}
            };
            axum::serve(listener, Router::new().fallback(take)).await.map_err(failed)
        };
        std::thread::spawn(move || {
            if let Err(error) = block_on(serving) {
                eprintln!("bench: the receiver of deliveries ended: {error}");
            }
        });
        Ok(Self { address, taken })
    }

    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// A site whose subscribers are told of what happens there.
struct Telling<'a> {
    site: &'a Site,
    root: &'a str,
    sink: &'a Sink,
    database: Database,
}

impl Telling<'_> {
    /// How much is delivered in a second, from the first change until the last receiver has it.
    fn rate(&self, round: usize) -> Outcome<f64> {
        let began = Instant::now();
        let end = self.change(&format!("timed-{round}"), TIMED)?;
        self.until(GLANCE, || Ok(end <= self.sink.taken()))?;
        Ok(f64::from(TIMED * SUBSCRIBERS) / began.elapsed().as_secs_f64())
    }

    /// The p99 of a read while there is something to deliver, and how much is delivered in a second.
    fn p99_beside(&self, round: usize, path: &str) -> Outcome<(f64, f64)> {
        let end = self.change(&format!("beside-{round}"), BESIDE)?;
        let (began, before) = (Instant::now(), self.sink.taken());
        let together = p99(self.site, path)?;
        let (seconds, after) = (began.elapsed().as_secs_f64(), self.sink.taken());
        if after == before || end <= after {
            return Err(format!(
                "deliveries did not go on for as long as the API was asked: {} were left before, \
                 {} after",
                end.saturating_sub(before),
                end.saturating_sub(after)
            ));
        }
        let delivered = u32::try_from(after - before).unwrap_or(u32::MAX);
        Ok((together, f64::from(delivered) / seconds))
    }

    /// Uploads so many documents, and tells how much the sink will have taken once all is told.
    fn change(&self, name: &str, documents: u32) -> Outcome<u64> {
        let end = self.sink.taken() + u64::from(documents * SUBSCRIBERS);
        let uploader = Uploader { site: self.site, folder: self.root, content: b"news" };
        block_on(async {
            let mut connection = Connection::open(self.site.address).await?;
            for number in 0..documents {
                uploader.upload(&mut connection, &format!("{name}-{number}.bin")).await?;
            }
            Ok(end)
        })
    }

    /// Waits until the server has told all, and noted that it has.
    fn until_idle(&self) -> Outcome<()> {
        let is_left = || self.database.query_row(LEFT, [], |row| row.get::<_, bool>(0));
        self.until(LOOK, || is_left().map(|left| !left).map_err(|error| error.to_string()))
    }

    /// A rate of attempts would be none of deliveries.
    fn hold(&self) -> Outcome<()> {
        let in_vain = self.database.query_row(IN_VAIN, [], |row| row.get::<_, i64>(0));
        match in_vain.map_err(|error| error.to_string())? {
            0 => Ok(()),
            some => Err(format!("{some} deliveries were not made at the first attempt")),
        }
    }

    fn until(&self, pause: Duration, is_so: impl Fn() -> Outcome<bool>) -> Outcome<()> {
        let began = Instant::now();
        while !is_so()? {
            if PATIENCE < began.elapsed() {
                let taken = self.sink.taken();
                return Err(format!("deliveries come to no end, {taken} were taken"));
            }
            sleep(pause);
        }
        Ok(())
    }
}
