//! Changes to one tree that meet: no cycles, nothing lost, nothing charged twice.

use docharbor_domain::{FolderId, Refusal};
use docharbor_site::{Error, Meaning};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::support::{Actor, Draft, Target, TestSite, new_user, on_both_engines, together, won};

on_both_engines! {
    of_two_folders_moved_into_each_other_one_goes,
    random_changes_leave_a_sound_tree,
    moves_between_a_folder_and_its_parent_never_wait_for_a_change_of_the_folder,
    what_meets_its_folder_on_the_way_to_the_bin_is_there_with_it_or_was_refused,
    a_move_and_a_deletion_leave_nothing_half_done,
    a_restoration_meets_a_deletion_and_the_end_of_its_time,
    a_version_meets_deletion_activation_and_restoration,
    a_document_that_changes_hands_is_charged_once,
    a_rename_and_a_move_both_count,
    parallel_uploads_into_the_last_megabyte_never_exceed_it,
}

type Act = BoxFuture<'static, bool>;

/// Something one actor does, as a task of its own.
macro_rules! act {
    ($test:expr, |$actor:ident $(, $name:ident)*| $act:expr) => {{
        let $actor = $test.actor();
        $(let $name = $name.clone();)*
        let act: Act = async move { won(&$act.await) }.boxed();
        act
    }};
}

async fn of_two_folders_moved_into_each_other_one_goes(test: TestSite) {
    const ROUNDS: usize = 200;
    let root = test.root();
    let a = test.folder_in(&root, "a").await.unwrap().id;
    let b = test.folder_in(&root, "b").await.unwrap().id;
    for round in 0..ROUNDS {
        let moves = [(a.clone(), b.clone()), (b.clone(), a.clone())].map(|(folder, into)| {
            let actor = test.actor();
            async move { actor.move_to(&folder, &into).await }.boxed()
        });
        let results = together(moves.into()).await;
        let went: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_ne!(went[0], went[1], "round {round}: {results:?}");
        for refused in results.iter().filter_map(|result| result.as_ref().err()) {
            let told = matches!(
                refused,
                Error::Refused(Refusal::Conflicting(_) | Refusal::ConcurrentModification(_))
            ) || matches!(refused.meaning(), Meaning::Busy);
            assert!(told, "round {round}: {refused:?}");
        }
        test.move_to(if went[0] { &a } else { &b }, &root).await.unwrap();
    }
    test.assert_settles().await;
}

/// Chance that is told by a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

async fn random_changes_leave_a_sound_tree(test: TestSite) {
    const TASKS: u64 = 6;
    const STEPS: usize = 40;
    let root = test.root();
    let mut folders = vec![root.clone()];
    let mut items: Vec<Target> = Vec::new();
    for number in 0..8 {
        let parent = folders[number / 2].clone();
        let folder = test.folder_in(&parent, &format!("f{number}")).await.unwrap().id;
        let document = test.upload(&folder, "document", b"12345").await.unwrap().document;
        items.push((&folder).into());
        items.push((&document).into());
        folders.push(folder);
    }
    let count = i64::try_from(items.len()).unwrap();
    let walk = |seed: u64| -> BoxFuture<'static, usize> {
        let (actor, folders, items) = (test.actor(), folders.clone(), items.clone());
        async move {
            let mut chance = Chance((seed + 1) * 0x1234_5678_9ABC_DEF1);
            let mut changed = 0;
            for step in 0..STEPS {
                let item = &items[chance.below(items.len())];
                let folder = &folders[chance.below(folders.len())];
                let done = match chance.below(8) {
                    0..=3 => actor.move_to(item, folder).await,
                    4 => actor.rename(item, &format!("{seed}-{step}")).await,
                    5 => actor.recycle(item).await,
                    6 => actor.restore(item, None).await,
                    _ => actor.restore(item, Some(folder)).await,
                };
                changed += usize::from(won(&done));
            }
            changed
        }
        .boxed()
    };
    let changed = together((0..TASKS).map(walk).collect()).await;
    assert!(changed.iter().all(|changed| *changed > 0), "{changed:?}");
    test.assert_sound().await;
    assert_eq!(test.number("SELECT COUNT(*) FROM resource").await, count + 2);
    for item in &items {
        test.restore(item, None).await.ok();
    }
    test.assert_settles().await;
    assert_eq!(test.used_bytes().await, 40);
}

