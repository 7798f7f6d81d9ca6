//! Tokens for programs: codes that work once and for a while, devices that wait, what ends them.

use std::net::IpAddr;

use docharbor_domain::{RedirectUri, Scopes};
use docharbor_site::{
    Application, CodeClaim, DEVICE_INTERVAL_MS, DEVICE_LIFETIME_MS, DeviceStart, Issued,
    NewApplication, TokenHolder, Ungranted,
};
use futures::FutureExt as _;
use zeroize::Zeroizing;

use crate::support::{TestSite, assert_refused, new_user, on_both_engines, together};

on_both_engines! {
    a_code_gives_a_token_once_and_to_nobody_else,
    a_code_is_over_after_a_minute,
    of_those_who_redeem_a_code_at_once_one_gets_a_token,
    a_code_gives_nothing_once_its_user_or_application_is_gone,
    a_token_ends_after_an_hour_and_with_its_application,
    no_token_outlives_its_application_however_the_two_meet,
    a_device_waits_asks_and_gets_a_token_once,
    a_device_that_nobody_answers_is_told_so_and_forgotten,
    of_devices_that_ask_at_once_one_gets_a_token,
    of_two_answers_at_once_one_counts,
    ten_wrong_user_codes_make_one_user_wait_ten_minutes,
    an_address_begins_no_more_devices_than_it_may,
    no_more_devices_of_an_application_wait_than_there_is_room_for,
}

const URI: &str = "https://app.example.com/back";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BOTH: Scopes = Scopes { read: true, write: true };
const MINUTE_MS: i64 = 60_000;

async fn application(test: &TestSite) -> Application {
    let new = NewApplication {
        name: "Harbour Sync".to_owned(),
        email: None,
        scopes: BOTH,
        redirect_uris: vec![RedirectUri::parse(URI).unwrap()],
    };
    test.site.create_application(test.call.organization(), new).await.unwrap()
}

async fn code(test: &TestSite, application: &Application) -> Zeroizing<String> {
    let uri = &application.redirect_uris[0];
    test.site.grant_code(application, &test.ann.id, BOTH, uri, CHALLENGE).await.unwrap()
}

fn claim(application: &Application, code: &str) -> CodeClaim {
    CodeClaim {
        code: Zeroizing::new(code.to_owned()),
        application: application.id.clone(),
        redirect_uri: URI.to_owned(),
        challenge: CHALLENGE.to_owned(),
    }
}

async fn redeemed(test: &TestSite, claim: CodeClaim) -> Result<Issued, Ungranted> {
    test.site.redeem_code(claim).await.unwrap()
}

async fn begun(test: &TestSite, application: &Application, address: &str) -> DeviceStart {
    let address = address.parse::<IpAddr>().unwrap();
    test.site.begin_device(application, BOTH, Some(address)).await.unwrap()
}

async fn asked(
    test: &TestSite,
    device: &DeviceStart,
    application: &Application,
) -> Result<Issued, Ungranted> {
    test.site.redeem_device(&device.device_code, &application.id).await.unwrap()
}

async fn is_answered(test: &TestSite, typed: &str, allow: bool) -> bool {
    let organization = test.call.organization();
    test.site.answer_device(organization, &test.ann.id, typed, allow).await.unwrap().is_some()
}

async fn works(test: &TestSite, token: &str) -> bool {
    matches!(test.site.token_holder(token).await.unwrap(), TokenHolder::User(_))
}

fn assert_ungranted(result: Result<Issued, Ungranted>, why: Ungranted) {
    assert_eq!(result.map(|_| ()), Err(why));
}

