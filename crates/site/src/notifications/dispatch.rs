//! Finds out who is to be told of what, and has it brought to them. No call of the API waits for any of
//! it, no subscriber for another, and no site for another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use docharbor_domain::{OrganizationId, Subscription, Timestamp};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::calls::{Calls, Key, Waiting};
use super::messages::Known;
use super::pace::Pace;
use super::serving::End;
use crate::{Error, Site, chain};

/// How often somebody looks for what is due, if nothing says so.
const TICK: Duration = Duration::from_secs(1);

/// The least time between two looks, whatever happens: one goes through all subscribers.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Endpoints that are called at once.
const CALLS_MAX: usize = 64;

/// Endpoints that are asked to confirm at once, besides.
const QUESTIONS_MAX: usize = 16;

/// Endpoints of one site that are asked to confirm within a minute: whoever may subscribe must not make
/// this server a flood.
const ASKED_A_MINUTE: usize = 300;

/// Deliveries that one transaction makes.
const SPREAD_AT_ONCE: i64 = 1_000;

/// The longest that an endpoint which does not answer is left alone, whatever is due for it.
const PAUSE_MAX_MS: i64 = 300_000;

/// How long after that it is remembered how often it did not answer.
const REMEMBERED_MS: i64 = 3_600_000;

/// Calls that use the database at once. Requests need its connections too, and whoever has to wait long
/// for one is refused.
const STORE_TURNS: usize = 4;

/// What the dispatcher, its calls and those who wake it share.
pub(crate) struct Dispatch {
    work: Notify,
    /// Whether anybody subscribed, as far as this node knows.
    has_subscribers: AtomicBool,
    pub(super) known: Known,
    store_turns: Semaphore,
    pub(super) pace: Pace,
}

impl Default for Dispatch {
    fn default() -> Self {
        Self {
            work: Notify::new(),
            has_subscribers: AtomicBool::new(false),
            known: Known::default(),
            store_turns: Semaphore::new(STORE_TURNS),
            pace: Pace::default(),
        }
    }
}

impl Dispatch {
    /// Somebody asks for something, which messages are not to delay.
    pub(crate) fn asked(&self) {
        self.pace.asked();
    }

    /// A call's turn at the database.
    pub(super) async fn store_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.store_turns.acquire().await.ok()
    }

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

/// The calls that are going on, who waits for one, and whom to leave alone.
struct Round {
    calls: Calls<End>,
    questions: Calls<()>,
    waiting: Waiting,
    paused: HashMap<Key, Pause>,
    /// The endpoints of each site that were asked to confirm since a moment.
    asked: HashMap<OrganizationId, (Timestamp, usize)>,
}

struct Pause {
    failures: u32,
    until: Timestamp,
}

impl Site {
    /// Tells subscribers as there is something to tell, until it is stopped.
    pub async fn run_notifications(&self) {
        let mut round = Round::new();
        let mut looked = Instant::now();
        let mut look_at = looked;
        loop {
            let soon = look_at.min(looked + LOOK_PAUSE);
            tokio::select! {
                () = self.stopped() => break,
                () = tokio::time::sleep_until(look_at) => {
                    let has_more = self.look(&mut round).await.unwrap_or_else(|error| {
                        tracing::warn!(error = chain(&error), "notifications failed, will go on");
                        false
                    });
                    looked = Instant::now();
                    look_at = looked + if has_more { Duration::ZERO } else { TICK };
                }
                () = self.dispatch.work.notified() => look_at = soon,
                Some((key, end)) = round.calls.ended() => {
                    self.end(&mut round, key, end);
                    look_at = soon;
                }
                Some(_) = round.questions.ended() => look_at = soon,
            }
            self.begin_calls(&mut round);
        }
        // Each notes what it has done.
        while round.calls.ended().await.is_some() {}
        while round.questions.ended().await.is_some() {}
    }

    /// Does all that is due now, and waits for it, unless it is stopped.
    pub async fn run_notifications_once(&self) -> Result<(), Error> {
        let mut round = Round::new();
        loop {
            let has_more = self.look(&mut round).await?;
            self.begin_calls(&mut round);
            if !has_more && round.calls.is_empty() && round.questions.is_empty() {
                return Ok(());
            }
            while let Some((key, end)) = round.calls.ended().await {
                self.end(&mut round, key, end);
                self.begin_calls(&mut round);
            }
            while round.questions.ended().await.is_some() {}
        }
    }

