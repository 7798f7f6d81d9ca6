//! Who is told of events, and the keys that sign what they are told.

use docharbor_domain::{
    OrganizationId, Subscription, SubscriptionId, SubscriptionProtocol, SubscriptionStatus,
    Timestamp,
};

use crate::StoreError;
use crate::driver::Tx;
use crate::value::Row;

/// Subscriptions as they are read everywhere.
macro_rules! subscription {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.endpoint, s.protocol, s.status, s.base_url, s.creator, s.created_ms
               FROM notification_subscription s
              WHERE s.organization_id = $1 AND ",
            $rest
        )
    };
}

const INSERT_SUBSCRIPTION: &str = "
    INSERT INTO notification_subscription
           (organization_id, id, endpoint, protocol, status, base_url, creator, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const COUNT_SUBSCRIPTIONS: &str = "
    SELECT COUNT(*) FROM notification_subscription
     WHERE organization_id = $1 AND status <> 'DELETED'";

const SUBSCRIPTION: &str = subscription!("s.id = $2 AND s.status <> 'DELETED'");

const IS_CONFIRMED: &str = "
    SELECT 1 FROM notification_subscription
     WHERE organization_id = $1 AND id = $2 AND status = 'CONFIRMED'";

const SUBSCRIPTIONS: &str = subscription!(
    "s.status <> 'DELETED'
      AND (s.created_ms > $2 OR (s.created_ms = $2 AND s.id > $3))
    ORDER BY s.created_ms, s.id LIMIT $4"
);

const DELETE_SUBSCRIPTION: &str = "
    UPDATE notification_subscription SET status = 'DELETED'
     WHERE organization_id = $1 AND id = $2 AND status <> 'DELETED'";

const CONFIRM: &str = "
    UPDATE notification_subscription SET status = 'CONFIRMED'
     WHERE organization_id = $1 AND id = $2
       AND (status = 'CONFIRMED' OR (status = 'PENDING' AND created_ms > $3))";

const UNASKED: &str = subscription!("s.status = 'PENDING' AND s.asked_ms IS NULL LIMIT $2");

const ASK: &str = "
    UPDATE notification_subscription SET asked_ms = $3
     WHERE organization_id = $1 AND id = $2 AND status = 'PENDING' AND asked_ms IS NULL";

const GIVE_BACK: &str = "
    UPDATE notification_subscription SET asked_ms = NULL
     WHERE organization_id = $1 AND id = $2 AND status = 'PENDING'";

const ASKED_IN_VAIN: &str = "
    UPDATE notification_subscription SET asked_error = $3
     WHERE organization_id = $1 AND id = $2";

const ASKED: &str = "
    SELECT asked_ms, asked_error FROM notification_subscription
     WHERE organization_id = $1 AND id = $2";

const SUBSCRIBED: &str = "SELECT DISTINCT organization_id FROM notification_subscription";

const DUE_SUBSCRIPTIONS: &str = subscription!(
    "s.status = 'CONFIRMED'
      AND EXISTS (SELECT 1 FROM delivery d
                   WHERE d.organization_id = $1 AND d.subscription_id = s.id
                     AND d.state = 'DUE' AND d.due_ms <= $2)
    ORDER BY (SELECT d.due_ms FROM delivery d
               WHERE d.organization_id = $1 AND d.subscription_id = s.id AND d.state = 'DUE'
               ORDER BY d.due_ms LIMIT 1)"
);

const EXPIRE_PENDING: &str = "
    UPDATE notification_subscription SET status = 'DELETED'
     WHERE organization_id = $1 AND status = 'PENDING' AND created_ms < $2";

const DELETE_OF_DELETED: &str = "
    DELETE FROM delivery
     WHERE organization_id = $1 AND subscription_id = $2
       AND (created_ms, event_id) IN (
           SELECT d.created_ms, d.event_id FROM delivery d
            WHERE d.organization_id = $1 AND d.subscription_id = $2 LIMIT $3)";

const DELETED: &str = "
    SELECT id FROM notification_subscription WHERE organization_id = $1 AND status = 'DELETED'";

const REMOVE: &str = "
    DELETE FROM notification_subscription
     WHERE organization_id = $1 AND id = $2 AND status = 'DELETED'";

const INSERT_KEY: &str = "
    INSERT INTO notification_key (organization_id, id, sealed_key, certificate_pem, created_ms)
    VALUES ($1, $2, $3, $4, $5)";

const KEY: &str = "
    SELECT id, sealed_key FROM notification_key
     WHERE organization_id = $1 ORDER BY created_ms, id LIMIT 1";

const CERTIFICATE: &str =
    "SELECT certificate_pem FROM notification_key WHERE organization_id = $1 AND id = $2";

/// Statements that must not read more than they are about, however much was told.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] =
    &[SUBSCRIPTION, IS_CONFIRMED, DELETE_SUBSCRIPTION, CONFIRM, DELETE_OF_DELETED, CERTIFICATE];

/// Whether an endpoint was asked to confirm, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// When.
    pub when: Option<Timestamp>,
    /// Why the question did not arrive.
    pub error: Option<String>,
}

