//! What is sent: messages with their links, signed with the key of their site.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use docharbor_domain::{Event, OrganizationId, Subscription};
use docharbor_notify::{
    Confirmation, Notification, SignatureVersion, SigningKey, TopicArn, event_message,
};
use url::form_urlencoded;

use crate::keyring::SubscriptionPurpose;
use crate::{Error, Site};

/// Signatures that are remembered, by key and message: an event's is the same for all of its subscribers.
const SIGNATURES_MAX: usize = 4_096;

const UNSIGNED: Error = Error::Fault("a message could not be signed");

/// What all messages of a site have in common.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) organization: OrganizationId,
    pub(super) topic: TopicArn,
    key: Arc<SigningKey>,
}

/// Keys that were opened and signatures that were made.
#[derive(Default)]
pub(super) struct Known {
    senders: Mutex<HashMap<OrganizationId, Sender>>,
    signatures: Mutex<HashMap<String, String>>,
}

impl Known {
    fn sender(&self, organization: &OrganizationId) -> Option<Sender> {
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.get(organization).cloned()
    }

    fn keep_sender(&self, sender: Sender) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.insert(sender.organization.clone(), sender);
    }

    fn signature(&self, name: &str) -> Option<String> {
        let signatures = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        signatures.get(name).cloned()
    }

    fn keep_signature(&self, name: &str, signature: &str) {
        let mut signatures = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        if SIGNATURES_MAX <= signatures.len() {
            signatures.clear();
        }
        signatures.insert(name.to_owned(), signature.to_owned());
    }
}

impl Site {
    /// The sender of a site's messages. Its key is made when there is none.
    pub(super) async fn sender(&self, organization: &OrganizationId) -> Result<Sender, Error> {
        const GONE: Error = Error::Fault("a site with subscriptions has no row");
        if let Some(sender) = self.dispatch.known.sender(organization) {
            return Ok(sender);
        }
        let topic = self.topic(organization).await?.ok_or(GONE)?;
        let key = match self.stored_key(organization).await? {
            Some(key) => key,
            None => self.make_key(organization).await?,
        };
        let sender = Sender { organization: organization.clone(), topic, key: Arc::new(key) };
        self.dispatch.known.keep_sender(sender.clone());
        Ok(sender)
    }

    async fn stored_key(&self, organization: &OrganizationId) -> Result<Option<SigningKey>, Error> {
        const FAULT: Error = Error::Fault("a stored notification key cannot be read");
        let found = self
            .look_up(organization.clone(), |tx, organization| {
                Box::pin(async move { Ok(tx.notification_key(organization).await?) })
            })
            .await?;
        let Some((_id, sealed)) = found else { return Ok(None) };
        let pkcs8 = self.keyring().open_notification_key(organization, &sealed)?;
        SigningKey::from_pkcs8(&pkcs8).map(Some).ok_or(FAULT)
    }

    /// Makes the key of a site. Of nodes that do so at once, all use the oldest from their next
    /// start on; until then each uses its own, whose certificate is kept as well.
    async fn make_key(&self, organization: &OrganizationId) -> Result<SigningKey, Error> {
        const FAULT: Error = Error::Fault("a notification key could not be made");
        let parts = Arc::clone(&self.parts);
        let making = tokio::task::spawn_blocking(move || {
            SigningKey::generate(&mut |bytes: &mut [u8]| parts.random.fill(bytes))
        });
        let (key, pkcs8, certificate) = making.await.ok().flatten().ok_or(FAULT)?;
        let sealed = self.keyring().seal_notification_key(organization, &pkcs8, self.random())?;
        let input = (organization.clone(), key.id().to_owned(), sealed, certificate, self.now());
        self.write(input, |tx, (organization, id, sealed, certificate, now)| {
            Box::pin(async move {
                tx.insert_notification_key(organization, id, sealed, certificate, *now).await?;
                Ok(())
            })
        })
        .await?;
        Ok(key)
    }

    /// The question whether an endpoint wants to be told.
    pub(super) fn confirmation(
        &self,
        sender: &Sender,
        subscription: &Subscription,
    ) -> Result<String, Error> {
        let token = self.keyring().subscription_token(
            SubscriptionPurpose::Confirm,
            &sender.organization,
            &subscription.id,
        );
        let base_url = self.link_base(sender, subscription);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "ConfirmSubscription")
            .append_pair("TopicArn", sender.topic.as_str())
            .append_pair("Token", &token)
            .finish();
        let message = Confirmation {
            message_id: subscription.id.as_str(),
            topic: &sender.topic,
            token: &token,
            subscribe_url: &format!("{base_url}?{query}"),
            timestamp: subscription.created,
            certificate_url: &format!("{base_url}/{}.pem", sender.key.id()),
        };
        message.body(&sender.key, self.signature_version()).ok_or(UNSIGNED)
    }

    /// What a subscriber is told of an event.
    pub(super) fn notification(
        &self,
        sender: &Sender,
        subscription: &Subscription,
        event: &Event,
    ) -> Result<String, Error> {
        let token = self.keyring().subscription_token(
            SubscriptionPurpose::Unsubscribe,
            &sender.organization,
            &subscription.id,
        );
        let base_url = self.link_base(sender, subscription);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "Unsubscribe")
            .append_pair("SubscriptionArn", &sender.topic.subscription(subscription.id.as_str()))
            .append_pair("Token", &token)
            .finish();
        let message = Notification {
            message_id: &event.id,
            topic: &sender.topic,
            message: &event_message(&sender.organization, event).ok_or(UNSIGNED)?,
            timestamp: event.created,
            certificate_url: &format!("{base_url}/{}.pem", sender.key.id()),
            unsubscribe_url: &format!("{base_url}?{query}"),
        };
        let signature = self.signature_of(sender, &message)?;
        message.body(self.signature_version(), &signature).ok_or(UNSIGNED)
    }

    fn signature_of(&self, sender: &Sender, message: &Notification<'_>) -> Result<String, Error> {
        let known = &self.dispatch.known;
        // While nodes make a site's first key at once there is more than one.
        let name = format!("{}|{}", sender.key.id(), message.message_id);
        if let Some(signature) = known.signature(&name) {
            return Ok(signature);
        }
        let made = message.signature(&sender.key, self.signature_version()).ok_or(UNSIGNED)?;
        known.keep_signature(&name, &made);
        Ok(made)
    }

    fn signature_version(&self) -> SignatureVersion {
        self.settings().notifications.signature_version
    }

    /// What the links of a message begin with: where this server's door for them is.
    fn link_base(&self, sender: &Sender, subscription: &Subscription) -> String {
        let public_url = self.settings().notifications.public_url.as_deref();
        let base_url = public_url.unwrap_or(&subscription.base_url);
        format!("{base_url}/notifications/{}", sender.organization)
    }
}
