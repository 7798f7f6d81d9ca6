//! Events waiting for their subscribers, and who takes them on: on both engines.

use std::collections::BTreeSet;

use docharbor_domain::{
    EntityType, Event, EventAction, OrganizationId, Subscription, SubscriptionId,
    SubscriptionProtocol, SubscriptionStatus, Timestamp, uuid,
};
use docharbor_metadata::{
    BoxFuture, Claim, DeliveryState, LoggedDelivery, Metadata, Options, Outcome, StoreError, Tx,
};
use docharbor_testkit::postgres::Cluster;
use tempfile::TempDir;

const LEASE_MS: i64 = 30_000;

struct Place {
    metadata: Metadata,
    organization: OrganizationId,
    _directory: TempDir,
}

impl Place {
    async fn both() -> [Self; 2] {
        let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let sqlite = Metadata::open_sqlite(&one.path().join("meta.db"), Options::default());
        let postgres = Metadata::open_postgres(&Cluster::shared().fresh_database()).await;
        let organization = OrganizationId::new("d-0000000000");
        [
            Self { metadata: sqlite.unwrap(), organization: organization.clone(), _directory: one },
            Self { metadata: postgres.unwrap(), organization, _directory: other },
        ]
    }

    async fn write<I, T, F>(&self, input: I, work: F) -> T
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a (OrganizationId, I)) -> BoxFuture<'a, Result<T, StoreError>>
            + Send
            + Sync
            + 'static,
    {
        self.metadata.write((self.organization.clone(), input), work).await.unwrap()
    }

    /// A subscription, confirmed or not.
    async fn subscribed(&self, number: u8, confirm: bool) -> SubscriptionId {
        let id = SubscriptionId::from_random([number; 16]);
        let subscription = Subscription {
            id: id.clone(),
            endpoint: "https://hook.example/".to_owned(),
            protocol: SubscriptionProtocol::Https,
            status: SubscriptionStatus::Pending,
            base_url: "https://docs.example".to_owned(),
            creator: "ann".to_owned(),
            created: at(1),
        };
        self.write((subscription, confirm), |tx, (organization, (new, confirm))| {
            Box::pin(async move {
                tx.insert_subscription(organization, new).await?;
                if *confirm {
                    assert!(tx.confirm_subscription(organization, &new.id, at(0)).await?);
                }
                Ok(())
            })
        })
        .await;
        id
    }

    /// Whether an event was kept.
    async fn happened(&self, number: u8) -> bool {
        self.write(event(number), |tx, (organization, event)| {
            Box::pin(tx.insert_event(organization, event))
        })
        .await
    }

    async fn spread(&self) -> u64 {
        self.write((), |tx, (organization, ())| Box::pin(tx.spread_events(organization, 100))).await
    }

    async fn claim(&self, id: &SubscriptionId, now: Timestamp, limit: i64) -> Vec<Claim> {
        self.write((id.clone(), now, limit), |tx, (organization, (id, now, limit))| {
            Box::pin(tx.claim_deliveries(organization, id, *now, now.plus_millis(LEASE_MS), *limit))
        })
        .await
    }

    async fn settle(&self, id: &SubscriptionId, claim: &Claim, outcome: Outcome) {
        let input = (id.clone(), vec![(claim.clone(), outcome)]);
        self.write(input, |tx, (organization, (id, outcomes))| {
            Box::pin(tx.settle_deliveries(organization, id, outcomes, at(7)))
        })
        .await;
    }

    async fn log(&self) -> Vec<LoggedDelivery> {
        self.write((), |tx, (organization, ())| Box::pin(tx.deliveries(organization, None, 100)))
            .await
    }
}

const fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn event(number: u8) -> Event {
    Event {
        id: uuid([number; 16]),
        action: EventAction::RenameDocument,
        entity_type: EntityType::Document,
        entity_id: "document".to_owned(),
        parent_entity_type: EntityType::Folder,
        parent_entity_id: "folder".to_owned(),
        created: at(i64::from(number)),
    }
}

