//! A request as a client sent it, that a test can change before it is verified.

use docharbor_sigv4::{Rejection, Secret, SignedRequest, parse, payload_sha256_hex, verify};

use crate::oracle::ACCESS_KEY_ID;

/// The services this server answers for.
pub(crate) const SERVICES: &[&str] = &["workdocs"];

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn signed_request(&self) -> SignedRequest<'_> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: headers.collect(),
        }
    }

    /// Reads and verifies the request as the server does.
    pub(crate) fn check(&self, secret: Option<&Secret>, now_ms: i64) -> Result<(), Rejection> {
        self.check_for(SERVICES, secret, now_ms)
    }

    pub(crate) fn check_for(
        &self,
        services: &[&str],
        secret: Option<&Secret>,
        now_ms: i64,
    ) -> Result<(), Rejection> {
        let request = self.signed_request();
        let claim = parse(&request, services)?;
        // The signature does not cover the access key ID: what protects it is the look-up.
        let secret = secret.filter(|_| claim.access_key_id() == ACCESS_KEY_ID);
        verify(&claim, &payload_sha256_hex(&self.body), secret, now_ms)
    }

    /// The first value of a header that a test knows to be there.
    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(candidate, _)| candidate == name);
        String::from_utf8(found.expect(name).1.clone()).expect("test headers are text")
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(candidate, _)| candidate != name);
        self
    }

    /// Changes the value of a header in its place.
    #[must_use]
    pub(crate) fn map_header(mut self, name: &str, change: impl Fn(&str) -> String) -> Self {
        let value = change(&self.header(name));
        for (candidate, old) in &mut self.headers {
            if candidate == name {
                *old = value.clone().into();
            }
        }
        self
    }
}
