//! The checks of the repository, one named stage each, in the order they are worth knowing.

use std::ffi::OsStr;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::session::Session;
use crate::{check_model, install, postgres, process, tidy};

/// One check. Every stage can run alone and installs, builds and starts what it needs.
struct Stage {
    name: &'static str,
    about: &'static str,
    /// Part of the inner loop, `cargo xtask test --quick`.
    quick: bool,
    run: fn(&mut Session) -> Result<(), String>,
}

const STAGES: &[Stage] = &[
    Stage { name: "fmt", about: "rustfmt would change nothing", quick: true, run: fmt },
    Stage {
        name: "tidy",
        about: "layer edges, placement, files, documents",
        quick: true,
        run: tidy::run,
    },
    Stage {
        name: "check-model",
        about: "operation table and shapes against botocore's model",
        quick: true,
        run: check_model,
    },
    Stage { name: "clippy", about: "lints, warnings are errors", quick: true, run: clippy },
    Stage { name: "deny", about: "licences, banned crates, sources", quick: false, run: deny },
    Stage { name: "doc", about: "documentation builds, links resolve", quick: false, run: doc },
    Stage {
        name: "unit",
        about: "all Rust tests, on SQLite and on PostgreSQL",
        quick: true,
        run: unit,
    },
    Stage {
        name: "build",
        about: "the server, with and without its crash points",
        quick: true,
        run: build,
    },
    Stage {
        name: "client-python",
        about: "stories through boto3 and the AWS CLI",
        quick: false,
        run: |session| pytest(session, &["tests/clients/python"]),
    },
    Stage {
        name: "client-node",
        about: "stories through the AWS SDK for JavaScript",
        quick: false,
        run: client_node,
    },
    Stage {
        name: "client-rust",
        about: "stories through the AWS SDK for Rust",
        quick: false,
        run: client_rust,
    },
    Stage {
        name: "faults-kill",
        about: "the server killed in the middle of uploads and of changes to the tree",
        quick: false,
        run: |session| {
            pytest(session, &["tests/faults/test_kill.py", "tests/faults/test_kill_tree.py"])
        },
    },
    Stage {
        name: "faults-power",
        about: "the power cut under the server's file system",
        quick: false,
        run: |session| pytest(session, &["tests/faults/test_power.py"]),
    },
];

/// What the stages run below `tests/`. Tidy finds tests that are nowhere in it.
pub(crate) const CLIENT_TESTS: [&str; 6] = [
    "tests/clients/python/",
    "tests/clients/node/",
    "tests/clients/rust/",
    "tests/faults/test_kill.py",
    "tests/faults/test_kill_tree.py",
    "tests/faults/test_power.py",
];

/// Which stages a run takes.
pub(crate) struct Selection {
    quick: bool,
    only: Vec<String>,
}

impl Selection {
    /// Reads the arguments of `cargo xtask test`.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut selection = Self { quick: false, only: Vec::new() };
        let mut rest = arguments;
        loop {
            rest = match rest {
                [] => return Ok(selection),
                ["--quick", rest @ ..] => {
                    selection.quick = true;
                    rest
                }
                ["--only", name, rest @ ..] => {
                    if !STAGES.iter().any(|stage| stage.name == *name) {
                        let names: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
                        return Err(format!("no stage {name}; there are: {}", names.join(", ")));
                    }
                    selection.only.push((*name).to_owned());
                    rest
                }
                [unknown, ..] => return Err(format!("`test` does not know {unknown}")),
            }
        }
    }

    /// One stage alone.
    pub(crate) fn only(name: &str) -> Self {
        Self { quick: false, only: vec![name.to_owned()] }
    }

    fn takes(&self, stage: &Stage) -> bool {
        (stage.quick || !self.quick)
            && (self.only.is_empty() || self.only.iter().any(|name| name == stage.name))
    }
}

/// Whether a stage has this name; the documents may only speak of stages that exist.
pub(crate) fn exists(name: &str) -> bool {
    STAGES.iter().any(|stage| stage.name == name)
}

/// Prints the stages.
pub(crate) fn list() {
    for Stage { name, about, quick, .. } in STAGES {
        println!("{name:14} {}{about}", if *quick { "(quick) " } else { "" });
    }
}

