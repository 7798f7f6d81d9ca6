//! A client that costs next to nothing: bytes out, bytes in, no allocation per request.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Outcome;

/// How many threads drive the connections: as many as the machines this is meant for have cores.
const THREADS: usize = 2;

/// One kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer as it came, in the connection's own buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The body, unless the status says that there was an error.
    pub(crate) fn success(&self) -> Outcome<&[u8]> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let body = String::from_utf8_lossy(self.body);
        Err(format!("answered {}: {}", self.status, body.trim_end()))
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::with_capacity(256 * 1024) })
    }

    /// Sends a request and takes its whole answer in.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Outcome<Answer<'_>> {
        let lost = |error: std::io::Error| format!("the connection broke: {error}");
        self.stream.write_all(request).await.map_err(lost)?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await.map_err(lost)? == 0 {
                return Err("the connection was closed before the answer's end".to_owned());
            }
            let Some(head) = Head::read(&self.buffer)? else { continue };
            if self.buffer.len() < head.end + head.body_bytes {
                self.buffer.reserve(head.end + head.body_bytes - self.buffer.len());
                continue;
            }
            let (head_bytes, body) = self.buffer.split_at(head.end);
            return Ok(Answer { status: head.status, head: head_bytes, body });
        }
    }
}

/// Where an answer's head ends, and what follows.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) end: usize,
    pub(crate) body_bytes: usize,
}

impl Head {
    /// Reads a head that is there as a whole.
    pub(crate) fn read(bytes: &[u8]) -> Outcome<Option<Self>> {
        let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|error| error.to_string())?;
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("no answer of HTTP/1.1: {head}"))?;
        let mut body_bytes = 0;
        for line in head.split("\r\n").skip(1) {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                body_bytes = value.trim().parse().map_err(|_| format!("not a length: {value}"))?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err("an answer without a length".to_owned());
            }
        }
        Ok(Some(Self { status, end: end + 4, body_bytes }))
    }
}

/// Where `wanted` begins in `bytes`.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Runs one piece of work for each of so many connections, and gives the sum of what they counted
/// by the second.
pub(crate) fn rate<W, F>(connections: usize, span: Duration, work: W) -> Outcome<f64>
where
    W: Fn(usize, Instant) -> F + Sync,
    F: Future<Output = Outcome<u32>>,
{
    let began = Instant::now();
    let deadline = began + span;
    let counts = on_threads(connections, |index| work(index, deadline))?;
    Ok(f64::from(counts.into_iter().sum::<u32>()) / began.elapsed().as_secs_f64())
}

/// Runs one piece of work for each index below `count`, spread over the threads.
pub(crate) fn on_threads<T, W, F>(count: usize, work: W) -> Outcome<Vec<T>>
where
    T: Send,
    W: Fn(usize) -> F + Sync,
    F: Future<Output = Outcome<T>>,
{
    let one_thread = |first: usize| {
        let mine = (first..count).step_by(THREADS).map(&work);
        block_on(async { try_join_all(mine).await })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|first| scope.spawn(move || one_thread(first))).collect();
        let mut all = Vec::with_capacity(count);
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a thread of the load panicked".to_owned())??);
        }
        Ok(all)
    })
}

/// Runs something on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(work)
}

/// Sends one request again and again, and tells how long each took in microseconds.
pub(crate) async fn latencies(
    connection: &mut Connection,
    request: &[u8],
    times: usize,
) -> Outcome<Vec<f64>> {
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        connection.exchange(request).await?.success()?;
        all.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n{";
        let head = Head::read(whole).unwrap().unwrap();
        assert_eq!((head.status, head.end, head.body_bytes), (201, whole.len() - 1, 12));
        assert!(Head::read(&whole[..20]).unwrap().is_none());
        assert!(Head::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(Head::read(b"nonsense\r\n\r\n").is_err());
    }
}
