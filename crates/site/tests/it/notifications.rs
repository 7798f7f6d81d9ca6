//! Deliveries by several nodes, subscribers who hold others up, and questions that nobody answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use docharbor_domain::{Subscription, SubscriptionProtocol, Timestamp};
use docharbor_notify::Resolver;
use docharbor_site::NewSubscription;
use tokio::time::timeout;

use crate::receiver::{Answers, Receiver};
use crate::support::{Actor, NOBODY, TestSite, on_both_engines};

on_both_engines! {
    of_two_nodes_one_tries_each_delivery,
    a_delivery_in_vain_is_tried_again_later_given_up_and_sent_once_more,
    a_subscriber_who_was_not_told_of_a_change_that_did_not_happen,
    each_document_of_an_emptied_folder_is_told_of,
    a_question_nobody_answers_ends_with_its_time,
    the_subscribers_of_a_site_that_hang_hold_no_other_site_up,
    questions_that_hang_hold_no_delivery_and_no_other_sites_question_up,
    a_backlog_of_ten_thousand_deliveries_drains,
    whoever_ends_a_subscription_is_sent_nothing_more,
    however_much_was_given_up_all_of_it_is_sent_once_more,
    what_found_no_turn_to_ask_for_an_address_counts_as_no_attempt,
    each_wait_is_twice_as_long_as_the_one_before_up_to_an_hour,
    what_a_stop_breaks_off_counts_for_nothing_and_what_was_sent_is_noted,
}

/// More endpoints than are called at once.
const MANY: usize = 80;

/// Names that are looked up at once for messages, and more than that.
const TURNS: i64 = 8;
const NAMES: i64 = 10;

/// When something that ought to happen is given up.
const PATIENCE: Duration = Duration::from_secs(90);

async fn subscribe(test: &TestSite) -> Subscription {
    subscribe_at(test, NOBODY.to_owned()).await
}

async fn subscribe_at(actor: &Actor, endpoint: String) -> Subscription {
    let new = NewSubscription {
        endpoint,
        protocol: SubscriptionProtocol::Https,
        base_url: "https://docs.example".to_owned(),
    };
    actor.site.create_subscription(&actor.call, new).await.unwrap()
}

/// Subscribers at one receiver who have confirmed and were never asked.
async fn confirmed_at(test: &TestSite, actor: &Actor, receiver: &Receiver, count: usize) {
    for number in 0..count {
        subscribe_at(actor, receiver.endpoint(number)).await;
    }
    let organization = actor.call.organization();
    test.execute(&format!(
        "UPDATE notification_subscription SET status = 'CONFIRMED'
          WHERE organization_id = '{organization}'"
    ))
    .await;
}

/// Events of which nothing but this tells.
async fn invent(test: &TestSite, actor: &Actor, count: usize) {
    let organization = actor.call.organization();
    let values: Vec<String> = (0..count)
        .map(|number| {
            format!(
                "('{organization}', '{number:036}', 'rename_document', 'Document', 'd', 'Folder', 'f',
                  {number}, 0)"
            )
        })
        .collect();
    test.execute(&format!(
        "INSERT INTO outbox (organization_id, id, action, entity_type, entity_id,
                             parent_entity_type, parent_entity_id, created_ms, spread)
         VALUES {}",
        values.join(", ")
    ))
    .await;
}

