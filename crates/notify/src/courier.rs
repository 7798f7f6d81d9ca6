//! Brings messages to endpoints: what may be called, how, and what counts as delivered.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use docharbor_domain::{SubscriptionProtocol, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::allow::{Allow, Allowed};
use crate::dial::{Answer, Connection, addresses};
use crate::lookup::{CHECKS_MAX, LOOK_UPS_MAX, LookUp, Resolver};
pub use crate::sqs::SqsAccess;
use crate::{Endpoint, Failure, sqs};

/// What can be set about deliveries.
#[derive(Clone)]
pub struct CourierSettings {
    /// What may be called besides public addresses by HTTPS.
    pub allow: Vec<Allow>,
    /// Authorities in PEM that are believed besides the system's.
    pub ca_pem: Option<String>,
    /// The access key for queues; without one there are none.
    pub sqs: Option<SqsAccess>,
    /// How long an answer may take, from the first byte of a request to the answer's last.
    pub answer_timeout: Duration,
}

impl Default for CourierSettings {
    fn default() -> Self {
        let answer_timeout = Duration::from_secs(7);
        Self { allow: Vec::new(), ca_pem: None, sqs: None, answer_timeout }
    }
}

/// Calls endpoints. Clones share everything.
#[derive(Clone)]
pub struct Courier(Arc<Inner>);

struct Inner {
    allowed: Allowed,
    /// For endpoints that somebody asks about.
    check: LookUp,
    /// For endpoints that are called.
    look_up: LookUp,
    authorities: Vec<CertificateDer<'static>>,
    /// Made at first need: reading the system's authorities takes a while.
    tls: OnceLock<Option<Arc<ClientConfig>>>,
    sqs: Option<SqsAccess>,
    answer_timeout: Duration,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Courier(…)")
    }
}

/// A message on its way, and what its headers say.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// `Notification` or `SubscriptionConfirmation`.
    pub message_type: &'a str,
    /// Its id.
    pub message_id: &'a str,
    /// Its topic.
    pub topic_arn: &'a str,
    /// The subscription it is for; a confirmation has none yet.
    pub subscription_arn: Option<&'a str>,
    /// The signed message in JSON.
    pub body: &'a str,
    /// The time, for the signature a queue asks for.
    pub now: Timestamp,
}

impl Courier {
    /// Makes one that asks the system for addresses. Fails on a CA file that holds something else
    /// than certificates.
    pub fn new(settings: CourierSettings) -> Result<Self, &'static str> {
        Self::with_resolver(settings, Arc::new(|host, port| Box::pin(resolve(host, port))))
    }

    /// Makes one that asks this resolver.
    pub fn with_resolver(
        settings: CourierSettings,
        resolver: Resolver,
    ) -> Result<Self, &'static str> {
        let CourierSettings { allow, ca_pem, sqs, answer_timeout } = settings;
        let authorities = ca_pem.as_deref().map(authorities).transpose()?.unwrap_or_default();
        let check = LookUp::new(Arc::clone(&resolver), CHECKS_MAX);
        let look_up = LookUp::new(resolver, LOOK_UPS_MAX);
        let (allowed, tls) = (Allowed::new(allow), OnceLock::new());
        let inner = Inner { allowed, check, look_up, authorities, tls, sqs, answer_timeout };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether an endpoint may be called: asks for its addresses, and calls none.
    pub async fn check(&self, endpoint: &Endpoint) -> Result<(), Failure> {
        if endpoint.protocol() == SubscriptionProtocol::Sqs && self.0.sqs.is_none() {
            return Err(Failure::NoQueueAccess);
        }
        addresses(endpoint, &self.0.allowed, &self.0.check).await.map(drop)
    }

    /// A line to an endpoint; it connects when something is sent.
    pub fn line(&self, endpoint: Endpoint) -> Line {
        Line { courier: self.clone(), endpoint, connection: None }
    }
}

/// A line to one endpoint. Messages go over it one after the other, over one connection while the
/// other end keeps it.
pub struct Line {
    courier: Courier,
    endpoint: Endpoint,
    connection: Option<Connection>,
}

impl Line {
    /// Sends a message. `Ok` means that the other end has taken it.
    pub async fn send(&mut self, message: &Outgoing<'_>) -> Result<(), Failure> {
        let (headers, body) = match self.endpoint.protocol() {
            SubscriptionProtocol::Https => (sns_headers(message), message.body.to_owned()),
            SubscriptionProtocol::Sqs => {
                let access = self.courier.0.sqs.as_ref().ok_or(Failure::NoQueueAccess)?;
                let form = sqs::form(message.body);
                let headers = sqs::signed_headers(access, &self.endpoint, &form, message.now);
                let mut headers = headers.ok_or(Failure::Broken)?;
                headers.push(("content-type".to_owned(), sqs::CONTENT_TYPE.to_owned()));
                (headers, form)
            }
        };
        let answer = self.post(&headers, body.into()).await?;
        match answer.status {
            200..=299 => {}
            300..=399 => return Err(Failure::Redirected(answer.status)),
            status => return Err(Failure::Status(status)),
        }
        if answer.is_cut_off {
            return Err(Failure::Broken);
        }
        match self.endpoint.protocol() {
            SubscriptionProtocol::Sqs if !sqs::took(&answer.body, message.body) => {
                Err(Failure::NotAQueue)
            }
            SubscriptionProtocol::Sqs | SubscriptionProtocol::Https => Ok(()),
        }
    }

    async fn post(&mut self, headers: &[(String, String)], body: Bytes) -> Result<Answer, Failure> {
        let keep_body = self.endpoint.protocol() == SubscriptionProtocol::Sqs;
        let within = self.courier.0.answer_timeout;
        let mut connection = self.connected().await?;
        let was_used = connection.is_used();
        let posting = connection.post(&self.endpoint, headers, body.clone(), keep_body, within);
        let mut posted = posting.await;
        if was_used && posted.as_ref().is_err_and(|failure| *failure == Failure::Broken) {
            // The other end closed it while nothing was sent.
            connection = self.connected().await?;
            posted = connection.post(&self.endpoint, headers, body, keep_body, within).await;
        }
        // After a failure the rest of an answer may still be on its way.
        if posted.is_ok() {
            self.connection = Some(connection);
        }
        posted
    }

    async fn connected(&mut self) -> Result<Connection, Failure> {
        if let Some(mut connection) = self.connection.take()
            && connection.is_open().await
        {
            return Ok(connection);
        }
        let Inner { allowed, look_up, authorities, tls, .. } = &*self.courier.0;
        let tls = tls.get_or_init(|| client(authorities)).as_ref().ok_or(Failure::Tls)?;
        Connection::open(&self.endpoint, allowed, look_up, tls).await
    }
}

fn sns_headers(message: &Outgoing<'_>) -> Vec<(String, String)> {
    let mut headers = vec![
        ("content-type", "text/plain; charset=UTF-8"),
        ("x-amz-sns-message-type", message.message_type),
        ("x-amz-sns-message-id", message.message_id),
        ("x-amz-sns-topic-arn", message.topic_arn),
    ];
    if let Some(arn) = message.subscription_arn {
        headers.push(("x-amz-sns-subscription-arn", arn));
    }
    headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// The certificates of a file.
fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.unwrap_or_default();
    let mut roots = RootCertStore::empty();
    let are_fine = found.iter().all(|certificate| roots.add(certificate.clone()).is_ok());
    if are_fine && !found.is_empty() { Ok(found) } else { Err("it holds no certificates in PEM") }
}

/// TLS that believes the system's authorities and these.
fn client(more: &[CertificateDer<'static>]) -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(more.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(Arc::new(config))
}
