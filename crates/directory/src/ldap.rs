//! A directory over LDAP.
//!
//! Every piece of work has a connection of its own: a bind changes whose connection it is, and one
//! that was broken in the middle of an answer is of no use to anybody. Referrals are left alone.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::result::SearchResult;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, StdStream};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

use crate::entry::{group, group_attributes, members_piece, person, person_attributes};
use crate::settings::{Encryption, Kind};
use crate::{ANSWER_TIMEOUT, Connector, Directory, DirectoryError, Group, Person, Settings};

/// The longest that reading everybody may take, page after page.
const ALL_TIMEOUT: Duration = Duration::from_mins(10);

/// Characters a name may have with which somebody signs in.
const USERNAME_MAX_CHARS: usize = 256;

/// Pieces of one list of members that are asked for at the most.
const MEMBER_PIECES_MAX: u32 = 10_000;

/// Result codes by which a directory refuses a name and password, whatever is wrong about them:
/// inappropriateAuthentication, invalidCredentials, insufficientAccessRights, unwillingToPerform.
const REFUSES_PASSWORD: [u32; 4] = [48, 49, 50, 53];

/// The result code of a directory that wants encryption.
const STRONGER_AUTH_REQUIRED: u32 = 8;

/// The result code of a name that stands for nothing.
const NO_SUCH_OBJECT: u32 = 32;

/// Talks LDAP to directories.
pub struct LdapConnector;

impl Connector for LdapConnector {
    fn directory(
        &self,
        settings: Settings,
        password: &str,
    ) -> Result<Arc<dyn Directory>, DirectoryError> {
        let encryption = settings.check()?;
        // Many servers take a bind without a password for an anonymous one, and answer success.
        if password.is_empty() {
            return Err(DirectoryError::Settings("the password of bind_dn is missing"));
        }
        let url = settings.parsed_url()?;
        let tls = match encryption {
            Encryption::Insecure => None,
            Encryption::Tls | Encryption::StartTls => Some(tls(settings.ca_pem.as_deref())?),
        };
        let password = Zeroizing::new(password.to_owned());
        Ok(Arc::new(LdapDirectory { settings, encryption, url, tls, password }))
    }
}

struct LdapDirectory {
    settings: Settings,
    encryption: Encryption,
    url: Url,
    tls: Option<Arc<ClientConfig>>,
    password: Zeroizing<String>,
}

/// A connection, which ends when it is dropped, however much the other side still has to say.
struct Connection {
    ldap: Ldap,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Directory for LdapDirectory {
    fn check(&self) -> BoxFuture<'_, Result<(), DirectoryError>> {
        in_time(ANSWER_TIMEOUT, async {
            let mut connection = self.service().await?;
            let none: [&str; 1] = ["1.1"];
            let base = Scope::Base;
            let found = connection.ldap().search("", base, "(objectClass=*)", none).await;
            entries(found.map_err(failure)?)?;
            Ok(())
        })
        .boxed()
    }

    fn first_page(&self) -> BoxFuture<'_, Result<usize, DirectoryError>> {
        in_time(ANSWER_TIMEOUT, async {
            let mut connection = self.service().await?;
            let filter = self.settings.people_filter();
            let attributes = person_attributes(self.kind());
            let mut found = 0;
            self.search(&mut connection, filter, attributes, |entry| {
                found += usize::from(person(self.kind(), &entry).is_some());
                found < usize::try_from(self.settings.page_size()).unwrap_or(1)
            })
            .await?;
            Ok(found)
        })
        .boxed()
    }

    fn people(&self) -> BoxFuture<'_, Result<Vec<Person>, DirectoryError>> {
        in_time(ALL_TIMEOUT, async {
            let mut connection = in_time(ANSWER_TIMEOUT, self.service()).await?;
            let filter = self.settings.people_filter();
            let mut people = Vec::new();
            self.search(&mut connection, filter, person_attributes(self.kind()), |entry| {
                people.extend(person(self.kind(), &entry));
                true
            })
            .await?;
            Ok(people)
        })
        .boxed()
    }

    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, DirectoryError>> {
        in_time(ALL_TIMEOUT, async {
            let mut connection = in_time(ANSWER_TIMEOUT, self.service()).await?;
            let filter = self.settings.groups_filter();
            let mut groups = Vec::new();
            let mut long = Vec::new();
            self.search(&mut connection, filter, group_attributes(self.kind()), |entry| {
                if let Some(mut group) = group(self.kind(), &entry) {
                    if let Some((members, next)) = members_piece(&entry) {
                        group.members.extend(members);
                        long.extend(next.map(|next| (groups.len(), entry.dn.clone(), next)));
                    }
                    groups.push(group);
                }
                true
            })
            .await?;
            for (at, dn, next) in long {
                groups[at].members.extend(self.more_members(&mut connection, &dn, next).await?);
            }
            Ok(groups)
        })
        .boxed()
    }

    fn authenticate<'a>(
        &'a self,
        username: &'a str,
        password: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, DirectoryError>> {
        in_time(ANSWER_TIMEOUT, async move {
            if password.is_empty()
                || username.is_empty()
                || USERNAME_MAX_CHARS < username.chars().count()
            {
                return Ok(None);
            }
            // For a name that nobody has the same is done, so that it takes as long.
            let (dn, key, password) = match self.only_entry(username).await? {
                Some((dn, key)) => (dn, Some(key), password),
                None => (format!("cn=nobody,{}", self.settings.base_dn), None, "nobody"),
            };
            let mut connection = self.connect().await?;
            let done = connection.ldap().simple_bind(&dn, password).await.map_err(failure)?;
            match done.rc {
                0 => Ok(key),
                _ if key.is_none() => Ok(None),
                rc if REFUSES_PASSWORD.contains(&rc) => Ok(None),
                rc => Err(answered(rc)),
            }
        })
        .boxed()
    }
}

