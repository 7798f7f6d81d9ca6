//! `SendMessage` of SQS in its query form, which every SQS-compatible server understands.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use docharbor_domain::Timestamp;
use md5::{Digest as _, Md5};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::Endpoint;

const SERVICE: &str = "sqs";

/// What the body of the request is.
pub(crate) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// The access key that queues are sent to with.
#[derive(Clone)]
pub struct SqsAccess {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Zeroizing<String>,
    /// The region of queues whose URL names none.
    pub region: String,
}

/// The form that sends a message.
pub(crate) fn form(message: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "SendMessage")
        .append_pair("Version", "2012-11-05")
        .append_pair("MessageBody", message)
        .finish()
}

/// The headers that sign a form.
pub(crate) fn signed_headers(
    access: &SqsAccess,
    endpoint: &Endpoint,
    form: &str,
    now: Timestamp,
) -> Option<Vec<(String, String)>> {
    let secret = access.secret_access_key.as_str();
    let identity: Identity =
        Credentials::new(&access.access_key_id, secret, None, None, "docharbor").into();
    let now = Duration::from_millis(u64::try_from(now.as_millis()).ok()?);
    let host = endpoint.authority();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region_of(&host).unwrap_or(&access.region))
        .name(SERVICE)
        .time(UNIX_EPOCH.checked_add(now)?)
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let headers = [("host", host.as_str()), ("content-type", CONTENT_TYPE)];
    let body = SignableBody::Bytes(form.as_bytes());
    let request = SignableRequest::new("POST", endpoint.url(), headers.into_iter(), body).ok()?;
    let (instructions, _) = sign(request, &params).ok()?.into_parts();
    Some(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The region that a queue's host names: `sqs.REGION.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    let rest = host.strip_prefix("sqs.")?;
    let (region, domain) = rest.split_once('.')?;
    domain.starts_with("amazonaws.com").then_some(region)
}

/// Whether an answer says that a queue has taken this very message.
pub(crate) fn took(answer: &[u8], message: &str) -> bool {
    let digest = hex::encode(Md5::digest(message.as_bytes()));
    let said = format!("<MD5OfMessageBody>{digest}</MD5OfMessageBody>");
    answer.windows(said.len()).any(|window| window == said.as_bytes())
}

#[cfg(test)]
mod tests {
    use docharbor_domain::SubscriptionProtocol;

    use super::*;

    #[test]
    fn a_message_is_signed_for_its_queue() {
        let access = SqsAccess {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: Zeroizing::new("hush".to_owned()),
            region: "eu-central-1".to_owned(),
        };
        let signed = |url: &str| {
            let endpoint = Endpoint::parse(url, SubscriptionProtocol::Sqs).unwrap();
            let now = Timestamp::from_millis(1_700_000_000_000);
            let headers = signed_headers(&access, &endpoint, &form("hello"), now).unwrap();
            headers.into_iter().find(|(name, _)| name == "authorization").unwrap().1
        };
        assert!(signed("https://queue.example/1/q").contains("/eu-central-1/sqs/aws4_request"));
        assert!(
            signed("https://sqs.us-west-2.amazonaws.com/1/q")
                .contains("/us-west-2/sqs/aws4_request")
        );
        assert!(!signed("https://queue.example/1/q").contains("hush"));
    }

    #[test]
    fn only_a_queue_that_names_the_messages_digest_has_taken_it() {
        let answer = b"<SendMessageResult><MD5OfMessageBody>5d41402abc4b2a76b9719d911017c592\
                       </MD5OfMessageBody></SendMessageResult>";
        assert!(took(answer, "hello"));
        assert!(!took(answer, "hullo"));
        assert!(!took(b"", "hello"));
    }
}