#[tokio::test]
async fn an_event_is_kept_only_while_somebody_is_told_and_only_with_its_change() {
    for place in Place::both().await {
        assert!(!place.happened(1).await);
        let pending = place.subscribed(1, false).await;
        assert!(!place.happened(2).await);
        let confirmed = place.subscribed(2, true).await;
        assert!(place.happened(3).await);
        let undone: Result<(), StoreError> = place
            .metadata
            .write((place.organization.clone(), event(4)), |tx, (organization, event)| {
                Box::pin(async move {
                    assert!(tx.insert_event(organization, event).await?);
                    Err(StoreError::Internal("no".to_owned()))
                })
            })
            .await;
        undone.unwrap_err();
        assert_eq!(place.spread().await, 1);
        assert_eq!(place.spread().await, 0);
        assert!(place.claim(&pending, at(100), 10).await.is_empty());
        let [claim] = &place.claim(&confirmed, at(100), 10).await[..] else { panic!("one") };
        assert_eq!((&claim.event, claim.attempt), (&event(3), 1));
    }
}

#[tokio::test]
async fn of_two_who_take_deliveries_on_at_once_each_gets_others() {
    for place in Place::both().await {
        let id = place.subscribed(1, true).await;
        for number in 1..=60 {
            assert!(place.happened(number).await);
        }
        let (one, other) = tokio::join!(place.spread(), place.spread());
        assert_eq!(one + other, 60);
        let mut taken = Vec::new();
        loop {
            let (one, other, third) = tokio::join!(
                place.claim(&id, at(1_000), 7),
                place.claim(&id, at(1_000), 7),
                place.claim(&id, at(1_000), 7),
            );
            let before = taken.len();
            taken.extend([one, other, third].concat().into_iter().map(|claim| claim.event.id));
            if taken.len() == before {
                break;
            }
        }
        assert_eq!(taken.len(), 60);
        assert_eq!(taken.into_iter().collect::<BTreeSet<_>>().len(), 60);
    }
}

#[tokio::test]
async fn what_somebody_took_on_and_never_ended_is_taken_on_again() {
    for place in Place::both().await {
        let id = place.subscribed(1, true).await;
        place.happened(1).await;
        place.spread().await;
        let now = at(1_000);
        let [lost] = &place.claim(&id, now, 10).await[..] else { panic!("one") };
        assert!(place.claim(&id, now.plus_millis(LEASE_MS - 1), 10).await.is_empty());
        let later = now.plus_millis(LEASE_MS);
        let [again] = &place.claim(&id, later, 10).await[..] else { panic!("one") };
        assert_eq!((&again.event, again.attempt), (&lost.event, 2));
        // Who comes back late has no say about the other's attempt, unless it was delivered.
        place.settle(&id, lost, Outcome::Dead("late".to_owned())).await;
        assert_eq!(place.log().await[0].state, DeliveryState::Due);
        place.settle(&id, lost, Outcome::Sent).await;
        place.settle(&id, again, Outcome::Again(at(0), "status 500".to_owned())).await;
        let [line] = &place.log().await[..] else { panic!("one") };
        assert_eq!((line.state, line.attempts), (DeliveryState::Sent, 2));
        assert_eq!(line.last_error, None);
    }
}

