//! What a search looks through: kept up by each change, and mended where it is not as it must be.

use docharbor_domain::{
    Comment, CommentId, CommentText, ContentCategory, DocumentId, FolderId, OrganizationId,
    ResourceName, SearchText, Timestamp, VersionId,
};
use docharbor_metadata::{EntryKey, IndexedKind, LookedOver, ToIndex, Tx};
use docharbor_search::analyse;

use crate::jobs::ROWS_AT_ONCE;
use crate::{Error, Site};

/// Rows that are looked over in one reading.
const ROWS_LOOKED_AT: i64 = 500;

/// What was mended in the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Entries that were written anew, or taken out because what they were of is gone.
    pub entries: u64,
    /// Versions that will be looked into anew, because it was lost what they say.
    pub versions_queued: u64,
}

/// What became of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Written,
    /// And the version will be looked into anew.
    Queued,
}

impl Site {
    /// Puts everything into the index that is not in it or by other words than it has: what an older
    /// version of this program made, and whatever was lost or damaged. Takes out what is gone. It may
    /// stop anywhere and be run again.
    pub async fn mend_index(&self) -> Result<Mended, Error> {
        let mut mended = Mended::default();
        for organization in self.organizations().await? {
            for kind in IndexedKind::ALL {
                self.mend_entries(&organization, kind, &mut mended).await?;
            }
            mended.entries += self.forget_entries_of_nothing(&organization).await?;
            mended.entries += self.forget_words_of_nothing(&organization).await?;
        }
        if mended.versions_queued != 0 {
            self.documents.notify_one();
        }
        Ok(mended)
    }

    async fn mend_entries(
        &self,
        organization: &OrganizationId,
        kind: IndexedKind,
        mended: &mut Mended,
    ) -> Result<(), Error> {
        let mut after = Some(EntryKey::default());
        while let Some(from) = after {
            let page = self.wrong_entries(organization, kind, from).await?;
            for some in page.found.chunks(usize::try_from(ROWS_AT_ONCE).unwrap_or(1)) {
                let keys: Vec<EntryKey> = some.iter().map(|wrong| wrong.key.clone()).collect();
                let input = (organization.clone(), kind, keys, self.now());
                let written = self
                    .write(input, |tx, (organization, kind, keys, now)| {
                        Box::pin(mend_some(tx, organization, *kind, keys, *now))
                    })
                    .await?;
                mended.entries += u64::try_from(written.len()).unwrap_or_default();
                let queued = written.iter().filter(|entry| **entry == Entry::Queued).count();
                mended.versions_queued += u64::try_from(queued).unwrap_or_default();
            }
            after = page.next;
        }
        Ok(())
    }

    /// Looks over some of what is to be found for what is not, or by other words, or by nothing of
    /// what it says.
    pub(crate) async fn wrong_entries(
        &self,
        organization: &OrganizationId,
        kind: IndexedKind,
        after: EntryKey,
    ) -> Result<LookedOver<EntryKey, ToIndex>, Error> {
        self.read((organization.clone(), after), move |tx, (organization, after)| {
            Box::pin(async move {
                let mut page = tx.to_index(organization, kind, after, ROWS_LOOKED_AT).await?;
                // Here, where it keeps nobody waiting: on SQLite this is no thread of the runtime.
                page.found.retain(|row| {
                    row.lacks_content
                        || row.tokens.as_ref() != Some(&analyse::text(&row.text).tokens)
                });
                Ok(page)
            })
        })
        .await
    }

