//! The signer that most WorkDocs programs use, run beside ours: what it signs is accepted, and
//! nothing of it can be changed.

use std::process::Command;

use docharbor_sigv4::{Rejection, Secret, parse};
use serde::Deserialize;

use crate::oracle::secret;
use crate::sent::{SERVICES, Sent};

#[derive(Deserialize)]
struct Signed {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    at_ms: i64,
}

#[expect(clippy::disallowed_methods, reason = "the test command says which Python has botocore")]
fn signed_by_botocore(seed: u32, count: usize) -> Vec<(Sent, i64)> {
    let python = std::env::var("DOCHARBOR_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sign_requests.py");
    let output = Command::new(&python)
        .args([script, &seed.to_string(), &count.to_string()])
        .output()
        .unwrap_or_else(|error| panic!("{python} does not start: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let requests: Vec<_> = lines.lines().map(read_line).collect();
    assert_eq!(requests.len(), count);
    requests
}

fn read_line(line: &str) -> (Sent, i64) {
    let Signed { method, path, query, headers, body, at_ms } = serde_json::from_str(line).unwrap();
    let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    (Sent { method, path, query, headers, body }, at_ms)
}

fn signed_names(sent: &Sent) -> Vec<String> {
    let request = sent.signed_request();
    let claim = parse(&request, SERVICES).unwrap();
    let names = sent.headers.iter().map(|(name, _)| name.clone());
    names.filter(|name| claim.signs(name)).collect()
}

/// Another letter or digit than the one at `at`, in its place.
fn replaced(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
    String::from_utf8(bytes).unwrap()
}

fn mutations(sent: &Sent, at: usize) -> Vec<(String, Sent)> {
    let mut all = vec![
        ("signature".to_owned(), flip_signature(sent, at)),
        ("method".to_owned(), Sent { method: "PATCH".to_owned(), ..sent.clone() }),
        ("body".to_owned(), Sent { body: [&sent.body[..], b"x"].concat(), ..sent.clone() }),
        ("longer path".to_owned(), Sent { path: format!("{}x", sent.path), ..sent.clone() }),
        ("unsigned x-amz-*".to_owned(), sent.clone().with_header("x-amz-unsigned", "1")),
    ];
    let path = replaced(&sent.path, at % sent.path.len());
    all.push(("path".to_owned(), Sent { path, ..sent.clone() }));
    if sent.query.is_empty() {
        all.push(("query".to_owned(), Sent { query: "a=b".to_owned(), ..sent.clone() }));
    } else {
        let query = replaced(&sent.query, at % sent.query.len());
        all.push(("query".to_owned(), Sent { query, ..sent.clone() }));
        all.push(("no query".to_owned(), Sent { query: String::new(), ..sent.clone() }));
    }
    if let Some(body) = sent.body.first().map(|first| [&[first ^ 1], &sent.body[1..]].concat()) {
        all.push(("first byte of the body".to_owned(), Sent { body, ..sent.clone() }));
    }
    for name in signed_names(sent) {
        let changed = sent.clone().map_header(&name, |value| replaced(value, at % value.len()));
        all.push((format!("header {name}"), changed));
        all.push((format!("no header {name}"), sent.clone().without_header(&name)));
        all.push((format!("header {name} twice"), {
            let value = sent.header(&name);
            sent.clone().with_header(&name, &value)
        }));
    }
    all
}

fn flip_signature(sent: &Sent, at: usize) -> Sent {
    sent.clone().map_header("authorization", |value| replaced(value, value.len() - 1 - at % 64))
}

#[test]
fn what_botocore_signs_is_accepted_and_cannot_be_changed() {
    let secret = secret();
    for (at, (sent, signed_ms)) in signed_by_botocore(1, 300).into_iter().enumerate() {
        assert_eq!(sent.check(Some(&secret), signed_ms), Ok(()), "{sent:?}");
        for (what, changed) in mutations(&sent, at) {
            assert!(changed.check(Some(&secret), signed_ms).is_err(), "{what}: {changed:?}");
        }
        for (offset_ms, is_accepted) in
            [(-300_001, false), (-300_000, true), (300_000, true), (300_001, false)]
        {
            let answer = sent.check(Some(&secret), signed_ms + offset_ms);
            assert_eq!(answer.is_ok(), is_accepted, "{offset_ms}: {answer:?}");
        }
        assert_eq!(sent.check(None, signed_ms), Err(Rejection::UnrecognizedClient));
        let other = Secret::new("another".to_owned());
        assert_eq!(sent.check(Some(&other), signed_ms), Err(Rejection::SignatureMismatch));
    }
}

#[test]
fn no_single_byte_of_what_botocore_signs_can_be_changed() {
    let secret = secret();
    for (sent, signed_ms) in signed_by_botocore(2, 12) {
        for at in 0..sent.path.len() {
            let changed = Sent { path: replaced(&sent.path, at), ..sent.clone() };
            assert!(changed.check(Some(&secret), signed_ms).is_err(), "{changed:?}");
        }
        for at in 0..sent.query.len() {
            let changed = Sent { query: replaced(&sent.query, at), ..sent.clone() };
            assert!(changed.check(Some(&secret), signed_ms).is_err(), "{changed:?}");
        }
        let names = signed_names(&sent).into_iter().chain(["authorization".to_owned()]);
        for name in names {
            for at in 0..sent.header(&name).len() {
                let changed = sent.clone().map_header(&name, |value| replaced(value, at));
                assert!(changed.check(Some(&secret), signed_ms).is_err(), "{name}: {changed:?}");
            }
        }
    }
}
