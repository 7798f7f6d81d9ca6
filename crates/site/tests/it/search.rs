//! Finding things by their words, on both engines: who finds what, and from when on no longer.

use docharbor_domain::{
    CommentText, FolderId, Item, NewComment, Refusal, ResourceId, Role, Script, SearchScope, Share,
    ShareWith, Timestamp, User, UserType, Visibility,
};
use docharbor_search::analyse;
use docharbor_site::{
    Collection, Extent, Hit, HitKind, Mended, NewUser, SearchPage, SearchRequest, SearchSort,
    Selection,
};

use crate::support::{
    Actor, Draft, Engine, TestSite, assert_refused, is_hidden, new_user, on_both_engines,
};

on_both_engines! {
    names_are_found_however_they_are_typed,
    contents_and_comments_are_found_by_words_phrases_and_operators,
    what_is_shared_is_found_until_it_is_no_longer,
    what_is_recycled_or_deleted_is_not_found,
    a_new_version_stands_for_its_document_and_older_ones_are_found_where_asked,
    comments_and_older_versions_are_for_those_who_read_them,
    each_filter_leaves_what_it_says,
    whose_things_are_looked_for_is_about_the_user_who_asks,
    each_order_goes_both_ways,
    pages_are_whole_and_in_order_whichever_way_they_are_found,
    a_search_finds_what_a_reader_can_open_and_nothing_else,
    no_text_makes_a_search_fail,
    an_index_that_was_lost_comes_back,
    what_the_index_says_wrongly_is_mended,
    another_site_finds_nothing,
    a_search_costs_the_same_whatever_it_finds,
}

pub(crate) fn words(text: &str) -> SearchRequest {
    SearchRequest { text: Some(text.to_owned()), ..anything() }
}

fn anything() -> SearchRequest {
    SearchRequest {
        text: None,
        scope: SearchScope::All,
        kinds: Vec::new(),
        scripts: Vec::new(),
        categories: Vec::new(),
        labels: Vec::new(),
        principals: Vec::new(),
        ancestors: Vec::new(),
        collections: Vec::new(),
        size_bytes: (None, None),
        created: (None, None),
        modified: (None, None),
        sort: SearchSort::Name,
        descending: false,
        after: None,
        limit: 100,
    }
}

async fn page(actor: &Actor, request: SearchRequest) -> SearchPage {
    actor.site.search(&actor.call, request).await.unwrap()
}

/// The names of what is found; those of comments and versions say so.
pub(crate) async fn found(actor: &Actor, request: SearchRequest) -> Vec<String> {
    page(actor, request).await.hits.iter().map(name).collect()
}

fn name(hit: &Hit) -> String {
    let name = hit.item.name().as_str();
    match hit.kind {
        HitKind::Folder | HitKind::Document => name.to_owned(),
        HitKind::Version => format!("version {name}"),
        HitKind::Comment => format!("comment on {name}"),
    }
}

/// Lets a document be found by what it says, as extraction does.
async fn says(test: &TestSite, draft: &Draft, content: &str) {
    let input = (test.call.organization().clone(), draft.clone(), analyse::text(content));
    test.metadata
        .write(input, |tx, (organization, draft, content)| {
            Box::pin(docharbor_site::index_content(
                tx,
                organization,
                &draft.document,
                &draft.version,
                content,
            ))
        })
        .await
        .unwrap();
}

async fn comment(actor: &Actor, draft: &Draft, text: &str, visibility: Option<Visibility>) {
    let comment =
        NewComment { text: CommentText::new(text), visibility, parent: None, thread: None };
    let (document, version) = (draft.document.clone(), draft.version.clone());
    actor.site.create_comment(&actor.call, document, version, comment).await.unwrap();
}

async fn person(test: &TestSite, name: &str) -> (User, Actor) {
    let user = test.site.create_user(&test.call, new_user(name)).await.unwrap();
    let actor = test.as_user(&user);
    (user, actor)
}

async fn share(test: &TestSite, id: impl Into<ResourceId>, with: ShareWith, role: Role) {
    let shared = test.site.share(&test.call, id.into(), vec![Share { with, role }]).await.unwrap();
    assert!(shared[0].failure.is_none());
}

