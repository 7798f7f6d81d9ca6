//! A second signer, written from the specification alone: what it signs must verify.

use std::fmt::Write as _;

use docharbor_sigv4::Secret;
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::sent::Sent;

/// The moment most tests are signed at, and the same in milliseconds.
pub(crate) const DATE: &str = "20261123T185619Z";
pub(crate) const DATE_MS: i64 = 1_795_460_179_000;

pub(crate) const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

pub(crate) fn secret() -> Secret {
    Secret::new(SECRET.to_owned())
}

/// Signs the headers `sent` has, and adds the Authorization header.
pub(crate) fn sign(sent: Sent, date: &str) -> Sent {
    sign_scoped(sent, date, &format!("{}/eu-central-1/workdocs/aws4_request", &date[..8]), ", ")
}

pub(crate) fn sign_scoped(sent: Sent, date: &str, scope: &str, separator: &str) -> Sent {
    sign_with(SECRET, sent, date, scope, separator)
}

pub(crate) fn sign_with(
    secret: &str,
    sent: Sent,
    date: &str,
    scope: &str,
    separator: &str,
) -> Sent {
    let sent = sent.with_header("x-amz-date", date);
    let mut names: Vec<String> = sent.headers.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    let signature = signature(secret, &sent, &names, date, scope);
    let authorization = [
        format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/{scope}"),
        format!("SignedHeaders={}", names.join(";")),
        format!("Signature={signature}"),
    ];
    sent.with_header("authorization", &authorization.join(separator))
}

fn signature(secret: &str, sent: &Sent, names: &[String], date: &str, scope: &str) -> String {
    let mut canonical = format!("{}\n{}\n", sent.method, encode(&sent.path, b"-_.~/"));
    // Sorted by name and then by value: as one text, `a1=` would come before `a=`.
    let mut pairs: Vec<_> = sent
        .query
        .split('&')
        .filter(|raw| !raw.is_empty())
        .map(|raw| raw.split_once('=').unwrap_or((raw, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    writeln!(canonical, "{}", pairs.join("&")).unwrap();
    for name in names {
        let values = sent.headers.iter().filter(|(candidate, _)| candidate == name);
        let values = values.map(|(_, value)| fold(std::str::from_utf8(value).unwrap()));
        writeln!(canonical, "{name}:{}", values.collect::<Vec<_>>().join(",")).unwrap();
    }
    write!(canonical, "\n{}\n{}", names.join(";"), hex::encode(Sha256::digest(&sent.body)))
        .unwrap();
    let hash = hex::encode(Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
    let key =
        scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    hex::encode(hmac(&key, &to_sign))
}

fn fold(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length of key will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Percent-encodes all but letters, digits and `safe`.
pub(crate) fn encode(text: &str, safe: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || safe.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
    }
    encoded
}

/// A request with nothing odd about it, unsigned.
pub(crate) fn plain() -> Sent {
    Sent {
        method: "GET".to_owned(),
        path: "/api/v1/folders/abc/contents".to_owned(),
        query: "sort=NAME&type=ALL".to_owned(),
        headers: vec![("host".to_owned(), b"127.0.0.1:8080".to_vec())],
        body: Vec::new(),
    }
}

prop_compose! {
    /// Requests as an SDK may build them: everything encoded once, values of any text.
    pub(crate) fn any_request()(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE"]),
        segments in prop::collection::vec("[^\\./][^/]{0,12}", 0..5),
        query in prop::collection::vec(("\\PC{1,8}", "\\PC{0,12}"), 0..6),
        headers in prop::collection::btree_map(
            "x-amz-[a-z]{3,9}|content-type|authentication", "[!-~]([ -~]{0,20}[!-~])?", 0..6,
        ),
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) -> Sent {
        let segments: Vec<_> = segments.iter().map(|text| encode(text, b"-_.~:@!$")).collect();
        let query: Vec<_> = query
            .iter()
            .filter(|(name, _)| !name.to_ascii_lowercase().starts_with("x-amz-"))
            .map(|(name, value)| format!("{}={}", encode(name, b"-_.~"), encode(value, b"-_.~")))
            .collect();
        let mut sent = plain();
        method.clone_into(&mut sent.method);
        sent.path = format!("/{}", segments.join("/"));
        sent.query = query.join("&");
        sent.body = body;
        let headers = headers.into_iter().filter(|(name, _)| name != "x-amz-date");
        headers.fold(sent, |sent, (name, value)| sent.with_header(&name, &value))
    }
}

proptest! {
    #[test]
    fn what_the_oracle_signs_is_accepted(sent in any_request()) {
        let sent = sign(sent, DATE);
        prop_assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()));
    }

    #[test]
    fn what_another_secret_signs_is_refused(sent in any_request(), other in "[ -~]{1,40}") {
        prop_assume!(other != SECRET);
        let sent = sign(sent, DATE);
        let answer = sent.check(Some(&Secret::new(other)), DATE_MS);
        prop_assert_eq!(answer, Err(docharbor_sigv4::Rejection::SignatureMismatch));
    }
}
