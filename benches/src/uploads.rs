//! Small uploads, durable, many at once.

use std::time::{Duration, Instant};

use crate::client::{Connection, rate};
use crate::floor::Floor;
use crate::report::{Figure, Goal};
use crate::site::{Site, Uploader};
use crate::{Outcome, Settings};

pub(crate) const CONNECTIONS: usize = 16;
pub(crate) const CONTENT_BYTES: usize = 4096;
pub(crate) const ROUND: Duration = Duration::from_secs(3);

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let content = vec![b'x'; CONTENT_BYTES];
    let uploader = Uploader { site: &site, folder: &root, content: &content };
    let floor = Floor::open(settings, &content)?;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    // The first round opens connections and folders and fills caches.
    for round in 0..=settings.rounds {
        let mine = rate(CONNECTIONS, ROUND, |connection, deadline| {
            upload_until(&uploader, round, connection, deadline)
        })?;
        let bare = floor.rate(CONNECTIONS, ROUND)?;
        eprintln!("bench: upload round {round}: {mine:.0}/s against {bare:.0}/s");
        if round > 0 {
            ours.push(mine);
            baseline.push(bare);
        }
    }
    let name = "three-step upload of 4 KiB, 16 connections";
    figures.push(Figure { name, unit: "/s", ours, baseline, goal: Goal::RatioAtLeast(0.7) });
    site.stop_and_verify()
}

/// Uploads one document after the other on one connection, and tells how many.
pub(crate) async fn upload_until(
    uploader: &Uploader<'_>,
    round: usize,
    index: usize,
    deadline: Instant,
) -> Outcome<u32> {
    let mut connection = Connection::open(uploader.site.address).await?;
    let mut count = 0;
    while Instant::now() < deadline {
        uploader.upload(&mut connection, &format!("{round}-{index}-{count}.bin")).await?;
        count += 1;
    }
    Ok(count)
}
