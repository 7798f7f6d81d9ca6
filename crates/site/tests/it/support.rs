//! A whole site on real stores, with a clock that the test moves.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use docharbor_blobs::{BlobStore, LIST_PAGE_MAX, LocalBlobs};
use docharbor_directory::Connector;
use docharbor_domain::{
    Action, Administrator, Call, Caller, Circumstances, DocumentId, Folder, FolderId, Identity,
    ItemKind, NewUpload, OrganizationId, Refusal, ResourceId, ResourceName, Scope, Scopes,
    StorageRule, Timestamp, TokenUser, UploadTarget, User, UserChange, UserId, UserStatus,
    UserType, VersionId,
};
use docharbor_metadata::{Metadata, Options};
use docharbor_notify::Resolver;
use docharbor_search::extract::Extractor;
use docharbor_site::{
    Clock, Courier, CourierSettings, Error, Expected, FirstStart, ItemUpdate, Keyring, MasterKey,
    Meaning, NewOrganization, NewUser, OsRandom, Parts, ReceiveError, ReceiveRefusal, Settings,
    Site, StateChange, SystemClock, UsersQuery,
};
use docharbor_testkit::postgres::Cluster;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::Barrier;
use tokio_postgres::NoTls;

/// Which database a story runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Runs each story on both databases. A story nobody lists is unused, and does not compile.
macro_rules! on_both_engines {
    ($($story:ident),* $(,)?) => {
        mod sqlite {
            use crate::support::{Engine, TestSite};
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                super::$story(TestSite::on(Engine::Sqlite).await).await;
            })*
        }
        mod postgres {
            use crate::support::{Engine, TestSite};
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                super::$story(TestSite::on(Engine::Postgres).await).await;
            })*
        }
    };
}
pub(crate) use on_both_engines;

/// A clock that stands still until it is moved. It begins now, because files bear the machine's time.
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

/// Somebody who uses a site.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) site: Site,
    pub(crate) call: Call,
}

/// A site with one user, ann, whom the site's administrator acts for.
pub(crate) struct TestSite {
    actor: Actor,
    pub(crate) metadata: Metadata,
    pub(crate) blobs: LocalBlobs,
    pub(crate) ann: User,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) engine: Engine,
    database: Database,
    directory: TempDir,
}

impl Deref for TestSite {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl TestSite {
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::with(engine, Settings::default()).await
    }

