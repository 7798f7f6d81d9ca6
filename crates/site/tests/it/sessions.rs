//! Temporary keys: when they end, and that nothing is left of them.

use docharbor_domain::{Administrator, Circumstances, Identity};
use docharbor_site::{KeyHolder, NewIamRole, PolicyOwner, RoleRequest, TemporaryKey};

use crate::support::{TestSite, on_both_engines};

on_both_engines! {
    a_session_ends_at_its_time_and_is_forgotten,
    a_users_keys_are_never_more_than_two_however_many_ask,
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*",
    "Action":"sts:AssumeRole"}}"#;

const ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

async fn holder(test: &TestSite, key: &docharbor_domain::AccessKeyId) -> Option<KeyHolder> {
    test.site.key_holder(key).await.unwrap()
}

async fn administrator(test: &TestSite) -> Administrator {
    let organization = test.call.organization();
    let key = test.site.create_access_key(organization, "ci", None).await.unwrap();
    match holder(test, &key.id).await.unwrap().caller.identity {
        Identity::Administrator(administrator) => administrator,
        Identity::User(_) => panic!("a key is no user's"),
    }
}

async fn session(test: &TestSite, of: &Administrator, duration_secs: i64) -> TemporaryKey {
    let organization = test.call.organization();
    let role = NewIamRole {
        name: format!("reader-{duration_secs}"),
        path: "/".to_owned(),
        description: String::new(),
        trust_policy: TRUST.to_owned(),
        session_max_secs: 3_600,
    };
    let role = test.site.create_iam_role(organization, role).await.unwrap().entity.name;
    let owner = PolicyOwner::Role;
    test.site.put_iam_policy(organization, owner, &role, "all", ALL).await.unwrap();
    let account = test.site.account_id(organization).await.unwrap();
    let request = RoleRequest {
        role_arn: format!("arn:aws:iam::{account}:role/{role}"),
        session_name: "night".to_owned(),
        duration_secs,
        policy: None,
        external_id: None,
    };
    let here = Circumstances { now: test.site.now(), source_ip: None };
    test.site.assume_role(organization, of, here, request).await.unwrap()
}

async fn a_session_ends_at_its_time_and_is_forgotten(test: TestSite) {
    let own = administrator(&test).await;
    let short = session(&test, &own, 900).await;
    let long = session(&test, &own, 3_600).await;
    let found = holder(&test, &short.key.id).await.unwrap();
    assert!(found.accepts(Some(&short.token)));
    assert!(!found.accepts(None) && !found.accepts(Some(&long.token)));
    test.advance(899_999);
    assert!(!found.has_expired(test.site.now()));
    let organization = test.call.organization();
    let of_url = |key: &TemporaryKey| key.key.id.to_string();
    assert!(test.site.url_holder(organization, &of_url(&short)).await.unwrap().is_some());

    test.advance(1);
    assert!(found.has_expired(test.site.now()));
    assert!(test.site.url_holder(organization, &of_url(&short)).await.unwrap().is_none());
    test.advance(1);
    test.site.run_jobs_once().await.unwrap();
    assert!(holder(&test, &short.key.id).await.is_none());
    let kept = holder(&test, &long.key.id).await.unwrap();
    assert!(!kept.has_expired(test.site.now()));
}

async fn a_users_keys_are_never_more_than_two_however_many_ask(test: TestSite) {
    let organization = test.call.organization().clone();
    test.site.create_iam_user(&organization, "robot", "/").await.unwrap();
    let ask = || test.site.create_iam_key(&organization, "Robot");
    let asked = futures::future::join_all((0..6).map(|_| ask())).await;
    assert_eq!(asked.iter().filter(|made| made.is_ok()).count(), 2);
    assert_eq!(test.site.iam_keys(&organization, "robot").await.unwrap().len(), 2);
    assert!(test.site.delete_iam_user(&organization, "robot").await.is_err());
}
