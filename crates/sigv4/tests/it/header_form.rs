//! The Authorization header: the ways real clients write it, and the ways nobody may.

use docharbor_sigv4::{Rejection, Secret, parse, payload_sha256_hex};

use crate::oracle::{DATE, DATE_MS, SECRET, plain, secret, sign, sign_scoped, sign_with};
use crate::sent::{SERVICES, Sent};

const SCOPE: &str = "20261123/eu-central-1/workdocs/aws4_request";

fn is_incomplete(answer: &Result<(), Rejection>) -> bool {
    matches!(answer, Err(Rejection::Incomplete(_)))
}

#[test]
fn vectors_of_aws_are_accepted() {
    let vectors = [
        ("GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ];
    for (method, query, signature) in vectors {
        let sent = Sent {
            method: method.to_owned(),
            path: "/".to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
        .with_header("host", "example.amazonaws.com")
        .with_header("x-amz-date", "20150830T123600Z")
        .with_header(
            "authorization",
            &format!(
                "AWS4-HMAC-SHA256 \
                 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            ),
        );
        let answer = sent.check_for(&["workdocs", "service"], Some(&secret()), 1_440_938_160_000);
        assert_eq!(answer, Ok(()), "{method} {query}");
    }
}

#[test]
fn a_claim_says_who_signed_what() {
    let sent = plain().with_header("authentication", "t").with_header("x-amz-security-token", "s");
    let sent = sign(sent, DATE).with_header("content-type", "text/plain");
    let request = sent.signed_request();
    let claim = parse(&request, SERVICES).unwrap();
    assert_eq!(claim.access_key_id(), "AKIDEXAMPLE");
    assert_eq!(claim.region(), "eu-central-1");
    assert_eq!(claim.service(), "workdocs");
    assert_eq!(claim.signed_ms(), DATE_MS);
    assert_eq!(claim.session_token(), Some("s"));
    assert!(claim.signs("authentication") && claim.signs("host"));
    assert!(!claim.signs("content-type") && !claim.signs("authorization"));
}

#[test]
fn the_many_headers_of_the_javascript_sdk_are_accepted() {
    let mut sent = plain()
        .with_header("amz-sdk-invocation-id", "7f1d2c3b")
        .with_header("amz-sdk-request", "attempt=1; max=3")
        .with_header("authentication", "Bearer token")
        .with_header("content-length", "2")
        .with_header("content-type", "application/json")
        .with_header("x-amz-content-sha256", &payload_sha256_hex(b"{}"))
        .with_header("x-amz-user-agent", "aws-sdk-js/3.1 ua/2.1");
    sent.method = "POST".to_owned();
    sent.body = b"{}".to_vec();
    let sent = sign(sent, DATE).with_header("user-agent", "not signed");
    assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()));
}

#[test]
fn a_signed_user_agent_is_accepted_and_held_to() {
    let sent = sign(plain().with_header("user-agent", "aws-sdk-java/1.12"), DATE);
    assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()));
    let changed = sent.map_header("user-agent", |_| "another".to_owned());
    assert_eq!(changed.check(Some(&secret()), DATE_MS), Err(Rejection::SignatureMismatch));
}

#[test]
fn a_header_of_the_protocol_sent_twice_is_refused_even_when_signed() {
    for name in ["x-amz-meta", "x-amz-security-token", "host"] {
        let twice = sign(plain().with_header(name, "1").with_header(name, "2"), DATE);
        let answer = twice.check(Some(&secret()), DATE_MS);
        assert!(is_incomplete(&answer), "{name}: {answer:?}");
    }
    let twice = sign(plain().with_header("accept", "1").with_header("accept", "2"), DATE);
    assert_eq!(twice.check(Some(&secret()), DATE_MS), Ok(()));
}

#[test]
fn commas_may_come_with_or_without_spaces() {
    for separator in [",", ", ", " , ", ",   "] {
        let sent = plain().with_header("content-length", "0");
        let sent = sign_scoped(sent, DATE, SCOPE, separator);
        assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()), "{separator:?}");
    }
}