impl Tx {
    /// Adds a subscription.
    pub async fn insert_subscription(
        &mut self,
        organization: &OrganizationId,
        new: &Subscription,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            (&new.id).into(),
            (&new.endpoint).into(),
            protocol_word(new.protocol).into(),
            status_word(new.status).into(),
            (&new.base_url).into(),
            (&new.creator).into(),
            new.created.into(),
        ];
        self.execute(INSERT_SUBSCRIPTION, &args).await?;
        Ok(())
    }

    /// How many subscriptions a site has, confirmed or not.
    pub async fn count_subscriptions(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<i64, StoreError> {
        let row = self.row(COUNT_SUBSCRIPTIONS, &[organization.into()]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Reads a subscription.
    pub async fn subscription(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
    ) -> Result<Option<Subscription>, StoreError> {
        let row = self.row(SUBSCRIPTION, &[organization.into(), id.into()]).await?;
        row.as_ref().map(decode_subscription).transpose()
    }

    /// Whether a subscriber wants to be told, now.
    pub async fn is_confirmed(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
    ) -> Result<bool, StoreError> {
        Ok(self.row(IS_CONFIRMED, &[organization.into(), id.into()]).await?.is_some())
    }

    /// A site's subscriptions, oldest first, behind one.
    pub async fn subscriptions(
        &mut self,
        organization: &OrganizationId,
        after: (Timestamp, &str),
        limit: i64,
    ) -> Result<Vec<Subscription>, StoreError> {
        let args = [organization.into(), after.0.into(), after.1.into(), limit.into()];
        let rows = self.rows(SUBSCRIPTIONS, &args).await?;
        rows.iter().map(decode_subscription).collect()
    }

    /// Ends a subscription. False when there is none.
    pub async fn delete_subscription(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
    ) -> Result<bool, StoreError> {
        let changed = self.execute(DELETE_SUBSCRIPTION, &[organization.into(), id.into()]).await?;
        Ok(changed != 0)
    }

    /// Confirms a subscription made after a moment, or one that is confirmed. False when there is
    /// none.
    pub async fn confirm_subscription(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
        made_after: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), id.into(), made_after.into()];
        Ok(self.execute(CONFIRM, &args).await? != 0)
    }

    /// Subscriptions whose endpoints were not asked yet.
    pub async fn unasked_subscriptions(
        &mut self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<Vec<Subscription>, StoreError> {
        let rows = self.rows(UNASKED, &[organization.into(), limit.into()]).await?;
        rows.iter().map(decode_subscription).collect()
    }

    /// Takes on asking an endpoint. Of all who try, one gets true, once.
    pub async fn take_asking(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(ASK, &[organization.into(), id.into(), now.into()]).await? != 0)
    }

    /// Lets an endpoint be asked by somebody else, which nobody had the time to do.
    pub async fn give_back_asking(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
    ) -> Result<(), StoreError> {
        self.execute(GIVE_BACK, &[organization.into(), id.into()]).await?;
        Ok(())
    }

    /// Notes why an endpoint could not be asked.
    pub async fn asked_in_vain(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
        error: &str,
    ) -> Result<(), StoreError> {
        self.execute(ASKED_IN_VAIN, &[organization.into(), id.into(), error.into()]).await?;
        Ok(())
    }

    /// Whether an endpoint was asked.
    pub async fn asked(
        &mut self,
        organization: &OrganizationId,
        id: &SubscriptionId,
    ) -> Result<Asked, StoreError> {
        let row = self.row(ASKED, &[organization.into(), id.into()]).await?;
        let Some(row) = row else { return Ok(Asked::default()) };
        Ok(Asked {
            when: row.int_opt(0)?.map(Timestamp::from_millis),
            error: row.text_opt(1)?.map(str::to_owned),
        })
    }

    /// The sites that anybody subscribed to.
    pub async fn subscribed_organizations(&mut self) -> Result<Vec<OrganizationId>, StoreError> {
        let rows = self.rows(SUBSCRIBED, &[]).await?;
        rows.iter().map(|row| Ok(OrganizationId::new(row.text(0)?))).collect()
    }

    /// The subscriptions with a delivery that is due: first those that have waited longest.
    pub async fn due_subscriptions(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<Vec<Subscription>, StoreError> {
        let rows = self.rows(DUE_SUBSCRIPTIONS, &[organization.into(), now.into()]).await?;
        rows.iter().map(decode_subscription).collect()
    }

    /// Ends the subscriptions that nobody confirmed and that were made before a moment.
    pub async fn expire_subscriptions(
        &mut self,
        organization: &OrganizationId,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(EXPIRE_PENDING, &[organization.into(), before.into()]).await?;
        Ok(())
    }

    /// Removes what is left of ended subscriptions, so many rows at the most. Tells how many.
    pub async fn remove_ended_subscriptions(
        &mut self,
        organization: &OrganizationId,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let mut removed = 0;
        for row in self.rows(DELETED, &[organization.into()]).await? {
            let id = row.text(0)?;
            let args = [organization.into(), id.into(), limit.into()];
            let deliveries = self.execute(DELETE_OF_DELETED, &args).await?;
            removed += deliveries;
            if deliveries == 0 {
                self.execute(REMOVE, &[organization.into(), id.into()]).await?;
            } else {
                break;
            }
        }
        Ok(removed)
    }

    /// Keeps a key that signs messages.
    pub async fn insert_notification_key(
        &mut self,
        organization: &OrganizationId,
        id: &str,
        sealed: &str,
        certificate_pem: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let args =
            [organization.into(), id.into(), sealed.into(), certificate_pem.into(), now.into()];
        self.execute(INSERT_KEY, &args).await?;
        Ok(())
    }

    /// The key that signs messages, sealed, with its id: the oldest, whoever else made one at once.
    pub async fn notification_key(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Option<(String, String)>, StoreError> {
        let row = self.row(KEY, &[organization.into()]).await?;
        row.map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).transpose()
    }

    /// The certificate of a key.
    pub async fn notification_certificate(
        &mut self,
        organization: &OrganizationId,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = self.row(CERTIFICATE, &[organization.into(), id.into()]).await?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }
}

const fn protocol_word(protocol: SubscriptionProtocol) -> &'static str {
    match protocol {
        SubscriptionProtocol::Https => "HTTPS",
        SubscriptionProtocol::Sqs => "SQS",
    }
}

const fn status_word(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Pending => "PENDING",
        SubscriptionStatus::Confirmed => "CONFIRMED",
    }
}

fn decode_subscription(row: &Row) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        id: SubscriptionId::new(row.text(0)?),
        endpoint: row.text(1)?.to_owned(),
        protocol: match row.text(2)? {
            "HTTPS" => SubscriptionProtocol::Https,
            "SQS" => SubscriptionProtocol::Sqs,
            _ => return Err(row.corrupt("unknown protocol")),
        },
        status: match row.text(3)? {
            "PENDING" => SubscriptionStatus::Pending,
            "CONFIRMED" => SubscriptionStatus::Confirmed,
            _ => return Err(row.corrupt("unknown status of a subscription")),
        },
        base_url: row.text(4)?.to_owned(),
        creator: row.text(5)?.to_owned(),
        created: row.timestamp(6)?,
    })
}