async fn a_code_gives_a_token_once_and_to_nobody_else(test: TestSite) {
    let (application, other) = (application(&test).await, application(&test).await);
    let good = code(&test, &application).await;
    let issued = redeemed(&test, claim(&application, &good)).await.ok().unwrap();
    assert_eq!(issued.scopes, BOTH);
    assert!(works(&test, &issued.text).await);
    assert_ungranted(redeemed(&test, claim(&application, &good)).await, Ungranted::InvalidGrant);

    let spoils: [fn(&mut CodeClaim, &Application); 4] = [
        |claim, other| claim.application = other.id.clone(),
        |claim, _| claim.redirect_uri.push('/'),
        |claim, _| claim.challenge = claim.challenge.to_lowercase(),
        |claim, _| claim.code = Zeroizing::new(claim.code.to_uppercase()),
    ];
    for spoil in spoils {
        let stolen = code(&test, &application).await;
        let mut wrong = claim(&application, &stolen);
        spoil(&mut wrong, &other);
        let was_found = *wrong.code == *stolen;
        assert_ungranted(redeemed(&test, wrong).await, Ungranted::InvalidGrant);
        // The right claim comes too late, if the code itself was right before.
        let late = redeemed(&test, claim(&application, &stolen)).await;
        assert_eq!(late.is_err(), was_found);
    }
}

async fn a_code_is_over_after_a_minute(test: TestSite) {
    let application = application(&test).await;
    let in_time = code(&test, &application).await;
    test.advance(MINUTE_MS - 1);
    assert!(redeemed(&test, claim(&application, &in_time)).await.is_ok());
    let late = code(&test, &application).await;
    let forgotten = code(&test, &application).await;
    test.advance(MINUTE_MS);
    assert_ungranted(redeemed(&test, claim(&application, &late)).await, Ungranted::InvalidGrant);
    assert_eq!(test.number("SELECT COUNT(*) FROM authorization_code").await, 1);
    test.advance(11 * MINUTE_MS);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number("SELECT COUNT(*) FROM authorization_code").await, 0);
    let gone = redeemed(&test, claim(&application, &forgotten)).await;
    assert_ungranted(gone, Ungranted::InvalidGrant);
}

async fn of_those_who_redeem_a_code_at_once_one_gets_a_token(test: TestSite) {
    let application = application(&test).await;
    for _ in 0..5 {
        let code = code(&test, &application).await;
        let tries = (0..8).map(|_| {
            let (site, claim) = (test.site.clone(), claim(&application, &code));
            async move { site.redeem_code(claim).await.unwrap() }.boxed()
        });
        let issued: Vec<Issued> =
            together(tries.collect()).await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(issued.len(), 1);
        assert!(works(&test, &issued[0].text).await);
    }
    assert_eq!(test.number("SELECT COUNT(*) FROM token").await, 5);
}

