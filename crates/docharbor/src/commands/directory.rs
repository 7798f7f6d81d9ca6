//! `docharbor directory`: the LDAP directory or Active Directory that says who a site's people are.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use zeroize::Zeroizing;

use super::Existing;
use crate::configuration::DEFAULT_DATA_DIRECTORY;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::SiteFlags;
use crate::secret::Secret;
use crate::wiring::{self, DirectoryAddress, DirectoryKind};

/// Bytes a password may have; what is longer is another file.
const PASSWORD_MAX_BYTES: u64 = 4_096;

/// The LDAP directory or Active Directory that says who a site's people are
#[derive(Subcommand)]
pub(crate) enum Directory {
    Connect(Box<Connect>),
    Status(Connected),
    Sync(Connected),
    Disconnect(Connected),
    TrySignIn(TrySignIn),
}

/// What kind of directory it is
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Microsoft's, or Samba's
    ActiveDirectory,
    /// With inetOrgPerson and groupOfNames, as `OpenLDAP` has them
    Ldap,
}

/// Connect the site to a directory, and read its people and groups
#[derive(Args)]
pub(crate) struct Connect {
    /// The kind, which decides what its attributes are called
    #[arg(long, value_name = "KIND")]
    kind: Kind,
    /// Where it is: `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` with --start-tls
    #[arg(long, value_name = "URL")]
    url: String,
    /// Begin TLS on a connection to ldap://
    #[arg(long)]
    start_tls: bool,
    /// Talk without encryption, to a directory at a loopback address only
    #[arg(long)]
    insecure: bool,
    /// Certificates of the authorities to trust, in PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Name in the directory's certificate, if it is not the host of the URL
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Where people and groups are
    #[arg(long, value_name = "DN")]
    base_dn: String,
    /// The account with which DocHarbor reads the directory
    #[arg(long, value_name = "DN")]
    bind_dn: String,
    /// File with that account's password [default: stdin]
    #[arg(long, value_name = "FILE")]
    bind_password_file: Option<PathBuf>,
    /// Which entries are people, as an LDAP filter [default: by kind]
    #[arg(long, value_name = "FILTER")]
    user_filter: Option<String>,
    /// Which entries are groups, as an LDAP filter [default: by kind]
    #[arg(long, value_name = "FILTER")]
    group_filter: Option<String>,
    /// Entries to ask for at once [default: 500]
    #[arg(long, value_name = "NUMBER")]
    page_size: Option<i32>,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Ask, read or forget the directory the site is connected to
#[derive(Args)]
pub(crate) struct Connected {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

/// Try a name and a password as somebody does who signs in, and print the user's id
#[derive(Args)]
pub(crate) struct TrySignIn {
    /// Name to sign in with
    #[arg(value_name = "NAME")]
    name: String,
    /// File with the password [default: stdin]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    #[command(flatten)]
    site: SiteFlags,
}

impl Directory {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        match self {
            Self::Connect(connect) => connect.run(environment).await,
            Self::Status(connected) => connected.status(environment).await,
            Self::Sync(connected) => connected.sync(environment).await,
            Self::Disconnect(connected) => connected.disconnect(environment).await,
            Self::TrySignIn(attempt) => attempt.run(environment).await,
        }
    }
}

impl Connect {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let password = password(self.bind_password_file.as_deref())?;
        let ca_pem = self.ca_file.as_deref().map(read_text).transpose()?;
        let address = DirectoryAddress {
            kind: match self.kind {
                Kind::ActiveDirectory => DirectoryKind::ActiveDirectory,
                Kind::Ldap => DirectoryKind::Ldap,
            },
            url: self.url,
            start_tls: self.start_tls,
            insecure: self.insecure,
            ca_pem,
            server_name: self.server_name,
            base_dn: self.base_dn,
            bind_dn: self.bind_dn,
            user_filter: self.user_filter,
            group_filter: self.group_filter,
            page_size: self.page_size,
        };
        let synced =
            wiring::connect_directory(configuration, directory, master_key, address, &password);
        print_line(&synced.await?)
    }
}

impl Connected {
    /// Says where the directory is and whether it answers; exit code 1 if it does not.
    async fn status(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let status = wiring::directory_status(configuration, directory, master_key).await?;
        print_line(&status)?;
        Ok(if status.answers { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn sync(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        print_line(&wiring::sync_directory(configuration, directory, master_key).await?)
    }

    async fn disconnect(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        wiring::disconnect_directory(configuration, directory, master_key).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl TrySignIn {
    async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let existing = Existing::open(&self.directory, self.site, environment)?;
        let Existing { configuration, directory, master_key } = &existing;
        let password = text_of(self.password_file.as_deref())?;
        let (name, password) = (&self.name, Secret::new(password.to_string()));
        let user =
            wiring::try_sign_in(configuration, directory, master_key, name, &password).await?;
        print(&format!("{user}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print_line(value: &impl Serialize) -> Result<ExitCode, Failure> {
    let line = serde_json::to_string(value).unwrap_or_default();
    print(&format!("{line}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// A secret as it was given, without the end of its line.
fn text_of(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    let text = if let Some(file) = file {
        Zeroizing::new(read_text(file)?)
    } else {
        let mut text = Zeroizing::new(String::new());
        let stdin = std::io::stdin().lock();
        stdin.take(PASSWORD_MAX_BYTES).read_to_string(&mut text).map_err(|error| {
            Failure::usage("The password cannot be read from stdin", error, "use a file")
        })?;
        text
    };
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn password(file: Option<&Path>) -> Result<Secret, Failure> {
    let text = text_of(file)?;
    if text.is_empty() {
        return Err(Failure::usage(
            "The directory was not connected",
            "the password of --bind-dn is empty, and a directory is never asked anonymously",
            "give it on stdin or with --bind-password-file",
        ));
    }
    Ok(Secret::new(text.to_string()))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read", path.display()),
            error,
            "check the path and its permissions",
        )
    })
}
