//! The first page of a full folder, against that of one with little in it.

use std::time::Instant;

use crate::client::{Connection, block_on, on_threads};
use crate::report::{Figure, Goal, percentile};
use crate::site::{Site, Uploader};
use crate::{Outcome, Settings};

const SMALL_FOLDER_ITEMS: u32 = 1000;
/// Half a page, so that a page holds folders and documents.
const SUBFOLDERS: u32 = 50;
const FILL_CONNECTIONS: u32 = 64;
const PAGES: usize = 1000;

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let small = filled(&site, &root, "small", SMALL_FOLDER_ITEMS)?;
    let full = filled(&site, &root, "full", settings.folder_items)?;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        let (of_full, of_small) = block_on(pages(&site, &full, &small))?;
        eprintln!("bench: folder round {round}: p99 {of_full:.0} µs against {of_small:.0} µs");
        if round > 0 {
            ours.push(of_full);
            baseline.push(of_small);
        }
    }
    let name = "first page of a full folder, p99";
    figures.push(Figure { name, unit: "µs", ours, baseline, goal: Goal::RatioAtMost(1.5) });
    site.stop_and_verify()
}

/// Makes a folder with so many items in it, all but a few of them documents.
fn filled(site: &Site, root: &str, name: &str, items: u32) -> Outcome<String> {
    let began = Instant::now();
    let folder = site.new_folder(root, name)?;
    for number in 0..SUBFOLDERS {
        site.new_folder(&folder, &format!("folder {number}"))?;
    }
    let documents = items.saturating_sub(SUBFOLDERS);
    let uploader = Uploader { site, folder: &folder, content: b"x" };
    let uploader = &uploader;
    let connections = usize::try_from(FILL_CONNECTIONS).unwrap_or(1);
    on_threads(connections, |first| async move {
        let mut connection = Connection::open(site.address).await?;
        for number in (u32::try_from(first).unwrap_or(0)..documents).step_by(connections) {
            uploader.upload(&mut connection, &format!("{name}-{number}.txt")).await?;
        }
        Ok(())
    })?;
    eprintln!("bench: folder of {items} items made in {:.0?}", began.elapsed());
    Ok(folder)
}

/// The p99 of both folders' first pages in microseconds, asked for in turn.
async fn pages(site: &Site, full: &str, small: &str) -> Outcome<(f64, f64)> {
    let mut connection = Connection::open(site.address).await?;
    let request = |folder: &str| {
        let path = format!("/api/v1/folders/{folder}/contents");
        site.signer.request("GET", &path, "limit=100", "", None)
    };
    let requests = [request(full), request(small)];
    let mut times = [Vec::with_capacity(PAGES), Vec::with_capacity(PAGES)];
    for _ in 0..PAGES {
        for (request, times) in requests.iter().zip(&mut times) {
            let began = Instant::now();
            connection.exchange(request).await?.success()?;
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    let [full, small] = times;
    Ok((percentile(&full, 99), percentile(&small, 99)))
}
