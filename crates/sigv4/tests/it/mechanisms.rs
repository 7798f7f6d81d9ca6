//! One way in per request: every pair of two valid ones is refused, at both doors.

use docharbor_sigv4::{Presign, Rejection, Secret, verify_presigned};

use crate::oracle::{DATE, DATE_MS, plain, secret, sign};
use crate::sent::Sent;

fn url_query(secret: &Secret) -> String {
    let url = Presign {
        method: "GET",
        scheme_and_host: "http://127.0.0.1:8080",
        path: &plain().path,
        extra_query: &[],
        access_key_id: "TRANSFER01",
        secret,
        region: "eu-central-1",
        now_ms: DATE_MS,
        expires_secs: 900,
    };
    url.url().unwrap().split_once('?').unwrap().1.to_owned()
}

fn at_the_transfer_door(sent: &Sent) -> Result<(), Rejection> {
    let secret = secret();
    verify_presigned(&sent.signed_request(), "GET", |_| Some(&secret), DATE_MS).map(|_| ())
}

fn is_incomplete(answer: &Result<(), Rejection>) -> bool {
    matches!(answer, Err(Rejection::Incomplete(_)))
}

#[test]
fn each_mechanism_alone_opens_its_own_door_only() {
    let secret = secret();
    let header = sign(plain(), DATE);
    let url = Sent { query: url_query(&secret), ..plain() };
    assert_eq!(header.check(Some(&secret), DATE_MS), Ok(()));
    assert_eq!(at_the_transfer_door(&url), Ok(()));
    assert!(is_incomplete(&url.check(Some(&secret), DATE_MS)));
    assert!(is_incomplete(&at_the_transfer_door(&header)));
    assert_eq!(at_the_transfer_door(&plain()), Err(Rejection::MissingAuthentication));
}

#[test]
fn a_signed_header_beside_a_signed_query_is_refused() {
    let secret = secret();
    let query = url_query(&secret);
    let both = [
        // The header signs the parameters too, so that each half is valid.
        sign(Sent { query: query.clone(), ..plain() }, DATE),
        Sent { query, ..sign(plain(), DATE) },
    ];
    for both in both {
        assert!(is_incomplete(&both.check(Some(&secret), DATE_MS)), "{both:?}");
        assert!(is_incomplete(&at_the_transfer_door(&both)), "{both:?}");
    }
}

#[test]
fn any_parameter_of_the_protocol_beside_a_signed_header_is_refused() {
    for query in ["X-Amz-Signature=1", "x-amz-date=1", "a=1&X-Amz-Credential=", "%58-Amz-Expires=1"]
    {
        let sent = sign(Sent { query: query.to_owned(), ..plain() }, DATE);
        assert!(is_incomplete(&sent.check(Some(&secret()), DATE_MS)), "{query}");
    }
}

#[test]
fn two_authorization_headers_are_refused_whatever_they_are() {
    let signed = sign(plain(), DATE);
    for second in [signed.header("authorization"), "Bearer token".to_owned(), String::new()] {
        let after = signed.clone().with_header("authorization", &second);
        assert!(is_incomplete(&after.check(Some(&secret()), DATE_MS)), "{second}");
        let mut before = after;
        before.headers.reverse();
        assert!(is_incomplete(&before.check(Some(&secret()), DATE_MS)), "{second}");
    }
}

#[test]
fn a_token_beside_a_transfer_url_is_refused() {
    let url = Sent { query: url_query(&secret()), ..plain() };
    for header in ["authorization", "authentication"] {
        let both = url.clone().with_header(header, "Bearer token");
        assert!(is_incomplete(&at_the_transfer_door(&both)), "{header}");
    }
}
