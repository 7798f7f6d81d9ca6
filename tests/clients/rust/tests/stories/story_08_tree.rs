//! A shared tree: labelled, commented, renamed, moved, recycled and brought back.

use aws_sdk_workdocs::Client;
use aws_sdk_workdocs::types::{
    PrincipalType, ResourceStateType, RoleType, SharePrincipal, ShareStatusType, User,
};
use docharbor_client_stories::{Caller, Site, Upload};

/// A site, its administrator, and the two users of the stories.
struct World {
    site: Site,
    admin: Client,
    reader: User,
    owner: User,
}

impl World {
    async fn start() -> Self {
        let site = Site::start();
        let (reader, owner) = site.token_user_and_another().await;
        let admin = site.admin();
        Self { site, admin, reader, owner }
    }

    /// A client for calls that carry the reader's token.
    fn as_reader(&self) -> (Client, &str) {
        (self.site.client(&Caller::Token(&self.site.told.token)), &self.site.told.token)
    }

    async fn folder(&self, parent: &str, name: &str) -> String {
        let made = self.admin.create_folder().parent_folder_id(parent).name(name).send().await;
        made.unwrap().metadata().unwrap().id().unwrap().to_owned()
    }

    async fn upload(&self, folder: &str, name: &str, content: &[u8]) -> Upload {
        let upload = Upload::begin(&self.admin, folder, name).await;
        assert_eq!(upload.put(content), 200);
        upload.activate(&self.admin).await;
        upload
    }

    async fn share(&self, resource: &str, role: RoleType) {
        let principal = SharePrincipal::builder().id(self.reader.id().unwrap());
        let principal = principal.r#type(PrincipalType::User).role(role).build().unwrap();
        let call = self.admin.add_resource_permissions().resource_id(resource);
        let added = call.principals(principal).send().await.unwrap();
        let [result] = added.share_results() else { panic!("{added:?}") };
        assert_eq!(result.status(), Some(&ShareStatusType::Success), "{result:?}");
        assert_eq!(result.share_id(), Some(resource));
    }

