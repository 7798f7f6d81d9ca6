//! Notification subscriptions: their shapes, requests and answers.

use crate::collection::collections;
use crate::enumeration::{SubscriptionProtocolType, SubscriptionType};
use crate::number::LimitType;
use crate::structure::{requests, structures};
use crate::text::{IdType, PageMarkerType, SubscriptionEndPointType};

collections! {
    /// Subscriptions of an organization.
    list SubscriptionList of Subscription, [] [256];
}

structures! {
    /// A subscription.
    Subscription {
        /// The id.
        subscription_id: IdType, optional "SubscriptionId";
        /// Where the subscriber is reached.
        end_point: SubscriptionEndPointType, optional "EndPoint";
        /// How it is reached.
        protocol: SubscriptionProtocolType, optional "Protocol";
    }
    /// The answer to `CreateNotificationSubscription`.
    CreateNotificationSubscriptionResponse {
        /// The subscription just made.
        subscription: Subscription, always "Subscription";
    }
    /// The answer to `DescribeNotificationSubscriptions`.
    DescribeNotificationSubscriptionsResponse {
        /// One page of the subscriptions.
        subscriptions: SubscriptionList, always "Subscriptions";
        /// Where the next page begins; absent on the last one.
        marker: PageMarkerType, optional "Marker";
    }
}

requests! {
    CreateNotificationSubscription(CreateNotificationSubscriptionRequest)
        -> CreateNotificationSubscriptionResponse {
        /// The organization whose events are meant.
        organization_id: IdType, required uri "OrganizationId";
        /// Where the subscriber is reached.
        endpoint: SubscriptionEndPointType, required body "Endpoint";
        /// How it is reached.
        protocol: SubscriptionProtocolType, required body "Protocol";
        /// Which events are meant.
        subscription_type: SubscriptionType, required body "SubscriptionType";
    }
    DeleteNotificationSubscription(DeleteNotificationSubscriptionRequest) {
        /// The subscription.
        subscription_id: IdType, required uri "SubscriptionId";
        /// The organization it belongs to.
        organization_id: IdType, required uri "OrganizationId";
    }
    DescribeNotificationSubscriptions(DescribeNotificationSubscriptionsRequest)
        -> DescribeNotificationSubscriptionsResponse {
        /// The organization whose subscriptions are meant.
        organization_id: IdType, required uri "OrganizationId";
        /// Where the page begins.
        marker: PageMarkerType, optional query "Marker" as "marker";
        /// How many subscriptions the page may hold.
        limit: LimitType, optional query "Limit" as "limit";
    }
}
