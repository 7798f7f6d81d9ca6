//! Signs requests so cheaply that the signing is no part of what is measured.
//!
//! The server's answers prove it right: a wrong signature is refused.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

const REGION_AND_SERVICE: &str = "us-east-1/workdocs/aws4_request";

/// An access key, and the host its requests go to.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) host: String,
    pub(crate) key_id: String,
    pub(crate) secret: String,
}

impl Signer {
    /// A whole request, ready to be sent. Path and query are escaped as they are to be sent, and
    /// the query is sorted. With an `invocation_id` the request is one that an SDK may repeat.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        query: &str,
        body: &str,
        invocation_id: Option<&str>,
    ) -> Vec<u8> {
        let date = timestamp(now_secs());
        let day = date.get(..8).unwrap_or_default();
        let (mut headers, mut names) = (String::new(), "host;x-amz-date");
        if let Some(id) = invocation_id {
            let _ = writeln!(headers, "amz-sdk-invocation-id:{id}");
            names = "amz-sdk-invocation-id;host;x-amz-date";
        }
        let _ = writeln!(headers, "host:{}\nx-amz-date:{date}", self.host);
        let body_hash = hex::encode(Sha256::digest(body));
        // In the signature a path is escaped twice.
        let twice = path.replace('%', "%25");
        let canonical = format!("{method}\n{twice}\n{query}\n{headers}\n{names}\n{body_hash}");
        let canonical_hash = hex::encode(Sha256::digest(canonical));
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{date}\n{day}/{REGION_AND_SERVICE}\n{canonical_hash}");
        let signature = hex::encode(hmac(&self.day_key(day), &to_sign));
        let question = if query.is_empty() { "" } else { "?" };
        format!(
            "{method} {path}{question}{query} HTTP/1.1\r\n{}\
             content-length: {}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential={}/{day}/{REGION_AND_SERVICE}, SignedHeaders={names}, \
             Signature={signature}\r\n\r\n{body}",
            headers.replace('\n', "\r\n"),
            body.len(),
            self.key_id,
        )
        .into_bytes()
    }

    fn day_key(&self, day: &str) -> [u8; 32] {
        let first = hmac(format!("AWS4{}", self.secret).as_bytes(), day);
        REGION_AND_SERVICE.split('/').fold(first, |key, part| hmac(&key, part))
    }
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    // A key of HMAC may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `20260102T030405Z`, from the days since 1970 by Howard Hinnant's `civil_from_days`.
fn timestamp(secs: u64) -> String {
    let (days, rest) = (secs / 86_400 + 719_468, secs % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_signature_wants_it() {
        for (secs, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (4_102_444_799, "20991231T235959Z"),
        ] {
            assert_eq!(timestamp(secs), text);
        }
    }

    #[test]
    fn the_key_of_a_day_is_the_one_aws_documents() {
        let first = hmac(b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215");
        let key = "us-east-1/iam/aws4_request".split('/').fold(first, |key, part| hmac(&key, part));
        assert_eq!(
            hex::encode(key),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
        );
    }
}
