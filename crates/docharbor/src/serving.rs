//! From a configuration to a server that listens, and back to nothing.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use docharbor_server::accept::{self, Limits};
use docharbor_server::health;
use docharbor_server::observe::observe;
use docharbor_server::request_id::RequestIds;
use tokio::net::TcpListener;

use crate::exit::Failure;
use crate::signals::Signals;
use crate::wiring::Running;

/// A place to serve at: bound, not yet answering.
pub(crate) struct Door {
    listener: TcpListener,
    /// How a client on this machine reaches it.
    pub(crate) url: String,
}

impl Door {
    pub(crate) async fn open(listen: &str) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(
                format!("The server cannot listen on {listen}"),
                error,
                "choose another address or port: --listen 127.0.0.1:0 takes any free one",
            )
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "listening beyond this machine without TLS: put a reverse proxy with TLS in front, \
                 and name it with --trusted-proxy and --public-url"
            );
        }
        Ok(Self { listener, url: local_url(address) })
    }

    /// Serves until a signal, lets requests in flight finish, then stops what runs behind.
    pub(crate) async fn serve(self, running: Running, signals: Signals) {
        let Running { doors, health, stop, .. } = running;
        let draining = health.clone();
        let app = observe(doors.merge(health::router(health)), RequestIds::new());
        accept::serve(self.listener, app, Limits::default(), async move {
            signals.first().await;
            draining.drain();
        })
        .await;
        stop.await;
        tracing::info!("stopped");
    }
}

/// An address that stands for all of them cannot be connected to everywhere; loopback can.
fn local_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_can_be_connected_to() {
        for (address, url) in [
            ("127.0.0.1:8420", "http://127.0.0.1:8420"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.7:1", "http://192.0.2.7:1"),
        ] {
            assert_eq!(local_url(address.parse().unwrap()), url);
        }
    }
}
