//! Brings one subscriber what is due, over one line, many messages to a transaction.

use std::time::Duration;

use docharbor_domain::{Event, OrganizationId, Subscription};
use docharbor_metadata::{Claim, Outcome};
use docharbor_notify::{Endpoint, Failure, Line, Notification, Outgoing};
use tokio::time::Instant;

use super::messages::Sender;
use crate::{Error, Site, chain};

/// Deliveries that are taken on at once for one subscriber.
const CLAIMED_AT_ONCE: i64 = 50;

/// How long whoever takes deliveries on has for them before they are given up for lost.
const LEASE_MS: i64 = 30_000;

/// From then on none of them is begun: an attempt may take 10 s.
const BEGIN_WITHIN: Duration = Duration::from_secs(15);

/// From then on nothing more is taken on for a subscriber before the others had their turn.
const TURN: Duration = Duration::from_secs(2);

/// The longest wait between two attempts.
const WAIT_MAX_MS: i64 = 3_600_000;

/// How the work for one subscriber ended for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What was taken on was brought to an end.
    Done,
    /// The endpoint does not answer.
    Silent,
}

/// What came of the attempt at one message.
enum Attempt {
    Made(Result<(), Failure>),
    /// None was made, and none is to follow.
    NotMade,
}

impl Site {
    /// Brings a subscriber what is due, until nothing is or their turn is over.
    pub(super) async fn serve(
        &self,
        organization: &OrganizationId,
        subscription: &Subscription,
    ) -> Result<End, Error> {
        let sender = self.sender(organization).await?;
        let mut line = self.line(subscription);
        let begun = Instant::now();
        let mut claims = self.settle(&sender, subscription, Vec::new(), true).await?;
        while !claims.is_empty() {
            let (outcomes, end) = self.bring(&sender, subscription, &mut line, claims).await;
            let goes_on = end.is_none() && begun.elapsed() < TURN;
            claims = self.settle(&sender, subscription, outcomes, goes_on).await?;
            if let Some(end) = end {
                return Ok(end);
            }
        }
        Ok(End::Done)
    }

    /// Notes what became of deliveries and takes the next ones on, in one transaction.
    async fn settle(
        &self,
        sender: &Sender,
        subscription: &Subscription,
        outcomes: Vec<(Claim, Outcome)>,
        goes_on: bool,
    ) -> Result<Vec<Claim>, Error> {
        let input = (
            sender.organization.clone(),
            subscription.id.clone(),
            outcomes,
            if goes_on { CLAIMED_AT_ONCE } else { 0 },
            self.now(),
        );
        let _turn = self.dispatch.store_turn().await;
        self.write(input, |tx, (organization, id, outcomes, limit, now)| {
            Box::pin(async move {
                tx.settle_deliveries(organization, id, outcomes, *now).await?;
                if *limit == 0 {
                    return Ok(Vec::new());
                }
                let until = now.plus_millis(LEASE_MS);
                Ok(tx.claim_deliveries(organization, id, *now, until, *limit).await?)
            })
        })
        .await
    }

