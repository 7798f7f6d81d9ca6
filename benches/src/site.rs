//! The server that is measured, with a user whose folder takes what is uploaded.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Answer, Connection, block_on};
use crate::process::{Running, directory};
use crate::signer::Signer;
use crate::{Outcome, Settings};

pub(crate) const ORGANIZATION: &str = "d-0123456789";
const KEY_ID: &str = "AKIABENCHBENCHBENCH0";
const SECRET: &str = "bench/secret/bench/secret/bench/secret00";

/// The database in the data directory.
const DATABASE: &str = "meta.db";

/// How long the server's own check of its data may take.
const VERIFY_LIMIT: &str = "180s";

/// A server on a directory of its own.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) signer: Signer,
    pub(crate) running: Running,
    /// From the start of the process to the first answer that it is ready.
    pub(crate) ready_after: Duration,
    binary: PathBuf,
    directory: TempDir,
    arguments: Vec<String>,
}

/// A user of the server.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) root: String,
}

/// A document with one ACTIVE version.
pub(crate) struct Stored {
    pub(crate) document_id: String,
    pub(crate) version_id: String,
}

impl Site {
    /// Starts a server on an empty directory, set as it is set by default.
    pub(crate) fn start(settings: &Settings) -> Outcome<Self> {
        Self::start_with(settings, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(settings: &Settings, arguments: &[&str]) -> Outcome<Self> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self::serve(settings.server.clone(), directory(settings)?, arguments)
    }

    fn serve(binary: PathBuf, directory: TempDir, arguments: Vec<String>) -> Outcome<Self> {
        let data = directory.path().join("data");
        let mut command = Command::new(&binary);
        command.arg("serve").arg(&data).args(["--listen", "127.0.0.1:0"]);
        command.args(["--organization-id", ORGANIZATION]).args(&arguments);
        command.env("DOCHARBOR_ROOT_ACCESS_KEY_ID", KEY_ID);
        command.env("DOCHARBOR_ROOT_SECRET_ACCESS_KEY", SECRET);
        let began = Instant::now();
        let mut running = Running::start(&command, &directory.path().join("log"))?;
        let endpoint = data.join("endpoint");
        let address = running.wait_for(|| {
            let url = std::fs::read_to_string(&endpoint).ok()?;
            let address = url.trim_end().strip_prefix("http://")?.parse().ok()?;
            is_ready(address).then_some(address)
        });
        let ready_after = began.elapsed();
        let address: SocketAddr = address.map_err(|error| {
            let log = std::fs::read_to_string(directory.path().join("log")).unwrap_or_default();
            format!("the server {error}\n{log}")
        })?;
        let signer = Signer {
            host: address.to_string(),
            key_id: KEY_ID.to_owned(),
            secret: SECRET.to_owned(),
        };
        Ok(Self { address, signer, running, ready_after, binary, directory, arguments })
    }

    /// Changes the database while the server does not run, and starts it again.
    pub(crate) fn at_rest(
        self,
        change: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<()>,
    ) -> Outcome<Self> {
        let arguments = self.arguments.clone();
        self.changed(arguments, change)
    }

    /// Stops the server and starts it again with other arguments.
    pub(crate) fn again_with(self, arguments: &[&str]) -> Outcome<Self> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.changed(arguments, |_| Ok(()))
    }

    fn changed(
        self,
        arguments: Vec<String>,
        change: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<()>,
    ) -> Outcome<Self> {
        let Self { running, binary, directory, .. } = self;
        running.stop()?;
        let data = directory.path().join("data");
        let changed = rusqlite::Connection::open(data.join(DATABASE)).and_then(|database| {
            change(&database)?;
            database.close().map_err(|(_, error)| error)
        });
        changed.map_err(|error| error.to_string())?;
        // It names the address of a server that no longer is.
        let _ = std::fs::remove_file(data.join("endpoint"));
        Self::serve(binary, directory, arguments)
    }

    /// A connection to the database of its own.
    pub(crate) fn database(&self) -> Outcome<rusqlite::Connection> {
        let path = self.directory.path().join("data").join(DATABASE);
        rusqlite::Connection::open(path).map_err(|error| error.to_string())
    }

