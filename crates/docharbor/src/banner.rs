//! What a started server tells the person who started it: the quick start.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;

use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::shell::posix_quoted;

/// A server that is ready.
pub(crate) struct Banner<'a> {
    pub(crate) data_directory: &'a Path,
    pub(crate) is_new: bool,
    /// How many sites the server has; the organization is the first one's.
    pub(crate) sites: usize,
    pub(crate) organization_id: &'a str,
    pub(crate) endpoint: &'a str,
    pub(crate) public_url: &'a str,
    pub(crate) setup_link: Option<&'a str>,
}

impl Banner<'_> {
    /// Text for a person at a terminal, or one line in the log for everybody else.
    ///
    /// The log has where the setup link is kept, not the link: it lets its reader in.
    pub(crate) fn show(&self, environment: &Environment) -> Result<(), Failure> {
        if std::io::stdout().is_terminal() {
            return print(&self.text(&program(environment)));
        }
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            data_directory = %self.data_directory.display(),
            new = self.is_new,
            organization_id = self.organization_id,
            sites = self.sites,
            endpoint = self.endpoint,
            public_url = self.public_url,
            health = format!("{}/health/ready", self.endpoint),
            setup_link_file = self
                .setup_link
                .map(|_| self.data_directory.join("setup-url").display().to_string()),
            "ready"
        );
        Ok(())
    }

    fn text(&self, program: &str) -> String {
        let directory = self.data_directory.display().to_string();
        let mut text = format!(
            "docharbor {}   organization {}   data {directory}{}\n",
            env!("CARGO_PKG_VERSION"),
            self.organization_id,
            if self.is_new { " (new)" } else { "" },
        );
        // Writing to a String cannot fail.
        let _infallible = self.write_rest(&mut text, program, &directory);
        text
    }

    fn write_rest(
        &self,
        text: &mut String,
        program: &str,
        directory: &str,
    ) -> Result<(), std::fmt::Error> {
        writeln!(text, "  API      {}/   (WorkDocs 2016-05-01)", self.public_url)?;
        if 1 < self.sites {
            writeln!(text, "  Sites    {}   (docharbor site list)", self.sites)?;
        }
        writeln!(text, "  Health   {}/health/ready", self.endpoint)?;
        if let Some(link) = self.setup_link {
            writeln!(text, "Finish setup (this link works until it was used):\n  {link}")?;
        }
        writeln!(
            text,
            "Try it from another terminal:\n  eval \"$({} env {}{})\" && \
             aws workdocs describe-users --organization-id {}",
            posix_quoted(program),
            posix_quoted(directory),
            // Of several sites a command must be told which one is meant.
            if 1 < self.sites {
                format!(" --organization-id {}", self.organization_id)
            } else {
                String::new()
            },
            self.organization_id,
        )
    }
}

/// What to type for this very program: its name if the shell finds it there, else its path.
fn program(environment: &Environment) -> String {
    const NAME: &str = "docharbor";
    let Ok(this) = std::env::current_exe() else { return NAME.to_owned() };
    let found = environment
        .program_directories()
        .find_map(|directory| directory.join(NAME).canonicalize().ok());
    if found.is_some_and(|found| this.canonicalize().is_ok_and(|this| this == found)) {
        NAME.to_owned()
    } else {
        this.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn banner<'a>(directory: &'a Path, setup_link: Option<&'a str>) -> Banner<'a> {
        Banner {
            data_directory: directory,
            is_new: true,
            sites: 1,
            organization_id: "d-9f3a61c04b",
            endpoint: "http://127.0.0.1:8420",
            public_url: "https://docs.example.com",
            setup_link,
        }
    }

    #[test]
    fn the_banner_fits_a_glance() {
        let text = banner(Path::new("/srv/data"), Some("http://127.0.0.1:8420/setup#v1"))
            .text("docharbor");
        assert!(text.lines().count() <= 12, "{text}");
        assert!(text.contains("  http://127.0.0.1:8420/setup#v1\n"), "{text}");
        assert!(text.ends_with(
            "  eval \"$(docharbor env /srv/data)\" && \
             aws workdocs describe-users --organization-id d-9f3a61c04b\n"
        ));
    }

    #[test]
    fn of_several_sites_the_banner_names_the_one_that_is_meant() {
        let text = Banner { sites: 3, ..banner(Path::new("/srv/data"), None) }.text("docharbor");
        assert!(text.contains("\n  Sites    3   (docharbor site list)\n"), "{text}");
        assert!(
            text.contains("$(docharbor env /srv/data --organization-id d-9f3a61c04b)"),
            "{text}"
        );
    }

    #[test]
    fn the_command_works_when_pasted_whatever_the_directory_is_called() {
        let temporary = tempfile::tempdir().unwrap();
        let program = temporary.path().join("a program's $(name)");
        std::fs::write(
            &program,
            "#!/bin/sh\nprintf 'export GOT=%s' \"$#\"\ntest \"$2\" = \"$WANT\"\n",
        )
        .unwrap();
        let permissions =
            <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700);
        std::fs::set_permissions(&program, permissions).unwrap();
        for directory in ["/srv/data", "/srv/my data", "/srv/it's \"$HOME\" `x`"] {
            let text = banner(Path::new(directory), None).text(&program.display().to_string());
            let line = text.lines().last().unwrap();
            let (eval, _aws) = line.split_once(" && ").unwrap();
            let script = format!("set -e\n{}\n{eval}\n", "export WANT=\"$1\"");
            let script = format!("{script}echo \"got $GOT\"");
            let output =
                Command::new("bash").args(["-c", &script, "bash", directory]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), "got 2\n", "{script}");
            let check = format!(
                "{} env {}",
                posix_quoted(&program.display().to_string()),
                posix_quoted(directory)
            );
            let status = Command::new("bash").args(["-c", &check]).env("WANT", directory).output();
            assert!(status.unwrap().status.success(), "{check}");
        }
    }

    #[test]
    fn the_program_is_named_by_its_path_where_the_shell_would_not_find_it() {
        let this = std::env::current_exe().unwrap();
        assert_eq!(program(&Environment::default()), this.display().to_string());
        let temporary = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&this, temporary.path().join("docharbor")).unwrap();
        let path = [("PATH".into(), temporary.path().into())];
        assert_eq!(program(&Environment::of(path).unwrap()), "docharbor");
    }
}
