//! Files that nothing compiles or runs: a forgotten `mod` is a test that proves nothing.

use std::path::Path;

use super::lexer::Source;
use super::{File, Finding, extension};
use crate::stages::CLIENT_TESTS;

/// Checks that every Rust file is the root of a crate or a module of its parent, and that a stage
/// runs every test of the real server.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let forgotten_tests = files
        .iter()
        .filter(|file| file.path.starts_with("tests/") && is_script_test(&file.path))
        .filter(|file| !CLIENT_TESTS.iter().any(|place| file.path.starts_with(place)))
        .map(|file| Finding::new(&file.path, 0, "no stage of `cargo xtask test` runs this"));
    files
        .iter()
        .filter(|file| extension(&file.path) == "rs" && !is_root(&file.path))
        .filter(|file| !is_declared(&file.path, files))
        .map(|file| Finding::new(&file.path, 0, "no `mod` names this file: nothing compiles it"))
        .chain(forgotten_tests)
        .collect()
}

/// Whether a file's name makes it a test for pytest or for `node --test`.
fn is_script_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    (name.starts_with("test_") && extension(name) == "py") || name.contains(".test.")
}

/// Whether cargo compiles the file by its place alone.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.rsplit('/').collect();
    match parts.as_slice() {
        ["lib.rs" | "main.rs", "src", ..] | ["build.rs", ..] => true,
        [_, "tests" | "benches" | "examples" | "bin", ..] => !parts.contains(&"it"),
        ["main.rs", _, "tests" | "benches" | "examples" | "bin", ..] => true,
        _ => false,
    }
}

fn is_declared(path: &str, files: &[File]) -> bool {
    let path = Path::new(path);
    let (Some(stem), Some(directory)) = (path.file_stem(), path.parent()) else { return false };
    // `a/mod.rs` is module `a` of the directory above.
    let (name, home) = if stem == "mod" {
        let (Some(name), Some(home)) = (directory.file_name(), directory.parent()) else {
            return false;
        };
        (name, home)
    } else {
        (stem, directory)
    };
    let parents =
        [home.join("mod.rs"), home.join("lib.rs"), home.join("main.rs"), home.with_extension("rs")];
    let declaration = format!("mod {};", name.to_string_lossy());
    files.iter().any(|file| {
        parents.iter().any(|parent| parent.as_os_str() == file.path.as_str())
            && Source::new(&file.text).code.match_indices(&declaration).next().is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgotten(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        check(&files).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn a_test_file_that_no_mod_names_is_found() {
        let files = [
            ("crates/server/tests/it/main.rs", "//! Stories.\nmod folder;\n// mod user;"),
            ("crates/server/tests/it/folder.rs", ""),
            ("crates/server/tests/it/user.rs", ""),
        ];
        assert_eq!(forgotten(&files), ["crates/server/tests/it/user.rs"]);
    }

    #[test]
    fn a_test_of_the_real_server_that_no_stage_runs_is_found() {
        let files = [
            ("tests/clients/python/test_upload.py", ""),
            ("tests/clients/ruby/test_upload.py", ""),
            ("tests/faults/power.py", ""),
            ("tests/faults/test_disk.py", ""),
            ("tests/faults/disk.test.mjs", ""),
        ];
        assert_eq!(
            forgotten(&files),
            [
                "tests/clients/ruby/test_upload.py",
                "tests/faults/test_disk.py",
                "tests/faults/disk.test.mjs",
            ]
        );
    }

    #[test]
    fn modules_in_directories_are_found_through_either_kind_of_parent() {
        let files = [
            ("crates/site/src/lib.rs", "pub mod a; mod b;"),
            ("crates/site/src/a/mod.rs", "mod c;"),
            ("crates/site/src/a/c.rs", ""),
            ("crates/site/src/b.rs", "mod d;"),
            ("crates/site/src/b/d.rs", ""),
            ("crates/site/src/b/e.rs", ""),
        ];
        assert_eq!(forgotten(&files), ["crates/site/src/b/e.rs"]);
    }

    #[test]
    fn what_cargo_compiles_by_its_place_needs_no_mod() {
        let files = [
            ("crates/docharbor/src/main.rs", ""),
            ("crates/docharbor/src/bin/other.rs", ""),
            ("crates/docharbor/build.rs", ""),
            ("tests/clients/rust/tests/stories.rs", ""),
            ("tests/clients/rust/src/lib.rs", ""),
        ];
        assert!(forgotten(&files).is_empty());
    }
}
