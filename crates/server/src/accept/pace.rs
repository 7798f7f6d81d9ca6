//! Deadlines on what a client leaves us waiting for: a request's head, its body, our answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::Limits;

const READING_HEAD: u64 = 0;
const ANSWERING: u64 = 1;
const BETWEEN_REQUESTS: u64 = 2;

/// Where a connection is in its life, shared by its stream and its requests.
///
/// The number of the request is in the upper bits, so that two idle times in a row differ.
#[derive(Clone)]
pub(super) struct Phase(Arc<AtomicU64>);

impl Phase {
    /// A connection just opened owes us its first request.
    pub(super) fn opened() -> Self {
        Self(Arc::new(AtomicU64::new(READING_HEAD)))
    }

    /// A whole head has come.
    pub(super) fn request_began(&self) -> RequestUnderWay {
        let number = (self.load() >> 2).wrapping_add(1);
        self.0.store((number << 2) | ANSWERING, Ordering::Relaxed);
        RequestUnderWay(self.clone())
    }

    fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn step(&self, to: u64) {
        self.0.store((self.load() & !3) | to, Ordering::Relaxed);
    }
}

/// A request in progress; dropped when its answer has been handed over or abandoned.
pub(super) struct RequestUnderWay(Phase);

impl RequestUnderWay {
    /// Ties the request's end to the end of its answer's body.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(SendingBody { body, _request: self })
    }
}

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.step(BETWEEN_REQUESTS);
    }
}

struct SendingBody {
    body: Body,
    _request: RequestUnderWay,
}

impl HttpBody for SendingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A moment after which waiting has lasted too long.
///
/// The timer is only touched while something is really waited for, and moved only when it fires
/// or would fire too late: a fast connection pays nothing for its deadlines.
#[derive(Default)]
struct Deadline {
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn set(&mut self, from_now: Duration) {
        self.at = Some(Instant::now() + from_now);
    }

    fn clear(&mut self) {
        self.at = None;
    }

    /// Ready when the deadline has passed; otherwise the task is woken when it does.
    fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
    }
}

/// A connection that fails when its client keeps us waiting.
pub(super) struct PacedStream {
    stream: TcpStream,
    phase: Phase,
    head_timeout: Duration,
    idle_timeout: Duration,
    reading: Deadline,
    /// The phase `reading` was set for.
    reading_in: u64,
    writing: Deadline,
}

impl PacedStream {
    pub(super) fn new(stream: TcpStream, phase: Phase, limits: &Limits) -> Self {
        let mut reading = Deadline::default();
        reading.set(limits.head_timeout);
        Self {
            stream,
            reading_in: phase.load(),
            phase,
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
            reading,
            writing: Deadline::default(),
        }
    }

    fn received(&mut self) {
        if self.phase.load() & 3 == BETWEEN_REQUESTS {
            self.phase.step(READING_HEAD);
            self.reading_in = self.phase.load();
            self.reading.set(self.head_timeout);
        }
    }

    /// Ready when a request, or the rest of its head, is overdue.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let phase = self.phase.load();
        if phase & 3 == ANSWERING {
            return Poll::Pending;
        }
        if phase != self.reading_in {
            self.reading_in = phase;
            self.reading.set(self.idle_timeout);
        }
        ready!(self.reading.poll_passed(cx));
        Poll::Ready(())
    }

    /// Passes on what a write came to, unless it has been stuck for too long.
    fn after_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.writing.clear();
            return outcome;
        }
        if self.writing.at.is_none() {
            self.writing.set(self.idle_timeout);
        }
        ready!(self.writing.poll_passed(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client took no answer")))
    }
}

impl AsyncRead for PacedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, into) {
            Poll::Ready(Ok(())) => {
                self.received();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_silence(cx).map(|()| Err(silence())),
        }
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.after_write(cx, outcome)
    }

    // Head and body leave in one system call, and so in one segment when they are small.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.after_write(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // hyper does not read again after an answer before something wakes it: the timer must.
        if self.phase.load() & 3 == BETWEEN_REQUESTS && self.poll_silence(cx).is_ready() {
            return Poll::Ready(Err(silence()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A request's body that fails when it comes too slowly.
///
/// Only the time spent waiting for the client counts, not the time we take to store the bytes.
pub(super) struct PacedBody<B> {
    body: B,
    window: Duration,
    window_min_bytes: u64,
    received_bytes: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    deadline: Deadline,
}

impl<B> PacedBody<B> {
    pub(super) fn new(body: B, window: Duration, window_min_bytes: u64) -> Self {
        Self {
            body,
            window,
            window_min_bytes,
            received_bytes: 0,
            waited: Duration::ZERO,
            waiting_since: None,
            deadline: Deadline::default(),
        }
    }

    /// Whether the client has used up its time; begins the next window when it kept the pace.
    fn too_slow(&mut self) -> bool {
        if self.waited < self.window {
            return false;
        }
        let slow = self.received_bytes < self.window_min_bytes;
        self.waited = Duration::ZERO;
        self.received_bytes = 0;
        slow
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.waiting_since.is_none() {
                self.waiting_since = Some(Instant::now());
                self.deadline.set(self.window.saturating_sub(self.waited));
            }
            ready!(self.deadline.poll_passed(cx));
            self.stop_waiting();
            if self.too_slow() {
                return Poll::Ready(());
            }
        }
    }

    fn stop_waiting(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
            self.deadline.clear();
        }
    }
}

impl<B> HttpBody for PacedBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.stop_waiting();
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.received_bytes =
                    self.received_bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                if self.too_slow() {
                    return Poll::Ready(Some(Err(slow_body())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                ready!(self.poll_patience(cx));
                Poll::Ready(Some(Err(slow_body())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn silence() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client sent no request")
}

fn slow_body() -> axum::BoxError {
    io::Error::new(io::ErrorKind::TimedOut, "the request's body came too slowly").into()
}
