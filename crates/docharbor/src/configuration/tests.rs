//! Which source wins, and what is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use clap::Parser as _;

use super::*;
use crate::commands::{Arguments, Command, Verb};

struct Bench {
    temporary: tempfile::TempDir,
    file: Option<String>,
    variables: Vec<(String, String)>,
    flags: Vec<String>,
}

fn bench() -> Bench {
    Bench {
        temporary: tempfile::tempdir().unwrap(),
        file: None,
        variables: Vec::new(),
        flags: Vec::new(),
    }
}

impl Bench {
    fn file(mut self, text: &str) -> Self {
        self.file = Some(text.to_owned());
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn load(&self) -> Result<Configuration, Failure> {
        if let Some(text) = &self.file {
            std::fs::write(self.path("docharbor.toml"), text).unwrap();
            self.set_mode("docharbor.toml", 0o600);
        }
        let variables = self.variables.iter().map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::of(variables)?;
        let words = ["docharbor", "serve"].into_iter().map(str::to_owned);
        let arguments = Arguments::try_parse_from(words.chain(self.flags.clone())).unwrap();
        let Verb::Command(Command::Serve(serve)) = arguments.verb else { panic!("not serve") };
        Configuration::load(self.temporary.path(), serve.flags(), &environment)
    }

    fn set_mode(&self, name: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(name), permissions).unwrap();
    }

