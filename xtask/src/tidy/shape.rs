//! How every file looks: its first sentence, its length, and nothing left lying about.

use super::lexer::Source;
use super::{Finding, extension, is_test, line_at};

/// A file holds one idea.
const LINES_MAX: usize = 700;
/// A file of tests holds one noun.
const TEST_LINES_MAX: usize = 1000;

/// Checks one file of any language.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    let lines_max = if is_test(path) { TEST_LINES_MAX } else { LINES_MAX };
    if lines_max < lines && extension(path) != "md" {
        let rule = format!("{lines} lines; no more than {lines_max}: two ideas are two files");
        findings.push(Finding::new(path, 0, rule));
    }
    if extension(path) == "rs" {
        findings.extend(rust(path, text));
    } else if extension(path) != "md" {
        findings.extend(script(path, text));
    }
    if path.ends_with("/Cargo.toml") && !shares_lints(path, text) {
        let rule = "every crate has `[lints]` with `workspace = true`";
        findings.push(Finding::new(path, 0, rule));
    }
    findings
}

fn rust(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("//! ") {
        findings.push(Finding::new(path, 1, "a file begins with a `//!` sentence"));
    }
    let source = Source::new(text);
    for word in ["todo!", "unimplemented!"] {
        for at in source.words(word) {
            let rule = format!("{word} is no code: finish it or leave it out");
            findings.push(Finding::new(path, line_at(text, at), rule));
        }
    }
    for (at, _) in source.code.match_indices("#[ignore") {
        let rule = "a test that is ignored proves nothing: mend it or delete it";
        findings.push(Finding::new(path, line_at(text, at), rule));
    }
    for (at, comment) in &source.comments {
        for (offset, line) in comment.lines().enumerate() {
            if let Some(mark) = mark(line) {
                findings.push(left_over(path, line_at(text, *at) + offset, mark));
            }
        }
    }
    findings
}

/// The comments of Python, JavaScript, SQL and TOML all run to the end of their line.
fn script(path: &str, text: &str) -> Vec<Finding> {
    text.lines()
        .enumerate()
        .filter_map(|(number, line)| {
            let comment = ["#", "//", "--"].iter().filter_map(|start| line.find(start)).min()?;
            Some(left_over(path, number + 1, mark(line.get(comment..)?)?))
        })
        .collect()
}

fn left_over(path: &str, line: usize, mark: &str) -> Finding {
    Finding::new(path, line, format!("{mark}: do it now, or open an issue and say nothing here"))
}

fn mark(comment: &str) -> Option<&'static str> {
    ["FIXME", "XXX", "TODO"].into_iter().find(|mark| {
        comment.split(|character: char| !character.is_alphanumeric()).any(|word| word == *mark)
    })
}

/// The lints of the workspace are opted into crate by crate; SDK stories stand outside of it.
fn shares_lints(path: &str, text: &str) -> bool {
    path.starts_with("tests/") || text.contains("[lints]\nworkspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        check(path, text).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_file_without_its_sentence_is_found() {
        assert_eq!(
            rules("crates/site/src/a.rs", "use a;\n"),
            ["a file begins with a `//!` sentence"]
        );
        assert!(rules("crates/site/src/a.rs", "//! What it is for.\n").is_empty());
    }

    #[test]
    fn a_file_that_is_too_long_is_found() {
        let lines = |count: usize| "//! A.\n".to_owned() + &"\n".repeat(count - 1);
        assert!(rules("crates/site/src/a.rs", &lines(700)).is_empty());
        assert_eq!(rules("crates/site/src/a.rs", &lines(701)).len(), 1);
        assert!(rules("crates/site/tests/it/a.rs", &lines(1000)).is_empty());
        assert_eq!(rules("tests/clients/python/test_a.py", &"\n".repeat(1001)).len(), 1);
    }

    #[test]
    fn what_was_left_lying_about_is_found() {
        let text = "//! A.\nfn a() { todo!() }\nfn b() { unimplemented!(\"b\") }\n\
                    // FIXME: later\n/* a\nXXX */\n#[test]\n#[ignore]\nfn c() {}\n";
        let found = check("crates/site/src/a.rs", text);
        let mut lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [2, 3, 4, 6, 8]);
        assert_eq!(check("tests/clients/python/test_a.py", "a = 1  # TODO\n").len(), 1);
    }

    #[test]
    fn a_literal_that_speaks_of_a_mark_is_not_one() {
        assert!(rules("xtask/src/a.rs", "//! A.\nconst A: &str = \"FIXME todo!\";\n").is_empty());
    }

    #[test]
    fn a_crate_without_the_workspaces_lints_is_found() {
        assert_eq!(rules("crates/site/Cargo.toml", "[package]\n").len(), 1);
        assert!(rules("crates/site/Cargo.toml", "[lints]\nworkspace = true\n").is_empty());
        assert!(rules("tests/clients/rust/Cargo.toml", "[package]\n").is_empty());
    }
}
