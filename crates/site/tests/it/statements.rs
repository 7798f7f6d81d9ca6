//! How many statements each use case costs, however much stands in the folder.

use docharbor_domain::{DocumentId, FolderId, ItemKind, ResourceId, Sort};
use docharbor_site::{ContentsQuery, GroupListing, Kinds, PathQuery, PermissionListing};
use futures::future::try_join_all;

use crate::support::{Draft, Engine, TestSite, on_both_engines};

on_both_engines! {
    each_use_case_costs_what_it_cost,
    a_path_and_the_permissions_cost_one_statement_at_any_depth,
    changing_where_something_stands_costs_the_same_at_any_depth,
    what_a_user_asks_about_themselves_and_groups_costs_the_same_always,
}

/// What stands in the folder the use cases are about.
struct Stand {
    folder: FolderId,
    document: Draft,
}

/// A folder with so many folders, and one document.
async fn stand(test: &TestSite, folders: usize) -> Stand {
    let folder = test.folder_in(&test.root(), &format!("with {folders}")).await.unwrap().id;
    let names: Vec<String> = (0..folders).map(|number| format!("folder {number:04}")).collect();
    for some in names.chunks(128) {
        try_join_all(some.iter().map(|name| test.folder_in(&folder, name))).await.unwrap();
    }
    let document = test.upload(&folder, "document", b"12345").await.unwrap();
    Stand { folder, document }
}

async fn each_use_case_costs_what_it_cost(test: TestSite) {
    // The statements are the same on both; filling a folder is quicker on one.
    let large = match test.engine {
        Engine::Sqlite => 2_000,
        Engine::Postgres => 300,
    };
    for folders in [10, large] {
        let stand = stand(&test, folders).await;
        let mut costs = reads(&test, &stand, folders).await;
        costs.extend(uploads(&test, &stand).await);
        costs.extend(placements(&test, &stand).await);
        costs.extend(versions(&test, &stand).await);
        costs.extend(changes(&test, &stand).await);
        assert_eq!(
            costs,
            [
                ("GetFolder", 2),
                ("GetDocument", 1),
                ("GetDocumentVersion", 2),
                ("DescribeDocumentVersions", 2),
                ("download of the latest", 1),
                ("DescribeFolderContents, folders alone fill the page", 2),
                ("DescribeFolderContents, over the border of folders and documents", 3),
                ("DescribeFolderContents, one kind", 2),
                ("Initiate of a document", 6),
                ("Initiate of a version", 7),
                ("opening a transfer", 3),
                ("attaching the declared bytes", 5),
                ("attaching the bytes again", 7),
                ("UpdateDocumentVersion", 11),
                ("UpdateDocumentVersion again", 1),
                ("Abort of a version", 9),
                ("Abort of a document", 17),
                ("UpdateFolder, rename", 8),
                ("UpdateFolder, move", 12),
                ("UpdateFolder, move deeper", 13),
                ("UpdateFolder, recycle", 9),
                ("UpdateFolder, restore", 15),
                ("UpdateDocument, rename", 10),
                ("UpdateDocument, move", 11),
                ("UpdateDocument, recycle", 10),
                ("UpdateDocument, restore", 12),
                ("DeleteDocumentVersion", 10),
                ("DeleteDocumentVersion with prior ones", 10),
                ("RestoreDocumentVersions", 8),
                ("DeleteFolderContents", 8),
                ("CreateFolder", 7),
                ("DeleteDocument", 25),
                ("DeleteFolder", 8),
            ],
            "{folders} folders"
        );
    }
}