    pub(crate) async fn with(engine: Engine, settings: Settings) -> Self {
        let directory = TempDir::new().unwrap();
        let database = match engine {
            Engine::Sqlite => Database::Sqlite(directory.path().join("meta.db")),
            Engine::Postgres => Database::Postgres(Cluster::shared().fresh_database()),
        };
        let metadata = database.open().await;
        let blobs = LocalBlobs::open(&directory.path().join("data")).unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(SystemClock.now().as_millis())));
        let site = site(&metadata, Arc::new(blobs.clone()), &clock, settings);
        let organization = site.first_start(FirstStart::default()).await.unwrap();
        let call = administrator(organization, None);
        let ann = site.create_user(&call, new_user("ann")).await.unwrap();
        let actor = Actor { site, call };
        Self { actor, metadata, blobs, ann, clock, engine, database, directory }
    }

    /// The same site after a restart.
    pub(crate) async fn restarted(mut self) -> Self {
        self.site.close().await.unwrap();
        self.metadata = self.database.open().await;
        self.actor.site = self.site_over(Arc::new(self.blobs.clone()));
        self
    }

    /// Another site on the same data, which keeps its bytes through `blobs`.
    pub(crate) fn site_over(&self, blobs: Arc<dyn BlobStore>) -> Site {
        site(&self.metadata, blobs, &self.clock, self.site.settings().clone())
    }

    /// Another site on the same data, which asks other directories and another clock.
    pub(crate) fn site_asking(
        &self,
        directories: Arc<dyn Connector>,
        clock: Arc<dyn Clock>,
    ) -> Site {
        let settings = self.site.settings().clone();
        let blobs = Arc::new(self.blobs.clone());
        Site::new(parts(&self.metadata, blobs, directories, clock, settings))
    }

    /// Another site on the same data, in which documents are looked into.
    pub(crate) fn extracting(&self, extractor: Arc<dyn Extractor>) -> Site {
        self.extracting_over(extractor, Arc::new(self.blobs.clone()))
    }

    /// The same, which keeps its bytes through `blobs`.
    pub(crate) fn extracting_over(
        &self,
        extractor: Arc<dyn Extractor>,
        blobs: Arc<dyn BlobStore>,
    ) -> Site {
        let settings = self.site.settings().clone();
        let directories = Arc::new(docharbor_site::LdapConnector);
        let clock = Arc::<TestClock>::clone(&self.clock);
        let parts = parts(&self.metadata, blobs, directories, clock, settings);
        Site::new(Parts { extractor: Some(extractor), ..parts })
    }

    /// Another site on the same data, which asks another resolver for the addresses of endpoints.
    pub(crate) fn resolving(&self, resolver: Resolver) -> Site {
        let settings = self.site.settings().clone();
        let directories = Arc::new(docharbor_site::LdapConnector);
        let clock = Arc::<TestClock>::clone(&self.clock);
        let blobs = Arc::new(self.blobs.clone());
        let parts = parts(&self.metadata, blobs, directories, clock, settings);
        let courier = Courier::with_resolver(CourierSettings::default(), resolver).unwrap();
        Site::new(Parts { courier, ..parts })
    }

    /// Somebody to act in a task of its own.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.clock.0.store(now.as_millis(), Ordering::SeqCst);
    }

    pub(crate) fn root(&self) -> FolderId {
        self.ann.root_folder.clone()
    }

    /// A call that is told from others by its retry key.
    pub(crate) fn attempt(&self, retry_key: &str) -> Actor {
        let call = administrator(self.call.organization().clone(), Some(retry_key.to_owned()));
        Actor { site: self.site.clone(), call }
    }

    /// The administrator of another site on the same server.
    pub(crate) async fn other_site(&self) -> Actor {
        let made = self.site.create_organization(NewOrganization::default()).await.unwrap();
        Actor { site: self.site.clone(), call: administrator(made.0, None) }
    }

    /// A user, as who holds their token.
    pub(crate) fn as_user(&self, user: &User) -> Actor {
        let identity = Identity::User(TokenUser {
            id: user.id.clone(),
            user_type: user.user_type,
            status: UserStatus::Active,
            scopes: Scopes { read: true, write: true },
            from_directory: false,
        });
        let organization = self.call.organization().clone();
        let action = Action { name: "Anything", scope: Scope::Write };
        let call = admitted(Caller { organization, identity }, action, None).unwrap();
        Actor { site: self.site.clone(), call }
    }

    /// How many items a folder counts.
    pub(crate) async fn items_in(&self, folder: &FolderId) -> i64 {
        self.number(&format!("SELECT item_count FROM resource WHERE id = '{folder}'")).await
    }

    /// How many files the blob store holds.
    pub(crate) async fn files(&self) -> usize {
        self.blobs.list(self.call.organization(), None, LIST_PAGE_MAX).await.unwrap().len()
    }

    /// The only file whose name contains the text.
    pub(crate) fn file(&self, named: &str) -> PathBuf {
        let mut folders = vec![self.directory.path().join("data/blobs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().unwrap().to_str().unwrap().contains(named) {
                    return path;
                }
            }
        }
        panic!("no file is named {named}");
    }

    /// Runs statements past the application.
    pub(crate) async fn execute(&self, sql: &str) {
        match &self.database {
            Database::Sqlite(path) => open_raw(path).execute_batch(sql).unwrap(),
            Database::Postgres(url) => connect(url).await.batch_execute(sql).await.unwrap(),
        }
    }

    /// The one number a statement gives, past the application.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        match &self.database {
            Database::Sqlite(path) => open_raw(path).query_row(sql, [], |row| row.get(0)).unwrap(),
            Database::Postgres(url) => connect(url).await.query_one(sql, &[]).await.unwrap().get(0),
        }
    }

    /// How many rows the tables of the tree and its bytes have.
    pub(crate) async fn rows(&self) -> [i64; 5] {
        let mut counts = [0; 5];
        let tables = ["resource", "version", "blob", "garbage", "purge"];
        for (count, table) in counts.iter_mut().zip(tables) {
            *count = self.number(&format!("SELECT COUNT(*) FROM {table}")).await;
        }
        counts
    }

    /// A connection to PostgreSQL beside the application's.
    pub(crate) async fn connection(&self) -> tokio_postgres::Client {
        match &self.database {
            Database::Postgres(url) => connect(url).await,
            Database::Sqlite(_) => panic!("a story for PostgreSQL alone"),
        }
    }

    pub(crate) async fn used_bytes(&self) -> i64 {
        self.user(&self.ann.id).await.unwrap().storage_used_bytes
    }

    pub(crate) async fn assert_sound(&self) {
        let report = self.site.verify(true).await.unwrap();
        assert_eq!(report.findings, [], "{:?}", self.engine);
    }

    /// Lets the jobs do all there is to do now and when every grace is over; then nothing may be
    /// wrong, and there are as many files as blobs.
    pub(crate) async fn assert_settles(&self) {
        self.site.run_jobs_once().await.unwrap();
        self.assert_sound().await;
        for _ in 0..2 {
            self.advance(self.site.settings().garbage_grace_ms + 60_000);
            self.site.sweep().await.unwrap();
            self.site.run_jobs_once().await.unwrap();
        }
        self.assert_sound().await;
        let [_, _, blobs, garbage, purges] = self.rows().await;
        assert_eq!((garbage, purges), (0, 0), "{:?}", self.engine);
        assert_eq!(i64::try_from(self.files().await), Ok(blobs), "{:?}", self.engine);
    }
}

