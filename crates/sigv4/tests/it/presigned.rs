//! Transfer URLs: what is minted is accepted, as it is and until it expires.

use docharbor_sigv4::{Presign, PresignError, PresignedGrant, Rejection, Secret, verify_presigned};
use proptest::prelude::*;

use crate::oracle::{DATE_MS, encode, secret};
use crate::sent::Sent;

const HOST: &str = "127.0.0.1:8080";

fn presign(secret: &Secret) -> Presign<'_> {
    Presign {
        method: "PUT",
        scheme_and_host: "http://127.0.0.1:8080",
        path: "/transfer/uploads/0f3b9a2c",
        extra_query: &[("length_max", "4096"), ("type", "text/plain; charset=UTF-8")],
        access_key_id: "TRANSFER01",
        secret,
        region: "eu-central-1",
        now_ms: DATE_MS + 250,
        expires_secs: 900,
    }
}

/// The request that a client makes of a URL.
fn request_of(url: &str, method: &str) -> Sent {
    let (_, rest) = url.split_once("://").unwrap();
    let (host, rest) = rest.split_once('/').unwrap();
    let (path, query) = rest.split_once('?').unwrap();
    Sent {
        method: method.to_owned(),
        path: format!("/{path}"),
        query: query.to_owned(),
        headers: vec![("host".to_owned(), host.into())],
        body: b"never signed".to_vec(),
    }
}

fn check_at(sent: &Sent, now_ms: i64) -> Result<PresignedGrant, Rejection> {
    let secret = secret();
    let signed_method = if sent.method == "HEAD" { "GET" } else { &sent.method };
    let secret_of = |key: &str| (key == "TRANSFER01").then_some(&secret);
    verify_presigned(&sent.signed_request(), signed_method, secret_of, now_ms)
}

fn upload() -> Sent {
    request_of(&presign(&secret()).url().unwrap(), "PUT")
}

#[test]
fn a_minted_url_is_accepted_and_says_what_it_allows() {
    let sent = upload();
    assert_eq!(sent.header("host"), HOST);
    let grant = check_at(&sent, DATE_MS).unwrap();
    assert_eq!(grant.access_key_id, "TRANSFER01");
    assert_eq!((grant.issued_ms, grant.expires_ms), (DATE_MS, DATE_MS + 900_000));
    let extra: Vec<_> = grant.extra_query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(extra, [("length_max", "4096"), ("type", "text/plain; charset=UTF-8")]);
}