    fn refusal(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

#[test]
fn without_settings_the_defaults_of_the_contract_hold() {
    let configuration = bench().load().unwrap();
    assert_eq!(configuration.listen, "127.0.0.1:8420");
    assert_eq!(configuration.public_url, None);
    assert_eq!(configuration.organization_id, None);
    assert!(configuration.database_url.is_none());
    assert_eq!(configuration.upload_expiry.as_secs(), 24 * 3600);
    assert_eq!(configuration.upload_url_lifetime.as_secs(), 900);
    assert_eq!(configuration.download_url_lifetime.as_secs(), 900);
    assert_eq!(configuration.users_default_quota_bytes, 1 << 40);
    assert_eq!(configuration.password_rule, PasswordRule { min_chars: 8, min_classes: 3 });
    assert_eq!(configuration.gc_grace.as_secs(), 24 * 3600);
    assert_eq!(configuration.recycle_bin_retention.as_secs(), 30 * 24 * 3600);
    assert_eq!(configuration.recovery_bin_retention.as_secs(), 60 * 24 * 3600);
    assert_eq!(configuration.activity_retention.as_secs(), 365 * 24 * 3600);
    assert!(configuration.audit.is_on);
    assert_eq!(configuration.audit.retention.as_secs(), 400 * 24 * 3600);
    assert_eq!(configuration.audit.file_max_bytes, 64 << 20);
    assert_eq!(configuration.extraction, Extraction::Sandboxed);
    assert_eq!(configuration.office_program, None);
}

#[test]
fn a_flag_beats_the_environment_and_the_environment_beats_the_file() {
    let sources = ["file", "variable", "flag"];
    for given in 0_u32..8 {
        let has = |at: usize| given & (1 << at) != 0;
        let mut bench = bench();
        if has(0) {
            bench = bench.file("listen = \"file:1\"\n");
        }
        if has(1) {
            bench = bench.variable("DOCHARBOR_LISTEN", "variable:1");
        }
        if has(2) {
            bench = bench.flags(&["--listen", "flag:1"]);
        }
        let winner = (0..3).rev().find(|at| has(*at)).map(|at| format!("{}:1", sources[at]));
        let expected = winner.unwrap_or_else(|| "127.0.0.1:8420".to_owned());
        assert_eq!(bench.load().unwrap().listen, expected, "{given:03b}");
    }
}

#[test]
fn every_setting_is_understood_from_file_environment_and_flag() {
    let settings = [
        ("listen", "127.0.0.1:1"),
        ("public_url", "https://docs.example.com"),
        ("organization_id", "d-0123456789"),
        ("database_url", "postgres://u:p@h/d"),
        ("trusted_proxy", "10.0.0.0/8"),
        ("upload_expiry", "1h"),
        ("upload_url_lifetime", "2m"),
        ("download_url_lifetime", "3m"),
        ("users_default_quota", "10GiB"),
        ("password_min_length", "12"),
        ("password_min_classes", "2"),
        ("gc_grace", "1d"),
        ("recycle_bin_retention", "7d"),
        ("recovery_bin_retention", "0d"),
        ("activity_retention", "14d"),
        ("audit", "off"),
        ("audit_retention", "30d"),
        ("audit_file_size", "1MiB"),
        ("extraction", "without-sandbox"),
        ("office_program", "/usr/bin/soffice"),
        ("log_level", "debug"),
    ];
    let text = |configuration: Configuration| {
        let expose = configuration.database_url.as_ref().map(Secret::expose).map(str::to_owned);
        let mut configuration = configuration;
        configuration.data_directory = PathBuf::new();
        format!("{configuration:?} {expose:?}")
    };
    let mut seen = Vec::new();
    for source in 0..3 {
        let mut bench = bench();
        let mut file = String::new();
        for (name, value) in settings {
            match source {
                0 => file = format!("{file}{name} = \"{value}\"\n"),
                1 => {
                    bench = bench.variable(&format!("DOCHARBOR_{}", name.to_uppercase()), value);
                }
                _ => bench = bench.flags(&[&format!("--{}", name.replace('_', "-")), value]),
            }
        }
        seen.push(text(bench.file(&file).load().unwrap()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[1], seen[2]);
    for part in ["d-0123456789", "docs.example.com", "10737418240", "postgres://u:p@h/d"] {
        assert!(seen[0].contains(part), "{part} in {}", seen[0]);
    }
}

#[test]
fn the_file_is_looked_for_in_the_data_directory_unless_one_is_named() {
    let bench = bench().file("listen = \"usual:1\"\n");
    assert_eq!(bench.load().unwrap().listen, "usual:1");
    let named = bench.path("named.toml");
    std::fs::write(&named, "listen = \"named:1\"\n").unwrap();
    let by_flag = bench.flags(&["--config", &named.display().to_string()]);
    assert_eq!(by_flag.load().unwrap().listen, "named:1");
    let by_variable = super::tests::bench()
        .file("listen = \"usual:1\"\n")
        .variable("DOCHARBOR_CONFIG", &named.display().to_string());
    assert_eq!(by_variable.load().unwrap().listen, "named:1");
    let missing = super::tests::bench().flags(&["--config", "/nowhere/docharbor.toml"]);
    assert!(missing.refusal().contains("/nowhere/docharbor.toml cannot be read"));
}

#[test]
fn an_unknown_name_is_refused_with_the_one_that_was_meant() {
    for (bench, hint) in [
        (bench().file("listne = \"a:1\"\n"), "did you mean listen?"),
        (bench().file("public-url = \"http://a\"\n"), "did you mean public_url?"),
        (bench().file("admin_pasword_file = \"x\"\n"), "did you mean admin_password_file?"),
        (bench().file("[server]\nlisten = \"a:1\"\n"), "remove it; the names known are listen,"),
        (bench().variable("DOCHARBOR_LISTNE", "a:1"), "did you mean DOCHARBOR_LISTEN?"),
        (bench().variable("DOCHARBOR_listen", "a:1"), "did you mean DOCHARBOR_LISTEN?"),
        (bench().variable("DOCHARBOR_LISTEN_FILE", "/x"), "did you mean DOCHARBOR_LISTEN?"),
        (bench().variable("DOCHARBOR_CONFG", "/x"), "did you mean DOCHARBOR_CONFIG?"),
    ] {
        let refusal = bench.refusal();
        assert!(refusal.contains("unknown") && refusal.contains(hint), "{refusal}");
    }
}

#[test]
fn a_variable_of_another_program_or_without_value_is_no_setting() {
    let bench = bench().variable("DOCHARBORLISTEN", "x").variable("DOCHARBOR_LISTEN", "");
    assert_eq!(bench.load().unwrap().listen, "127.0.0.1:8420");
}

#[test]
fn secrets_may_come_from_files_and_not_twice() {
    let bench = bench().variable("DOCHARBOR_ADMIN_USERNAME", "ann");
    let file = bench.path("password");
    std::fs::write(&file, "correct horse\n").unwrap();
    let file = file.display().to_string();
    let bench = bench.variable("DOCHARBOR_ADMIN_PASSWORD_FILE", &file);
    let configuration = bench.load().unwrap();
    assert_eq!(configuration.admin_password.as_ref().map(Secret::expose), Some("correct horse"));
    let twice = bench.variable("DOCHARBOR_ADMIN_PASSWORD", "other");
    assert!(twice.refusal().contains("admin_password is given twice"), "{}", twice.refusal());
    let nowhere = super::tests::bench()
        .file("admin_username = \"ann\"\nadmin_password_file = \"/nowhere/password\"\n");
    assert!(nowhere.refusal().contains("/nowhere/password"), "{}", nowhere.refusal());
}

#[test]
fn a_value_that_cannot_be_used_is_refused_by_its_origin() {
    for (bench, parts) in [
        (bench().flags(&["--listen", "8420"]), ["--listen", "127.0.0.1:8420"]),
        (bench().variable("DOCHARBOR_GC_GRACE", "12"), ["DOCHARBOR_GC_GRACE", "12h"]),
        (bench().file("password_min_length = 33\n"), ["password_min_length in ", "4 to 32"]),
        (bench().file("upload_expiry = 24\n"), ["upload_expiry in ", "12h"]),
        (bench().file("listen = true\n"), ["listen in ", "listen = \"value\""]),
        (bench().file("listen = \n"), ["docharbor.toml cannot be used", "line 1"]),
        (bench().flags(&["--blobs-url", "s3://b/p"]), ["blobs_url", "S3 comes in a later one"]),
        (bench().flags(&["--office-program", "soffice"]), ["--office-program", "/usr/bin/soffice"]),
        (bench().flags(&["--blobs-url", "/srv"]), ["blobs_url", "leave blobs_url out"]),
        (bench().flags(&["--organization-id", "d-1"]), ["--organization-id", "d-9f3a61c04b"]),
        (bench().variable("DOCHARBOR_ADMIN_USERNAME", "ann"), ["admin_username", "admin_password"]),
        (
            bench().variable("DOCHARBOR_ROOT_SECRET_ACCESS_KEY", "s"),
            ["root_secret_access_key", "set root_access_key_id too"],
        ),
    ] {
        let refusal = bench.refusal();
        for part in parts {
            assert!(refusal.contains(part), "{part:?} in {refusal}");
        }
    }
}

#[test]
fn a_secret_shows_in_no_refusal_and_no_debug_output() {
    let canary = "canary-5f2b";
    let refused = [
        bench().flags(&["--database-url", &format!("mysql://u:{canary}@h/d")]),
        bench().file(&format!("admin_password = \"{canary}\n")),
        bench().file(&format!("database_url = \"{canary}\"\n")),
        bench().flags(&["--blobs-url", &format!("s3://{canary}@b/p")]),
        bench().variable("DOCHARBOR_ROOT_SECRET_ACCESS_KEY", canary),
    ];
    for bench in refused {
        let refusal = bench.refusal();
        assert!(!refusal.contains(canary), "{refusal}");
    }
    let taken = bench()
        .variable("DOCHARBOR_ADMIN_USERNAME", "ann")
        .variable("DOCHARBOR_ADMIN_PASSWORD", canary)
        .variable("DOCHARBOR_MASTER_KEY", canary)
        .flags(&["--database-url", &format!("postgres://u:{canary}@h/d")]);
    let shown = format!("{:?}", taken.load().unwrap());
    assert!(!shown.contains(canary), "{shown}");
}

#[test]
fn a_file_with_a_secret_that_every_user_may_read_is_refused_with_the_way_out() {
    let secret = format!("master_key = \"{}\"\n", "ab".repeat(32));
    for (text, mode, is_refused) in [
        (secret.as_str(), 0o644, true),
        (&secret, 0o602, true),
        (&secret, 0o640, false),
        (&secret, 0o600, false),
        ("listen = \"127.0.0.1:1\"\n", 0o644, false),
        ("master_key_file = \"KEY\"\n", 0o644, false),
    ] {
        let bench = bench();
        let key = bench.path("key");
        std::fs::write(&key, "ab".repeat(32)).unwrap();
        let text = text.replace("KEY", &key.display().to_string());
        std::fs::write(bench.path("docharbor.toml"), text).unwrap();
        bench.set_mode("docharbor.toml", mode);
        let refusal = bench.load().err().map(|failure| failure.to_string());
        assert_eq!(refusal.is_some(), is_refused, "{mode:o}: {refusal:?}");
        let says_how = |text: String| text.contains("chmod 600 ") && !text.contains("abab");
        assert!(refusal.is_none_or(says_how));
    }
}
