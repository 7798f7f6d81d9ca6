//! Small reads: how many at once, and how soon.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::{Connection, block_on, latencies, rate};
use crate::process::Bare;
use crate::report::{Figure, Goal, median};
use crate::site::{Site, plain_get};
use crate::{Outcome, Settings};

const CONNECTIONS: usize = 64;
const ROUND: Duration = Duration::from_secs(3);
const CONTENT_BYTES: usize = 4096;
const DOWNLOADS: usize = 2000;

/// `GetDocument` on many connections against a bare handler of the same answer.
pub(crate) fn get_document(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let stored = site.store(&root, "read-me.txt", &[b'x'; CONTENT_BYTES])?;
    let path = format!("/api/v1/documents/{}", stored.document_id);
    let sign = || site.signer.request("GET", &path, "", "", None);
    let bare = Bare::start(settings, &captured(site.address, &sign())?)?;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        // Signed anew each round: a signature is good for five minutes.
        let request = sign();
        let mine = repeat(site.address, &request)?;
        let theirs = repeat(bare.address, &request)?;
        eprintln!("bench: get-document round {round}: {mine:.0}/s against {theirs:.0}/s");
        if round > 0 {
            ours.push(mine);
            baseline.push(theirs);
        }
    }
    let name = "GetDocument, 64 connections, signed";
    figures.push(Figure { name, unit: "/s", ours, baseline, goal: Goal::RatioAtLeast(0.4) });
    Ok(())
}

/// The download of a small document on one connection, against a bare handler of the same answer.
pub(crate) fn small_download(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let stored = site.store(&root, "read-me.txt", &[b'x'; CONTENT_BYTES])?;
    let request = plain_get(&site.signer.host, &site.source(&stored)?);
    let bare = Bare::start(settings, &captured(site.address, &request)?)?;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    block_on(async {
        let mut mine = Connection::open(site.address).await?;
        let mut theirs = Connection::open(bare.address).await?;
        for round in 0..=settings.rounds {
            let mine = median(&latencies(&mut mine, &request, DOWNLOADS).await?);
            let theirs = median(&latencies(&mut theirs, &request, DOWNLOADS).await?);
            eprintln!("bench: small-download round {round}: {mine:.0} µs against {theirs:.0} µs");
            if round > 0 {
                ours.push(mine);
                baseline.push(theirs);
            }
        }
        Ok(())
    })?;
    let name = "download of 4 KiB, 1 connection, p50";
    figures.push(Figure { name, unit: "µs", ours, baseline, goal: Goal::RatioAtMost(3.0) });
    Ok(())
}

/// One answer as it comes, head and body.
fn captured(address: SocketAddr, request: &[u8]) -> Outcome<Vec<u8>> {
    block_on(async {
        let mut connection = Connection::open(address).await?;
        let answer = connection.exchange(request).await?;
        answer.success()?;
        Ok([answer.head, answer.body].concat())
    })
}

fn repeat(address: SocketAddr, request: &[u8]) -> Outcome<f64> {
    rate(CONNECTIONS, ROUND, |_, deadline| async move {
        let mut connection = Connection::open(address).await?;
        let mut count = 0;
        while Instant::now() < deadline {
            connection.exchange(request).await?.success()?;
            count += 1;
        }
        Ok(count)
    })
}
