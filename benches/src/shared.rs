//! The contents of a folder that a user reaches through a share far above, against one of their own.

use std::time::Instant;

use crate::client::{Connection, block_on};
use crate::report::{Figure, Goal, median};
use crate::site::{Site, User};
use crate::{Outcome, Settings};

/// From the folder that is shared down to the one that is listed.
const LEVELS: u32 = 20;
/// Few, so that the page itself takes little beside finding out whose it is.
const ITEMS: u32 = 10;
const PAGES: usize = 2000;

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let reader = site.new_user("reader")?;
    let direct = shared(&site, &root, "direct", &reader)?;
    let mut far = shared(&site, &root, "far above", &reader)?;
    for level in 0..LEVELS {
        far = site.new_folder(&far, &format!("level {level}"))?;
    }
    for folder in [&direct, &far] {
        for number in 0..ITEMS / 2 {
            site.new_folder(folder, &format!("folder {number}"))?;
            site.store(folder, &format!("{number} of {folder}"), b"x")?;
        }
    }
    let token = site.token("reader")?;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        let [inherited, direct] = block_on(pages(&site, &token, [&far, &direct]))?;
        eprintln!("bench: shared round {round}: {inherited:.0} µs against {direct:.0} µs");
        if round > 0 {
            ours.push(inherited);
            baseline.push(direct);
        }
    }
    let name = "contents by a grant 20 levels up, p50";
    figures.push(Figure { name, unit: "µs", ours, baseline, goal: Goal::RatioAtMost(1.5) });
    site.stop_and_verify()
}

/// Makes a folder that a user may view.
fn shared(site: &Site, parent: &str, name: &str, with: &User) -> Outcome<String> {
    let folder = site.new_folder(parent, name)?;
    site.share(&folder, with)?;
    Ok(folder)
}

/// The p50 of both folders' pages in microseconds, asked for in turn.
async fn pages(site: &Site, token: &str, folders: [&str; 2]) -> Outcome<[f64; 2]> {
    let mut connection = Connection::open(site.address).await?;
    let host = &site.signer.host;
    let requests = folders.map(|folder| {
        format!(
            "GET /api/v1/folders/{folder}/contents HTTP/1.1\r\nhost: {host}\r\n\
             authentication: {token}\r\n\r\n"
        )
    });
    let mut times = [Vec::with_capacity(PAGES), Vec::with_capacity(PAGES)];
    for _ in 0..PAGES {
        for (request, times) in requests.iter().zip(&mut times) {
            let began = Instant::now();
            connection.exchange(request.as_bytes()).await?.success()?;
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(times.map(|times| median(&times)))
}
