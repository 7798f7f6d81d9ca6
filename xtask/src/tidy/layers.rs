//! Which crate may depend on which: arrows point down.

use serde_json::Value;

use super::Finding;

/// Below this many crates a reader still knows what each is for.
const CRATES_MAX: usize = 12;

/// What may be below each crate. A crate that is not here is not part of the design yet.
const LAYERS: &[(&str, &[&str])] = &[
    ("docharbor", ANYTHING),
    ("docharbor-testkit", ANYTHING),
    ("docharbor-bench", ANYTHING),
    (
        "docharbor-server",
        &["docharbor-site", "docharbor-domain", "docharbor-wire", "docharbor-sigv4"],
    ),
    (
        "docharbor-site",
        &[
            "docharbor-metadata",
            "docharbor-blobs",
            "docharbor-directory",
            "docharbor-notify",
            "docharbor-search",
            "docharbor-domain",
        ],
    ),
    ("docharbor-notify", &["docharbor-domain"]),
    ("docharbor-directory", &[]),
    ("docharbor-search", &["docharbor-domain"]),
    ("docharbor-metadata", &["docharbor-domain"]),
    ("docharbor-blobs", &["docharbor-domain"]),
    ("docharbor-domain", &[]),
    ("docharbor-wire", &[]),
    ("docharbor-sigv4", &[]),
    ("xtask", &["docharbor-wire"]),
];
const ANYTHING: &[&str] = &["*"];

/// Crates from elsewhere that give a layer away, and who alone may have them.
const FOREIGN: &[(&[&str], &[&str], &str)] = &[
    (
        &["axum", "hyper", "hyper-util", "http", "http-body", "http-body-util", "tower"],
        &[
            "docharbor-server",
            "docharbor-notify",
            "docharbor",
            "docharbor-testkit",
            "docharbor-bench",
        ],
        "only server knows HTTP, and what calls subscribers",
    ),
    (
        &["rusqlite", "tokio-postgres", "deadpool-postgres", "refinery"],
        &["docharbor-metadata", "docharbor-testkit", "docharbor-bench"],
        "only metadata knows a database",
    ),
    (&["ldap3"], &["docharbor-directory", "docharbor-testkit"], "only directory knows LDAP"),
    (
        &["rustls", "rustls-native-certs", "tokio-rustls"],
        &["docharbor-directory", "docharbor-notify", "docharbor-testkit"],
        "only directory and notify call other programs",
    ),
];

/// Crates without I/O, a clock or a runtime, and what would bring one in.
const PURE: [&str; 3] = ["docharbor-domain", "docharbor-wire", "docharbor-sigv4"];
const IMPURE: [&str; 6] = ["tokio", "tokio-util", "futures", "rustix", "getrandom", "tempfile"];

/// Checks the packages of `cargo metadata --no-deps`.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut crates = 0;
    for package in list(metadata, "packages") {
        let name = text(package, "name");
        let path = text(package, "manifest_path");
        if path.contains("/crates/") {
            crates += 1;
        }
        let manifest = path.find("/crates/").map_or("xtask/Cargo.toml", |at| &path[at + 1..]);
        findings.extend(edges(package, name).map(|rule| Finding::new(manifest, 0, rule)));
        let tests = list(package, "targets")
            .filter(|target| list(target, "kind").any(|kind| kind.as_str() == Some("test")));
        if 1 < tests.count() {
            let rule = "one integration test binary per crate: make it a module of tests/it";
            findings.push(Finding::new(manifest, 0, rule));
        }
    }
    if CRATES_MAX < crates {
        let rule = format!("{crates} crates; no more than {CRATES_MAX}: a noun is a module");
        findings.push(Finding::new("Cargo.toml", 0, rule));
    }
    findings
}

/// The rules that the dependencies of one package break.
fn edges<'a>(package: &'a Value, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let allowed = LAYERS.iter().find(|(layer, _)| *layer == name).map(|(_, below)| *below);
    let unknown = allowed.is_none().then(|| format!("{name} has no place among the layers"));
    let below = allowed.unwrap_or(ANYTHING);
    let broken = list(package, "dependencies").filter_map(move |dependency| {
        let on = text(dependency, "name");
        let for_tests = text(dependency, "kind") == "dev";
        if on.starts_with("docharbor") {
            // A crate's tests depend on it once more to switch on what only tests may use.
            let fine = below == ANYTHING
                || below.contains(&on)
                || (for_tests && (on == "docharbor-testkit" || on == name));
            return (!fine).then(|| format!("{name} must not depend on {on}"));
        }
        if for_tests {
            return None;
        }
        if PURE.contains(&name) && IMPURE.contains(&on) {
            return Some(format!("{name} must not depend on {on}: it is pure"));
        }
        FOREIGN
            .iter()
            .find(|(crates, owners, _)| crates.contains(&on) && !owners.contains(&name))
            .map(|(_, _, rule)| format!("{name} must not depend on {on}: {rule}"))
    });
    unknown.into_iter().chain(broken)
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(name: &str, dependencies: &Value) -> Vec<String> {
        let path = format!("/x/crates/{}/Cargo.toml", name.trim_start_matches("docharbor-"));
        let package = json!({"name": name, "manifest_path": path, "dependencies": dependencies});
        check(&json!({"packages": [package]})).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        assert_eq!(
            rules("docharbor-domain", &json!([{"name": "docharbor-site", "kind": null}])),
            ["docharbor-domain must not depend on docharbor-site"]
        );
        assert_eq!(
            rules("docharbor-server", &json!([{"name": "docharbor-metadata", "kind": null}])),
            ["docharbor-server must not depend on docharbor-metadata"]
        );
        assert!(rules("docharbor-site", &json!([{"name": "docharbor-blobs"}])).is_empty());
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let testkit = |kind: Value| json!([{"name": "docharbor-testkit", "kind": kind}]);
        assert!(rules("docharbor-site", &testkit(json!("dev"))).is_empty());
        let itself = json!([{"name": "docharbor-blobs", "kind": "dev"}]);
        assert!(rules("docharbor-blobs", &itself).is_empty());
        assert_eq!(rules("docharbor-site", &testkit(Value::Null)).len(), 1);
    }

    #[test]
    fn foreign_crates_that_give_a_layer_away_are_found() {
        assert_eq!(
            rules("docharbor-site", &json!([{"name": "axum"}, {"name": "rusqlite"}])),
            [
                "docharbor-site must not depend on axum: only server knows HTTP, and what calls \
                 subscribers",
                "docharbor-site must not depend on rusqlite: only metadata knows a database",
            ]
        );
        assert_eq!(
            rules("docharbor-sigv4", &json!([{"name": "tokio"}])),
            ["docharbor-sigv4 must not depend on tokio: it is pure"]
        );
    }

    #[test]
    fn a_crate_outside_the_design_is_found() {
        assert_eq!(
            rules("docharbor-common", &json!([])),
            ["docharbor-common has no place among the layers"]
        );
    }

    #[test]
    fn a_second_test_binary_and_a_thirteenth_crate_are_found() {
        let target = json!({"kind": ["test"]});
        let package = json!({
            "name": "docharbor-site",
            "manifest_path": "/x/crates/site/Cargo.toml",
            "targets": [target, target],
        });
        let packages: Vec<_> = (0..13).map(|_| package.clone()).collect();
        let findings = check(&json!({"packages": packages}));
        assert_eq!(findings.len(), 14);
        assert_eq!(findings.last().unwrap().path, "Cargo.toml");
    }
}
