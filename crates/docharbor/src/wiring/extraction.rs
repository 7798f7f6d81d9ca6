//! Who looks into documents, and that they are looked into anew.

use std::path::PathBuf;
use std::sync::Arc;

use docharbor_search::extract::{Confinement, Extractor, ProcessExtractor};

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

/// Lets all documents of all sites be looked into anew.
pub(crate) async fn reindex(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<u64, Failure> {
    let mut deed = Deed::of_server(configuration, directory, master_key, "Reindex").await?;
    let done = deed.site.reindex().await;
    deed.done(done.map_err(|error| failed(&error)))
}
