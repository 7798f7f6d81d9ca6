//! Pages of a folder that changes meanwhile: what stays is seen exactly once.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use docharbor_domain::{DocumentId, FolderId, ItemKind, Sort};
use docharbor_site::{ContentsPage, ContentsQuery, Kinds};

use crate::support::{TestSite, on_both_engines};

on_both_engines! {
    an_item_that_stays_is_returned_exactly_once,
}

/// Chance that a seed repeats.
struct Chance(u64);

impl Chance {
    fn fresh() -> Self {
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Something that comes and goes.
enum Other {
    Folder(FolderId),
    Document(DocumentId),
}

async fn an_item_that_stays_is_returned_exactly_once(test: TestSite) {
    let mut chance = Chance::fresh();
    println!("seed {}", chance.0);
    let begun = test.site.now();
    let folder = test.folder_in(&test.root(), "folder").await.unwrap().id;
    let [folders, documents] = plant(&test, &folder, &mut chance).await;
    let mut others = Vec::new();
    for kinds in [Kinds::All, Kinds::Only(ItemKind::Folder), Kinds::Only(ItemKind::Document)] {
        for sort in [Sort::Name, Sort::Date] {
            for (descending, limit) in
                [false, true].map(|d| [1, 2, 7, 999].map(|l| (d, l))).concat()
            {
                let query = ContentsQuery {
                    folder: folder.clone(),
                    kinds,
                    sort,
                    descending,
                    include_initialized: true,
                    after: None,
                    limit,
                };
                let mut pages = Vec::new();
                let mut next = query.clone();
                loop {
                    let page = test.site.folder_contents(&test.call, next).await.unwrap();
                    let after = page.next.clone();
                    pages.push(page);
                    assert!(pages.len() < 200, "the scan does not end");
                    if after.is_none() {
                        break;
                    }
                    next = ContentsQuery { after, ..query.clone() };
                    test.set_clock(begun);
                    mutate(&test, &folder, &mut others, &mut chance).await;
                }
                let wanted: BTreeSet<&String> = match kinds {
                    Kinds::All => folders.iter().chain(&documents).collect(),
                    Kinds::Only(ItemKind::Folder) => folders.iter().collect(),
                    Kinds::Only(ItemKind::Document) => documents.iter().collect(),
                };
                assert_once(&pages, &wanted, limit);
                assert_sorted(&pages, sort, descending);
            }
        }
    }
}

/// The items that stay, some of the same moment.
async fn plant(test: &TestSite, folder: &FolderId, chance: &mut Chance) -> [Vec<String>; 2] {
    let [mut folders, mut documents] = [Vec::new(), Vec::new()];
    for number in 0..11 {
        test.advance(i64::try_from(chance.below(3)).unwrap());
        let name = format!("{:02} stays {number}", chance.below(100));
        let made = test.folder_in(folder, &format!("folder {name}")).await.unwrap();
        folders.push(made.id.as_str().to_owned());
        let made = test.upload(folder, &format!("document {name}"), b"12345").await.unwrap();
        documents.push(made.document.as_str().to_owned());
    }
    [folders, documents]
}

/// Lets something come or go, at any place of any order.
async fn mutate(test: &TestSite, folder: &FolderId, others: &mut Vec<Other>, chance: &mut Chance) {
    test.advance(i64::try_from(chance.below(40)).unwrap());
    if others.len() > 8 || (!others.is_empty() && chance.below(3) == 0) {
        let gone = chance.below(u64::try_from(others.len()).unwrap());
        match others.swap_remove(usize::try_from(gone).unwrap()) {
            Other::Folder(id) => test.delete_folder(&id).await.unwrap(),
            Other::Document(id) => test.delete_document(&id).await.unwrap(),
        }
        return;
    }
    let name = format!("{:02} passes {:016x}", chance.below(100), chance.below(u64::MAX));
    if chance.below(2) == 0 {
        let made = test.folder_in(folder, &format!("folder {name}")).await.unwrap();
        others.push(Other::Folder(made.id));
    } else {
        let made = test.begin(folder, &format!("document {name}"), None).await.unwrap();
        others.push(Other::Document(made.document));
    }
}

fn ids(page: &ContentsPage) -> impl Iterator<Item = &str> {
    let folders = page.folders.iter().map(|folder| folder.id.as_str());
    folders.chain(page.documents.iter().map(|document| document.id.as_str()))
}

fn assert_once(pages: &[ContentsPage], wanted: &BTreeSet<&String>, limit: i64) {
    let mut seen = BTreeSet::new();
    for (number, page) in pages.iter().enumerate() {
        let count = i64::try_from(ids(page).count()).unwrap();
        assert!(count <= limit, "{count} items on a page of {limit}");
        assert!(count == limit || number + 1 == pages.len(), "a page in the middle is short");
        for id in ids(page) {
            assert!(seen.insert(id.to_owned()), "{id} came twice");
        }
    }
    let missed: Vec<_> = wanted.iter().filter(|id| !seen.contains(id.as_str())).collect();
    assert!(missed.is_empty(), "{missed:?} never came");
}

/// Folders come before documents, and each kind in its order.
fn assert_sorted(pages: &[ContentsPage], sort: Sort, descending: bool) {
    let with_documents = pages.iter().position(|page| !page.documents.is_empty());
    let with_folders = pages.iter().rposition(|page| !page.folders.is_empty());
    if let (Some(documents), Some(folders)) = (with_documents, with_folders) {
        assert!(folders <= documents, "a folder came behind a document");
    }
    let folders = pages.iter().flat_map(|page| &page.folders);
    let documents = pages.iter().flat_map(|page| &page.documents);
    let key = |name: String, millis: i64| match sort {
        Sort::Name => (name, 0),
        Sort::Date => (String::new(), millis),
    };
    let folders: Vec<_> =
        folders.map(|folder| key(folder.name.key(), folder.modified.as_millis())).collect();
    let documents: Vec<_> = documents
        .map(|document| key(document.latest.name.key(), document.modified.as_millis()))
        .collect();
    for mut keys in [folders, documents] {
        if descending {
            keys.reverse();
        }
        assert!(keys.is_sorted(), "{keys:?}");
    }
}