    async fn set_state(&self, folder: &str, state: ResourceStateType) {
        self.admin.update_folder().folder_id(folder).resource_state(state).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_is_shared_moved_recycled_and_restored_with_all_below_it() {
    let world = World::start().await;
    let root = world.owner.root_folder_id().unwrap();
    let (top, target) = (world.folder(root, "top").await, world.folder(root, "target").await);
    let inner = world.folder(&top, "inner").await;
    let upload = world.upload(&inner, "plan.txt", b"plan").await;
    let (client, token) = world.as_reader();
    let read = || client.get_document().authentication_token(token).document_id(&upload.document);
    let error = read().send().await.unwrap_err().into_service_error();
    assert!(error.is_unauthorized_resource_access_exception(), "{error:?}");

    world.share(&top, RoleType::Viewer).await;
    read().send().await.unwrap();
    let rename = client.update_folder().authentication_token(token).folder_id(&inner).name("mine");
    let error = rename.send().await.unwrap_err().into_service_error();
    assert!(error.is_unauthorized_operation_exception(), "{error:?}");

    let call = world.admin.update_folder().folder_id(&top).parent_folder_id(&target);
    call.name("moved").send().await.unwrap();
    let path = world.admin.get_document_path().document_id(&upload.document).fields("NAME");
    let path = path.send().await.unwrap();
    let names: Vec<_> = path.path().unwrap().components().iter().filter_map(|c| c.name()).collect();
    assert_eq!(names, ["/", "target", "moved", "inner", "plan.txt"]);
    let under_itself = world.admin.update_folder().folder_id(&target).parent_folder_id(&inner);
    let error = under_itself.send().await.unwrap_err().into_service_error();
    assert!(error.is_conflicting_operation_exception(), "{error:?}");

    world.set_state(&top, ResourceStateType::Recycled).await;
    let error = read().send().await.unwrap_err().into_service_error();
    assert!(error.is_unauthorized_resource_access_exception(), "{error:?}");
    let bin = world.owner.recycle_bin_folder_id().unwrap();
    let listed = world.admin.describe_folder_contents().folder_id(bin).send().await.unwrap();
    assert!(listed.folders().iter().any(|folder| {
        folder.id() == Some(&top) && folder.resource_state() == Some(&ResourceStateType::Recycled)
    }));
    world.set_state(&top, ResourceStateType::Active).await;
    read().send().await.unwrap();
    let back = world.admin.get_folder().folder_id(&top).send().await.unwrap();
    assert_eq!(back.metadata().unwrap().parent_folder_id(), Some(target.as_str()));
    assert_eq!(upload.read(&world.admin).await.0, b"plan");
}

#[tokio::test]
async fn emptying_the_recycle_bin_is_for_good() {
    let world = World::start().await;
    let folder = world.folder(world.owner.root_folder_id().unwrap(), "emptied").await;
    world.set_state(&folder, ResourceStateType::Recycled).await;
    let bin = world.owner.recycle_bin_folder_id().unwrap();
    world.admin.delete_folder_contents().folder_id(bin).send().await.unwrap();
    let restore = world.admin.update_folder().folder_id(&folder);
    let restore = restore.resource_state(ResourceStateType::Active);
    let error = restore.send().await.unwrap_err().into_service_error();
    assert!(error.is_unauthorized_resource_access_exception(), "{error:?}");
    let listed = world.admin.describe_folder_contents().folder_id(bin).send().await.unwrap();
    assert!(listed.folders().is_empty() && listed.documents().is_empty());
}

#[tokio::test]
async fn labels_come_back_in_order_until_they_are_taken_away() {
    let world = World::start().await;
    let folder = world.folder(world.owner.root_folder_id().unwrap(), "labelled").await;
    let label = || world.admin.create_labels().resource_id(&folder);
    label().labels("draft").labels("2024").send().await.unwrap();
    label().labels("draft").labels("final").send().await.unwrap();
    let read = || world.admin.get_folder().folder_id(&folder).send();
    let shown = read().await.unwrap();
    assert_eq!(shown.metadata().unwrap().labels(), ["2024", "draft", "final"]);
    let many = (0..18).fold(label(), |call, number| call.labels(format!("label {number}")));
    let error = many.send().await.unwrap_err().into_service_error();
    assert!(error.is_too_many_labels_exception(), "{error:?}");
    world.admin.delete_labels().resource_id(&folder).delete_all(true).send().await.unwrap();
    assert!(read().await.unwrap().metadata().unwrap().labels().is_empty());
}

#[tokio::test]
async fn a_comment_is_answered_and_stays_as_long_as_its_answer_does() {
    let world = World::start().await;
    let folder = world.folder(world.owner.root_folder_id().unwrap(), "commented").await;
    let upload = world.upload(&folder, "text", b"text").await;
    world.share(&upload.document, RoleType::Contributor).await;
    let (document, version) = (upload.document.as_str(), upload.version.as_str());
    let call = world.admin.create_comment().document_id(document).version_id(version);
    let first = call.text("a question").send().await.unwrap();
    let first = first.comment().unwrap().comment_id().to_owned();
    let (client, token) = world.as_reader();
    let call = client.create_comment().document_id(document).version_id(version);
    let call = call.authentication_token(token).parent_id(&first).thread_id(&first);
    let second = call.text("an answer").send().await.unwrap();
    let second = second.comment().unwrap();
    assert_eq!(second.parent_id(), Some(first.as_str()));
    assert_eq!(second.contributor().unwrap().id(), world.reader.id());
    let delete = |client: &Client, id: &str| {
        client.delete_comment().document_id(document).version_id(version).comment_id(id)
    };
    let theirs = delete(&client, &first).authentication_token(token).send().await;
    let error = theirs.unwrap_err().into_service_error();
    assert!(error.is_unauthorized_operation_exception(), "{error:?}");
    delete(&world.admin, &first).send().await.unwrap();
    let call = world.admin.describe_comments().document_id(document).version_id(version);
    let left = call.send().await.unwrap();
    let texts: Vec<_> = left.comments().iter().map(|comment| comment.text()).collect();
    assert_eq!(texts, [None, Some("an answer")]);
    let own = delete(&client, second.comment_id()).authentication_token(token);
    own.send().await.unwrap();
}

#[tokio::test]
async fn deleted_versions_come_back() {
    let world = World::start().await;
    let folder = world.folder(world.owner.root_folder_id().unwrap(), "versions").await;
    let old = world.upload(&folder, "plan.txt", b"old").await;
    let new = Upload::begin_version(&world.admin, &old.document).await;
    assert_eq!(new.put(b"new"), 200);
    new.activate(&world.admin).await;
    let delete = |version: &str| {
        let call = world.admin.delete_document_version().document_id(&old.document);
        call.version_id(version).delete_prior_versions(false).send()
    };
    delete(&new.version).await.unwrap();
    let read = || world.admin.get_document().document_id(&old.document).send();
    let latest = read().await.unwrap();
    let latest = latest.metadata().unwrap().latest_version_metadata().unwrap();
    assert_eq!(latest.id(), Some(old.version.as_str()));
    let error = delete(&old.version).await.unwrap_err().into_service_error();
    assert!(error.is_invalid_operation_exception(), "{error:?}");
    let error = delete(&new.version).await.unwrap_err().into_service_error();
    assert!(error.is_entity_not_exists_exception(), "{error:?}");
    let restore = world.admin.restore_document_versions().document_id(&old.document);
    restore.send().await.unwrap();
    assert_eq!(new.read(&world.admin).await.0, b"new");
}
