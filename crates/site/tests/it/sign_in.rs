//! Signing in: one answer for every way to be wrong, waits that grow, sessions that end.

use std::net::IpAddr;

use docharbor_domain::{Share, ShareWith};
use docharbor_metadata::Failures;
use docharbor_site::{Attempt, SignIn};
use futures::FutureExt as _;
use zeroize::Zeroizing;

use crate::support::{Engine, TestSite, new_user, on_both_engines, together};

on_both_engines! {
    the_right_password_opens_a_session_and_every_wrong_way_is_answered_alike,
    a_session_ends_with_its_time_its_sign_out_and_its_user,
    a_new_password_ends_every_session_and_the_old_password,
    no_session_outlives_a_new_password_that_came_while_it_began,
    waits_grow_for_a_name_and_end_with_the_right_password,
    a_name_written_in_another_way_is_the_same_name,
    an_address_that_tries_many_names_waits,
    all_together_wait_after_very_many_failures_and_never_for_long,
    attempts_made_at_once_do_not_slip_past_the_count,
    of_a_flood_of_attempts_only_so_many_wait_for_their_turn,
    failures_are_forgotten_with_time,
}

const PASSWORD: &str = "Passw0rd!";
const HOUR_MS: i64 = 3_600_000;

fn attempt(test: &TestSite, name: &str, password: &str, address: &str) -> Attempt {
    Attempt {
        organization: test.call.organization().clone(),
        name: name.to_owned(),
        password: Zeroizing::new(password.to_owned()),
        address: Some(address.parse::<IpAddr>().unwrap()),
    }
}

async fn tried(test: &TestSite, name: &str, password: &str) -> SignIn {
    test.site.sign_in(attempt(test, name, password, "192.0.2.1")).await.unwrap()
}

async fn signed_in(test: &TestSite, name: &str) -> Zeroizing<String> {
    match tried(test, name, PASSWORD).await {
        SignIn::Done(cookie) => cookie,
        refused => panic!("{refused:?}"),
    }
}

async fn is_in(test: &TestSite, cookie: &str) -> bool {
    test.site.web_session(cookie).await.unwrap().is_some()
}

/// A user with an address, an inactive one, and a guest without a password.
async fn people(test: &TestSite) {
    let mut bob = new_user("bob");
    bob.email = Some("Bob@example.com".to_owned());
    test.site.create_user(&test.call, bob).await.unwrap();
    let away = test.site.create_user(&test.call, new_user("away")).await.unwrap();
    test.site.deactivate_user(&test.call, away.id).await.unwrap();
    let with = ShareWith::Address("guest@example.com".to_owned());
    let share = Share { with, role: docharbor_domain::Role::Viewer };
    let root = test.folder_in(&test.root(), "shared").await.unwrap().id;
    test.site.share(&test.call, root.into(), vec![share]).await.unwrap();
    let guest = test.site.sign_in(attempt(test, "guest@example.com", "", "192.0.2.9")).await;
    assert!(matches!(guest.unwrap(), SignIn::Wrong));
}

async fn the_right_password_opens_a_session_and_every_wrong_way_is_answered_alike(test: TestSite) {
    people(&test).await;
    for name in ["bob", "BOB", "bob@EXAMPLE.com"] {
        let cookie = signed_in(&test, name).await;
        let session = test.site.web_session(&cookie).await.unwrap().unwrap();
        assert_eq!(session.organization, *test.call.organization());
    }
    for (name, password) in [
        ("bob", "Passw0rd?"),
        ("bob", ""),
        ("nobody", PASSWORD),
        ("", ""),
        ("away", PASSWORD),
        ("guest@example.com", ""),
        ("guest@example.com", PASSWORD),
    ] {
        let answer = tried(&test, name, password).await;
        assert!(matches!(answer, SignIn::Wrong), "{name}: {answer:?}");
    }
    assert!(!is_in(&test, "made up").await);
}

