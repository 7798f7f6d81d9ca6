//! What happened, as those it concerns read it.

use docharbor_domain::{
    CommentText, Contributor, NewComment, Principal, Refusal, ResourceId, Role, Share, ShareWith,
    Timestamp, User, UserType, Visibility,
};
use docharbor_site::{Activities, ActivitiesQuery, ListedActivity, Participant, Revoked};

use crate::support::{
    Actor, Draft, Target, TestSite, assert_refused, is_hidden, new_user, on_both_engines,
};

on_both_engines! {
    every_change_leaves_its_activity,
    an_activity_tells_what_was_before,
    sharing_tells_with_whom,
    a_change_that_fails_leaves_no_activity,
    emptying_a_folder_tells_of_each_item_in_it,
    users_read_what_concerns_them,
    what_a_private_comment_is_about_is_for_its_readers,
    what_happens_to_a_folder_above_is_shown_where_it_is_asked_for,
    filters_and_pages_give_each_activity_once,
    a_page_goes_on_behind_what_is_not_for_the_reader,
    activities_are_forgotten_after_their_time,
}

fn everything() -> ActivitiesQuery {
    ActivitiesQuery {
        resource: None,
        initiator: None,
        with_indirect: false,
        start: None,
        end: None,
        types: None,
        after: None,
        limit: 100,
    }
}

fn about(id: &str) -> ActivitiesQuery {
    ActivitiesQuery { resource: Some(ResourceId::new(id)), ..everything() }
}

async fn read(actor: &Actor, query: ActivitiesQuery) -> Activities {
    actor.site.activities(&actor.call, query).await.unwrap()
}

/// The words of a feed, oldest first.
async fn words(actor: &Actor, query: ActivitiesQuery) -> Vec<String> {
    read(actor, query).await.shown.into_iter().rev().map(|shown| shown.word).collect()
}

/// The newest activity there is.
async fn newest(test: &TestSite) -> ListedActivity {
    test.advance(1);
    read(test, everything()).await.shown.into_iter().next().unwrap()
}

async fn user(test: &TestSite, name: &str) -> User {
    test.site.create_user(&test.call, new_user(name)).await.unwrap()
}

async fn share(actor: &Actor, id: &str, with: ShareWith, role: Role) {
    let id = ResourceId::new(id);
    let shared = actor.site.share(&actor.call, id, vec![Share { with, role }]).await.unwrap();
    assert_eq!(shared[0].failure, None);
}

async fn comment(
    actor: &Actor,
    draft: &Draft,
    visibility: Visibility,
) -> docharbor_domain::Comment {
    let comment = NewComment {
        text: CommentText::new("secret words"),
        visibility: Some(visibility),
        parent: None,
        thread: None,
    };
    let (document, version) = (draft.document.clone(), draft.version.clone());
    actor.site.create_comment(&actor.call, document, version, comment).await.unwrap().comment
}

