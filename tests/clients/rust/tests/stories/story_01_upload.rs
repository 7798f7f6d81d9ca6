//! A program uploads files, reads them back and replaces them.

use docharbor_client_stories::{Site, Upload};
use md5::{Digest as _, Md5};

/// Bytes that repeat nowhere soon.
fn content(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..size).map(|_| next()).collect()
}

#[tokio::test]
async fn an_upload_is_there_with_every_byte_and_its_md5() {
    let site = Site::start();
    let (client, root) = (site.admin(), site.root().await);
    for size in [0, 1, 20_000_000] {
        let content = content(size);
        let upload = Upload::begin(&client, &root, &format!("{size} bytes")).await;
        assert_eq!(upload.put(&content), 200);
        upload.activate(&client).await;
        let (read, signature) = upload.read(&client).await;
        assert!(read == content, "{size} bytes came back changed");
        let digest: String = Md5::digest(&content).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(signature, digest);
    }
}

#[tokio::test]
async fn a_name_comes_back_as_it_was_given() {
    let site = Site::start();
    let (client, root) = (site.admin(), site.root().await);
    for name in ["Übersicht.txt", "🎉 plan.md", "דוח שנתי.pdf", "../../etc/passwd", "it's \"q\""]
    {
        let upload = Upload::begin(&client, &root, name).await;
        assert_eq!(upload.put(name.as_bytes()), 200);
        upload.activate(&client).await;
        let read = client.get_document().document_id(&upload.document).send().await.unwrap();
        let version = read.metadata().unwrap().latest_version_metadata().unwrap();
        assert_eq!(version.name(), Some(name));
        assert_eq!(upload.read(&client).await.0, name.as_bytes());
    }
}

#[tokio::test]
async fn a_new_version_replaces_the_old_one_at_activation_and_not_before() {
    let site = Site::start();
    let (client, root) = (site.admin(), site.root().await);
    let old = Upload::begin(&client, &root, "plan.txt").await;
    assert_eq!(old.put(b"old"), 200);
    old.activate(&client).await;
    let new = Upload::begin_version(&client, &old.document).await;
    assert_eq!(new.put(b"new"), 200);
    assert_eq!(latest(&client, &old.document).await, old.version);
    new.activate(&client).await;
    assert_eq!(latest(&client, &old.document).await, new.version);
    assert_eq!(new.put(b"changed"), 403);
    assert_eq!(new.read(&client).await.0, b"new");
    assert_eq!(old.read(&client).await.0, b"old");
}

async fn latest(client: &aws_sdk_workdocs::Client, document: &str) -> String {
    let read = client.get_document().document_id(document).send().await.unwrap();
    let version = read.metadata().unwrap().latest_version_metadata().unwrap();
    version.id().unwrap().to_owned()
}