async fn a_session_ends_with_its_time_its_sign_out_and_its_user(test: TestSite) {
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let first = signed_in(&test, "bob").await;
    let second = signed_in(&test, "bob").await;
    test.site.sign_out(test.call.organization(), &first).await.unwrap();
    assert!(!is_in(&test, &first).await);
    assert!(is_in(&test, &second).await);

    test.site.deactivate_user(&test.call, bob.id.clone()).await.unwrap();
    assert!(!is_in(&test, &second).await);
    test.site.activate_user(&test.call, bob.id.clone()).await.unwrap();
    assert!(!is_in(&test, &second).await);

    let second = signed_in(&test, "bob").await;
    test.advance(12 * HOUR_MS - 1);
    assert!(is_in(&test, &second).await);
    test.advance(1);
    assert!(!is_in(&test, &second).await);

    let third = signed_in(&test, "bob").await;
    test.site.delete_user(&test.call, bob.id).await.unwrap();
    assert!(!is_in(&test, &third).await);
    test.advance(48 * HOUR_MS);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number("SELECT COUNT(*) FROM web_session").await, 0);
    assert_eq!(test.number("SELECT COUNT(*) FROM sign_in_failure").await, 0);
    test.assert_settles().await;
}

async fn a_new_password_ends_every_session_and_the_old_password(test: TestSite) {
    test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let cookie = signed_in(&test, "bob").await;
    let organization = test.call.organization();
    let weak = test.site.reset_password(organization, "bob", "weak".to_owned().into()).await;
    assert!(weak.is_err());
    assert!(is_in(&test, &cookie).await);
    let new = Zeroizing::new("Harb0ur-2".to_owned());
    test.site.reset_password(organization, "bob", new).await.unwrap();
    assert!(!is_in(&test, &cookie).await);
    assert!(matches!(tried(&test, "bob", PASSWORD).await, SignIn::Wrong));
    assert!(matches!(tried(&test, "bob", "Harb0ur-2").await, SignIn::Done(_)));
}

async fn no_session_outlives_a_new_password_that_came_while_it_began(test: TestSite) {
    const NEW: &str = "Harb0ur-2";
    for round in 0..8 {
        let name = format!("user{round}");
        test.site.create_user(&test.call, new_user(&name)).await.unwrap();
        let (site, attempt) = (test.site.clone(), attempt(&test, &name, PASSWORD, "192.0.2.1"));
        let (other, organization) = (test.site.clone(), test.call.organization().clone());
        let answers = together(vec![
            async move { Some(site.sign_in(attempt).await.unwrap()) }.boxed(),
            async move {
                let new = Zeroizing::new(NEW.to_owned());
                other.reset_password(&organization, &name, new).await.unwrap();
                None
            }
            .boxed(),
        ])
        .await;
        for answer in answers.into_iter().flatten() {
            if let SignIn::Done(cookie) = answer {
                assert!(!is_in(&test, &cookie).await, "round {round}");
            }
        }
    }
}

async fn waits_grow_for_a_name_and_end_with_the_right_password(test: TestSite) {
    test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    for _ in 0..5 {
        assert!(matches!(tried(&test, "bob", "wrong").await, SignIn::Wrong));
    }
    for wait_ms in [1_000, 2_000, 4_000] {
        // The right password waits like any other: otherwise the wait would tell it.
        for password in ["wrong", PASSWORD] {
            let answer = tried(&test, "bob", password).await;
            assert!(
                matches!(answer, SignIn::Wait { retry_ms } if retry_ms == wait_ms),
                "{answer:?}"
            );
        }
        test.advance(wait_ms);
        assert!(matches!(tried(&test, "bob", "wrong").await, SignIn::Wrong));
    }
    assert!(matches!(tried(&test, "ann", "wrong").await, SignIn::Wrong));
    test.advance(8_000);
    signed_in(&test, "bob").await;
    assert!(matches!(tried(&test, "bob", "wrong").await, SignIn::Wrong));
    assert!(matches!(tried(&test, "bob", "wrong").await, SignIn::Wrong));
}

async fn a_name_written_in_another_way_is_the_same_name(test: TestSite) {
    test.site.create_user(&test.call, new_user("bob.smith")).await.unwrap();
    let ways = ["BOB.smith", "ｂｏｂ.smith", "bo\u{301}b.smith", "bob．smith", "bob.ſmith"];
    for way in ways {
        assert!(matches!(tried(&test, way, "wrong").await, SignIn::Wrong), "{way}");
    }
    // However it is written next, it has had its attempts.
    for way in ["bob.smith", "Bob.Smith", "ＢＯＢ.smith"] {
        assert!(matches!(tried(&test, way, PASSWORD).await, SignIn::Wait { .. }), "{way}");
    }
}