/// Tells subscribers while something else is awaited.
async fn telling<T>(actor: &Actor, until: impl Future<Output = T>) -> T {
    tokio::select! {
        () = actor.site.run_notifications() => panic!("it came to an end"),
        done = until => done,
    }
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

async fn the_subscribers_of_a_site_that_hang_hold_no_other_site_up(test: TestSite) {
    let (hanging, well) =
        (Receiver::start(Answers::Never).await, Receiver::start(Answers::Always).await);
    let others = [test.other_site().await, test.other_site().await];
    confirmed_at(&test, &test, &hanging, MANY).await;
    confirmed_at(&test, &others[0], &hanging, MANY).await;
    confirmed_at(&test, &others[1], &well, 1).await;
    invent(&test, &test, 1).await;
    invent(&test, &others[0], 1).await;
    telling(&test, async {
        // Both sites have all the calls that they are given.
        hanging.until(|hanging| 48 <= hanging.messages().len()).await;
        invent(&test, &others[1], 1).await;
        well.until(|well| well.messages().len() == 1).await;
    })
    .await;
    // No attempt had to end for it.
    assert_eq!(count(&test, "last_error IS NOT NULL").await, 0);
}

async fn questions_that_hang_hold_no_delivery_and_no_other_sites_question_up(test: TestSite) {
    let (hanging, well) =
        (Receiver::start(Answers::Never).await, Receiver::start(Answers::Always).await);
    for number in 0..MANY {
        subscribe_at(&test, hanging.endpoint(number)).await;
    }
    let other = test.other_site().await;
    confirmed_at(&test, &other, &well, 1).await;
    telling(&test, async {
        hanging.until(|hanging| 12 <= hanging.questions()).await;
        invent(&test, &other, 1).await;
        well.until(|well| well.messages().len() == 1).await;
        subscribe_at(&other, well.endpoint(1)).await;
        well.until(|well| well.questions() == 1).await;
    })
    .await;
    let given_up = "SELECT COUNT(*) FROM notification_subscription WHERE asked_error IS NOT NULL";
    assert_eq!(test.number(given_up).await, 0);
}

async fn a_backlog_of_ten_thousand_deliveries_drains(test: TestSite) {
    let receiver = Receiver::start(Answers::Always).await;
    confirmed_at(&test, &test, &receiver, 100).await;
    invent(&test, &test, 100).await;
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "state = 'SENT' AND attempts = 1").await, 10_000);
    let messages = receiver.messages();
    assert_eq!(messages.len(), 10_000);
    assert_eq!(messages.into_iter().collect::<BTreeSet<_>>().len(), 10_000);
    test.assert_sound().await;
}

async fn whoever_ends_a_subscription_is_sent_nothing_more(test: TestSite) {
    let receiver = Receiver::start(Answers::Always).await;
    confirmed_at(&test, &test, &receiver, 1).await;
    invent(&test, &test, 2_000).await;
    let all = test.site.all_subscriptions(test.call.organization()).await.unwrap();
    let id = all[0].0.id.clone();
    telling(&test, async {
        receiver.until(|receiver| !receiver.messages().is_empty()).await;
        test.site.delete_subscription(&test.call, id).await.unwrap();
        let before = receiver.messages().len();
        // What was taken on goes back untried.
        while count(&test, "state = 'DUE' AND attempts = 1").await != 0 {
            tokio::task::yield_now().await;
        }
        // One message may have been on its way.
        assert!(receiver.messages().len() <= before + 1);
        assert!(before < 2_000);
    })
    .await;
    let before = receiver.messages().len();
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(receiver.messages().len(), before);
}

async fn however_much_was_given_up_all_of_it_is_sent_once_more(test: TestSite) {
    let receiver = Receiver::start(Answers::Always).await;
    confirmed_at(&test, &test, &receiver, 50).await;
    invent(&test, &test, 50).await;
    test.site.run_notifications_once().await.unwrap();
    test.execute("UPDATE delivery SET state = 'DEAD', attempts = 16").await;
    let organization = test.call.organization();
    assert_eq!(test.site.resend(organization, None).await.unwrap(), 2_500);
    test.site.run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "state = 'SENT' AND attempts = 1").await, 2_500);
    assert_eq!(receiver.messages().len(), 5_000);
}

