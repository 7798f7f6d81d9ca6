//! Tokens of users: what telling them costs, how they are listed, and how they end.

use docharbor_domain::Scopes;
use docharbor_site::{NewApplication, TokenHolder};

use crate::support::{TestSite, on_both_engines};

on_both_engines! {
    what_was_never_a_token_is_refused_before_the_database_is_asked,
    a_program_s_token_is_listed_with_the_program_until_it_is_revoked,
}

const BOTH: Scopes = Scopes { read: true, write: true };

async fn what_was_never_a_token_is_refused_before_the_database_is_asked(test: TestSite) {
    let organization = test.call.organization();
    let token = test.site.create_token(organization, "ann", BOTH, 1_000).await.unwrap();
    let one_letter_wrong = token.replacen(&token[10..11], "g", 1);
    for (text, costs) in [
        (token.as_str(), 1),
        (&one_letter_wrong, 0),
        (&token[..token.len() - 1], 0),
        (&format!("{}0", *token), 0),
        ("", 0),
        ("dh_", 0),
    ] {
        let before = test.metadata.statements();
        let holder = test.site.token_holder(text).await.unwrap();
        assert_eq!(test.metadata.statements() - before, costs, "{text}");
        assert_eq!(matches!(holder, TokenHolder::User(_)), costs == 1, "{text}");
    }
}

async fn a_program_s_token_is_listed_with_the_program_until_it_is_revoked(test: TestSite) {
    let organization = test.call.organization();
    let new = NewApplication {
        name: "Scanner".to_owned(),
        email: None,
        scopes: BOTH,
        redirect_uris: Vec::new(),
    };
    let application = test.site.create_application(organization, new).await.unwrap();
    let scopes = Scopes { read: true, write: false };
    let issued = test.site.grant_token(&application, &test.ann.id, scopes).await.unwrap();
    let plain = test.site.create_token(organization, "ann", BOTH, 1_000).await.unwrap();

    let listed = test.site.tokens(organization, Some("ANN")).await.unwrap();
    let programs: Vec<_> = listed.iter().map(|token| token.application.clone()).collect();
    assert_eq!(programs.iter().flatten().collect::<Vec<_>>(), [&application.id]);
    assert_eq!(listed.len(), 2);
    let its = listed.iter().find(|token| token.application.is_some()).unwrap();
    assert_eq!((its.username.as_str(), its.scopes), ("ann", scopes));

    test.site.revoke_token(organization, &its.id).await.unwrap();
    let holder = test.site.token_holder(&issued.text).await.unwrap();
    assert!(matches!(holder, TokenHolder::Unknown));
    assert!(matches!(test.site.token_holder(&plain).await.unwrap(), TokenHolder::User(_)));
    assert_eq!(test.site.tokens(organization, None).await.unwrap().len(), 1);
    test.advance(1_000);
    assert!(test.site.tokens(organization, None).await.unwrap().is_empty());
}
