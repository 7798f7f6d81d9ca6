//! The accept loop as a client on the loopback sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Limits, serve};
use crate::observe::observe;
use crate::request_id::RequestIds;

/// Longer than any deadline of these tests, so that only a server that never acts fails.
const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

async fn start(doors: Router, limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, stop) = oneshot::channel::<()>();
    let app = observe(doors, RequestIds::new());
    let serving = tokio::spawn(serve(listener, app, limits, async {
        stop.await.ok();
    }));
    Server { address, shutdown, serving }
}

fn short() -> Limits {
    Limits {
        head_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(900),
        ..Limits::default()
    }
}

fn doors() -> Router {
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        )
        .route("/panic", get(|| async { panic_for_the_test() }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
}

fn panic_for_the_test() -> StatusCode {
    panic!("a defect")
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn get_on(stream: &mut TcpStream, path: &str) -> String {
    send(stream, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    one_answer(stream).await
}

/// Reads one answer with a length, and nothing behind it.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        let mut buffer = [0; 4096];
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(count, 0, "closed after {text:?}");
        answer.extend_from_slice(&buffer[..count]);
    }
}

/// Everything until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("still open").unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

fn request_id(answer: &str) -> &str {
    answer.lines().find_map(|line| line.strip_prefix("x-amzn-requestid: ")).unwrap_or_default()
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = start(doors(), short()).await;
    let mut stream = server.connect().await;
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn half_a_head_is_closed_however_slowly_it_trickles() {
    let server = start(doors(), short()).await;
    // Taken before the server can have begun to count.
    let began = Instant::now();
    let mut stream = server.connect().await;
    send(&mut stream, "GET /hello HTTP/1.1\r\nhost: x\r\n").await;
    let mut buffer = [0; 64];
    // A byte every now and then must not renew the deadline.
    let trickle = async {
        loop {
            match timeout(Duration::from_millis(50), stream.read(&mut buffer)).await {
                Err(_) => {
                    if stream.write_all(b"a").await.is_err() {
                        return;
                    }
                }
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => unreachable_answer(),
            }
        }
    };
    timeout(PATIENCE, trickle).await.expect("the connection was never closed");
    assert!(began.elapsed() >= Duration::from_millis(250));
}

fn unreachable_answer() {
    panic!("half a request was answered")
}

#[tokio::test]
async fn an_idle_connection_outlives_the_head_timeout_and_ends_at_its_own() {
    let server = start(doors(), short()).await;
    let mut stream = server.connect().await;
    // Taken before the server can have begun to count: it is idle from its answer on.
    let idle_since = Instant::now();
    assert!(get_on(&mut stream, "/hello").await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut stream).await, "");
    assert!(idle_since.elapsed() >= short().idle_timeout, "{:?}", idle_since.elapsed());
}

#[tokio::test]
async fn a_slow_handler_is_not_taken_for_a_silent_client() {
    let release = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&release);
    let doors = Router::new().route(
        "/slow",
        get(move || async move {
            held.acquire().await.unwrap().forget();
            "done"
        }),
    );
    let server = start(doors, short()).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut buffer = [0; 64];
    let early = timeout(Duration::from_millis(1500), stream.read(&mut buffer)).await;
    assert!(early.is_err(), "answered or closed while the handler worked");
    release.add_permits(1);
    assert!(one_answer(&mut stream).await.ends_with("done"));
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_refused() {
    let limits = Limits {
        body_window: Duration::from_millis(300),
        body_window_min_bytes: 1000,
        ..Limits::default()
    };
    let server = start(doors(), limits).await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc").await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_let_go() {
    let sent = Arc::new(Semaphore::new(0));
    let dropped = Arc::clone(&sent);
    let doors = Router::new().route(
        "/endless",
        get(move || async move {
            let guard = scopeguard(dropped);
            let chunk = Bytes::from(vec![0_u8; 64 * 1024]);
            axum::body::Body::from_stream(futures::stream::unfold(guard, move |guard| {
                let chunk = chunk.clone();
                async move { Some((Ok::<_, std::io::Error>(chunk), guard)) }
            }))
        }),
    );
    let server = start(doors, short()).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
    timeout(PATIENCE, sent.acquire())
        .await
        .expect("the answer was never dropped")
        .unwrap()
        .forget();
    drop(stream);
}

struct OnDrop(Arc<Semaphore>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

fn scopeguard(semaphore: Arc<Semaphore>) -> OnDrop {
    OnDrop(semaphore)
}

#[tokio::test]
async fn requests_in_flight_survive_the_shutdown_and_new_clients_are_refused() {
    let begun = Arc::new(Semaphore::new(0));
    let release = Arc::new(Semaphore::new(0));
    let (has_begun, may_end) = (Arc::clone(&begun), Arc::clone(&release));
    let doors = Router::new().route(
        "/slow",
        get(move || async move {
            has_begun.add_permits(1);
            may_end.acquire().await.unwrap().forget();
            "done"
        }),
    );
    let server = start(doors, Limits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut stream = server.connect().await;
        send(&mut stream, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        clients.push(stream);
    }
    begun.acquire_many(5).await.unwrap().forget();
    server.shutdown.send(()).unwrap();
    let refused = async { while TcpStream::connect(server.address).await.is_ok() {} };
    timeout(PATIENCE, refused).await.expect("the listener stayed open");
    assert!(!server.serving.is_finished());
    release.add_permits(5);
    for mut stream in clients {
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("done"), "{answer}");
    }
    timeout(PATIENCE, server.serving).await.expect("never drained").unwrap();
}

#[tokio::test]
async fn the_drain_ends_at_its_deadline_and_silent_connections_do_not_hold_it() {
    let begun = Arc::new(Semaphore::new(0));
    let has_begun = Arc::clone(&begun);
    let doors = Router::new().route(
        "/never",
        get(move || async move {
            has_begun.add_permits(1);
            std::future::pending::<&'static str>().await
        }),
    );
    let limits = Limits { drain_timeout: Duration::from_millis(300), ..Limits::default() };
    let server = start(doors, limits).await;
    let mut stuck = server.connect().await;
    send(&mut stuck, "GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await;
    begun.acquire().await.unwrap().forget();
    server.shutdown.send(()).unwrap();
    timeout(PATIENCE, server.serving).await.expect("never drained").unwrap();

    let limits = Limits {
        head_timeout: 10 * PATIENCE,
        idle_timeout: 10 * PATIENCE,
        drain_timeout: 10 * PATIENCE,
        ..Limits::default()
    };
    let server = start(Router::new(), limits).await;
    let _silent = server.connect().await;
    server.shutdown.send(()).unwrap();
    timeout(PATIENCE, server.serving).await.expect("held by silence").unwrap();
}

#[tokio::test]
async fn connections_above_the_limit_wait_for_a_place() {
    let server = start(doors(), Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    assert!(get_on(&mut first, "/hello").await.starts_with("HTTP/1.1 200"));
    let mut second = server.connect().await;
    send(&mut second, "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut buffer = [0; 16];
    let early = timeout(Duration::from_millis(300), second.read(&mut buffer)).await;
    assert!(early.is_err(), "two connections were served at once");
    drop(first);
    assert!(one_answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_hundred_headers_are_taken_and_one_more_is_refused_with_an_id() {
    let server = start(doors(), Limits::default()).await;
    for (count, status) in [(99, "200"), (100, "431"), (500, "431")] {
        let mut stream = server.connect().await;
        let more = "x-more: y\r\n".repeat(count);
        send(&mut stream, &format!("GET /hello HTTP/1.1\r\nhost: x\r\n{more}\r\n")).await;
        let answer = one_answer(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{count}: {answer}");
        // What is beyond the parser's own limit is answered before a request exists.
        assert_eq!(request_id(&answer).len(), if count < 160 { 36 } else { 0 }, "{count}");
    }
}

#[tokio::test]
async fn a_head_of_more_than_32_kib_is_refused() {
    let server = start(doors(), Limits::default()).await;
    for (length, status) in [(32 * 1024 - 100, "200"), (32 * 1024, "431"), (200 * 1024, "431")] {
        let mut stream = server.connect().await;
        let long = "y".repeat(length);
        let request = format!("GET /hello HTTP/1.1\r\nhost: x\r\nx-long: {long}\r\n\r\n");
        // The server may close before it has taken all of it.
        stream.write_all(request.as_bytes()).await.ok();
        let mut buffer = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut buffer)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&buffer), format!("HTTP/1.1 {status}"), "{length}");
    }
}

#[tokio::test]
async fn head_and_small_body_arrive_in_one_segment() {
    let server = start(doors(), Limits::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..50 {
        send(&mut stream, "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut buffer = [0; 4096];
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&buffer[..count]).into_owned();
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
        assert!(answer.contains("\r\ndate: "), "{answer}");
    }
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = start(doors(), Limits::default()).await;
    let mut stream = server.connect().await;
    let mut seen = std::collections::HashSet::new();
    for (path, status) in
        [("/hello", "200"), ("/nowhere", "404"), ("/length", "405"), ("/panic", "500")]
    {
        let answer = get_on(&mut stream, path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert_eq!(request_id(&answer).len(), 36, "{path}: {answer}");
        assert!(seen.insert(request_id(&answer).to_owned()), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_panic_answers_500_and_the_connection_goes_on() {
    let server = start(doors(), Limits::default()).await;
    let mut stream = server.connect().await;
    assert!(get_on(&mut stream, "/panic").await.starts_with("HTTP/1.1 500"));
    assert!(get_on(&mut stream, "/hello").await.ends_with("hello"));
}

#[tokio::test]
async fn a_handler_sees_its_peer() {
    let server = start(doors(), Limits::default()).await;
    let mut stream = server.connect().await;
    let here = stream.local_addr().unwrap().to_string();
    assert!(get_on(&mut stream, "/peer").await.ends_with(&here));
}