impl Actor {
    pub(crate) async fn folder_in(&self, parent: &FolderId, name: &str) -> Result<Folder, Error> {
        self.site.create_folder(&self.call, parent.clone(), ResourceName::new(name)).await
    }

    /// Begins a new document.
    pub(crate) async fn begin(
        &self,
        parent: &FolderId,
        name: &str,
        declared_bytes: Option<i64>,
    ) -> Result<Draft, Error> {
        let name = ResourceName::new(name);
        let target = UploadTarget::Folder { parent: parent.clone(), name };
        self.initiate(target, declared_bytes).await
    }

    /// Begins a new version of a document.
    pub(crate) async fn begin_version(
        &self,
        document: &DocumentId,
        declared_bytes: Option<i64>,
    ) -> Result<Draft, Error> {
        let target = UploadTarget::Document { id: document.clone(), name: None, parent: None };
        self.initiate(target, declared_bytes).await
    }

    async fn initiate(
        &self,
        target: UploadTarget,
        declared_bytes: Option<i64>,
    ) -> Result<Draft, Error> {
        let upload = NewUpload {
            target,
            content_type: "text/plain".to_owned(),
            declared_bytes,
            content_created: None,
            content_modified: None,
        };
        let document = self.site.initiate_upload(&self.call, upload).await?.document;
        Ok(Draft { document: document.id, version: document.latest.id })
    }

    /// Sends the bytes of an upload as a transfer does.
    pub(crate) async fn put(&self, draft: &Draft, bytes: impl Into<Bytes>) -> Result<(), Error> {
        let (document, version) = (draft.document.clone(), draft.version.clone());
        let incoming = self.site.open_upload(&self.call, document, version).await?;
        let body = futures::stream::iter([Ok(bytes.into())]).boxed();
        match self.site.receive(&incoming, body, Expected::at_most(1 << 30)).await {
            Ok(_) => Ok(()),
            Err(ReceiveRefusal::Site(error)) => Err(error),
            // Bytes there is no room for are not taken to their end.
            Err(ReceiveRefusal::Bytes(ReceiveError::TooLarge { .. })) => {
                Err(Refusal::StorageWillExceed.into())
            }
            Err(ReceiveRefusal::Bytes(error)) => panic!("{error}"),
        }
    }

    pub(crate) async fn activate(&self, draft: &Draft) -> Result<(), Error> {
        let (document, version) = (draft.document.clone(), draft.version.clone());
        self.site.activate_version(&self.call, document, version).await
    }

    pub(crate) async fn abort(&self, draft: &Draft) -> Result<(), Error> {
        let (document, version) = (draft.document.clone(), draft.version.clone());
        self.site.abort_upload(&self.call, document, version).await
    }

    /// Uploads a document in its three steps.
    pub(crate) async fn upload(
        &self,
        parent: &FolderId,
        name: &str,
        bytes: &'static [u8],
    ) -> Result<Draft, Error> {
        let draft = self.begin(parent, name, i64::try_from(bytes.len()).ok()).await?;
        self.put(&draft, bytes).await?;
        self.activate(&draft).await?;
        Ok(draft)
    }

