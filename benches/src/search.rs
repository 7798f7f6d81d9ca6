//! Searching among a million documents for a user who may see a thousand of them, against the bare
//! index of words, which knows nothing of permissions.

use std::time::Instant;

use rusqlite::{Connection as Database, params};

use crate::client::{Connection, block_on};
use crate::report::{Figure, Goal, percentile};
use crate::site::{ORGANIZATION, Site};
use crate::{Outcome, Settings};

/// Documents the user may see.
const VISIBLE: u32 = 1_000;
const TIMES: usize = 20;

/// What is looked for, and the same as the index reads it: from a tenth of all documents down to a
/// thousandth, words together, either of two, a phrase, and the beginning of a word.
const QUERIES: [(&str, &str); 8] = [
    ("tenth", r#""tenth" *"#),
    ("hundredth", r#""hundredth" *"#),
    ("thousandth", r#""thousandth" *"#),
    ("w123", r#""w123" *"#),
    ("tenth hundredth", r#""tenth" AND "hundredth" *"#),
    ("hundredth OR thousandth", r#""hundredth" OR "thousandth" *"#),
    (r#"\"tenth of all\""#, r#""tenth of all""#),
    ("hund", r#""hund" *"#),
];

const BARE: &str = "
    SELECT rowid FROM search_text
     WHERE search_text.organization_id MATCH ?1 AND search_text MATCH ?2 ORDER BY rank LIMIT 101";

/// Documents in two folders, the first ones in the one that is shared, each with a version and bytes
/// that are nowhere.
const FILL: [&str; 5] = [
    "CREATE TEMP TABLE number AS
     WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
     SELECT n, printf('%064x', n) AS id FROM number",
    "INSERT INTO blob (organization_id, id, location, size_bytes, md5, blake3, created_ms)
     SELECT ?1, id, 'local', n, '', '', 1 FROM number",
    "INSERT INTO resource (organization_id, id, kind, parent_id, owner_id, name, name_key,
                           live_name_key, state, latest_version_id, next_ordinal, item_count,
                           created_ms, modified_ms, creator)
     SELECT t.organization_id, number.id, 'DOCUMENT',
            CASE WHEN n <= ?3 THEN t.id ELSE ?2 END, t.owner_id, 'document ' || n,
            'document ' || n, 'document ' || n, 'LIVE', number.id, 1, 0, n, n, t.owner_id
       FROM number CROSS JOIN resource t WHERE t.id = ?1",
    "INSERT INTO version (organization_id, document_id, id, ordinal, status, name, content_type,
                          creator, blob_id, charged_bytes, created_ms, modified_ms)
     SELECT ?1, id, id, 0, 'ACTIVE', 'document ' || n, 'text/plain', 'bench', id, n, n, n
       FROM number",
    "INSERT INTO search_entry (organization_id, kind, resource_id, version_id, comment_id, script,
                               category, name_tokens, content_tokens)
     SELECT ?1, 'VERSION', id, id, '', 'LATIN', 'DOCUMENT', ' document ' || n || ' ',
            CASE WHEN n % 10 = 0 THEN ' tenth of all' ELSE '' END
            || CASE WHEN n % 100 = 0 THEN ' hundredth' ELSE '' END
            || CASE WHEN n % 1000 = 0 THEN ' thousandth' ELSE '' END
            || printf(' w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d w%d ',
                      n * 7919 % 20011, n * 104729 % 20011, n * 1299709 % 20011, n * 31 % 997,
                      n * 37 % 983, n * 41 % 971, n * 43 % 5003, n * 47 % 5009, n * 53 % 5011,
                      n * 59 % 5021, n * 61 % 5023, n * 67 % 5039, n * 71 % 101, n * 73 % 103,
                      n * 79 % 107, n * 83 % 109, n * 89 % 113, n * 97 % 127)
       FROM number",
];

/// Puts the words of every entry that has none into the index.
const FILL_WORDS: &str = "
    INSERT INTO search_text (rowid, organization_id, name, content)
    SELECT e.ordinal, ?1, e.name_tokens, COALESCE(e.content_tokens, '') FROM search_entry e
     WHERE e.ordinal > (SELECT COALESCE(MAX(rowid), 0) FROM search_text)";

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let reader = site.new_user("reader")?;
    let shared = site.new_folder(&root, "shared")?;
    let others = site.new_folder(&root, "others")?;
    site.share(&shared, &reader)?;
    let token = site.token("reader")?;
    let began = Instant::now();
    let site = site.at_rest(|database| {
        database.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -524288;")?;
        let [numbers, blobs, resources, versions, entries] = FILL;
        database.execute(numbers, params![settings.tree_items])?;
        database.execute(blobs, params![ORGANIZATION])?;
        database.execute(resources, params![shared, others, VISIBLE])?;
        database.execute(versions, params![ORGANIZATION])?;
        database.execute(entries, params![ORGANIZATION])?;
        fill_words(database)
    })?;
    eprintln!("bench: {} documents indexed in {:.0?}", settings.tree_items, began.elapsed());
    let database = site.database()?;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=settings.rounds {
        let found = block_on(searches(&site, &token))?;
        let bare = bare(&database).map_err(|error| error.to_string())?;
        for ((query, _), (found, bare)) in QUERIES.iter().zip(found.iter().zip(&bare)) {
            let [found, bare] = [found, bare].map(|times| percentile(times, 95));
            eprintln!("bench: search round {round}: {query}: {found:.2} ms against {bare:.2} ms");
        }
        if round > 0 {
            ours.push(percentile(&found.concat(), 95));
            baseline.push(percentile(&bare.concat(), 95));
        }
    }
    figures.push(Figure {
        name: "a search that sees 1,000 of a million, p95",
        unit: "ms",
        ours: ours.clone(),
        baseline: Vec::new(),
        goal: Goal::Below(50.0),
    });
    let name = "the same against the bare index, p95";
    figures.push(Figure { name, unit: "ms", ours, baseline, goal: Goal::RatioAtMost(3.0) });
    // What is stored is nowhere, so there is nothing to verify.
    site.running.stop()
}

/// Indexes folders that were put beside the server, whose names are words already.
pub(crate) fn index_folders(database: &Database) -> rusqlite::Result<()> {
    database.execute_batch(
        "INSERT INTO search_entry (organization_id, kind, resource_id, version_id, comment_id, script,
                                   category, name_tokens)
         SELECT r.organization_id, 'FOLDER', r.id, '', '', '', '', ' ' || r.name || ' '
           FROM resource r WHERE r.kind = 'FOLDER'
         ON CONFLICT DO NOTHING",
    )?;
    fill_words(database)
}

/// Gives every entry its words.
fn fill_words(database: &Database) -> rusqlite::Result<()> {
    database.execute(FILL_WORDS, params![ORGANIZATION.replace('-', "")])?;
    Ok(())
}

/// How long each query took in milliseconds.
async fn searches(site: &Site, token: &str) -> Outcome<Vec<Vec<f64>>> {
    let mut connection = Connection::open(site.address).await?;
    let host = &site.signer.host;
    let mut all = Vec::with_capacity(QUERIES.len());
    for (query, _) in QUERIES {
        let body = format!(r#"{{"QueryText":"{query}"}}"#);
        let request = format!(
            "POST /api/v1/search HTTP/1.1\r\nhost: {host}\r\nauthentication: {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let began = Instant::now();
            connection.exchange(request.as_bytes()).await?.success()?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        all.push(times);
    }
    Ok(all)
}

/// The same without permissions, in this very process.
fn bare(database: &Database) -> rusqlite::Result<Vec<Vec<f64>>> {
    let mut statement = database.prepare(BARE)?;
    let site = ORGANIZATION.replace('-', "");
    let mut all = Vec::with_capacity(QUERIES.len());
    for (_, query) in QUERIES {
        let query = format!("{{name content}} : ({query})");
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let began = Instant::now();
            let rows = statement.query_map([&site, &query], |row| row.get::<_, i64>(0))?;
            for row in rows {
                row?;
            }
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        all.push(times);
    }
    Ok(all)
}
