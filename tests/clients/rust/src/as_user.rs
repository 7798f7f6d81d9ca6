//! A program that acts as a user: it signs nothing and sends the user's token with each call.

use std::error::Error;

use aws_sdk_workdocs::config::Region;
use aws_sdk_workdocs::types::DocumentVersionStatus;
use aws_sdk_workdocs::{Client, Config};

/// Uploads a document into the root folder of whom the token is for; answers the user's name.
pub async fn upload(endpoint: &str, token: &str) -> Result<String, Box<dyn Error>> {
    let config = Config::builder()
        .behavior_version_latest()
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        // For http:// alone; leave it out where the server has TLS.
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .allow_no_auth();
    let workdocs = Client::from_conf(config.build());

    let me = workdocs.get_current_user().authentication_token(token).send().await?;
    let folders = workdocs.describe_root_folders().authentication_token(token).send().await?;
    let root = folders.folders()[0].id().ok_or("no root folder")?;

    let begin = workdocs.initiate_document_version_upload().authentication_token(token);
    let begun = begin.parent_folder_id(root).name("from-rust.txt").send().await?;
    let document = begun.metadata().ok_or("no document")?;
    let version = document.latest_version_metadata().ok_or("no version")?;
    let target = begun.upload_metadata().ok_or("no place to upload to")?;
    let mut request = ureq::put(target.upload_url().ok_or("no URL")?);
    for (name, value) in target.signed_headers().into_iter().flatten() {
        request = request.header(name, value);
    }
    request.send("Hello from Rust\n")?;
    let finish = workdocs.update_document_version().authentication_token(token);
    let finish = finish.set_document_id(document.id().map(str::to_owned));
    let finish = finish.set_version_id(version.id().map(str::to_owned));
    finish.version_status(DocumentVersionStatus::Active).send().await?;

    let user = me.user().and_then(|user| user.username()).ok_or("no user name")?;
    Ok(user.to_owned())
}