async fn names_are_found_however_they_are_typed(test: TestSite) {
    let root = test.root();
    test.folder_in(&root, "Straße nach Süden").await.unwrap();
    for name in [
        "Quarterly_Report-2024.final.xlsx",
        "第2四半期報告書.txt",
        "予算案.txt",
        "Café Menü.md",
        "ＷＩＤＥ ﬁle.txt",
    ] {
        test.upload(&root, name, b"x").await.unwrap();
    }
    let ann = test.as_user(&test.ann);
    for actor in [&*test, &ann] {
        for (typed, expected) in [
            ("report", "Quarterly_Report-2024.final.xlsx"),
            ("REPORT quarterly", "Quarterly_Report-2024.final.xlsx"),
            ("quart", "Quarterly_Report-2024.final.xlsx"),
            ("\"report 2024\"", "Quarterly_Report-2024.final.xlsx"),
            ("report-2024.final", "Quarterly_Report-2024.final.xlsx"),
            ("報告", "第2四半期報告書.txt"),
            ("四半期報告書", "第2四半期報告書.txt"),
            ("書", "第2四半期報告書.txt"),
            ("予算", "予算案.txt"),
            ("strasse", "Straße nach Süden"),
            ("STRASSE sud", "Straße nach Süden"),
            ("cafe", "Café Menü.md"),
            ("CAFÉ", "Café Menü.md"),
            ("wide file", "ＷＩＤＥ ﬁle.txt"),
        ] {
            assert_eq!(found(actor, words(typed)).await, [expected], "{typed}");
        }
        for typed in ["\"quart\"", "quart report", "\"2024 report\"", "報書", "!?", "nothing"] {
            assert_eq!(found(actor, words(typed)).await, [""; 0], "{typed}");
        }
    }
    // A new name is found at once, and the old one no longer.
    let menu = page(&ann, words("cafe")).await.hits.remove(0);
    let Item::Document(menu) = menu.item else { panic!("a document") };
    ann.rename(&menu.id, "Speisekarte").await.unwrap();
    assert_eq!(found(&ann, words("cafe")).await, [""; 0]);
    assert_eq!(found(&ann, words("speise")).await, ["Speisekarte"]);
    let folder = page(&ann, words("strasse")).await.hits.remove(0);
    ann.rename(&FolderId::new(folder.item.id()), "Weg").await.unwrap();
    assert_eq!(found(&ann, words("strasse OR weg")).await, ["Weg"]);
    test.assert_sound().await;
}

async fn contents_and_comments_are_found_by_words_phrases_and_operators(test: TestSite) {
    let root = test.root();
    let ann = test.as_user(&test.ann);
    let cats = test.upload(&root, "cats.txt", b"x").await.unwrap();
    let dogs = test.upload(&root, "dogs.txt", b"x").await.unwrap();
    says(&test, &cats, "The quick brown fox likes cats. 東京都の予算案と見積書").await;
    says(&test, &dogs, "A lazy dog, brown and quick; it's a good dog.").await;
    comment(&ann, &dogs, "What a brown fox!", None).await;
    let content = |text: &str| SearchRequest { scope: SearchScope::Content, ..words(text) };
    let names = |text: &str| SearchRequest { scope: SearchScope::Name, ..words(text) };
    for actor in [&*test, &ann] {
        for (request, expected) in [
            (words("brown quick"), &["cats.txt", "dogs.txt"][..]),
            (words("\"quick brown\""), &["cats.txt"]),
            (words("\"brown fox\""), &["comment on dogs.txt", "cats.txt"]),
            (words("lazy OR likes"), &["cats.txt", "dogs.txt"]),
            (words("lazy AND likes"), &[]),
            (words("lazy AND brown OR likes AND nothing"), &["dogs.txt"]),
            (words("予算"), &["cats.txt"]),
            (words("見積書"), &["cats.txt"]),
            // A word of the name and a word of the content together.
            (words("cats fox"), &["cats.txt"]),
            (words("dogs lazy txt"), &["dogs.txt"]),
            (content("cats"), &["cats.txt"]),
            (content("dogs"), &[]),
            (names("dogs"), &["dogs.txt"]),
            (names("fox"), &[]),
            // No phrase goes from the name over into the content.
            (words("\"txt the\""), &[]),
            (words("\"txt a\""), &[]),
        ] {
            let typed = request.text.clone();
            assert_eq!(found(actor, request).await, expected, "{typed:?}");
        }
    }
    // What is said anew takes the place of what was said, and a new name leaves it.
    says(&test, &cats, "nothing but mice").await;
    ann.rename(&cats.document, "rodents").await.unwrap();
    assert_eq!(found(&ann, words("mice")).await, ["rodents"]);
    assert_eq!(found(&ann, words("likes")).await, [""; 0]);
    // The best match comes first: a name tells what a document is about.
    test.upload(&root, "mice", b"x").await.unwrap();
    let best = SearchRequest { sort: SearchSort::Relevance, descending: true, ..words("mice") };
    assert_eq!(found(&ann, best.clone()).await, ["mice", "rodents"]);
    assert_eq!(found(&test, best).await, ["mice", "rodents"]);
    test.assert_sound().await;
}

