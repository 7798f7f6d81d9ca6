//! The plans of the statements that are run while somebody waits: by key, whatever the site holds.

use rusqlite::Connection;

use crate::driver::with_functions;
use crate::{
    Metadata, Options, activities, deleted_versions, deliveries, extraction, items, notifications,
    oauth, permissions, placement, removal, search, search_index, search_upkeep, shared, tree,
    versions,
};

/// What a statement makes itself and may read whole: walks, pages and one-row results.
const OWN: &[&str] = &[
    "j", "up", "walked", "mine", "given", "page", "every", "down", "seen", "scanned", "judged",
    "line", "CONSTANT", "found", "held", "hits", "k", "looked", "roles", "scored", "shown", "few",
];

const SETS: &[(&str, &[&str])] = &[
    ("activities", activities::PLANNED),
    ("deleted_versions", deleted_versions::PLANNED),
    ("deliveries", deliveries::PLANNED),
    ("extraction", extraction::PLANNED),
    ("items", items::PLANNED),
    ("notifications", notifications::PLANNED),
    ("oauth", oauth::PLANNED),
    ("permissions", permissions::PLANNED),
    ("placement", placement::PLANNED),
    ("removal", removal::PLANNED),
    ("search", search::PLANNED),
    ("search_index", search_index::PLANNED),
    ("search_upkeep", search_upkeep::PLANNED),
    ("shared", shared::PLANNED),
    ("tree", tree::PLANNED),
    ("versions", versions::PLANNED),
];

#[tokio::test]
async fn no_statement_reads_a_whole_table_or_a_whole_site() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("meta.db");
    Metadata::open_sqlite(&path, Options::default()).unwrap().close().await.unwrap();
    let connection = Connection::open(&path).unwrap();
    with_functions(&connection).unwrap();
    let mut offences = Vec::new();
    for (module, statements) in SETS {
        for sql in *statements {
            let steps = steps(&connection, sql);
            assert!(!steps.is_empty(), "no plan for {sql}");
            let bad = steps.into_iter().filter(|step| is_offence(step));
            offences.extend(bad.map(|step| format!("{module}: {step}: {sql}")));
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn a_scan_and_a_search_by_the_organization_alone_are_offences() {
    for bad in [
        "SCAN r",
        "SCAN resource USING COVERING INDEX resource_by_name",
        "SEARCH r USING PRIMARY KEY (organization_id=?)",
        "SEARCH version USING INDEX version_ordinal (organization_id=?)",
        "SCAN search_text VIRTUAL TABLE INDEX 0:",
    ] {
        assert!(is_offence(bad), "{bad}");
    }
    for good in [
        "SCAN up",
        "SEARCH r USING PRIMARY KEY (organization_id=? AND id=?)",
        "SEARCH resource USING INDEX resource_recycled (organization_id=? AND state=?)",
        "USE TEMP B-TREE FOR ORDER BY",
        "SCAN search_text VIRTUAL TABLE INDEX 0:M2M3",
        "SCAN search_text VIRTUAL TABLE INDEX 0:=",
    ] {
        assert!(!is_offence(good), "{good}");
    }
}

fn steps(connection: &Connection, sql: &str) -> Vec<String> {
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let nothing = vec![rusqlite::types::Null; plan.parameter_count()];
    let rows = plan.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn is_offence(step: &str) -> bool {
    let mut words = step.split(' ');
    let is_scan = words.next() == Some("SCAN");
    let scanned = words.next().unwrap_or_default();
    // The index of words is always scanned; what stands behind the colon narrows it down.
    let is_looked_up = step.contains(" VIRTUAL TABLE INDEX ") && !step.ends_with(':');
    let is_own = OWN.contains(&scanned) || scanned.starts_with("(subquery");
    (is_scan && !is_own && !is_looked_up) || step.ends_with("(organization_id=?)")
}
