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
const LOOK_UPS_MAX: usize = 8;

/// How long whoever asks waits for addresses, their turn included.
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
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self { resolver, turns: Arc::new(Semaphore::new(LOOK_UPS_MAX)) }
    }

    /// The addresses that a name leads to now.
    pub(crate) async fn addresses(
        &self,
        host: String,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let looking_up = async {
            let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
            let resolving = (self.resolver)(host, port);
            // One that is waited for no longer has its thread, and so its turn, until it really ends.
            let resolving = tokio::spawn(async move {
                let found = resolving.await;
                drop(turn);
                found
            });
            resolving.await.ok()?.ok()
        };
        let found = timeout(LOOK_UP_TIMEOUT, looking_up).await;
        found.ok().flatten().ok_or(Failure::Unresolved)
    }
}
