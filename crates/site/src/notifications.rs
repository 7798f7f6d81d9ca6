//! Notifications: who is told of a site's events, and what became of the telling.

mod asking;
mod calls;
mod dispatch;
mod events;
mod messages;
mod pace;
mod serving;

use docharbor_domain::limits::{SUBSCRIPTION_TOKEN_LIFETIME_MS, SUBSCRIPTIONS_MAX};
use docharbor_domain::{
    Call, OrganizationId, Refusal, Subscription, SubscriptionId, SubscriptionProtocol,
    SubscriptionStatus, Timestamp,
};
use docharbor_metadata::{Asked, DeliveryState, LoggedDelivery, Tx};
use docharbor_notify::{Endpoint, Failure, SignatureVersion, TopicArn};

use crate::keyring::SubscriptionPurpose;
use crate::{Error, Site};

pub(crate) use dispatch::Dispatch;
pub(crate) use events::tell;

/// Rows that one step of the clearing touches at the most.
const CLEARED_AT_ONCE: i64 = 200;

/// Deliveries that one transaction makes due once more at the most.
const RESENT_AT_ONCE: i64 = 1_000;

/// What can be set about notifications.
#[derive(Clone, Debug)]
pub struct NotificationSettings {
    /// What links in messages begin with; without it, what whoever subscribed reached us by.
    pub public_url: Option<String>,
    /// How messages are signed.
    pub signature_version: SignatureVersion,
    /// How often a delivery is tried.
    pub attempts_max: i64,
    /// How long after the first attempt the second follows, in milliseconds; each wait is twice the
    /// one before, up to an hour.
    pub first_wait_ms: i64,
    /// How long events and what became of them are kept, in milliseconds.
    pub log_retention_ms: i64,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            signature_version: SignatureVersion::One,
            attempts_max: 16,
            first_wait_ms: 1_000,
            log_retention_ms: 14 * 24 * 3_600_000,
        }
    }
}

/// A subscription to be made.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// Where the subscriber is reached.
    pub endpoint: String,
    /// How.
    pub protocol: SubscriptionProtocol,
    /// How whoever makes it reached this server.
    pub base_url: String,
}

/// A page of a site's subscriptions.
#[derive(Clone, Debug)]
pub struct SubscriptionsPage {
    /// The subscriptions, oldest first.
    pub subscriptions: Vec<Subscription>,
    /// The moment and id behind which the next page begins, if there is one.
    pub next: Option<(i64, String)>,
}

/// What became of a visit to a link in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visited {
    /// The subscription.
    pub id: SubscriptionId,
    /// Its ARN.
    pub arn: String,
}

impl Site {
    /// Subscribes an endpoint to a site's events. It is asked whether it wants them, once; until it
    /// says so it is told nothing.
    pub async fn create_subscription(
        &self,
        call: &Call,
        new: NewSubscription,
    ) -> Result<Subscription, Error> {
        call.require_administration()?;
        let endpoint = Endpoint::parse(&new.endpoint, new.protocol);
        let endpoint = endpoint.map_err(|error| bad_endpoint(error.text()))?;
        if let Err(failure) = self.parts.courier.check(&endpoint).await {
            return Err(bad_endpoint(reason(&failure)).into());
        }
        let subscription = Subscription {
            id: SubscriptionId::from_random(self.random()),
            endpoint: new.endpoint,
            protocol: new.protocol,
            status: SubscriptionStatus::Pending,
            base_url: new.base_url,
            creator: call.caller().principal().to_owned(),
            created: self.now(),
        };
        let input = (call.clone(), subscription);
        let made = self.change(call, input, |tx, (call, new)| Box::pin(create(tx, call, new)));
        let made = made.await?;
        self.dispatch.wake();
        Ok(made)
    }

    /// Ends a subscription: nothing is sent to it any more.
    pub async fn delete_subscription(&self, call: &Call, id: SubscriptionId) -> Result<(), Error> {
        call.require_administration()?;
        self.change(call, (call.clone(), id), |tx, (call, id)| {
            Box::pin(async move {
                if tx.delete_subscription(call.organization(), id).await? {
                    return Ok(());
                }
                let ids = vec![id.as_str().to_owned()];
                Err(Refusal::NotFound { what: "the subscription", ids }.into())
            })
        })
        .await
    }