async fn what_is_shared_is_found_until_it_is_no_longer(test: TestSite) {
    let root = test.root();
    let (bob, as_bob) = person(&test, "bob").await;
    let above = test.folder_in(&root, "above").await.unwrap().id;
    let plans = test.folder_in(&above, "plans").await.unwrap().id;
    let plan = test.upload(&plans, "plan.txt", b"x").await.unwrap();
    says(&test, &plan, "world domination").await;
    let finds = async || found(&as_bob, words("plan OR plans OR domination")).await;
    assert_eq!(finds().await, [""; 0]);
    let organization = test.call.organization().clone();
    let group = test.site.create_group(&organization, "planners").await.unwrap();
    test.site.add_group_member(&organization, "planners", "bob").await.unwrap();
    let folder: ResourceId = above.clone().into();
    let document: ResourceId = plan.document.clone().into();
    for (id, with, expected) in [
        (&folder, ShareWith::User(bob.id.clone()), &["plan.txt", "plans"][..]),
        (&folder, ShareWith::Group(group), &["plan.txt", "plans"]),
        (&folder, ShareWith::Organization(organization), &["plan.txt", "plans"]),
        (&document, ShareWith::Anonymous("anonymous".to_owned()), &[]),
    ] {
        share(&test, id.clone(), with, Role::Viewer).await;
        assert_eq!(finds().await, expected);
        test.site.revoke_all(&test.call, id.clone()).await.unwrap();
        assert_eq!(finds().await, [""; 0]);
    }
    // Moving out of the shared folder takes it out of reach.
    share(&test, above.clone(), ShareWith::User(bob.id), Role::Viewer).await;
    test.move_to(&plans, &root).await.unwrap();
    assert_eq!(finds().await, [""; 0]);
    test.move_to(&plans, &above).await.unwrap();
    assert_eq!(finds().await, ["plan.txt", "plans"]);
}

async fn what_is_recycled_or_deleted_is_not_found(test: TestSite) {
    let ann = test.as_user(&test.ann);
    let folder = test.folder_in(&test.root(), "thing").await.unwrap().id;
    let inner = test.folder_in(&folder, "thing inside").await.unwrap().id;
    let document = test.upload(&inner, "thing.txt", b"x").await.unwrap();
    comment(&ann, &document, "a thing of beauty", None).await;
    let all = ["comment on thing.txt", "thing", "thing inside", "thing.txt"];
    for actor in [&*test, &ann] {
        let finds = async || found(actor, words("thing")).await;
        assert_eq!(finds().await, all);
        test.recycle(&folder).await.unwrap();
        assert_eq!(finds().await, [""; 0]);
        test.restore(&folder, None).await.unwrap();
        assert_eq!(finds().await, all);
        test.recycle(&document.document).await.unwrap();
        assert_eq!(finds().await, ["thing", "thing inside"]);
        test.restore(&document.document, None).await.unwrap();
    }
    // A draft holds no name and is not found.
    let draft = test.begin(&inner, "thing begun", None).await.unwrap();
    assert_eq!(found(&test, words("begun")).await, [""; 0]);
    test.abort(&draft).await.unwrap();
    ann.delete_document(&document.document).await.unwrap();
    assert_eq!(found(&test, words("thing")).await, ["thing", "thing inside"]);
    ann.delete_folder(&folder).await.unwrap();
    assert_eq!(found(&test, words("thing")).await, [""; 0]);
    test.assert_settles().await;
    let roots = "SELECT COUNT(*) FROM search_entry";
    assert_eq!(test.number(roots).await, 0, "{:?}", test.engine);
    assert_eq!(test.number("SELECT COUNT(*) FROM search_text").await, 0);
}

