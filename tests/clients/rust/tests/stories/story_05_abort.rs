//! AbortDocumentVersionUpload at each stage, and the refusals its page names.

use aws_sdk_workdocs::Client;
use aws_sdk_workdocs::operation::abort_document_version_upload::AbortDocumentVersionUploadError;
use docharbor_client_stories::{Caller, Site, Upload};

async fn abort(
    client: &Client,
    document: &str,
    version: &str,
    token: Option<&str>,
) -> Result<(), AbortDocumentVersionUploadError> {
    let call = client.abort_document_version_upload().document_id(document).version_id(version);
    let sent = call.set_authentication_token(token.map(str::to_owned)).send().await;
    sent.map(drop).map_err(aws_sdk_workdocs::error::SdkError::into_service_error)
}

#[tokio::test]
async fn aborting_the_first_version_takes_the_document_with_it() {
    let site = Site::start();
    let (client, root) = (site.admin(), site.root().await);
    for sent in [false, true] {
        let upload = Upload::begin(&client, &root, "gone").await;
        if sent {
            assert_eq!(upload.put(b"content"), 200);
        }
        abort(&client, &upload.document, &upload.version, None).await.unwrap();
        let read = client.get_document().document_id(&upload.document).send().await;
        let error = read.unwrap_err().into_service_error();
        assert!(error.is_unauthorized_resource_access_exception(), "{error:?}");
        assert_eq!(upload.put(b"too late"), 403);
    }
    let again = Upload::begin(&client, &root, "gone").await;
    assert_eq!(again.put(b"again"), 200);
    again.activate(&client).await;
}

#[tokio::test]
async fn aborting_a_second_version_leaves_the_first_and_then_does_not_exist() {
    let site = Site::start();
    let (client, root) = (site.admin(), site.root().await);
    let first = Upload::begin(&client, &root, "stays").await;
    assert_eq!(first.put(b"first"), 200);
    first.activate(&client).await;
    let second = Upload::begin_version(&client, &first.document).await;
    abort(&client, &second.document, &second.version, None).await.unwrap();
    assert_eq!(first.read(&client).await.0, b"first");
    match abort(&client, &second.document, &second.version, None).await.unwrap_err() {
        AbortDocumentVersionUploadError::EntityNotExistsException(error) => {
            assert_eq!(error.entity_ids(), std::slice::from_ref(&second.version));
            assert!(error.message().is_some_and(|message| !message.is_empty()));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_active_version_cannot_be_aborted() {
    let site = Site::start();
    let (client, root) = (site.admin(), site.root().await);
    let upload = Upload::begin(&client, &root, "active").await;
    assert_eq!(upload.put(b"active"), 200);
    upload.activate(&client).await;
    let error = abort(&client, &upload.document, &upload.version, None).await.unwrap_err();
    assert!(error.is_prohibited_state_exception(), "{error:?}");
    assert_eq!(upload.read(&client).await.0, b"active");
}

#[tokio::test]
async fn a_document_that_never_was_and_one_of_somebody_else_look_the_same() {
    let site = Site::start();
    let (_, other) = site.token_user_and_another().await;
    let admin = site.admin();
    let upload = Upload::begin(&admin, other.root_folder_id().unwrap(), "hidden").await;
    let client = site.client(&Caller::Token(&site.told.token));
    let mut messages = Vec::new();
    for document in [upload.document.clone(), "0".repeat(64)] {
        let result = abort(&client, &document, &upload.version, Some(&site.told.token)).await;
        let error = result.unwrap_err();
        assert!(error.is_unauthorized_resource_access_exception(), "{error:?}");
        messages.push(error.meta().message().unwrap().to_owned());
    }
    assert_eq!(messages[0], messages[1]);
}

#[tokio::test]
async fn the_token_of_a_deactivated_user_may_not_abort() {
    let site = Site::start();
    let (user, _) = site.token_user_and_another().await;
    let admin = site.admin();
    let upload = Upload::begin(&admin, user.root_folder_id().unwrap(), "draft").await;
    let id = user.id().unwrap();
    admin.deactivate_user().user_id(id).send().await.unwrap();
    let client = site.client(&Caller::Token(&site.told.token));
    let token = Some(site.told.token.as_str());
    let error = abort(&client, &upload.document, &upload.version, token).await.unwrap_err();
    assert!(error.is_unauthorized_operation_exception(), "{error:?}");
    admin.activate_user().user_id(id).send().await.unwrap();
    abort(&client, &upload.document, &upload.version, token).await.unwrap();
}
