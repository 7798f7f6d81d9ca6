//! A receiver on the loopback, with TLS of an authority of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Who vouches for receivers.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }

    fn server_config(&self) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Behaviour {
    /// Answers with this status; a redirect leads back to the receiver.
    Answer(u16),
    /// Answers once, then never.
    HangAfterOne,
    /// Answers once, then a byte a second.
    DripAfterOne,
    /// Answers well, and then goes on for ever.
    Endless,
    /// Closes the connection after each answer without having said so.
    CloseAfterEach,
    /// Answers once, then goes away in the middle of an answer that says it is longer.
    CutOffAfterOne,
}

pub(crate) struct Receiver {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Receiver {
    pub(crate) async fn start(authority: &Authority, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server_config()));
        let seen = Arc::<Seen>::default();
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noted.connections.fetch_add(1, Ordering::Relaxed);
                let (acceptor, noted) = (acceptor.clone(), Arc::clone(&noted));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, behaviour, &noted).await;
                    }
                });
            }
        });
        Self { port, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, behaviour: Behaviour, seen: &Seen) {
    let mut is_first = true;
    while let Some(request) = read_request(&mut stream).await {
        seen.requests.lock().unwrap().push(request);
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let answer = match behaviour {
            Behaviour::Answer(status) => format!(
                "HTTP/1.1 {status} X\r\nlocation: https://127.0.0.1/\r\n{}\r\n\r\n",
                if status == 204 { "x: y" } else { "content-length: 0" }
            ),
            Behaviour::HangAfterOne if !is_first => std::future::pending().await,
            Behaviour::DripAfterOne if !is_first => return drip(stream).await,
            Behaviour::Endless => return pour(stream).await,
            Behaviour::CutOffAfterOne if !is_first => {
                good.replace("content-length: 2", "content-length: 3")
            }
            Behaviour::HangAfterOne
            | Behaviour::DripAfterOne
            | Behaviour::CloseAfterEach
            | Behaviour::CutOffAfterOne => good.to_owned(),
        };
        let is_cut_off = matches!(behaviour, Behaviour::CutOffAfterOne) && !is_first;
        is_first = false;
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if matches!(behaviour, Behaviour::CloseAfterEach) || is_cut_off {
            let _gone = stream.shutdown().await;
            return;
        }
    }
}

/// The head and body of a request that says how long it is.
async fn read_request(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length?.parse::<usize>().ok()? <= body.len() {
                return String::from_utf8(bytes).ok();
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&some[..read]),
        }
    }
}

async fn drip(mut stream: TlsStream<TcpStream>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" {
        second.tick().await;
        if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn pour(mut stream: TlsStream<TcpStream>) {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
    let mut more = stream.write_all(head).await;
    while more.is_ok() {
        more = stream.write_all(&[b'x'; 16_384]).await;
    }
}
