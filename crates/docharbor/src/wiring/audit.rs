//! The audit log of the server, or none.

use std::sync::Arc;

use docharbor_server::audit::{AuditLog, NoAudit};
use docharbor_site::SystemClock;
use futures::future::BoxFuture;

use crate::audit::{ChainKey, FileLog};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// Opens the log, and says how it is closed when the last call has been answered.
pub(super) fn open(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<(Arc<dyn AuditLog>, BoxFuture<'static, ()>), Failure> {
    if !configuration.audit.is_on {
        return Ok((Arc::new(NoAudit), Box::pin(std::future::ready(()))));
    }
    let key = ChainKey::new(master_key.bytes());
    let log = FileLog::open(directory.path(), key, configuration.audit, Arc::new(SystemClock));
    let log = Arc::new(log.map_err(|error| {
        Failure::failed(
            "The audit log cannot be opened",
            error,
            "make room on the disk of DIR/audit and let the user of this process write to it, or \
             do without: --audit off",
        )
    })?);
    let closing = Arc::clone(&log);
    Ok((log, Box::pin(async move { closing.close().await })))
}
