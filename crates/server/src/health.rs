//! Health: whether the process runs, and whether it can be given work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use futures::future::BoxFuture;
use http::StatusCode;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long one look at the stores answers for: a busy prober must not become load.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// A store that has not answered by then is not ready, whatever it says later.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

type Probe = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// Whether the server can be given work, and why not.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    probe: Probe,
    draining: AtomicBool,
    latest: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    /// Takes the question to ask the stores: do database and blob store answer, are migrations
    /// done. It is asked at most once a second.
    pub fn new(probe: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            probe: Box::new(probe),
            draining: AtomicBool::new(false),
            latest: Mutex::new(None),
        }))
    }

    /// From now on the server is not ready, so that a load balancer sends clients elsewhere.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Whether the server is ready for requests.
    pub async fn is_ready(&self) -> bool {
        if self.0.draining.load(Ordering::Acquire) {
            return false;
        }
        // Held over the probe, so that many askers share one look.
        let mut latest = self.0.latest.lock().await;
        if let Some((at, ready)) = *latest
            && at.elapsed() < FRESH_FOR
        {
            return ready;
        }
        let ready = timeout(PROBE_TIMEOUT, (self.0.probe)()).await.unwrap_or(false);
        *latest = Some((Instant::now(), ready));
        ready
    }
}

/// `GET /health/live` and `GET /health/ready`.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.is_ready().await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn counting(answers: bool) -> (Health, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let health = Health::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { answers })
        });
        (health, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn the_stores_are_asked_at_most_once_a_second() {
        let (health, asked) = counting(true);
        for _ in 0..50 {
            assert!(health.is_ready().await);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(FRESH_FOR).await;
        assert!(health.is_ready().await);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_refuses_or_hangs_makes_the_server_not_ready() {
        assert!(!counting(false).0.is_ready().await);
        let hanging = Health::new(|| Box::pin(std::future::pending()));
        assert!(!hanging.is_ready().await);
    }

    #[tokio::test]
    async fn a_draining_server_is_not_ready_though_its_stores_are() {
        let (health, _) = counting(true);
        assert!(health.is_ready().await);
        health.drain();
        assert!(!health.is_ready().await);
    }
}
