//! Programs that act as a user, by a token alone.

use aws_sdk_workdocs::error::ProvideErrorMetadata as _;
use docharbor_client_stories::{Caller, Site, as_user};

const PAGE: &str = include_str!("../../../../../docs/tokens.md");
const PROGRAM: &str = include_str!("../../src/as_user.rs");

#[tokio::test]
async fn the_program_of_the_page_uploads_as_its_user() {
    assert!(PAGE.contains(&format!("```rust\n{PROGRAM}```\n")), "the page shows this program");
    let site = Site::start();
    let (own, _) = site.token_user_and_another().await;
    let name = as_user::upload(&site.told.endpoint, &site.told.token).await.unwrap();
    assert_eq!(Some(name.as_str()), own.username());
    let contents = site.admin().describe_folder_contents();
    let contents = contents.folder_id(own.root_folder_id().unwrap()).send().await.unwrap();
    let names = contents.documents().iter().filter_map(|document| {
        document.latest_version_metadata().and_then(|version| version.name())
    });
    assert_eq!(names.filter(|name| *name == "from-rust.txt").count(), 1);
}

#[tokio::test]
async fn what_only_a_user_can_ask_is_answered_by_the_token_however_it_is_sent() {
    let site = Site::start();
    let (own, _) = site.token_user_and_another().await;
    let raw = site.told.token.clone();
    let unsigned = site.client(&Caller::Token(&raw));
    for client in [unsigned, site.admin()] {
        for token in [raw.clone(), format!("Bearer {raw}")] {
            let me = client.get_current_user().authentication_token(&token).send().await.unwrap();
            assert_eq!(me.user().unwrap().id(), own.id());
            let call = client.describe_root_folders().authentication_token(&token);
            let folders = call.send().await.unwrap();
            let ids: Vec<_> = folders.folders().iter().map(|folder| folder.id()).collect();
            assert_eq!(ids, [own.root_folder_id(), own.recycle_bin_folder_id()]);
        }
        let refused = client.get_current_user().authentication_token("nonsense").send().await;
        let error = refused.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("UnrecognizedClientException"));
    }
}
