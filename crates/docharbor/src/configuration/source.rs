//! Where settings come from: flag before environment before file, and no name that is unknown.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::environment::{Environment, PREFIX};
use crate::exit::Failure;
use crate::flags::Flags;
use crate::secret::Secret;

use super::value::{Expected, nearest};

/// The file's name, in the data directory or the current one.
const FILE_NAME: &str = "docharbor.toml";

/// A setting by the name it has in the file.
struct Setting {
    name: &'static str,
    /// Whether the value is never shown, and may be given as the name of a file that has it.
    secret: bool,
}

const fn plain(name: &'static str) -> Setting {
    Setting { name, secret: false }
}

const fn secret(name: &'static str) -> Setting {
    Setting { name, secret: true }
}

const SETTINGS: [Setting; 36] = [
    plain("listen"),
    plain("public_url"),
    plain("organization_id"),
    secret("database_url"),
    secret("blobs_url"),
    plain("trusted_proxy"),
    plain("root_access_key_id"),
    secret("root_secret_access_key"),
    plain("admin_username"),
    secret("admin_password"),
    secret("master_key"),
    plain("upload_expiry"),
    plain("upload_url_lifetime"),
    plain("download_url_lifetime"),
    plain("users_default_quota"),
    plain("password_min_length"),
    plain("password_min_classes"),
    plain("gc_grace"),
    plain("recycle_bin_retention"),
    plain("recovery_bin_retention"),
    plain("activity_retention"),
    plain("directory_sync_interval"),
    plain("audit"),
    plain("audit_retention"),
    plain("audit_file_size"),
    plain("notification_allow"),
    plain("notification_ca_file"),
    plain("notification_signature_version"),
    plain("notification_attempts"),
    plain("notification_log_retention"),
    plain("notification_sqs_access_key_id"),
    secret("notification_sqs_secret_access_key"),
    plain("notification_sqs_region"),
    plain("extraction"),
    plain("office_program"),
    plain("log_level"),
];

/// A setting's value, and where it was given, for the error that refuses it.
struct Given {
    value: Secret,
    origin: String,
}

/// Every setting that was given.
pub(super) struct GivenSettings(BTreeMap<&'static str, Given>);

impl GivenSettings {
    /// Gathers the settings of all sources, the strongest last.
    pub(super) fn gather(
        file: Option<&Path>,
        flags: Flags,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let mut given = Self(BTreeMap::new());
        if let Some(file) = file {
            given.take_file(file)?;
        }
        given.take_environment(environment)?;
        for (name, value) in flags.into_values() {
            let Some(value) = value else { continue };
            let origin = format!("--{}", name.replace('_', "-"));
            given.0.insert(name, Given { value: Secret::new(value), origin });
        }
        Ok(given)
    }

    /// The setting as `parse` understands it, or nothing when it was not given.
    pub(super) fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Expected>,
    ) -> Result<Option<T>, Failure> {
        let Some(Given { value, origin }) = self.0.get(name) else { return Ok(None) };
        parse(value.expose()).map(Some).map_err(|expected| {
            let why = if is_secret(name) {
                "its value, which is secret, has the wrong form".to_owned()
            } else {
                format!("its value is {:?}", value.expose())
            };
            Failure::usage(format!("The setting {origin} cannot be used"), why, expected)
        })
    }

    /// The setting as it was given.
    pub(super) fn secret(&self, name: &'static str) -> Option<Secret> {
        self.0.get(name).map(|given| given.value.clone())
    }

    fn take_file(&mut self, path: &Path) -> Result<(), Failure> {
        let text = read(path, "The configuration file")?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // The parser's own text quotes the line, which may hold a secret.
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            Failure::usage(
                format!("The configuration file {} cannot be used", path.display()),
                format!("line {line} is not TOML: {}", error.message()),
                "correct the line; a setting is written as: name = \"value\"",
            )
        })?;
        let mut found = BTreeMap::new();
        for (key, value) in table {
            let origin = format!("{key} in {}", path.display());
            let (setting, is_file) = setting_named(&key).ok_or_else(|| {
                let what = format!("The file {} has an unknown key, {key}", path.display());
                unknown(&what, &key, file_names(), str::to_owned)
            })?;
            if is_secret(setting) && !is_file {
                refuse_readable_by_others(path)?;
            }
            let text = text_of(value).ok_or_else(|| {
                Failure::usage(
                    format!("The setting {origin} cannot be used"),
                    "its value is neither text nor a whole number",
                    format!("write {key} = \"value\""),
                )
            })?;
            let value = if is_file { contents(&text, &origin)? } else { text };
            insert_once(&mut found, setting, Given { value: Secret::new(value), origin })?;
        }
        self.0.extend(found);
        Ok(())
    }

    fn take_environment(&mut self, environment: &Environment) -> Result<(), Failure> {
        let mut found = BTreeMap::new();
        for name in environment.names() {
            if name == "DOCHARBOR_CONFIG" {
                continue;
            }
            let key = name.trim_start_matches(PREFIX).to_lowercase();
            let is_upper = !name.chars().any(char::is_lowercase);
            let (setting, is_file) = setting_named(&key).filter(|_| is_upper).ok_or_else(|| {
                let what = format!("The environment has an unknown variable, {name}");
                let known = file_names().chain(["config".to_owned()]);
                unknown(&what, &key, known, variable)
            })?;
            let text = environment.get(name).unwrap_or_default().to_owned();
            let value = if is_file { contents(&text, name)? } else { text };
            let given = Given { value: Secret::new(value), origin: name.to_owned() };
            insert_once(&mut found, setting, given)?;
        }
        self.0.extend(found);
        Ok(())
    }
}

