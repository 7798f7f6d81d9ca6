//! SIGTERM and SIGINT: the first drains, the second ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// The exit code of a server that was not given the time to drain.
const ENDED_AT_ONCE: i32 = 1;

/// The signals that end a server.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on the signals no longer end the process by themselves.
    pub(crate) fn install() -> Result<Self, Failure> {
        let on = |kind| {
            signal(kind).map_err(|error| {
                Failure::failed(
                    "The server cannot listen for signals",
                    error,
                    "raise the limit on open files (ulimit -n)",
                )
            })
        };
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    /// Waits for the first signal, and leaves a guard that obeys a second.
    pub(crate) async fn first(mut self) {
        self.next().await;
        tracing::info!("draining; a second signal ends at once");
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("ended before all requests were done");
            std::process::exit(ENDED_AT_ONCE);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
