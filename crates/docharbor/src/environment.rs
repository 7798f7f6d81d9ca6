//! The process's environment, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::exit::Failure;

/// What every variable of ours begins with.
pub(crate) const PREFIX: &str = "DOCHARBOR_";

/// The variables the program looks at: its own, and `PATH`.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    ours: BTreeMap<String, String>,
    path: OsString,
}

impl Environment {
    /// The variables this process was started with.
    pub(crate) fn of_process() -> Result<Self, Failure> {
        Self::of(std::env::vars_os())
    }

    /// The variables given. One that is set to nothing counts as not set.
    pub(crate) fn of(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Failure> {
        let mut environment = Self::default();
        for (name, value) in variables {
            if name == "PATH" {
                environment.path = value;
                continue;
            }
            let Ok(name) = name.into_string() else { continue };
            if !name.starts_with(PREFIX) || value.is_empty() {
                continue;
            }
            let value = value.into_string().map_err(|_| {
                Failure::usage(
                    format!("The environment variable {name} cannot be used"),
                    "its value is not UTF-8",
                    "set it to text in UTF-8, or unset it",
                )
            })?;
            environment.ours.insert(name, value);
        }
        Ok(environment)
    }

    /// The value of one of our variables.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.ours.get(name).map(String::as_str)
    }

    /// The names of all variables that begin with our prefix.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.ours.keys().map(String::as_str)
    }

    /// The directories a shell looks for programs in.
    pub(crate) fn program_directories(&self) -> impl Iterator<Item = std::path::PathBuf> {
        std::env::split_paths(&self.path)
    }
}
