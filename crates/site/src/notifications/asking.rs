//! Asks endpoints whether they want to be told: once each, unless a stop breaks it off, and not many at a
//! time.

use docharbor_domain::{OrganizationId, Subscription, SubscriptionProtocol};
use docharbor_notify::{Confirmation, Failure, Outgoing};

use crate::{Error, Site, chain};

impl Site {
    /// Takes on asking some endpoints to confirm. Whoever takes it on asks; nobody does so twice.
    pub(super) async fn take_questions(
        &self,
        organization: &OrganizationId,
        unasked: Vec<Subscription>,
    ) -> Result<Vec<Subscription>, Error> {
        if unasked.is_empty() {
            return Ok(Vec::new());
        }
        let input = (organization.clone(), unasked, self.now());
        self.write(input, |tx, (organization, unasked, now)| {
            Box::pin(async move {
                let mut taken = Vec::new();
                for subscription in unasked {
                    if tx.take_asking(organization, &subscription.id, *now).await? {
                        taken.push(subscription.clone());
                    }
                }
                Ok(taken)
            })
        })
        .await
    }

    /// Asks an endpoint to confirm. The queue of the only site has confirmed when it takes the question: it
    /// takes messages from those alone whom its owner lets send to it. Where there are several sites the
    /// server's key may reach the queue of another one, so somebody who reads it has to say yes.
    pub(super) async fn ask(&self, organization: &OrganizationId, subscription: &Subscription) {
        let asked = async {
            let sender = self.sender(organization).await?;
            let body = self.confirmation(&sender, subscription)?;
            let message = Outgoing {
                message_type: Confirmation::TYPE,
                message_id: subscription.id.as_str(),
                topic_arn: sender.topic.as_str(),
                subscription_arn: None,
                body: &body,
                now: self.now(),
            };
            let sending = async { self.line(subscription)?.send(&message).await };
            let sent = tokio::select! {
                biased;
                sent = sending => sent,
                // Whoever serves the site next asks again: nobody knows whether the question arrived.
                () = self.stopped() => Err(Failure::Busy),
            };
            self.asked(organization, subscription, sent).await
        };
        if let Err(error) = asked.await {
            tracing::warn!(error = chain(&error), "an endpoint could not be asked to confirm");
        }
    }

    async fn asked(
        &self,
        organization: &OrganizationId,
        subscription: &Subscription,
        sent: Result<(), Failure>,
    ) -> Result<(), Error> {
        let confirms = subscription.protocol == SubscriptionProtocol::Sqs
            && self.organization_rows().await?.len() == 1;
        let failure = sent.err();
        let input = (organization.clone(), subscription.clone(), failure, confirms);
        self.write(input, |tx, (organization, subscription, failure, confirms)| {
            Box::pin(async move {
                let id = &subscription.id;
                if *failure == Some(Failure::Busy) {
                    tx.give_back_asking(organization, id).await?;
                } else if let Some(failure) = failure {
                    tx.asked_in_vain(organization, id, &failure.to_string()).await?;
                } else if *confirms {
                    let before = subscription.created.plus_millis(-1);
                    tx.confirm_subscription(organization, id, before).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