impl LdapDirectory {
    fn kind(&self) -> Kind {
        self.settings.kind
    }

    /// Where the one person of a name stands, and their key. Two of a name are nobody.
    async fn only_entry(&self, username: &str) -> Result<Option<(String, String)>, DirectoryError> {
        let mut connection = self.service().await?;
        let filter = self.settings.person_filter(username);
        let mut found = Vec::new();
        self.search(&mut connection, &filter, person_attributes(self.kind()), |entry| {
            found.push(entry);
            found.len() < 2
        })
        .await?;
        let [entry] = found.as_slice() else { return Ok(None) };
        let person = person(self.kind(), entry).filter(|person| !person.is_disabled);
        // A bind without a name would be an anonymous one.
        Ok(person.filter(|_| !entry.dn.is_empty()).map(|person| (entry.dn.clone(), person.key)))
    }

    /// The members of a long group from one on.
    async fn more_members(
        &self,
        connection: &mut Connection,
        dn: &str,
        first: u32,
    ) -> Result<Vec<String>, DirectoryError> {
        let mut all = Vec::new();
        let mut next = Some(first);
        for _ in 0..MEMBER_PIECES_MAX {
            let Some(first) = next else { return Ok(all) };
            let attribute = [format!("member;range={first}-*")];
            let ldap = connection.ldap();
            let found = ldap.search(dn, Scope::Base, "(objectClass=*)", attribute).await;
            let entry = entries(found.map_err(failure)?)?.into_iter().next();
            let Some((members, after)) = entry.as_ref().and_then(members_piece) else {
                return Ok(all);
            };
            all.extend(members);
            next = after.filter(|after| first < *after);
        }
        Err(DirectoryError::Broken)
    }

