//! Events that are waiting to be told, and what became of the telling.

use docharbor_domain::{
    EntityType, Event, EventAction, FolderId, OrganizationId, SubscriptionId, Timestamp,
};

use crate::StoreError;
use crate::driver::Tx;
use crate::value::Row;

const INSERT_EVENT: &str = "
    INSERT INTO outbox (organization_id, id, action, entity_type, entity_id, parent_entity_type,
                        parent_entity_id, created_ms, spread)
    SELECT $1, $2, $3, $4, $5, $6, $7, CAST($8 AS BIGINT), 0
     WHERE EXISTS (SELECT 1 FROM notification_subscription s
                    WHERE s.organization_id = $1 AND s.status = 'CONFIRMED')";

/// The same for each document of a folder that was emptied; they stand in a deleted folder now. A
/// document is deleted once, so its id, which is as random as a message's, names the message.
const INSERT_DELETIONS: &str = "
    INSERT INTO outbox (organization_id, id, action, entity_type, entity_id, parent_entity_type,
                        parent_entity_id, created_ms, spread)
    SELECT r.organization_id,
           substr(r.id, 1, 8) || '-' || substr(r.id, 9, 4) || '-4' || substr(r.id, 14, 3) || '-8'
               || substr(r.id, 18, 3) || '-' || substr(r.id, 21, 12),
           'delete_document', 'Document', r.id, 'Folder', $1, CAST($2 AS BIGINT), 0
      FROM resource r
      JOIN version v ON v.organization_id = r.organization_id AND v.document_id = r.id
           AND v.id = r.latest_version_id
     WHERE r.organization_id = $3 AND r.parent_id = $4 AND r.kind = 'DOCUMENT'
       AND v.status = 'ACTIVE'
       AND EXISTS (SELECT 1 FROM notification_subscription s
                    WHERE s.organization_id = $3 AND s.status = 'CONFIRMED')";

const NEW_EVENTS: &str = "
    SELECT id FROM outbox
     WHERE organization_id = $1 AND spread = 0 ORDER BY created_ms LIMIT $2";

const SPREAD: &str =
    "UPDATE outbox SET spread = 1 WHERE organization_id = $1 AND id = $2 AND spread = 0";

const INSERT_DELIVERIES: &str = "
    INSERT INTO delivery (organization_id, subscription_id, event_id, state, attempts, due_ms,
                          created_ms, changed_ms)
    SELECT o.organization_id, s.id, o.id, 'DUE', 0, o.created_ms, o.created_ms, o.created_ms
      FROM outbox o JOIN notification_subscription s ON s.organization_id = o.organization_id
     WHERE o.organization_id = $1 AND o.id = $2 AND s.status = 'CONFIRMED'";

/// Whoever comes second to a row waits for the first, and then finds it due no longer.
const CLAIM: &str = "
    UPDATE delivery SET attempts = attempts + 1, due_ms = $3
     WHERE organization_id = $1 AND subscription_id = $2 AND state = 'DUE' AND due_ms <= $4
       AND event_id IN (SELECT d.event_id FROM delivery d
                         WHERE d.organization_id = $1 AND d.subscription_id = $2
                           AND d.state = 'DUE' AND d.due_ms <= $4
                         ORDER BY d.due_ms, d.event_id LIMIT $5)
    RETURNING event_id, attempts";

const EVENT: &str = "
    SELECT id, action, entity_type, entity_id, parent_entity_type, parent_entity_id, created_ms
      FROM outbox WHERE organization_id = $1 AND id = $2";

const SENT: &str = "
    UPDATE delivery SET state = 'SENT', changed_ms = $4, last_error = NULL
     WHERE organization_id = $1 AND subscription_id = $2 AND event_id = $3";

const SETTLE: &str = "
    UPDATE delivery SET state = $5, attempts = $6, due_ms = $7, changed_ms = $8, last_error = $9
     WHERE organization_id = $1 AND subscription_id = $2 AND event_id = $3
       AND state = 'DUE' AND attempts = $4";

const RESEND_DEAD: &str = "
    UPDATE delivery SET state = 'DUE', attempts = 0, due_ms = $2
     WHERE organization_id = $1 AND state = 'DEAD'
       AND EXISTS (SELECT 1 FROM outbox o
                    WHERE o.organization_id = $1 AND o.id = delivery.event_id)";

const RESEND_EVENT: &str = "
    UPDATE delivery SET state = 'DUE', attempts = 0, due_ms = $3
     WHERE organization_id = $1 AND event_id = $2 AND state <> 'DUE'
       AND created_ms = (SELECT o.created_ms FROM outbox o
                          WHERE o.organization_id = $1 AND o.id = $2)";