#[test]
fn the_parts_may_come_in_any_order() {
    let sent = sign(plain(), DATE).map_header("authorization", |value| {
        let parts: Vec<_> = value.trim_start_matches("AWS4-HMAC-SHA256 ").split(", ").collect();
        format!("AWS4-HMAC-SHA256 {},{},{}", parts[2], parts[0], parts[1])
    });
    assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()));
}

#[test]
fn a_user_id_with_an_ampersand_is_encoded_twice() {
    let mut sent = plain();
    sent.path = "/api/v1/users/S-1-5-21-1&d-2".replace('&', "%26");
    let sent = sign(sent, DATE);
    assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()));
    for path in ["/api/v1/users/S-1-5-21-1&d-2", "/api/v1/users/S-1-5-21-1%2526d-2"] {
        let changed = Sent { path: path.to_owned(), ..sent.clone() };
        assert_eq!(changed.check(Some(&secret()), DATE_MS), Err(Rejection::SignatureMismatch));
    }
}

#[test]
fn any_region_is_accepted() {
    for region in ["us-east-1", "local", "x"] {
        let scope = format!("20261123/{region}/workdocs/aws4_request");
        let sent = sign_scoped(plain(), DATE, &scope, ", ");
        assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()), "{region}");
    }
}

#[test]
fn a_scope_for_anything_else_is_refused() {
    for (scope, is_malformed) in [
        ("20261123/eu-central-1/s3/aws4_request", false),
        ("20261123/eu-central-1/workdocs/aws5_request", false),
        ("20261122/eu-central-1/workdocs/aws4_request", false),
        ("20261123/eu-central-1/workdocs", true),
        ("20261123//workdocs/aws4_request", true),
        ("20261123/eu-central-1/workdocs/aws4_request/", true),
        ("20261123T/eu-central-1/workdocs/aws4_request", true),
        ("20261123/eu central/workdocs/aws4_request", true),
    ] {
        let answer = sign_scoped(plain(), DATE, scope, ", ").check(Some(&secret()), DATE_MS);
        if is_malformed {
            assert!(is_incomplete(&answer), "{scope}: {answer:?}");
        } else {
            assert!(matches!(answer, Err(Rejection::InvalidSignature(_))), "{scope}: {answer:?}");
        }
    }
}

#[test]
fn a_request_without_a_signature_is_told_so() {
    assert_eq!(plain().check(None, DATE_MS), Err(Rejection::MissingAuthentication));
}

#[test]
fn an_authorization_header_in_any_other_form_is_refused() {
    let good = sign(plain(), DATE).header("authorization");
    let (credential, rest) = good.split_once(", ").unwrap();
    let (signed_headers, signature) = rest.split_once(", ").unwrap();
    for header in [
        String::new(),
        "AWS4-HMAC-SHA256".to_owned(),
        "AWS4-HMAC-SHA256 ".to_owned(),
        good.replace("SHA256 ", "SHA256"),
        good.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        good.replace("AWS4-HMAC-SHA256", "aws4-hmac-sha256"),
        "Bearer abc".to_owned(),
        format!("{credential}, {signed_headers}"),
        format!("{credential}, {signature}"),
        format!("AWS4-HMAC-SHA256 {rest}"),
        format!("{good}, {signature}"),
        format!("{good}, {signed_headers}"),
        format!("{good}, Other=1"),
        format!("{good},"),
        format!("{credential}, {signed_headers}, Signature="),
        good.replace("AKIDEXAMPLE", ""),
        good.replace("AKIDEXAMPLE", "AKID EXAMPLE"),
    ] {
        let sent = sign(plain(), DATE).map_header("authorization", |_| header.clone());
        let answer = sent.check(Some(&secret()), DATE_MS);
        assert!(is_incomplete(&answer), "{header}: {answer:?}");
    }
}