/// A setting and its `…_file` are two ways to say one thing; both at once is a mistake.
fn insert_once(
    found: &mut BTreeMap<&'static str, Given>,
    name: &'static str,
    given: Given,
) -> Result<(), Failure> {
    let second = given.origin.clone();
    match found.insert(name, given) {
        None => Ok(()),
        Some(first) => Err(Failure::usage(
            format!("The setting {name} is given twice"),
            format!("both {} and {second} are set", first.origin),
            "keep one of them",
        )),
    }
}

/// The setting a key stands for, and whether the key names a file that has the value.
fn setting_named(key: &str) -> Option<(&'static str, bool)> {
    let by_name = |name: &str| SETTINGS.iter().find(|setting| setting.name == name);
    if let Some(setting) = by_name(key) {
        return Some((setting.name, false));
    }
    let setting = by_name(key.strip_suffix("_file")?)?;
    setting.secret.then_some((setting.name, true))
}

/// Every key the file may have.
fn file_names() -> impl Iterator<Item = String> {
    SETTINGS.iter().flat_map(|setting| {
        let with_file = setting.secret.then(|| format!("{}_file", setting.name));
        std::iter::once(setting.name.to_owned()).chain(with_file)
    })
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase())
}

/// Refuses a name, with the known one that was probably meant; `written` is how names are spelled
/// where this one was found.
fn unknown(
    what: &str,
    key: &str,
    known: impl Iterator<Item = String>,
    written: impl Fn(&str) -> String,
) -> Failure {
    let known: Vec<String> = known.collect();
    let next = if let Some(name) = meant(key, &known) {
        format!("did you mean {}?", written(name))
    } else {
        let names: Vec<String> = known.iter().map(|name| written(name)).collect();
        format!("remove it; the names known are {}", names.join(", "))
    };
    Failure::usage(what, "a setting that is not understood would silently not be obeyed", next)
}

fn meant<'a>(key: &'a str, known: &'a [String]) -> Option<&'a str> {
    // Only secrets come from files; whoever tried another setting meant that setting.
    let without_file = key.strip_suffix("_file").filter(|name| known.iter().any(|k| k == name));
    without_file.or_else(|| nearest(key, known.iter().map(String::as_str)))
}

/// The file named by flag or environment, which must exist, or the first of the usual two.
pub(super) fn file_to_read(
    data_directory: &Path,
    named: Option<&Path>,
    environment: &Environment,
) -> Result<Option<PathBuf>, Failure> {
    let named = named
        .map(Path::to_owned)
        .or_else(|| environment.get("DOCHARBOR_CONFIG").map(PathBuf::from));
    if named.is_some() {
        return Ok(named);
    }
    for candidate in [data_directory.join(FILE_NAME), PathBuf::from(FILE_NAME)] {
        let exists = candidate.try_exists().map_err(|error| {
            Failure::usage(
                format!("The configuration file {} cannot be read", candidate.display()),
                error,
                "give the user of this process access to the directory",
            )
        })?;
        if exists {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

fn is_secret(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name == name && setting.secret)
}

/// Refuses a file with a secret in it that every user of the machine may read. Its group may, which
/// is how packages give a service its configuration.
fn refuse_readable_by_others(path: &Path) -> Result<(), Failure> {
    const OTHERS: u32 = 0o007;
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(Failure::usage(
        format!("The configuration file {} cannot be used", path.display()),
        format!(
            "it holds a secret, and every user of the machine may read it (mode {:o})",
            mode & 0o777
        ),
        format!("chmod 600 {}", crate::shell::posix_quoted(&path.display().to_string())),
    ))
}

fn read(path: &Path, what: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("{what} {} cannot be read", path.display()),
            error,
            "check the name, and that the user of this process may read it",
        )
    })
}

/// The secret in the file that `origin` names. Editors and `echo` end it with a line feed.
fn contents(path: &str, origin: &str) -> Result<String, Failure> {
    let text = read(Path::new(path), &format!("The file that {origin} names,"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn text_of(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Array(values) => {
            values.into_iter().map(text_of).collect::<Option<Vec<_>>>().map(|all| all.join(","))
        }
        toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Table(_) => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
