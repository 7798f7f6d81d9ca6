//! One run: where things are, and what was started or built for the stages that share it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::{self, Node};
use crate::postgres::Cluster;
use crate::process;

/// The server's binaries that the client and fault tests start.
#[derive(Clone)]
pub(crate) struct Binaries {
    /// Built as users build it, debug profile.
    pub(crate) plain: PathBuf,
    /// The same with the crash points compiled in.
    pub(crate) failpoints: PathBuf,
}

/// What the stages of one run share. Everything is made when the first stage asks for it.
pub(crate) struct Session {
    root: PathBuf,
    cache: PathBuf,
    cargo: PathBuf,
    packages_checked: bool,
    python: Option<PathBuf>,
    node: Option<Node>,
    postgres: Option<Cluster>,
    binaries: Option<Binaries>,
}

impl Session {
    pub(crate) fn new() -> Result<Self, String> {
        let root = install::repository_root()?;
        let cache = install::cache_directory()?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).into();
        Ok(Self {
            root,
            cache,
            cargo,
            packages_checked: false,
            python: None,
            node: None,
            postgres: None,
            binaries: None,
        })
    }

    /// The repository's top directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where everything that is installed or compiled for the tests alone is kept.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// A command in the top directory that is stopped after `limit_secs`.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>, limit_secs: u32) -> Command {
        let mut command = process::bounded(program, limit_secs);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that started this program, free of what it told this program about itself:
    /// otherwise build scripts see another environment than in a plain `cargo build`.
    pub(crate) fn cargo(&self, limit_secs: u32) -> Command {
        let mut command = self.command(&self.cargo, limit_secs);
        for (key, _) in std::env::vars_os() {
            let name = key.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&key);
            }
        }
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    /// Makes sure that the Debian packages are there.
    pub(crate) fn packages(&mut self) -> Result<(), String> {
        if !self.packages_checked {
            install::debian_packages()?;
            self.packages_checked = true;
        }
        Ok(())
    }

    /// The Python of the environment that holds the client tests' packages.
    pub(crate) fn python(&mut self) -> Result<PathBuf, String> {
        self.packages()?;
        if let Some(python) = &self.python {
            return Ok(python.clone());
        }
        let python = install::python(self)?;
        Ok(self.python.insert(python).clone())
    }

    /// A Node.js that the client tests run on, with their npm packages in place.
    pub(crate) fn node(&mut self) -> Result<Node, String> {
        self.packages()?;
        if let Some(node) = &self.node {
            return Ok(node.clone());
        }
        let node = install::node(self)?;
        Ok(self.node.insert(node).clone())
    }

    /// The URL of a PostgreSQL cluster of this run's own.
    pub(crate) fn postgres_url(&mut self) -> Result<String, String> {
        self.packages()?;
        if let Some(cluster) = &self.postgres {
            return Ok(cluster.url().to_owned());
        }
        let cluster = Cluster::start()?;
        Ok(self.postgres.insert(cluster).url().to_owned())
    }

    /// The server, built with and without its crash points.
    pub(crate) fn binaries(&mut self) -> Result<Binaries, String> {
        if let Some(binaries) = &self.binaries {
            return Ok(binaries.clone());
        }
        let target = self.target_directory()?;
        let kept = target.join("xtask");
        std::fs::create_dir_all(&kept).map_err(|error| format!("{}: {error}", kept.display()))?;
        // Both builds write the same file; the dependencies are compiled once only this way.
        let binaries = Binaries {
            failpoints: self.build(&target, &kept, "docharbor-failpoints", &["failpoints"])?,
            plain: self.build(&target, &kept, "docharbor", &[])?,
        };
        Ok(self.binaries.insert(binaries).clone())
    }

    fn build(
        &self,
        target: &Path,
        kept: &Path,
        name: &str,
        features: &[&str],
    ) -> Result<PathBuf, String> {
        let mut command = self.cargo(30 * 60);
        command.args(["build", "--locked", "-p", "docharbor", "--bin", "docharbor"]);
        if !features.is_empty() {
            command.args(["--features", &features.join(",")]);
        }
        process::run(&mut command)?;
        let built = target.join("debug/docharbor");
        let copy = kept.join(name);
        // A running server of an earlier run may hold the old file: replace it, do not write it.
        let fresh = kept.join(format!("{name}.new"));
        std::fs::copy(&built, &fresh)
            .and_then(|_| std::fs::rename(&fresh, &copy))
            .map_err(|error| format!("cannot copy {}: {error}", built.display()))?;
        Ok(copy)
    }

    /// What cargo knows about the workspace's own packages.
    pub(crate) fn metadata(&self) -> Result<serde_json::Value, String> {
        let mut command = self.cargo(120);
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let text = process::read(&mut command)?;
        serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target_directory(&self) -> Result<PathBuf, String> {
        self.metadata()?
            .get("target_directory")
            .and_then(serde_json::Value::as_str)
            .map(PathBuf::from)
            .ok_or_else(|| "cargo metadata names no target directory".to_owned())
    }
}