/// What a use case costs.
type Cost = (&'static str, u64);

macro_rules! cost {
    ($test:expr, $name:literal, $act:expr) => {{
        let before = $test.metadata.statements();
        let done = $act.await.unwrap();
        (($name, $test.metadata.statements() - before), done)
    }};
}

async fn reads(test: &TestSite, stand: &Stand, folders: usize) -> Vec<Cost> {
    let (site, call) = (&test.site, &test.call);
    let Draft { document, version } = &stand.document;
    let contents = |kinds, limit: usize| {
        let query = ContentsQuery {
            folder: stand.folder.clone(),
            kinds,
            sort: Sort::Name,
            descending: false,
            include_initialized: false,
            after: None,
            limit: i64::try_from(limit).unwrap(),
        };
        site.folder_contents(call, query)
    };
    vec![
        cost!(test, "GetFolder", site.folder(call, stand.folder.clone())).0,
        cost!(test, "GetDocument", site.document(call, document.clone())).0,
        cost!(test, "GetDocumentVersion", site.version(call, document.clone(), version.clone())).0,
        cost!(
            test,
            "DescribeDocumentVersions",
            site.versions(call, document.clone(), true, None, 10)
        )
        .0,
        cost!(
            test,
            "download of the latest",
            site.open_download(call, document.clone(), version.clone())
        )
        .0,
        cost!(
            test,
            "DescribeFolderContents, folders alone fill the page",
            contents(Kinds::All, folders - 1)
        )
        .0,
        cost!(
            test,
            "DescribeFolderContents, over the border of folders and documents",
            contents(Kinds::All, folders)
        )
        .0,
        cost!(
            test,
            "DescribeFolderContents, one kind",
            contents(Kinds::Only(ItemKind::Document), 100)
        )
        .0,
    ]
}

async fn uploads(test: &TestSite, stand: &Stand) -> Vec<Cost> {
    let document: &DocumentId = &stand.document.document;
    let (begin, draft) =
        cost!(test, "Initiate of a document", test.begin(&stand.folder, "new", Some(5)));
    let (begin_version, version) =
        cost!(test, "Initiate of a version", test.begin_version(document, Some(5)));
    let opening = test.site.open_upload(&test.call, draft.document.clone(), draft.version.clone());
    let (open, _incoming) = cost!(test, "opening a transfer", opening);
    let put = |name: &'static str, cost: Cost| (name, cost.1 - open.1);
    let first = cost!(test, "", test.put(&draft, "12345")).0;
    let second = cost!(test, "", test.put(&draft, "54321")).0;
    let activate = cost!(test, "UpdateDocumentVersion", test.activate(&draft)).0;
    let again = cost!(test, "UpdateDocumentVersion again", test.activate(&draft)).0;
    let abort_version = cost!(test, "Abort of a version", test.abort(&version)).0;
    let other = test.begin(&stand.folder, "other", Some(5)).await.unwrap();
    let abort = cost!(test, "Abort of a document", test.abort(&other)).0;
    test.delete_document(&draft.document).await.unwrap();
    vec![
        begin,
        begin_version,
        open,
        put("attaching the declared bytes", first),
        put("attaching the bytes again", second),
        activate,
        again,
        abort_version,
        abort,
    ]
}

/// What it costs to change where the folder, and the document in it, stand.
async fn placements(test: &TestSite, stand: &Stand) -> Vec<Cost> {
    let (root, folder, document) = (test.root(), &stand.folder, &stand.document.document);
    let above = test.folder_in(&root, "above").await.unwrap().id;
    let beside = test.folder_in(&root, "beside").await.unwrap().id;
    test.move_to(folder, &above).await.unwrap();
    let costs = vec![
        cost!(test, "UpdateFolder, rename", test.rename(folder, "renamed")).0,
        cost!(test, "UpdateFolder, move", test.move_to(folder, &root)).0,
        cost!(test, "UpdateFolder, move deeper", test.move_to(folder, &above)).0,
        cost!(test, "UpdateFolder, recycle", test.recycle(folder)).0,
        cost!(test, "UpdateFolder, restore", test.restore(folder, None)).0,
        cost!(test, "UpdateDocument, rename", test.rename(document, "renamed")).0,
        cost!(test, "UpdateDocument, move", test.move_to(document, &beside)).0,
        cost!(test, "UpdateDocument, recycle", test.recycle(document)).0,
        cost!(test, "UpdateDocument, restore", test.restore(document, None)).0,
    ];
    test.move_to(folder, &root).await.unwrap();
    test.move_to(document, folder).await.unwrap();
    test.delete_folder(&above).await.unwrap();
    test.delete_folder(&beside).await.unwrap();
    costs
}

async fn versions(test: &TestSite, stand: &Stand) -> Vec<Cost> {
    let document = &stand.document.document;
    let second = test.upload_version(document, b"123").await.unwrap();
    test.upload_version(document, b"123").await.unwrap();
    let one = cost!(test, "DeleteDocumentVersion", test.delete_version(&second, false)).0;
    test.restore_versions(document).await.unwrap();
    let prior =
        cost!(test, "DeleteDocumentVersion with prior ones", test.delete_version(&second, true));
    let restore = cost!(test, "RestoreDocumentVersions", test.restore_versions(document)).0;
    vec![one, prior.0, restore]
}

async fn changes(test: &TestSite, stand: &Stand) -> Vec<Cost> {
    let (create, folder) = cost!(test, "CreateFolder", test.folder_in(&stand.folder, "another"));
    let document = test.upload(&folder.id, "document", b"12345").await.unwrap();
    let delete = cost!(test, "DeleteDocument", test.delete_document(&document.document)).0;
    let contents = test.site.delete_folder_contents(&test.call, stand.folder.clone());
    let (contents, ()) = cost!(test, "DeleteFolderContents", contents);
    let folder = cost!(test, "DeleteFolder", test.delete_folder(&stand.folder)).0;
    vec![contents, create, delete, folder]
}

async fn a_path_and_the_permissions_cost_one_statement_at_any_depth(test: TestSite) {
    let mut folder = test.root();
    for level in 1..=50 {
        folder = test.folder_in(&folder, "deeper").await.unwrap().id;
        if level != 1 && level != 50 {
            continue;
        }
        let document = test.upload(&folder, "document", b"12345").await.unwrap().document;
        let targets: [(ResourceId, ItemKind, usize); 2] = [
            (folder.clone().into(), ItemKind::Folder, level + 1),
            (document.into(), ItemKind::Document, level + 2),
        ];
        for (id, kind, levels) in targets {
            let listing = PermissionListing { principal_id: None, after: None, limit: 10 };
            let permissions = test.site.permissions(&test.call, id.clone(), listing);
            assert_eq!(cost!(test, "permissions", permissions).0.1, 1, "{kind:?} at level {level}");
            let query = PathQuery { id, kind, limit: None };
            let (cost, path) = cost!(test, "path", test.site.path(&test.call, query));
            assert_eq!((cost.1, path.len()), (1, levels), "{kind:?} at level {level}");
        }
    }
}

async fn changing_where_something_stands_costs_the_same_at_any_depth(test: TestSite) {
    let mut folder = test.root();
    let mut costs = Vec::new();
    for level in 1..=50 {
        folder = test.folder_in(&folder, "deeper").await.unwrap().id;
        if level != 1 && level != 50 {
            continue;
        }
        let name = format!("stand {level}");
        let one = test.folder_in(&folder, &name).await.unwrap().id;
        let document = test.upload(&one, "document", b"12345").await.unwrap();
        let stand = Stand { folder: one, document };
        costs.push(placements(&test, &stand).await);
        test.delete_folder(&stand.folder).await.unwrap();
    }
    assert_eq!(costs[0], costs[1]);
}

async fn what_a_user_asks_about_themselves_and_groups_costs_the_same_always(test: TestSite) {
    let ann = test.as_user(&test.ann);
    for groups in [1, 20] {
        for number in 0..groups {
            let name = format!("group {groups} {number}");
            test.site.create_group(ann.call.organization(), &name).await.unwrap();
        }
        let listing = GroupListing { words: vec!["g".to_owned()], after: None, limit: 10 };
        let costs = [
            cost!(test, "GetCurrentUser", test.site.current_user(&ann.call)).0,
            cost!(test, "DescribeRootFolders", test.site.root_folders(&ann.call)).0,
            cost!(test, "DescribeGroups", test.site.groups(&ann.call, listing)).0,
        ];
        let expected = [("GetCurrentUser", 1), ("DescribeRootFolders", 3), ("DescribeGroups", 1)];
        assert_eq!(costs, expected, "{groups} groups");
    }
}
