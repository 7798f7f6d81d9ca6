//! Notification operations: decode, ask the site, encode.

use docharbor_domain::{Subscription, SubscriptionId, SubscriptionProtocol, limits};
use docharbor_site::NewSubscription;
use docharbor_wire as wire;
use docharbor_wire::{
    CreateNotificationSubscriptionRequest, CreateNotificationSubscriptionResponse,
    DeleteNotificationSubscriptionRequest, DescribeNotificationSubscriptionsRequest,
    DescribeNotificationSubscriptionsResponse, LimitType, Request as _, SubscriptionProtocolType,
};

use super::error::Problem;
use super::{Admitted, Reply, marker};

pub(super) async fn create(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = CreateNotificationSubscriptionRequest::decode(&admitted.input)?;
    admitted.call.require_organization(Some(request.organization_id.as_str()))?;
    let new = NewSubscription {
        endpoint: request.endpoint.into_inner(),
        protocol: match request.protocol {
            SubscriptionProtocolType::Https => SubscriptionProtocol::Https,
            SubscriptionProtocolType::Sqs => SubscriptionProtocol::Sqs,
        },
        base_url: admitted.door.base_url(admitted.parts),
    };
    let made = admitted.door.site().create_subscription(&admitted.call, new).await?;
    Reply::json(&CreateNotificationSubscriptionResponse { subscription: shape(made) })
}

pub(super) async fn describe(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DescribeNotificationSubscriptionsRequest::decode(&admitted.input)?;
    admitted.call.require_organization(Some(request.organization_id.as_str()))?;
    let list = format!("DescribeNotificationSubscriptions|{}", admitted.call.organization());
    let site = admitted.door.site();
    let after = marker::read(site, &list, request.marker.as_ref())?;
    // The answer's list has room for no more.
    let limit = request.limit.map_or(limits::PAGE_SIZE_DEFAULT, LimitType::get);
    let limit = limit.min(limits::SUBSCRIPTIONS_MAX);
    let page = site.subscriptions(&admitted.call, after, limit).await?;
    let next = page.next.map(|place| marker::write(site, &list, &place));
    Reply::json(&DescribeNotificationSubscriptionsResponse {
        subscriptions: page.subscriptions.into_iter().map(shape).collect(),
        marker: next.transpose()?,
    })
}

pub(super) async fn delete(admitted: &Admitted<'_>) -> Result<Reply, Problem> {
    let request = DeleteNotificationSubscriptionRequest::decode(&admitted.input)?;
    admitted.call.require_organization(Some(request.organization_id.as_str()))?;
    let id = SubscriptionId::new(request.subscription_id.into_inner());
    admitted.door.site().delete_subscription(&admitted.call, id).await?;
    Ok(Reply::Empty)
}

fn shape(subscription: Subscription) -> wire::Subscription {
    wire::Subscription {
        subscription_id: Some(subscription.id.as_str().to_owned()),
        end_point: Some(subscription.endpoint),
        protocol: Some(match subscription.protocol {
            SubscriptionProtocol::Https => SubscriptionProtocolType::Https,
            SubscriptionProtocol::Sqs => SubscriptionProtocolType::Sqs,
        }),
    }
}