    /// Reads entries page by page, until there are no more or `take` wants none.
    async fn search(
        &self,
        connection: &mut Connection,
        filter: &str,
        attributes: &'static [&'static str],
        mut take: impl FnMut(SearchEntry) -> bool,
    ) -> Result<(), DirectoryError> {
        let adapters: Vec<Box<dyn Adapter<'static, &'static str, &'static [&'static str]>>> = vec![
            Box::new(EntriesOnly::new()),
            Box::new(PagedResults::new(self.settings.page_size())),
        ];
        let base = &self.settings.base_dn;
        let ldap = connection.ldap();
        let mut stream = ldap
            .streaming_search_with(adapters, base, Scope::Subtree, filter, attributes)
            .await
            .map_err(failure)?;
        while let Some(entry) = stream.next().await.map_err(failure)? {
            if !take(SearchEntry::construct(entry)) {
                return Ok(());
            }
        }
        match stream.finish().await.rc {
            0 => Ok(()),
            rc => Err(answered(rc)),
        }
    }

    /// A connection as our own account.
    async fn service(&self) -> Result<Connection, DirectoryError> {
        let mut connection = self.connect().await?;
        let (name, password) = (&self.settings.bind_dn, &self.password);
        let done = connection.ldap().simple_bind(name, password).await.map_err(failure)?;
        match done.rc {
            0 => Ok(connection),
            rc if rc == NO_SUCH_OBJECT || REFUSES_PASSWORD.contains(&rc) => {
                Err(DirectoryError::Credentials)
            }
            rc => Err(answered(rc)),
        }
    }

    /// A connection as nobody yet.
    async fn connect(&self) -> Result<Connection, DirectoryError> {
        let unreachable = |error: std::io::Error| DirectoryError::Unreachable(error.kind());
        let port = self.url.port().unwrap_or(match self.encryption {
            Encryption::Tls => 636,
            Encryption::StartTls | Encryption::Insecure => 389,
        });
        let host = self.url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((address, port)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let stream = StdStream::Tcp(stream.into_std().map_err(unreachable)?);
        let mut settings = LdapConnSettings::new()
            .set_conn_timeout(ANSWER_TIMEOUT)
            .set_starttls(self.encryption == Encryption::StartTls)
            .set_std_stream(stream);
        if let Some(tls) = &self.tls {
            settings = settings.set_config(Arc::clone(tls));
        }
        // The host of this URL is whom the certificate must be of; the connection exists already.
        let name = self.settings.server_name.as_deref().unwrap_or(host);
        let url = format!("{}://{name}", self.url.scheme());
        let (connection, ldap) =
            LdapConnAsync::with_settings(settings, &url).await.map_err(failure)?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told that the connection broke.
            connection.drive().await.ok();
        });
        Ok(Connection { ldap, driver })
    }
}

impl Connection {
    /// The connection, for one request that is waited for only so long.
    fn ldap(&mut self) -> &mut Ldap {
        self.ldap.with_timeout(ANSWER_TIMEOUT)
    }
}

/// Verifies certificates, always.
fn tls(ca_pem: Option<&str>) -> Result<Arc<ClientConfig>, DirectoryError> {
    const NO_ROOTS: DirectoryError =
        DirectoryError::Settings("there is no authority to check the directory's certificate by");
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca_pem {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
            added.ok_or(DirectoryError::Settings(
                "the CA file holds something else than certificates",
            ))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(NO_ROOTS);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| DirectoryError::Settings("TLS cannot be used"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, DirectoryError>>,
) -> Result<T, DirectoryError> {
    timeout(limit, work).await.unwrap_or(Err(DirectoryError::TimedOut))
}

fn entries(SearchResult(found, done): SearchResult) -> Result<Vec<SearchEntry>, DirectoryError> {
    match done.rc {
        0 => Ok(found
            .into_iter()
            .filter(|entry| !entry.is_ref() && !entry.is_intermediate())
            .map(SearchEntry::construct)
            .collect()),
        rc => Err(answered(rc)),
    }
}

fn answered(rc: u32) -> DirectoryError {
    match rc {
        STRONGER_AUTH_REQUIRED => DirectoryError::EncryptionRequired,
        rc => DirectoryError::Answer(rc),
    }
}

/// What the client's error comes to. Its text may hold names and what the directory wrote.
fn failure(error: LdapError) -> DirectoryError {
    match error {
        LdapError::Io { source } => {
            match source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => of_tls(error),
                None => DirectoryError::Unreachable(source.kind()),
            }
        }
        LdapError::Rustls { source } => of_tls(&source),
        LdapError::DNSName { .. } => {
            DirectoryError::Settings("the server name is no name a certificate could have")
        }
        LdapError::Timeout { .. } => DirectoryError::TimedOut,
        LdapError::LdapResult { result } => answered(result.rc),
        LdapError::FilterParsing => DirectoryError::Settings("a filter is no LDAP filter"),
        _ => DirectoryError::Broken,
    }
}

fn of_tls(error: &rustls::Error) -> DirectoryError {
    match error {
        rustls::Error::InvalidCertificate(reason) => {
            DirectoryError::Certificate(certificate_text(reason).to_owned())
        }
        _ => DirectoryError::Certificate("TLS could not be agreed upon".to_owned()),
    }
}

fn certificate_text(reason: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as Reason;
    match reason {
        Reason::Expired | Reason::ExpiredContext { .. } => "it has expired",
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => "it is not valid yet",
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => "it is of another name",
        Reason::UnknownIssuer => "nobody whom we trust issued it",
        Reason::Revoked => "it was revoked",
        _ => "it is not valid for a server",
    }
}
