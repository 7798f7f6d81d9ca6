//! The rules of the repository that no compiler knows: what may stand where.
//!
//! Every rule is a function from text to findings, so its tests feed it a violation.

mod documents;
mod layers;
mod lexer;
mod modules;
mod placement;
mod shape;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::session::Session;

/// Directories that hold nothing of ours.
const NOT_OURS: [&str; 4] = ["target", "node_modules", "__pycache__", "docharbor-data"];

/// One violation, where it is and which rule it breaks.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Relative to the top of the repository.
    path: String,
    /// Counted from one; zero when the finding is about the file as a whole.
    line: usize,
    rule: String,
}

impl Finding {
    fn new(path: impl Into<String>, line: usize, rule: impl Into<String>) -> Self {
        Self { path: path.into(), line, rule: rule.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.rule),
            line => write!(out, "{}:{line}: {}", self.path, self.rule),
        }
    }
}

/// A file of the repository, path relative to its top.
struct File {
    path: String,
    text: String,
}

/// Checks the whole repository.
pub(crate) fn run(session: &mut Session) -> Result<(), String> {
    let files = files(session.root())?;
    let mut findings = layers::check(&session.metadata()?);
    for file in &files {
        findings.extend(shape::check(&file.path, &file.text));
        findings.extend(placement::check(&file.path, &file.text));
    }
    findings.extend(modules::check(&files));
    findings.extend(documents::check(&files));
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("tidy: 1 finding".to_owned()),
        count => Err(format!("tidy: {count} findings")),
    }
}

/// The text of a file, or an error that names it.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// All files below `directory` with one of these extensions, sorted.
pub(crate) fn walk(directory: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("{}: {error}", directory.display()))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || NOT_OURS.contains(&name.as_ref()) {
            continue;
        }
        let path = entry.path();
        // A link is not followed: it leads to another's files, or in circles.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(walk(&path, extensions)?),
            Ok(kind) if kind.is_file() => {
                let extension = path.extension().and_then(|extension| extension.to_str());
                if extension.is_some_and(|extension| extensions.contains(&extension)) {
                    found.push(path);
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
    found.sort();
    Ok(found)
}

fn files(root: &Path) -> Result<Vec<File>, String> {
    let extensions = ["rs", "py", "js", "mjs", "ts", "sql", "toml", "md"];
    walk(root, &extensions)?
        .into_iter()
        .map(|path| {
            let text = read(&path)?;
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            Ok(File { path, text })
        })
        .collect()
}

/// The number of the line, from one, that holds the byte at `offset`.
fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// What comes after the last dot of the file's name.
fn extension(path: &str) -> &str {
    Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// Whether the file holds tests and nothing else.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The crate whose shipped code this file is part of, by its directory: `crates/NAME/src/…`.
fn shipped_crate(path: &str) -> Option<&str> {
    let (name, rest) = path.strip_prefix("crates/")?.split_once('/')?;
    (rest.starts_with("src/") && !is_test(path)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_that_is_shipped_belongs_to_its_crate() {
        assert_eq!(shipped_crate("crates/site/src/folder.rs"), Some("site"));
        assert_eq!(shipped_crate("crates/site/src/folder/tests.rs"), None);
        assert_eq!(shipped_crate("crates/site/tests/it/main.rs"), None);
        assert_eq!(shipped_crate("xtask/src/main.rs"), None);
    }

    #[test]
    fn a_finding_says_where_it_is() {
        assert_eq!(Finding::new("a.rs", 3, "why").to_string(), "a.rs:3: why");
        assert_eq!(Finding::new("a.rs", 0, "why").to_string(), "a.rs: why");
    }
}