/// The words for what `every_change_leaves_its_activity` does, in its order.
fn words_of_every_change() -> Vec<String> {
    let shared = |kind: &str| {
        ["SHARED", "SHARE_PERMISSION_CHANGED", "SHAREABLE_LINK_CREATED"]
            .into_iter()
            .chain(["SHAREABLE_LINK_PERMISSION_CHANGED", "UNSHARED", "SHAREABLE_LINK_REMOVED"])
            .map(|deed| format!("{kind}_{deed}"))
            .collect::<Vec<_>>()
    };
    [
        "FOLDER_CREATED",
        "FOLDER_CREATED",
        "DOCUMENT_VERSION_UPLOADED",
        "FOLDER_RENAMED",
        "FOLDER_MOVED",
        "FOLDER_RECYCLED",
        "FOLDER_RESTORED",
        "DOCUMENT_RENAMED",
        "DOCUMENT_MOVED",
        "DOCUMENT_RECYCLED",
        "DOCUMENT_RESTORED",
        "DOCUMENT_VERSION_UPLOADED",
        "DOCUMENT_VERSION_DELETED",
        "DOCUMENT_RESTORED",
        "DOCUMENT_VERSION_DOWNLOADED",
        "DOCUMENT_COMMENT_ADDED",
        "DOCUMENT_COMMENT_DELETED",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(shared("FOLDER"))
    .chain(shared("DOCUMENT"))
    .chain(["DOCUMENT_VERSION_DELETED", "FOLDER_DELETED", "FOLDER_DELETED"].map(str::to_owned))
    .collect()
}

async fn every_change_leaves_its_activity(test: TestSite) {
    let root = test.root();
    let bob = user(&test, "bob").await;
    let other = test.folder_in(&root, "other").await.unwrap().id;
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    // Each change is a moment of its own, so that the order is that of the changes.
    macro_rules! then {
        ($change:expr) => {{
            test.advance(1);
            $change
        }};
    }
    let draft = then!(test.upload(&folder, "document", b"1").await.unwrap());
    let (id, document) = (Target::from(&folder), Target::from(&draft.document));
    then!(test.rename(&id, "renamed").await.unwrap());
    then!(test.move_to(&id, &other).await.unwrap());
    then!(test.recycle(&id).await.unwrap());
    then!(test.restore(&id, None).await.unwrap());
    then!(test.rename(&document, "retitled").await.unwrap());
    then!(test.move_to(&document, &other).await.unwrap());
    then!(test.recycle(&document).await.unwrap());
    then!(test.restore(&document, None).await.unwrap());
    let second = then!(test.upload_version(&draft.document, b"2").await.unwrap());
    then!(test.delete_version(&draft, false).await.unwrap());
    then!(test.restore_versions(&draft.document).await.unwrap());
    let view = test.site.version(&test.call, draft.document.clone(), second.version.clone()).await;
    then!(test.site.note_download(&test.call, &view.unwrap()).await);
    let written = then!(comment(&test, &second, Visibility::Public).await);
    let (of, version) = (second.document.clone(), second.version.clone());
    then!(test.site.delete_comment(&test.call, of, version, written.id).await.unwrap());
    for target in [&id, &document] {
        let everybody = ShareWith::Organization(test.call.organization().clone());
        let item = target.id.as_str();
        then!(share(&test, item, ShareWith::User(bob.id.clone()), Role::Viewer).await);
        then!(share(&test, item, ShareWith::User(bob.id.clone()), Role::Contributor).await);
        then!(share(&test, item, everybody.clone(), Role::Viewer).await);
        then!(share(&test, item, everybody, Role::Contributor).await);
        let bob = Revoked::Principal(Principal::User(bob.id.clone()));
        then!(test.site.revoke(&test.call, target.id.clone(), bob).await.unwrap());
        then!(test.site.revoke_all(&test.call, target.id.clone()).await.unwrap());
    }
    then!(test.delete_document(&draft.document).await.unwrap());
    then!(test.delete_folder(&folder).await.unwrap());
    then!(test.site.delete_user(&test.call, bob.id.clone()).await.unwrap());
    let gone = newest(&test).await;
    assert_eq!(gone.subject.id.as_str(), bob.root_folder.as_str());
    assert_eq!((&gone.subject.owner, gone.owner), (&bob.id, None));
    let expected = words_of_every_change();
    assert_eq!(words(&test, everything()).await, expected);
    test.assert_sound().await;
}

async fn an_activity_tells_what_was_before(test: TestSite) {
    let (from, to) = (
        test.folder_in(&test.root(), "from").await.unwrap().id,
        test.folder_in(&test.root(), "to").await.unwrap().id,
    );
    test.advance(1);
    let draft = test.upload(&from, "before", b"1").await.unwrap();
    let uploaded = newest(&test).await;
    assert_eq!(uploaded.subject.version.as_ref(), Some(&draft.version));
    assert_eq!(uploaded.subject.owner, test.ann.id);
    assert_eq!(uploaded.owner.unwrap().username, "ann");
    assert!(matches!(uploaded.initiator, Contributor::Administrator(_)));
    // One update that renames and moves leaves both.
    let target = Target::from(&draft.document);
    test.as_user(&test.ann).update(target, Some("after"), Some(&to), None).await.unwrap();
    let found = read(&test, about(draft.document.as_str())).await.shown;
    let renamed = found.iter().find(|one| one.word == "DOCUMENT_RENAMED").unwrap();
    assert_eq!(renamed.original_name.as_ref().unwrap().as_str(), "before");
    assert_eq!(renamed.subject.name.as_str(), "after");
    let moved = found.iter().find(|one| one.word == "DOCUMENT_MOVED").unwrap();
    assert_eq!(
        (moved.original_parent.as_ref(), moved.subject.parent.as_ref()),
        (Some(&from), Some(&to))
    );
    assert!(matches!(&moved.initiator, Contributor::User(id, Some(_)) if *id == test.ann.id));
}

async fn sharing_tells_with_whom(test: TestSite) {
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let bob = user(&test, "bob").await;
    let group = test.site.create_group(test.call.organization(), "editors").await.unwrap();
    let both = [ShareWith::User(bob.id.clone()), ShareWith::Group(group.clone())]
        .map(|with| Share { with, role: Role::Viewer });
    test.advance(1);
    let id = ResourceId::from(folder.clone());
    test.site.share(&test.call, id.clone(), both.to_vec()).await.unwrap();
    let shared = newest(&test).await;
    assert_eq!(shared.word, "FOLDER_SHARED");
    let named = |participants: &[Participant]| -> Vec<String> {
        participants
            .iter()
            .map(|participant| match participant {
                Participant::User(id, profile) => {
                    assert_eq!(*id, bob.id);
                    profile.as_ref().unwrap().username.clone()
                }
                Participant::Group(id, name) => {
                    assert_eq!(*id, group);
                    name.clone().unwrap()
                }
            })
            .collect()
    };
    assert_eq!(named(&shared.participants), ["editors", "bob"]);
    // The same role again changes nothing and leaves nothing.
    share(&test, folder.as_str(), ShareWith::User(bob.id.clone()), Role::Viewer).await;
    assert_eq!(newest(&test).await, shared);
    test.site.revoke_all(&test.call, id.clone()).await.unwrap();
    let unshared = newest(&test).await;
    assert_eq!(
        (unshared.word.as_str(), named(&unshared.participants).len()),
        ("FOLDER_UNSHARED", 2)
    );
    test.site.revoke_all(&test.call, id).await.unwrap();
    assert_eq!(newest(&test).await, unshared, "nobody was left to be unshared from");
}

async fn a_change_that_fails_leaves_no_activity(test: TestSite) {
    let root = test.root();
    test.folder_in(&root, "taken").await.unwrap();
    let folder = test.folder_in(&root, "folder").await.unwrap().id;
    let draft = test.begin(&root, "draft", Some(1)).await.unwrap();
    let before = words(&test, everything()).await;
    assert_refused!(test.folder_in(&root, "taken").await, Refusal::AlreadyExists(_));
    assert_refused!(test.rename(&folder, "taken").await, Refusal::AlreadyExists(_));
    assert_refused!(test.move_to(&folder, &folder).await, Refusal::Conflicting(_));
    assert_refused!(test.activate(&draft).await, Refusal::ProhibitedState(_));
    test.rename(&folder, "folder").await.unwrap();
    test.abort(&draft).await.unwrap();
    assert_eq!(words(&test, everything()).await, before);
}

async fn emptying_a_folder_tells_of_each_item_in_it(test: TestSite) {
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    test.folder_in(&folder, "inner").await.unwrap();
    let draft = test.upload(&folder, "document", b"1").await.unwrap();
    test.begin(&folder, "never finished", Some(1)).await.unwrap();
    test.advance(1);
    let start = Some(test.clock_now().plus_millis(-1));
    test.site.delete_folder_contents(&test.call, folder.clone()).await.unwrap();
    let found = read(&test, ActivitiesQuery { start, ..everything() }).await.shown;
    let mut told: Vec<_> = found
        .iter()
        .map(|one| (one.word.as_str(), one.subject.name.as_str(), one.subject.parent.clone()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("DOCUMENT_VERSION_DELETED", "document", Some(folder.clone())),
            ("FOLDER_DELETED", "inner", Some(folder)),
        ]
    );
    let document = found.iter().find(|one| one.subject.name.as_str() == "document").unwrap();
    assert_eq!(document.subject.version.as_ref(), Some(&draft.version));
    test.assert_settles().await;
}

async fn users_read_what_concerns_them(test: TestSite) {
    let (bob, eve) = (user(&test, "bob").await, user(&test, "eve").await);
    let [ann, bob_acts, eve_acts] = [&test.ann, &bob, &eve].map(|user| test.as_user(user));
    let folder = ann.folder_in(&test.root(), "folder").await.unwrap().id;
    let draft = ann.upload(&folder, "document", b"1").await.unwrap();
    assert!(words(&bob_acts, everything()).await.is_empty());
    // A viewer does not read the history, but that something was shared with them concerns them.
    share(&ann, folder.as_str(), ShareWith::User(bob.id.clone()), Role::Viewer).await;
    assert_eq!(words(&bob_acts, everything()).await, ["FOLDER_SHARED"]);
    let of_document = about(draft.document.as_str());
    let read_document = bob_acts.site.activities(&bob_acts.call, of_document.clone()).await;
    assert_refused!(read_document, Refusal::NotAllowed(_));
    share(&ann, folder.as_str(), ShareWith::User(bob.id.clone()), Role::Contributor).await;
    let all = ["FOLDER_CREATED", "DOCUMENT_VERSION_UPLOADED", "FOLDER_SHARED"];
    let mut seen = words(&bob_acts, everything()).await;
    seen.sort_unstable();
    let mut expected = [&all[..], &["FOLDER_SHARE_PERMISSION_CHANGED"]].concat();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert_eq!(words(&bob_acts, of_document.clone()).await, ["DOCUMENT_VERSION_UPLOADED"]);
    // What is recycled is its owner's alone.
    ann.recycle(&folder).await.unwrap();
    assert_eq!(words(&bob_acts, everything()).await.len(), 2, "what bob takes part in");
    ann.restore(&folder, None).await.unwrap();
    // What is no longer shared is no longer read.
    ann.site.revoke_all(&ann.call, folder.clone().into()).await.unwrap();
    let mut seen = words(&bob_acts, everything()).await;
    seen.sort_unstable();
    assert_eq!(seen, ["FOLDER_SHARED", "FOLDER_SHARE_PERMISSION_CHANGED", "FOLDER_UNSHARED"]);
    assert!(is_hidden(&bob_acts.site.activities(&bob_acts.call, of_document.clone()).await));
    // Others learn nothing, and ask for nobody but themselves.
    assert!(words(&eve_acts, everything()).await.is_empty());
    let of = |who: &User| ActivitiesQuery { initiator: Some(who.id.clone()), ..everything() };
    let asked = eve_acts.site.activities(&eve_acts.call, of(&test.ann)).await;
    assert_refused!(asked, Refusal::NotAllowed(_));
    assert!(words(&eve_acts, of(&eve)).await.is_empty());
    // Administrators read the site, with whatever they came.
    let boss = User { user_type: UserType::Admin, ..eve };
    let boss = test.as_user(&boss);
    assert_eq!(words(&boss, everything()).await, words(&test, everything()).await);
    assert_eq!(words(&boss, of_document).await, ["DOCUMENT_VERSION_UPLOADED"]);
    assert_eq!(words(&boss, of(&test.ann)).await, words(&ann, of(&test.ann)).await);
}

async fn what_a_private_comment_is_about_is_for_its_readers(test: TestSite) {
    let (bob, eve) = (user(&test, "bob").await, user(&test, "eve").await);
    let draft = test.upload(&test.root(), "document", b"1").await.unwrap();
    for reader in [&bob, &eve] {
        let with = ShareWith::User(reader.id.clone());
        share(&test, draft.document.as_str(), with, Role::Contributor).await;
    }
    let [ann, bob, eve] = [&test.ann, &bob, &eve].map(|user| test.as_user(user));
    let written = comment(&bob, &draft, Visibility::Private).await;
    let knows = async |actor: &Actor| {
        let found = read(actor, about(draft.document.as_str())).await.shown;
        found.into_iter().any(|one| {
            one.comment.is_some_and(|(mention, _)| mention.id == written.id && mention.is_private)
        })
    };
    assert!(knows(&bob).await && knows(&ann).await && knows(&test).await);
    assert!(!knows(&eve).await);
}

async fn what_happens_to_a_folder_above_is_shown_where_it_is_asked_for(test: TestSite) {
    let root = test.root();
    let bob = user(&test, "bob").await;
    let top = test.folder_in(&root, "top").await.unwrap().id;
    let with = ShareWith::User(bob.id.clone());
    share(&test, top.as_str(), with.clone(), Role::Viewer).await;
    test.advance(10);
    let inner = test.folder_in(&top, "inner").await.unwrap().id;
    test.advance(1);
    let draft = test.upload(&inner, "document", b"1").await.unwrap();
    test.advance(10);
    test.rename(&top, "renamed").await.unwrap();
    test.advance(1);
    test.site.revoke_all(&test.call, top.clone().into()).await.unwrap();
    test.advance(10);
    test.recycle(&top).await.unwrap();
    test.advance(10);
    test.restore(&top, None).await.unwrap();
    let with_indirect = |id: &str| ActivitiesQuery { with_indirect: true, ..about(id) };
    let document = draft.document.as_str();
    assert_eq!(words(&test, about(document)).await, ["DOCUMENT_VERSION_UPLOADED"]);
    // Neither what came before the document nor the folder's name.
    let expected = [
        "DOCUMENT_VERSION_UPLOADED",
        "DOCUMENT_UNSHARED",
        "DOCUMENT_RECYCLED",
        "DOCUMENT_RESTORED",
    ];
    assert_eq!(words(&test, with_indirect(document)).await, expected);
    let found = read(&test, with_indirect(document)).await.shown;
    for one in &found {
        assert_eq!(one.subject.id.as_str(), document, "{}", one.word);
        assert_eq!(one.is_indirect, one.word != "DOCUMENT_VERSION_UPLOADED");
    }
    let unshared = found.iter().find(|one| one.word == "DOCUMENT_UNSHARED").unwrap();
    assert_eq!(unshared.participants.len(), 1);
    assert_eq!(
        words(&test, with_indirect(inner.as_str())).await,
        ["FOLDER_CREATED", "FOLDER_UNSHARED", "FOLDER_RECYCLED", "FOLDER_RESTORED"]
    );
    // Types are asked for as they are shown.
    for (types, shown) in [("DOCUMENT_UNSHARED", 1), ("FOLDER_UNSHARED", 0)] {
        let types = Some(vec![types.to_owned()]);
        let query = ActivitiesQuery { types, ..with_indirect(document) };
        assert_eq!(words(&test, query).await.len(), shown);
    }
    // What moved in later had no part in it.
    test.advance(10);
    let late = test.upload(&root, "late", b"1").await.unwrap();
    test.advance(1);
    test.move_to(&late.document, &inner).await.unwrap();
    assert_eq!(
        words(&test, with_indirect(late.document.as_str())).await,
        ["DOCUMENT_VERSION_UPLOADED", "DOCUMENT_MOVED"]
    );
}

async fn filters_and_pages_give_each_activity_once(test: TestSite) {
    let root = test.root();
    // Two of one moment, and the rest one by one.
    for number in 0..10 {
        test.folder_in(&root, &format!("{number}")).await.unwrap();
        if number > 0 {
            test.advance(1_000);
        }
    }
    let all = read(&test, everything()).await;
    assert_eq!((all.shown.len(), all.next), (10, None));
    for limit in [1, 2, 3, 9, 10, 11] {
        let mut query = ActivitiesQuery { limit, ..everything() };
        let mut places = Vec::new();
        loop {
            let page = read(&test, query.clone()).await;
            assert!(page.shown.len() <= usize::try_from(limit).unwrap());
            places.extend(page.shown.into_iter().map(|shown| shown.place));
            let Some(next) = page.next else { break };
            query.after = Some(next);
        }
        let expected: Vec<_> = all.shown.iter().map(|shown| shown.place.clone()).collect();
        assert_eq!(places, expected, "pages of {limit}");
    }
    // Both ends are open.
    let moments: Vec<Timestamp> = all.shown.iter().map(|shown| shown.moment).collect();
    let between =
        ActivitiesQuery { start: Some(moments[5]), end: Some(moments[1]), ..everything() };
    let found: Vec<_> = read(&test, between).await.shown.iter().map(|one| one.moment).collect();
    assert_eq!(found, moments[2..5]);
    let backwards =
        ActivitiesQuery { start: Some(moments[1]), end: Some(moments[1]), ..everything() };
    let asked = test.site.activities(&test.call, backwards).await;
    assert_refused!(asked, Refusal::InvalidArgument { member: "EndTime", .. });
    let types = Some(vec!["FOLDER_MOVED".to_owned()]);
    assert!(words(&test, ActivitiesQuery { types, ..everything() }).await.is_empty());
    let unknown = test.site.activities(&test.call, about("nothing")).await;
    assert!(is_hidden(&unknown));
}

async fn a_page_goes_on_behind_what_is_not_for_the_reader(test: TestSite) {
    let bob = test.as_user(&user(&test, "bob").await);
    let home = bob.user(bob.call.user_id().unwrap()).await.unwrap().root_folder;
    bob.folder_in(&home, "first of all").await.unwrap();
    test.advance(1_000);
    // More than all the windows of one call hold, by somebody else.
    test.execute(
        "INSERT INTO activity (organization_id, created_ms, id, type, initiator, resource_id, kind,
                               name, owner_id, is_private, has_participants)
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 25000)
         SELECT (SELECT id FROM organization), n + (SELECT MAX(created_ms) FROM activity), 'x',
                'FOLDER_CREATED', 'someone', 'r', 'FOLDER', 'name', 'someone', 0, 0
           FROM number",
    )
    .await;
    let mut query = everything();
    let mut calls = 0;
    let found = loop {
        let page = read(&bob, query.clone()).await;
        calls += 1;
        if let Some(found) = page.shown.into_iter().next() {
            break found;
        }
        query.after = Some(page.next.expect("there is more behind the window"));
    };
    assert_eq!((found.subject.name.as_str(), calls), ("first of all", 3));
}

async fn activities_are_forgotten_after_their_time(test: TestSite) {
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let bob = user(&test, "bob").await;
    share(&test, folder.as_str(), ShareWith::User(bob.id), Role::Viewer).await;
    test.advance(test.site.settings().activity_retention_ms);
    test.folder_in(&test.root(), "later").await.unwrap();
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(words(&test, everything()).await.len(), 3, "their time ends when it is over");
    test.advance(1);
    test.site.run_jobs_once().await.unwrap();
    assert_eq!(words(&test, everything()).await, ["FOLDER_CREATED"]);
    assert_eq!(test.number("SELECT COUNT(*) FROM activity_participant").await, 0);
    test.assert_sound().await;
}
