//! What a search looks through: kept up by each change, and made anew where it is missing.

use docharbor_domain::{
    Comment, CommentText, ContentCategory, DocumentId, FolderId, OrganizationId, ResourceName,
    SearchText, VersionId,
};
use docharbor_metadata::Tx;
use docharbor_search::analyse;

use crate::jobs::ROWS_AT_ONCE;
use crate::{Error, Site};

/// Rows that are looked at in one reading for what is not in the index.
const ROWS_LOOKED_AT: i64 = 1_000;

impl Site {
    /// Puts everything into the index that is not in it: what an older version of this program made,
    /// and whatever was lost. Tells how much it was. It may stop anywhere and be run again.
    pub async fn index_missing(&self) -> Result<u64, Error> {
        let mut indexed = 0;
        for organization in self.organizations().await? {
            indexed += self.index_missing_folders(&organization).await?;
            indexed += self.index_missing_versions(&organization).await?;
            indexed += self.index_missing_comments(&organization).await?;
        }
        Ok(indexed)
    }

    async fn index_missing_folders(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let (mut indexed, mut after) = (0, Some(String::new()));
        while let Some(from) = after {
            let input = (organization.clone(), from);
            let page = self
                .read(input, |tx, (organization, from)| {
                    Box::pin(async move {
                        Ok(tx.unindexed_folders(organization, from, ROWS_LOOKED_AT).await?)
                    })
                })
                .await?;
            indexed += self
                .index_some(organization, page.missing, |tx, organization, missing| {
                    Box::pin(async move {
                        for id in missing {
                            if let Some(name) = tx.folder_to_index(organization, id).await? {
                                index_folder(tx, organization, id, &name).await?;
                            }
                        }
                        Ok(())
                    })
                })
                .await?;
            after = page.next;
        }
        Ok(indexed)
    }

    async fn index_missing_versions(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let (mut indexed, mut after) = (0, Some((String::new(), String::new())));
        while let Some(from) = after {
            let input = (organization.clone(), from);
            let page = self
                .read(input, |tx, (organization, (document, version))| {
                    Box::pin(async move {
                        let from = (document.as_str(), version.as_str());
                        Ok(tx.unindexed_versions(organization, from, ROWS_LOOKED_AT).await?)
                    })
                })
                .await?;
            indexed += self
                .index_some(organization, page.missing, |tx, organization, missing| {
                    Box::pin(async move {
                        for (document, version) in missing {
                            index_missing_version(tx, organization, document, version).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
            after = page.next;
        }
        Ok(indexed)
    }

    async fn index_missing_comments(&self, organization: &OrganizationId) -> Result<u64, Error> {
        let (mut indexed, mut after) = (0, Some([const { String::new() }; 3]));
        while let Some(from) = after {
            let input = (organization.clone(), from);
            let page = self
                .read(input, |tx, (organization, from)| {
                    Box::pin(async move {
                        let from = from.each_ref().map(String::as_str);
                        Ok(tx.unindexed_comments(organization, from, ROWS_LOOKED_AT).await?)
                    })
                })
                .await?;
            indexed += self
                .index_some(organization, page.missing, |tx, organization, missing| {
                    Box::pin(async move {
                        for (document, version, id) in missing {
                            let found =
                                tx.comment_to_index(organization, document, version, id).await?;
                            let Some(text) = found else { continue };
                            let text = analyse::text(text.as_str());
                            tx.index_comment(organization, document, version, id, &text).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
            after = page.next;
        }
        Ok(indexed)
    }

    /// Indexes what is missing, as much in one transaction as one may touch.
    async fn index_some<T, F>(
        &self,
        organization: &OrganizationId,
        missing: Vec<T>,
        work: F,
    ) -> Result<u64, Error>
    where
        T: Clone + Send + Sync + 'static,
        F: for<'a> Fn(
                &'a mut Tx,
                &'a OrganizationId,
                &'a [T],
            ) -> docharbor_metadata::BoxFuture<'a, Result<(), Error>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        for some in missing.chunks(usize::try_from(ROWS_AT_ONCE).unwrap_or(1)) {
            let input = (organization.clone(), some.to_vec());
            self.write(input, move |tx, (organization, some)| work(tx, organization, some)).await?;
        }
        Ok(u64::try_from(missing.len()).unwrap_or(u64::MAX))
    }
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

/// Lets a version be found by its name.
pub(crate) async fn index_version(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
    name: &ResourceName,
    content_type: &str,
) -> Result<(), Error> {
    let category = ContentCategory::of(name.as_str(), content_type);
    let name = analyse::text(name.as_str());
    Ok(tx.index_version(organization, document, version, &name, category).await?)
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
    if index_missing_version(tx, organization, document, version).await? {
        tx.index_content(organization, document, version, content).await?;
    }
    Ok(())
}

/// Lets a version be found by its name that could not be. False where it is gone by now.
async fn index_missing_version(
    tx: &mut Tx,
    organization: &OrganizationId,
    document: &DocumentId,
    version: &VersionId,
) -> Result<bool, Error> {
    let found = tx.version_to_index(organization, document, version).await?;
    let Some((name, content_type)) = found else { return Ok(false) };
    index_version(tx, organization, document, version, &name, &content_type).await?;
    Ok(true)
}