    /// Reads a page of a site's subscriptions, behind a moment and an id.
    pub async fn subscriptions(
        &self,
        call: &Call,
        after: Option<(i64, String)>,
        limit: i64,
    ) -> Result<SubscriptionsPage, Error> {
        call.require_administration()?;
        let (after_ms, after_id) = after.unwrap_or((i64::MIN, String::new()));
        let input =
            (call.organization().clone(), Timestamp::from_millis(after_ms), after_id, limit);
        let mut subscriptions = self
            .read(input, |tx, (organization, moment, id, limit)| {
                Box::pin(async move {
                    // One more than the page holds tells whether another page follows.
                    Ok(tx.subscriptions(organization, (*moment, id), limit + 1).await?)
                })
            })
            .await?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = subscriptions.len() > most;
        subscriptions.truncate(most);
        let next = subscriptions
            .last()
            .filter(|_| has_more)
            .map(|last| (last.created.as_millis(), last.id.as_str().to_owned()));
        Ok(SubscriptionsPage { subscriptions, next })
    }

    /// Confirms the subscription that a token was sent to. Nothing when it was sent to none, or its
    /// time is over.
    pub async fn confirm_subscription(
        &self,
        organization: &OrganizationId,
        token: &str,
    ) -> Result<Option<Visited>, Error> {
        let confirm = SubscriptionPurpose::Confirm;
        let Some(id) = self.keyring().subscription_of(confirm, organization, token) else {
            return Ok(None);
        };
        let made_after = self.now().plus_millis(-SUBSCRIPTION_TOKEN_LIFETIME_MS);
        let input = (organization.clone(), id.clone(), made_after);
        let confirmed = self
            .write(input, |tx, (organization, id, made_after)| {
                Box::pin(async move {
                    Ok(tx.confirm_subscription(organization, id, *made_after).await?)
                })
            })
            .await?;
        self.visited(organization, id, confirmed).await
    }

    /// Ends the subscription that a token stands for. Nothing when it stands for none.
    pub async fn unsubscribe(
        &self,
        organization: &OrganizationId,
        token: &str,
    ) -> Result<Option<Visited>, Error> {
        let unsubscribe = SubscriptionPurpose::Unsubscribe;
        let Some(id) = self.keyring().subscription_of(unsubscribe, organization, token) else {
            return Ok(None);
        };
        self.write((organization.clone(), id.clone()), |tx, (organization, id)| {
            Box::pin(async move { Ok(tx.delete_subscription(organization, id).await?) })
        })
        .await?;
        self.visited(organization, id, true).await
    }

    async fn visited(
        &self,
        organization: &OrganizationId,
        id: SubscriptionId,
        is_done: bool,
    ) -> Result<Option<Visited>, Error> {
        if !is_done {
            return Ok(None);
        }
        let topic = self.topic(organization).await?;
        Ok(topic.map(|topic| Visited { arn: topic.subscription(id.as_str()), id }))
    }

    /// The topic of a site, if there is such a site.
    async fn topic(&self, organization: &OrganizationId) -> Result<Option<TopicArn>, Error> {
        let rows = self.organization_rows().await?;
        let row = rows.into_iter().find(|row| row.id == *organization);
        Ok(row.map(|row| TopicArn::new(&row.account_id, organization)))
    }

    /// The certificate by which receivers know a site's messages.
    pub async fn notification_certificate(
        &self,
        organization: &OrganizationId,
        id: &str,
    ) -> Result<Option<String>, Error> {
        self.look_up((organization.clone(), id.to_owned()), |tx, (organization, id)| {
            Box::pin(async move { Ok(tx.notification_certificate(organization, id).await?) })
        })
        .await
    }

