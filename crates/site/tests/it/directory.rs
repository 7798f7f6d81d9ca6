//! People of a directory: what an administrator decides about them holds, whatever is read meanwhile.

use std::sync::{Arc, Mutex, mpsc};

use docharbor_directory::{Connector, Directory, DirectoryError, Group, Kind, Person, Settings};
use docharbor_domain::{Timestamp, User, UserStatus};
use docharbor_site::{Clock, Site, SyncReport};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use crate::support::{TestClock, TestSite, on_both_engines};

on_both_engines! {
    a_deactivation_while_the_directory_is_read_holds,
    who_is_gone_there_and_deactivated_here_does_not_come_back_by_themselves,
}

/// A directory with one person, whom the story changes.
#[derive(Clone)]
struct OnePerson(Arc<Mutex<Vec<Person>>>);

impl OnePerson {
    fn named(surname: &str) -> Self {
        let person = Person {
            key: "edda".to_owned(),
            sid: None,
            dn: "uid=edda".to_owned(),
            username: "edda".to_owned(),
            email: None,
            given_name: "Edda".to_owned(),
            surname: surname.to_owned(),
            is_disabled: false,
        };
        Self(Arc::new(Mutex::new(vec![person])))
    }

    fn set(&self, change: impl FnOnce(&mut Person)) {
        change(&mut self.0.lock().unwrap()[0]);
    }

    /// Connects a site to it, and makes its person an active user.
    async fn connected(&self, test: &TestSite, clock: Arc<dyn Clock>) -> (Site, User) {
        let site = test.site_asking(Arc::new(self.clone()), clock);
        let settings = Settings {
            kind: Kind::Ldap,
            url: "ldaps://directory.example".to_owned(),
            start_tls: false,
            insecure: false,
            ca_pem: None,
            server_name: None,
            base_dn: "dc=example".to_owned(),
            bind_dn: "cn=reader,dc=example".to_owned(),
            user_filter: None,
            group_filter: None,
            page_size: None,
        };
        let organization = test.call.organization();
        site.connect_directory(organization, settings, "secret").await.unwrap();
        assert_eq!(synced(test, &site).await.added, 1);
        let user = edda(test, &site).await;
        assert_eq!(user.status, UserStatus::Pending);
        (site.clone(), site.activate_user(&test.call, user.id).await.unwrap())
    }
}

impl Connector for OnePerson {
    fn directory(&self, _: Settings, _: &str) -> Result<Arc<dyn Directory>, DirectoryError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Directory for OnePerson {
    fn check(&self) -> BoxFuture<'_, Result<(), DirectoryError>> {
        ready(Ok(())).boxed()
    }

    fn first_page(&self) -> BoxFuture<'_, Result<usize, DirectoryError>> {
        ready(Ok(1)).boxed()
    }

    fn people(&self) -> BoxFuture<'_, Result<Vec<Person>, DirectoryError>> {
        ready(Ok(self.0.lock().unwrap().clone())).boxed()
    }

    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, DirectoryError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn authenticate<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, DirectoryError>> {
        ready(Ok(None)).boxed()
    }
}

/// A clock that lets the story go on while somebody waits to be told the time.
struct WaitingClock {
    clock: Arc<dyn Clock>,
    armed: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

impl Clock for WaitingClock {
    fn now(&self) -> Timestamp {
        let armed = self.armed.lock().unwrap().take();
        if let Some((asked, may_go_on)) = armed {
            asked.send(()).unwrap();
            may_go_on.recv().unwrap();
        }
        self.clock.now()
    }
}

async fn synced(test: &TestSite, site: &Site) -> SyncReport {
    site.sync_directory(test.call.organization()).await.unwrap().unwrap()
}

async fn edda(test: &TestSite, site: &Site) -> User {
    let found = site.user_signing_in(test.call.organization(), "edda").await.unwrap();
    test.user(&found.unwrap()).await.unwrap()
}

async fn a_deactivation_while_the_directory_is_read_holds(test: TestSite) {
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&test.clock);
    let clock = Arc::new(WaitingClock { clock, armed: Mutex::default() });
    let directory = OnePerson::named("Story");
    let (site, user) = directory.connected(&test, Arc::<WaitingClock>::clone(&clock)).await;
    directory.set(|person| person.surname = "Tale".to_owned());
    let (asked, is_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    *clock.armed.lock().unwrap() = Some((asked, may_go_on));
    let reader = site.clone();
    let organization = test.call.organization().clone();
    let reading = tokio::spawn(async move { reader.sync_directory(&organization).await });
    // What is to be written of her is decided next.
    tokio::task::spawn_blocking(move || is_asked.recv().unwrap()).await.unwrap();
    site.deactivate_user(&test.call, user.id).await.unwrap();
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap().unwrap().changed, 1);
    let user = edda(&test, &site).await;
    assert_eq!((user.surname.as_str(), user.status), ("Tale", UserStatus::Inactive));
}

async fn who_is_gone_there_and_deactivated_here_does_not_come_back_by_themselves(test: TestSite) {
    let directory = OnePerson::named("Story");
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&test.clock);
    let (site, user) = directory.connected(&test, clock).await;
    for is_decided_here in [false, true] {
        directory.set(|person| person.is_disabled = true);
        assert_eq!(synced(&test, &site).await.deactivated, 1);
        if is_decided_here {
            site.deactivate_user(&test.call, user.id.clone()).await.unwrap();
        }
        directory.set(|person| person.is_disabled = false);
        synced(&test, &site).await;
        let status = if is_decided_here { UserStatus::Inactive } else { UserStatus::Active };
        assert_eq!(edda(&test, &site).await.status, status);
    }
    site.activate_user(&test.call, user.id).await.unwrap();
    assert_eq!(synced(&test, &site).await.changed, 0);
    assert_eq!(edda(&test, &site).await.status, UserStatus::Active);
}