async fn a_code_gives_nothing_once_its_user_or_application_is_gone(test: TestSite) {
    let application = application(&test).await;
    // Somebody must stay who administers.
    test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let first = code(&test, &application).await;
    let uri = &application.redirect_uris[0];
    test.site.deactivate_user(&test.call, test.ann.id.clone()).await.unwrap();
    assert_ungranted(redeemed(&test, claim(&application, &first)).await, Ungranted::InvalidGrant);
    let refused = test.site.grant_token(&application, &test.ann.id, BOTH).await;
    assert_refused!(refused.map(|_| ()), docharbor_domain::Refusal::NotAllowed(_));
    test.site.activate_user(&test.call, test.ann.id.clone()).await.unwrap();

    let second = code(&test, &application).await;
    let device = begun(&test, &application, "192.0.2.1").await;
    assert!(is_answered(&test, &device.user_code, true).await);
    let organization = test.call.organization();
    test.site.delete_application(organization, &application.id).await.unwrap();
    assert_ungranted(redeemed(&test, claim(&application, &second)).await, Ungranted::InvalidGrant);
    assert_ungranted(asked(&test, &device, &application).await, Ungranted::InvalidGrant);
    // Codes that were given out in the same moment are worth as little.
    let third = test.site.grant_code(&application, &test.ann.id, BOTH, uri, CHALLENGE).await;
    let late = redeemed(&test, claim(&application, &third.unwrap())).await;
    assert_ungranted(late, Ungranted::InvalidGrant);
    let refused = test.site.grant_token(&application, &test.ann.id, BOTH).await;
    assert_refused!(refused.map(|_| ()), docharbor_domain::Refusal::NotAllowed(_));
    for table in ["application", "application_redirect", "device_code", "token"] {
        assert_eq!(test.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
}

async fn a_token_ends_after_an_hour_and_with_its_application(test: TestSite) {
    let (first, second) = (application(&test).await, application(&test).await);
    let one = test.site.grant_token(&first, &test.ann.id, BOTH).await.unwrap();
    let other = test.site.grant_token(&second, &test.ann.id, BOTH).await.unwrap();
    test.site.delete_application(test.call.organization(), &first.id).await.unwrap();
    assert!(!works(&test, &one.text).await);
    test.advance(60 * MINUTE_MS - 1);
    assert!(works(&test, &other.text).await);
    test.advance(1);
    assert!(!works(&test, &other.text).await);
}

async fn no_token_outlives_its_application_however_the_two_meet(test: TestSite) {
    for _ in 0..8 {
        let application = application(&test).await;
        let (site, granted) = (test.site.clone(), application.clone());
        let ann = test.ann.id.clone();
        let (other, organization) = (test.site.clone(), test.call.organization().clone());
        let tokens = together(vec![
            async move { site.grant_token(&granted, &ann, BOTH).await.ok() }.boxed(),
            async move {
                other.delete_application(&organization, &application.id).await.unwrap();
                None
            }
            .boxed(),
        ])
        .await;
        for issued in tokens.into_iter().flatten() {
            assert!(!works(&test, &issued.text).await);
        }
    }
    assert_eq!(test.number("SELECT COUNT(*) FROM token").await, 0);
}

async fn a_device_waits_asks_and_gets_a_token_once(test: TestSite) {
    let (application, other) = (application(&test).await, application(&test).await);
    let device = begun(&test, &application, "192.0.2.1").await;
    assert_ungranted(asked(&test, &device, &application).await, Ungranted::Pending);
    test.advance(DEVICE_INTERVAL_MS - 1);
    assert_ungranted(asked(&test, &device, &application).await, Ungranted::SlowDown);
    test.advance(DEVICE_INTERVAL_MS);
    assert_ungranted(asked(&test, &device, &application).await, Ungranted::Pending);
    let typed = device.user_code.to_lowercase().replace('-', "  ");
    assert!(is_answered(&test, &typed, true).await);
    assert!(!is_answered(&test, &typed, false).await);
    assert_ungranted(asked(&test, &device, &other).await, Ungranted::InvalidGrant);
    let issued = asked(&test, &device, &application).await.ok().unwrap();
    assert!(works(&test, &issued.text).await);
    assert_ungranted(asked(&test, &device, &application).await, Ungranted::InvalidGrant);

    let denied = begun(&test, &application, "192.0.2.1").await;
    assert!(is_answered(&test, &denied.user_code, false).await);
    assert_ungranted(asked(&test, &denied, &application).await, Ungranted::Denied);
    assert_ungranted(asked(&test, &denied, &application).await, Ungranted::InvalidGrant);
}

async fn a_device_that_nobody_answers_is_told_so_and_forgotten(test: TestSite) {
    let application = application(&test).await;
    let first = begun(&test, &application, "192.0.2.1").await;
    let second = begun(&test, &application, "192.0.2.1").await;
    test.advance(DEVICE_LIFETIME_MS - 1);
    assert_ungranted(asked(&test, &first, &application).await, Ungranted::Pending);
    test.advance(1);
    test.site.run_jobs_once().await.unwrap();
    assert!(!is_answered(&test, &first.user_code, true).await);
    assert_ungranted(asked(&test, &first, &application).await, Ungranted::Expired);
    test.advance(11 * MINUTE_MS);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(test.number("SELECT COUNT(*) FROM device_code").await, 0);
    assert_ungranted(asked(&test, &second, &application).await, Ungranted::InvalidGrant);
}

async fn of_devices_that_ask_at_once_one_gets_a_token(test: TestSite) {
    let application = application(&test).await;
    for _ in 0..5 {
        let device = begun(&test, &application, "192.0.2.1").await;
        assert!(is_answered(&test, &device.user_code, true).await);
        let tries = (0..8).map(|_| {
            let (site, application) = (test.site.clone(), application.id.clone());
            let code = device.device_code.clone();
            async move { site.redeem_device(&code, &application).await.unwrap() }.boxed()
        });
        let issued = together(tries.collect()).await.into_iter().filter_map(Result::ok).count();
        assert_eq!(issued, 1);
    }
    assert_eq!(test.number("SELECT COUNT(*) FROM token").await, 5);
}

async fn of_two_answers_at_once_one_counts(test: TestSite) {
    let application = application(&test).await;
    for _ in 0..5 {
        let device = begun(&test, &application, "192.0.2.1").await;
        let answers = [true, false].map(|allow| {
            let (site, call) = (test.site.clone(), test.call.clone());
            let (ann, code) = (test.ann.id.clone(), device.user_code.clone());
            async move {
                let answered = site.answer_device(call.organization(), &ann, &code, allow).await;
                answered.unwrap().is_some()
            }
            .boxed()
        });
        let counted = together(answers.into()).await;
        assert_eq!(counted.iter().filter(|counted| **counted).count(), 1);
        assert_eq!(asked(&test, &device, &application).await.is_ok(), counted[0]);
    }
}

async fn ten_wrong_user_codes_make_one_user_wait_ten_minutes(test: TestSite) {
    let application = application(&test).await;
    let device = begun(&test, &application, "192.0.2.1").await;
    let organization = test.call.organization();
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let look = async |user: &docharbor_domain::UserId, typed: &str| {
        test.site.pending_device(organization, user, typed).await
    };
    for _ in 0..10 {
        assert!(look(&test.ann.id, "BBBB-BBBB").await.unwrap().is_none());
    }
    let refused = look(&test.ann.id, &device.user_code).await;
    assert_refused!(refused.map(|_| ()), docharbor_domain::Refusal::LimitExceeded(_));
    let refused =
        test.site.answer_device(organization, &test.ann.id, &device.user_code, true).await;
    assert_refused!(refused.map(|_| ()), docharbor_domain::Refusal::LimitExceeded(_));
    assert!(look(&bob.id, &device.user_code).await.unwrap().is_some());
    test.advance(10 * MINUTE_MS);
    let fresh = begun(&test, &application, "192.0.2.1").await;
    assert!(look(&test.ann.id, &fresh.user_code).await.unwrap().is_some());
}

async fn an_address_begins_no_more_devices_than_it_may(test: TestSite) {
    let (application, other) = (application(&test).await, application(&test).await);
    for _ in 0..60 {
        begun(&test, &application, "2001:db8::1").await;
    }
    // Whoever has one address has its neighbours.
    let address = "2001:db8::2".parse().ok();
    let refused = test.site.begin_device(&application, BOTH, address).await;
    assert_refused!(refused.map(|_| ()), docharbor_domain::Refusal::LimitExceeded(_));
    begun(&test, &other, "2001:db8::1").await;
    begun(&test, &application, "192.0.2.1").await;
    test.advance(10 * MINUTE_MS);
    begun(&test, &application, "2001:db8::1").await;
}

async fn no_more_devices_of_an_application_wait_than_there_is_room_for(test: TestSite) {
    let (application, other) = (application(&test).await, application(&test).await);
    for network in 0..20 {
        for _ in 0..50 {
            begun(&test, &application, &format!("192.0.2.{network}")).await;
        }
    }
    let address = "198.51.100.1".parse().ok();
    let refused = test.site.begin_device(&application, BOTH, address).await;
    assert_refused!(refused.map(|_| ()), docharbor_domain::Refusal::LimitExceeded(_));
    begun(&test, &other, "198.51.100.1").await;
    test.advance(DEVICE_LIFETIME_MS);
    begun(&test, &application, "198.51.100.1").await;
}
