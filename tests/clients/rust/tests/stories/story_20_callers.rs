//! Who may call: by signature, by token alone, and not at all.

use aws_sdk_workdocs::error::ProvideErrorMetadata as _;
use docharbor_client_stories::{Caller, Site};

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_key_are_refused_with_one_text() {
    let site = Site::start();
    let root = site.root().await;
    let key = site.told.access_key_id.as_str();
    let mut messages = Vec::new();
    for (caller, code) in [
        (Caller::Key(key, "wrong"), "InvalidSignatureException"),
        (Caller::Key("AKIAAAAAAAAAAAAAAAAA", "wrong"), "UnrecognizedClientException"),
    ] {
        let read = site.client(&caller).get_folder().folder_id(&root).send().await;
        let error = read.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some(code));
        messages.push(error.message().unwrap().to_owned());
    }
    assert_eq!(messages[0], messages[1]);
}

#[tokio::test]
async fn a_token_alone_sees_its_user_s_folders_and_no_others() {
    let site = Site::start();
    let (own, other) = site.token_user_and_another().await;
    let client = site.client(&Caller::Token(&site.told.token));
    let read = |folder: Option<&str>| {
        let call = client.get_folder().authentication_token(&site.told.token);
        call.folder_id(folder.unwrap()).send()
    };
    let mine = read(own.root_folder_id()).await.unwrap();
    assert_eq!(mine.metadata().unwrap().creator_id(), own.id());
    let error = read(other.root_folder_id()).await.unwrap_err().into_service_error();
    assert!(error.is_unauthorized_resource_access_exception(), "{error:?}");
}

#[tokio::test]
async fn beside_a_signature_the_token_says_who_is_asking() {
    let site = Site::start();
    let (_, other) = site.token_user_and_another().await;
    let call = site.admin().get_folder().folder_id(other.root_folder_id().unwrap());
    call.clone().send().await.unwrap();
    let refused = call.clone().authentication_token(&site.told.token).send().await;
    let error = refused.unwrap_err().into_service_error();
    assert!(error.is_unauthorized_resource_access_exception(), "{error:?}");
    let refused = call.authentication_token("nonsense").send().await;
    let error = refused.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("UnrecognizedClientException"));
}