async fn what_found_no_turn_to_ask_for_an_address_counts_as_no_attempt(test: TestSite) {
    for _ in 0..NAMES {
        subscribe(&test).await;
    }
    // The site's key is made at the first question.
    test.site.run_notifications_once().await.unwrap();
    test.execute(
        "UPDATE notification_subscription
            SET endpoint = 'https://' || id || '.example/', asked_ms = NULL, asked_error = NULL",
    )
    .await;
    let silent: Resolver = Arc::new(|_, _| Box::pin(std::future::pending()));
    let actor = Actor { site: test.resolving(silent), call: test.call.clone() };
    let until = async |what: &str, count: i64| {
        let sql = format!("SELECT COUNT(*) FROM notification_subscription WHERE {what}");
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while test.number(&sql).await != count {
            tick.tick().await;
        }
    };
    let asking = async {
        until("asked_error IS NOT NULL", TURNS).await;
        test.advance(1_000);
        // The others are asked again and again, for as long as there is no turn for them.
        let again = format!("asked_error IS NULL AND asked_ms = {}", test.clock_now().as_millis());
        until(&again, NAMES - TURNS).await;
    };
    telling(&actor, timeout(PATIENCE, asking)).await.expect("questions were taken for asked");

    test.execute("UPDATE notification_subscription SET status = 'CONFIRMED'").await;
    invent(&test, &test, 2).await;
    // The look-ups of before are still going on, so this site is to have turns of its own.
    let silent: Resolver = Arc::new(|_, _| Box::pin(std::future::pending()));
    test.resolving(silent).run_notifications_once().await.unwrap();
    assert_eq!(count(&test, "attempts = 1 AND last_error IS NOT NULL").await, 2 * TURNS);
    let untried = "attempts = 0 AND last_error IS NULL AND state = 'DUE'";
    assert_eq!(count(&test, untried).await, 2 * (NAMES - TURNS));
    test.assert_sound().await;
}

async fn each_wait_is_twice_as_long_as_the_one_before_up_to_an_hour(test: TestSite) {
    subscribed(&test).await;
    test.upload(&test.root(), "document", b"12345").await.unwrap();
    let mut longest = test.site.settings().notifications.first_wait_ms;
    for attempt in 1..16 {
        test.site.run_notifications_once().await.unwrap();
        assert_eq!(count(&test, &format!("attempts = {attempt}")).await, 1);
        let due = Timestamp::from_millis(test.number("SELECT due_ms FROM delivery").await);
        let wait_ms = due.as_millis() - test.clock_now().as_millis();
        assert!((longest / 2..longest).contains(&wait_ms), "{wait_ms} ms after {attempt}");
        test.set_clock(due.plus_millis(3_600_000));
        longest = (longest * 2).min(3_600_000);
    }
}

async fn what_a_stop_breaks_off_counts_for_nothing_and_what_was_sent_is_noted(test: TestSite) {
    let (hanging, well) =
        (Receiver::start(Answers::Never).await, Receiver::start(Answers::Always).await);
    confirmed_at(&test, &test, &hanging, 1).await;
    confirmed_at(&test, &test, &well, 1).await;
    invent(&test, &test, 500).await;
    subscribe_at(&test, hanging.endpoint(1)).await;
    let site = test.site_over(Arc::new(test.blobs.clone()));
    let running = site.clone();
    let running = tokio::spawn(async move { running.run_notifications().await });
    hanging.until(|hanging| hanging.messages().len() == 1 && hanging.questions() == 1).await;
    well.until(|well| !well.messages().is_empty()).await;
    site.stop();
    timeout(PATIENCE, running).await.expect("it does not stop").unwrap();
    let sent = count(&test, "state = 'SENT'").await;
    let now = test.clock_now().as_millis();
    let untried = format!("state = 'DUE' AND attempts = 0 AND due_ms <= {now}");
    assert_eq!(count(&test, &untried).await, 1_000 - sent);
    let unasked = "SELECT COUNT(*) FROM notification_subscription
                    WHERE status = 'PENDING' AND asked_ms IS NULL AND asked_error IS NULL";
    assert_eq!(test.number(unasked).await, 1);
    // One message may have been on its way; no other is sent twice.
    let taken = i64::try_from(well.messages().len()).unwrap();
    assert!((sent..=sent + 1).contains(&taken), "{taken} taken, {sent} noted");
}