const DELIVERIES: &str = "
    SELECT d.subscription_id, d.event_id, d.state, d.attempts, d.due_ms, d.changed_ms, d.last_error,
           o.id, o.action, o.entity_type, o.entity_id, o.parent_entity_type, o.parent_entity_id,
           o.created_ms
      FROM delivery d
      JOIN outbox o ON o.organization_id = d.organization_id AND o.id = d.event_id
     WHERE d.organization_id = $1 AND ($2 = '' OR d.state = $2)
     ORDER BY d.created_ms DESC, d.event_id, d.subscription_id LIMIT $3";

const OLD_EVENTS: &str = "
    SELECT o.id, o.created_ms FROM outbox o
     WHERE o.organization_id = $1 AND o.created_ms < $2 AND o.spread = 1
     ORDER BY o.created_ms LIMIT $3";

const DELETE_OLD_DELIVERIES: &str = "
    DELETE FROM delivery WHERE organization_id = $1 AND created_ms = $2 AND event_id = $3";

const DELETE_EVENT: &str = "DELETE FROM outbox WHERE organization_id = $1 AND id = $2";

/// Statements that must not read more than they are about, however much was told. What is new in the
/// outbox has an index of its own, and is read from its beginning.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[SPREAD, CLAIM, EVENT, SENT, SETTLE, OLD_EVENTS, DELETE_OLD_DELIVERIES, DELETE_EVENT];

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be tried.
    Due,
    /// The receiver has it.
    Sent,
    /// It was tried as often as it is, in vain.
    Dead,
}

impl DeliveryState {
    /// As it is stored, and as the log shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "DUE",
            Self::Sent => "SENT",
            Self::Dead => "DEAD",
        }
    }

    fn parse(row: &Row, index: usize) -> Result<Self, StoreError> {
        let states = [Self::Due, Self::Sent, Self::Dead];
        let text = row.text(index)?;
        let found = states.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| row.corrupt("unknown state of a delivery"))
    }
}

/// A delivery that somebody has taken on.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What is to be told.
    pub event: Event,
    /// Which attempt this is, from 1.
    pub attempt: i64,
}

/// What became of an attempt.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The receiver has it.
    Sent,
    /// It was tried in vain and is to be tried again then.
    Again(Timestamp, String),
    /// It was tried in vain for the last time.
    Dead(String),
    /// It was not tried, and is due as before.
    Untried(Timestamp),
}

/// One line of the log.
#[derive(Clone, Debug)]
pub struct LoggedDelivery {
    /// For whom.
    pub subscription: SubscriptionId,
    /// What.
    pub event: Event,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, while it is due.
    pub due: Timestamp,
    /// When something last became of it.
    pub changed: Timestamp,
    /// Why the last attempt was in vain.
    pub last_error: Option<String>,
}

impl Tx {
    /// Keeps an event, if anybody is to be told of it. Call it in the transaction of the change.
    pub async fn insert_event(
        &mut self,
        organization: &OrganizationId,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let args = [
            organization.into(),
            event.id.as_str().into(),
            event.action.as_str().into(),
            event.entity_type.as_str().into(),
            event.entity_id.as_str().into(),
            event.parent_entity_type.as_str().into(),
            event.parent_entity_id.as_str().into(),
            event.created.into(),
        ];
        Ok(self.execute(INSERT_EVENT, &args).await? != 0)
    }

    /// Keeps an event for each document that was deleted with a folder's contents: it stands in the
    /// folder `deleted` now.
    pub async fn insert_deletion_events(
        &mut self,
        organization: &OrganizationId,
        moment: Timestamp,
        emptied: &FolderId,
        deleted: &FolderId,
    ) -> Result<(), StoreError> {
        let args = [emptied.into(), moment.into(), organization.into(), deleted.into()];
        self.execute(INSERT_DELETIONS, &args).await?;
        Ok(())
    }