    /// Looks at each site for what is to be done there. True if there is more to be done at once.
    async fn look(&self, round: &mut Round) -> Result<bool, Error> {
        let organizations = self
            .look_up((), |tx, ()| Box::pin(async move { Ok(tx.subscribed_organizations().await?) }))
            .await?;
        self.dispatch.has_subscribers.store(!organizations.is_empty(), Ordering::Relaxed);
        round.forget(self.now());
        let mut outcome = Ok(false);
        for organization in organizations {
            if self.is_stopped() {
                return Ok(false);
            }
            match self.look_at_site(round, &organization).await {
                Ok(has_more) => outcome = outcome.map(|before| before || has_more),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    async fn look_at_site(
        &self,
        round: &mut Round,
        organization: &OrganizationId,
    ) -> Result<bool, Error> {
        let has_more = self.spread(organization).await?;
        let now = self.now();
        let may_ask = i64::try_from(round.may_ask(organization, now)).unwrap_or(0);
        let (unasked, due) = self
            .read((organization.clone(), may_ask, now), |tx, (organization, may_ask, now)| {
                Box::pin(async move {
                    let unasked = tx.unasked_subscriptions(organization, *may_ask).await?;
                    Ok((unasked, tx.due_subscriptions(organization, *now).await?))
                })
            })
            .await?;
        let may_be_called = |subscription: &Subscription| {
            round.may_be_called(&(organization.clone(), subscription.id.clone()), now)
        };
        let due = due.into_iter().filter(may_be_called).collect();
        round.waiting.set(organization, due);
        for subscription in self.take_questions(organization, unasked).await? {
            round.note_asked(organization);
            let key = (organization.clone(), subscription.id.clone());
            let (site, organization) = (self.clone(), organization.clone());
            let question = async move { site.ask(&organization, &subscription).await };
            round.questions.begin(key, question);
        }
        Ok(has_more)
    }

    /// Calls those who wait, as far as there is room.
    fn begin_calls(&self, round: &mut Round) {
        let Round { calls, waiting, .. } = round;
        while let Some((organization, subscription)) = waiting.next(|site| 0 < calls.room(site)) {
            let site = self.clone();
            let key = (organization.clone(), subscription.id.clone());
            calls.begin(key, async move {
                let ended = site.serve(&organization, &subscription).await;
                ended.unwrap_or_else(|error| {
                    tracing::warn!(error = chain(&error), "a subscriber could not be served");
                    End::Silent
                })
            });
        }
    }

    /// Notes how the work for a subscriber ended. One whose work panicked is left alone too.
    fn end(&self, round: &mut Round, key: Key, end: Option<End>) {
        let before = round.paused.remove(&key).map_or(0, |pause| pause.failures);
        if end != Some(End::Done) {
            let failures = before.saturating_add(1);
            let pause_ms = self.wait_ms(i64::from(failures)).min(PAUSE_MAX_MS);
            let until = self.now().plus_millis(pause_ms);
            round.paused.insert(key, Pause { failures, until });
        }
    }

    /// Makes deliveries of some new events, one for each subscriber. True if there are more of them.
    async fn spread(&self, organization: &OrganizationId) -> Result<bool, Error> {
        if !self.has_new_events(organization).await? {
            return Ok(false);
        }
        self.write(organization.clone(), |tx, organization| {
            Box::pin(async move { Ok(tx.spread_events(organization, SPREAD_AT_ONCE).await?) })
        })
        .await?;
        self.has_new_events(organization).await
    }

    async fn has_new_events(&self, organization: &OrganizationId) -> Result<bool, Error> {
        self.look_up(organization.clone(), |tx, organization| {
            Box::pin(async move { Ok(tx.has_new_events(organization).await?) })
        })
        .await
    }
}

impl Round {
    fn new() -> Self {
        Self {
            calls: Calls::new(CALLS_MAX),
            questions: Calls::new(QUESTIONS_MAX),
            waiting: Waiting::default(),
            paused: HashMap::new(),
            asked: HashMap::new(),
        }
    }

    /// How many endpoints of a site may be asked to confirm now.
    fn may_ask(&mut self, organization: &OrganizationId, now: Timestamp) -> usize {
        let (since, count) = self.asked.entry(organization.clone()).or_insert((now, 0));
        if since.plus_millis(60_000) <= now || now < *since {
            (*since, *count) = (now, 0);
        }
        ASKED_A_MINUTE.saturating_sub(*count).min(self.questions.room(organization))
    }

    fn note_asked(&mut self, organization: &OrganizationId) {
        if let Some((_, count)) = self.asked.get_mut(organization) {
            *count += 1;
        }
    }

    /// Whether a subscriber may be called: one call at a time for each.
    fn may_be_called(&self, key: &Key, now: Timestamp) -> bool {
        !self.calls.has(key) && self.paused.get(key).is_none_or(|pause| pause.until <= now)
    }

    /// Forgets who has not been called for long, as they may be no subscribers any more.
    fn forget(&mut self, now: Timestamp) {
        self.paused.retain(|_, pause| now < pause.until.plus_millis(REMEMBERED_MS));
    }
}