    /// Lets a user view a folder.
    pub(crate) fn share(&self, folder: &str, with: &User) -> Outcome<()> {
        let path = format!("/api/v1/resources/{folder}/permissions");
        let principal = format!(r#"{{"Id":"{}","Type":"USER","Role":"VIEWER"}}"#, with.id);
        self.call("POST", &path, "", &format!(r#"{{"Principals":[{principal}]}}"#))?;
        Ok(())
    }

    /// Subscribes an endpoint to what happens. It is told of nothing until it is confirmed.
    pub(crate) fn subscribe(&self, endpoint: &str) -> Outcome<()> {
        let path = format!("/api/v1/organizations/{ORGANIZATION}/subscriptions");
        let body =
            format!(r#"{{"Endpoint":"{endpoint}","Protocol":"HTTPS","SubscriptionType":"ALL"}}"#);
        self.call("POST", &path, "", &body)?;
        Ok(())
    }

    /// Makes an active user without a quota and gives the id of the user's root folder.
    pub(crate) fn new_root_folder(&self) -> Outcome<String> {
        Ok(self.new_user("bench")?.root)
    }

    /// Makes an active user without a quota.
    pub(crate) fn new_user(&self, name: &str) -> Outcome<User> {
        let user = format!(
            r#"{{"OrganizationId":"{ORGANIZATION}","Username":"{name}","GivenName":"Bench",
                "Surname":"Mark","Password":"aA1!bench-bench",
                "StorageRule":{{"StorageType":"UNLIMITED"}}}}"#
        );
        let user = self.call("POST", "/api/v1/users", "", &user)?;
        let id = text(&user, "/User/Id")?;
        let path = format!("/api/v1/users/{}/activation", id.replace('&', "%26"));
        let user = self.call("POST", &path, "", "")?;
        Ok(User { id, root: text(&user, "/User/RootFolderId")? })
    }

    /// Makes a token with which a program acts as a user.
    pub(crate) fn token(&self, name: &str) -> Outcome<String> {
        Ok(self.command(&["token", "create", "--user", name])?.trim().to_owned())
    }

    /// Has all documents looked into anew.
    pub(crate) fn reindex(&self) -> Outcome<()> {
        self.command(&["reindex", "--all"]).map(drop)
    }

    /// Runs a command on the data directory and gives what it says.
    fn command(&self, arguments: &[&str]) -> Outcome<String> {
        let data = self.directory.path().join("data");
        let mut command = Command::new(&self.binary);
        // A server that does not look into documents now will do so later.
        command.args(arguments).arg(data).env("DOCHARBOR_EXTRACTION", "on");
        let output = command.output();
        let output = output.map_err(|error| error.to_string())?;
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(out.into_owned()) } else { Err(err.into_owned()) }
    }

    pub(crate) fn new_folder(&self, parent: &str, name: &str) -> Outcome<String> {
        let body = format!(r#"{{"Name":"{name}","ParentFolderId":"{parent}"}}"#);
        text(&self.call("POST", "/api/v1/folders", "", &body)?, "/Metadata/Id")
    }

    /// Uploads one document in the usual three steps.
    pub(crate) fn store(&self, folder: &str, name: &str, bytes: &[u8]) -> Outcome<Stored> {
        let uploader = Uploader { site: self, folder, content: bytes };
        block_on(async { uploader.upload(&mut Connection::open(self.address).await?, name).await })
    }

    /// Path and query of a URL through which the bytes of a document can be fetched.
    pub(crate) fn source(&self, stored: &Stored) -> Outcome<String> {
        let Stored { document_id, version_id } = stored;
        let path = format!("/api/v1/documents/{document_id}/versions/{version_id}");
        let version = self.call("GET", &path, "fields=SOURCE", "")?;
        self.target(&text(&version, "/Metadata/Source/ORIGINAL")?)
    }

    /// A URL of this server without its scheme and host.
    pub(crate) fn target(&self, url: &str) -> Outcome<String> {
        let start = format!("http://{}", self.address);
        let target = url.strip_prefix(&start).ok_or_else(|| format!("not a URL of ours: {url}"))?;
        Ok(target.to_owned())
    }

    /// Sends one request on a connection of its own.
    pub(crate) fn call(&self, method: &str, path: &str, query: &str, body: &str) -> Outcome<Value> {
        let request = self.signer.request(method, path, query, body, None);
        block_on(async {
            let mut connection = Connection::open(self.address).await?;
            let answer = connection.exchange(&request).await?;
            let told = |error| format!("{method} {path} {error}");
            let body = answer.success().map_err(told)?;
            if body.is_empty() {
                return Ok(Value::Null);
            }
            serde_json::from_slice(body).map_err(|error| format!("{method} {path}: {error}"))
        })
    }

    /// Stops the server and has it check its own data.
    pub(crate) fn stop_and_verify(self) -> Outcome<()> {
        let Self { running, binary, directory, .. } = self;
        running.stop()?;
        let data = directory.path().join("data");
        let output =
            Command::new("timeout").arg(VERIFY_LIMIT).arg(binary).arg("verify").arg(&data).output();
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Err(format!("verify after the measurement: {}\n{out}{err}", output.status))
    }
}

/// A request for the bytes behind a transfer URL.
pub(crate) fn plain_get(host: &str, target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes()
}

fn is_ready(address: SocketAddr) -> bool {
    let request = plain_get("localhost", "/health/ready");
    let asked = block_on(async {
        let mut connection = Connection::open(address).await?;
        Ok(connection.exchange(&request).await?.status == 200)
    });
    asked.unwrap_or(false)
}

fn text(value: &Value, pointer: &str) -> Outcome<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("an answer has no {pointer}: {value}"))
}

