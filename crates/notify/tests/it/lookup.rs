//! Names that nobody answers for, and what they may take of this server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use docharbor_domain::{SubscriptionProtocol, Timestamp};
use docharbor_notify::{Courier, CourierSettings, Endpoint, Failure, Outgoing, Resolver};
use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// More than may be looked up at once.
const NAMES: usize = 40;

/// When something that ought to happen is given up.
const PATIENCE: Duration = Duration::from_secs(30);

fn courier(resolver: Resolver) -> Courier {
    Courier::with_resolver(CourierSettings::default(), resolver).unwrap()
}

fn hook(number: usize) -> Endpoint {
    let url = format!("https://hook-{number}.example/");
    Endpoint::parse(&url, SubscriptionProtocol::Https).unwrap()
}

fn public(port: u16) -> Vec<SocketAddr> {
    vec![SocketAddr::from(([93, 184, 216, 34], port))]
}

async fn check_all(courier: &Courier) -> Vec<Result<(), Failure>> {
    let hooks: Vec<_> = (0..NAMES).map(hook).collect();
    join_all(hooks.iter().map(|hook| courier.check(hook))).await
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_is_given_up_keeps_its_turn_until_it_ends() {
    let (begun, answers) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, gate) = (Arc::clone(&begun), Arc::clone(&answers));
    let resolver: Resolver = Arc::new(move |_, port| {
        count.fetch_add(1, Ordering::SeqCst);
        let gate = Arc::clone(&gate);
        Box::pin(async move {
            drop(gate.acquire().await);
            Ok(public(port))
        })
    });
    let courier = courier(resolver);
    let first = check_all(&courier).await;
    let held = begun.load(Ordering::SeqCst);
    assert!((1..NAMES / 2).contains(&held), "{held} at once");
    // Of those that had no turn nothing is said of their names.
    let count =
        |failure: &Failure| first.iter().filter(|one| **one == Err(failure.clone())).count();
    assert_eq!((count(&Failure::Unresolved), count(&Failure::Busy)), (held, NAMES - held));
    // Nobody waits for those any more, and they still go on.
    assert_eq!(check_all(&courier).await, vec![Err(Failure::Busy); NAMES]);
    assert_eq!(begun.load(Ordering::SeqCst), held);
    // Messages have turns of their own.
    assert_eq!(send(&courier, &hook(0)).await, Err(Failure::Unresolved));
    assert_eq!(begun.load(Ordering::SeqCst), held + 1);
    answers.close();
    assert_eq!(check_all(&courier).await, vec![Ok(()); NAMES]);
    assert_eq!(begun.load(Ordering::SeqCst), held + 1 + NAMES);
}

async fn send(courier: &Courier, endpoint: &Endpoint) -> Result<(), Failure> {
    let message = Outgoing {
        message_type: "Notification",
        message_id: "id",
        topic_arn: "topic",
        subscription_arn: None,
        body: "{}",
        now: Timestamp::from_millis(0),
    };
    courier.line(endpoint.clone()).send(&message).await
}

#[test]
fn names_that_block_leave_threads_to_everybody_else() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(NAMES / 2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Every look-up holds a thread until the other end of the channel is gone.
        let (gate, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let resolver: Resolver = Arc::new(move |_, port| {
            let blocked = Arc::clone(&blocked);
            let wait = move || blocked.lock().unwrap().recv().unwrap_err();
            Box::pin(async move {
                spawn_blocking(wait).await.unwrap();
                Ok(public(port))
            })
        });
        let courier = courier(resolver);
        let checking = tokio::spawn(async move { check_all(&courier).await });
        // Begun after all of the look-ups: were there no bound, it would wait for them.
        for _ in 0..NAMES {
            tokio::task::yield_now().await;
        }
        timeout(PATIENCE, spawn_blocking(|| ())).await.expect("no thread is left").unwrap();
        assert!(!checking.is_finished());
        drop(gate);
        assert_eq!(checking.await.unwrap(), vec![Ok(()); NAMES]);
    });
}