async fn a_new_version_stands_for_its_document_and_older_ones_are_found_where_asked(
    test: TestSite,
) {
    let ann = test.as_user(&test.ann);
    let first = test.upload(&test.root(), "notes", b"1").await.unwrap();
    says(&test, &first, "alpha").await;
    let second = test.upload_version(&first.document, b"22").await.unwrap();
    says(&test, &second, "beta").await;
    let of = |kinds: &[HitKind], text: &str| SearchRequest { kinds: kinds.to_vec(), ..words(text) };
    let (document, version) = (HitKind::Document, HitKind::Version);
    for actor in [&*test, &ann] {
        for (kinds, text, expected) in [
            (&[][..], "alpha", &[][..]),
            (&[], "beta", &["notes"]),
            (&[version], "alpha", &["version notes"]),
            (&[version], "beta", &["version notes"]),
            (&[version], "notes", &["version notes", "version notes"]),
            (&[document, version], "notes", &["version notes", "notes"]),
            (&[document], "notes", &["notes"]),
        ] {
            assert_eq!(found(actor, of(kinds, text)).await, expected, "{kinds:?} {text}");
        }
        let hit = page(actor, of(&[version], "alpha")).await.hits.remove(0);
        let Item::Document(of_first) = hit.item else { panic!("a document") };
        assert_eq!(
            (of_first.id, of_first.latest.id),
            (first.document.clone(), first.version.clone())
        );
    }
    // Without the second the first stands for the document again.
    ann.delete_version(&second, false).await.unwrap();
    assert_eq!(found(&ann, words("alpha OR beta")).await, ["notes"]);
    assert_eq!(found(&ann, words("beta")).await, [""; 0]);
    ann.restore_versions(&first.document).await.unwrap();
    assert_eq!(found(&ann, words("beta")).await, ["notes"]);
    test.assert_sound().await;
}

async fn comments_and_older_versions_are_for_those_who_read_them(test: TestSite) {
    let ann = test.as_user(&test.ann);
    let old = test.upload(&test.root(), "paper", b"1").await.unwrap();
    says(&test, &old, "secretold").await;
    let paper = test.upload_version(&old.document, b"2").await.unwrap();
    let (bob, as_bob) = person(&test, "bob").await;
    let (carol, as_carol) = person(&test, "carol").await;
    let guest = NewUser { user_type: UserType::MinimalUser, ..new_user("guest") };
    let guest = test.site.create_user(&test.call, guest).await.unwrap();
    let as_guest = test.as_user(&guest);
    for (user, role) in [(&bob, Role::Viewer), (&carol, Role::Contributor)] {
        share(&test, paper.document.clone(), ShareWith::User(user.id.clone()), role).await;
    }
    share(&test, paper.document.clone(), ShareWith::User(guest.id), Role::Viewer).await;
    comment(&ann, &paper, "publicword", None).await;
    comment(&ann, &paper, "privateword", Some(Visibility::Private)).await;
    comment(&as_carol, &paper, "carolword", Some(Visibility::Private)).await;
    let request = |text: &str| SearchRequest {
        kinds: vec![HitKind::Comment, HitKind::Version],
        ..words(text)
    };
    for (actor, reads) in [
        (&*test, &["publicword", "privateword", "carolword", "secretold"][..]),
        (&ann, &["publicword", "privateword", "carolword", "secretold"]),
        (&as_carol, &["publicword", "carolword", "secretold"]),
        (&as_bob, &[]),
        (&as_guest, &[]),
    ] {
        for word in ["publicword", "privateword", "carolword", "secretold"] {
            let count = found(actor, request(word)).await.len();
            assert_eq!(count, usize::from(reads.contains(&word)), "{word}");
        }
        assert_eq!(found(actor, words("paper")).await, ["paper"]);
    }
    // A deleted comment is found no longer.
    let hit = page(&as_carol, request("carolword")).await.hits.remove(0).comment.unwrap();
    let (document, version) = (paper.document.clone(), paper.version.clone());
    as_carol.site.delete_comment(&as_carol.call, document, version, hit.id).await.unwrap();
    assert_eq!(found(&ann, request("carolword")).await, [""; 0]);
    test.assert_sound().await;
}

/// Things that differ in all that can be asked for.
struct Shelf {
    bob: User,
    docs: FolderId,
    later: Timestamp,
}

const COMMENT: &str = "comment on item small.pdf";
const DOCS: &str = "item docs";
const SMALL: &str = "item small.pdf";
const LARGE: &str = "item large.png";
const OF_BOB: &str = "item of bob";

async fn shelf(test: &TestSite) -> Shelf {
    let ann = test.as_user(&test.ann);
    let (bob, _) = person(test, "bob").await;
    let docs = test.folder_in(&test.root(), DOCS).await.unwrap().id;
    test.advance(1_000);
    let small = test.upload(&docs, SMALL, b"1").await.unwrap();
    test.advance(10_000);
    let later = test.site.now();
    let large = test.upload(&test.root(), LARGE, b"0123456789").await.unwrap();
    test.advance(1_000);
    says(test, &small, "Немного русского текста").await;
    says(test, &large, "some english text").await;
    comment(&ann, &small, "item comment", None).await;
    let label = vec!["blue".to_owned()];
    test.site.create_labels(&test.call, large.document.into(), label).await.unwrap();
    share(test, docs.clone(), ShareWith::User(bob.id.clone()), Role::Contributor).await;
    test.folder_in(&bob.root_folder, OF_BOB).await.unwrap();
    Shelf { bob, docs, later }
}

