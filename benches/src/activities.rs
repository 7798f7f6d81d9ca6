//! What it costs an upload to be written down and told of, against a site that keeps nothing of it.

use std::net::TcpListener;

use crate::client::rate;
use crate::report::{Figure, Goal};
use crate::site::{Site, Uploader};
use crate::uploads::{CONNECTIONS, CONTENT_BYTES, ROUND, upload_until};
use crate::{Outcome, Settings};

/// There is no switch that turns activities off, so the baseline's database lets go of their rows. What
/// it costs to hand them to it stays in the baseline; making them durable does not.
const KEEP_NOTHING: &str = "
    CREATE TRIGGER keep_no_activity BEFORE INSERT ON activity BEGIN SELECT RAISE(IGNORE); END;
    CREATE TRIGGER keep_no_participant BEFORE INSERT ON activity_participant
    BEGIN SELECT RAISE(IGNORE); END;
    CREATE TRIGGER keep_no_event BEFORE INSERT ON outbox BEGIN SELECT RAISE(IGNORE); END;";

/// Whether each upload was told of, and deliveries were made.
const TOLD: &str = "
    SELECT (SELECT COUNT(*) FROM outbox) = (SELECT COUNT(*) FROM version WHERE status = 'ACTIVE')
           AND EXISTS (SELECT 1 FROM activity) AND EXISTS (SELECT 1 FROM delivery)";

const SILENT: &str = "
    SELECT NOT EXISTS (SELECT 1 FROM activity) AND NOT EXISTS (SELECT 1 FROM outbox)";

pub(crate) const CONFIRM: &str =
    "UPDATE notification_subscription SET status = 'CONFIRMED', asked_ms = 1";

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let endpoint = format!("http://127.0.0.1:{}", closed_port()?);
    let told = Site::start_with(settings, &["--notification-allow", &endpoint])?;
    told.subscribe(&endpoint)?;
    let told = told.at_rest(|database| database.execute_batch(CONFIRM))?;
    let silent = Site::start(settings)?.at_rest(|database| database.execute_batch(KEEP_NOTHING))?;
    let roots = [told.new_root_folder()?, silent.new_root_folder()?];
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        let mine = uploads(&told, &roots[0], round)?;
        let bare = uploads(&silent, &roots[1], round)?;
        eprintln!("bench: activities round {round}: {mine:.0}/s against {bare:.0}/s");
        if round > 0 {
            ours.push(mine);
            baseline.push(bare);
        }
    }
    hold(&told, TOLD)?;
    hold(&silent, SILENT)?;
    let name = "upload with activities and outbox";
    figures.push(Figure { name, unit: "/s", ours, baseline, goal: Goal::RatioAtLeast(0.85) });
    silent.running.stop()?;
    told.stop_and_verify()
}

/// A port where nobody listens: deliveries are made, and none is brought.
fn closed_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// A ratio says nothing if the two sites do not differ as they should.
fn hold(site: &Site, condition: &str) -> Outcome<()> {
    let holds = site.database()?.query_row(condition, [], |row| row.get(0));
    let holds = holds.map_err(|error| error.to_string())?;
    if holds { Ok(()) } else { Err(format!("it does not hold that{condition}")) }
}

fn uploads(site: &Site, root: &str, round: usize) -> Outcome<f64> {
    let content = vec![b'x'; CONTENT_BYTES];
    let uploader = Uploader { site, folder: root, content: &content };
    rate(CONNECTIONS, ROUND, |connection, deadline| {
        upload_until(&uploader, round, connection, deadline)
    })
}