    /// Tries one message after the other. An end means that no more can be brought now.
    async fn bring(
        &self,
        sender: &Sender,
        subscription: &Subscription,
        line: &mut Result<Line, Failure>,
        claims: Vec<Claim>,
    ) -> (Vec<(Claim, Outcome)>, Option<End>) {
        let begun = Instant::now();
        let mut outcomes = Vec::with_capacity(claims.len());
        let mut claims = claims.into_iter();
        let mut end = None;
        while end.is_none()
            && let Some(claim) = claims.next()
        {
            let attempt = if self.is_stopped() || BEGIN_WITHIN < begun.elapsed() {
                Ok(Attempt::NotMade)
            } else {
                tokio::select! {
                    // An answer that is there counts.
                    biased;
                    attempt = self.attempt(sender, subscription, line, &claim.event) => attempt,
                    () = self.stopped() => Ok(Attempt::NotMade),
                }
            };
            let failure = match attempt {
                Ok(Attempt::Made(Ok(()))) => {
                    outcomes.push((claim, Outcome::Sent));
                    continue;
                }
                // Others take all the turns: this is no attempt at an endpoint.
                Ok(Attempt::Made(Err(Failure::Busy))) => {
                    outcomes.push((claim, Outcome::Untried(self.now())));
                    end = Some(End::Silent);
                    continue;
                }
                Ok(Attempt::Made(Err(failure))) => failure,
                Ok(Attempt::NotMade) => {
                    outcomes.push((claim, Outcome::Untried(self.now())));
                    end = Some(End::Done);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "a message could not be sent");
                    outcomes.push((claim, Outcome::Untried(self.now())));
                    end = Some(End::Silent);
                    continue;
                }
            };
            outcomes.push(self.failed(claim, &failure));
            if failure.is_of_endpoint() {
                // None of them could be sent now: this was the attempt at each of them.
                outcomes.extend(claims.by_ref().map(|claim| self.failed(claim, &failure)));
            }
            if failure.is_of_endpoint() || failure == Failure::TimedOut {
                end = Some(End::Silent);
            }
        }
        outcomes.extend(claims.map(|claim| (claim, Outcome::Untried(self.now()))));
        (outcomes, end)
    }

    /// Sends a message, unless the subscription has ended.
    async fn attempt(
        &self,
        sender: &Sender,
        subscription: &Subscription,
        line: &mut Result<Line, Failure>,
        event: &Event,
    ) -> Result<Attempt, Error> {
        self.dispatch.pace.turn().await;
        // Whoever ended the subscription is sent nothing more from then on.
        if !self.is_confirmed(sender, subscription).await? {
            return Ok(Attempt::NotMade);
        }
        let line = match line {
            Ok(line) => line,
            Err(failure) => return Ok(Attempt::Made(Err(failure.clone()))),
        };
        let body = self.notification(sender, subscription, event)?;
        let message = Outgoing {
            message_type: Notification::TYPE,
            message_id: &event.id,
            topic_arn: sender.topic.as_str(),
            subscription_arn: Some(&sender.topic.subscription(subscription.id.as_str())),
            body: &body,
            now: self.now(),
        };
        Ok(Attempt::Made(line.send(&message).await))
    }

    async fn is_confirmed(
        &self,
        sender: &Sender,
        subscription: &Subscription,
    ) -> Result<bool, Error> {
        let input = (sender.organization.clone(), subscription.id.clone());
        let _turn = self.dispatch.store_turn().await;
        self.look_up(input, |tx, (organization, id)| {
            Box::pin(async move { Ok(tx.is_confirmed(organization, id).await?) })
        })
        .await
    }

    pub(super) fn line(&self, subscription: &Subscription) -> Result<Line, Failure> {
        // It was a URL when it was taken; a later release may read it otherwise.
        let endpoint = Endpoint::parse(&subscription.endpoint, subscription.protocol);
        let endpoint = endpoint.map_err(|error| Failure::NotAllowed(error.text()))?;
        Ok(self.parts.courier.line(endpoint))
    }

    /// What an attempt in vain leads to.
    fn failed(&self, claim: Claim, failure: &Failure) -> (Claim, Outcome) {
        let outcome = if self.settings().notifications.attempts_max <= claim.attempt {
            Outcome::Dead(failure.to_string())
        } else {
            let due = self.now().plus_millis(self.wait_ms(claim.attempt));
            Outcome::Again(due, failure.to_string())
        };
        (claim, outcome)
    }

    /// How long after an attempt the next one follows: twice as long as before, and of that between a
    /// half and the whole, so that what failed together does not come again together.
    pub(super) fn wait_ms(&self, attempt: i64) -> i64 {
        let doublings = u32::try_from(attempt.clamp(1, 40) - 1).unwrap_or(0);
        let first = self.settings().notifications.first_wait_ms;
        let longest = first.saturating_mul(1 << doublings).clamp(2, WAIT_MAX_MS);
        let chance = i64::from(u32::from_le_bytes(self.random()));
        longest / 2 + chance % (longest / 2)
    }
}
