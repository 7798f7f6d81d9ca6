//! What the server takes before anybody asks for much: memory at rest, and time to be ready.

use crate::client::{Connection, block_on, latencies};
use crate::report::{Figure, Goal};
use crate::site::Site;
use crate::{Outcome, Settings};

const REQUESTS: usize = 1000;

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let (mut ready, mut fresh, mut used) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let site = Site::start(settings)?;
        ready.push(site.ready_after.as_secs_f64() * 1e3);
        fresh.push(site.running.memory_mib("VmRSS")?);
        let root = site.new_root_folder()?;
        let path = format!("/api/v1/folders/{root}");
        let request = site.signer.request("GET", &path, "", "", None);
        block_on(async {
            let mut connection = Connection::open(site.address).await?;
            latencies(&mut connection, &request, REQUESTS).await
        })?;
        used.push(site.running.memory_mib("VmRSS")?);
        site.running.stop()?;
    }
    let alone = |name, unit, ours, bound| Figure {
        name,
        unit,
        ours,
        baseline: Vec::new(),
        goal: Goal::Below(bound),
    };
    figures.extend([
        alone("ready after the start on an empty directory", "ms", ready, 200.0),
        alone("memory at rest, before the first request", "MiB", fresh, 25.0),
        alone("memory at rest, after 1,000 requests", "MiB", used, 25.0),
    ]);
    Ok(())
}