    /// Downloads a version.
    pub(crate) async fn download(&self, draft: &Draft) -> Result<Vec<u8>, Error> {
        let (document, version) = (draft.document.clone(), draft.version.clone());
        let download = self.site.open_download(&self.call, document, version).await?;
        let whole = 0..download.reader.size_bytes();
        let mut body = download.reader.read_range(whole);
        let mut bytes = Vec::new();
        while let Some(part) = body.next().await {
            bytes.extend_from_slice(&part.unwrap());
        }
        Ok(bytes)
    }

    pub(crate) async fn delete_document(&self, id: &DocumentId) -> Result<(), Error> {
        self.site.delete_document(&self.call, id.clone()).await
    }

    pub(crate) async fn delete_folder(&self, id: &FolderId) -> Result<(), Error> {
        self.site.delete_folder(&self.call, id.clone()).await
    }

    pub(crate) async fn rename(&self, target: impl Into<Target>, name: &str) -> Result<(), Error> {
        self.update(target.into(), Some(name), None, None).await
    }

    pub(crate) async fn move_to(
        &self,
        target: impl Into<Target>,
        parent: &FolderId,
    ) -> Result<(), Error> {
        self.update(target.into(), None, Some(parent), None).await
    }

    pub(crate) async fn recycle(&self, target: impl Into<Target>) -> Result<(), Error> {
        self.update(target.into(), None, None, Some(StateChange::Recycle)).await
    }

    pub(crate) async fn restore(
        &self,
        target: impl Into<Target>,
        parent: Option<&FolderId>,
    ) -> Result<(), Error> {
        self.update(target.into(), None, parent, Some(StateChange::Restore)).await
    }

    pub(crate) async fn update(
        &self,
        target: Target,
        name: Option<&str>,
        parent: Option<&FolderId>,
        state: Option<StateChange>,
    ) -> Result<(), Error> {
        let Target { id, kind } = target;
        let name = name.map(ResourceName::new);
        let update = ItemUpdate { id, kind, name, parent: parent.cloned(), state };
        self.site.update_item(&self.call, update).await
    }

    pub(crate) async fn delete_version(
        &self,
        draft: &Draft,
        with_prior: bool,
    ) -> Result<(), Error> {
        let (document, version) = (draft.document.clone(), draft.version.clone());
        self.site.delete_version(&self.call, document, version, with_prior).await
    }

    pub(crate) async fn restore_versions(&self, document: &DocumentId) -> Result<(), Error> {
        self.site.restore_versions(&self.call, document.clone()).await
    }

    /// Uploads another version of a document.
    pub(crate) async fn upload_version(
        &self,
        document: &DocumentId,
        bytes: &'static [u8],
    ) -> Result<Draft, Error> {
        let draft = self.begin_version(document, i64::try_from(bytes.len()).ok()).await?;
        self.put(&draft, bytes).await?;
        self.activate(&draft).await?;
        Ok(draft)
    }

    pub(crate) async fn user(&self, id: &UserId) -> Result<User, Error> {
        let page = self.site.users(&self.call, UsersQuery::Ids(vec![id.clone()])).await?;
        Ok(page.users.into_iter().next().unwrap())
    }

    pub(crate) async fn allow_bytes(&self, id: &UserId, bytes: i64) {
        let storage_rule = Some(StorageRule::Quota(bytes));
        let change = UserChange { storage_rule, ..UserChange::default() };
        self.site.update_user(&self.call, id.clone(), change).await.unwrap();
    }
}

/// An item, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) id: ResourceId,
    pub(crate) kind: ItemKind,
}

impl From<&FolderId> for Target {
    fn from(id: &FolderId) -> Self {
        Self { id: id.clone().into(), kind: ItemKind::Folder }
    }
}

impl From<&DocumentId> for Target {
    fn from(id: &DocumentId) -> Self {
        Self { id: id.clone().into(), kind: ItemKind::Document }
    }
}

impl From<&Target> for Target {
    fn from(target: &Target) -> Self {
        target.clone()
    }
}

/// An upload that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) document: DocumentId,
    pub(crate) version: VersionId,
}