/// Ten pairs, because the two folders' ids are of either order.
async fn moves_between_a_folder_and_its_parent_never_wait_for_a_change_of_the_folder(
    test: TestSite,
) {
    for pair in 0..10 {
        let upper = test.folder_in(&test.root(), &format!("upper {pair}")).await.unwrap().id;
        let lower = test.folder_in(&upper, "lower").await.unwrap().id;
        let mut tasks: Vec<BoxFuture<'static, ()>> = Vec::new();
        for number in 0..3 {
            let name = format!("document {number}");
            let document = test.upload(&lower, &name, b"1").await.unwrap().document;
            let (actor, upper, below) = (test.actor(), upper.clone(), lower.clone());
            let moves = async move {
                for to in [&upper, &below].repeat(10) {
                    actor.move_to(&document, to).await.unwrap();
                }
            };
            let (actor, folder) = (test.actor(), lower.clone());
            let renames = async move {
                for round in 0..20 {
                    actor.rename(&folder, &format!("{number} {round}")).await.unwrap();
                }
            };
            tasks.push(moves.boxed());
            tasks.push(renames.boxed());
        }
        together(tasks).await;
    }
    test.assert_sound().await;
}

async fn what_meets_its_folder_on_the_way_to_the_bin_is_there_with_it_or_was_refused(
    test: TestSite,
) {
    for round in 0..12 {
        let top = test.folder_in(&test.root(), &format!("{round}")).await.unwrap().id;
        let folder = test.folder_in(&top, "folder").await.unwrap().id;
        let is_deleted = round % 2 == 0;
        let upload = |number: usize| -> BoxFuture<'static, Option<Draft>> {
            let (actor, folder) = (test.actor(), folder.clone());
            async move {
                let uploaded = actor.upload(&folder, &format!("{number}"), b"12345").await;
                won(&uploaded).then(|| uploaded.unwrap())
            }
            .boxed()
        };
        let mut acts: Vec<_> = (0..4).map(upload).collect();
        let (actor, above) = (test.actor(), top.clone());
        acts.push(
            async move {
                let gone = if is_deleted {
                    actor.delete_folder(&above).await
                } else {
                    actor.recycle(&above).await
                };
                gone.unwrap();
                None
            }
            .boxed(),
        );
        let uploaded: Vec<Draft> = together(acts).await.into_iter().flatten().collect();
        for draft in &uploaded {
            assert_eq!(won(&test.download(draft).await), !is_deleted, "an acked upload is lost");
        }
        assert!(!won(&test.folder_in(&folder, "late").await));
        if !is_deleted {
            test.restore(&top, None).await.unwrap();
            for draft in &uploaded {
                let found = test.site.document(&test.call, draft.document.clone()).await.unwrap();
                assert!(!found.is_recycled);
            }
            test.delete_folder(&top).await.unwrap();
        }
    }
    test.assert_settles().await;
    assert_eq!((test.used_bytes().await, test.files().await), (0, 0));
}

async fn a_move_and_a_deletion_leave_nothing_half_done(test: TestSite) {
    for round in 0..20 {
        let top = test.folder_in(&test.root(), &format!("{round}")).await.unwrap().id;
        let deep = test.folder_in(&top, "deep").await.unwrap().id;
        let safe = test.folder_in(&test.root(), &format!("safe {round}")).await.unwrap().id;
        let folder = test.folder_in(&deep, "folder").await.unwrap().id;
        let inside = test.upload(&folder, "inside", b"12345").await.unwrap();
        let document = test.upload(&deep, "document", b"12345").await.unwrap();
        let id = document.document.clone();
        let entering = test.upload(&safe, "entering", b"12345").await.unwrap();
        let enters = entering.document.clone();
        let site = test.site.clone();
        let acts = vec![
            act!(test, |actor, folder, safe| actor.move_to(&folder, &safe)),
            act!(test, |actor, id, safe| actor.move_to(&id, &safe)),
            act!(test, |actor, enters, deep| actor.move_to(&enters, &deep)),
            act!(test, |actor, top| actor.delete_folder(&top)),
            async move { site.run_jobs_once().await.is_ok() }.boxed(),
        ];
        let results = together(acts).await;
        assert!(results[3] || won(&test.delete_folder(&top).await), "the deletion was refused");
        test.site.run_jobs_once().await.unwrap();
        test.assert_sound().await;
        // What was moved out for good answers stays; what was refused went with the folder.
        for (draft, moved) in [(&inside, results[0]), (&document, results[1])] {
            assert_eq!(won(&test.download(draft).await), moved, "{results:?}");
        }
        assert_eq!(won(&test.download(&entering).await), !results[2], "{results:?}");
    }
    test.assert_settles().await;
}

