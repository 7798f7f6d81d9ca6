//! Who looks into documents, and that what is lost of them is made anew.

use std::path::PathBuf;
use std::sync::Arc;

use docharbor_search::extract::{Confinement, Extractor, ProcessExtractor};
use docharbor_site::Extent;
pub(crate) use docharbor_site::Reindexed;

use super::deed::Deed;
use super::failed;
use crate::configuration::{Configuration, Extraction};
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// Documents that are looked into at the same time: one core is enough, requests need the others.
const AT_ONCE: usize = 1;

/// Each document is looked into by this very program, in a process of its own.
pub(super) fn extractor(extraction: Extraction) -> Option<Arc<dyn Extractor>> {
    let confinement = match extraction {
        Extraction::Off => return None,
        Extraction::Sandboxed => Confinement::Required,
        Extraction::WithoutSandbox => Confinement::WhatThereIs,
    };
    // Also the right program after another one was installed in its place.
    let program = PathBuf::from("/proc/self/exe");
    Some(Arc::new(ProcessExtractor::new(program, &["extract"], AT_ONCE, confinement)))
}

/// Mends the index of all sites, and lets documents be looked into anew: those of which something is
/// lost, or all of them.
pub(crate) async fn reindex(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    all: bool,
) -> Result<Reindexed, Failure> {
    let mut deed = Deed::of_server(configuration, directory, master_key, "Reindex").await?;
    let extent = if all { Extent::Everything } else { Extent::Missing };
    let done = deed.site.reindex(extent).await;
    deed.done(done.map_err(|error| failed(&error)))
}