    /// Every subscription of a site, with whether its endpoint was asked.
    pub async fn all_subscriptions(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<(Subscription, Asked)>, Error> {
        self.read(organization.clone(), |tx, organization| {
            Box::pin(async move {
                let beginning = (Timestamp::from_millis(i64::MIN), "");
                let found = tx.subscriptions(organization, beginning, SUBSCRIPTIONS_MAX).await?;
                let mut all = Vec::with_capacity(found.len());
                for subscription in found {
                    let asked = tx.asked(organization, &subscription.id).await?;
                    all.push((subscription, asked));
                }
                Ok(all)
            })
        })
        .await
    }

    /// The latest deliveries of a site, newest first.
    pub async fn deliveries(
        &self,
        organization: &OrganizationId,
        state: Option<DeliveryState>,
        limit: i64,
    ) -> Result<Vec<LoggedDelivery>, Error> {
        self.read((organization.clone(), state, limit), |tx, (organization, state, limit)| {
            Box::pin(async move { Ok(tx.deliveries(organization, *state, *limit).await?) })
        })
        .await
    }

    /// Sends once more: what was given up, or one event to all who were to be told of it. Tells how
    /// many deliveries that are.
    pub async fn resend(
        &self,
        organization: &OrganizationId,
        event: Option<String>,
    ) -> Result<u64, Error> {
        let count = match event {
            Some(event) => {
                let input = (organization.clone(), event, self.now());
                self.write(input, |tx, (organization, event, now)| {
                    Box::pin(async move { Ok(tx.resend_event(organization, event, *now).await?) })
                })
                .await?
            }
            None => self.resend_dead(organization).await?,
        };
        self.dispatch.wake();
        Ok(count)
    }

    async fn resend_dead(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let now = self.now();
        let mut count = 0;
        loop {
            let step = self
                .write((organization.clone(), now), |tx, (organization, now)| {
                    Box::pin(async move {
                        Ok(tx.resend_dead(organization, *now, RESENT_AT_ONCE).await?)
                    })
                })
                .await?;
            count += step;
            if step < RESENT_AT_ONCE.unsigned_abs() {
                return Ok(count);
            }
        }
    }

    /// Forgets what is too old: questions nobody answered, events, what is left of subscriptions.
    pub(crate) async fn clear_notifications(
        &self,
        organization: &OrganizationId,
    ) -> Result<u64, Error> {
        let now = self.now();
        let unanswered = now.plus_millis(-SUBSCRIPTION_TOKEN_LIFETIME_MS);
        let old = now.plus_millis(-self.settings().notifications.log_retention_ms);
        let mut cleared = 0;
        loop {
            let input = (organization.clone(), unanswered, old);
            let step = self
                .write(input, |tx, (organization, unanswered, old)| {
                    Box::pin(async move {
                        tx.expire_subscriptions(organization, *unanswered).await?;
                        let ended =
                            tx.remove_ended_subscriptions(organization, CLEARED_AT_ONCE).await?;
                        let events =
                            tx.remove_old_events(organization, *old, CLEARED_AT_ONCE).await?;
                        Ok(ended + u64::try_from(events).unwrap_or(u64::MAX))
                    })
                })
                .await?;
            cleared += step;
            if step == 0 {
                return Ok(cleared);
            }
        }
    }
}

async fn create(tx: &mut Tx, call: &Call, new: &Subscription) -> Result<Subscription, Error> {
    let organization = call.organization();
    // Whoever else subscribes waits here, so that the count stays true.
    tx.lock_organization(organization).await?;
    if SUBSCRIPTIONS_MAX <= tx.count_subscriptions(organization).await? {
        return Err(Refusal::TooManySubscriptions.into());
    }
    tx.insert_subscription(organization, new).await?;
    Ok(new.clone())
}

const fn bad_endpoint(reason: &'static str) -> Refusal {
    Refusal::InvalidArgument { member: "Endpoint", reason }
}

/// Why an endpoint is not taken, and what to do about it.
const fn reason(failure: &Failure) -> &'static str {
    match failure {
        Failure::NotAllowed(reason) => reason,
        Failure::NoQueueAccess => {
            "queues need an access key: set notification_sqs_access_key_id and \
             notification_sqs_secret_access_key"
        }
        Failure::Busy => "too many names are being looked up; try again in a moment",
        Failure::Unresolved
        | Failure::Unreachable
        | Failure::Tls
        | Failure::TimedOut
        | Failure::Redirected(_)
        | Failure::Status(_)
        | Failure::Broken
        | Failure::NotAQueue => {
            "its host's name leads to no address from this server; correct it, or try again later"
        }
    }
}