#[test]
fn the_form_of_a_url_is_the_protocols() {
    let url = Presign { extra_query: &[], ..presign(&secret()) }.url().unwrap();
    let (start, signature) = url.rsplit_once('=').unwrap();
    assert_eq!(
        start,
        "http://127.0.0.1:8080/transfer/uploads/0f3b9a2c?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=TRANSFER01%2F20261123%2Feu-central-1%2Fworkdocs%2Faws4_request\
         &X-Amz-Date=20261123T185619Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature"
    );
    assert!(signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(check_at(&request_of(&url, "PUT"), DATE_MS).is_ok());
}

#[test]
fn the_host_is_written_as_clients_send_it() {
    for (scheme_and_host, host) in [
        ("https://Docs.Example:443", "docs.example"),
        ("http://docs.example:80", "docs.example"),
        ("https://docs.example:8443", "docs.example:8443"),
        ("http://[::1]:9000", "[::1]:9000"),
    ] {
        let url = Presign { scheme_and_host, ..presign(&secret()) }.url().unwrap();
        let sent = request_of(&url, "PUT");
        assert_eq!(sent.header("host"), host);
        assert!(check_at(&sent, DATE_MS).is_ok(), "{url}");
    }
}

#[test]
fn a_url_lives_from_its_date_to_its_last_moment() {
    let sent = upload();
    for (offset_ms, is_accepted) in
        [(-300_001, false), (-300_000, true), (0, true), (900_000, true), (900_001, false)]
    {
        let answer = check_at(&sent, DATE_MS + offset_ms);
        assert_eq!(answer.is_ok(), is_accepted, "{offset_ms}: {answer:?}");
    }
    assert!(matches!(check_at(&sent, DATE_MS + 900_001), Err(Rejection::Expired { .. })));
    assert!(matches!(check_at(&sent, DATE_MS - 300_001), Err(Rejection::NotYetValid { .. })));
}

#[test]
fn head_may_use_a_url_for_get_and_no_other_method_may() {
    let url = Presign { method: "GET", ..presign(&secret()) }.url().unwrap();
    for (method, signed_method, is_accepted) in [
        ("GET", "GET", true),
        ("HEAD", "GET", true),
        ("HEAD", "HEAD", false),
        ("PUT", "GET", false),
        ("PUT", "PUT", false),
        ("POST", "POST", false),
        ("GET", "HEAD", false),
    ] {
        let secret = secret();
        let sent = request_of(&url, method);
        let answer =
            verify_presigned(&sent.signed_request(), signed_method, |_| Some(&secret), DATE_MS);
        assert_eq!(answer.is_ok(), is_accepted, "{method} {signed_method}");
    }
    // Not even when the caller would let it.
    let sent = Sent { method: "HEAD".to_owned(), ..upload() };
    let secret = secret();
    let answer = verify_presigned(&sent.signed_request(), "PUT", |_| Some(&secret), DATE_MS);
    assert!(matches!(answer, Err(Rejection::InvalidSignature(_))), "{answer:?}");
}

#[test]
fn a_url_dies_with_its_key() {
    let sent = upload();
    let request = sent.signed_request();
    let answer = verify_presigned(&request, "PUT", |_| None, DATE_MS);
    assert_eq!(answer, Err(Rejection::UnrecognizedClient));
    let other = Secret::new("rotated".to_owned());
    let answer = verify_presigned(&request, "PUT", |_| Some(&other), DATE_MS);
    assert_eq!(answer, Err(Rejection::SignatureMismatch));
}

#[test]
fn no_single_byte_of_a_url_can_be_changed() {
    let sent = upload();
    let replaced = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        String::from_utf8(bytes).unwrap()
    };
    for at in 0..sent.path.len() {
        let changed = Sent { path: replaced(&sent.path, at), ..sent.clone() };
        assert!(check_at(&changed, DATE_MS).is_err(), "{changed:?}");
    }
    for at in 0..sent.query.len() {
        let changed = Sent { query: replaced(&sent.query, at), ..sent.clone() };
        assert!(check_at(&changed, DATE_MS).is_err(), "{changed:?}");
    }
    for at in 0..HOST.len() {
        let changed = sent.clone().map_header("host", |host| replaced(host, at));
        assert!(check_at(&changed, DATE_MS).is_err(), "{changed:?}");
    }
}

#[test]
fn each_parameter_is_there_once_and_no_other_is() {
    let sent = upload();
    let parameters: Vec<&str> = sent.query.split('&').collect();
    assert_eq!(parameters.len(), 8);
    for (at, parameter) in parameters.iter().enumerate() {
        let mut without = parameters.clone();
        without.remove(at);
        let changed = Sent { query: without.join("&"), ..sent.clone() };
        assert!(check_at(&changed, DATE_MS).is_err(), "without {parameter}");
        for twice in [(*parameter).to_owned(), parameter.to_lowercase(), format!("{parameter}1")] {
            let changed = Sent { query: format!("{}&{twice}", sent.query), ..sent.clone() };
            assert!(check_at(&changed, DATE_MS).is_err(), "{parameter} and {twice}");
        }
    }
    for more in ["X-Amz-Security-Token=1", "x-amz-meta=1", "X-AMZ-ACL=public", "a=b", "a"] {
        let changed = Sent { query: format!("{}&{more}", sent.query), ..sent.clone() };
        assert!(check_at(&changed, DATE_MS).is_err(), "{more}");
    }
    let bare = Sent { query: "length_max=4096".to_owned(), ..sent };
    assert_eq!(check_at(&bare, DATE_MS), Err(Rejection::MissingAuthentication));
}

