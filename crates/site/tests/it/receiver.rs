//! A receiver of notifications on the loopback that answers as it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

/// When something that ought to arrive is given up.
const PATIENCE: Duration = Duration::from_secs(90);

/// Takes what it is sent, under whatever path.
pub(crate) struct Receiver {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Subscribers' paths and the ids of the messages they were sent.
    messages: Mutex<Vec<(String, String)>>,
    questions: AtomicUsize,
    arrived: Notify,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Always,
    Never,
}

impl Receiver {
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers, Arc::clone(&noted)));
            }
        });
        Self { port, seen }
    }

    pub(crate) fn endpoint(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}/{number}", self.port)
    }

    /// The paths and ids of what came, as often as it came.
    pub(crate) fn messages(&self) -> Vec<(String, String)> {
        self.seen.messages.lock().unwrap().clone()
    }

    pub(crate) fn questions(&self) -> usize {
        self.seen.questions.load(Ordering::SeqCst)
    }

    /// Waits until something holds, which is looked at whenever something arrives.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let holding = async {
            loop {
                let arrived = self.seen.arrived.notified();
                if holds(self) {
                    return;
                }
                arrived.await;
            }
        };
        timeout(PATIENCE, holding).await.expect("what was to arrive did not");
    }
}

async fn serve(mut stream: TcpStream, answers: Answers, seen: Arc<Seen>) {
    let mut bytes = Vec::new();
    loop {
        let Some(request) = next_request(&mut stream, &mut bytes).await else { return };
        let mut words = request.split(' ');
        let path = words.nth(1).unwrap_or_default().to_owned();
        let header = |name: &str| {
            let line = request.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        if header("x-amz-sns-message-type:") == "Notification" {
            let id = header("x-amz-sns-message-id:");
            seen.messages.lock().unwrap().push((path, id));
        } else {
            seen.questions.fetch_add(1, Ordering::SeqCst);
        }
        seen.arrived.notify_waiters();
        if answers == Answers::Never {
            std::future::pending::<()>().await;
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// The head of the next request, once its body is there too.
async fn next_request(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let whole = end + 4 + length?.parse::<usize>().ok()?;
            if whole <= bytes.len() {
                bytes.drain(..whole);
                return Some(head);
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}
