//! Measures the server against the barest program that could do the same, both in one run.
//!
//! A figure of its own says little on a machine whose speed nobody knows; a ratio taken in one run
//! does. No measurement fails for being slow, only for what could not be measured.
#![expect(clippy::print_stdout, reason = "this is a command line, its answers go to the terminal")]
#![expect(clippy::print_stderr, reason = "this is a command line, its failures go to stderr")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock itself")]

mod activities;
mod bare;
mod client;
mod deliveries;
mod extraction;
mod floor;
mod folder;
mod footprint;
mod large;
mod process;
mod reads;
mod report;
mod search;
mod shared;
mod signer;
mod site;
mod tree;
mod uploads;

use std::path::PathBuf;
use std::process::ExitCode;

use report::{Figure, print_table, to_json};

/// Whatever kept a measurement from being taken, in words.
type Outcome<T> = Result<T, String>;

/// Takes measurements that belong together. What was taken counts even if the rest fails.
type Scenario = fn(&Settings, &mut Vec<Figure>) -> Outcome<()>;

/// What is measured, by name.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("upload", uploads::run),
    ("get-document", reads::get_document),
    ("small-download", reads::small_download),
    ("large", large::run),
    ("footprint", footprint::run),
    ("folder", folder::run),
    ("tree", tree::run),
    ("shared", shared::run),
    ("search", search::run),
    ("activities", activities::run),
    ("deliveries", deliveries::run),
    ("extraction", extraction::run),
];

const HELP: &str = "\
Usage: docharbor-bench --server FILE --directory DIR [OPTION…] [NAME…]

  --server FILE      the release build of docharbor
  --directory DIR    where data directories are made: on the disk to be measured
  --rounds N         how often the server and its baseline take turns (5)
  --large-mib N      how large a large file is (2048)
  --folder-items N   how many items a full folder has (100000)
  --tree-items N     how many items stand below a great folder, and how many
                     documents are searched (1000000)
  --json FILE        write the figures there too
";

/// How to measure.
struct Settings {
    server: PathBuf,
    directory: PathBuf,
    rounds: usize,
    large_mib: u64,
    folder_items: u32,
    tree_items: u32,
    json: Option<PathBuf>,
    names: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((first, rest)) if first == "bare" => bare::serve(rest),
        _ => Settings::parse(&arguments).and_then(|settings| measure(&settings)),
    };
    match done {
        Ok(code) => code,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(settings: &Settings) -> Outcome<ExitCode> {
    let wanted = |name: &str| settings.names.is_empty() || settings.names.iter().any(|n| n == name);
    let mut figures = Vec::new();
    let mut failed = false;
    println!("Load of the machine before: {}", report::load());
    for (name, run) in SCENARIOS.iter().filter(|(name, _)| wanted(name)) {
        eprintln!("bench: {name} …");
        if let Err(message) = run(settings, &mut figures) {
            failed = true;
            eprintln!("bench: {name} could not be measured: {message}");
        }
    }
    println!("Load of the machine after: {}\n", report::load());
    print_table(&figures);
    if let Some(path) = &settings.json {
        std::fs::write(path, to_json(&figures))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Settings {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut settings = Self {
            server: PathBuf::new(),
            directory: PathBuf::new(),
            rounds: 5,
            large_mib: 2048,
            folder_items: 100_000,
            tree_items: 1_000_000,
            json: None,
            names: Vec::new(),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value =
                || rest.next().ok_or_else(|| format!("{argument} needs a value\n{HELP}"));
            match argument.as_str() {
                "--server" => settings.server = value()?.into(),
                "--directory" => settings.directory = value()?.into(),
                "--json" => settings.json = Some(value()?.into()),
                "--rounds" => settings.rounds = number(value()?)?,
                "--large-mib" => settings.large_mib = number(value()?)?,
                "--folder-items" => settings.folder_items = number(value()?)?,
                "--tree-items" => settings.tree_items = number(value()?)?,
                name if SCENARIOS.iter().any(|(known, _)| *known == name) => {
                    settings.names.push(name.to_owned());
                }
                unknown => {
                    let names: Vec<_> = SCENARIOS.iter().map(|(name, _)| *name).collect();
                    let names = names.join(", ");
                    return Err(format!("no measurement {unknown}; there are: {names}\n{HELP}"));
                }
            }
        }
        if settings.server.as_os_str().is_empty() || settings.directory.as_os_str().is_empty() {
            return Err(format!("--server and --directory are needed\n{HELP}"));
        }
        Ok(settings)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Outcome<T> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Outcome<Settings> {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        Settings::parse(&arguments)
    }

    #[test]
    fn a_measurement_nobody_knows_is_refused_with_those_there_are() {
        let error = parse(&["--server", "a", "--directory", "b", "up"]).err().unwrap();
        assert!(error.contains("no measurement up; there are: upload, get-document"), "{error}");
    }

    #[test]
    fn settings_are_read_from_the_command_line() {
        let settings =
            parse(&["--server", "a", "--directory", "b", "--rounds", "2", "large"]).unwrap();
        assert_eq!((settings.rounds, settings.large_mib), (2, 2048));
        assert_eq!(settings.names, ["large"]);
        assert!(parse(&["--rounds", "two"]).is_err());
        assert!(parse(&[]).is_err());
    }
}
