//! What may stand in which crate: SQL, HTTP, protocol errors, clocks and I/O.

use super::lexer::Source;
use super::{Finding, extension, line_at, shipped_crate};

/// Crates that may hold SQL: its home, and the crates that only tests and measurements use.
const SQL_CRATES: [&str; 3] = ["metadata", "testkit", "bench"];
/// Crates that may know HTTP: the doors, what calls subscribers, their wiring, and what drives them in
/// tests.
const HTTP_CRATES: [&str; 5] = ["server", "notify", "docharbor", "testkit", "bench"];
const HTTP_PATHS: [&str; 6] =
    ["axum::", "hyper::", "hyper_util::", "http::", "http_body::", "http_body_util::"];
/// Crates that do no I/O, read no clock, spawn nothing and are not async.
const PURE_CRATES: [&str; 3] = ["domain", "wire", "sigv4"];
const IMPURE: [&str; 14] = [
    "SystemTime::now",
    "Instant::now",
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "async fn",
    "async move",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "tokio",
    "getrandom",
    "rand::",
];
/// Where protocol errors are named: the tables, the one mapping, and the refusals of requests
/// that have no operation yet.
const ERROR_NAME_PLACES: [&str; 4] = [
    "crates/wire/",
    "crates/server/src/api/error.rs",
    "crates/server/src/auth/",
    "crates/server/src/auth.rs",
];
/// Crates that check the protocol from outside.
const OUTSIDE_CRATES: [&str; 2] = ["testkit", "bench"];

/// Checks one file; anything but the shipped code of a crate is free.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let Some(name) = shipped_crate(path).filter(|_| extension(path) == "rs") else {
        return Vec::new();
    };
    let source = Source::new(text);
    let mut broken: Vec<(usize, String)> = Vec::new();
    if !SQL_CRATES.contains(&name) {
        let statements = source.literals.iter().filter(|(_, literal)| is_sql(literal));
        broken.extend(statements.map(|(at, _)| (*at, "SQL belongs to metadata".to_owned())));
    }
    if !HTTP_CRATES.contains(&name) {
        for word in HTTP_PATHS {
            let rule = format!("{word} belongs to server: {name} knows no HTTP");
            broken.extend(source.words(word).into_iter().map(|at| (at, rule.clone())));
        }
    }
    if PURE_CRATES.contains(&name) {
        for word in IMPURE {
            let rule = format!("`{word}` in {name}: it does no I/O and reads no clock");
            broken.extend(source.words(word).into_iter().map(|at| (at, rule.clone())));
        }
    }
    let names_errors = ERROR_NAME_PLACES.iter().any(|place| path.starts_with(place));
    if !names_errors && !OUTSIDE_CRATES.contains(&name) {
        for (at, literal) in &source.literals {
            if let Some(error) = error_name(literal) {
                broken.push((*at, format!("{error} is named by wire's table and one mapping")));
            }
        }
    }
    broken
        .into_iter()
        .filter(|(at, _)| !source.in_test(*at))
        .map(|(at, rule)| Finding::new(path, line_at(text, at), rule))
        .collect()
}

/// Whether a literal is a statement: the pair of keywords in capitals anywhere, or in any case
/// when it begins with the first of them. A sentence that says "select" is none.
fn is_sql(literal: &str) -> bool {
    let words: Vec<&str> =
        literal.split(|character: char| !character.is_alphanumeric() && character != '_').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let begins = words.first().is_some_and(|word| {
        ["select", "with", "insert", "update", "delete"].contains(&word.to_lowercase().as_str())
    });
    let shouted = has_statement(&words);
    let lowered: Vec<String> = words.iter().map(|word| word.to_uppercase()).collect();
    let lowered: Vec<&str> = lowered.iter().map(String::as_str).collect();
    // Written small, only what an English sentence does not say: a list of columns or a `set`
    // with its equals sign.
    shouted || (begins && literal.contains(['=', '*', '$', '(']) && has_statement(&lowered))
}

fn has_statement(words: &[&str]) -> bool {
    let adjacent = |first, second| words.windows(2).any(|pair| pair == [first, second]);
    let followed = |first, second| {
        let mut after = words.iter().skip_while(|word| **word != first);
        after.next().is_some() && after.any(|word| *word == second)
    };
    adjacent("INSERT", "INTO")
        || adjacent("DELETE", "FROM")
        || followed("SELECT", "FROM")
        || followed("UPDATE", "SET")
}

/// The first protocol error named in a literal: `…Exception` as one word.
fn error_name(literal: &str) -> Option<&str> {
    literal.split(|character: char| !character.is_alphanumeric()).find(|word| {
        word.len() > "Exception".len()
            && word.ends_with("Exception")
            && word.starts_with(|first: char| first.is_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(path, text).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn sql_outside_metadata_is_found() {
        for statement in [
            "SELECT id FROM folder",
            "\n  INSERT INTO folder (id) VALUES ($1)",
            "UPDATE folder SET name = $1",
            "DELETE FROM folder",
            "WITH RECURSIVE up AS (SELECT 1) SELECT * FROM up",
            "select id, name from folder where id = $1",
        ] {
            let text = format!("//! A.\nconst A: &str = \"{statement}\";");
            assert_eq!(lines("crates/site/src/a.rs", &text), [2], "{statement}");
            assert!(lines("crates/metadata/src/a.rs", &text).is_empty());
        }
    }

    #[test]
    fn a_sentence_is_not_sql() {
        for sentence in ["Select a folder from the list.", "update the set of labels", "from"] {
            let text = format!("const A: &str = \"{sentence}\";");
            assert!(lines("crates/server/src/a.rs", &text).is_empty(), "{sentence}");
        }
        assert!(lines("crates/site/src/a.rs", "// SELECT id FROM folder").is_empty());
    }

    #[test]
    fn http_outside_server_is_found() {
        let text = "//! A.\nuse axum::Router;\nfn a(b: http::Method) {}";
        assert_eq!(lines("crates/site/src/a.rs", text), [2, 3]);
        assert!(lines("crates/server/src/a.rs", text).is_empty());
    }

    #[test]
    fn a_clock_a_runtime_or_io_in_a_pure_crate_is_found() {
        for line in [
            "let now = SystemTime::now();",
            "async fn a() {}",
            "use std::fs::File;",
            "use std::net::TcpStream;",
            "tokio::spawn(a);",
            "let now = std::time::SystemTime::now();",
        ] {
            for name in PURE_CRATES {
                let path = format!("crates/{name}/src/a.rs");
                assert_eq!(lines(&path, &format!("//! A.\n{line}")), [2], "{name}: {line}");
            }
            assert!(lines("crates/blobs/src/a.rs", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_protocol_error_named_outside_the_tables_is_found() {
        let text = "//! A.\nlet a = \"EntityNotExistsException\";";
        assert_eq!(lines("crates/site/src/a.rs", text), [2]);
        assert_eq!(lines("crates/server/src/api/folder.rs", text), [2]);
        assert!(lines("crates/server/src/api/error.rs", text).is_empty());
        assert!(lines("crates/server/src/auth/header.rs", text).is_empty());
        assert!(lines("crates/wire/src/error.rs", text).is_empty());
    }

    #[test]
    fn tests_may_say_all_of_it() {
        let text = "//! A.\n#[cfg(test)]\nmod tests {\n  const A: &str = \"DELETE FROM a\";\n}";
        assert!(lines("crates/site/src/a.rs", text).is_empty());
        assert!(
            lines("crates/site/tests/it/a.rs", "const A: &str = \"DELETE FROM a\";").is_empty()
        );
    }
}