/// Uploads documents of the same bytes into one folder.
pub(crate) struct Uploader<'a> {
    pub(crate) site: &'a Site,
    pub(crate) folder: &'a str,
    pub(crate) content: &'a [u8],
}

impl Uploader<'_> {
    /// Initiate, PUT, activate: one after another on one connection, as an SDK sends them.
    pub(crate) async fn upload(&self, connection: &mut Connection, name: &str) -> Outcome<Stored> {
        let target = self.initiate(connection, name).await?;
        let signer = &self.site.signer;
        let mut put = format!(
            "PUT {target} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/octet-stream\r\n\
             content-length: {}\r\n\r\n",
            signer.host,
            self.content.len()
        )
        .into_bytes();
        put.extend_from_slice(self.content);
        connection.exchange(&put).await?.success()?;
        self.activate(connection, &target).await
    }

    /// Begins an upload and gives path and query of its URL.
    pub(crate) async fn initiate(
        &self,
        connection: &mut Connection,
        name: &str,
    ) -> Outcome<String> {
        let body = format!(
            r#"{{"ParentFolderId":"{}","Name":"{name}","ContentType":"application/octet-stream","DocumentSizeInBytes":{}}}"#,
            self.folder,
            self.content.len()
        );
        let id = format!("begin-{name}");
        let signer = &self.site.signer;
        let request = signer.request("POST", "/api/v1/documents", "", &body, Some(&id));
        let answer = connection.exchange(&request).await?;
        self.site.target(upload_url(&answer)?)
    }

    /// Makes the version ACTIVE whose bytes went to `target`.
    pub(crate) async fn activate(
        &self,
        connection: &mut Connection,
        target: &str,
    ) -> Outcome<Stored> {
        let ids = target.split('?').next().unwrap_or_default();
        let mut ids = ids.rsplit('/');
        let (Some(version_id), Some(document_id)) = (ids.next(), ids.next()) else {
            return Err(format!("not an upload URL of ours: {target}"));
        };
        let path = format!("/api/v1/documents/{document_id}/versions/{version_id}");
        let id = format!("end-{version_id}");
        let signer = &self.site.signer;
        let body = r#"{"VersionStatus":"ACTIVE"}"#;
        let request = signer.request("PATCH", &path, "", body, Some(&id));
        connection.exchange(&request).await?.success()?;
        Ok(Stored { document_id: document_id.to_owned(), version_id: version_id.to_owned() })
    }
}

/// The URL in an answer, found without parsing the rest.
fn upload_url<'a>(answer: &'a Answer<'_>) -> Outcome<&'a str> {
    const MEMBER: &str = "\"UploadUrl\":\"";
    let body = std::str::from_utf8(answer.success()?).map_err(|error| error.to_string())?;
    let rest = body.split_once(MEMBER).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split('"').next()).ok_or_else(|| format!("no upload URL: {body}"))
}