#[test]
fn a_life_may_not_be_written_another_way_or_too_long() {
    for expires in ["0900", "%2B900", "900.0", "0", "-900", "604801", "4294967297", "", "901"] {
        let mut sent = upload();
        sent.query = sent.query.replace("X-Amz-Expires=900", &format!("X-Amz-Expires={expires}"));
        assert!(check_at(&sent, DATE_MS).is_err(), "{expires}");
    }
    for expires_secs in [1, 604_800] {
        let url = Presign { expires_secs, ..presign(&secret()) }.url().unwrap();
        assert!(check_at(&request_of(&url, "PUT"), DATE_MS).is_ok());
    }
}

#[test]
fn headers_that_the_url_does_not_sign_have_no_meaning() {
    for name in [
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-security-token",
        "x-amz-date",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-meta-a",
        "authorization",
        "authentication",
    ] {
        let answer = check_at(&upload().with_header(name, "1"), DATE_MS);
        assert!(matches!(answer, Err(Rejection::Incomplete(_))), "{name}: {answer:?}");
    }
    for name in [
        "x-amz-server-side-encryption",
        "x-amz-checksum-sha256",
        "x-amz-content-sha256",
        "content-type",
        "content-md5",
    ] {
        assert!(check_at(&upload().with_header(name, "1"), DATE_MS).is_ok(), "{name}");
    }
    assert!(check_at(&upload().with_header("host", HOST), DATE_MS).is_err());
    assert!(check_at(&upload().without_header("host"), DATE_MS).is_err());
}

#[test]
fn what_cannot_be_a_url_is_not_minted() {
    let secret = secret();
    let good = || presign(&secret);
    for bad in [
        Presign { scheme_and_host: "ftp://host", ..good() },
        Presign { scheme_and_host: "host", ..good() },
        Presign { scheme_and_host: "https://", ..good() },
        Presign { scheme_and_host: "https://:443", ..good() },
        Presign { scheme_and_host: "https://user@host", ..good() },
        Presign { scheme_and_host: "https://host/path", ..good() },
        Presign { path: "", ..good() },
        Presign { path: "/a/../b", ..good() },
        Presign { path: "/a?b", ..good() },
        Presign { path: "/a b", ..good() },
        Presign { extra_query: &[("X-Amz-Date", "1")], ..good() },
        Presign { extra_query: &[("x-amz-acl", "1")], ..good() },
        Presign { extra_query: &[("", "1")], ..good() },
        Presign { access_key_id: "", ..good() },
        Presign { access_key_id: "a/b", ..good() },
        Presign { region: "", ..good() },
        Presign { region: "a/b", ..good() },
        Presign { expires_secs: 0, ..good() },
        Presign { expires_secs: 604_801, ..good() },
        Presign { now_ms: -1, ..good() },
        Presign { now_ms: i64::MAX, ..good() },
    ] {
        let answer: Result<String, PresignError> = bad.url();
        assert!(answer.is_err(), "{answer:?}");
    }
}

proptest! {
    #[test]
    fn every_minted_url_is_accepted(
        segments in prop::collection::vec("[^\\./][^/]{0,12}", 0..5),
        extra in prop::collection::vec(("\\PC{1,8}", "\\PC{0,12}"), 0..6),
        expires_secs in 1_u32..=604_800,
    ) {
        let segments: Vec<_> = segments.iter().map(|text| encode(text, b"-_.~")).collect();
        let extra: Vec<_> = extra.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        prop_assume!(!extra.iter().any(|(name, _)| name.to_lowercase().starts_with("x-amz-")));
        let path = format!("/{}", segments.join("/"));
        let secret = secret();
        let minted = Presign { path: &path, extra_query: &extra, expires_secs, ..presign(&secret) };
        let grant = check_at(&request_of(&minted.url().unwrap(), "PUT"), DATE_MS).unwrap();
        let found = grant.extra_query.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let found: Vec<_> = found.collect();
        prop_assert_eq!(found, extra);
    }
}
