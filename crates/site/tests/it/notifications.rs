//! Deliveries by several nodes, and questions that nobody answers.

use std::sync::Arc;

use docharbor_domain::{Subscription, SubscriptionProtocol};
use docharbor_site::NewSubscription;

use crate::support::{NOBODY, TestSite, on_both_engines};

on_both_engines! {
    of_two_nodes_one_tries_each_delivery,
    a_delivery_in_vain_is_tried_again_later_given_up_and_sent_once_more,
    a_subscriber_who_was_not_told_of_a_change_that_did_not_happen,
    each_document_of_an_emptied_folder_is_told_of,
    a_question_nobody_answers_ends_with_its_time,
}

async fn subscribe(test: &TestSite) -> Subscription {
    let new = NewSubscription {
        endpoint: NOBODY.to_owned(),
        protocol: SubscriptionProtocol::Https,
        base_url: "https://docs.example".to_owned(),
    };
    test.site.create_subscription(&test.call, new).await.unwrap()
}

/// A subscriber who never answers, but has confirmed.
async fn subscribed(test: &TestSite) {
    subscribe(test).await;
    test.site.run_notifications_once().await.unwrap();
    test.execute("UPDATE notification_subscription SET status = 'CONFIRMED'").await;
}

async fn count(test: &TestSite, what: &str) -> i64 {
    test.number(&format!("SELECT COUNT(*) FROM delivery WHERE {what}")).await
}

async fn of_two_nodes_one_tries_each_delivery(test: TestSite) {
    subscribed(&test).await;
    for number in 0..8 {
        test.upload(&test.root(), &format!("document {number}"), b"12345").await.unwrap();
    }
    let other = test.site_over(Arc::new(test.blobs.clone()));
    let (one, two) =
        tokio::join!(test.site.run_notifications_once(), other.run_notifications_once());
    one.unwrap();
    two.unwrap();
    assert_eq!(count(&test, "state = 'DUE' AND attempts = 1").await, 8);
    assert_eq!(count(&test, "1 = 1").await, 8);
    assert_eq!(count(&test, "last_error = 'no connection'").await, 8);
    test.assert_sound().await;
}

async fn a_delivery_in_vain_is_tried_again_later_given_up_and_sent_once_more(test: TestSite) {
    subscribed(&test).await;
    test.upload(&test.root(), "document", b"12345").await.unwrap();
    test.site.run_notifications_once().await.unwrap();
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "attempts = 1").await, 1);
    test.advance(1_000);
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "state = 'DUE' AND attempts = 2").await, 1);
    test.execute("UPDATE delivery SET attempts = 15").await;
    test.advance(3_600_000);
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "state = 'DEAD' AND attempts = 16").await, 1);
    test.advance(3_600_000);
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "attempts = 16").await, 1);
    let organization = test.call.organization();
    assert_eq!(test.site.resend(organization, None).await.unwrap(), 1);
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "state = 'DUE' AND attempts = 1").await, 1);
    test.advance(test.site.settings().notifications.log_retention_ms);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number("SELECT COUNT(*) FROM outbox").await, 0);
    assert_eq!(count(&test, "1 = 1").await, 0);
    test.assert_sound().await;
}

async fn a_subscriber_who_was_not_told_of_a_change_that_did_not_happen(test: TestSite) {
    subscribed(&test).await;
    let document = test.upload(&test.root(), "document", b"12345").await.unwrap().document;
    test.upload(&test.root(), "taken", b"12345").await.unwrap();
    test.rename(&document, "taken").await.unwrap_err();
    let renamed = "SELECT COUNT(*) FROM outbox WHERE action = 'rename_document'";
    assert_eq!(test.number(renamed).await, 0);
    test.rename(&document, "free").await.unwrap();
    assert_eq!(test.number(renamed).await, 1);
}

async fn each_document_of_an_emptied_folder_is_told_of(test: TestSite) {
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    test.upload(&folder, "before anybody listened", b"1").await.unwrap();
    let empty = || test.site.delete_folder_contents(&test.call, folder.clone());
    empty().await.unwrap();
    subscribed(&test).await;
    for name in ["one", "two"] {
        test.upload(&folder, name, b"1").await.unwrap();
    }
    test.folder_in(&folder, "inner").await.unwrap();
    test.begin(&folder, "never finished", Some(1)).await.unwrap();
    empty().await.unwrap();
    let told = format!(
        "SELECT COUNT(DISTINCT id) FROM outbox WHERE action = 'delete_document'
            AND parent_entity_id = '{folder}' AND length(id) = 36"
    );
    assert_eq!(test.number(&told).await, 2);
    test.assert_settles().await;
}

async fn a_question_nobody_answers_ends_with_its_time(test: TestSite) {
    subscribe(&test).await;
    let asked = "SELECT COUNT(*) FROM notification_subscription WHERE asked_error IS NOT NULL";
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(test.number(asked).await, 1);
    let left = "SELECT COUNT(*) FROM notification_subscription";
    test.advance(3 * 24 * 3_600_000 - 1);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number(left).await, 1);
    test.advance(2);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number(left).await, 0);
    test.assert_sound().await;
}
