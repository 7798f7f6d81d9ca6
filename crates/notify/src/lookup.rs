//! Asks for the addresses of names: of a few at once, and of none for long.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::Failure;

/// Names that are looked up at once: each takes a thread for as long as the system waits for an answer,
/// and reading the database needs threads of the same pool.
pub(crate) const LOOK_UPS_MAX: usize = 8;

/// The same for names that somebody asks about who wants to subscribe: messages wait for none of them.
pub(crate) const CHECKS_MAX: usize = 2;

/// How long whoever asks waits for their turn, and then for addresses.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(3);

/// Finds the addresses of a name for a port.
pub type Resolver = Arc<
    dyn Fn(String, u16) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>
        + Send
        + Sync,
>;

/// The way to the resolver.
pub(crate) struct LookUp {
    resolver: Resolver,
    turns: Arc<Semaphore>,
}

impl LookUp {
    pub(crate) fn new(resolver: Resolver, at_once: usize) -> Self {
        Self { resolver, turns: Arc::new(Semaphore::new(at_once)) }
    }

    /// The addresses that a name leads to now.
    pub(crate) async fn addresses(
        &self,
        host: String,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Failure> {
        // That others take all turns says nothing of this name.
        let turn = timeout(TURN_TIMEOUT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Failure::Busy) };
        let resolving = (self.resolver)(host, port);
        // One that is waited for no longer has its thread, and so its turn, until it really ends.
        let resolving = tokio::spawn(async move {
            let found = resolving.await;
            drop(turn);
            found
        });
        match timeout(LOOK_UP_TIMEOUT, resolving).await {
            Ok(Ok(Ok(found))) => Ok(found),
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => Err(Failure::Unresolved),
        }
    }
}