#[test]
fn signed_headers_are_a_sorted_list_of_what_was_sent() {
    for list in [
        "x-amz-date;host",
        "host;host;x-amz-date",
        "Host;x-amz-date",
        "host;;x-amz-date",
        "host;x-amz-date;",
        "",
        "host",
        "x-amz-date",
        "accept;host;x-amz-date",
        "host;x-amz-date;x-amz-other",
    ] {
        let sent = sign(plain(), DATE).map_header("authorization", |value| {
            value.replace("SignedHeaders=host;x-amz-date", &format!("SignedHeaders={list}"))
        });
        let answer = sent.check(Some(&secret()), DATE_MS);
        assert!(is_incomplete(&answer), "{list}: {answer:?}");
    }
}

#[test]
fn host_must_be_signed() {
    let sent = sign(plain().without_header("host").with_header("accept", "*/*"), DATE);
    let answer = sent.with_header("host", "127.0.0.1:8080").check(Some(&secret()), DATE_MS);
    assert!(is_incomplete(&answer), "{answer:?}");
}

#[test]
fn an_unsigned_header_of_the_protocol_is_refused() {
    let refused = ["x-amz-security-token", "x-amz-content-sha256", "x-amz-target", "x-amz-acl"];
    for name in refused {
        let answer = sign(plain(), DATE).with_header(name, "1").check(Some(&secret()), DATE_MS);
        assert!(is_incomplete(&answer), "{name}: {answer:?}");
    }
    // Load balancers add this one, and it means nothing to us.
    let traced = sign(plain(), DATE).with_header("x-amzn-trace-id", "Root=1");
    assert_eq!(traced.check(Some(&secret()), DATE_MS), Ok(()));
}

#[test]
fn the_date_must_be_sent_once_and_in_its_form() {
    for date in ["20261123T185619", "2026-11-23T18:56:19Z", "Mon, 23 Nov 2026 18:56:19 GMT", ""] {
        let scoped = sign_scoped(plain(), date, SCOPE, ", ");
        assert!(is_incomplete(&scoped.check(Some(&secret()), DATE_MS)), "{date}");
    }
    let twice = sign(plain(), DATE).with_header("x-amz-date", DATE);
    assert!(is_incomplete(&twice.check(Some(&secret()), DATE_MS)));
}

#[test]
fn the_window_is_five_minutes_both_ways_and_inclusive() {
    let sent = sign(plain(), DATE);
    for (offset_ms, is_accepted) in [
        (-301_000, false),
        (-300_001, false),
        (-300_000, true),
        (-299_000, true),
        (0, true),
        (299_000, true),
        (300_000, true),
        (300_001, false),
        (301_000, false),
    ] {
        let answer = sent.check(Some(&secret()), DATE_MS + offset_ms);
        assert_eq!(answer.is_ok(), is_accepted, "{offset_ms}: {answer:?}");
    }
    let text = |offset_ms| sent.check(None, DATE_MS + offset_ms).unwrap_err().to_string();
    assert_eq!(
        text(301_000),
        "Signature expired: 20261123T185619Z is now earlier than 20261123T185620Z \
         (20261123T190120Z is the server's time)."
    );
    assert_eq!(
        text(-301_000),
        "Signature not yet current: 20261123T185619Z is still later than 20261123T185618Z \
         (20261123T185118Z is the server's time)."
    );
}

#[test]
fn midnight_between_signing_and_receiving_does_no_harm() {
    let midnight_ms = 1_795_478_400_000;
    let sent = sign(plain(), "20261123T235959Z");
    assert_eq!(sent.check(Some(&secret()), midnight_ms + 60_000), Ok(()));
    let sent = sign(plain(), "20261124T000001Z");
    assert_eq!(sent.check(Some(&secret()), midnight_ms - 60_000), Ok(()));
    // The scope follows the day of signing, not ours.
    let scope = "20261124/eu-central-1/workdocs/aws4_request";
    let sent = sign_scoped(plain(), "20261123T235959Z", scope, ", ");
    let answer = sent.check(Some(&secret()), midnight_ms + 60_000);
    assert!(matches!(answer, Err(Rejection::InvalidSignature(_))), "{answer:?}");
}

