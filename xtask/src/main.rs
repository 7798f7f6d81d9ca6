//! The repository's own commands: everything a contributor or a machine runs to trust a change.
#![expect(clippy::print_stdout, reason = "this is a command line, its answers go to the terminal")]
#![expect(clippy::print_stderr, reason = "this is a command line, its failures go to stderr")]
#![expect(
    clippy::disallowed_methods,
    reason = "a tool of the repository reads the environment and times its stages itself"
)]

mod bench;
mod check_model;
mod install;
mod postgres;
mod process;
mod session;
mod stages;
mod tidy;

use std::process::ExitCode;

use session::Session;
use stages::Selection;

const HELP: &str = "\
The repository's own commands. Usage: cargo xtask COMMAND

  test [--quick] [--only STAGE]   install what is missing and run the checks; --only may repeat
  tidy                            layer edges, placement rules, file rules, documents
  check-model                     hold the operation table and shapes to botocore's model
  install                         only install what the checks need
  stages                          list the stages of `test`
  bench [NAME…] [--json FILE]     measure the release build against the barest programs
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> Result<ExitCode, String> {
    match arguments {
        ["test", rest @ ..] => stages::test(&Selection::parse(rest)?),
        ["tidy"] => stages::test(&Selection::only("tidy")),
        ["check-model"] => stages::test(&Selection::only("check-model")),
        ["install"] => {
            let mut session = Session::new()?;
            install::everything(&mut session)?;
            println!("Everything the checks need is installed.");
            Ok(ExitCode::SUCCESS)
        }
        ["bench", rest @ ..] => bench::run(&Session::new()?, rest),
        ["stages"] => {
            stages::list();
            Ok(ExitCode::SUCCESS)
        }
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => {
            eprint!("xtask: no such command: {}\n\n{HELP}", unknown.join(" "));
            Ok(ExitCode::from(2))
        }
    }
}
