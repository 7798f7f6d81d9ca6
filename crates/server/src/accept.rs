//! The accept loop: connections within limits, deadlines on silence, and a graceful end.
//!
//! It stands in for `axum::serve`, which lets a connection that never sends a request live for ever.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower_service::Service as _;

mod pace;

use pace::{PacedBody, PacedStream, Phase};

/// How long to leave the listener alone when the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

// What hyper itself refuses, with an answer that has no request id. It is above the limits of
// `observe`, so that a client that is only a little too large gets a full answer.
const PARSER_HEADERS_MAX: usize = 160;
const PARSER_HEAD_MAX_BYTES: usize = 64 * 1024;

/// What a client may use of the server's connections and patience.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections served at once; further ones wait in the listener's queue.
    pub connections_max: usize,
    /// From the opening of a connection, or the first byte of a later request, to the end of the
    /// request's head.
    pub head_timeout: Duration,
    /// How long a connection may stay open between two requests, or refuse to take an answer's
    /// bytes.
    pub idle_timeout: Duration,
    /// The time spent waiting for a request's body after which the rate is judged.
    pub body_window: Duration,
    /// The bytes that must have come within `body_window`.
    pub body_window_min_bytes: u64,
    /// How long requests in flight may take to finish after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            body_window: Duration::from_secs(30),
            body_window_min_bytes: 30 * 1024,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves `app` on `listener` until `shutdown` resolves, then lets requests in flight finish for
/// at most `limits.drain_timeout`.
///
/// Each request carries the peer's address as `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let app = app.with_state(());
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                note_end(ended);
                continue;
            }
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let serving = graceful.watch(connection(stream, peer, app.clone(), &limits));
                connections.spawn(async move {
                    let outcome = serving.await;
                    drop(place);
                    outcome
                });
            }
            Err(error) if lost_before_accept(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::select! {
                    () = &mut shutdown => break,
                    () = room_for_another(&mut connections) => {}
                }
            }
        }
    }
    // New clients must be refused at once rather than wait for a server that will not come back.
    drop(listener);
    drain(graceful, connections, limits.drain_timeout).await;
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// Waits for a free place first, so that an accepted connection never waits unserved.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// One connection, from its first byte to its last.
fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    limits: &Limits,
) -> http1::Connection<
    TokioIo<PacedStream>,
    impl hyper::service::Service<
        http::Request<Incoming>,
        Response = Response,
        Error = Infallible,
        Future: Send,
    > + use<>,
> {
    // Without it an answer of two segments waits for the client's delayed acknowledgement, 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let phase = Phase::opened();
    let paced = PacedStream::new(stream, phase.clone(), limits);
    let (body_window, body_window_min_bytes) = (limits.body_window, limits.body_window_min_bytes);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let request_under_way = phase.request_began();
        let mut request =
            request.map(|body| Body::new(PacedBody::new(body, body_window, body_window_min_bytes)));
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = app.clone().call(request);
        async move {
            let response = answering.await?;
            Ok(response.map(|body| request_under_way.until_sent(body)))
        }
    });
    http1::Builder::new()
        .keep_alive(true)
        .max_headers(PARSER_HEADERS_MAX)
        .max_header_size(PARSER_HEAD_MAX_BYTES)
        // `PacedStream` keeps the deadlines: hyper's one timer cannot tell an idle connection from
        // a head that comes too slowly.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(paced), service)
}

/// Whether the client went away between its connect and our accept, which is its own affair.
fn lost_before_accept(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Out of descriptors: a closing connection gives one back, and so may anything else in a while.
async fn room_for_another(connections: &mut JoinSet<hyper::Result<()>>) {
    let ending = async {
        match connections.join_next().await {
            Some(ended) => note_end(ended),
            None => std::future::pending().await,
        }
    };
    // Whether a connection ended or the time passed, the listener is worth another try.
    let _elapsed = timeout(ACCEPT_RETRY, ending).await;
}

async fn drain(
    graceful: GracefulShutdown,
    mut connections: JoinSet<hyper::Result<()>>,
    drain_timeout: Duration,
) {
    let ended = async {
        graceful.shutdown().await;
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
    };
    if timeout(drain_timeout, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut at the end of the drain time");
        connections.shutdown().await;
    }
}

fn note_end(ended: Result<hyper::Result<()>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "connection ended early"),
        Err(error) if error.is_cancelled() => {}
        // Handlers' panics are caught in `observe`; this one was in the connection's own code.
        Err(error) => tracing::error!(panicked = error.is_panic(), "connection task failed"),
    }
}

#[cfg(test)]
mod tests;
