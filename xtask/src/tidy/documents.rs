//! What the documents promise: the changelog is kept, and every check they name exists.

use super::{File, Finding, extension};
use crate::stages;

/// Checks the changelog, the invariants of the architecture and the table of threats.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    match find(files, "CHANGELOG.md") {
        Some(text) => findings.extend(changelog(text)),
        None => findings.push(Finding::new("CHANGELOG.md", 0, "there is none")),
    }
    match find(files, "ARCHITECTURE.md") {
        Some(text) => findings.extend(invariants(text, files)),
        None => findings.push(Finding::new("ARCHITECTURE.md", 0, "there is none")),
    }
    match find(files, "SECURITY.md") {
        Some(text) => findings.extend(threats(text, files)),
        None => findings.push(Finding::new("SECURITY.md", 0, "there is none")),
    }
    findings
}

fn find<'a>(files: &'a [File], path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
}

fn changelog(text: &str) -> Option<Finding> {
    let kept = text.lines().any(|line| line.trim_end() == "## [Unreleased]");
    (!kept).then(|| Finding::new("CHANGELOG.md", 0, "there is no section `## [Unreleased]`"))
}

/// Every numbered invariant ends with "Checked by" and names of checks that exist.
fn invariants(text: &str, files: &[File]) -> Vec<Finding> {
    let path = "ARCHITECTURE.md";
    let items = numbered_items(text);
    if items.is_empty() {
        return vec![Finding::new(
            path,
            0,
            "there is no numbered list under an Invariants heading",
        )];
    }
    let mut findings = Vec::new();
    for (line, item) in items {
        let checks = item.split_once("Checked by").map(|(_, checks)| checks).unwrap_or_default();
        let names = in_backticks(checks);
        if names.is_empty() {
            let rule = "an invariant says \"Checked by\" and names its check in backticks";
            findings.push(Finding::new(path, line, rule));
        }
        findings.extend(missing(path, line, &names, files));
    }
    findings
}

/// The numbered items below a heading with the word "nvariants", with their first lines.
fn numbered_items(text: &str) -> Vec<(usize, String)> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            inside = line.contains("nvariants");
        } else if inside {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let begins = 0 < digits && line.get(digits..).is_some_and(|it| it.starts_with(". "));
            if begins {
                items.push((number + 1, line.to_owned()));
            } else if let Some((_, item)) = items.last_mut().filter(|_| !line.trim().is_empty()) {
                item.push(' ');
                item.push_str(line.trim());
            }
        }
    }
    items
}

/// Every row of the table whose first cell is a threat's number names tests in its last cell.
fn threats(text: &str, files: &[File]) -> Vec<Finding> {
    let path = "SECURITY.md";
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else { continue };
        let numbered = first.strip_prefix('T').is_some_and(|rest| rest.parse::<u32>().is_ok());
        if !numbered || cells.len() < 3 {
            continue;
        }
        let names = in_backticks(last);
        if names.is_empty() {
            let rule = "a threat names the tests that hold it off";
            findings.push(Finding::new(path, number + 1, rule));
        }
        findings.extend(missing(path, number + 1, &names, files));
    }
    findings
}

fn in_backticks(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).filter(|name| !name.is_empty()).collect()
}

fn missing(path: &str, line: usize, names: &[&str], files: &[File]) -> Vec<Finding> {
    names
        .iter()
        .filter(|name| !check_exists(name, files))
        .map(|name| Finding::new(path, line, format!("there is no check `{name}`")))
        .collect()
}

/// A check is a stage, a file of the repository, or a test by its name.
fn check_exists(name: &str, files: &[File]) -> bool {
    if let Some(rest) = name.strip_prefix("cargo xtask ") {
        return stages::exists(rest.strip_prefix("test --only ").unwrap_or(rest));
    }
    if files.iter().any(|file| file.path == name) {
        return true;
    }
    let test = name.rsplit("::").next().unwrap_or(name);
    let written = [format!("fn {test}("), format!("def {test}("), format!("test(\"{test}\"")];
    files.iter().any(|file| {
        let is_code = ["rs", "py", "js", "mjs", "ts"].contains(&extension(&file.path));
        is_code && written.iter().any(|written| file.text.contains(written))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Vec<File> {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        vec![
            file("clippy.toml", ""),
            file("crates/site/tests/it/a.rs", "fn a_viewer_cannot_rename_a_folder() {}"),
            file("tests/clients/python/test_a.py", "def test_abort(site):"),
        ]
    }

    fn rules(findings: Vec<Finding>) -> Vec<(usize, String)> {
        findings.into_iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn a_changelog_without_an_unreleased_section_is_found() {
        assert!(changelog("# Changelog\n\n## [0.1.0]\n").is_some());
        assert!(changelog("# Changelog\n\n## [Unreleased]\n").is_none());
    }

    #[test]
    fn an_invariant_whose_check_does_not_exist_is_found() {
        let text = "# Architecture\n## Invariants\n\
                    1. Only server knows HTTP.\n   Checked by `cargo xtask tidy`, `clippy.toml`.\n\
                    2. Nobody peeks. Checked by `a_viewer_cannot_rename_a_folder`.\n\
                    3. Nobody checks this.\n\
                    4. Nor this. Checked by `a_test_that_is_gone` and `cargo xtask wish`.\n\
                    ## Other\n1. Not an invariant.\n";
        assert_eq!(
            rules(invariants(text, &tree())),
            [
                (6, "an invariant says \"Checked by\" and names its check in backticks".to_owned()),
                (7, "there is no check `a_test_that_is_gone`".to_owned()),
                (7, "there is no check `cargo xtask wish`".to_owned()),
            ]
        );
        assert_eq!(invariants("# Architecture\n", &tree()).len(), 1);
    }

    #[test]
    fn a_threat_without_a_test_is_found() {
        let text = "| # | Threat | Test |\n|---|---|---|\n\
                    | T1 | Two mechanisms | `test_abort` |\n\
                    | T2 | Replay | by hand |\n\
                    | T3 | Timing | `gone` |\n";
        assert_eq!(
            rules(threats(text, &tree())),
            [
                (4, "a threat names the tests that hold it off".to_owned()),
                (5, "there is no check `gone`".to_owned()),
            ]
        );
    }

    #[test]
    fn a_repository_without_its_documents_is_found() {
        let paths: Vec<_> = check(&tree()).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["CHANGELOG.md", "ARCHITECTURE.md", "SECURITY.md"]);
    }
}
