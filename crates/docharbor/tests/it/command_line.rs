//! Commands, their exit codes, and the life of a server.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::process::{Server, docharbor, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_server_lives_from_ready_to_a_clean_end() {
    let temporary = tempfile::tempdir().unwrap();
    let server = Server::start(temporary.path(), &["data", "--organization-id", "d-0123456789"]);
    let data = temporary.path().join("data");
    assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(server.ready["organization_id"], "d-0123456789");
    assert_eq!(Path::new(server.ready["data_directory"].as_str().unwrap()), data);

    let endpoint = std::fs::read_to_string(data.join("endpoint")).unwrap();
    assert_eq!(endpoint.trim(), server.ready["endpoint"]);
    for path in ["/health/live", "/health/ready"] {
        let answer = server.get(path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains("x-amzn-requestid: "), "{path}: {answer}");
    }
    assert!(server.get("/secret-path?secret-query").contains("x-amzn-requestid: "));

    server.signal("TERM");
    let (status, log) = server.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!data.join("endpoint").exists());
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 3, "{log}");
    assert_eq!(requests[0]["operation"], "health");
    assert_eq!(requests[0]["status"], 200);
    assert_eq!(requests[0]["request_id"].as_str().unwrap().len(), 36);
    assert!(requests[0]["duration_ms"].is_u64());
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_next_one_is_not() {
    let temporary = tempfile::tempdir().unwrap();
    let first = Server::start(temporary.path(), &["data"]);
    let second = run(temporary.path(), &["serve", "data", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    let refusal = text(&second.stderr);
    assert!(refusal.contains("is in use") && refusal.contains("process "), "{refusal}");
    first.signal("INT");
    assert_eq!(first.end().0.code(), Some(0));
    let next = Server::start(temporary.path(), &["data"]);
    next.signal("TERM");
    assert_eq!(next.end().0.code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    let mut server = Server::start(temporary.path(), &["data"]);
    // The beginning of a request holds the drain.
    let mut held = server.connect();
    held.write_all(b"GET /health/live HTTP/1.1\r\nhost").unwrap();
    assert!(server.get("/health/live").starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    server.wait_for("draining");
    server.signal("TERM");
    let (status, log) = server.end();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("ended before all requests were done"), "{log}");
}

#[test]
fn a_server_out_of_files_waits_and_recovers() {
    let temporary = tempfile::tempdir().unwrap();
    let mut server = Server::start_short_of_files(temporary.path(), 40);
    let crowd: Vec<_> = (0..60).map(|_| server.connect()).collect();
    server.wait_for("cannot accept a connection");
    drop(crowd);
    assert!(server.get("/health/live").starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    let (status, log) = server.end();
    assert_eq!(status.code(), Some(0), "{log}");
    // A loop that does not wait would have written many thousands.
    assert!(log.matches("cannot accept").count() < 1000, "the accept loop spins");
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_would_be_right() {
    let temporary = tempfile::tempdir().unwrap();
    for (arguments, variable, hint) in [
        (vec!["serve", "--listne", "a:1"], None, "--listen"),
        (vec!["sreve"], None, "serve"),
        (vec![], None, "Usage"),
        (vec!["serve", "--listen", "8420"], None, "127.0.0.1:8420"),
        (vec!["serve", "--blobs-url", "s3://b"], None, "S3 comes in a later one"),
        (vec!["serve"], Some(("DOCHARBOR_PUBLC_URL", "http://a")), "DOCHARBOR_PUBLIC_URL"),
        (vec!["verify"], Some(("DOCHARBOR_PUBLC_URL", "http://a")), "DOCHARBOR_PUBLIC_URL"),
        (vec!["token", "create"], None, "--user"),
        (vec!["token", "create", "--user", "a", "--expires", "12"], None, "12h"),
        (vec!["token", "create", "--user", "a", "--scopes", "all"], None, "read, write"),
        (vec!["env", "--shell", "csh"], None, "powershell"),
    ] {
        let mut command = docharbor(temporary.path());
        command.args(&arguments).envs(variable);
        let output = command.output().unwrap();
        let refusal = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {refusal}");
        assert!(refusal.contains(hint), "{arguments:?}: {refusal}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "something was written");
}

#[test]
fn commands_on_data_that_is_not_there_fail_and_name_the_next_step() {
    let temporary = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["env", "nowhere"],
        vec!["verify", "nowhere"],
        vec!["key", "create", "nowhere"],
        vec!["token", "create", "--user", "ann", "nowhere"],
    ] {
        let output = run(temporary.path(), &arguments);
        let refusal = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {refusal}");
        assert!(refusal.contains("docharbor serve DIR"), "{arguments:?}: {refusal}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert!(!temporary.path().join("nowhere").exists());
}

#[test]
fn a_port_in_use_is_refused_and_leaves_no_endpoint() {
    let temporary = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(temporary.path(), &["serve", "data", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&format!("cannot listen on {address}")));
    assert!(!temporary.path().join("data/endpoint").exists());
}

#[test]
fn help_and_version_go_to_stdout() {
    let temporary = tempfile::tempdir().unwrap();
    let help = run(temporary.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for verb in ["serve", "env", "dev", "key", "token", "verify"] {
        assert!(text(&help.stdout).contains(verb), "{verb}");
    }
    let version = run(temporary.path(), &["--version"]);
    assert_eq!(text(&version.stdout), format!("docharbor {}\n", env!("CARGO_PKG_VERSION")));
}