/// Lets all tasks begin at one moment, and gives what they came to in their order.
pub(crate) async fn together<T: Send + 'static>(tasks: Vec<BoxFuture<'static, T>>) -> Vec<T> {
    let start = Arc::new(Barrier::new(tasks.len()));
    let begin = |task: BoxFuture<'static, T>| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            task.await
        })
    };
    let running: Vec<_> = tasks.into_iter().map(begin).collect();
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        results.push(task.await.unwrap());
    }
    results
}

/// Whether a racer won. One who lost must have been told so in words that say what to do; anything
/// else is a fault.
pub(crate) fn won<T>(result: &Result<T, Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(Error::Refused(
            Refusal::Hidden
            | Refusal::NotFound { .. }
            | Refusal::AlreadyExists(_)
            | Refusal::ProhibitedState(_)
            | Refusal::Conflicting(_)
            | Refusal::InvalidOperation(_)
            | Refusal::LimitExceeded(_)
            | Refusal::ConcurrentModification(_),
        )) => false,
        // They are told that the hierarchy is changing.
        Err(error) if matches!(error.meaning(), Meaning::Busy) => false,
        Err(error) => panic!("{}", docharbor_site::chain(error)),
    }
}

/// Holds that a call was refused for a reason.
macro_rules! assert_refused {
    ($result:expr, $refusal:pat) => {
        match $result {
            Err(docharbor_site::Error::Refused($refusal)) => {}
            other => panic!("instead of {}: {other:?}", stringify!($refusal)),
        }
    };
}
pub(crate) use assert_refused;

/// Whether the caller is told that there is no such thing.
pub(crate) fn is_hidden<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Refused(Refusal::Hidden)))
}

pub(crate) fn new_user(username: &str) -> NewUser {
    NewUser {
        username: username.to_owned(),
        password: "Passw0rd!".to_owned().into(),
        email: None,
        given_name: username.to_owned(),
        surname: "Example".to_owned(),
        time_zone: None,
        storage_rule: None,
        user_type: UserType::User,
    }
}

fn administrator(organization: OrganizationId, retry_key: Option<String>) -> Call {
    let identity = Identity::Administrator(Administrator {
        access_key_id: docharbor_domain::AccessKeyId::new("AKIAROOT"),
        arn: "arn:aws:iam::000000000000:user/root".to_owned(),
        role_arn: None,
        permit: docharbor_domain::Permit::everything(),
    });
    let action = Action { name: "Anything", scope: Scope::Write };
    admitted(Caller { organization, identity }, action, retry_key).unwrap()
}

fn admitted(caller: Caller, action: Action, retry_key: Option<String>) -> Result<Call, Refusal> {
    Call::admit(caller, action, Circumstances::default(), retry_key)
}

/// An endpoint that may be called, and at which nobody answers.
pub(crate) const NOBODY: &str = "https://localhost:9/";

/// Calls what is on this machine, and waits for whoever hangs for longer than any test takes.
fn courier() -> Courier {
    let allow = vec!["localhost:9".parse().unwrap(), "http://127.0.0.1:*".parse().unwrap()];
    let answer_timeout = std::time::Duration::from_hours(1);
    Courier::new(CourierSettings { allow, answer_timeout, ..CourierSettings::default() }).unwrap()
}

fn site(
    metadata: &Metadata,
    blobs: Arc<dyn BlobStore>,
    clock: &Arc<TestClock>,
    settings: Settings,
) -> Site {
    let directories = Arc::new(docharbor_site::LdapConnector);
    let clock = Arc::<TestClock>::clone(clock);
    Site::new(parts(metadata, blobs, directories, clock, settings))
}

fn parts(
    metadata: &Metadata,
    blobs: Arc<dyn BlobStore>,
    directories: Arc<dyn Connector>,
    clock: Arc<dyn Clock>,
    settings: Settings,
) -> Parts {
    Parts {
        metadata: metadata.clone(),
        blobs,
        directories,
        courier: courier(),
        extractor: None,
        clock,
        random: Arc::new(OsRandom),
        keyring: Keyring::new(&MasterKey::new([7; 32])),
        settings,
        on_fatal: Arc::new(|error| panic!("{error}")),
    }
}

impl Database {
    async fn open(&self) -> Metadata {
        match self {
            Self::Sqlite(path) => Metadata::open_sqlite(path, Options::default()).unwrap(),
            Self::Postgres(url) => Metadata::open_postgres(url).await.unwrap(),
        }
    }
}

fn open_raw(path: &PathBuf) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    connection
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
