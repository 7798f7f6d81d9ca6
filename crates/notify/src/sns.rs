//! Messages as SNS writes them: what they say, and the text whose signature they carry.

use docharbor_domain::{Event, OrganizationId, Timestamp};
use serde::Serialize;

use crate::key::{SignatureVersion, SigningKey};

/// The region that stands in our ARNs; nothing depends on it.
const REGION: &str = "us-east-1";

/// The topic of a site: what a receiver tells sites apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicArn(String);

impl TopicArn {
    /// The topic of a site of an account.
    pub fn new(account_id: &str, organization: &OrganizationId) -> Self {
        Self(format!("arn:aws:sns:{REGION}:{account_id}:docharbor-{organization}"))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN of a subscription to it.
    pub fn subscription(&self, id: &str) -> String {
        format!("{}:{id}", self.0)
    }
}

/// Asks an endpoint whether it wants the messages of a topic.
#[derive(Clone, Debug)]
pub struct Confirmation<'a> {
    /// The message's id.
    pub message_id: &'a str,
    /// The topic.
    pub topic: &'a TopicArn,
    /// What confirms.
    pub token: &'a str,
    /// Where it confirms.
    pub subscribe_url: &'a str,
    /// When this was asked.
    pub timestamp: Timestamp,
    /// Where the certificate is had.
    pub certificate_url: &'a str,
}

/// Tells a subscriber of an event.
#[derive(Clone, Debug)]
pub struct Notification<'a> {
    /// The message's id: the event's, the same for every subscriber and every attempt.
    pub message_id: &'a str,
    /// The topic.
    pub topic: &'a TopicArn,
    /// What happened, in JSON.
    pub message: &'a str,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Where the certificate is had.
    pub certificate_url: &'a str,
    /// Where the subscriber ends the subscription.
    pub unsubscribe_url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConfirmationBody<'a> {
    r#type: &'static str,
    message_id: &'a str,
    token: &'a str,
    topic_arn: &'a str,
    message: &'a str,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: &'a str,
    timestamp: &'a str,
    signature_version: &'static str,
    signature: &'a str,
    #[serde(rename = "SigningCertURL")]
    certificate_url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NotificationBody<'a> {
    r#type: &'static str,
    message_id: &'a str,
    topic_arn: &'a str,
    message: &'a str,
    timestamp: &'a str,
    signature_version: &'static str,
    signature: &'a str,
    #[serde(rename = "SigningCertURL")]
    certificate_url: &'a str,
    #[serde(rename = "UnsubscribeURL")]
    unsubscribe_url: &'a str,
}

impl Confirmation<'_> {
    /// The value of `Type` and of the header that says it.
    pub const TYPE: &'static str = "SubscriptionConfirmation";

    /// The signed message in JSON.
    pub fn body(&self, key: &SigningKey, version: SignatureVersion) -> Option<String> {
        let topic = self.topic.as_str();
        let message = format!(
            "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit \
             the SubscribeURL included in this message."
        );
        let timestamp = self.timestamp.iso_8601_millis();
        let signature = key.sign(
            version,
            &to_sign(&[
                ("Message", &message),
                ("MessageId", self.message_id),
                ("SubscribeURL", self.subscribe_url),
                ("Timestamp", &timestamp),
                ("Token", self.token),
                ("TopicArn", topic),
                ("Type", Self::TYPE),
            ]),
        )?;
        serde_json::to_string(&ConfirmationBody {
            r#type: Self::TYPE,
            message_id: self.message_id,
            token: self.token,
            topic_arn: topic,
            message: &message,
            subscribe_url: self.subscribe_url,
            timestamp: &timestamp,
            signature_version: version.as_str(),
            signature: &signature,
            certificate_url: self.certificate_url,
        })
        .ok()
    }
}

impl Notification<'_> {
    /// The value of `Type` and of the header that says it.
    pub const TYPE: &'static str = "Notification";

    /// The signature of the message. It covers nothing that differs from subscriber to subscriber.
    pub fn signature(&self, key: &SigningKey, version: SignatureVersion) -> Option<String> {
        key.sign(
            version,
            &to_sign(&[
                ("Message", self.message),
                ("MessageId", self.message_id),
                ("Timestamp", &self.timestamp.iso_8601_millis()),
                ("TopicArn", self.topic.as_str()),
                ("Type", Self::TYPE),
            ]),
        )
    }

    /// The message in JSON, with the signature that was made of it.
    pub fn body(&self, version: SignatureVersion, signature: &str) -> Option<String> {
        serde_json::to_string(&NotificationBody {
            r#type: Self::TYPE,
            message_id: self.message_id,
            topic_arn: self.topic.as_str(),
            message: self.message,
            timestamp: &self.timestamp.iso_8601_millis(),
            signature_version: version.as_str(),
            signature,
            certificate_url: self.certificate_url,
            unsubscribe_url: self.unsubscribe_url,
        })
        .ok()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventMessage<'a> {
    action: &'static str,
    entity_id: &'a str,
    entity_type: &'static str,
    organization_id: &'a str,
    parent_entity_id: &'a str,
    parent_entity_type: &'static str,
}

/// What a notification says of an event.
pub fn event_message(organization: &OrganizationId, event: &Event) -> Option<String> {
    serde_json::to_string(&EventMessage {
        action: event.action.as_str(),
        entity_id: &event.entity_id,
        entity_type: event.entity_type.as_str(),
        organization_id: organization.as_str(),
        parent_entity_id: &event.parent_entity_id,
        parent_entity_type: event.parent_entity_type.as_str(),
    })
    .ok()
}

/// Names and values, a line each, in the order of their names.
fn to_sign(members: &[(&str, &str)]) -> String {
    members.iter().flat_map(|(name, value)| [*name, "\n", *value, "\n"]).collect()
}

/// What a visit of `SubscribeURL` answers.
pub fn confirm_response(subscription_arn: &str, request_id: &str) -> String {
    format!(
        "<ConfirmSubscriptionResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\n  \
         <ConfirmSubscriptionResult>\n    <SubscriptionArn>{subscription_arn}</SubscriptionArn>\n  \
         </ConfirmSubscriptionResult>\n  <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\
         \n  </ResponseMetadata>\n</ConfirmSubscriptionResponse>\n"
    )
}

/// What a visit of `UnsubscribeURL` answers.
pub fn unsubscribe_response(request_id: &str) -> String {
    format!(
        "<UnsubscribeResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\n  \
         <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n\
         </UnsubscribeResponse>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_to_sign_is_the_one_sns_documents() {
        assert_eq!(to_sign(&[("Message", "a\nb"), ("Type", "x")]), "Message\na\nb\nType\nx\n");
    }

    #[test]
    fn a_topic_names_its_site_and_a_subscription_its_topic() {
        let topic = TopicArn::new("123456789012", &OrganizationId::new("d-0123456789"));
        assert_eq!(topic.as_str(), "arn:aws:sns:us-east-1:123456789012:docharbor-d-0123456789");
        assert_eq!(topic.subscription("x"), format!("{}:x", topic.as_str()));
    }
}
