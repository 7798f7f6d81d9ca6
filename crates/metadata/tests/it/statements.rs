//! No statement without the organization it is about.

use regex::Regex;

use crate::source::{statements, statements_of};

/// Beginnings of statements that name no organization, each with its reason.
const EXEMPT: &[(&str, &str)] = &[
    ("SELECT 1 FROM sqlite_schema", "asks for the schema"),
    ("SELECT 1 FROM pg_catalog.pg_tables", "asks for the schema"),
    ("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT)", "asks for the schema's version"),
    ("SELECT id, account_id, alias, ordinal,", "finds the sites of this server"),
    ("SELECT id FROM organization WHERE id =", "holds a site's own row, named by its id"),
    ("SELECT o.account_id FROM organization o", "reads a site's own row, named by its id"),
    ("INSERT INTO organization (id,", "makes a site, whose row names it by its id"),
    ("UPDATE organization SET alias =", "changes a site's own row, named by its id"),
    ("DELETE FROM search_text WHERE rowid IN", "takes rows of entries that are named so"),
    ("DELETE FROM search_text WHERE rowid = $1 AND NOT EXISTS", "takes words of no site's entries"),
    ("SELECT COUNT(*) FROM refinery_schema_history", "asks whether the database answers"),
];

/// How many statements there are at least: a search that finds none would prove nothing.
const STATEMENTS_MIN: usize = 30;

#[test]
fn every_statement_names_its_organization() {
    let statements = statements();
    assert!(STATEMENTS_MIN <= statements.len(), "only {} statements found", statements.len());
    let offenders: Vec<_> =
        statements.iter().filter(|text| !is_exempt(text)).filter_map(offence).collect();
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn every_exemption_is_needed() {
    let statements = statements();
    for (beginning, reason) in EXEMPT {
        let exempted = |text: &&String| text.starts_with(beginning) && offence(text).is_some();
        assert!(statements.iter().any(|text| exempted(&text)), "no longer needed: {reason}");
    }
}

#[test]
fn a_statement_is_found_however_it_is_written() {
    let source = r#"
        //! A "SELECT comment FROM nowhere".
        macro_rules! columns { () => { "id, name" }; }
        macro_rules! page { ($column:literal) => { concat!("SELECT ", columns!(), " FROM folder") }; }
        const ONE: &str = "
            SELECT id FROM folder WHERE organization_id = $1";
        const TWO: [&str; 2] = [concat!("SELECT ", columns!(), " FROM a"), "DELETE FROM b"];
        const THREE: &str = page!(" ORDER BY name");
        fn not_sql() { let quote = '"'; println!("SELECT"); }
    "#;
    assert_eq!(
        statements_of(&[source.to_owned()]),
        [
            "SELECT id FROM folder WHERE organization_id = $1",
            "SELECT id, name FROM a",
            "DELETE FROM b",
            "SELECT id, name FROM folder ORDER BY name",
        ]
    );
}

#[test]
fn a_join_that_forgets_the_organization_is_an_offence() {
    for good in [
        "SELECT id FROM a WHERE organization_id = $1",
        "SELECT 1 FROM a JOIN b ON b.organization_id = a.organization_id AND b.id = a.id",
        "WITH RECURSIVE up(id) AS (SELECT id FROM a WHERE organization_id = $1 UNION ALL SELECT \
         a.id FROM up JOIN a ON a.organization_id = $1 AND a.id = up.id) SELECT id FROM up",
        "SELECT o.id FROM organization o JOIN a ON a.organization_id = o.id WHERE a.id = $1",
        "SELECT pg_advisory_lock(1)",
        "DELETE FROM a WHERE organization_id = $1 AND id IN (SELECT j.value FROM json_each($2) j)",
    ] {
        assert_eq!(offence(good), None);
    }
    for bad in [
        "SELECT id FROM a WHERE id = $1",
        "SELECT id, account_id FROM organization ORDER BY id",
        "SELECT 1 FROM a JOIN b ON b.id = a.id WHERE a.organization_id = $1",
        "DELETE FROM a WHERE id IN (SELECT id FROM b WHERE organization_id = $1)",
    ] {
        assert!(offence(bad).is_some(), "{bad}");
    }
}

fn is_exempt(text: &str) -> bool {
    EXEMPT.iter().any(|(beginning, _)| text.starts_with(beginning))
}

/// Says which tables a statement reads or changes, if it names fewer organizations than tables.
fn offence(text: impl AsRef<str>) -> Option<String> {
    let text = text.as_ref();
    // What a function makes of an argument is no table.
    let table = Regex::new(r"\b(DISTINCT )?(?:FROM|JOIN|INTO|UPDATE) ([a-z_]+)(\()?").unwrap();
    let tables: Vec<&str> = table
        .captures_iter(text)
        .filter(|found| found.get(1).is_none() && found.get(3).is_none())
        .map(|found| found.get(2).unwrap().as_str())
        .filter(|table| !defines(text, table))
        .collect();
    // An organization's own row is named by its id.
    let others = tables.iter().filter(|table| **table != "organization").count();
    let named = text.matches("organization_id").count();
    (named < others || (named == 0 && !tables.is_empty()))
        .then(|| format!("{named} for {tables:?}: {text}"))
}

/// Whether a statement makes the table itself, for as long as it runs.
fn defines(text: &str, table: &str) -> bool {
    let definition = format!(r"\b{table}(?: ?\([^)]*\))? AS (?:(?:NOT )?MATERIALIZED )?\(");
    Regex::new(&definition).unwrap().is_match(text)
}