async fn a_restoration_meets_a_deletion_and_the_end_of_its_time(test: TestSite) {
    let settings = test.site.settings().clone();
    for round in 0..12 {
        let folder = test.folder_in(&test.root(), &format!("{round}")).await.unwrap().id;
        let document = test.upload(&folder, "document", b"12345").await.unwrap();
        test.recycle(&folder).await.unwrap();
        let mut acts = vec![act!(test, |actor, folder| actor.restore(&folder, None))];
        if round % 2 == 0 {
            acts.push(act!(test, |actor, folder| actor.delete_folder(&folder)));
        } else {
            test.advance(settings.recycle_bin_retention_ms + settings.recovery_bin_retention_ms);
        }
        let site = test.site.clone();
        acts.push(async move { site.run_jobs_once().await.is_ok() }.boxed());
        let results = together(acts).await;
        test.site.run_jobs_once().await.unwrap();
        test.assert_sound().await;
        let is_there = won(&test.download(&document).await);
        if round % 2 == 0 {
            assert!(results[0] || results[1]);
            assert_eq!(is_there, !results[1], "{results:?}");
        } else {
            assert_eq!(is_there, results[0], "{results:?}");
        }
        assert!(results.last().is_some_and(|jobs| *jobs));
    }
    test.assert_settles().await;
}

async fn a_version_meets_deletion_activation_and_restoration(test: TestSite) {
    let first = test.upload(&test.root(), "document", b"first").await.unwrap();
    let id = first.document.clone();
    for _ in 0..15 {
        let second = test.upload_version(&id, b"second").await.unwrap();
        let third = test.begin_version(&id, Some(5)).await.unwrap();
        test.put(&third, "third").await.unwrap();
        let acts = vec![
            act!(test, |actor, second| actor.delete_version(&second, true)),
            act!(test, |actor, third| actor.activate(&third)),
            act!(test, |actor, id| actor.restore_versions(&id)),
            act!(test, |actor, second| actor.delete_version(&second, false)),
        ];
        let results = together(acts).await;
        assert!(results[1], "the activation was refused");
        test.assert_sound().await;
        let found = test.site.document(&test.call, id.clone()).await.unwrap();
        assert_eq!(found.latest.id, third.version);
        test.restore_versions(&id).await.ok();
        assert_eq!(test.download(&first).await.unwrap(), b"first");
        assert_eq!(test.download(&second).await.unwrap(), b"second");
    }
    assert_eq!(test.used_bytes().await, 5 + 15 * 11);
    test.assert_settles().await;
}

async fn a_document_that_changes_hands_is_charged_once(test: TestSite) {
    let bob = test.site.create_user(&test.call, new_user("bob")).await.unwrap();
    let homes = [test.root(), bob.root_folder.clone()];
    let first = test.upload(&homes[0], "document", b"12345").await.unwrap();
    let id = first.document.clone();
    for round in 0..20 {
        let to = homes[(round + 1) % 2].clone();
        let drafts = if round % 4 < 2 {
            vec![test.begin_version(&id, Some(7)).await.unwrap()]
        } else {
            Vec::new()
        };
        let mut acts = vec![
            act!(test, |actor, id, to| actor.move_to(&id, &to)),
            act!(test, |actor, id| begin_and_abort(actor, id)),
        ];
        for draft in &drafts {
            acts.push(act!(test, |actor, draft| actor.put(&draft, "7 bytes")));
            acts.push(act!(test, |actor, draft| actor.abort(&draft)));
        }
        acts.push(act!(test, |actor, id| actor.upload_version(&id, b"123")));
        together(acts).await;
        test.assert_sound().await;
        for draft in &drafts {
            test.abort(draft).await.ok();
        }
        test.assert_sound().await;
        // Wherever it went: the next round begins at home.
        let open = test.site.versions(&test.call, id.clone(), true, None, 100).await.unwrap();
        for version in open.versions.into_iter().filter(|version| !version.is_active()) {
            let draft = Draft { document: id.clone(), version: version.id };
            test.abort(&draft).await.unwrap();
        }
        if round % 2 == 1 {
            test.move_to(&id, &homes[0]).await.unwrap();
        }
    }
    test.assert_settles().await;
}

