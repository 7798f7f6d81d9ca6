//! Events that are waiting to be told, and what became of the telling.

use std::collections::HashMap;

use docharbor_domain::{
    EntityType, Event, EventAction, FolderId, OrganizationId, SubscriptionId, Timestamp,
};
use serde_json::json;

use crate::StoreError;
use crate::driver::{ByEngine, Tx};
use crate::value::{Row, Value};

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

const COUNT_SUBSCRIBERS: &str = "
    SELECT COUNT(*) FROM notification_subscription
     WHERE organization_id = $1 AND status = 'CONFIRMED'";

/// Whoever comes second to an event waits for the first, and then finds it new no longer.
macro_rules! spread {
    ($ids:literal) => {
        concat!(
            "UPDATE outbox SET spread = 1
              WHERE organization_id = $1 AND spread = 0 AND id IN (",
            $ids,
            ") RETURNING id"
        )
    };
}

const SPREAD: ByEngine = ByEngine {
    sqlite: spread!("SELECT j.value FROM json_each($2) j"),
    postgres: spread!(
        "SELECT j.value COLLATE \"C\"
           FROM jsonb_array_elements_text(CAST(CAST($2 AS TEXT) AS JSONB)) j"
    ),
};

/// Subscriber by subscriber, as deliveries stand.
macro_rules! insert_deliveries {
    ($ids:literal) => {
        concat!(
            "INSERT INTO delivery (organization_id, subscription_id, event_id, state, attempts,
                                   due_ms, created_ms, changed_ms)
             SELECT s.organization_id, s.id, o.id, 'DUE', 0, o.created_ms, o.created_ms,
                    o.created_ms
               FROM notification_subscription s CROSS JOIN outbox o
              WHERE s.organization_id = $1 AND s.status = 'CONFIRMED' AND o.organization_id = $1
                AND o.id IN (",
            $ids,
            ")"
        )
    };
}

const INSERT_DELIVERIES: ByEngine = ByEngine {
    sqlite: insert_deliveries!("SELECT j.value FROM json_each($2) j"),
    postgres: insert_deliveries!(
        "SELECT j.value COLLATE \"C\"
           FROM jsonb_array_elements_text(CAST(CAST($2 AS TEXT) AS JSONB)) j"
    ),
};

const DUE: &str = "
    SELECT o.id, o.action, o.entity_type, o.entity_id, o.parent_entity_type, o.parent_entity_id,
           o.created_ms
      FROM delivery d
      LEFT JOIN outbox o ON o.organization_id = d.organization_id AND o.id = d.event_id
     WHERE d.organization_id = $1 AND d.subscription_id = $2 AND d.state = 'DUE' AND d.due_ms <= $3
     ORDER BY d.due_ms, d.created_ms, d.event_id LIMIT $4";

/// Whoever comes second to a row waits for the first, and then finds it due no longer. SQLite must look
/// for the rows that are named, and not through all that are due.
macro_rules! claim {
    ($is_due:literal, $events:literal) => {
        concat!(
            "UPDATE delivery SET attempts = attempts + 1, due_ms = $4
              WHERE organization_id = $1 AND subscription_id = $2 AND ",
            $is_due,
            " AND (created_ms, event_id) IN (",
            $events,
            ") RETURNING event_id, attempts"
        )
    };
}

const CLAIM: ByEngine = ByEngine {
    sqlite: claim!(
        "+state = 'DUE' AND +due_ms <= $3",
        "SELECT json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]') FROM json_each($5) j"
    ),
    postgres: claim!(
        "state = 'DUE' AND due_ms <= $3",
        "SELECT CAST(j.value ->> 0 AS BIGINT), (j.value ->> 1) COLLATE \"C\"
           FROM jsonb_array_elements(CAST(CAST($5 AS TEXT) AS JSONB)) j"
    ),
};

/// A statement about deliveries whose places are its fourth argument, as `places` writes them.
macro_rules! at_places {
    ($statement:ident) => {
        ByEngine {
            sqlite: $statement!(
                "SELECT json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]')
                   FROM json_each($4) j"
            ),
            postgres: $statement!(
                "SELECT CAST(j.value ->> 0 AS BIGINT), (j.value ->> 1) COLLATE \"C\"
                   FROM jsonb_array_elements(CAST(CAST($4 AS TEXT) AS JSONB)) j"
            ),
        }
    };
}

macro_rules! sent {
    ($events:literal) => {
        concat!(
            "UPDATE delivery SET state = 'SENT', changed_ms = $3, last_error = NULL
              WHERE organization_id = $1 AND subscription_id = $2 AND (created_ms, event_id) IN (",
            $events,
            ")"
        )
    };
}

const SENT: ByEngine = at_places!(sent);

/// One that was not tried now keeps what was said of it before.
const SETTLE: &str = "
    UPDATE delivery
       SET state = $6, attempts = $7, due_ms = $8, changed_ms = $9,
           last_error = COALESCE($10, CASE WHEN $6 = 'DUE' THEN last_error END)
     WHERE organization_id = $1 AND subscription_id = $2 AND created_ms = $3 AND event_id = $4
       AND state = 'DUE' AND attempts = $5";

/// What dies while the rest is made due once more stays dead, or this might never end.
const DEAD: &str = "
    SELECT d.subscription_id, o.id, o.created_ms
      FROM delivery d
      JOIN outbox o ON o.organization_id = d.organization_id AND o.id = d.event_id
     WHERE d.organization_id = $1 AND d.state = 'DEAD' AND d.changed_ms <= $2
     ORDER BY d.created_ms LIMIT $3";

macro_rules! resend_dead {
    ($events:literal) => {
        concat!(
            "UPDATE delivery SET state = 'DUE', attempts = 0, due_ms = $3
              WHERE organization_id = $1 AND subscription_id = $2 AND state = 'DEAD'
                AND (created_ms, event_id) IN (",
            $events,
            ")"
        )
    };
}

const RESEND_DEAD: ByEngine = at_places!(resend_dead);

const RESEND_EVENT: &str = "
    UPDATE delivery SET state = 'DUE', attempts = 0, due_ms = $3
     WHERE organization_id = $1 AND event_id = $2 AND state <> 'DUE'
       AND subscription_id IN (SELECT s.id FROM notification_subscription s
                                WHERE s.organization_id = $1)
       AND created_ms = (SELECT o.created_ms FROM outbox o
                          WHERE o.organization_id = $1 AND o.id = $2)";

const DELIVERIES: &str = "
    SELECT d.subscription_id, d.event_id, d.state, d.attempts, d.due_ms, d.changed_ms, d.last_error,
           o.id, o.action, o.entity_type, o.entity_id, o.parent_entity_type, o.parent_entity_id,
           o.created_ms
      FROM outbox o
     CROSS JOIN delivery d
     WHERE o.organization_id = $1 AND d.organization_id = $1 AND d.created_ms = o.created_ms
       AND d.event_id = o.id AND ($2 = '' OR d.state = $2)
       AND d.subscription_id IN (SELECT s.id FROM notification_subscription s
                                  WHERE s.organization_id = $1)
     ORDER BY o.created_ms DESC, o.id, d.subscription_id LIMIT $3";

const OLD_EVENTS: &str = "
    SELECT o.id, o.created_ms FROM outbox o
     WHERE o.organization_id = $1 AND o.created_ms < $2 AND o.spread = 1
     ORDER BY o.created_ms LIMIT $3";

const DELETE_OLD_DELIVERIES: &str = "
    DELETE FROM delivery
     WHERE organization_id = $1 AND created_ms = $2 AND event_id = $3
       AND subscription_id IN (SELECT s.id FROM notification_subscription s
                                WHERE s.organization_id = $1)";

const DELETE_EVENT: &str = "DELETE FROM outbox WHERE organization_id = $1 AND id = $2";

/// Statements that must not read more than they are about, however much was told. What is new in the
/// outbox has an index of its own, and is read from its beginning; so has what was given up.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[SPREAD.sqlite, DUE, CLAIM.sqlite, SENT.sqlite, SETTLE, OLD_EVENTS, DELETE_EVENT];

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

    /// Makes a delivery for each subscriber of each new event: of as many events as make so many
    /// deliveries, and of one at least. Tells of how many.
    pub async fn spread_events(
        &mut self,
        organization: &OrganizationId,
        deliveries_max: i64,
    ) -> Result<u64, StoreError> {
        let subscribers = self.row(COUNT_SUBSCRIBERS, &[organization.into()]).await?;
        let subscribers = subscribers.map_or(Ok(0), |row| row.int(0))?;
        let limit = (deliveries_max / subscribers.max(1)).max(1);
        let new = self.rows(NEW_EVENTS, &[organization.into(), limit.into()]).await?;
        let spread = self.of_engine(&SPREAD);
        let spread = self.rows(spread, &[organization.into(), texts(&new)?]).await?;
        if !spread.is_empty() {
            let insert = self.of_engine(&INSERT_DELIVERIES);
            self.execute(insert, &[organization.into(), texts(&spread)?]).await?;
        }
        Ok(u64::try_from(spread.len()).unwrap_or(u64::MAX))
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
        let args = [organization.into(), subscription.into(), now.into(), limit.into()];
        let rows = self.rows(DUE, &args).await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.text_opt(0)?.is_none() {
                return Err(row.corrupt("a delivery of an event that is gone"));
            }
            due.push(decode_event(row, 0)?);
        }
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let events = places(due.iter());
        let args = [organization.into(), subscription.into(), now.into(), until.into(), events];
        let mut attempts = HashMap::new();
        for row in self.rows(self.of_engine(&CLAIM), &args).await? {
            attempts.insert(row.text(0)?.to_owned(), row.int(1)?);
        }
        let claimed = due.into_iter().filter_map(|event| {
            let attempt = attempts.get(&event.id).copied()?;
            Some(Claim { event, attempt })
        });
        Ok(claimed.collect())
    }

    /// Notes what became of attempts. One that somebody else has taken on meanwhile is theirs,
    /// unless the receiver has it.
    pub async fn settle_deliveries(
        &mut self,
        organization: &OrganizationId,
        subscription: &SubscriptionId,
        outcomes: &[(Claim, Outcome)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_sent = |outcome: &Outcome| matches!(outcome, Outcome::Sent);
        if outcomes.iter().any(|(_, outcome)| is_sent(outcome)) {
            let sent = outcomes.iter().filter(|(_, outcome)| is_sent(outcome));
            let sent = places(sent.map(|(claim, _)| &claim.event));
            let args = [organization.into(), subscription.into(), now.into(), sent];
            self.execute(self.of_engine(&SENT), &args).await?;
        }
        for (claim, outcome) in outcomes {
            let attempt = claim.attempt;
            let (state, attempts, due, error) = match outcome {
                Outcome::Sent => continue,
                Outcome::Again(due, error) => (DeliveryState::Due, attempt, *due, Some(error)),
                Outcome::Dead(error) => (DeliveryState::Dead, attempt, now, Some(error)),
                Outcome::Untried(due) => (DeliveryState::Due, attempt - 1, *due, None),
            };
            let args = [
                organization.into(),
                subscription.into(),
                claim.event.created.into(),
                claim.event.id.as_str().into(),
                attempt.into(),
                state.as_str().into(),
                attempts.into(),
                due.into(),
                now.into(),
                error.map(String::as_str).into(),
            ];
            self.execute(SETTLE, &args).await?;
        }
        Ok(())
    }

    /// Makes what was given up until now due once more, so many deliveries at the most. Tells how many.
    pub async fn resend_dead(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let args = [organization.into(), now.into(), limit.into()];
        let mut dead: HashMap<String, Vec<(i64, String)>> = HashMap::new();
        for row in self.rows(DEAD, &args).await? {
            let event = (row.int(2)?, row.text(1)?.to_owned());
            dead.entry(row.text(0)?.to_owned()).or_default().push(event);
        }
        let mut resent = 0;
        for (subscription, events) in dead {
            let events = Value::Text(json!(events).to_string());
            let args = [organization.into(), subscription.into(), now.into(), events];
            resent += self.execute(self.of_engine(&RESEND_DEAD), &args).await?;
        }
        Ok(resent)
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

/// The first column of some rows, as the one argument that statements take lists in.
fn texts(rows: &[Row]) -> Result<Value, StoreError> {
    let texts = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Text(json!(texts).to_string()))
}

/// Where a subscriber's deliveries of some events stand, as one argument.
fn places<'a>(events: impl Iterator<Item = &'a Event>) -> Value {
    let places: Vec<_> =
        events.map(|event| (event.created.as_millis(), event.id.as_str())).collect();
    Value::Text(json!(places).to_string())
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