#[tokio::test]
async fn a_delivery_is_tried_again_given_up_and_sent_once_more() {
    for place in Place::both().await {
        let id = place.subscribed(1, true).await;
        place.happened(1).await;
        place.spread().await;
        let [claim] = &place.claim(&id, at(1_000), 10).await[..] else { panic!("one") };
        place.settle(&id, claim, Outcome::Again(at(5_000), "no connection".to_owned())).await;
        assert!(place.claim(&id, at(4_999), 10).await.is_empty());
        let [claim] = &place.claim(&id, at(5_000), 10).await[..] else { panic!("one") };
        assert_eq!(claim.attempt, 2);
        place.settle(&id, claim, Outcome::Untried(at(6_000))).await;
        let [line] = &place.log().await[..] else { panic!("one") };
        assert_eq!(line.last_error.as_deref(), Some("no connection"));
        let [claim] = &place.claim(&id, at(6_000), 10).await[..] else { panic!("one") };
        assert_eq!(claim.attempt, 2);
        place.settle(&id, claim, Outcome::Dead("status 500".to_owned())).await;
        assert!(place.claim(&id, at(1_000_000), 10).await.is_empty());
        let [line] = &place.log().await[..] else { panic!("one") };
        assert_eq!((line.state, line.attempts), (DeliveryState::Dead, 2));
        assert_eq!(line.last_error.as_deref(), Some("status 500"));
        let resend = || {
            place.write((), |tx, (organization, ())| {
                Box::pin(tx.resend_dead(organization, at(2_000), 10))
            })
        };
        assert_eq!(resend().await, 1);
        assert_eq!(resend().await, 0);
        let [claim] = &place.claim(&id, at(2_000), 10).await[..] else { panic!("one") };
        assert_eq!(claim.attempt, 1);
        place.settle(&id, claim, Outcome::Sent).await;
        let again = place
            .write(event(1).id, |tx, (organization, event)| {
                Box::pin(tx.resend_event(organization, event, at(3_000)))
            })
            .await;
        assert_eq!(again, 1);
        assert_eq!(place.claim(&id, at(3_000), 10).await.len(), 1);
    }
}

#[tokio::test]
async fn what_is_old_or_ended_goes() {
    for place in Place::both().await {
        let (stays, ends) = (place.subscribed(1, true).await, place.subscribed(2, true).await);
        let never = place.subscribed(3, false).await;
        for number in 1..=4 {
            place.happened(number).await;
        }
        place.spread().await;
        assert_eq!(place.log().await.len(), 8);
        place
            .write(ends.clone(), |tx, (organization, id)| {
                Box::pin(async move {
                    assert!(tx.delete_subscription(organization, id).await?);
                    assert!(!tx.delete_subscription(organization, id).await?);
                    Ok(())
                })
            })
            .await;
        let found = place
            .write(ends, |tx, (organization, id)| Box::pin(tx.subscription(organization, id)))
            .await;
        assert_eq!(found, None);
        let clear = || {
            place.write((), |tx, (organization, ())| {
                Box::pin(async move {
                    tx.expire_subscriptions(organization, at(2)).await?;
                    tx.remove_ended_subscriptions(organization, 3).await
                })
            })
        };
        assert_eq!(clear().await, 3);
        assert_eq!(clear().await, 1);
        assert_eq!(clear().await, 0);
        assert_eq!(place.log().await.len(), 4);
        let removed = place
            .write((), |tx, (organization, ())| {
                Box::pin(tx.remove_old_events(organization, at(3), 100))
            })
            .await;
        assert_eq!(removed, 2);
        assert_eq!(place.log().await.len(), 2);
        let left = place
            .write((), |tx, (organization, ())| {
                Box::pin(tx.subscriptions(organization, (at(0), ""), 100))
            })
            .await;
        assert_eq!(left.into_iter().map(|one| one.id).collect::<Vec<_>>(), [stays]);
        let asked = place
            .write(never, |tx, (organization, id)| {
                Box::pin(tx.take_asking(organization, id, at(9)))
            })
            .await;
        assert!(!asked);
    }
}

#[tokio::test]
async fn an_endpoint_is_asked_by_one_of_all_who_try() {
    for place in Place::both().await {
        let id = place.subscribed(1, false).await;
        let ask = || {
            place.write(id.clone(), |tx, (organization, id)| {
                Box::pin(tx.take_asking(organization, id, at(9)))
            })
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!([one, two, three].into_iter().filter(|asked| *asked).count(), 1);
    }
}