async fn begin_and_abort(actor: Actor, id: docharbor_domain::DocumentId) -> Result<(), Error> {
    let draft = actor.begin_version(&id, Some(11)).await?;
    actor.abort(&draft).await
}

async fn a_rename_and_a_move_both_count(test: TestSite) {
    let home = test.folder_in(&test.root(), "home").await.unwrap().id;
    let away = test.folder_in(&test.root(), "away").await.unwrap().id;
    let document = test.upload(&home, "old", b"12345").await.unwrap().document;
    let folder = test.folder_in(&home, "folder").await.unwrap().id;
    for round in 0..30 {
        for target in [Target::from(&document), (&folder).into()] {
            let to: FolderId = if round % 2 == 0 { away.clone() } else { home.clone() };
            let name = format!("{round} of {:?}", target.kind);
            let acts = vec![
                act!(test, |actor, target, name| actor.rename(&target, &name)),
                act!(test, |actor, target, to| actor.move_to(&target, &to)),
            ];
            let results = together(acts).await;
            if !results[0] {
                test.rename(&target, &name).await.unwrap();
            }
            if !results[1] {
                test.move_to(&target, &to).await.unwrap();
            }
            test.assert_sound().await;
            let named = format!(
                "SELECT COUNT(*) FROM resource WHERE id = '{}' AND name = '{name}'
                    AND parent_id = '{to}'",
                target.id
            );
            assert_eq!(test.number(&named).await, 1, "round {round}: {results:?}");
        }
    }
    test.assert_settles().await;
}

async fn parallel_uploads_into_the_last_megabyte_never_exceed_it(test: TestSite) {
    const ROOM: i64 = 1 << 20;
    static EACH: [u8; 150_000] = [7; 150_000];
    let root = test.root();
    test.upload(&root, "kept", b"12345").await.unwrap();
    test.allow_bytes(&test.ann.id, 5 + ROOM).await;
    for declared in [Some(150_000), None] {
        let upload = |number: usize| -> BoxFuture<'static, Result<Draft, Error>> {
            let (actor, root) = (test.actor(), root.clone());
            async move {
                let draft = actor.begin(&root, &format!("{number}"), declared).await?;
                actor.put(&draft, EACH.as_slice()).await?;
                actor.activate(&draft).await?;
                Ok(draft)
            }
            .boxed()
        };
        let results = together((0..16).map(upload).collect()).await;
        let mut stored = Vec::new();
        for result in results {
            match result {
                Ok(draft) => stored.push(draft),
                Err(Error::Refused(Refusal::StorageExceeded | Refusal::StorageWillExceed)) => {}
                Err(error) => panic!("{}", docharbor_site::chain(&error)),
            }
        }
        assert_eq!(stored.len(), 6, "six of them fit into a megabyte");
        assert_eq!(test.used_bytes().await, 5 + 6 * 150_000);
        // Too much is told from nothing at all.
        let over = test.begin(&root, "over", Some(ROOM)).await;
        crate::support::assert_refused!(over, Refusal::StorageWillExceed);
        let rest = vec![0_u8; usize::try_from(ROOM - 6 * 150_000).unwrap()];
        let filling = test.begin(&root, "filling", i64::try_from(rest.len()).ok()).await.unwrap();
        test.put(&filling, rest).await.unwrap();
        test.activate(&filling).await.unwrap();
        for declared in [Some(1), None] {
            let over = test.begin(&root, "over", declared).await;
            crate::support::assert_refused!(over, Refusal::StorageExceeded);
        }
        assert_eq!(test.used_bytes().await, 5 + ROOM);
        for draft in stored.iter().chain([&filling]) {
            test.delete_document(&draft.document).await.unwrap();
        }
        // What was refused half way waits for its end.
        let left = test.number("SELECT COUNT(*) FROM version WHERE status = 'INITIALIZED'").await;
        test.advance(test.site.settings().upload_expiry_ms);
        let done = test.site.run_jobs_once().await.unwrap();
        assert_eq!(i64::try_from(done.uploads_expired), Ok(left));
        assert_eq!(test.used_bytes().await, 5);
    }
    test.assert_settles().await;
}
