//! The data directory: private, held by one server at a time, and where that server is found.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::shell::posix_quoted;

const LOCK: &str = "lock";
const ENDPOINT: &str = "endpoint";

/// What a directory may hold before its first start, or after one that got no further.
const NOT_DATA: [&str; 7] =
    [LOCK, ENDPOINT, "endpoint.new", "setup-url", "docharbor.toml", "lost+found", "master.key.new"];

/// What only a directory of ours holds.
const OURS: [&str; 2] = [LOCK, "master.key"];

/// A directory with a site's data.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
}

impl DataDirectory {
    /// Opens the directory, or makes it, for its owner alone.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let what = || format!("The data directory {} cannot be used", path.display());
        let inaccessible = |error: io::Error| {
            Failure::failed(
                what(),
                error,
                "name a directory that the user of this process may write to: docharbor serve DIR",
            )
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(inaccessible)?;
        let directory = Self { path: std::path::absolute(path).map_err(inaccessible)? };
        let names = directory.names().map_err(inaccessible)?;
        let is_ours = names.iter().any(|name| OURS.contains(&name.as_str()));
        let is_fresh = names.iter().all(|name| NOT_DATA.contains(&name.as_str()));
        if !is_ours && !is_fresh {
            return Err(Failure::usage(
                what(),
                "it holds files, and none of them are DocHarbor's",
                "name an empty directory, or one that does not exist yet",
            ));
        }
        directory.make_private(is_fresh).map_err(inaccessible)?;
        Ok(directory)
    }

    /// Opens a directory that a server has used before.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = Self { path: absolute };
        let names = directory.names().map_err(|error| {
            Failure::failed(
                format!("There is no data directory {}", path.display()),
                error,
                "name the directory the server was started with, or start one: docharbor serve DIR",
            )
        })?;
        if names.iter().any(|name| OURS.contains(&name.as_str())) {
            return Ok(directory);
        }
        Err(Failure::failed(
            format!("{} is not a data directory", path.display()),
            "no server was ever started with it",
            "name the directory the server was started with, or start one: docharbor serve DIR",
        ))
    }

    /// The directory's absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything of a site is stored here.
    pub(crate) fn has_data(&self) -> Result<bool, Failure> {
        let names = self.names().map_err(|error| {
            Failure::failed(
                format!("The data directory {} cannot be read", self.path.display()),
                error,
                "let the user of this process read it",
            )
        })?;
        Ok(names.iter().any(|name| !NOT_DATA.contains(&name.as_str())))
    }

    /// Holds the directory against a second server until the lock is dropped.
    pub(crate) fn lock(&self) -> Result<Lock, Failure> {
        let path = self.path.join(LOCK);
        let failed = |error: io::Error| {
            Failure::failed(
                format!("The lock {} cannot be taken", path.display()),
                error,
                "let the user of this process write to the data directory",
            )
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is a courtesy: the refusal stands without it.
                file.read_to_string(&mut holder).ok();
                return Err(Failure::failed(
                    format!("The data directory {} is in use", self.path.display()),
                    format!("another server holds it: {}", holder.trim()),
                    "stop that server first, or name another directory: docharbor serve DIR",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "process {}", std::process::id()).map_err(failed)?;
        Ok(Lock { _file: file })
    }

    /// Says where the server listens, for as long as the result lives.
    pub(crate) fn announce(&self, url: &str, _lock: &Lock) -> Result<Announcement, Failure> {
        let path = self.path.join(ENDPOINT);
        self.replace(ENDPOINT, &format!("{url}\n")).map_err(|error| {
            Failure::failed(
                format!("The file {} cannot be written", path.display()),
                error,
                "let the user of this process write to the data directory",
            )
        })?;
        Ok(Announcement { path })
    }

    /// Where the running server listens, or nothing when none runs.
    pub(crate) fn announced(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.path.join(ENDPOINT)).ok()?;
        let url = text.trim();
        (!url.is_empty()).then(|| url.to_owned())
    }

    /// Keeps the setup link where its owner finds it again, or removes one that has been used.
    pub(crate) fn keep_setup_link(&self, link: Option<&str>) -> io::Result<()> {
        if let Some(link) = link {
            return self.replace("setup-url", &format!("{link}\n"));
        }
        match std::fs::remove_file(self.path.join("setup-url")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// A reader sees the old text or the new one, never half of it.
    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let unfinished = self.path.join(format!("{name}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&unfinished, self.path.join(name))
    }

    fn make_private(&self, is_fresh: bool) -> io::Result<()> {
        let mode = std::fs::metadata(&self.path)?.permissions().mode();
        let open_to_others = mode & 0o077 != 0;
        if !open_to_others {
            return Ok(());
        }
        // A directory in use may be shared on purpose; only an empty one is ours to close.
        let private = std::fs::Permissions::from_mode(0o700);
        if is_fresh && std::fs::set_permissions(&self.path, private).is_ok() {
            return Ok(());
        }
        tracing::warn!(
            remedy = format!("chmod 700 {}", posix_quoted(&self.path.display().to_string())),
            "other users of the machine may look into the data directory"
        );
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        std::fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}

/// The right to serve a data directory; the kernel takes it back when the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// The file that says where the server listens; removed when dropped.
pub(crate) struct Announcement {
    path: PathBuf,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "cannot remove the file that says where the server listens");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_made_for_its_owner_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("a/b");
        let directory = DataDirectory::create(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(!directory.has_data().unwrap());
    }

    #[test]
    fn an_empty_directory_is_closed_and_a_strangers_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(temporary.path(), open.clone()).unwrap();
        DataDirectory::create(temporary.path()).unwrap();
        assert_eq!(temporary.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);

        std::fs::set_permissions(temporary.path(), open).unwrap();
        std::fs::write(temporary.path().join("thesis.txt"), "").unwrap();
        let refusal = DataDirectory::create(temporary.path()).unwrap_err().to_string();
        assert!(refusal.contains("none of them are DocHarbor's"), "{refusal}");
        assert_eq!(temporary.path().metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_second_server_is_told_who_holds_the_directory() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = DataDirectory::create(temporary.path()).unwrap();
        let lock = directory.lock().unwrap();
        let refusal = directory.lock().unwrap_err().to_string();
        assert!(refusal.contains(&format!("process {}", std::process::id())), "{refusal}");
        drop(lock);
        directory.lock().unwrap();
    }

    #[test]
    fn the_endpoint_is_announced_only_while_the_server_runs() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = DataDirectory::create(temporary.path()).unwrap();
        let lock = directory.lock().unwrap();
        assert_eq!(directory.announced(), None);
        let announcement = directory.announce("http://127.0.0.1:1", &lock).unwrap();
        assert_eq!(directory.announced().as_deref(), Some("http://127.0.0.1:1"));
        drop(announcement);
        assert_eq!(directory.announced(), None);
    }

    #[test]
    fn only_a_directory_that_was_served_can_be_opened() {
        let temporary = tempfile::tempdir().unwrap();
        assert!(DataDirectory::open(&temporary.path().join("nowhere")).is_err());
        assert!(DataDirectory::open(temporary.path()).is_err());
        DataDirectory::create(temporary.path()).unwrap().lock().unwrap();
        assert!(DataDirectory::open(temporary.path()).is_ok());
    }
}
