//! Brings events out of the outbox to whoever subscribed. No call of the API waits for any of it, and
//! no subscriber for another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use docharbor_domain::{
    Event, OrganizationId, Subscription, SubscriptionId, SubscriptionProtocol, SubscriptionStatus,
    Timestamp,
};
use docharbor_metadata::{Claim, Outcome};
use docharbor_notify::{Confirmation, Endpoint, Failure, Line, Notification, Outgoing};
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::messages::{Known, Sender};
use crate::{Error, Site, chain};

/// How often somebody looks for what is due, if nothing says so.
const TICK: Duration = Duration::from_secs(1);

/// Endpoints that are called at once.
const CALLS_MAX: usize = 64;

/// Endpoints of one site that are asked to confirm in one round, and within a minute: whoever may
/// subscribe must not make this server a flood.
const ASKED_AT_ONCE: i64 = 4;
const ASKED_A_MINUTE: i64 = 300;

/// Events that one transaction makes deliveries of.
const SPREAD_AT_ONCE: i64 = 100;

/// Deliveries that are taken on at once for one subscriber.
const CLAIMED_AT_ONCE: i64 = 50;

/// How long whoever takes deliveries on has for them before they are given up for lost.
const LEASE_MS: i64 = 30_000;

/// From then on none of them is begun: an attempt may take 10 s.
const BEGIN_WITHIN: Duration = Duration::from_secs(15);

/// The longest wait between two attempts.
const WAIT_MAX_MS: i64 = 3_600_000;

/// The longest that an endpoint which does not answer is left alone, whatever is due for it.
const PAUSE_MAX_MS: i64 = 300_000;

type Key = (OrganizationId, SubscriptionId);

/// What the dispatcher and those who wake it share.
#[derive(Default)]
pub(crate) struct Dispatch {
    work: Notify,
    /// Whether anybody subscribed, as far as this node knows.
    has_subscribers: AtomicBool,
    pub(super) known: Known,
}

impl Dispatch {
    /// There is something to do.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }

    /// Something changed that somebody may want to be told of.
    pub(crate) fn changed(&self) {
        if self.has_subscribers.load(Ordering::Relaxed) {
            self.wake();
        }
    }
}

/// The calls that are going on, and whom to leave alone.
#[derive(Default)]
struct Round {
    calls: JoinSet<End>,
    busy: HashMap<Id, Key>,
    paused: HashMap<Key, Pause>,
    /// The endpoints of each site that were asked to confirm since a moment.
    asked: HashMap<OrganizationId, (Timestamp, i64)>,
}

struct Pause {
    failures: u32,
    until: Timestamp,
}

/// How the work for one subscriber ended for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Everything that was taken on was brought to an end.
    Done,
    /// The endpoint does not answer.
    Silent,
}