fn item() -> SearchRequest {
    words("item")
}

async fn each_filter_leaves_what_it_says(test: TestSite) {
    let Shelf { bob, docs, later } = shelf(&test).await;
    let before = (None, Some(later.plus_millis(-1)));
    let labels = |label: &str| vec!["red".to_owned(), label.to_owned()];
    let of = |user: &User, roles: &[&'static str]| (user.id.as_str().to_owned(), roles.to_vec());
    for (request, expected) in [
        (item(), &[COMMENT, DOCS, LARGE, OF_BOB, SMALL][..]),
        (SearchRequest { kinds: vec![HitKind::Folder], ..item() }, &[DOCS, OF_BOB]),
        (SearchRequest { kinds: vec![HitKind::Comment], ..item() }, &[COMMENT]),
        (SearchRequest { categories: vec!["IMAGE"], ..item() }, &[LARGE]),
        (SearchRequest { categories: vec!["PDF", "IMAGE"], ..item() }, &[LARGE, SMALL]),
        (SearchRequest { categories: vec!["AUDIO"], ..item() }, &[]),
        (SearchRequest { labels: labels("blue"), ..item() }, &[LARGE]),
        (SearchRequest { labels: labels("blu"), ..item() }, &[]),
        (SearchRequest { labels: vec!["blue|".to_owned()], ..item() }, &[]),
        (SearchRequest { scripts: vec![Script::Cyrillic], ..item() }, &[SMALL]),
        (SearchRequest { scripts: vec![Script::Latin], ..item() }, &[COMMENT, LARGE]),
        (SearchRequest { size_bytes: (Some(2), None), ..item() }, &[LARGE]),
        (SearchRequest { size_bytes: (Some(0), Some(1)), ..item() }, &[SMALL]),
        (SearchRequest { created: (Some(later), None), ..item() }, &[COMMENT, LARGE, OF_BOB]),
        (SearchRequest { created: before, ..item() }, &[DOCS, SMALL]),
        (SearchRequest { modified: before, ..item() }, &[DOCS, SMALL]),
        (SearchRequest { ancestors: vec![docs], ..item() }, &[COMMENT, SMALL]),
        (SearchRequest { ancestors: vec![bob.root_folder.clone()], ..item() }, &[OF_BOB]),
        (
            SearchRequest { principals: vec![of(&bob, &[])], ..item() },
            &[COMMENT, DOCS, OF_BOB, SMALL],
        ),
        (
            SearchRequest { principals: vec![of(&bob, &["CONTRIBUTOR"])], ..item() },
            &[COMMENT, DOCS, SMALL],
        ),
        (SearchRequest { principals: vec![of(&bob, &["OWNER"])], ..item() }, &[OF_BOB]),
        (
            SearchRequest {
                principals: vec![of(&test.ann, &["VIEWER"]), of(&bob, &["VIEWER"])],
                ..item()
            },
            &[],
        ),
        (SearchRequest { text: None, kinds: vec![HitKind::Document], ..item() }, &[LARGE, SMALL]),
    ] {
        let asked = format!("{:?}", (&request.categories, &request.principals, &request.labels));
        assert_eq!(found(&test, request).await, expected, "{asked}");
    }
}

async fn whose_things_are_looked_for_is_about_the_user_who_asks(test: TestSite) {
    let Shelf { bob, .. } = shelf(&test).await;
    let bob = test.as_user(&bob);
    let of =
        |collections: &[Collection]| SearchRequest { collections: collections.to_vec(), ..item() };
    assert_eq!(found(&bob, of(&[Collection::Owned])).await, [OF_BOB]);
    assert_eq!(found(&bob, of(&[Collection::SharedWithMe])).await, [COMMENT, DOCS, SMALL]);
    let both = of(&[Collection::Owned, Collection::SharedWithMe]);
    assert_eq!(found(&bob, both).await, [COMMENT, DOCS, OF_BOB, SMALL]);
    let no_me = test.site.search(&test.call, of(&[Collection::Owned])).await;
    assert_refused!(no_me, Refusal::InvalidArgument { .. });
    // Where something stands is not told to those who do not see the folder above it.
    let hidden = SearchRequest { ancestors: vec![test.root()], ..item() };
    assert!(is_hidden(&bob.site.search(&bob.call, hidden).await));
}

async fn each_order_goes_both_ways(test: TestSite) {
    shelf(&test).await;
    for (sort, kind, ascending) in [
        (SearchSort::Size, HitKind::Document, [SMALL, LARGE]),
        (SearchSort::Created, HitKind::Document, [SMALL, LARGE]),
        (SearchSort::Modified, HitKind::Folder, [DOCS, OF_BOB]),
        (SearchSort::Name, HitKind::Document, [LARGE, SMALL]),
        (SearchSort::Name, HitKind::Folder, [DOCS, OF_BOB]),
    ] {
        let request = |descending| SearchRequest { sort, descending, kinds: vec![kind], ..item() };
        assert_eq!(found(&test, request(false)).await, ascending, "{sort:?}");
        let mut backwards = found(&test, request(true)).await;
        backwards.reverse();
        assert_eq!(backwards, ascending, "{sort:?} backwards");
    }
}

async fn pages_are_whole_and_in_order_whichever_way_they_are_found(test: TestSite) {
    let (bob, as_bob) = person(&test, "bob").await;
    let mine = test.folder_in(&test.root(), "shared").await.unwrap().id;
    share(&test, mine.clone(), ShareWith::User(bob.id), Role::Viewer).await;
    // More than one step's candidates, of which bob sees a third.
    for number in 0..120 {
        test.folder_in(&mine, &format!("page {number:03}")).await.unwrap();
        test.folder_in(&test.root(), &format!("page x{number:03}")).await.unwrap();
        test.folder_in(&test.root(), &format!("page y{number:03}")).await.unwrap();
    }
    for (actor, count) in [(&as_bob, 120), (&*test, 360)] {
        for sort in [SearchSort::Name, SearchSort::Relevance] {
            for text in [Some("page".to_owned()), None] {
                let is_all = text.is_none();
                let request = SearchRequest {
                    text,
                    sort,
                    kinds: vec![HitKind::Folder],
                    limit: 37,
                    ..anything()
                };
                let mut names = Vec::new();
                let mut after = None;
                loop {
                    let page = page(actor, SearchRequest { after, ..request.clone() }).await;
                    names.extend(page.hits.iter().map(name));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                    assert_eq!(page.hits.len(), 37);
                }
                assert_eq!(names.len(), count + usize::from(is_all), "{sort:?}");
                let mut sorted = names.clone();
                sorted.sort_unstable();
                if sort == SearchSort::Name {
                    assert_eq!(names, sorted);
                }
                sorted.dedup();
                assert_eq!(sorted.len(), names.len(), "none comes twice");
            }
        }
    }
}

async fn a_search_finds_what_a_reader_can_open_and_nothing_else(test: TestSite) {
    let (bob, as_bob) = person(&test, "bob").await;
    let (carol, as_carol) = person(&test, "carol").await;
    let a = test.folder_in(&test.root(), "tree a").await.unwrap().id;
    let b = test.folder_in(&a, "tree b").await.unwrap().id;
    let c = test.folder_in(&b, "tree c").await.unwrap().id;
    let d = test.folder_in(&test.root(), "tree d").await.unwrap().id;
    let (root_of_carol, carol_id) = (carol.root_folder, carol.id);
    let mut folders = vec![a.clone(), b.clone(), c.clone(), d.clone()];
    let mut documents = Vec::new();
    for folder in &folders {
        documents.push(test.upload(folder, "tree leaf", b"1").await.unwrap().document);
    }
    folders.push(test.folder_in(&root_of_carol, "tree of carol").await.unwrap().id);
    share(&test, b.clone(), ShareWith::User(bob.id.clone()), Role::Viewer).await;
    share(&test, a, ShareWith::User(carol_id), Role::CoOwner).await;
    share(&test, documents[3].clone(), ShareWith::Anonymous("anonymous".to_owned()), Role::Viewer)
        .await;
    share(&test, d.clone(), ShareWith::User(bob.id), Role::Contributor).await;
    for step in 0..4 {
        match step {
            1 => test.recycle(&c).await.unwrap(),
            2 => test.move_to(&d, &b).await.unwrap(),
            3 => test.recycle(&b).await.unwrap(),
            _ => {}
        }
        for actor in [&*test, &test.as_user(&test.ann), &as_bob, &as_carol] {
            let mut opened = Vec::new();
            for id in &folders {
                if let Ok(view) = actor.site.folder(&actor.call, id.clone()).await
                    && !view.folder.is_recycled
                {
                    opened.push(id.as_str().to_owned());
                }
            }
            for id in &documents {
                // What a public link alone opens is for those who were given the link.
                let by_link = step < 2
                    && *id == documents[3]
                    && actor.call.user_id() == as_carol.call.user_id();
                if let Ok(document) = actor.site.document(&actor.call, id.clone()).await
                    && !document.is_recycled
                    && !by_link
                {
                    opened.push(id.as_str().to_owned());
                }
            }
            for request in [words("tree"), SearchRequest { text: None, ..anything() }] {
                let mut ids: Vec<String> = page(actor, request)
                    .await
                    .hits
                    .iter()
                    .map(|hit| hit.item.id().to_owned())
                    .collect();
                ids.sort_unstable();
                opened.sort_unstable();
                assert_eq!(ids, opened, "step {step}");
            }
        }
    }
}

/// What might be taken for syntax, or for nothing at all.
const HOSTILE: &[&str] = &[
    "\"",
    "\"\"",
    "'",
    "''",
    "\\",
    "*",
    "a*",
    "* *",
    "(",
    ")",
    "()",
    "AND",
    "OR",
    "AND OR",
    "NOT x",
    "NEAR(a b, 5)",
    "name:x",
    "{name}:x",
    "-name:x",
    "^x",
    "x + y",
    "a <-> b",
    "a & b",
    "a | !b",
    "'a':*",
    "a:A",
    "%",
    "_",
    "a%b_c",
    "'; DROP TABLE search_text; --",
    "\u{301}",
    "\u{200d}",
    "🙂",
    "ก็",
    "a\u{94d}b",
    "ﷺ",
    "x\u{0}y",
    "@d0",
    "d",
    "OR OR OR",
    "\"a\" OR",
    "½",
    "İı",
];

async fn no_text_makes_a_search_fail(test: TestSite) {
    let ann = test.as_user(&test.ann);
    let document =
        test.upload(&test.root(), "it's a \"name\" (with) * & | ! : <->", b"x").await.unwrap();
    says(&test, &document, "NEAR AND OR NOT name: -x ^y \\ ' \u{0} \u{301}\u{ad} 🙂 ก็ a\u{94d}b")
        .await;
    comment(&ann, &document, "'; DROP TABLE search_entry; --", None).await;
    for typed in HOSTILE {
        for scope in [SearchScope::All, SearchScope::Name, SearchScope::Content] {
            for actor in [&*test, &ann] {
                let request = SearchRequest { scope, ..words(typed) };
                actor.site.search(&actor.call, request).await.unwrap();
            }
        }
    }
    // What every character of a query makes of the next one.
    for code in (0x20..0x3000_u32).step_by(7) {
        let Some(c) = char::from_u32(code) else { continue };
        page(&test, words(&format!("{c}x y{c} \"{c} z\" OR {c}"))).await;
    }
    let too_many = test.site.search(&test.call, words(&"word ".repeat(65))).await;
    assert_refused!(too_many, Refusal::InvalidArgument { member: "QueryText", .. });
    assert_eq!(
        found(&ann, words("name with near")).await,
        ["it's a \"name\" (with) * & | ! : <->"]
    );
}

async fn an_index_that_was_lost_comes_back(test: TestSite) {
    let ann = test.as_user(&test.ann);
    let folder = test.folder_in(&test.root(), "lost folder").await.unwrap().id;
    let document = test.upload(&folder, "lost document", b"x").await.unwrap();
    test.upload_version(&document.document, b"y").await.unwrap();
    comment(&ann, &document, "lost comment", None).await;
    let kinds = vec![HitKind::Folder, HitKind::Document, HitKind::Version, HitKind::Comment];
    let request = || SearchRequest { kinds: kinds.clone(), ..words("lost") };
    let all = async || {
        let mut names = found(&test, request()).await;
        names.sort_unstable();
        names
    };
    let before = all().await;
    assert_eq!(before.len(), 4);
    for loss in [
        "DELETE FROM search_entry; DELETE FROM search_text",
        "DELETE FROM search_text",
        "DELETE FROM search_text; DELETE FROM search_entry WHERE kind = 'VERSION'",
    ] {
        test.execute(loss).await;
        let findings = test.site.verify(false).await.unwrap().findings;
        let of_index = "what can be found has an entry in the index, and its words";
        assert_eq!(findings.len(), 4, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.invariant == of_index));
        assert_eq!(test.site.mend_index().await.unwrap(), mended(4));
        assert_eq!(test.site.mend_index().await.unwrap(), mended(0));
        assert_eq!(all().await, before);
        test.assert_sound().await;
    }
    test.execute("UPDATE search_entry SET resource_id = 'nothing' WHERE kind = 'FOLDER'").await;
    let findings = test.site.verify(false).await.unwrap().findings;
    let invariants: Vec<&str> = findings.iter().map(|finding| finding.invariant.as_str()).collect();
    assert_eq!(
        invariants,
        [
            "what can be found has an entry in the index, and its words",
            "the index has entries of nothing but what there is"
        ]
    );
    assert_eq!(test.site.mend_index().await.unwrap(), mended(2));
    assert_eq!(all().await, before);
    test.assert_sound().await;
}

