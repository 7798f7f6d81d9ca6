//! The master key, under which access keys' secrets are encrypted at rest.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::configuration::Configuration;
use crate::data_directory::{DataDirectory, Lock};
use crate::exit::Failure;

const FILE_NAME: &str = "master.key";
const KEY_BYTES: usize = 32;
const HOW_TO_WRITE_ONE: &str = "give 64 hexadecimal digits, as made by: openssl rand -hex 32";

/// 32 random bytes that never leave the process but for their file.
pub(crate) struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// The key itself.
    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The key of existing data: as configured, or from the data directory.
    pub(crate) fn load(
        configuration: &Configuration,
        directory: &DataDirectory,
    ) -> Result<Self, Failure> {
        match Self::configured(configuration)? {
            Some(key) => Ok(key),
            None => Self::read(&path(directory))?.ok_or_else(|| missing(directory)),
        }
    }

    /// The key of a server that starts: made now if the directory has no data yet.
    pub(crate) fn load_or_create(
        configuration: &Configuration,
        directory: &DataDirectory,
        lock: &Lock,
    ) -> Result<Self, Failure> {
        if let Some(key) = Self::configured(configuration)? {
            return Ok(key);
        }
        match Self::read(&path(directory))? {
            Some(key) => Ok(key),
            // A new key in front of old data would only hide that the old one is lost.
            None if directory.has_data()? => Err(missing(directory)),
            None => Self::create(directory, lock),
        }
    }

    fn configured(configuration: &Configuration) -> Result<Option<Self>, Failure> {
        let Some(given) = &configuration.master_key else { return Ok(None) };
        Self::parse(given.expose()).map(Some).ok_or_else(|| {
            Failure::usage(
                "The setting master_key cannot be used",
                "its value, which is secret, has the wrong form",
                HOW_TO_WRITE_ONE,
            )
        })
    }

    fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let what = || format!("The master key {} cannot be used", path.display());
        let unreadable = |error: io::Error| {
            Failure::failed(what(), error, "let the user of this process read the file")
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Failure::failed(
                what(),
                format!("other users of the machine may read it (mode {:o})", mode & 0o777),
                format!("chmod 600 {}", crate::shell::posix_quoted(&path.display().to_string())),
            ));
        }
        let text = Zeroizing::new(io::read_to_string(file).map_err(unreadable)?);
        Self::parse(text.trim_end()).map(Some).ok_or_else(|| {
            Failure::failed(
                what(),
                "it does not hold 64 hexadecimal digits",
                "restore the file from a backup; without the key no access key works",
            )
        })
    }

    fn create(directory: &DataDirectory, _lock: &Lock) -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        #[expect(
            clippy::disallowed_methods,
            reason = "the key is made once in the life of a site, before anything that hands out \
                      randomness exists"
        )]
        getrandom::fill(bytes.as_mut()).map_err(|error| {
            Failure::failed("No master key can be made", error, "check the system's random source")
        })?;
        let key = Self(bytes);
        let text = Zeroizing::new(format!("{}\n", hex::encode(key.bytes())));
        write_new(&path(directory), text.as_bytes()).map_err(|error| {
            Failure::failed(
                format!("The master key {} cannot be written", path(directory).display()),
                error,
                "let the user of this process write to the data directory",
            )
        })?;
        Ok(key)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text, bytes.as_mut()).ok()?;
        Some(Self(bytes))
    }
}

fn path(directory: &DataDirectory) -> PathBuf {
    directory.path().join(FILE_NAME)
}

fn missing(directory: &DataDirectory) -> Failure {
    Failure::failed(
        format!("The master key {} is missing", path(directory).display()),
        "the data directory has data, and its access keys cannot be read without the key",
        "restore the file from a backup, or give the key as DOCHARBOR_MASTER_KEY_FILE",
    )
}

/// Writes a file that is there whole or not at all; the caller holds the directory's lock.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("key.new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::flags::Flags;

    struct Bench {
        directory: DataDirectory,
        configuration: Configuration,
        lock: Lock,
        _temporary: tempfile::TempDir,
    }

    fn bench(variables: &[(&str, &str)]) -> Bench {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::of(variables).unwrap();
        let configuration = Configuration::load(&path, Flags::default(), &environment).unwrap();
        let directory = DataDirectory::create(&path).unwrap();
        let lock = directory.lock().unwrap();
        Bench { directory, configuration, lock, _temporary: temporary }
    }

    impl Bench {
        fn start(&self) -> Result<MasterKey, Failure> {
            MasterKey::load_or_create(&self.configuration, &self.directory, &self.lock)
        }

        fn key_file(&self) -> PathBuf {
            path(&self.directory)
        }
    }

    fn text_of(result: Result<MasterKey, Failure>) -> String {
        result.err().map(|failure| failure.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_key_is_made_once_and_readable_by_its_owner_only() {
        let bench = bench(&[]);
        assert!(
            text_of(MasterKey::load(&bench.configuration, &bench.directory)).contains("missing")
        );
        let first = bench.start().unwrap();
        let mode = bench.key_file().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(first.bytes(), bench.start().unwrap().bytes());
        assert_ne!(first.bytes(), &[0; 32]);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_way_out() {
        let bench = bench(&[]);
        bench.start().unwrap();
        for mode in [0o640, 0o604, 0o660] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(bench.key_file(), permissions).unwrap();
            let text = text_of(bench.start());
            assert!(text.contains("chmod 600 "), "{text}");
        }
    }

    #[test]
    fn a_malformed_key_is_refused_and_not_replaced() {
        let bench = bench(&[]);
        bench.start().unwrap();
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
            std::fs::write(bench.key_file(), text).unwrap();
            assert!(text_of(bench.start()).contains("64 hexadecimal digits"), "{text}");
            assert_eq!(std::fs::read_to_string(bench.key_file()).unwrap(), text);
        }
    }

    #[test]
    fn a_lost_key_is_not_replaced_in_front_of_data() {
        let bench = bench(&[]);
        std::fs::write(bench.directory.path().join("metadata.db"), "rows").unwrap();
        assert!(text_of(bench.start()).contains("is missing"));
        assert!(!bench.key_file().exists());
    }

    #[test]
    fn a_key_from_outside_leaves_no_file() {
        let bench = bench(&[("DOCHARBOR_MASTER_KEY", &"ab".repeat(32))]);
        assert_eq!(bench.start().unwrap().bytes(), &[0xab; 32]);
        assert!(!bench.key_file().exists());
    }

    #[test]
    fn a_malformed_key_from_outside_is_refused_without_showing_it() {
        let bench = bench(&[("DOCHARBOR_MASTER_KEY", "hunter2")]);
        let text = text_of(bench.start());
        assert!(text.contains("openssl rand -hex 32") && !text.contains("hunter2"), "{text}");
    }
}