#[test]
fn the_body_received_is_what_was_signed() {
    let mut sent = sign(Sent { body: b"{}".to_vec(), ..plain() }, DATE);
    assert_eq!(sent.check(Some(&secret()), DATE_MS), Ok(()));
    sent.body = b"[]".to_vec();
    assert_eq!(sent.check(Some(&secret()), DATE_MS), Err(Rejection::SignatureMismatch));
}

#[test]
fn a_payload_hash_that_is_not_of_the_body_is_refused() {
    for named in [
        "UNSIGNED-PAYLOAD".to_owned(),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned(),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned(),
        payload_sha256_hex(b"other"),
        payload_sha256_hex(b"").to_uppercase(),
        String::new(),
    ] {
        let sent = sign(plain().with_header("x-amz-content-sha256", &named), DATE);
        let answer = sent.check(Some(&secret()), DATE_MS);
        assert!(matches!(answer, Err(Rejection::InvalidSignature(_))), "{named}: {answer:?}");
    }
}

#[test]
fn a_path_or_query_with_two_readings_is_refused_even_when_signed() {
    for path in ["/a//b", "/a/../b", "/a/./b", "//a", "/a/%2e%2e/b", "/%zz"] {
        let sent = sign(Sent { path: path.to_owned(), ..plain() }, DATE);
        let answer = sent.check(Some(&secret()), DATE_MS);
        assert!(matches!(answer, Err(Rejection::InvalidSignature(_))), "{path}: {answer:?}");
    }
    for query in ["a=b+c", "a=%FF", "a=%zz", "a&&b"] {
        let sent = sign(Sent { query: query.to_owned(), ..plain() }, DATE);
        let answer = sent.check(Some(&secret()), DATE_MS);
        assert!(matches!(answer, Err(Rejection::InvalidSignature(_))), "{query}: {answer:?}");
    }
}

#[test]
fn an_unknown_key_and_a_wrong_secret_are_told_the_same() {
    let sent = sign(plain(), DATE);
    let wrong = sent.check(Some(&Secret::new("wrong".to_owned())), DATE_MS).unwrap_err();
    let unknown = sent.check(None, DATE_MS).unwrap_err();
    assert_eq!((&wrong, &unknown), (&Rejection::SignatureMismatch, &Rejection::UnrecognizedClient));
    assert_eq!(wrong.to_string(), unknown.to_string());
    // All other refusals come before the key matters.
    for changed in [
        Sent {
            body: b"x".to_vec(),
            ..sign(plain().with_header("x-amz-content-sha256", "0"), DATE)
        },
        Sent { path: "//".to_owned(), ..sent.clone() },
        sent.clone().without_header("host"),
    ] {
        assert_eq!(changed.check(None, DATE_MS), changed.check(Some(&secret()), DATE_MS));
    }
}

#[test]
fn the_stand_in_for_an_unknown_key_cannot_be_signed_with() {
    let stand_in = "0".repeat(40);
    let sent = sign_with(&stand_in, plain(), DATE, SCOPE, ", ");
    assert_eq!(sent.check(Some(&Secret::new(stand_in)), DATE_MS), Ok(()));
    assert_eq!(sent.check(None, DATE_MS), Err(Rejection::UnrecognizedClient));
}

#[test]
fn no_output_shows_a_secret() {
    assert!(!format!("{:?}", secret()).contains(&SECRET[..4]));
    let sent = sign(plain().with_header("x-amz-security-token", "canary-token"), DATE);
    let request = sent.signed_request();
    let claim = format!("{:?}", parse(&request, SERVICES).unwrap());
    assert!(claim.contains("AKIDEXAMPLE") && !claim.contains("canary"), "{claim}");
    assert!(!claim.contains("Signature="), "{claim}");
}