    async fn forget_entries_of_nothing(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let (mut forgotten, mut after) = (0, Some(0));
        while let Some(from) = after {
            let input = (organization.clone(), from);
            let page = self
                .read(input, |tx, (organization, from)| {
                    Box::pin(async move {
                        Ok(tx.entries_of_nothing(organization, *from, ROWS_LOOKED_AT).await?)
                    })
                })
                .await?;
            forgotten += u64::try_from(page.found.len()).unwrap_or_default();
            if !page.found.is_empty() {
                self.write((organization.clone(), page.found), |tx, (organization, gone)| {
                    Box::pin(async move {
                        for key in gone {
                            tx.forget_entry(organization, key).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
            }
            after = page.next;
        }
        Ok(forgotten)
    }

    async fn forget_words_of_nothing(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let (mut forgotten, mut after) = (0, Some(0));
        while let Some(from) = after {
            let page = self.words_of_nothing(organization, from).await?;
            forgotten += u64::try_from(page.found.len()).unwrap_or_default();
            if !page.found.is_empty() {
                self.write(page.found, |tx, gone| {
                    Box::pin(async move {
                        for ordinal in gone {
                            tx.forget_words(*ordinal).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
            }
            after = page.next;
        }
        Ok(forgotten)
    }

    /// Looks over some words of the index for those of no entry.
    pub(crate) async fn words_of_nothing(
        &self,
        organization: &OrganizationId,
        after: i64,
    ) -> Result<LookedOver<i64, i64>, Error> {
        self.read((organization.clone(), after), |tx, (organization, after)| {
            Box::pin(
                async move { Ok(tx.words_of_nothing(organization, *after, ROWS_LOOKED_AT).await?) },
            )
        })
        .await
    }

    /// Looks over some entries for those whose words are others than theirs.
    pub(crate) async fn miswritten_entries(
        &self,
        organization: &OrganizationId,
        after: i64,
    ) -> Result<LookedOver<i64, (i64, String)>, Error> {
        self.read((organization.clone(), after), |tx, (organization, after)| {
            Box::pin(async move {
                Ok(tx.miswritten_entries(organization, *after, ROWS_LOOKED_AT).await?)
            })
        })
        .await
    }

    /// Writes the words anew that are others than those of their entries. Every entry is searched for
    /// by its words, so this takes longer than all else that mends the index.
    pub(crate) async fn rewrite_words(&self) -> Result<u64, Error> {
        let mut rewritten = 0;
        for organization in self.organizations().await? {
            let mut after = Some(0);
            while let Some(from) = after {
                let page = self.miswritten_entries(&organization, from).await?;
                for some in page.found.chunks(usize::try_from(ROWS_AT_ONCE).unwrap_or(1)) {
                    self.write(
                        (organization.clone(), some.to_vec()),
                        |tx, (organization, some)| {
                            Box::pin(async move {
                                for (ordinal, _) in some {
                                    tx.rewrite_words(organization, *ordinal).await?;
                                }
                                Ok(())
                            })
                        },
                    )
                    .await?;
                }
                rewritten += u64::try_from(page.found.len()).unwrap_or_default();
                after = page.next;
            }
        }
        Ok(rewritten)
    }
}

/// Writes some entries anew. What is gone by now has none.
async fn mend_some(
    tx: &mut Tx,
    organization: &OrganizationId,
    kind: IndexedKind,
    keys: &[EntryKey],
    now: Timestamp,
) -> Result<Vec<Entry>, Error> {
    let mut written = Vec::new();
    for key in keys {
        let entry = match kind {
            IndexedKind::Folder => mend_folder(tx, organization, key).await?,
            IndexedKind::Version => mend_version(tx, organization, key, now).await?,
            IndexedKind::Comment => mend_comment(tx, organization, key).await?,
        };
        written.extend(entry);
    }
    Ok(written)
}

async fn mend_folder(
    tx: &mut Tx,
    organization: &OrganizationId,
    [id, ..]: &EntryKey,
) -> Result<Option<Entry>, Error> {
    let id = FolderId::new(id);
    let Some(name) = tx.folder_to_index(organization, &id).await? else { return Ok(None) };
    index_folder(tx, organization, &id, &name).await?;
    Ok(Some(Entry::Written))
}

/// What a version says is in no other row than its entry, so it has to be looked into anew.
async fn mend_version(
    tx: &mut Tx,
    organization: &OrganizationId,
    [document, version, _]: &EntryKey,
    now: Timestamp,
) -> Result<Option<Entry>, Error> {
    let (document, version) = (DocumentId::new(document), VersionId::new(version));
    let has_content = index_missing_version(tx, organization, &document, &version).await?;
    let Some(has_content) = has_content else { return Ok(None) };
    let is_queued =
        !has_content && tx.extract_again(organization, &document, &version, now).await?;
    Ok(Some(if is_queued { Entry::Queued } else { Entry::Written }))
}

async fn mend_comment(
    tx: &mut Tx,
    organization: &OrganizationId,
    [document, version, id]: &EntryKey,
) -> Result<Option<Entry>, Error> {
    let (document, version) = (DocumentId::new(document), VersionId::new(version));
    let id = CommentId::new(id);
    let found = tx.comment_to_index(organization, &document, &version, &id).await?;
    let Some(text) = found else { return Ok(None) };
    let text = analyse::text(text.as_str());
    tx.index_comment(organization, &document, &version, &id, &text).await?;
    Ok(Some(Entry::Written))
}

/// Lets a folder be found by its name.
pub(crate) async fn index_folder(
    tx: &mut Tx,
    organization: &OrganizationId,
    id: &FolderId,
    name: &ResourceName,
) -> Result<(), Error> {
    Ok(tx.index_folder(organization, id, &analyse::text(name.as_str())).await?)
}

/// Lets a version be found by its name; one that `is_silent` says nothing. Tells whether it is known
/// what it says.
pub(crate) async fn index_version(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
    name: &ResourceName,
    content_type: &str,
    is_silent: bool,
) -> Result<bool, Error> {
    let category = ContentCategory::of(name.as_str(), content_type);
    let name = analyse::text(name.as_str());
    Ok(tx.index_version(organization, document, version, (&name, category), is_silent).await?)
}

/// Lets a comment be found by what it says.
pub(crate) async fn index_comment(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
    comment: &Comment,
) -> Result<(), Error> {
    let text = analyse::text(comment.text.as_ref().map_or("", CommentText::as_str));
    Ok(tx.index_comment(organization, document, version, &comment.id, &text).await?)
}

/// Lets a version be found by what it says. Nothing happens to one that is gone by now.
pub async fn index_content(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
    content: &SearchText,
) -> Result<(), Error> {
    if tx.index_content(organization, document, version, content).await? {
        return Ok(());
    }
    // One that was uploaded before there was an index.
    if index_missing_version(tx, organization, document, version).await?.is_some() {
        tx.index_content(organization, document, version, content).await?;
    }
    Ok(())
}

/// Lets a version be found by its name that could not be, and tells whether it is found by what it
/// says, too. Nothing where it is gone by now.
async fn index_missing_version(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
) -> Result<Option<bool>, Error> {
    let found = tx.version_to_index(organization, document, version).await?;
    let Some((name, content_type)) = found else { return Ok(None) };
    index_version(tx, organization, document, version, &name, &content_type, false).await.map(Some)
}