    /// Whether there are events that no delivery was made of.
    pub async fn has_new_events(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<bool, StoreError> {
        Ok(self.row(NEW_EVENTS, &[organization.into(), 1.into()]).await?.is_some())
    }

    /// Makes a delivery for each subscriber of each new event, of so many events at the most. Tells
    /// of how many.
    pub async fn spread_events(
        &mut self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let rows = self.rows(NEW_EVENTS, &[organization.into(), limit.into()]).await?;
        let mut spread = 0;
        for row in &rows {
            let args = [organization.into(), row.text(0)?.into()];
            if self.execute(SPREAD, &args).await? != 0 {
                self.execute(INSERT_DELIVERIES, &args).await?;
                spread += 1;
            }
        }
        Ok(spread)
    }

    /// Takes on some deliveries that are due, oldest first. Nobody else gets them before `until`.
    pub async fn claim_deliveries(
        &mut self,
        organization: &OrganizationId,
        subscription: &SubscriptionId,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Claim>, StoreError> {
        let args =
            [organization.into(), subscription.into(), until.into(), now.into(), limit.into()];
        let mut claims = Vec::new();
        for row in self.rows(CLAIM, &args).await? {
            let args = [organization.into(), row.text(0)?.into()];
            let event = self.row(EVENT, &args).await?;
            let event = event.ok_or_else(|| row.corrupt("a delivery of an event that is gone"))?;
            claims.push(Claim { event: decode_event(&event, 0)?, attempt: row.int(1)? });
        }
        claims.sort_by(|a, b| (a.event.created, &a.event.id).cmp(&(b.event.created, &b.event.id)));
        Ok(claims)
    }

    /// Notes what became of an attempt. One that somebody else has taken on meanwhile is theirs,
    /// unless the receiver has it.
    pub async fn settle_delivery(
        &mut self,
        organization: &OrganizationId,
        subscription: &SubscriptionId,
        claim: &Claim,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = claim.event.id.as_str();
        let attempt = claim.attempt;
        let (state, attempts, due, error) = match outcome {
            Outcome::Sent => {
                let args = [organization.into(), subscription.into(), id.into(), now.into()];
                self.execute(SENT, &args).await?;
                return Ok(());
            }
            Outcome::Again(due, error) => (DeliveryState::Due, attempt, *due, Some(error.as_str())),
            Outcome::Dead(error) => (DeliveryState::Dead, attempt, now, Some(error.as_str())),
            Outcome::Untried(due) => (DeliveryState::Due, attempt - 1, *due, None),
        };
        let args = [
            organization.into(),
            subscription.into(),
            id.into(),
            attempt.into(),
            state.as_str().into(),
            attempts.into(),
            due.into(),
            now.into(),
            error.into(),
        ];
        self.execute(SETTLE, &args).await?;
        Ok(())
    }

    /// Makes what was given up due once more; tells how many deliveries that are.
    pub async fn resend_dead(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(RESEND_DEAD, &[organization.into(), now.into()]).await
    }

    /// Makes the deliveries of one event due once more, whatever became of them.
    pub async fn resend_event(
        &mut self,
        organization: &OrganizationId,
        event: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(RESEND_EVENT, &[organization.into(), event.into(), now.into()]).await
    }

    /// The latest deliveries, newest event first; of one state, or of any.
    pub async fn deliveries(
        &mut self,
        organization: &OrganizationId,
        state: Option<DeliveryState>,
        limit: i64,
    ) -> Result<Vec<LoggedDelivery>, StoreError> {
        let word = state.map_or("", DeliveryState::as_str);
        let rows = self.rows(DELIVERIES, &[organization.into(), word.into(), limit.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(LoggedDelivery {
                    subscription: SubscriptionId::new(row.text(0)?),
                    event: decode_event(row, 7)?,
                    state: DeliveryState::parse(row, 2)?,
                    attempts: row.int(3)?,
                    due: row.timestamp(4)?,
                    changed: row.timestamp(5)?,
                    last_error: row.text_opt(6)?.map(str::to_owned),
                })
            })
            .collect()
    }

    /// Removes events that happened before a moment with all that became of them, so many events at
    /// the most. Tells how many.
    pub async fn remove_old_events(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let args = [organization.into(), before.into(), limit.into()];
        let rows = self.rows(OLD_EVENTS, &args).await?;
        for row in &rows {
            let (id, created_ms) = (row.text(0)?, row.int(1)?);
            let args = [organization.into(), created_ms.into(), id.into()];
            self.execute(DELETE_OLD_DELIVERIES, &args).await?;
            self.execute(DELETE_EVENT, &[organization.into(), id.into()]).await?;
        }
        Ok(rows.len())
    }
}

fn decode_event(row: &Row, at: usize) -> Result<Event, StoreError> {
    let entity_type = |index| {
        let word = row.text(index)?;
        let found = EntityType::ALL.into_iter().find(|known| known.as_str() == word);
        found.ok_or_else(|| row.corrupt("unknown type of an entity"))
    };
    let action = row.text(at + 1)?;
    let action = EventAction::ALL.into_iter().find(|known| known.as_str() == action);
    Ok(Event {
        id: row.text(at)?.to_owned(),
        action: action.ok_or_else(|| row.corrupt("unknown action"))?,
        entity_type: entity_type(at + 2)?,
        entity_id: row.text(at + 3)?.to_owned(),
        parent_entity_type: entity_type(at + 4)?,
        parent_entity_id: row.text(at + 5)?.to_owned(),
        created: row.timestamp(at + 6)?,
    })
}