/// So many entries were mended, and nothing was lost of what documents say.
fn mended(entries: u64) -> Mended {
    Mended { entries, versions_queued: 0 }
}

async fn what_the_index_says_wrongly_is_mended(test: TestSite) {
    let ann = test.as_user(&test.ann);
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let document = test.upload(&folder, "document", b"x").await.unwrap();
    comment(&ann, &document, "comment", None).await;
    says(&test, &document, "said").await;
    // Others than the words that things have now, in the entries and in the index of words.
    test.execute("UPDATE search_entry SET name_tokens = ' lie ' WHERE kind <> 'COMMENT'").await;
    test.execute("UPDATE search_entry SET content_tokens = ' lie ' WHERE kind = 'COMMENT'").await;
    assert_eq!(test.site.mend_index().await.unwrap(), mended(3));
    for word in ["folder", "document", "comment", "said"] {
        assert_eq!(found(&ann, every_kind(word)).await.len(), 1, "{word}");
    }
    test.assert_sound().await;
    // In the index of words alone: it takes a search for each to find that.
    for (says, but_finds) in [(" lie ", "said"), (" said ", "lie")] {
        test.execute(&format!(
            "UPDATE search_entry SET content_tokens = '{says}' WHERE kind = 'VERSION'"
        ))
        .await;
        assert_eq!(found(&ann, words(but_finds)).await, ["document"]);
        assert_eq!(found(&ann, words(says)).await, [""; 0]);
        assert_eq!(test.site.mend_index().await.unwrap(), mended(0));
        assert_eq!(test.site.reindex(Extent::Everything).await.unwrap().entries, 1);
        assert_eq!(found(&ann, words(but_finds)).await, [""; 0]);
        assert_eq!(found(&ann, words(says)).await, ["document"]);
        test.assert_sound().await;
    }
    // What is gone is in neither.
    test.execute("DELETE FROM comment; DELETE FROM search_entry WHERE kind = 'FOLDER'").await;
    test.site.mend_index().await.unwrap();
    test.assert_sound().await;
    assert_eq!(test.number("SELECT COUNT(*) FROM search_entry").await, 2);
}

