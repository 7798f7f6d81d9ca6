//! Who looks into documents, and that what is lost of them is made anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use docharbor_search::extract::{Confinement, Extractor, OfficeProgram, ProcessExtractor};
use docharbor_site::Extent;
pub(crate) use docharbor_site::Reindexed;

use super::deed::Deed;
use super::{Opening, failed};
use crate::configuration::{Configuration, Extraction};
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// Documents that are looked into at the same time: one core is enough, requests need the others.
const AT_ONCE: usize = 1;

/// Where an office program works, in the data directory.
const OFFICE_PLACE: &str = "office";

/// Each document is looked into by this very program, in a process of its own. Only a server does so.
pub(super) fn extractor(
    configuration: &Configuration,
    directory: &Path,
    opening: Opening,
) -> Result<Option<Arc<dyn Extractor>>, Failure> {
    let confinement = match configuration.extraction {
        Extraction::Off => return Ok(None),
        Extraction::Sandboxed => Confinement::Required,
        Extraction::WithoutSandbox => Confinement::WhatThereIs,
    };
    // Also the right program after another one was installed in its place.
    let program = PathBuf::from("/proc/self/exe");
    let extractor = ProcessExtractor::new(program, &["extract"], AT_ONCE, confinement);
    let office = configuration.office_program.as_ref();
    let Some(office) = office.filter(|_| matches!(opening, Opening::Serve)) else {
        return Ok(Some(Arc::new(extractor)));
    };
    let place = directory.join(OFFICE_PLACE);
    let office = OfficeProgram::new(office, &["convert"], place).map_err(|error| {
        Failure::failed(
            format!("The office program {} cannot be used", office.display()),
            error,
            "install it, or leave office_program out; check that the data directory can be written",
        )
    })?;
    Ok(Some(Arc::new(extractor.with_office(office))))
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
