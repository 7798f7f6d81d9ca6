//! Moving, recycling and restoring a folder with a great deal below it, against one with little.

use std::time::Instant;

use rusqlite::{Connection as Database, params};

use crate::client::{Connection, block_on};
use crate::report::{Figure, Goal, median};
use crate::search::index_folders;
use crate::site::Site;
use crate::{Outcome, Settings};

const SMALL_TREE_ITEMS: u32 = 10;
const TIMES: usize = 100;

/// Folders below a folder, on two levels. The sum of what both hold is what was asked for.
const INSERT: &str = "
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
    INSERT INTO resource (organization_id, id, kind, parent_id, owner_id, name, name_key,
                          live_name_key, state, latest_version_id, next_ordinal, item_count,
                          created_ms, modified_ms, creator)
    SELECT t.organization_id, substr(t.id, 1, 48) || printf('%016x', n), t.kind,
           CASE WHEN n <= ?2 THEN t.id
                ELSE substr(t.id, 1, 48)
                     || printf('%016x', 1 + (n - ?2 - 1) * ?2 / (?1 - ?2)) END,
           t.owner_id, 'item ' || n, 'item ' || n, 'item ' || n, t.state, NULL, t.next_ordinal, 0,
           t.created_ms, t.modified_ms, t.creator
      FROM number CROSS JOIN resource t WHERE t.id = ?3";

const COUNT: &str = "
    UPDATE resource SET item_count = (SELECT COUNT(*) FROM resource c
                                       WHERE c.organization_id = resource.organization_id
                                         AND c.parent_id = resource.id)
     WHERE id = ?1 OR parent_id = ?1";

/// What is done to a folder in turn: to the place that is asked for and back, into the recycle bin
/// and out of it. The place is a level deeper, so that the move has to ask how deep the tree is.
const CHANGES: [&str; 4] = [
    "moving down a folder with a million, p50",
    "moving up a folder with a million, p50",
    "recycling a folder with a million, p50",
    "restoring a folder with a million, p50",
];

pub(crate) fn run(settings: &Settings, figures: &mut Vec<Figure>) -> Outcome<()> {
    let site = Site::start(settings)?;
    let root = site.new_root_folder()?;
    let here = site.new_folder(&root, "here")?;
    let there = site.new_folder(&site.new_folder(&root, "above")?, "there")?;
    let trees = [site.new_folder(&here, "great")?, site.new_folder(&here, "small")?];
    let began = Instant::now();
    let site = site.at_rest(|database| {
        database.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;")?;
        fill(database, &trees[0], settings.tree_items)?;
        fill(database, &trees[1], SMALL_TREE_ITEMS)?;
        index_folders(database)
    })?;
    eprintln!("bench: tree of {} items made in {:.0?}", settings.tree_items, began.elapsed());
    let bodies = [
        format!(r#"{{"ParentFolderId":"{there}"}}"#),
        format!(r#"{{"ParentFolderId":"{here}"}}"#),
        r#"{"ResourceState":"RECYCLED"}"#.to_owned(),
        r#"{"ResourceState":"ACTIVE"}"#.to_owned(),
    ];
    let mut rounds = [(); 4].map(|()| [Vec::new(), Vec::new()]);
    for round in 0..=settings.rounds {
        let times = block_on(changes(&site, &trees, &bodies))?;
        for ((name, times), rounds) in CHANGES.iter().zip(times).zip(&mut rounds) {
            let [great, small] = times.map(|times| median(&times));
            eprintln!("bench: tree round {round}: {name} {great:.0} µs against {small:.0} µs");
            if round > 0 {
                rounds[0].push(great);
                rounds[1].push(small);
            }
        }
    }
    for (name, [ours, baseline]) in CHANGES.into_iter().zip(rounds) {
        figures.push(Figure { name, unit: "µs", ours, baseline, goal: Goal::RatioAtMost(2.0) });
    }
    site.stop_and_verify()
}

/// Puts so many folders below a folder, about as many on the first level as in each of those.
fn fill(database: &Database, top: &str, items: u32) -> rusqlite::Result<()> {
    let branches = items.isqrt();
    database.execute(INSERT, params![items, branches, top])?;
    database.execute(COUNT, params![top])?;
    Ok(())
}

/// How long each change took in microseconds, for both trees in turn.
async fn changes(
    site: &Site,
    trees: &[String; 2],
    bodies: &[String; 4],
) -> Outcome<[[Vec<f64>; 2]; 4]> {
    let mut connection = Connection::open(site.address).await?;
    let mut all = [(); 4].map(|()| [Vec::new(), Vec::new()]);
    for _ in 0..TIMES {
        for (body, times) in bodies.iter().zip(&mut all) {
            for (tree, times) in trees.iter().zip(times) {
                let path = format!("/api/v1/folders/{tree}");
                let request = site.signer.request("PATCH", &path, "", body, None);
                let began = Instant::now();
                connection.exchange(&request).await?.success()?;
                times.push(began.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_the_items_that_were_asked_for_and_counts_them() {
        for items in [4, SMALL_TREE_ITEMS, 1000] {
            let database = Database::open_in_memory().unwrap();
            database.execute_batch(crate::floor::SCHEMA).unwrap();
            let top = "a".repeat(64);
            let insert = "INSERT INTO resource VALUES ('d-1', ?1, 'FOLDER', 'root', 'owner', 'top',
                'top', 'top', 'LIVE', NULL, 0, 0, 1, 1, NULL, NULL, 'owner')";
            database.execute(insert, [&top]).unwrap();
            fill(&database, &top, items).unwrap();
            let count =
                |sql: &str| database.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
            assert_eq!(count("SELECT COUNT(*) FROM resource"), items + 1);
            assert_eq!(count("SELECT SUM(item_count) FROM resource"), items);
            let wrong = "SELECT COUNT(*) FROM resource r WHERE item_count <>
                (SELECT COUNT(*) FROM resource c WHERE c.parent_id = r.id)";
            assert_eq!(count(wrong), 0);
        }
    }
}