/// Runs the selected stages, all of them whatever fails, and sums up.
pub(crate) fn test(selection: &Selection) -> Result<ExitCode, String> {
    let mut session = Session::new()?;
    let mut outcomes = Vec::new();
    for stage in STAGES.iter().filter(|stage| selection.takes(stage)) {
        println!("\n== {}: {}", stage.name, stage.about);
        let started = Instant::now();
        let result = (stage.run)(&mut session);
        if let Err(message) = &result {
            println!("{message}");
        }
        let line = outcome_line(stage.name, result.is_ok(), started.elapsed());
        println!("== {line}");
        outcomes.push((result.is_ok(), line));
    }
    println!("\n== summary");
    for (_, line) in &outcomes {
        println!("{line}");
    }
    let failed = outcomes.iter().filter(|(passed, _)| !passed).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    let nothing_proved = failed != 0 || outcomes.is_empty();
    Ok(if nothing_proved { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn outcome_line(name: &str, passed: bool, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if passed {
        format!("ok      {name:14} {seconds:7.1} s")
    } else {
        format!("FAILED  {name:14} {seconds:7.1} s   repeat: cargo xtask test --only {name}")
    }
}

fn fmt(session: &mut Session) -> Result<(), String> {
    process::run(session.cargo(120).args(["fmt", "--all", "--check"]))
}

fn clippy(session: &mut Session) -> Result<(), String> {
    session.packages()?;
    let mut cargo = session.cargo(30 * 60);
    cargo.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    process::run(&mut cargo)
}

fn check_model(session: &mut Session) -> Result<(), String> {
    let python = session.python()?;
    check_model::run(&python)
}

fn deny(session: &mut Session) -> Result<(), String> {
    session.packages()?;
    let program = install::cargo_deny(session)?;
    let mut command = session.command(program, 300);
    command.args(["--workspace", "--locked", "check", "--hide-inclusion-graph"]);
    process::run(command.args(["bans", "licenses", "sources"]))
}

fn doc(session: &mut Session) -> Result<(), String> {
    session.packages()?;
    let mut cargo = session.cargo(30 * 60);
    cargo.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut cargo)
}

fn unit(session: &mut Session) -> Result<(), String> {
    let python = session.python()?;
    let postgres = session.postgres_url()?;
    let mut cargo = session.cargo(40 * 60);
    cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    cargo.env("DOCHARBOR_TEST_POSTGRES_URL", postgres).env("DOCHARBOR_PYTHON", python);
    process::run(&mut cargo)
}

fn build(session: &mut Session) -> Result<(), String> {
    session.packages()?;
    let binaries = session.binaries()?;
    for binary in [&binaries.plain, &binaries.failpoints] {
        println!("{}", process::read(session.command(binary, 20).arg("--version"))?.trim_end());
    }
    Ok(())
}

fn pytest(session: &mut Session, tests: &[&str]) -> Result<(), String> {
    let python = session.python()?;
    // Reasons are printed (-ra): what was skipped here must be seen by whoever reads the run.
    let mut arguments = vec!["-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider"];
    arguments.extend(tests);
    run_clients(session, tests, &python, &arguments)
}

fn client_node(session: &mut Session) -> Result<(), String> {
    let node = session.node()?.node;
    // `node --test` alone takes any file as a test and finds none to be a success.
    let directory = "tests/clients/node";
    let files = tidy::walk(&session.root().join(directory), &["mjs", "js", "ts"])?;
    let mut tests: Vec<String> = files
        .iter()
        .map(|file| file.to_string_lossy().into_owned())
        .filter(|file| [".test.mjs", ".test.js", ".test.ts"].iter().any(|end| file.ends_with(end)))
        .collect();
    if tests.is_empty() {
        return Err(format!("{directory} holds no *.test.mjs, *.test.js or *.test.ts"));
    }
    tests.insert(0, "--test".to_owned());
    let arguments: Vec<&str> = tests.iter().map(String::as_str).collect();
    run_clients(session, &[directory], node.as_os_str(), &arguments)
}

fn client_rust(session: &mut Session) -> Result<(), String> {
    session.packages()?;
    let manifest = "tests/clients/rust/Cargo.toml";
    require(session, manifest)?;
    let mut cargo = session.cargo(40 * 60);
    cargo.args(["test", "--locked", "--manifest-path", manifest]);
    // The SDK takes minutes to compile and rarely changes: it outlives `cargo clean`.
    cargo.env("CARGO_TARGET_DIR", session.cache().join("clients-rust-target"));
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
    server_environment(session, &mut cargo)?;
    process::run(&mut cargo)
}

/// Runs tests that start the real server. A path that is not there is a failure, not a skip.
fn run_clients(
    session: &mut Session,
    tests: &[&str],
    program: impl AsRef<OsStr>,
    arguments: &[&str],
) -> Result<(), String> {
    tests.iter().try_for_each(|path| require(session, path))?;
    // On a quiet machine they take half of it.
    let mut command = session.command(program, 50 * 60);
    command.args(arguments);
    server_environment(session, &mut command)?;
    // A story in Python lets a receiver in JavaScript look at what it was sent.
    command.env("DOCHARBOR_NODE", session.node()?.node);
    process::run(&mut command)
}

fn require(session: &Session, path: &str) -> Result<(), String> {
    if session.root().join(path).exists() { Ok(()) } else { Err(format!("there is no {path}")) }
}

/// What the tests of the real server are told: what to start, and what to start it against.
fn server_environment(session: &mut Session, command: &mut Command) -> Result<(), String> {
    let binaries = session.binaries()?;
    command.env("DOCHARBOR_BIN", binaries.plain);
    command.env("DOCHARBOR_BIN_FAILPOINTS", binaries.failpoints);
    command.env("DOCHARBOR_TEST_POSTGRES_URL", session.postgres_url()?);
    command.env("DOCHARBOR_PYTHON", session.python()?);
    if let Some(programs) = postgres::binaries() {
        command.env("DOCHARBOR_TEST_POSTGRES_BIN", programs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_does_not_exist_cannot_be_selected() {
        let error = Selection::parse(&["--only", "nothing"]).err().unwrap();
        assert!(error.starts_with("no stage nothing; there are: fmt, tidy,"), "{error}");
        assert!(Selection::parse(&["--onyl", "unit"]).is_err());
        assert!(Selection::parse(&["--only"]).is_err());
    }

    #[test]
    fn a_selection_takes_the_named_stages_and_no_others() {
        let selection = Selection::parse(&["--only", "unit", "--only", "fmt"]).unwrap();
        let taken: Vec<_> =
            STAGES.iter().filter(|stage| selection.takes(stage)).map(|stage| stage.name).collect();
        assert_eq!(taken, ["fmt", "unit"]);
    }

    #[test]
    fn a_failed_stage_names_the_command_that_repeats_it() {
        let line = outcome_line("unit", false, Duration::from_millis(12_300));
        assert_eq!(line, "FAILED  unit              12.3 s   repeat: cargo xtask test --only unit");
    }

    #[test]
    fn no_two_stages_have_the_same_name() {
        let mut names: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STAGES.len());
    }
}