impl Site {
    /// Tells subscribers as there is something to tell, until it is dropped.
    pub async fn run_notifications(&self) {
        let mut round = Round::default();
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.dispatch.work.notified() => {}
                Some(ended) = round.calls.join_next_with_id() => self.end(&mut round, ended),
            }
            if let Err(error) = self.begin_round(&mut round).await {
                tracing::warn!(error = chain(&error), "notifications failed, will go on");
            }
        }
    }

    /// Does all that is due now, and waits for it.
    pub async fn run_notifications_once(&self) -> Result<(), Error> {
        let mut round = Round::default();
        loop {
            self.begin_round(&mut round).await?;
            let Some(ended) = round.calls.join_next_with_id().await else { return Ok(()) };
            self.end(&mut round, ended);
        }
    }

    async fn begin_round(&self, round: &mut Round) -> Result<(), Error> {
        let organizations = self
            .look_up((), |tx, ()| Box::pin(async move { Ok(tx.subscribed_organizations().await?) }))
            .await?;
        self.dispatch.has_subscribers.store(!organizations.is_empty(), Ordering::Relaxed);
        let mut failure = None;
        for organization in organizations {
            if let Err(error) = self.begin_site(round, &organization).await {
                failure.get_or_insert(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn begin_site(
        &self,
        round: &mut Round,
        organization: &OrganizationId,
    ) -> Result<(), Error> {
        let may_ask = round.may_ask(organization, self.now());
        for subscription in self.take_questions(organization, may_ask).await? {
            round.note_asked(organization);
            let (site, organization) = (self.clone(), organization.clone());
            round.calls.spawn(async move { site.ask(&organization, &subscription).await });
        }
        self.spread(organization).await?;
        let now = self.now();
        let due = self
            .read((organization.clone(), now), |tx, (organization, now)| {
                Box::pin(async move { Ok(tx.due_subscriptions(organization, *now).await?) })
            })
            .await?;
        for subscription in due {
            let key = (organization.clone(), subscription.id.clone());
            if !round.may_begin(&key, now) {
                continue;
            }
            let (site, organization) = (self.clone(), organization.clone());
            let call = round.calls.spawn(async move {
                let ended = site.serve(&organization, &subscription).await;
                ended.unwrap_or_else(|error| {
                    tracing::warn!(error = chain(&error), "a subscriber could not be served");
                    End::Silent
                })
            });
            round.busy.insert(call.id(), key);
        }
        Ok(())
    }

    /// Notes how the work for a subscriber ended. One whose work panicked is left alone too.
    fn end(&self, round: &mut Round, ended: Result<(Id, End), JoinError>) {
        let (id, end) = ended.unwrap_or_else(|error| (error.id(), End::Silent));
        let Some(key) = round.busy.remove(&id) else { return };
        let before = round.paused.remove(&key).map_or(0, |pause| pause.failures);
        if end == End::Silent {
            let failures = before.saturating_add(1);
            let pause_ms = self.wait_ms(i64::from(failures)).min(PAUSE_MAX_MS);
            let until = self.now().plus_millis(pause_ms);
            round.paused.insert(key, Pause { failures, until });
        }
    }

    /// Makes a delivery for each subscriber of each new event.
    async fn spread(&self, organization: &OrganizationId) -> Result<(), Error> {
        let has_new = self
            .look_up(organization.clone(), |tx, organization| {
                Box::pin(async move { Ok(tx.has_new_events(organization).await?) })
            })
            .await?;
        if !has_new {
            return Ok(());
        }
        loop {
            let spread = self
                .write(organization.clone(), |tx, organization| {
                    Box::pin(
                        async move { Ok(tx.spread_events(organization, SPREAD_AT_ONCE).await?) },
                    )
                })
                .await?;
            if spread < SPREAD_AT_ONCE.unsigned_abs() {
                return Ok(());
            }
        }
    }

    /// Takes on asking some endpoints to confirm. Whoever takes it on asks; nobody does so twice.
    async fn take_questions(
        &self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<Vec<Subscription>, Error> {
        let unasked = self
            .read((organization.clone(), limit), |tx, (organization, limit)| {
                Box::pin(async move { Ok(tx.unasked_subscriptions(organization, *limit).await?) })
            })
            .await?;
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

    /// Asks an endpoint to confirm. A queue that takes the question has confirmed: it takes messages
    /// from those alone whom its owner lets send to it.
    async fn ask(&self, organization: &OrganizationId, subscription: &Subscription) -> End {
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
            let sent = match self.line(subscription) {
                Ok(mut line) => line.send(&message).await,
                Err(failure) => Err(failure),
            };
            self.asked(organization, subscription, sent).await
        };
        if let Err(error) = asked.await {
            tracing::warn!(error = chain(&error), "an endpoint could not be asked to confirm");
        }
        End::Done
    }

    async fn asked(
        &self,
        organization: &OrganizationId,
        subscription: &Subscription,
        sent: Result<(), Failure>,
    ) -> Result<(), Error> {
        let is_queue = subscription.protocol == SubscriptionProtocol::Sqs;
        let error = sent.err().map(|failure| failure.to_string());
        let input = (organization.clone(), subscription.clone(), error, is_queue);
        self.write(input, |tx, (organization, subscription, error, is_queue)| {
            Box::pin(async move {
                let id = &subscription.id;
                if let Some(error) = error {
                    tx.asked_in_vain(organization, id, error).await?;
                } else if *is_queue {
                    let before = subscription.created.plus_millis(-1);
                    tx.confirm_subscription(organization, id, before).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Brings a subscriber some of what is due.
    async fn serve(
        &self,
        organization: &OrganizationId,
        subscription: &Subscription,
    ) -> Result<End, Error> {
        let sender = self.sender(organization).await?;
        let input = (organization.clone(), subscription.id.clone(), self.now());
        let claims = self
            .write(input, |tx, (organization, id, now)| {
                Box::pin(async move {
                    let until = now.plus_millis(LEASE_MS);
                    Ok(tx.claim_deliveries(organization, id, *now, until, CLAIMED_AT_ONCE).await?)
                })
            })
            .await?;
        let (outcomes, end) = self.bring(&sender, subscription, claims).await?;
        let input = (organization.clone(), subscription.id.clone(), outcomes, self.now());
        self.write(input, |tx, (organization, id, outcomes, now)| {
            Box::pin(async move {
                for (claim, outcome) in outcomes {
                    tx.settle_delivery(organization, id, claim, outcome, *now).await?;
                }
                Ok(())
            })
        })
        .await?;
        Ok(end)
    }

    async fn bring(
        &self,
        sender: &Sender,
        subscription: &Subscription,
        claims: Vec<Claim>,
    ) -> Result<(Vec<(Claim, Outcome)>, End), Error> {
        let begun = Instant::now();
        let mut outcomes = Vec::with_capacity(claims.len());
        let mut claims = claims.into_iter();
        let mut line = self.line(subscription);
        let mut end = End::Done;
        while let Some(claim) = claims.next() {
            // Whoever ended the subscription is sent nothing more from then on.
            if BEGIN_WITHIN < begun.elapsed() || !self.is_confirmed(sender, subscription).await? {
                outcomes.push((claim, Outcome::Untried(self.now())));
                break;
            }
            let sent = match &mut line {
                Ok(line) => self.send(sender, subscription, line, &claim.event).await?,
                Err(failure) => Err(failure.clone()),
            };
            let Err(failure) = sent else {
                outcomes.push((claim, Outcome::Sent));
                continue;
            };
            let outcome = self.failed(&claim, &failure);
            outcomes.push((claim, outcome));
            if failure.is_of_endpoint() {
                // None of them could be sent now: this was the attempt at each of them.
                for claim in claims.by_ref() {
                    let outcome = self.failed(&claim, &failure);
                    outcomes.push((claim, outcome));
                }
            }
            if failure.is_of_endpoint() || failure == Failure::TimedOut {
                end = End::Silent;
                break;
            }
        }
        outcomes.extend(claims.map(|claim| (claim, Outcome::Untried(self.now()))));
        Ok((outcomes, end))
    }

    async fn is_confirmed(
        &self,
        sender: &Sender,
        subscription: &Subscription,
    ) -> Result<bool, Error> {
        let input = (sender.organization.clone(), subscription.id.clone());
        let found = self
            .look_up(input, |tx, (organization, id)| {
                Box::pin(async move { Ok(tx.subscription(organization, id).await?) })
            })
            .await?;
        Ok(found.is_some_and(|found| found.status == SubscriptionStatus::Confirmed))
    }

    async fn send(
        &self,
        sender: &Sender,
        subscription: &Subscription,
        line: &mut Line,
        event: &Event,
    ) -> Result<Result<(), Failure>, Error> {
        let body = self.notification(sender, subscription, event)?;
        let message = Outgoing {
            message_type: Notification::TYPE,
            message_id: &event.id,
            topic_arn: sender.topic.as_str(),
            subscription_arn: Some(&sender.topic.subscription(subscription.id.as_str())),
            body: &body,
            now: self.now(),
        };
        Ok(line.send(&message).await)
    }

    fn line(&self, subscription: &Subscription) -> Result<Line, Failure> {
        // It was a URL when it was taken; a later release may read it otherwise.
        let endpoint = Endpoint::parse(&subscription.endpoint, subscription.protocol);
        let endpoint = endpoint.map_err(|error| Failure::NotAllowed(error.text()))?;
        Ok(self.parts.courier.line(endpoint))
    }

    /// What an attempt in vain leads to.
    fn failed(&self, claim: &Claim, failure: &Failure) -> Outcome {
        if self.settings().notifications.attempts_max <= claim.attempt {
            return Outcome::Dead(failure.to_string());
        }
        let due = self.now().plus_millis(self.wait_ms(claim.attempt));
        Outcome::Again(due, failure.to_string())
    }

    /// How long after an attempt the next one follows: twice as long as before, and of that between a
    /// half and the whole, so that what failed together does not come again together.
    fn wait_ms(&self, attempt: i64) -> i64 {
        let doublings = u32::try_from(attempt.clamp(1, 40) - 1).unwrap_or(0);
        let first = self.settings().notifications.first_wait_ms;
        let longest = first.saturating_mul(1 << doublings).clamp(2, WAIT_MAX_MS);
        let chance = i64::from(u32::from_le_bytes(self.random()));
        longest / 2 + chance % (longest / 2)
    }
}

impl Round {
    /// How many endpoints of a site may be asked to confirm now.
    fn may_ask(&mut self, organization: &OrganizationId, now: Timestamp) -> i64 {
        let (since, count) = self.asked.entry(organization.clone()).or_insert((now, 0));
        if since.plus_millis(60_000) <= now || now < *since {
            (*since, *count) = (now, 0);
        }
        (ASKED_A_MINUTE - *count).min(ASKED_AT_ONCE)
    }

    fn note_asked(&mut self, organization: &OrganizationId) {
        if let Some((_, count)) = self.asked.get_mut(organization) {
            *count += 1;
        }
    }

    /// Whether a subscriber may be called now: one call at a time for each, and so many in all.
    fn may_begin(&self, key: &Key, now: Timestamp) -> bool {
        self.calls.len() < CALLS_MAX
            && !self.busy.values().any(|busy| busy == key)
            && self.paused.get(key).is_none_or(|pause| pause.until <= now)
    }
}
