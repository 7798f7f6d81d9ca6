//! Several sites on one server, and the first of them made only once.

use docharbor_domain::{OrganizationId, Refusal};
use docharbor_site::{Error, FirstStart, NewOrganization};
use futures::future::join_all;

use crate::support::{TestSite, on_both_engines};

on_both_engines! {
    nodes_that_start_at_once_make_one_first_site,
    sites_made_at_once_have_places_and_accounts_of_their_own,
    an_id_and_an_alias_belong_to_one_site,
}

async fn nodes_that_start_at_once_make_one_first_site(test: TestSite) {
    for _ in 0..5 {
        test.execute("DELETE FROM organization").await;
        test.execute("DELETE FROM access_key").await;
        let starts = (0..4).map(|_| test.site.first_start(FirstStart::default()));
        let started = join_all(starts).await;
        let ids: Vec<OrganizationId> = started.into_iter().map(Result::unwrap).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(test.number("SELECT COUNT(*) FROM organization").await, 1);
        assert_eq!(test.number("SELECT COUNT(*) FROM access_key").await, 1);
        test.site.root_key(&ids[0]).await.unwrap();
    }
}

async fn sites_made_at_once_have_places_and_accounts_of_their_own(test: TestSite) {
    let first = test.site.organization().await.unwrap();
    let made = (0..6).map(|_| test.site.create_organization(NewOrganization::default()));
    for made in join_all(made).await {
        let (id, key) = made.unwrap();
        let holder = test.site.key_holder(&key.id).await.unwrap().unwrap();
        assert_eq!(holder.caller.organization, id);
        assert_eq!(test.site.root_key(&id).await.unwrap().id, key.id);
    }
    let rows = test.site.organization_rows().await.unwrap();
    let ordinals: Vec<i64> = rows.iter().map(|row| row.ordinal).collect();
    assert_eq!(ordinals, [1, 2, 3, 4, 5, 6, 7]);
    let mut accounts: Vec<&str> = rows.iter().map(|row| row.account_id.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    assert_eq!((accounts.len(), accounts[0]), (7, "000000000000"));
    assert_eq!(test.site.organization().await.unwrap(), first);
}

async fn an_id_and_an_alias_belong_to_one_site(test: TestSite) {
    let wanted = |id: &str, alias: &str| NewOrganization {
        id: Some(OrganizationId::new(id)),
        alias: Some(alias.to_owned()),
    };
    let (id, _) = test.site.create_organization(wanted("d-0000000001", "atlas")).await.unwrap();
    for taken in [wanted("d-0000000001", "other"), wanted("d-0000000002", "atlas")] {
        let refused = test.site.create_organization(taken).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::AlreadyExists(_)))));
    }
    let first = test.site.organization().await.unwrap().unwrap();
    let refused = test.site.set_alias(&first, "atlas").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::AlreadyExists(_)))));
    test.site.set_alias(&id, "atlas").await.unwrap();
    test.site.set_alias(&id, "borealis").await.unwrap();
    test.site.set_alias(&first, "atlas").await.unwrap();
    let named =
        async |name: &str| test.site.organization_named(name).await.unwrap().map(|row| row.id);
    assert_eq!(named("atlas").await, Some(first.clone()));
    assert_eq!(named("borealis").await, Some(id.clone()));
    assert_eq!(named(id.as_str()).await, Some(id));
    assert_eq!(named("nobody").await, None);
}
