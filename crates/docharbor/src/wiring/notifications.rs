//! What notifications need of the configuration, and their commands of the site.

use docharbor_domain::{Event, SubscriptionProtocol, SubscriptionStatus, Timestamp};
use docharbor_site::{
    Courier, CourierSettings, DeliveryState, LoggedDelivery, NotificationSettings, SqsAccess,
};
use serde::Serialize;
use zeroize::Zeroizing;

use super::deed::Deed;
use super::{beside, failed, millis};
use crate::configuration::{Configuration, NotificationConfiguration};
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// What calls subscribers.
pub(super) fn courier(configuration: &NotificationConfiguration) -> Result<Courier, Failure> {
    const NEXT: &str = "let notification_ca_file name a file with certificates in PEM";
    let unusable =
        |what: &str| Failure::usage("The setting notification_ca_file cannot be used", what, NEXT);
    let ca_pem = configuration.ca_file.as_ref().map(std::fs::read_to_string).transpose();
    let ca_pem = ca_pem.map_err(|error| unusable(&error.to_string()))?;
    let key = configuration.sqs_access_key_id.as_ref();
    let sqs = key.zip(configuration.sqs_secret_access_key.as_ref()).map(|(id, secret)| SqsAccess {
        access_key_id: id.clone(),
        secret_access_key: Zeroizing::new(secret.expose().to_owned()),
        region: configuration.sqs_region.clone(),
    });
    let allow = configuration.allow.clone();
    let settings = CourierSettings { allow, ca_pem, sqs, ..CourierSettings::default() };
    Courier::new(settings).map_err(unusable)
}

/// How subscribers are told of events.
pub(super) fn settings(configuration: &Configuration) -> NotificationSettings {
    let given = &configuration.notifications;
    NotificationSettings {
        public_url: configuration.public_url.clone(),
        signature_version: given.signature_version,
        attempts_max: given.attempts,
        log_retention_ms: millis(given.log_retention),
        ..NotificationSettings::default()
    }
}

/// A subscription, as `docharbor notify list` prints it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedSubscription {
    subscription_id: String,
    end_point: String,
    protocol: &'static str,
    status: &'static str,
    creator: String,
    created: String,
    /// When the endpoint was asked to confirm.
    asked: Option<String>,
    /// Why the question did not arrive.
    asked_error: Option<String>,
}

/// The subscriptions of a site, oldest first.
pub(crate) async fn list_subscriptions(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Vec<ListedSubscription>, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let all = site.all_subscriptions(&organization).await.map_err(|error| failed(&error))?;
    let listed = all.into_iter().map(|(subscription, asked)| ListedSubscription {
        subscription_id: subscription.id.to_string(),
        end_point: subscription.endpoint,
        protocol: match subscription.protocol {
            SubscriptionProtocol::Https => "HTTPS",
            SubscriptionProtocol::Sqs => "SQS",
        },
        status: match subscription.status {
            SubscriptionStatus::Pending => "PENDING",
            SubscriptionStatus::Confirmed => "CONFIRMED",
        },
        creator: subscription.creator,
        created: subscription.created.iso_8601(),
        asked: asked.when.map(Timestamp::iso_8601),
        asked_error: asked.error,
    });
    Ok(listed.collect())
}

/// A delivery, as `docharbor notify log` prints it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedDelivery {
    message_id: String,
    subscription_id: String,
    state: &'static str,
    attempts: i64,
    action: &'static str,
    entity_type: &'static str,
    entity_id: String,
    created: String,
    /// When something last became of it.
    changed: String,
    /// When it is tried next.
    due: Option<String>,
    last_error: Option<String>,
}

/// The latest deliveries of a site, newest first.
pub(crate) async fn list_deliveries(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    state: Option<DeliveryState>,
    limit: i64,
) -> Result<Vec<ListedDelivery>, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let found = site.deliveries(&organization, state, limit).await;
    Ok(found.map_err(|error| failed(&error))?.into_iter().map(listed).collect())
}

fn listed(delivery: LoggedDelivery) -> ListedDelivery {
    let Event { id, action, entity_type, entity_id, created, .. } = delivery.event;
    ListedDelivery {
        message_id: id,
        subscription_id: delivery.subscription.to_string(),
        state: delivery.state.as_str(),
        attempts: delivery.attempts,
        action: action.as_str(),
        entity_type: entity_type.as_str(),
        entity_id,
        created: created.iso_8601(),
        changed: delivery.changed.iso_8601(),
        due: (delivery.state == DeliveryState::Due).then(|| delivery.due.iso_8601()),
        last_error: delivery.last_error,
    }
}

/// Sends once more what was given up, or one message whatever became of it. Tells how many deliveries
/// that are.
pub(crate) async fn resend(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    message: Option<String>,
) -> Result<u64, Failure> {
    let name = "ResendNotification";
    let (mut deed, organization) = Deed::begin(configuration, directory, master_key, name).await?;
    if let Some(message) = &message {
        deed.about("messageId", message);
    }
    let is_one = message.is_some();
    deed.done(match deed.site.resend(&organization, message).await {
        Ok(0) if is_one => Err(Failure::failed(
            "Nothing is sent again",
            "no message of this id was given up or delivered: it is still being tried, is too old, \
             or is another site's",
            "list the messages: docharbor notify log",
        )),
        Ok(count) => Ok(count),
        Err(error) => Err(failed(&error)),
    })
}
