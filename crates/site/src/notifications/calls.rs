//! Who is called and who waits for it: no site takes all the calls for itself.

use std::collections::{HashMap, VecDeque};

use docharbor_domain::{OrganizationId, Subscription, SubscriptionId};
use tokio::task::{Id, JoinSet};

/// A site may have so many times the calls that are free: three quarters of all when it is alone, and
/// fewer with each other site that has some.
const SHARE: usize = 3;

/// A subscriber.
pub(super) type Key = (OrganizationId, SubscriptionId);

/// Calls that go on, of which there is a most.
pub(super) struct Calls<T> {
    most: usize,
    tasks: JoinSet<T>,
    called: HashMap<Id, Key>,
}

impl<T: Send + 'static> Calls<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, tasks: JoinSet::new(), called: HashMap::new() }
    }

    /// How many more subscribers of a site may be called.
    pub(super) fn room(&self, organization: &OrganizationId) -> usize {
        let free = self.most.saturating_sub(self.called.len());
        let theirs = self.called.values().filter(|(whose, _)| whose == organization).count();
        // Each that begins is one more of theirs and one less that is free.
        (SHARE * free).saturating_sub(theirs).div_ceil(SHARE + 1)
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.called.values().any(|called| called == key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.called.is_empty()
    }

    pub(super) fn begin(&mut self, key: Key, call: impl Future<Output = T> + Send + 'static) {
        let task = self.tasks.spawn(call);
        self.called.insert(task.id(), key);
    }

    /// Waits for a call to end; there is none when no call goes on. One that panicked ended with nothing.
    pub(super) async fn ended(&mut self) -> Option<(Key, Option<T>)> {
        let (id, end) = match self.tasks.join_next_with_id().await? {
            Ok((id, end)) => (id, Some(end)),
            Err(error) => (error.id(), None),
        };
        self.called.remove(&id).map(|key| (key, end))
    }
}

/// Those who wait to be called, site by site.
#[derive(Default)]
pub(super) struct Waiting(VecDeque<(OrganizationId, VecDeque<Subscription>)>);

impl Waiting {
    /// Takes note of who waits at a site now, in their order. The site keeps its place among the others.
    pub(super) fn set(&mut self, organization: &OrganizationId, waiting: VecDeque<Subscription>) {
        match self.0.iter_mut().find(|(site, _)| site == organization) {
            Some((_, before)) => *before = waiting,
            None => self.0.push_back((organization.clone(), waiting)),
        }
    }

    /// The next one, of the site whose turn it is of those that have room.
    pub(super) fn next(
        &mut self,
        has_room: impl Fn(&OrganizationId) -> bool,
    ) -> Option<(OrganizationId, Subscription)> {
        let is_next = |(site, waiting): &(_, VecDeque<_>)| !waiting.is_empty() && has_room(site);
        let at = self.0.iter().position(is_next)?;
        let (organization, mut waiting) = self.0.remove(at)?;
        let next = waiting.pop_front()?;
        self.0.push_back((organization.clone(), waiting));
        Some((organization, next))
    }
}

#[cfg(test)]
mod tests {
    use docharbor_domain::{SubscriptionProtocol, SubscriptionStatus, Timestamp};

    use super::*;

    fn site(number: usize) -> OrganizationId {
        OrganizationId::new(format!("d-{number:010}"))
    }

    fn subscriber(number: usize) -> Subscription {
        Subscription {
            id: SubscriptionId::new(format!("{number}")),
            endpoint: "https://hook.example/".to_owned(),
            protocol: SubscriptionProtocol::Https,
            status: SubscriptionStatus::Confirmed,
            base_url: "https://docs.example".to_owned(),
            creator: "ann".to_owned(),
            created: Timestamp::from_millis(0),
        }
    }

    /// Lets a site call as many hanging subscribers as it may.
    fn fill(calls: &mut Calls<()>, organization: &OrganizationId) -> usize {
        let room = calls.room(organization);
        for number in 0..room {
            let key = (organization.clone(), subscriber(number).id);
            calls.begin(key, std::future::pending());
        }
        assert_eq!(calls.room(organization), 0);
        room
    }

    #[tokio::test]
    async fn a_site_alone_has_most_of_the_calls_and_leaves_some_to_each_other_one() {
        let mut calls = Calls::new(64);
        assert_eq!(fill(&mut calls, &site(1)), 48);
        let others: Vec<usize> = (2..=4).map(|number| fill(&mut calls, &site(number))).collect();
        assert_eq!(others, [12, 3, 1]);
    }

    #[tokio::test]
    async fn what_ended_makes_room_even_if_it_panicked() {
        let mut calls = Calls::new(4);
        calls.begin((site(1), subscriber(1).id), async { panic!("on purpose") });
        assert!(calls.has(&(site(1), subscriber(1).id)));
        let before = calls.room(&site(1));
        assert_eq!(calls.ended().await, Some(((site(1), subscriber(1).id), None::<()>)));
        assert!(before < calls.room(&site(1)) && calls.is_empty());
        assert_eq!(calls.ended().await, None);
    }

    #[test]
    fn sites_take_turns_and_their_subscribers_keep_their_order() {
        let mut waiting = Waiting::default();
        waiting.set(&site(1), (0..3).map(subscriber).collect());
        waiting.set(&site(2), (3..5).map(subscriber).collect());
        let mut called = Vec::new();
        while let Some((_, subscription)) = waiting.next(|_| true) {
            called.push(subscription.id.as_str().to_owned());
            if called.len() == 2 {
                // What is found anew changes nobody's turn.
                waiting.set(&site(2), [4].map(subscriber).into());
                waiting.set(&site(1), [1, 2].map(subscriber).into());
            }
        }
        assert_eq!(called, ["0", "3", "1", "4", "2"]);
        waiting.set(&site(1), [subscriber(0)].into());
        assert!(waiting.next(|whose| *whose != site(1)).is_none());
    }
}
