//! One throw-away server, and what the stories do on it again and again.

pub mod as_user;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use aws_sdk_workdocs::config::{Credentials, Region};
use aws_sdk_workdocs::types::{DocumentVersionStatus, User};
use aws_sdk_workdocs::{Client, Config};
use serde::Deserialize;

/// What `docharbor dev` prints when it is ready.
#[derive(Deserialize)]
pub struct Told {
    pub endpoint: String,
    pub organization_id: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub token: String,
}

/// A running server with demo users, gone at the end of the story.
pub struct Site {
    process: Child,
    pub told: Told,
}

/// Who is calling.
pub enum Caller<'a> {
    /// Signs with an access key.
    Key(&'a str, &'a str),
    /// Signs nothing and sends a user's token.
    Token(&'a str),
}

impl Site {
    #[expect(clippy::disallowed_methods, reason = "the tests are told by it what to start")]
    pub fn start() -> Self {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/debug/docharbor");
        let program = std::env::var("DOCHARBOR_BIN").unwrap_or_else(|_| beside.to_owned());
        let mut process = Command::new(program)
            .args(["dev", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("docharbor dev starts");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let told = serde_json::from_str(&line).expect("the line is JSON");
        Self { process, told }
    }

    /// A client that signs with the site's own key.
    pub fn admin(&self) -> Client {
        self.client(&Caller::Key(&self.told.access_key_id, &self.told.secret_access_key))
    }

    pub fn client(&self, caller: &Caller<'_>) -> Client {
        let config = Config::builder()
            .behavior_version_latest()
            .endpoint_url(&self.told.endpoint)
            .region(Region::new("us-east-1"))
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let config = match caller {
            Caller::Key(id, secret) => {
                config.credentials_provider(Credentials::new(*id, *secret, None, None, "story"))
            }
            Caller::Token(_) => config.allow_no_auth(),
        };
        Client::from_conf(config.build())
    }

    /// The demo user whom the token is for, and another one.
    pub async fn token_user_and_another(&self) -> (User, User) {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        let client = self.client(&Caller::Token(&self.told.token));
        let users = self.admin().describe_users().organization_id(&self.told.organization_id);
        for user in users.send().await.expect("users").users() {
            let root = user.root_folder_id().expect("a root folder");
            let read = client.get_folder().authentication_token(&self.told.token).folder_id(root);
            match read.send().await {
                Ok(_) => own.push(user.clone()),
                Err(_) => others.push(user.clone()),
            }
        }
        (own.pop().expect("the token's user"), others.pop().expect("another user"))
    }

    /// The root folder of some user.
    pub async fn root(&self) -> String {
        let users = self.admin().describe_users().organization_id(&self.told.organization_id);
        let users = users.send().await.expect("users");
        users.users()[0].root_folder_id().expect("a root folder").to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Asked to stop, it removes its directory; killed, it could not.
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        let ended = self.process.wait();
        if !std::thread::panicking() {
            assert!(asked.expect("kill").success());
            assert!(ended.expect("the server's end").success());
        }
    }
}

/// An upload that was begun.
pub struct Upload {
    pub document: String,
    pub version: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
}

impl Upload {
    /// Begins a new document.
    pub async fn begin(client: &Client, folder: &str, name: &str) -> Self {
        let begun = client
            .initiate_document_version_upload()
            .parent_folder_id(folder)
            .name(name)
            .send()
            .await
            .expect("an upload begins");
        Self::of(begun.metadata(), begun.upload_metadata())
    }

    /// Begins a new version.
    pub async fn begin_version(client: &Client, document: &str) -> Self {
        let begun = client.initiate_document_version_upload().id(document).send().await;
        let begun = begun.expect("an upload begins");
        Self::of(begun.metadata(), begun.upload_metadata())
    }

    fn of(
        metadata: Option<&aws_sdk_workdocs::types::DocumentMetadata>,
        upload: Option<&aws_sdk_workdocs::types::UploadMetadata>,
    ) -> Self {
        let (metadata, upload) = (metadata.expect("metadata"), upload.expect("upload"));
        let version = metadata.latest_version_metadata().expect("the new version");
        let headers = upload.signed_headers().expect("headers").clone();
        Self {
            document: metadata.id().expect("an id").to_owned(),
            version: version.id().expect("an id").to_owned(),
            url: upload.upload_url().expect("a URL").to_owned(),
            headers: headers.into_iter().collect(),
        }
    }

    /// Sends the content; the status of the answer.
    pub fn put(&self, content: &[u8]) -> u16 {
        let mut request = agent().put(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.send(content).expect("an answer").status().as_u16()
    }

    pub async fn activate(&self, client: &Client) {
        let call = client.update_document_version().document_id(&self.document);
        let call = call.version_id(&self.version).version_status(DocumentVersionStatus::Active);
        call.send().await.expect("the version becomes ACTIVE");
    }

    /// Reads the version back: its bytes and its signature.
    pub async fn read(&self, client: &Client) -> (Vec<u8>, String) {
        let call = client.get_document_version().document_id(&self.document);
        let read = call.version_id(&self.version).fields("SOURCE").send().await.expect("a version");
        let metadata = read.metadata().expect("metadata");
        let source = &metadata.source().expect("sources")
            [&aws_sdk_workdocs::types::DocumentSourceType::Original];
        let mut answer = agent().get(source).call().expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let mut content = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut content).expect("the content");
        (content, metadata.signature().expect("a signature").to_owned())
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
