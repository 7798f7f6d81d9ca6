//! Whatever is received, the answer is a refusal and never a panic.

use docharbor_sigv4::{Presign, Secret, SignedRequest, parse, verify, verify_presigned};
use proptest::prelude::*;

use crate::oracle::{DATE, DATE_MS, plain, secret, sign};
use crate::sent::{SERVICES, Sent};

fn check_all(sent: &Sent, now_ms: i64) {
    let secret = secret();
    let request = sent.signed_request();
    if let Ok(claim) = parse(&request, SERVICES) {
        let _ = verify(&claim, "", Some(&secret), now_ms);
        let _ = verify(&claim, "0", None, now_ms);
    }
    let _ = verify_presigned(&request, &sent.method, |_| Some(&secret), now_ms);
}

fn transfer() -> Sent {
    let secret = secret();
    let url = Presign {
        method: "GET",
        scheme_and_host: "http://127.0.0.1:8080",
        path: "/a",
        extra_query: &[],
        access_key_id: "A",
        secret: &secret,
        region: "r",
        now_ms: DATE_MS,
        expires_secs: 60,
    };
    let url = url.url().unwrap();
    let query = url.split_once('?').unwrap().1.to_owned();
    Sent { path: "/a".to_owned(), query, ..plain() }
}

fn splice(text: &str, at: prop::sample::Index, insert: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = at.index(chars.len() + 1);
    chars.splice(at..at, insert.chars());
    chars.into_iter().collect()
}

proptest! {
    #[test]
    fn on_any_bytes_in_any_place(
        method in ".*", path in ".*", query in ".*",
        headers in prop::collection::vec(
            (
                prop_oneof!["authorization|host|x-amz-date|x-amz-content-sha256|x-amz-a", ".*"],
                prop::collection::vec(any::<u8>(), 0..64),
            ),
            0..8,
        ),
        now_ms in any::<i64>(),
    ) {
        check_all(&Sent { method, path, query, headers, body: Vec::new() }, now_ms);
    }

    #[test]
    fn on_a_good_request_with_something_inserted(
        place in 0_usize..8, at in any::<prop::sample::Index>(),
        insert in "\\PC{1,3}|[\\x00-\\x20%/;=,&+]{1,4}",
        now_ms in prop_oneof![Just(DATE_MS), any::<i64>()],
    ) {
        for mut sent in [sign(plain().with_header("x-amz-security-token", "t"), DATE), transfer()] {
            match place {
                0 => sent.method = splice(&sent.method, at, &insert),
                1 => sent.path = splice(&sent.path, at, &insert),
                2 => sent.query = splice(&sent.query, at, &insert),
                _ => {
                    let which = place % sent.headers.len();
                    let name = sent.headers[which].0.clone();
                    sent = sent.map_header(&name, |value| splice(value, at, &insert));
                }
            }
            check_all(&sent, now_ms);
        }
    }

    #[test]
    fn on_any_parts_of_a_url_to_mint(
        method in ".*", scheme_and_host in "(https?://)?.*", path in "/?.*",
        name in ".*", value in ".*",
        access_key_id in "[A-Z]{0,4}|.*", region in "[a-z]{0,4}|.*", secret in ".*",
        now_ms in any::<i64>(), expires_secs in any::<u32>(),
    ) {
        let _ = Presign {
            method: &method,
            scheme_and_host: &scheme_and_host,
            path: &path,
            extra_query: &[(&name, &value)],
            access_key_id: &access_key_id,
            secret: &Secret::new(secret),
            region: &region,
            now_ms,
            expires_secs,
        }
        .url();
    }
}

#[test]
fn on_more_headers_than_a_map_can_hold() {
    let mut sent = sign(plain().with_header("accept", "a"), DATE);
    for _ in 0..40_000 {
        sent = sent.with_header("accept", "a");
    }
    let request: SignedRequest<'_> = sent.signed_request();
    assert!(parse(&request, SERVICES).is_err());
}

#[test]
fn on_a_target_longer_than_a_uri_can_be() {
    for length in [65_000, 65_534, 65_535, 70_000] {
        let sent = sign(Sent { path: format!("/{}", "a".repeat(length)), ..plain() }, DATE);
        let is_representable = length + plain().query.len() + 2 < 65_535;
        assert_eq!(sent.check(Some(&secret()), DATE_MS).is_ok(), is_representable, "{length}");
    }
}
