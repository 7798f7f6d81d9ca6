//! One connection to one endpoint, made to an address that was looked at, and requests over it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

use crate::allow::Allowed;
use crate::lookup::LookUp;
use crate::{Endpoint, Failure};

/// From the addresses to a connection that can be written to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How much of an answer is read; more ends the connection.
const ANSWER_MAX_BYTES: usize = 64 << 10;

/// Of the addresses of a name, so many are tried.
const ADDRESSES_MAX: usize = 4;

/// A connection that may be used for one request after the other.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: tokio::task::JoinHandle<()>,
    is_used: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What came back: the status, the body as far as it was wanted, and whether it broke off.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) is_cut_off: bool,
}

/// Looks at every address the endpoint's host leads to, now. One that may not be called forbids all.
pub(crate) async fn addresses(
    endpoint: &Endpoint,
    allowed: &Allowed,
    look_up: &LookUp,
) -> Result<Vec<SocketAddr>, Failure> {
    allowed.refuse_endpoint(endpoint).map_err(Failure::NotAllowed)?;
    let found = match endpoint.host() {
        Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(*ip), endpoint.port())],
        Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(*ip), endpoint.port())],
        Host::Domain(_) => look_up.addresses(endpoint.host_text(), endpoint.port()).await?,
    };
    for address in &found {
        allowed.refuse_address(endpoint, address.ip()).map_err(Failure::NotAllowed)?;
    }
    if found.is_empty() {
        return Err(Failure::Unresolved);
    }
    Ok(found)
}

impl Connection {
    /// Connects to one of the addresses that were looked at; nothing is resolved again.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        allowed: &Allowed,
        look_up: &LookUp,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, Failure> {
        let addresses = addresses(endpoint, allowed, look_up).await?;
        let connecting = async {
            let mut stream = None;
            for address in addresses.into_iter().take(ADDRESSES_MAX) {
                if let Ok(open) = TcpStream::connect(address).await {
                    stream = Some(open);
                    break;
                }
            }
            let stream = stream.ok_or(Failure::Unreachable)?;
            let _slower_then = stream.set_nodelay(true);
            if !endpoint.is_https() {
                return Self::over(TokioIo::new(stream)).await;
            }
            let name = ServerName::try_from(endpoint.host_text()).map_err(|_| Failure::Tls)?;
            let connector = TlsConnector::from(Arc::clone(tls));
            let stream = connector.connect(name, stream).await.map_err(|_| Failure::Tls)?;
            Self::over(TokioIo::new(stream)).await
        };
        timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| Failure::Unreachable)?
    }

    async fn over<T>(io: T) -> Result<Self, Failure>
    where
        T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(io).await.map_err(|_| Failure::Broken)?;
        let driver = tokio::spawn(async move {
            // What ends it reaches the request that waits.
            let _ended = connection.await;
        });
        Ok(Self { sender, driver, is_used: false })
    }

    /// Whether another request can go over it.
    pub(crate) async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Whether a request went over it before, so that the other end may just have closed it.
    pub(crate) const fn is_used(&self) -> bool {
        self.is_used
    }

    /// Posts a body. `keep_body` says whether the answer's is of interest.
    pub(crate) async fn post(
        &mut self,
        endpoint: &Endpoint,
        headers: &[(String, String)],
        body: Bytes,
        keep_body: bool,
        within: Duration,
    ) -> Result<Answer, Failure> {
        self.is_used = true;
        let mut request = Request::post(endpoint.target())
            .header(header::HOST, endpoint.authority())
            .header(header::USER_AGENT, USER_AGENT);
        for (name, value) in headers {
            request = request.header(name.as_str(), value.as_str());
        }
        let request = request.body(Full::from(body)).map_err(|_| Failure::Broken)?;
        let posting = async {
            let response = self.sender.send_request(request).await.map_err(|_| Failure::Broken)?;
            let status = response.status().as_u16();
            let body = read(response.into_body(), keep_body).await;
            if !matches!(body, Body::Whole(_)) {
                self.driver.abort();
            }
            Ok((status, body))
        };
        let (status, body) = timeout(within, posting).await.map_err(|_| Failure::TimedOut)??;
        let (body, is_cut_off) = match body {
            Body::Whole(body) => (body, false),
            Body::TooLong => (Vec::new(), false),
            Body::CutOff => (Vec::new(), true),
        };
        Ok(Answer { status, body, is_cut_off })
    }
}

/// What we call ourselves; receivers look for the first words.
const USER_AGENT: &str = concat!(
    "Amazon Simple Notification Service Agent (compatible; DocHarbor/",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// What was read of an answer's body.
enum Body {
    /// All of it, or nothing where nobody wants it.
    Whole(Vec<u8>),
    /// It is too long; nothing more can go over the connection.
    TooLong,
    /// The other end went away in the middle of it.
    CutOff,
}

async fn read(mut body: Incoming, keep: bool) -> Body {
    let mut bytes = Vec::new();
    let mut size_bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Body::CutOff };
        if let Ok(data) = frame.into_data() {
            size_bytes += data.len();
            if ANSWER_MAX_BYTES < size_bytes {
                return Body::TooLong;
            }
            if keep {
                bytes.extend_from_slice(&data);
            }
        }
    }
    Body::Whole(bytes)
}