async fn an_address_that_tries_many_names_waits(test: TestSite) {
    test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    for number in 0..20 {
        let answer = tried(&test, &format!("name {number}"), "wrong").await;
        assert!(matches!(answer, SignIn::Wrong), "{answer:?}");
    }
    assert!(matches!(tried(&test, "bob", PASSWORD).await, SignIn::Wait { retry_ms: 1_000 }));
    let elsewhere = attempt(&test, "bob", PASSWORD, "192.0.2.2");
    assert!(matches!(test.site.sign_in(elsewhere).await.unwrap(), SignIn::Done(_)));
}

async fn all_together_wait_after_very_many_failures_and_never_for_long(test: TestSite) {
    let mut before = 0;
    let mut from_a_new_address = |password| {
        before += 1;
        attempt(&test, "ann", password, &format!("192.0.2.{before}"))
    };
    for (failures, wait_ms) in [(499, 1_000), (503, 5_000), (1_000_000, 5_000)] {
        all_together_failed(&test, failures).await;
        if failures < 500 {
            let last = test.site.sign_in(from_a_new_address("wrong")).await.unwrap();
            assert!(matches!(last, SignIn::Wrong), "{last:?}");
        }
        let next = test.site.sign_in(from_a_new_address(PASSWORD)).await.unwrap();
        assert!(matches!(next, SignIn::Wait { retry_ms } if retry_ms == wait_ms), "{next:?}");
        test.advance(wait_ms);
        let done = test.site.sign_in(from_a_new_address(PASSWORD)).await.unwrap();
        assert!(matches!(done, SignIn::Done(_)), "{done:?}");
    }
}

/// Writes down that so many attempts of everybody failed until now.
async fn all_together_failed(test: &TestSite, count: i64) {
    let failures = Failures { count, last: test.site.now() };
    let input = (test.call.organization().clone(), failures);
    test.metadata
        .write(input, |tx, (organization, failures)| {
            async move {
                tx.failures_locked(organization, "everybody").await?;
                tx.put_failures(organization, "everybody", *failures).await
            }
            .boxed()
        })
        .await
        .unwrap();
}

async fn attempts_made_at_once_do_not_slip_past_the_count(test: TestSite) {
    test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let tries = (0..24).map(|number| {
        let site = test.site.clone();
        let attempt = attempt(&test, "bob", "wrong", &format!("192.0.2.{number}"));
        async move { site.sign_in(attempt).await.unwrap() }.boxed()
    });
    let answers = together(tries.collect()).await;
    let looked_at = answers.iter().filter(|answer| matches!(answer, SignIn::Wrong)).count();
    assert_eq!(looked_at, 5, "{answers:?}");
}

async fn of_a_flood_of_attempts_only_so_many_wait_for_their_turn(test: TestSite) {
    const FLOOD: usize = 64;
    if matches!(test.engine, Engine::Postgres) {
        // The turns are the process's own. A flood would only wait for the database here.
        return;
    }
    let tries = (0..FLOOD).map(|number| {
        let site = test.site.clone();
        let attempt =
            attempt(&test, &format!("name {number}"), "wrong", &format!("192.0.2.{number}"));
        async move { site.sign_in(attempt).await.unwrap() }.boxed()
    });
    let answers = together(tries.collect()).await;
    let sent_away = answers.iter().filter(|answer| matches!(answer, SignIn::Wait { .. })).count();
    let looked_at = answers.iter().filter(|answer| matches!(answer, SignIn::Wrong)).count();
    assert_eq!(sent_away + looked_at, FLOOD, "{answers:?}");
    assert!(32 <= looked_at && 0 < sent_away, "{sent_away} were sent away");
}

async fn failures_are_forgotten_with_time(test: TestSite) {
    test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    for _ in 0..5 {
        tried(&test, "bob", "wrong").await;
    }
    assert!(matches!(tried(&test, "bob", "wrong").await, SignIn::Wait { .. }));
    test.advance(15 * 60_000);
    for _ in 0..3 {
        assert!(matches!(tried(&test, "bob", "wrong").await, SignIn::Wrong));
    }
    assert!(matches!(tried(&test, "bob", "wrong").await, SignIn::Wait { .. }));
}