fn every_kind(text: &str) -> SearchRequest {
    let kinds = vec![HitKind::Folder, HitKind::Document, HitKind::Comment];
    SearchRequest { kinds, ..words(text) }
}

async fn another_site_finds_nothing(test: TestSite) {
    let mine = test.folder_in(&test.root(), "treasure").await.unwrap();
    let other = test.other_site().await;
    assert_eq!(found(&other, words("treasure")).await, [""; 0]);
    assert_eq!(found(&other, anything()).await, [""; 0]);
    let zoe = other.site.create_user(&other.call, new_user("zoe")).await.unwrap();
    let theirs = other.folder_in(&zoe.root_folder, "treasure").await.unwrap();
    for (actor, id) in [(&*test, mine.id), (&other, theirs.id)] {
        for request in [words("treasure"), anything()] {
            let hits = page(actor, request).await.hits;
            assert_eq!(hits.len(), 1);
            assert_eq!(hits[0].item.id(), id.as_str());
        }
    }
}

async fn a_search_costs_the_same_whatever_it_finds(test: TestSite) {
    let ann = test.as_user(&test.ann);
    for number in 0..300 {
        test.folder_in(&test.root(), &format!("cost {number}")).await.unwrap();
    }
    for (actor, request, statements) in [
        (&*test, words("cost"), 1),
        (&*test, anything(), 1),
        // Whether few match is asked first, and then whether few are seen.
        (&ann, words("cost 1"), 2),
        (&ann, words("cost"), 3),
        (&ann, anything(), 2),
        (&ann, words("nothing"), 2),
        (&ann, words("!"), 0),
    ] {
        let before = test.metadata.statements();
        page(actor, request).await;
        // PostgreSQL is told first to join as is written.
        let told = match test.engine {
            Engine::Postgres if statements > 0 => 1,
            Engine::Sqlite | Engine::Postgres => 0,
        };
        assert_eq!(test.metadata.statements() - before, statements + told);
    }
    // Labels are read with the items.
    let id = page(&ann, words("cost 7")).await.hits[0].item.id().to_owned();
    let labels = Selection::Named(vec!["none".to_owned()]);
    test.site.delete_labels(&test.call, ResourceId::new(id), labels).await.unwrap();
}
